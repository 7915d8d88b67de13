//! Approval tokens: used up once, in the transaction that writes what they change, and kept for whoever verifies.
//!
//! Must not judge a token: it was verified before it comes here.

use super::db::{Tx, row, rows, run};
use super::error::{Result, StoreError};
use super::{Store, due};
use crate::domain::approval::{Bucket, Redeemed, bucket_key};
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::{Record, Transition};

impl Store {
    /// Commits what a verified token changes, uses the token up, keeps its text and makes the proposal due.
    ///
    /// `Replayed` when the token was used before, `Spent` when the approver's hour is over; nothing is written then.
    pub async fn redeem(&self, transition: &Transition, version: u64, token: &str, now: Time) -> Result<()> {
        self.apply(transition, Some(version), Some(token), now).await.map(|_| ())
    }

    /// The tokens that were used up for a proposal, with when they came, oldest first.
    pub async fn approvals(&self, tenant: &TenantId, id: &str) -> Result<Vec<(String, Time)>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT token, at FROM approval WHERE tenant = $1 AND proposal = $2 ORDER BY at, digest";
        let found = rows!(&mut tx, (String, i64), sql, tenant.as_str(), id)?;
        Ok(found.into_iter().map(|(token, at)| (token, Time(at))).collect())
    }
}

/// Uses up what a record says was redeemed: each token once, whoever else holds it.
pub(super) async fn consume(tx: &mut Tx, record: &Record, now: Time) -> Result<()> {
    for said in &record.approvals {
        if consume_one(tx, record, said).await? {
            charge(tx, record, said, now).await?;
        }
    }
    match &record.rejection {
        Some(rejection) => consume_one(tx, record, &rejection.by).await.map(|_| ()),
        None => Ok(()),
    }
}

/// Whether it was new; an error when it was used for another proposal, or its id by another token.
async fn consume_one(tx: &mut Tx, record: &Record, said: &Redeemed) -> Result<bool> {
    let (tenant, token) = (record.binding.tenant.as_str(), said.token.to_string());
    let sql = "INSERT INTO used_token (tenant, issuer, jti, proposal, token, at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (tenant, issuer, jti) DO NOTHING";
    let (issuer, jti) = (said.issuer.as_str(), said.jti.as_str());
    if run!(&mut *tx, sql, tenant, issuer, jti, record.id.as_str(), token.as_str(), said.at.0)? == 1 {
        return Ok(true);
    }
    let sql = "SELECT proposal, token FROM used_token WHERE tenant = $1 AND issuer = $2 AND jti = $3";
    match row!(tx, (String, String), sql, tenant, issuer, jti)? {
        Some((proposal, kept)) if proposal == record.id && kept == token => Ok(false),
        Some(_) | None => Err(StoreError::Replayed),
    }
}

/// Takes one approval out of the person's bucket.
async fn charge(tx: &mut Tx, record: &Record, said: &Redeemed, now: Time) -> Result<()> {
    let tenant = &record.binding.tenant;
    let key = bucket_key(tenant, &said.person, &record.action_kind.name()).to_string();
    let sql = "SELECT level, at FROM approver_budget WHERE tenant = $1 AND key = $2";
    let found = row!(&mut *tx, (i64, i64), sql, tenant.as_str(), key.as_str())?;
    let bucket = found.map_or_else(|| Bucket::fresh(now), |(level, at)| Bucket { level, at: Time(at) });
    let left = bucket.take(now).map_err(StoreError::Spent)?;
    let sql = "INSERT INTO approver_budget (tenant, key, level, at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (tenant, key) DO UPDATE SET level = excluded.level, at = excluded.at";
    run!(tx, sql, tenant.as_str(), key.as_str(), left.level, left.at.0).map(|_| ())
}

/// Keeps the text of a token that was used up, and makes its proposal due.
pub(super) async fn keep(tx: &mut Tx, record: &Record, token: &str, now: Time) -> Result<()> {
    let (tenant, id) = (&record.binding.tenant, record.id.as_str());
    let sql = "INSERT INTO approval (tenant, proposal, digest, token, at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (tenant, proposal, digest) DO NOTHING";
    let digest = Digest::of(token.as_bytes()).to_string();
    run!(&mut *tx, sql, tenant.as_str(), id, digest.as_str(), token, now.0)?;
    due::wake_one(tx, tenant, id, now).await.map(|_| ())
}
