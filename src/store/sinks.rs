//! Cursors of sinks: how far the copy of a tenant's log elsewhere has come, and who may bring it further.
//!
//! Must not know where a copy goes, nor move a cursor past an entry that was not delivered.

use super::db::{row, rows, run};
use super::due::wait;
use super::error::{Result, StoreError};
use super::{Store, count, number};
use crate::domain::ids::{TenantId, Time};

/// What is kept of an error, characters.
const ERROR_LENGTH: usize = 500;

/// How far a copy has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The tenant.
    pub tenant: TenantId,
    /// The sink's name in the tenant's settings.
    pub name: String,
    /// The index of the entry it gets next.
    pub next: u64,
    /// How many entries the log has.
    pub size: u64,
    /// When to try next: later and later while it fails.
    pub at: Time,
    /// Until when somebody brings it further.
    pub lease: Time,
    /// Tries that failed since the last one that did not.
    pub attempts: u64,
    /// Why the last one failed.
    pub error: Option<String>,
}

impl Cursor {
    /// How many entries it does not have yet.
    pub fn lag(&self) -> u64 {
        self.size.saturating_sub(self.next)
    }

    /// Whether it can be brought further now.
    pub fn is_due(&self, now: Time) -> bool {
        self.next < self.size && self.at <= now && self.lease <= now
    }
}

/// The right to bring one copy further, until the lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carry {
    /// The tenant.
    pub tenant: TenantId,
    /// The sink's name.
    pub name: String,
    /// The index of the entry it gets next.
    pub next: u64,
    /// Tries that failed since the last one that did not.
    pub attempts: u64,
    /// Which claim of this sink it is; an older one has no rights.
    turn: i64,
}

type CursorRow = (String, String, i64, i64, i64, i64, i64, Option<String>);

impl Store {
    /// Makes a sink's cursor where there is none: at the log's first entry, or behind its newest.
    pub async fn ensure_sink(&self, tenant: &TenantId, name: &str, behind: bool, now: Time) -> Result<()> {
        let mut tx = self.db.write().await?;
        let sql = "INSERT INTO audit_sink (tenant, name, next, at, lease, owner, turn, attempts) \
                   SELECT tenant, $1, CASE WHEN CAST($2 AS BIGINT) = 1 THEN size ELSE 0 END, $3, 0, '', 0, 0 \
                   FROM audit_head WHERE tenant = $4 ON CONFLICT (tenant, name) DO NOTHING";
        run!(&mut tx, sql, name, i64::from(behind), now.0, tenant.as_str())?;
        tx.commit().await
    }

    /// Every cursor of a tenant, also of sinks that its settings no longer list.
    pub async fn cursors(&self, tenant: &TenantId) -> Result<Vec<Cursor>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT s.tenant, s.name, s.next, h.size, s.at, s.lease, s.attempts, s.error \
                   FROM audit_sink s JOIN audit_head h ON h.tenant = s.tenant WHERE s.tenant = $1 ORDER BY s.name";
        rows!(&mut tx, CursorRow, sql, tenant.as_str())?.into_iter().map(cursor).collect()
    }

    /// Leases a sink to `owner`; none when it is not due, or somebody else has it.
    pub async fn carry(
        &self,
        tenant: &TenantId,
        name: &str,
        owner: &str,
        lease_seconds: i64,
        now: Time,
    ) -> Result<Option<Carry>> {
        let mut tx = self.db.write().await?;
        let sql = "UPDATE audit_sink SET lease = $1, owner = $2, turn = turn + 1 \
                   WHERE tenant = $3 AND name = $4 AND at <= $5 AND lease <= $5 RETURNING next, attempts, turn";
        let until = now.plus_seconds(lease_seconds).0;
        let found = row!(&mut tx, (i64, i64, i64), sql, until, owner, tenant.as_str(), name, now.0)?;
        tx.commit().await?;
        Ok(found.map(|(next, attempts, turn)| Carry {
            tenant: tenant.clone(),
            name: name.to_owned(),
            next: number(next),
            attempts: number(attempts),
            turn,
        }))
    }

    /// Moves a cursor behind what was delivered and holds the lease longer; `Conflict` when somebody else has it.
    pub async fn carried(&self, carry: &mut Carry, next: u64, lease_seconds: i64, now: Time) -> Result<()> {
        let sql = "UPDATE audit_sink SET next = $1, lease = $2, attempts = 0, error = NULL \
                   WHERE tenant = $3 AND name = $4 AND turn = $5 AND next = $6 AND lease > 0";
        let (until, tenant) = (now.plus_seconds(lease_seconds).0, carry.tenant.as_str());
        let mut tx = self.db.write().await?;
        let moved =
            run!(&mut tx, sql, count(next)?, until, tenant, carry.name.as_str(), carry.turn, count(carry.next)?)?;
        tx.commit().await?;
        if moved != 1 {
            return Err(StoreError::Conflict(format!("the lease of sink `{}`", carry.name)));
        }
        (carry.next, carry.attempts) = (next, 0);
        Ok(())
    }

    /// Ends a lease.
    pub async fn set_down(&self, carry: &Carry) -> Result<()> {
        let sql = "UPDATE audit_sink SET lease = 0, owner = '' WHERE tenant = $1 AND name = $2 AND turn = $3";
        let mut tx = self.db.write().await?;
        run!(&mut tx, sql, carry.tenant.as_str(), carry.name.as_str(), carry.turn)?;
        tx.commit().await
    }

    /// Ends a lease whose try failed: the next one comes later and later, not before `least` seconds; when that is.
    pub async fn stumble(&self, carry: &Carry, error: &str, least: i64, now: Time) -> Result<Time> {
        let text: String = self
            .cleaned(&carry.tenant, error.to_owned(), None)
            .replace('\0', "\u{fffd}")
            .chars()
            .take(ERROR_LENGTH)
            .collect();
        let pause = wait(&format!("{}/{}", carry.tenant, carry.name), carry.attempts).max(least);
        let at = now.plus_seconds(pause);
        let sql = "UPDATE audit_sink SET lease = 0, owner = '', attempts = $1, error = $2, at = $3 \
                   WHERE tenant = $4 AND name = $5 AND turn = $6";
        let (attempts, tenant) = (count(carry.attempts.saturating_add(1))?, carry.tenant.as_str());
        let mut tx = self.db.write().await?;
        run!(&mut tx, sql, attempts, text.as_str(), at.0, tenant, carry.name.as_str(), carry.turn)?;
        tx.commit().await.map(|()| at)
    }
}

fn cursor((tenant, name, next, size, at, lease, attempts, error): CursorRow) -> Result<Cursor> {
    let tenant = tenant.parse().map_err(|error| StoreError::damaged("a tenant's name", error))?;
    let (next, size, attempts) = (number(next), number(size), number(attempts));
    Ok(Cursor { tenant, name, next, size, at: Time(at), lease: Time(lease), attempts, error })
}
