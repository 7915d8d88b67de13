//! `RestartWorkload`: an annotation that restarts a workload.
//!
//! Must not touch any other annotation.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::RestartWorkload, narrow: true, files: super::YAML, objects: super::PODS, fits };

fn fits(leaf: &Leaf) -> bool {
    leaf.last().ends_with("restartedAt")
}
