//! What is left of a log's oldest entries once they were pruned: how many there were, and their roots.
//!
//! Must not stand for entries unless one that is still there says that they were pruned.

use super::{Frontier, Leaf};
use crate::domain::ids::Digest;
use serde::{Deserialize, Serialize};

/// The type of the entry that says so.
pub(super) const KIND: &str = "log.pruned";

/// The beginning of a log that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pruned {
    /// The first entry that is still there.
    pub before: u64,
    /// The roots of the perfect subtrees of those before it, largest first.
    pub roots: Vec<Digest>,
}

impl Pruned {
    /// What the leaf that says so holds as its reason code, so that it stands when payloads go.
    pub fn code(before: u64) -> String {
        format!("before:{before}")
    }

    /// Whether this leaf says so.
    pub(super) fn is_said_by(&self, leaf: &Leaf) -> bool {
        leaf.kind == KIND && leaf.reason_code == Pruned::code(self.before)
    }

    /// The tree as it was before the first entry that is still there.
    pub(super) fn frontier(&self) -> Option<Frontier> {
        Frontier::of(self.before, self.roots.clone())
    }
}
