//! Counts that gates ask for: what else is open, merging, or wants the same.
//!
//! Must not judge: the domain compares the numbers with the rules.

use super::db::{Tx, row, rows};
use super::error::{Result, StoreError};
use super::record::{self, parse};
use super::{Store, number};
use crate::domain::facts::Counts;
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::{Record, Stage};

/// Another proposal, as far as a gate asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// What is kept of it.
    pub record: Record,
    /// When it was last changed.
    pub updated: Time,
}

impl Store {
    /// How many pull requests of others than this proposal are open or announced, in a repository and in its tenant.
    pub async fn pulls(&self, tenant: &TenantId, repository: &str, except: &str, now: Time) -> Result<Counts> {
        let mut tx = self.db.read().await?;
        pulls(&mut tx, tenant, repository, except, now).await
    }

    /// Other proposals with the same effect that are not over, that landed, or whose pull request a person closed;
    /// oldest first.
    pub async fn twins(&self, tenant: &TenantId, effect: Digest, except: &str) -> Result<Vec<Neighbour>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT record, updated FROM proposal WHERE tenant = $1 AND effect = $2 AND id <> $3 \
                   AND (stage <> 'dropped' OR (reason = 'rejected' AND pull IS NOT NULL)) ORDER BY id";
        let effect = effect.to_string();
        neighbours(rows!(&mut tx, (String, i64), sql, tenant.as_str(), effect.as_str(), except)?)
    }

    /// Other proposals of the same incident that came at or after a time; oldest first.
    pub async fn of_incident(
        &self,
        tenant: &TenantId,
        repository: &str,
        incident: Digest,
        since: Time,
        except: &str,
    ) -> Result<Vec<Neighbour>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT record, updated FROM proposal WHERE tenant = $1 AND repository = $2 AND incident = $3 \
                   AND id <> $4 ORDER BY id";
        let incident = incident.to_string();
        let mut found =
            neighbours(rows!(&mut tx, (String, i64), sql, tenant.as_str(), repository, incident.as_str(), except)?)?;
        found.retain(|other| other.record.received >= since);
        Ok(found)
    }

    /// Other proposals about the same target of a repository that are not over; oldest first.
    pub async fn on_target(
        &self,
        tenant: &TenantId,
        repository: &str,
        target: &str,
        except: &str,
    ) -> Result<Vec<Neighbour>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT record, updated FROM proposal WHERE tenant = $1 AND repository = $2 AND target = $3 \
                   AND id <> $4 AND stage NOT IN ('settled', 'dropped') ORDER BY id";
        let target = record::target(target);
        neighbours(rows!(&mut tx, (String, i64), sql, tenant.as_str(), repository, target.as_str(), except)?)
    }

    /// Other proposals that announced a merge into a base branch and do not know its result; oldest first.
    pub async fn merging_on(
        &self,
        tenant: &TenantId,
        repository: &str,
        base: &str,
        except: &str,
    ) -> Result<Vec<Neighbour>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT record, updated FROM proposal WHERE tenant = $1 AND repository = $2 AND base = $3 \
                   AND id <> $4 AND merging = 1 ORDER BY id";
        neighbours(rows!(&mut tx, (String, i64), sql, tenant.as_str(), repository, base, except)?)
    }
}

impl Store {
    /// A proposal by the service's id or the sender's name for it, with when it was last changed.
    pub async fn neighbour(&self, tenant: &TenantId, id: &str) -> Result<Option<Neighbour>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT record, updated FROM proposal WHERE tenant = $1 AND (id = $2 OR name = $2) \
                   ORDER BY CASE WHEN id = $2 THEN 0 ELSE 1 END LIMIT 1";
        let found = row!(&mut tx, (String, i64), sql, tenant.as_str(), id)?;
        Ok(neighbours(found.into_iter().collect())?.pop())
    }
}

/// How many pull requests there are, as `counts` says, within a transaction.
pub(super) async fn pulls(tx: &mut Tx, tenant: &TenantId, repository: &str, except: &str, now: Time) -> Result<Counts> {
    let sql = "SELECT COALESCE(SUM(CASE WHEN repository = $2 AND (stage IN ('pushed', 'open') OR reserved IS NOT NULL) \
               THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN repository = $2 AND (opened >= $4 OR reserved >= $4) \
               THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN stage IN ('pushed', 'open') OR reserved IS NOT NULL \
               THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN opened >= $4 OR reserved >= $4 THEN 1 ELSE 0 END), 0) \
               FROM proposal WHERE tenant = $1 AND id <> $3 AND (stage IN ('received', 'pushed', 'open') OR opened >= $4)";
    let since = now.plus_seconds(-3_600).0;
    let found = row!(tx, (i64, i64, i64, i64), sql, tenant.as_str(), repository, except, since)?;
    let (open, last_hour, tenant_open, tenant_last_hour) = found.unwrap_or_default();
    Ok(Counts {
        open: number(open),
        last_hour: number(last_hour),
        tenant_open: number(tenant_open),
        tenant_last_hour: number(tenant_last_hour),
        merging: 0,
    })
}

/// Takes room for the pull request of a push that is announced; the tenant's head is held, so nobody else does meanwhile.
pub(super) async fn reserve(tx: &mut Tx, record: &Record, now: Time) -> Result<()> {
    let Some(quota) = record.quota.filter(|_| record.stage == Stage::Received && record.reserves()) else {
        return Ok(());
    };
    let counts = pulls(tx, &record.binding.tenant, &record.binding.key(), &record.id, now).await?;
    match quota.full(&counts) {
        None => Ok(()),
        Some((_, sentence)) => Err(StoreError::Conflict(format!("proposal {}: {sentence}", record.id))),
    }
}

fn neighbours(found: Vec<(String, i64)>) -> Result<Vec<Neighbour>> {
    let neighbour = |(text, updated): &(String, i64)| Ok(Neighbour { record: parse(text)?, updated: Time(*updated) });
    found.iter().map(neighbour).collect()
}
