//! Tokens of the API that were made over the API: kept by their digest, with who made and who revoked them.
//!
//! Must not see a token itself, nor say what it may be used for.

use super::db::{row, rows, run};
use super::error::{Result, StoreError};
use super::insist::insist;
use super::{Store, log};
use crate::domain::audit::Event;
use crate::domain::ids::{Digest, TenantId, Time};

/// A token, by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptToken {
    /// Whose tenant it is.
    pub tenant: TenantId,
    /// Its id; not secret.
    pub id: String,
    /// The name it was made for.
    pub principal: String,
    /// What it may be used for, as words separated by commas.
    pub roles: String,
    /// SHA-256 of the token.
    pub sha256: Digest,
    /// When it was made.
    pub made: Time,
    /// Who made it.
    pub made_by: String,
    /// Until when it counts.
    pub expires: Time,
    /// When it was revoked, and by whom.
    pub revoked: Option<(Time, String)>,
}

impl KeptToken {
    /// Whether it counts at a moment.
    pub fn counts(&self, now: Time) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

type Row = (String, String, String, String, String, i64, String, i64, Option<i64>, Option<String>);

fn kept(row: Row) -> Result<KeptToken> {
    let (tenant, id, principal, roles, sha256, made, made_by, expires, revoked, revoked_by) = row;
    Ok(KeptToken {
        tenant: tenant.parse().map_err(|error| StoreError::damaged("a tenant's name", error))?,
        id,
        principal,
        roles,
        sha256: sha256.parse().map_err(|error| StoreError::damaged("a token's digest", error))?,
        made: Time(made),
        made_by,
        expires: Time(expires),
        revoked: revoked.map(|at| (Time(at), revoked_by.unwrap_or_default())),
    })
}

impl Store {
    /// Keeps a token that was just made, with the event that says so.
    pub async fn keep_token(&self, token: &KeptToken, event: &Event, now: Time) -> Result<()> {
        insist(|| self.keep_token_once(token, event, now)).await
    }

    async fn keep_token_once(&self, token: &KeptToken, event: &Event, now: Time) -> Result<()> {
        let tenant = &token.tenant;
        let mut tx = self.db.write().await?;
        let mut head = self.lock(&mut tx, tenant).await?;
        let sql = "INSERT INTO token (tenant, id, principal, roles, sha256, made, made_by, expires) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let sha256 = token.sha256.to_string();
        run!(
            &mut tx,
            sql,
            tenant.as_str(),
            token.id.as_str(),
            token.principal.as_str(),
            token.roles.as_str(),
            sha256.as_str(),
            token.made.0,
            token.made_by.as_str(),
            token.expires.0,
        )?;
        log::append(&mut tx, &mut head, tenant, std::slice::from_ref(event), now).await?;
        tx.commit().await
    }

    /// Every token of a tenant that was made over the API, newest first.
    pub async fn tokens(&self, tenant: &TenantId) -> Result<Vec<KeptToken>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT tenant, id, principal, roles, sha256, made, made_by, expires, revoked, revoked_by \
                   FROM token WHERE tenant = $1 ORDER BY id DESC";
        rows!(&mut tx, Row, sql, tenant.as_str())?.into_iter().map(kept).collect()
    }

    /// The token with this digest, whosever it is: who calls is not known before.
    pub async fn token(&self, sha256: Digest) -> Result<Option<KeptToken>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT tenant, id, principal, roles, sha256, made, made_by, expires, revoked, revoked_by \
                   FROM token WHERE sha256 = $1";
        let sha256 = sha256.to_string();
        row!(&mut tx, Row, sql, sha256.as_str())?.map(kept).transpose()
    }

    /// Revokes a token of a tenant, with the event that says so; false when it was revoked before.
    ///
    /// `NotFound` when the tenant has no such token.
    pub async fn revoke_token(&self, tenant: &TenantId, id: &str, event: &Event, now: Time) -> Result<bool> {
        insist(|| self.revoke_token_once(tenant, id, event, now)).await
    }

    async fn revoke_token_once(&self, tenant: &TenantId, id: &str, event: &Event, now: Time) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let mut head = self.lock(&mut tx, tenant).await?;
        let sql = "SELECT revoked FROM token WHERE tenant = $1 AND id = $2";
        match row!(&mut tx, (Option<i64>,), sql, tenant.as_str(), id)? {
            None => return Err(StoreError::NotFound(format!("token {id}"))),
            Some((Some(_),)) => return Ok(false),
            Some((None,)) => {}
        }
        let sql = "UPDATE token SET revoked = $1, revoked_by = $2 WHERE tenant = $3 AND id = $4 AND revoked IS NULL";
        run!(&mut tx, sql, now.0, event.actor.as_str(), tenant.as_str(), id)?;
        log::append(&mut tx, &mut head, tenant, std::slice::from_ref(event), now).await?;
        tx.commit().await.map(|()| true)
    }
}
