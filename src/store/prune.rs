//! Removes the oldest entries of a log, whole blocks of 256 alone: their roots stay, so that later proofs hold.
//!
//! Must not renumber an entry, nor remove one that a proposal which is not over needs, nor without an entry that says so.

use super::db::{Tx, row, rows, run};
use super::error::{Result, StoreError};
use super::proofs::{TILE, node_root};
use super::{Store, count, log, number};
use crate::domain::audit::{Event, Node, Pruned, perfect};
use crate::domain::ids::{Digest, TenantId, Time};

/// How many entries are removed at once, at least.
pub const BLOCK: u64 = 1 << TILE;

/// The oldest entry of a proposal that is not over.
const LIVE: &str = "SELECT MIN(l.seq) FROM audit_leaf l JOIN proposal p ON p.tenant = l.tenant AND p.id = l.proposal \
                    WHERE l.tenant = $1 AND p.stage NOT IN ('settled', 'dropped')";

impl Store {
    /// The first index that has to stay: that of the oldest entry of a proposal that is not over, or of the newest.
    pub async fn prunable(&self, tenant: &TenantId) -> Result<u64> {
        let mut tx = self.db.read().await?;
        prunable(&mut tx, tenant).await
    }

    /// Removes the entries before an index, leaves and payloads, and appends the event that says so; its index.
    ///
    /// Before the entry `seen` the caller looked for a hold; one that was placed since refuses it.
    pub async fn prune(&self, tenant: &TenantId, before: u64, event: Event, seen: u64, now: Time) -> Result<u64> {
        let mut tx = self.db.write().await?;
        let mut head = self.lock(&mut tx, tenant).await?;
        log::unheld(&mut tx, tenant, seen).await?;
        let first = first(&mut tx, tenant).await?;
        let most = prunable(&mut tx, tenant).await?;
        let fault = if !before.is_multiple_of(BLOCK) {
            Some(format!("entries are pruned in blocks of {BLOCK}: {before} is no multiple of it"))
        } else if before <= first {
            Some(format!("the entries before {first} are gone already"))
        } else if before > most {
            Some(format!("entry {most} has to stay: a proposal that is not over needs it, or it is the newest"))
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(StoreError::Invalid(fault));
        }
        keep_roots(&mut tx, tenant, before).await?;
        let by = head.size();
        let event = Event { reason_code: Pruned::code(before), ..event };
        log::append(&mut tx, &mut head, tenant, &[event], now).await?;
        let before = count(before)?;
        run!(&mut tx, "DELETE FROM audit_payload WHERE tenant = $1 AND seq < $2", tenant.as_str(), before)?;
        run!(&mut tx, "DELETE FROM audit_leaf WHERE tenant = $1 AND seq < $2", tenant.as_str(), before)?;
        run!(&mut tx, "UPDATE audit_head SET first = $1 WHERE tenant = $2", before, tenant.as_str())?;
        tx.commit().await.map(|()| by)
    }

    /// What is left of the entries that were pruned; none when none were.
    pub async fn pruned(&self, tenant: &TenantId) -> Result<Option<Pruned>> {
        let mut tx = self.db.read().await?;
        let before = first(&mut tx, tenant).await?;
        if before == 0 {
            return Ok(None);
        }
        let mut roots = Vec::new();
        for node in perfect(0..before) {
            roots.push(node_root(&mut tx, tenant, node).await?);
        }
        Ok(Some(Pruned { before, roots }))
    }
}

/// The first entry that is there.
pub(super) async fn first(tx: &mut Tx, tenant: &TenantId) -> Result<u64> {
    let found = row!(tx, (i64,), "SELECT first FROM audit_head WHERE tenant = $1", tenant.as_str())?;
    found.map(|(first,)| number(first)).ok_or_else(|| StoreError::NotFound(format!("tenant `{tenant}`")))
}

async fn prunable(tx: &mut Tx, tenant: &TenantId) -> Result<u64> {
    let size = row!(&mut *tx, (i64,), "SELECT size FROM audit_head WHERE tenant = $1", tenant.as_str())?;
    let (size,) = size.ok_or_else(|| StoreError::NotFound(format!("tenant `{tenant}`")))?;
    let live = row!(&mut *tx, (Option<i64>,), LIVE, tenant.as_str())?.and_then(|(live,)| live);
    Ok(number(live.unwrap_or(i64::MAX).min(size.saturating_sub(1))))
}

/// Writes down every root of 256, 65,536, ... of these entries that is not kept yet, lowest first.
async fn keep_roots(tx: &mut Tx, tenant: &TenantId, before: u64) -> Result<()> {
    let mut level = TILE;
    while before >> level > 0 {
        let sql = "SELECT seq FROM audit_tile WHERE tenant = $1 AND level = $2 AND seq < $3";
        let kept = rows!(&mut *tx, (i64,), sql, tenant.as_str(), i64::from(level), count(before >> level)?)?;
        let kept: std::collections::BTreeSet<u64> = kept.into_iter().map(|(seq,)| number(seq)).collect();
        for index in (0..before >> level).filter(|index| !kept.contains(index)) {
            let root: Digest = node_root(&mut *tx, tenant, Node { level, index }).await?;
            let sql = "INSERT INTO audit_tile (tenant, level, seq, hash) VALUES ($1, $2, $3, $4)";
            let hash = root.to_string();
            run!(&mut *tx, sql, tenant.as_str(), i64::from(level), count(index)?, hash.as_str())?;
        }
        level += TILE;
    }
    Ok(())
}
