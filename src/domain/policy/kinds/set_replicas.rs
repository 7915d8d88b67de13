//! `SetReplicas`: another number of replicas or nodes.
//!
//! Must not touch what the replicas are.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::SetReplicas, narrow: true, files: super::ANY, objects: super::SCALED, fits };

fn fits(leaf: &Leaf) -> bool {
    let known = ["replicas", "replicaCount", "minReplicas", "maxReplicas", "desired_size", "min_size", "max_size"];
    let listed = leaf.under(&["replicas"]) && matches!(leaf.last(), "count" | "name");
    listed || known.contains(&leaf.last())
}
