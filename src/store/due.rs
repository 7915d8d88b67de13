//! Due items: who looks at which proposal next, one at a time, never lost.
//!
//! Must not know what a turn does.

use super::db::{Tx, row, run};
use super::error::{Result, StoreError};
use super::insist::insist;
use super::{Store, bell, count, log, number};
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::redact;

/// The wait after a first failure, seconds; doubled with each further one.
const FIRST_WAIT: i64 = 5;
/// The longest wait after a failure, seconds, before its jitter of up to a quarter.
const LONGEST_WAIT: i64 = 600;
/// What is kept of an error, characters.
const ERROR_LENGTH: usize = 2_000;

/// The right to look at one proposal until the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The tenant.
    pub tenant: TenantId,
    /// The proposal.
    pub id: String,
    /// Turns that failed since the last one that did not.
    pub attempts: u64,
    /// Which claim of this proposal it is; an older one has no rights.
    turn: i64,
}

/// Which proposals to look at now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeBy<'a> {
    /// The one with this id.
    Id(&'a str),
    /// Those of a pull request.
    Pull {
        /// The repository's key.
        repository: &'a str,
        /// The pull request's number.
        number: u64,
    },
    /// All of a repository, by its key, but those whose outcome is known: they have time.
    Repository(&'a str),
}

const CLAIM_SQLITE: &str = "UPDATE due SET lease = $1, owner = $2, turn = turn + 1, woken = 0, \
    attempts = attempts + CASE WHEN lease > 0 THEN 1 ELSE 0 END \
    WHERE rowid = (SELECT d.rowid FROM due d JOIN served s ON s.tenant = d.tenant \
    WHERE d.at <= $3 AND d.lease <= $3 ORDER BY s.last, d.at LIMIT 1) \
    RETURNING tenant, proposal, attempts, turn";
const CLAIM_POSTGRES: &str = "WITH next AS MATERIALIZED (SELECT d.tenant, d.proposal FROM due d \
    JOIN served s ON s.tenant = d.tenant WHERE d.at <= $3 AND d.lease <= $3 ORDER BY s.last, d.at LIMIT 1 \
    FOR UPDATE OF d SKIP LOCKED) UPDATE due SET lease = $1, owner = $2, turn = turn + 1, woken = 0, \
    attempts = attempts + CASE WHEN lease > 0 THEN 1 ELSE 0 END \
    FROM next WHERE due.tenant = next.tenant AND due.proposal = next.proposal \
    RETURNING due.tenant, due.proposal, due.attempts, due.turn";

impl Store {
    /// Takes the proposal that has been due longest, of the tenant that has waited longest, and leases it to `owner`.
    ///
    /// The lease ends with `release` or `fail`, or by itself, which counts as a failed attempt.
    pub async fn claim(&self, now: Time, lease_seconds: i64, owner: &str) -> Result<Option<Claim>> {
        insist(|| self.claim_once(now, lease_seconds, owner)).await
    }

    async fn claim_once(&self, now: Time, lease_seconds: i64, owner: &str) -> Result<Option<Claim>> {
        let mut tx = self.db.write().await?;
        let sql = tx.pick(CLAIM_SQLITE, CLAIM_POSTGRES);
        let until = now.plus_seconds(lease_seconds).0;
        let found = row!(&mut tx, (String, String, i64, i64), sql, until, owner, now.0)?;
        let Some((tenant, id, attempts, turn)) = found else { return Ok(None) };
        let sql = "UPDATE served SET last = (SELECT MAX(last) FROM served) + 1 WHERE tenant = $1";
        run!(&mut tx, sql, tenant.as_str())?;
        tx.commit().await?;
        let tenant = tenant.parse().map_err(|error| StoreError::damaged("a tenant's name", error))?;
        Ok(Some(Claim { tenant, id, attempts: number(attempts), turn }))
    }

    /// Holds a lease longer; `Conflict` when it ended and somebody else has the proposal.
    pub async fn renew(&self, claim: &Claim, lease_seconds: i64, now: Time) -> Result<()> {
        let sql = "UPDATE due SET lease = $1 WHERE tenant = $2 AND proposal = $3 AND turn = $4 AND lease > 0";
        let until = now.plus_seconds(lease_seconds).0;
        let mut tx = self.db.write().await?;
        let held = run!(&mut tx, sql, until, claim.tenant.as_str(), claim.id.as_str(), claim.turn)?;
        tx.commit().await?;
        if held == 1 { Ok(()) } else { Err(StoreError::Conflict(format!("the lease of proposal {}", claim.id))) }
    }

    /// Ends a turn that went well: forgets failures, and looks again at `due` where one is given.
    ///
    /// A hint that came during the turn is not lost: the proposal is then due at once. A proposal that is over has no
    /// item any more, and that is well.
    pub async fn release(&self, claim: &Claim, due: Option<Time>) -> Result<()> {
        let sql = "UPDATE due SET lease = 0, owner = '', attempts = 0, error = NULL, \
                   at = CASE WHEN $1 IS NULL OR (woken = 1 AND at < $1) THEN at ELSE $1 END \
                   WHERE tenant = $2 AND proposal = $3 AND turn = $4";
        let at = due.map(|due| due.0);
        let mut tx = self.db.write().await?;
        run!(&mut tx, sql, at, claim.tenant.as_str(), claim.id.as_str(), claim.turn)?;
        tx.commit().await
    }

    /// Ends a turn that failed: looks again later and later; the next look.
    pub async fn fail(&self, claim: &Claim, error: &str, now: Time) -> Result<Time> {
        self.fail_until(claim, error, now.plus_seconds(wait(&claim.id, claim.attempts))).await
    }

    /// Ends a turn whose facts changed while it went on: looks again at once, and later and later when that goes on.
    pub async fn outrun(&self, claim: &Claim, error: &str, now: Time) -> Result<Time> {
        match claim.attempts {
            0 => self.fail_until(claim, error, now).await,
            _ => self.fail(claim, error, now).await,
        }
    }

    async fn fail_until(&self, claim: &Claim, error: &str, at: Time) -> Result<Time> {
        let text: String = redact::text(error).replace('\0', "\u{fffd}").chars().take(ERROR_LENGTH).collect();
        let sql = "UPDATE due SET lease = 0, owner = '', attempts = $1, error = $2, at = $3 \
                   WHERE tenant = $4 AND proposal = $5 AND turn = $6";
        let attempts = count(claim.attempts.saturating_add(1))?;
        let mut tx = self.db.write().await?;
        run!(&mut tx, sql, attempts, text.as_str(), at.0, claim.tenant.as_str(), claim.id.as_str(), claim.turn)?;
        tx.commit().await.map(|()| at)
    }

    /// Makes proposals that are not over due now; how many.
    pub async fn wake(&self, tenant: &TenantId, by: WakeBy<'_>, now: Time) -> Result<u64> {
        insist(|| self.wake_once(tenant, by, now)).await
    }

    async fn wake_once(&self, tenant: &TenantId, by: WakeBy<'_>, now: Time) -> Result<u64> {
        let mut tx = self.db.write().await?;
        // Rows of several proposals are changed at once: under the tenant's lock nobody waits in a circle.
        log::lock(&mut tx, tenant).await?;
        let woken = match by {
            WakeBy::Id(id) => wake_one(&mut tx, tenant, id, now).await?,
            WakeBy::Pull { repository, number } => {
                let sql = "UPDATE due SET woken = 1, at = CASE WHEN at > $1 THEN $1 ELSE at END WHERE tenant = $2 \
                           AND proposal IN (SELECT id FROM proposal WHERE tenant = $2 AND repository = $3 AND pull = $4)";
                run!(&mut tx, sql, now.0, tenant.as_str(), repository, count(number)?)?
            }
            WakeBy::Repository(repository) => {
                let sql = "UPDATE due SET woken = 1, at = CASE WHEN at > $1 THEN $1 ELSE at END WHERE tenant = $2 \
                           AND proposal IN (SELECT id FROM proposal WHERE tenant = $2 AND repository = $3 \
                           AND stage <> 'settled')";
                run!(&mut tx, sql, now.0, tenant.as_str(), repository)?
            }
        };
        self.ring(tx, woken).await
    }

    /// Makes the proposals of a pull request due now, also those that are over; how many.
    pub async fn rouse(&self, tenant: &TenantId, repository: &str, number: u64, now: Time) -> Result<u64> {
        let mut tx = self.db.write().await?;
        log::lock(&mut tx, tenant).await?;
        let sql = "INSERT INTO due (tenant, proposal, at, lease, owner, turn, attempts, woken) \
                   SELECT tenant, id, $1, 0, '', 0, 0, 0 FROM proposal WHERE tenant = $2 AND repository = $3 \
                   AND pull = $4 ON CONFLICT (tenant, proposal) DO UPDATE SET woken = 1, \
                   at = CASE WHEN due.at > excluded.at THEN excluded.at ELSE due.at END";
        let roused = run!(&mut tx, sql, now.0, tenant.as_str(), repository, count(number)?)?;
        self.ring(tx, roused).await
    }

    /// Commits, and rings where something became due; how many did.
    async fn ring(&self, mut tx: Tx, due: u64) -> Result<u64> {
        if due > 0 {
            bell::notify(&mut tx).await?;
        }
        tx.commit().await?;
        if due > 0 {
            self.rope.pull();
        }
        Ok(due)
    }

    /// Ends a turn of a proposal that is over: nobody looks again, unless a hint came during the turn.
    pub async fn rest(&self, claim: &Claim) -> Result<()> {
        let mut tx = self.db.write().await?;
        let sql = "DELETE FROM due WHERE tenant = $1 AND proposal = $2 AND turn = $3 AND woken = 0";
        run!(&mut tx, sql, claim.tenant.as_str(), claim.id.as_str(), claim.turn)?;
        let sql = "UPDATE due SET lease = 0, owner = '', attempts = 0, error = NULL \
                   WHERE tenant = $1 AND proposal = $2 AND turn = $3";
        run!(&mut tx, sql, claim.tenant.as_str(), claim.id.as_str(), claim.turn)?;
        tx.commit().await
    }

    /// When the next proposal may be claimed.
    pub async fn next_due(&self) -> Result<Option<Time>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT MIN(CASE WHEN at > lease THEN at ELSE lease END) FROM due";
        Ok(row!(&mut tx, (Option<i64>,), sql)?.and_then(|(at,)| at).map(Time))
    }

    /// How many proposals wait to be looked at now.
    pub async fn due_count(&self, now: Time) -> Result<u64> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT COUNT(*) FROM due WHERE at <= $1 AND lease <= $1";
        Ok(row!(&mut tx, (i64,), sql, now.0)?.map_or(0, |(items,)| number(items)))
    }

    /// The failed attempts and the last error of a proposal that is not over, and when it is looked at next.
    pub async fn trouble(&self, tenant: &TenantId, id: &str) -> Result<Option<(u64, Option<String>, Time)>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT attempts, error, at FROM due WHERE tenant = $1 AND proposal = $2";
        let found = row!(&mut tx, (i64, Option<String>, i64), sql, tenant.as_str(), id)?;
        Ok(found.map(|(attempts, error, at)| (number(attempts), error, Time(at))))
    }
}

/// Makes one proposal due now; how many were there.
pub(super) async fn wake_one(tx: &mut Tx, tenant: &TenantId, id: &str, now: Time) -> Result<u64> {
    let sql =
        "UPDATE due SET woken = 1, at = CASE WHEN at > $1 THEN $1 ELSE at END WHERE tenant = $2 AND proposal = $3";
    run!(tx, sql, now.0, tenant.as_str(), id)
}

/// Makes the item of a new proposal.
pub(super) async fn insert(tx: &mut Tx, tenant: &TenantId, id: &str, now: Time) -> Result<()> {
    let sql = "INSERT INTO due (tenant, proposal, at, lease, owner, turn, attempts, woken) \
               VALUES ($1, $2, $3, 0, '', 0, 0, 0)";
    run!(tx, sql, tenant.as_str(), id, now.0).map(|_| ())
}

/// Says when to look again, unless a hint that came meanwhile is earlier; never, when none is given. Nobody need have
/// meant to look at a proposal that is over.
pub(super) async fn plan(tx: &mut Tx, tenant: &TenantId, id: &str, over: bool, due: Option<Time>) -> Result<()> {
    let Some(due) = due else {
        let sql = "DELETE FROM due WHERE tenant = $1 AND proposal = $2";
        return run!(tx, sql, tenant.as_str(), id).map(|_| ());
    };
    let sql = "UPDATE due SET at = CASE WHEN woken = 1 AND at < $1 THEN at ELSE $1 END \
               WHERE tenant = $2 AND proposal = $3";
    match run!(tx, sql, due.0, tenant.as_str(), id)? {
        1 => Ok(()),
        _ if over => insert(tx, tenant, id, due).await,
        _ => Err(StoreError::Other(format!("proposal {id} is not over and has no due item"))),
    }
}

/// Seconds until the next attempt: doubled with each, up to a limit, spread by the id.
pub(super) fn wait(id: &str, attempts: u64) -> i64 {
    let doublings = u32::try_from(attempts.min(20)).unwrap_or(20);
    let base = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
    let [a, b, ..] = Digest::of_fields("countersign/wait/v1", &[id.as_bytes(), &attempts.to_be_bytes()]).0;
    base + base * i64::from(u16::from_be_bytes([a, b])) / (4 * i64::from(u16::MAX))
}

#[cfg(test)]
mod waits {
    use super::wait;

    #[test]
    fn waits_grow_to_a_limit_and_are_spread() {
        let waits: Vec<i64> = (0..12).map(|attempts| wait("p-1", attempts)).collect();
        assert!(waits.iter().take(7).zip(waits.iter().skip(1)).all(|(a, b)| a < b), "{waits:?}");
        assert!((5..=6).contains(&waits[0]) && waits.iter().all(|w| (5..=750).contains(w)), "{waits:?}");
        assert_eq!(wait("p-1", u64::MAX), wait("p-1", u64::MAX));
        assert!((0..50).map(|n| wait(&format!("p-{n}"), 9)).collect::<std::collections::BTreeSet<_>>().len() > 20);
    }
}
