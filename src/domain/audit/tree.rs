//! RFC 6962 hashes: a leaf begins with 0, a node with 1.

use crate::domain::ids::Digest;
use serde::{Deserialize, Serialize};

/// The hash of a leaf.
pub fn leaf_hash(bytes: &[u8]) -> Digest {
    Digest::of(&[&[0], bytes].concat())
}

fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Digest::of(&[&[1], left.0.as_slice(), right.0.as_slice()].concat())
}

/// The roots of the perfect subtrees of a log, largest first: all that appending needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frontier {
    size: u64,
    roots: Vec<Digest>,
}

impl Frontier {
    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf's hash.
    pub fn push(&mut self, leaf: Digest) {
        let mut root = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            if let Some(left) = self.roots.pop() {
                root = node_hash(&left, &root);
            }
            size >>= 1;
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
