//! Proofs about the log: what stands in it, and how an earlier log became this one.
//!
//! Must not read the whole log for a proof: roots of 256 leaves and their like are kept beside them.

use super::db::{Tx, row, rows};
use super::error::{Result, StoreError};
use super::{Store, count};
use crate::domain::audit::{Frontier, Node, consistency_path, inclusion_path, join, perfect};
use crate::domain::ids::{Digest, TenantId};
use std::ops::Range;

/// How many levels one kept root spans.
pub(super) const TILE: u32 = 8;

impl Store {
    /// The root of the log's first entries.
    pub async fn root_at(&self, tenant: &TenantId, size: u64) -> Result<Digest> {
        let mut tx = self.db.read().await?;
        has(&mut tx, tenant, size, size).await?;
        root_of(&mut tx, tenant, 0..size).await
    }

    /// The path that proves that an entry stands in the log's first entries, from the leaf upwards.
    pub async fn inclusion(&self, tenant: &TenantId, index: u64, size: u64) -> Result<Vec<Digest>> {
        let mut tx = self.db.read().await?;
        has(&mut tx, tenant, size, index).await?;
        if index >= size {
            return Err(StoreError::NotFound(format!("entry {index} in a log of {size}")));
        }
        roots_of(&mut tx, tenant, inclusion_path(index, size)).await
    }

    /// The path that proves that the log's first entries of one size are the beginning of those of a larger one.
    pub async fn consistency(&self, tenant: &TenantId, old: u64, size: u64) -> Result<Vec<Digest>> {
        let mut tx = self.db.read().await?;
        has(&mut tx, tenant, size, old).await?;
        if old > size {
            return Err(StoreError::NotFound(format!("a log of {old} entries in one of {size}")));
        }
        roots_of(&mut tx, tenant, consistency_path(old, size)).await
    }
}

/// Refuses a size that the log does not have yet, and what would need entries that were pruned.
async fn has(tx: &mut Tx, tenant: &TenantId, size: u64, from: u64) -> Result<()> {
    let found = row!(tx, (i64, i64), "SELECT size, first FROM audit_head WHERE tenant = $1", tenant.as_str())?;
    let (have, first) = found.ok_or_else(|| StoreError::NotFound(format!("tenant `{tenant}`")))?;
    if count(size)? > have {
        return Err(StoreError::NotFound(format!("a log of {size} entries: it has {have}")));
    }
    if from > 0 && count(from)? < first || from == 0 && first > 0 && size > 0 {
        return Err(StoreError::NotFound(format!("{from} of a log whose entries before {first} were pruned")));
    }
    Ok(())
}

async fn roots_of(tx: &mut Tx, tenant: &TenantId, path: Vec<Range<u64>>) -> Result<Vec<Digest>> {
    let mut roots = Vec::with_capacity(path.len());
    for range in path {
        roots.push(root_of(tx, tenant, range).await?);
    }
    Ok(roots)
}

async fn root_of(tx: &mut Tx, tenant: &TenantId, range: Range<u64>) -> Result<Digest> {
    let mut roots = Vec::new();
    for node in perfect(range) {
        roots.push(node_root(tx, tenant, node).await?);
    }
    Ok(join(&roots))
}

/// The root of a perfect subtree, from the highest kept roots below it; from its leaves where none are kept.
pub(super) async fn node_root(tx: &mut Tx, tenant: &TenantId, node: Node) -> Result<Digest> {
    let mut floor = node.level / TILE * TILE;
    loop {
        let (first, many) = (node.index << (node.level - floor), 1_u64 << (node.level - floor));
        let hashes = hashes(tx, tenant, floor, first, many).await?;
        if hashes.len() as u64 == many {
            let mut frontier = Frontier::default();
            hashes.into_iter().for_each(|hash| frontier.push(hash));
            return Ok(frontier.root());
        }
        if floor == 0 {
            return Err(StoreError::NotFound(format!("entries from {first} on: the log is damaged")));
        }
        floor -= TILE;
    }
}

async fn hashes(tx: &mut Tx, tenant: &TenantId, level: u32, first: u64, many: u64) -> Result<Vec<Digest>> {
    let (from, to) = (count(first)?, count(first.saturating_add(many))?);
    let found = if level == 0 {
        let sql = "SELECT hash FROM audit_leaf WHERE tenant = $1 AND seq >= $2 AND seq < $3 ORDER BY seq";
        rows!(tx, (String,), sql, tenant.as_str(), from, to)?
    } else {
        let sql =
            "SELECT hash FROM audit_tile WHERE tenant = $1 AND level = $2 AND seq >= $3 AND seq < $4 ORDER BY seq";
        rows!(tx, (String,), sql, tenant.as_str(), i64::from(level), from, to)?
    };
    let read = |(hash,): (String,)| hash.parse().map_err(|error| StoreError::damaged("a hash of the log", error));
    found.into_iter().map(read).collect()
}
