//! Reads track records: what is known of a class, and the classes of a tenant.
//!
//! Must not judge a record, nor write one.

use super::db::{Tx, row, rows};
use super::error::{Result, StoreError};
use super::{Store, number, record};
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::{Record, Stage};
use crate::domain::trust::{Class, Judgement, Outcome, Pending, Terms, Track};

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
    /// What it was judged under last; none when no config was ever read for it.
    pub terms: Option<Terms>,
}

/// The columns of an outcome.
type Row = (String, i64, String, i64, Option<i64>, String, String, i64, String);

fn outcome(row: Row) -> Result<Outcome> {
    let (target, at, result, auto, merged, maker, epoch, severe, evidence) = row;
    Ok(Outcome {
        target,
        at: Time(at),
        result: judgement(&result)?,
        auto: auto == 1,
        merged: merged.map(Time),
        maker,
        epoch,
        severe: severe == 1,
        evidence,
    })
}

fn judgement(word: &str) -> Result<Judgement> {
    [Judgement::Good, Judgement::Bad, Judgement::Neutral]
        .into_iter()
        .find(|result| record::word(*result) == word)
        .ok_or_else(|| StoreError::damaged("an outcome", word))
}

async fn outcomes(tx: &mut Tx, tenant: &TenantId, class: &str) -> Result<Vec<Outcome>> {
    let sql = "SELECT target, at, result, auto, merged, maker, epoch, severe, evidence FROM outcome \
               WHERE tenant = $1 AND class = $2 ORDER BY seq";
    rows!(tx, Row, sql, tenant.as_str(), class)?.into_iter().map(outcome).collect()
}

/// What is merged without an outcome, and what is open.
async fn pending(tx: &mut Tx, tenant: &TenantId, class: &str) -> Result<Vec<Pending>> {
    let sql = "SELECT record, updated FROM proposal \
               WHERE tenant = $1 AND class = $2 AND stage IN ('merged', 'open') ORDER BY id";
    let waits = |(text, updated): (String, i64)| {
        let record: Record =
            serde_json::from_str(&text).map_err(|error| StoreError::damaged("a proposal's record", error))?;
        let merged = record.stage == Stage::Merged;
        let since = match &record.landed {
            Some(landed) if merged => landed.at,
            Some(_) | None => record.opened.unwrap_or(Time(updated)),
        };
        Ok(Pending { target: record.files(), since, merged, auto: record.auto })
    };
    rows!(tx, (String, i64), sql, tenant.as_str(), class)?.into_iter().map(waits).collect()
}

impl Store {
    /// The outcomes of a class in the order they became known.
    pub async fn outcomes(&self, tenant: &TenantId, class: Digest) -> Result<Vec<Outcome>> {
        let mut tx = self.db.read().await?;
        outcomes(&mut tx, tenant, &class.to_string()).await
    }

    /// Everything that is known of a class, in one snapshot.
    pub async fn track(&self, tenant: &TenantId, class: Digest) -> Result<Track> {
        let mut tx = self.db.read().await?;
        let key = class.to_string();
        Ok(Track {
            outcomes: outcomes(&mut tx, tenant, &key).await?,
            pending: pending(&mut tx, tenant, &key).await?,
            demotion: record::demotion(&mut tx, tenant, &key).await?,
        })
    }

    /// Whether a class was demoted and no person has re-armed it.
    pub async fn demoted(&self, tenant: &TenantId, class: Digest) -> Result<bool> {
        let mut tx = self.db.read().await?;
        Ok(record::demotion(&mut tx, tenant, &class.to_string()).await?.is_some())
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
        let sql = "SELECT c.body, c.terms, \
            (SELECT COUNT(*) FROM outcome o WHERE o.tenant = c.tenant AND o.class = c.key AND o.result = 'good'), \
            (SELECT COUNT(*) FROM outcome o WHERE o.tenant = c.tenant AND o.class = c.key AND o.result = 'bad'), \
            (SELECT COUNT(*) FROM outcome o WHERE o.tenant = c.tenant AND o.class = c.key AND o.result = 'neutral'), \
            (SELECT COUNT(*) FROM proposal p WHERE p.tenant = c.tenant AND p.class = c.key AND p.stage = 'merged' AND p.auto = 1), \
            (SELECT COUNT(*) FROM demotion d WHERE d.tenant = c.tenant AND d.class = c.key) \
            FROM class c WHERE c.tenant = $1 ORDER BY c.key";
        let found = rows!(&mut tx, (String, Option<String>, i64, i64, i64, i64, i64), sql, tenant.as_str())?;
        found.into_iter().map(tracked).collect()
    }
}

fn tracked(row: (String, Option<String>, i64, i64, i64, i64, i64)) -> Result<Tracked> {
    let (body, terms, good, bad, neutral, in_flight, demoted) = row;
    let class = serde_json::from_str(&body).map_err(|error| StoreError::damaged("a class", error))?;
    let terms = terms.as_deref().map(serde_json::from_str).transpose();
    let terms = terms.map_err(|error| StoreError::damaged("the terms of a class", error))?;
    let counts = Counts {
        good: number(good),
        bad: number(bad),
        neutral: number(neutral),
        in_flight: number(in_flight),
        demoted: demoted > 0,
    };
    Ok(Tracked { class, counts, terms })
}
