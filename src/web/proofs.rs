//! Proofs about a tenant's log as letters: made from the database, signed with the log's key.
//!
//! Must not hand out a proof that does not hold: it is checked before it leaves.

use crate::domain::attest::Signer;
use crate::domain::audit::{Broken, Checkpoint, Letter};
use crate::domain::ids::TenantId;
use crate::store::{Result, Store, StoreError};

/// What is to be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// That this entry stands in the log.
    Entry(u64),
    /// That the log of this size is the beginning of the one of now.
    Growth(u64),
}

/// The proof, in the log of this size; of now when there is none.
pub async fn letter(store: &Store, signer: &Signer, tenant: &TenantId, ask: Ask, size: Option<u64>) -> Result<Letter> {
    let head = store.head(tenant).await?;
    store.lasts().await?;
    let size = size.unwrap_or(head.size);
    let root = if size == head.size { head.root } else { store.root_at(tenant, size).await? };
    let checkpoint = Checkpoint { origin: head.origin, size, root };
    let note = checkpoint.sign(signer);
    match ask {
        Ask::Entry(index) => {
            let path = store.inclusion(tenant, index, size).await?;
            let found = store.leaves(tenant, index, 1).await?.pop();
            let leaf = found.filter(|leaf| leaf.seq == index);
            let leaf = leaf.ok_or_else(|| StoreError::NotFound(format!("entry {index}")))?;
            let letter = Letter::Included { leaf: leaf.bytes, index, path, note };
            letter.prove_entry(&checkpoint).map_err(damaged)?;
            Ok(letter)
        }
        Ask::Growth(old) => {
            let path = store.consistency(tenant, old, size).await?;
            let before = Checkpoint { size: old, root: store.root_at(tenant, old).await?, ..checkpoint.clone() };
            let letter = Letter::Grown { old, path, note };
            letter.prove_growth(&before, &checkpoint).map_err(damaged)?;
            Ok(letter)
        }
    }
}

fn damaged(broken: Broken) -> StoreError {
    StoreError::Other(format!(
        "the log in the database is damaged: {broken}: run `countersign audit verify` on an export"
    ))
}
