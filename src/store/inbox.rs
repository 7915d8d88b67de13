//! What comes from outside: webhook deliveries and health reports, each kept once.
//!
//! Must not believe any of it; both only say where to look.

use super::db::{Tx, row, rows, run};
use super::error::{Result, StoreError};
use super::{Store, bell, due, log};
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::HealthReport;
use crate::domain::trust::Judgement;

/// A webhook delivery that was authenticated and stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The tenant.
    pub tenant: TenantId,
    /// The repository's key.
    pub repository: String,
    /// The forge's id for it.
    pub id: String,
    /// What sort of event.
    pub event: String,
    /// Its body.
    pub body: Vec<u8>,
    /// When it came.
    pub at: Time,
}

/// The most health reports that are kept of one proposal.
const MOST: usize = 100;

impl Store {
    /// Keeps a delivery; false when the same one was kept before.
    pub async fn deliver(
        &self,
        tenant: &TenantId,
        repository: &str,
        id: &str,
        event: &str,
        body: &[u8],
        now: Time,
    ) -> Result<bool> {
        let mut tx = self.db.write().await?;
        let sql = "INSERT INTO delivery (tenant, repository, id, event, body, at) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (tenant, repository, id) DO NOTHING";
        let kept = run!(&mut tx, sql, tenant.as_str(), repository, id, event, body, now.0)?;
        bell::notify(&mut tx).await?;
        tx.commit().await?;
        self.rope.pull();
        Ok(kept == 1)
    }

    /// The oldest deliveries, of every tenant, that were not processed.
    pub async fn pending_deliveries(&self, limit: u32) -> Result<Vec<Delivery>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT tenant, repository, id, event, body, at FROM delivery WHERE done IS NULL \
                   ORDER BY at, id LIMIT $1";
        type Row = (String, String, String, String, Vec<u8>, i64);
        let delivery = |(tenant, repository, id, event, body, at): Row| {
            let tenant = tenant.parse().map_err(|error| StoreError::damaged("a tenant's name", error))?;
            Ok(Delivery { tenant, repository, id, event, body, at: Time(at) })
        };
        rows!(&mut tx, Row, sql, i64::from(limit))?.into_iter().map(delivery).collect()
    }

    /// Says that a delivery was processed and lets its body go; its id is remembered.
    pub async fn delivered(&self, delivery: &Delivery, now: Time) -> Result<()> {
        let mut tx = self.db.write().await?;
        let sql = "UPDATE delivery SET done = $1, body = $2 WHERE tenant = $3 AND repository = $4 AND id = $5 \
                   AND done IS NULL";
        let Delivery { tenant, repository, id, .. } = delivery;
        run!(&mut tx, sql, now.0, b"".as_slice(), tenant.as_str(), repository.as_str(), id.as_str())?;
        tx.commit().await
    }

    /// Forgets processed deliveries that came before a time; how many.
    pub async fn forget_deliveries(&self, before: Time) -> Result<u64> {
        let mut tx = self.db.write().await?;
        let sql = "DELETE FROM delivery WHERE done IS NOT NULL AND at < $1";
        let gone = run!(&mut tx, sql, before.0)?;
        tx.commit().await.map(|()| gone)
    }

    /// Keeps a health report about a proposal and makes the proposal due; the very same report is kept once.
    ///
    /// Of more than a hundred the oldest goes, one that says bad last.
    pub async fn report(&self, tenant: &TenantId, proposal: &str, report: &HealthReport) -> Result<()> {
        let body = serde_json::to_string(report).map_err(|error| StoreError::Other(error.to_string()))?;
        let digest = Digest::of(body.as_bytes()).to_string();
        let mut tx = self.db.write().await?;
        log::lock(&mut tx, tenant).await?;
        let sql = "SELECT p.id FROM proposal p WHERE p.tenant = $1 AND p.id = $2";
        let found = row!(&mut tx, (String,), sql, tenant.as_str(), proposal)?;
        let (id,) = found.ok_or_else(|| StoreError::NotFound(format!("proposal {proposal}")))?;
        let n = room(&mut tx, tenant, &id, &body).await?;
        let sql = "INSERT INTO health (tenant, proposal, n, digest, body) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (tenant, proposal, digest) DO NOTHING";
        run!(&mut tx, sql, tenant.as_str(), id.as_str(), n, digest.as_str(), body.as_str())?;
        // A turn that read the reports before this one must not be written down.
        let sql = "UPDATE proposal SET version = version + 1 WHERE tenant = $1 AND id = $2";
        run!(&mut tx, sql, tenant.as_str(), id.as_str())?;
        due::wake_one(&mut tx, tenant, &id, report.at).await?;
        bell::notify(&mut tx).await?;
        tx.commit().await?;
        self.rope.pull();
        Ok(())
    }

    /// The health reports about a proposal in the order they came.
    pub async fn reports(&self, tenant: &TenantId, proposal: &str) -> Result<Vec<HealthReport>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT body FROM health WHERE tenant = $1 AND proposal = $2 ORDER BY n";
        let found = rows!(&mut tx, (String,), sql, tenant.as_str(), proposal)?;
        let report = |(body,): &(String,)| {
            serde_json::from_str(body).map_err(|error| StoreError::damaged("a health report", error))
        };
        found.iter().map(report).collect()
    }
}

/// The place of the next health report of a proposal; where there is no room, the oldest one makes some.
async fn room(tx: &mut Tx, tenant: &TenantId, proposal: &str, body: &str) -> Result<i64> {
    let sql = "SELECT n, body FROM health WHERE tenant = $1 AND proposal = $2 ORDER BY n";
    let kept = rows!(tx, (i64, String), sql, tenant.as_str(), proposal)?;
    let next = kept.last().map_or(0, |(n, _)| n + 1);
    if kept.len() < MOST || kept.iter().any(|(_, known)| known == body) {
        return Ok(next);
    }
    let bad = |text: &str| serde_json::from_str::<HealthReport>(text).is_ok_and(|it| it.result == Judgement::Bad);
    let oldest = kept.iter().find(|(_, text)| !bad(text)).or(kept.first());
    let sql = "DELETE FROM health WHERE tenant = $1 AND proposal = $2 AND n = $3";
    run!(tx, sql, tenant.as_str(), proposal, oldest.map_or(0, |(n, _)| *n))?;
    Ok(next)
}
