//! The one way to change a proposal: its record, its log entries, its tally and its due item, or none of them.
//!
//! Must not be called while another transaction is open, nor choose what to write.

use super::db::{Tx, row, run};
use super::error::{Result, StoreError};
use super::insist::insist;
use super::{Store, approvals, bell, count, due, gates, halts, log, record};
use crate::domain::audit::Event;
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::{Record, Stage, Transition};
use crate::domain::redact;

/// The artifact that is shown as it is kept; nothing is made of it.
const SHOWN: &str = "diff";

/// The parts of a record that WHERE clauses ask for.
pub(super) struct Columns {
    pub(super) digest: String,
    pub(super) repository: String,
    pub(super) target: String,
    pub(super) reason: Option<String>,
    pub(super) effect: Option<String>,
    pub(super) class: Option<String>,
    pub(super) pull: Option<i64>,
    pub(super) merging: i64,
    pub(super) record: String,
}

impl Columns {
    pub(super) fn of(record: &Record) -> Result<Columns> {
        let merging = record.stage == Stage::Open && record.merging.is_some() && record.landed.is_none();
        Ok(Columns {
            digest: record.digest.to_string(),
            repository: record.binding.key(),
            target: record::target(&record.target),
            reason: record.reason.as_ref().map(|reason| reason.code.clone()),
            effect: record.effect.map(|effect| effect.to_string()),
            class: record.class.as_ref().map(|class| class.key().to_string()),
            pull: record.pull.map(count).transpose()?,
            merging: i64::from(merging),
            record: redacted(record)?,
        })
    }
}

/// A record as it is kept: without secrets of a known shape.
fn redacted(record: &Record) -> Result<String> {
    let fault = |error: serde_json::Error| StoreError::Other(error.to_string());
    let text = serde_json::to_string(record).map_err(fault)?;
    match redact::text(&text) {
        std::borrow::Cow::Borrowed(_) => Ok(text),
        // Text by text, so that it stays JSON.
        std::borrow::Cow::Owned(_) => {
            let value = serde_json::from_str(&text).map_err(fault)?;
            serde_json::to_string(&redact::value(value)).map_err(fault)
        }
    }
}

/// Events of a proposal, each naming it and its pull request.
pub(super) fn about(record: &Record, mut events: Vec<Event>) -> Vec<Event> {
    for event in &mut events {
        event.proposal.get_or_insert_with(|| record.id.clone());
        event.pr = event.pr.or(record.pull);
    }
    events
}

impl Store {
    /// Writes a transition, all of it or nothing; the index and hash of each of its log entries.
    ///
    /// `Conflict` when the proposal is not in the stage the transition comes from. A lease that is held stays held.
    pub async fn commit(&self, transition: &Transition, now: Time) -> Result<Vec<(u64, Digest)>> {
        self.apply(transition, None, None, now).await
    }

    /// The same, and a `Conflict` too when anything was committed since the version that was read.
    pub async fn commit_seen(&self, transition: &Transition, version: u64, now: Time) -> Result<Vec<(u64, Digest)>> {
        self.apply(transition, Some(version), None, now).await
    }

    pub(super) async fn apply(
        &self,
        transition: &Transition,
        version: Option<u64>,
        token: Option<&str>,
        now: Time,
    ) -> Result<Vec<(u64, Digest)>> {
        insist(|| self.apply_once(transition, version, token, now)).await
    }

    async fn apply_once(
        &self,
        transition: &Transition,
        version: Option<u64>,
        token: Option<&str>,
        now: Time,
    ) -> Result<Vec<(u64, Digest)>> {
        check(transition)?;
        let record = &transition.record;
        let tenant = &record.binding.tenant;
        let mut tx = self.db.write().await?;
        let mut head = self.lock(&mut tx, tenant).await?;
        let (seq, at) = (head.size(), head.next(now));
        update(&mut tx, transition, version, at).await?;
        gates::reserve(&mut tx, record, at).await?;
        let events = about(record, transition.events.clone());
        let places = log::append(&mut tx, &mut head, tenant, &events, now).await?;
        record::tally(&mut tx, transition, seq, at).await?;
        halts::keep(&mut tx, transition, seq).await?;
        due::plan(&mut tx, tenant, &record.id, transition.due).await?;
        self.keep(&mut tx, tenant, transition, at).await?;
        approvals::consume(&mut tx, record, now).await?;
        if let Some(token) = token {
            approvals::keep(&mut tx, record, token, now).await?;
            bell::notify(&mut tx).await?;
        }
        tx.commit().await?;
        if token.is_some() {
            self.rope.pull();
        }
        Ok(places)
    }

    /// Keeps the bytes that come with a transition; the newest of each name.
    async fn keep(&self, tx: &mut Tx, tenant: &TenantId, transition: &Transition, at: Time) -> Result<()> {
        let sql = "INSERT INTO artifact (tenant, proposal, name, bytes, at) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (tenant, proposal, name) DO UPDATE SET bytes = excluded.bytes, at = excluded.at";
        let record = &transition.record;
        for (name, bytes) in &transition.artifacts {
            let text = (*name == SHOWN).then(|| String::from_utf8_lossy(bytes).into_owned());
            let shown = text.map(|text| self.cleaned(tenant, text, record.environment.as_deref()));
            let kept = shown.as_ref().map_or(bytes.as_slice(), |text| text.as_bytes());
            run!(&mut *tx, sql, tenant.as_str(), record.id.as_str(), *name, kept, at.0)?;
        }
        Ok(())
    }
}

/// Refuses what no transition may be.
fn check(transition: &Transition) -> Result<()> {
    let Transition { from, record, events, due, .. } = transition;
    let (from, to) = (*from, record.stage);
    let fault = if events.is_empty() {
        "a transition without an event".to_owned()
    } else if from != to && !from.successors().contains(&to) {
        format!("`{}` does not follow `{}`", to.name(), from.name())
    } else if due.is_none() && !to.is_final() {
        format!("`{}` is not over and nobody would look again", to.name())
    } else {
        return Ok(());
    };
    Err(StoreError::Invalid(format!("proposal {}: {fault}: a mistake in this program, please report it", record.id)))
}

async fn update(tx: &mut Tx, transition: &Transition, version: Option<u64>, at: Time) -> Result<()> {
    let record = &transition.record;
    let columns = Columns::of(record)?;
    let opened = record.opened.or(record.pull.map(|_| at)).map(|at| at.0);
    // What was taken in never changes: the digest and the repository are asked for, not set.
    let sql = "UPDATE proposal SET stage = $1, reason = $2, effect = $3, class = $4, base = $5, pull = $6, \
               merging = $7, auto = $8, opened = COALESCE(opened, $9), updated = $10, version = version + 1, \
               record = $11, reserved = CASE WHEN CAST($18 AS BIGINT) = 1 THEN COALESCE(reserved, $10) ELSE NULL END WHERE tenant = $12 AND id = $13 AND digest = $14 AND repository = $15 AND stage = $16 \
               AND ($17 IS NULL OR version = $17)";
    let changed = run!(
        &mut *tx,
        sql,
        record.stage.name(),
        columns.reason.as_deref(),
        columns.effect.as_deref(),
        columns.class.as_deref(),
        record.base.as_deref(),
        columns.pull,
        columns.merging,
        i64::from(record.auto),
        opened,
        at.0,
        columns.record.as_str(),
        record.binding.tenant.as_str(),
        record.id.as_str(),
        columns.digest.as_str(),
        columns.repository.as_str(),
        transition.from.name(),
        version.map(count).transpose()?,
        i64::from(record.reserves()),
    )?;
    if changed == 1 { Ok(()) } else { Err(missed(tx, record).await?) }
}

/// Why no row was changed.
async fn missed(tx: &mut Tx, record: &Record) -> Result<StoreError> {
    let sql = "SELECT stage FROM proposal WHERE tenant = $1 AND id = $2";
    let tenant = record.binding.tenant.as_str();
    Ok(match row!(tx, (String,), sql, tenant, record.id.as_str())? {
        Some((stage,)) => StoreError::Conflict(format!("proposal {} (it is `{stage}`)", record.id)),
        None => StoreError::NotFound(format!("proposal {}", record.id)),
    })
}
