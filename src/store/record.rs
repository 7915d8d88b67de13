//! Track records: outcomes of a class, demotions, what is in flight.
//!
//! Must not judge a record, and writes a tally only inside `commit`.

use super::db::{Tx, row, rows, run};
use super::error::{Result, StoreError};
use super::{Store, count, log, number};
use crate::domain::audit::Event;
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::Transition;
use crate::domain::trust::{Class, Judgement, Outcome};

/// What a class's record comes to, all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Good outcomes.
    pub good: u64,
    /// Bad outcomes.
    pub bad: u64,
    /// Unknown outcomes.
    pub neutral: u64,
    /// Merged without a person, outcome not known yet.
    pub in_flight: u64,
    /// Whether it was demoted and no person has re-armed it.
    pub demoted: bool,
}

/// A class with what its record comes to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Tracked {
    /// The class.
    pub class: Class,
    /// Its counts.
    pub counts: Counts,
}

fn word(result: Judgement) -> &'static str {
    match result {
        Judgement::Good => "good",
        Judgement::Bad => "bad",
        Judgement::Neutral => "neutral",
    }
}

fn judgement(word: &str) -> Result<Judgement> {
    [Judgement::Good, Judgement::Bad, Judgement::Neutral]
        .into_iter()
        .find(|result| self::word(*result) == word)
        .ok_or_else(|| StoreError::damaged("an outcome", word))
}

/// A target as a column: PostgreSQL keeps no NUL in a text.
pub(super) fn target(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Writes what a transition says of its class: that it is known, its outcome, its demotion.
pub(super) async fn tally(tx: &mut Tx, transition: &Transition, seq: u64, at: Time) -> Result<()> {
    if let Some(class) = &transition.record.class {
        let body = serde_json::to_string(class).map_err(|error| StoreError::Other(error.to_string()))?;
        let sql = "INSERT INTO class (tenant, key, body) VALUES ($1, $2, $3) ON CONFLICT (tenant, key) DO NOTHING";
        let key = class.key().to_string();
        run!(&mut *tx, sql, transition.record.binding.tenant.as_str(), key.as_str(), body.as_str())?;
    }
    if let Some(outcome) = &transition.outcome {
        judge(tx, transition, outcome, seq).await?;
    }
    if transition.demote {
        demote(tx, transition, seq, at).await?;
    }
    Ok(())
}

/// Counts an outcome, once for each proposal. A later one can only take a success or an unknown back.
///
/// An outcome without a class is kept and counts nowhere.
async fn judge(tx: &mut Tx, transition: &Transition, outcome: &Outcome, seq: u64) -> Result<()> {
    let record = &transition.record;
    let sql = "INSERT INTO outcome (tenant, proposal, class, seq, target, at, result, auto) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, proposal) DO UPDATE SET \
               seq = excluded.seq, at = excluded.at, result = excluded.result \
               WHERE outcome.result <> 'bad' AND excluded.result = 'bad'";
    let class = record.class.as_ref().map(|class| class.key().to_string()).unwrap_or_default();
    let target = target(&outcome.target);
    let changed = run!(
        tx,
        sql,
        record.binding.tenant.as_str(),
        record.id.as_str(),
        class.as_str(),
        count(seq)?,
        target.as_str(),
        outcome.at.0,
        word(outcome.result),
        i64::from(outcome.auto),
    )?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Conflict(format!("the outcome of proposal {}", record.id))) }
}

async fn demote(tx: &mut Tx, transition: &Transition, seq: u64, at: Time) -> Result<()> {
    let record = &transition.record;
    let class = record
        .class
        .as_ref()
        .ok_or_else(|| StoreError::Invalid(format!("proposal {} has no class that could be demoted", record.id)))?;
    let sql = "INSERT INTO demotion (tenant, class, proposal, seq, at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (tenant, class) DO NOTHING";
    let key = class.key().to_string();
    run!(tx, sql, record.binding.tenant.as_str(), key.as_str(), record.id.as_str(), count(seq)?, at.0)?;
    Ok(())
}

impl Store {
    /// The outcomes of a class in the order they became known.
    pub async fn outcomes(&self, tenant: &TenantId, class: Digest) -> Result<Vec<Outcome>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT target, at, result, auto FROM outcome WHERE tenant = $1 AND class = $2 ORDER BY seq";
        let class = class.to_string();
        let found = rows!(&mut tx, (String, i64, String, i64), sql, tenant.as_str(), class.as_str())?;
        let outcome = |(target, at, result, auto): (String, i64, String, i64)| {
            Ok(Outcome { target, at: Time(at), result: judgement(&result)?, auto: auto == 1 })
        };
        found.into_iter().map(outcome).collect()
    }

    /// Whether a class was demoted and no person has re-armed it.
    pub async fn demoted(&self, tenant: &TenantId, class: Digest) -> Result<bool> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT seq FROM demotion WHERE tenant = $1 AND class = $2";
        let class = class.to_string();
        Ok(row!(&mut tx, (i64,), sql, tenant.as_str(), class.as_str())?.is_some())
    }

    /// How many changes of a class were merged without a person and have no outcome yet.
    pub async fn in_flight(&self, tenant: &TenantId, class: Digest) -> Result<u64> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT COUNT(*) FROM proposal WHERE tenant = $1 AND class = $2 AND stage = 'merged' AND auto = 1";
        let class = class.to_string();
        Ok(row!(&mut tx, (i64,), sql, tenant.as_str(), class.as_str())?.map_or(0, |(merges,)| number(merges)))
    }

    /// Every class of a tenant that a proposal was in, with its counts.
    pub async fn classes(&self, tenant: &TenantId) -> Result<Vec<Tracked>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT c.body, \
            (SELECT COUNT(*) FROM outcome o WHERE o.tenant = c.tenant AND o.class = c.key AND o.result = 'good'), \
            (SELECT COUNT(*) FROM outcome o WHERE o.tenant = c.tenant AND o.class = c.key AND o.result = 'bad'), \
            (SELECT COUNT(*) FROM outcome o WHERE o.tenant = c.tenant AND o.class = c.key AND o.result = 'neutral'), \
            (SELECT COUNT(*) FROM proposal p WHERE p.tenant = c.tenant AND p.class = c.key AND p.stage = 'merged' AND p.auto = 1), \
            (SELECT COUNT(*) FROM demotion d WHERE d.tenant = c.tenant AND d.class = c.key) \
            FROM class c WHERE c.tenant = $1 ORDER BY c.key";
        let found = rows!(&mut tx, (String, i64, i64, i64, i64, i64), sql, tenant.as_str())?;
        let tracked = |(body, good, bad, neutral, in_flight, demoted): (String, i64, i64, i64, i64, i64)| {
            let class = serde_json::from_str(&body).map_err(|error| StoreError::damaged("a class", error))?;
            let counts = Counts {
                good: number(good),
                bad: number(bad),
                neutral: number(neutral),
                in_flight: number(in_flight),
                demoted: demoted > 0,
            };
            Ok(Tracked { class, counts })
        };
        found.into_iter().map(tracked).collect()
    }

    /// Lifts a demotion, a person's act, together with the event that says who; `NotFound` when there is none.
    pub async fn rearm(&self, tenant: &TenantId, class: Digest, event: Event, now: Time) -> Result<(u64, Digest)> {
        let mut tx = self.db.write().await?;
        let mut head = log::lock(&mut tx, tenant).await?;
        let sql = "DELETE FROM demotion WHERE tenant = $1 AND class = $2";
        let key = class.to_string();
        if run!(&mut tx, sql, tenant.as_str(), key.as_str())? == 0 {
            return Err(StoreError::NotFound(format!("a demotion of class {}", class.short(12))));
        }
        let event = Event { class: Some(class), ..event };
        let places = log::append(&mut tx, &mut head, tenant, &[event], now).await?;
        tx.commit().await?;
        places.first().copied().ok_or_else(|| StoreError::Other("nothing was appended".into()))
    }
}
