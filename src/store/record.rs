//! Writes track records: classes, outcomes, demotions.
//!
//! Must not judge a record, and writes a tally only inside `commit`.

use super::db::{Tx, row, run};
use super::error::{Result, StoreError};
use super::{Store, count, log};
use crate::domain::audit::Event;
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::{Record, Stage, Transition};
use crate::domain::trust::{Demotion, Judgement, Outcome, Rearm};

pub(super) fn word(result: Judgement) -> &'static str {
    match result {
        Judgement::Good => "good",
        Judgement::Bad => "bad",
        Judgement::Neutral => "neutral",
    }
}

/// A target as a column: PostgreSQL keeps no NUL in a text.
pub(super) fn target(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Writes what a transition says of its class: that it is known, its outcome, its demotion.
pub(super) async fn tally(tx: &mut Tx, transition: &Transition, seq: u64, at: Time) -> Result<()> {
    class(tx, transition).await?;
    if let Some(outcome) = &transition.outcome {
        judge(tx, transition, outcome, seq).await?;
    }
    if transition.demote {
        demote(tx, transition, seq, at).await?;
    }
    Ok(())
}

/// Keeps the class of a record, and what it was judged under before the merge.
async fn class(tx: &mut Tx, transition: &Transition) -> Result<()> {
    let record = &transition.record;
    let Some(class) = &record.class else { return Ok(()) };
    let text = |error: serde_json::Error| StoreError::Other(error.to_string());
    let body = serde_json::to_string(class).map_err(text)?;
    let before = matches!(transition.from, Stage::Received | Stage::Pushed | Stage::Open);
    let terms = record.terms.as_ref().filter(|_| before);
    let terms = terms.map(serde_json::to_string).transpose().map_err(text)?;
    let sql = "INSERT INTO class (tenant, key, body, terms) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant, key) \
               DO UPDATE SET terms = excluded.terms \
               WHERE excluded.terms IS NOT NULL AND (class.terms IS NULL OR class.terms <> excluded.terms)";
    let key = class.key().to_string();
    run!(tx, sql, record.binding.tenant.as_str(), key.as_str(), body.as_str(), terms.as_deref())?;
    Ok(())
}

/// Counts an outcome, once for each proposal. A later one can only take a success or an unknown back.
///
/// An outcome without a class is kept and counts nowhere.
async fn judge(tx: &mut Tx, transition: &Transition, outcome: &Outcome, seq: u64) -> Result<()> {
    let record = &transition.record;
    let sql = "INSERT INTO outcome (tenant, proposal, class, seq, target, at, result, auto, merged, maker, epoch, \
               severe, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
               ON CONFLICT (tenant, proposal) DO UPDATE SET seq = excluded.seq, at = excluded.at, \
               result = excluded.result, severe = excluded.severe, evidence = excluded.evidence \
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
        outcome.merged.map(|at| at.0),
        outcome.maker.as_str(),
        outcome.epoch.as_str(),
        i64::from(outcome.severe),
        outcome.evidence.as_str(),
    )?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Conflict(format!("the outcome of proposal {}", record.id))) }
}

async fn demote(tx: &mut Tx, transition: &Transition, seq: u64, at: Time) -> Result<()> {
    let record = &transition.record;
    let class = record
        .class
        .as_ref()
        .ok_or_else(|| StoreError::Invalid(format!("proposal {} has no class that could be demoted", record.id)))?;
    // A severe failure outweighs what was there before, and what one person asked for after it.
    let sql = "INSERT INTO demotion (tenant, class, proposal, seq, at, severe) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (tenant, class) DO UPDATE SET proposal = excluded.proposal, seq = excluded.seq, \
               at = excluded.at, severe = excluded.severe, asked_by = NULL \
               WHERE excluded.severe = 1 AND demotion.severe = 0";
    let key = class.key().to_string();
    let severe = i64::from(record.mismatched() || transition.outcome.as_ref().is_some_and(|outcome| outcome.severe));
    run!(tx, sql, record.binding.tenant.as_str(), key.as_str(), record.id.as_str(), count(seq)?, at.0, severe)?;
    Ok(())
}

/// A demotion as it is kept.
pub(super) async fn demotion(tx: &mut Tx, tenant: &TenantId, class: &str) -> Result<Option<Demotion>> {
    let sql = "SELECT at, severe, asked_by FROM demotion WHERE tenant = $1 AND class = $2";
    let found = row!(tx, (i64, i64, Option<String>), sql, tenant.as_str(), class)?;
    Ok(found.map(|(at, severe, first)| Demotion { at: Time(at), severe: severe == 1, first }))
}

impl Store {
    /// Takes down a person's wish to lift a demotion, with the event that says who; a sentence says why it may not be.
    ///
    /// `NotFound` when there is no demotion.
    pub async fn rearm(
        &self,
        tenant: &TenantId,
        class: Digest,
        event: Event,
        now: Time,
    ) -> Result<std::result::Result<Rearm, String>> {
        let mut tx = self.db.write().await?;
        let mut head = self.lock(&mut tx, tenant).await?;
        let key = class.to_string();
        let found = demotion(&mut tx, tenant, &key).await?;
        let found = found.ok_or_else(|| StoreError::NotFound(format!("a demotion of class {}", class.short(12))))?;
        let done = match found.rearm(&event.actor, now) {
            Ok(done) => done,
            Err(reason) => return Ok(Err(reason)),
        };
        match done {
            Rearm::First => {
                let sql = "UPDATE demotion SET asked_by = $1 WHERE tenant = $2 AND class = $3";
                run!(&mut tx, sql, event.actor.as_str(), tenant.as_str(), key.as_str())?
            }
            Rearm::Lifted => {
                let sql = "DELETE FROM demotion WHERE tenant = $1 AND class = $2";
                run!(&mut tx, sql, tenant.as_str(), key.as_str())?
            }
        };
        let event = Event { class: Some(class), ..event };
        log::append(&mut tx, &mut head, tenant, &[event], now).await?;
        tx.commit().await.map(|()| Ok(done))
    }
}

/// A stored record.
pub(super) fn parse(text: &str) -> Result<Record> {
    serde_json::from_str(text).map_err(|error| StoreError::damaged("a proposal's record", error))
}
