//! What a record has to show before a class merges by itself.
//!
//! Must not judge a record: `standing` does.

use super::threshold::Threshold;
use serde::{Deserialize, Serialize};

/// What a record must show, from the repository's config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// The wanted lower bound.
    pub threshold: Threshold,
    /// How many of the newest outcomes count.
    pub last: u64,
    /// How old an outcome may be, seconds.
    pub within: i64,
    /// Distinct targets that are needed.
    pub targets: u64,
    /// Distinct days that are needed.
    pub days: u64,
    /// How long after a merge its outcome is known, seconds.
    pub soak: i64,
}
