//! Nodes that take no more pods, or lose those they have: cordons, drains and taints.
//!
//! Must not count a taint that stood there already.

use super::scene::Scene;
use crate::domain::policy::leaves::Leaf;

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let found = scene.leaves().filter(|(_, leaf)| closes(leaf));
    found.map(|(file, leaf)| format!("{}: {}", file.path, leaf.path)).collect()
}

fn closes(leaf: &Leaf) -> bool {
    let says = leaf.after.as_deref().unwrap_or_default();
    let switch = matches!(leaf.last(), "unschedulable" | "cordon" | "drain") && says == "true";
    let taint = leaf.under(&["taints", "taint", "startupTaints"])
        && leaf.last() == "effect"
        && matches!(says, "NoSchedule" | "NoExecute" | "NO_SCHEDULE" | "NO_EXECUTE");
    switch || taint
}
