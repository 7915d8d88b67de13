//! Counts of replicas or nodes that become none.
//!
//! Must not look at what the count was before: none is none.

use super::scene::Scene;

/// Keys that count what runs.
pub(super) const COUNTS: [&str; 9] = [
    "replicas",
    "count",
    "minReplicas",
    "maxReplicas",
    "replicaCount",
    "desired_size",
    "min_size",
    "node_count",
    "desired_capacity",
];

/// A count in a text.
pub(super) fn number(text: Option<&str>) -> Option<u64> {
    text?.trim().parse().ok()
}

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let zero =
        scene.leaves().filter(|(_, leaf)| COUNTS.contains(&leaf.last()) && number(leaf.after.as_deref()) == Some(0));
    zero.map(|(file, leaf)| format!("{}: {}", file.path, leaf.path)).collect()
}
