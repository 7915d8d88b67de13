//! A tenant's log as an export: the entries of one consistent prefix, in order.
//!
//! Must not hold the log in memory, nor hand out an entry beyond the head it began with.

use crate::domain::attest::Signer;
use crate::domain::audit::{Checkpoint, Entry, Manifest, Pruned};
use crate::domain::ids::TenantId;
use crate::store::{Head, Result, Store, StoreError, StoredLeaf};

/// How many entries are read at once.
const BATCH: u32 = 500;

/// An export under way: the manifest is known at its beginning.
#[derive(Clone, Debug)]
pub struct Export {
    store: Store,
    tenant: TenantId,
    head: Head,
    next: u64,
    only: Option<Vec<String>>,
    pruned: Option<Pruned>,
}

impl Export {
    /// Fixes the prefix that is exported: the log as it is now.
    pub async fn begin(store: &Store, tenant: &TenantId) -> Result<Export> {
        let (pruned, head) = (store.pruned(tenant).await?, store.head(tenant).await?);
        store.lasts().await?;
        let next = pruned.as_ref().map_or(0, |pruned| pruned.before);
        Ok(Export { store: store.clone(), tenant: tenant.clone(), head, next, only: None, pruned })
    }

    /// The same log with the payloads of these types only; every leaf is there, so that it still verifies.
    #[must_use]
    pub fn only(mut self, types: Vec<String>) -> Export {
        self.only = Some(types);
        self
    }

    /// What the export says of itself; without parts, which its writer names.
    pub fn manifest(&self) -> Manifest {
        Manifest {
            v: 1,
            origin: self.head.origin.clone(),
            tenant: self.tenant.clone(),
            size: self.head.size,
            root: self.head.root,
            parts: Vec::new(),
            only: self.only.clone(),
            pruned: self.pruned.clone(),
        }
    }

    /// The signed checkpoint of the same prefix.
    pub fn checkpoint(&self, signer: &Signer) -> String {
        let Head { origin, size, root, .. } = self.head.clone();
        Checkpoint { origin, size, root }.sign(signer)
    }

    /// The entries that follow; none when all were given.
    pub async fn batch(&mut self) -> Result<Option<Vec<Entry>>> {
        let left = self.head.size.saturating_sub(self.next);
        let limit = u32::try_from(left).unwrap_or(BATCH).min(BATCH);
        if limit == 0 {
            return Ok(None);
        }
        let leaves = self.store.leaves(&self.tenant, self.next, limit).await?;
        let Some(last) = leaves.last() else { return Ok(None) };
        if leaves.first().is_some_and(|leaf| leaf.seq != self.next) {
            let reason = "entries were pruned while the log was exported: export it again";
            return Err(StoreError::Invalid(reason.into()));
        }
        self.next = last.seq.saturating_add(1);
        Ok(Some(leaves.iter().map(|leaf| self.entry(leaf)).collect()))
    }

    fn entry(&self, leaf: &StoredLeaf) -> Entry {
        let payload = leaf.payload.as_ref().map(|(payload, nonce)| (payload.as_slice(), nonce.as_slice()));
        let mut entry = Entry::stored(leaf.seq, &leaf.bytes, payload, leaf.redacted_by);
        if let Some(only) = &self.only {
            let kind = entry.leaf.get("type").and_then(serde_json::Value::as_str).unwrap_or_default();
            if !only.iter().any(|wanted| wanted == kind) {
                (entry.payload_b64, entry.nonce) = (None, None);
            }
        }
        entry
    }
}
