//! Counts that gates ask for: what else is open, merging, or wants the same.
//!
//! Must not judge: the domain compares the numbers with the rules.

use super::db::{row, rows};
use super::error::Result;
use super::proposals::parse;
use super::{Store, number, record};
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::Record;

/// Another proposal, as far as a gate asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// What is kept of it.
    pub record: Record,
    /// When it was last changed.
    pub updated: Time,
}

impl Store {
    /// How many pull requests of a repository are open or about to be: those whose branch is pushed.
    pub async fn open_pulls(&self, tenant: &TenantId, repository: &str) -> Result<u64> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT COUNT(*) FROM proposal WHERE tenant = $1 AND repository = $2 AND stage IN ('pushed', 'open')";
        Ok(row!(&mut tx, (i64,), sql, tenant.as_str(), repository)?.map_or(0, |(pulls,)| number(pulls)))
    }

    /// How many pull requests of a repository were opened at or after a time.
    pub async fn pulls_opened_since(&self, tenant: &TenantId, repository: &str, since: Time) -> Result<u64> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT COUNT(*) FROM proposal WHERE tenant = $1 AND repository = $2 AND opened >= $3";
        Ok(row!(&mut tx, (i64,), sql, tenant.as_str(), repository, since.0)?.map_or(0, |(pulls,)| number(pulls)))
    }

    /// Other proposals with the same effect that are not over, or whose pull request a person closed; oldest first.
    pub async fn twins(&self, tenant: &TenantId, effect: Digest, except: &str) -> Result<Vec<Neighbour>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT record, updated FROM proposal WHERE tenant = $1 AND effect = $2 AND id <> $3 \
                   AND (stage NOT IN ('settled', 'dropped') OR (stage = 'dropped' AND reason = 'rejected' \
                   AND pull IS NOT NULL)) ORDER BY id";
        let effect = effect.to_string();
        neighbours(rows!(&mut tx, (String, i64), sql, tenant.as_str(), effect.as_str(), except)?)
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

fn neighbours(found: Vec<(String, i64)>) -> Result<Vec<Neighbour>> {
    let neighbour = |(text, updated): &(String, i64)| Ok(Neighbour { record: parse(text)?, updated: Time(*updated) });
    found.iter().map(neighbour).collect()
}
