//! The proposals that a proposal has to do with: the same change, a newer one, a remembered no, a revert.
//!
//! Must not decide which they are.

use serde::{Deserialize, Serialize};

/// Ids of other proposals of the same tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Relations {
    /// The one that makes the same change already.
    pub duplicate_of: Option<String>,
    /// The newer one that took its place.
    pub superseded_by: Option<String>,
    /// Those whose place it takes once its pull request is open.
    pub supersedes: Vec<String>,
    /// The one whose pull request a person closed: a no to the same change.
    pub refused_with: Option<String>,
    /// The one whose landed change it takes back.
    pub reverts: Option<String>,
    /// The one that takes its landed change back.
    pub reverted_by: Option<String>,
}

impl Relations {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Relations::default()
    }
}
