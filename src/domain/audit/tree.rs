//! RFC 6962 hashes: a leaf begins with 0, a node with 1.

use crate::domain::ids::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The hash of a leaf.
pub fn leaf_hash(bytes: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

pub(super) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Digest(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The roots of the perfect subtrees of a log, largest first: all that appending needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    size: u64,
    roots: Vec<Digest>,
}

impl Frontier {
    /// A log of so many leaves with these subtrees; none when it would have another number of them.
    pub fn of(size: u64, roots: Vec<Digest>) -> Option<Frontier> {
        (u64::from(size.count_ones()) == roots.len() as u64).then_some(Frontier { size, roots })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf's hash.
    pub fn push(&mut self, leaf: Digest) {
        self.grow(leaf, |_, _| ());
    }

    /// The same, and names each perfect subtree that this leaf completes: its level, from 1, and its root.
    pub fn grow(&mut self, leaf: Digest, mut completes: impl FnMut(u32, Digest)) {
        let (mut root, mut size, mut level) = (leaf, self.size, 0);
        while size & 1 == 1 {
            if let Some(left) = self.roots.pop() {
                root = node_hash(&left, &root);
            }
            (size, level) = (size >> 1, level + 1);
            completes(level, root);
        }
        self.roots.push(root);
        self.size += 1;
    }

    /// The tree's root; of no leaves, the hash of nothing.
    pub fn root(&self) -> Digest {
        let mut roots = self.roots.iter().rev();
        match roots.next() {
            None => Digest::of(b""),
            Some(last) => roots.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}

/// The root over these leaf hashes.
pub fn root(leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}
