//! `SuspendReconciliation`: reconciliation paused or resumed.
//!
//! Must not touch what is reconciled.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::SuspendReconciliation, narrow: false, files: super::YAML, objects: &[], fits };

fn fits(leaf: &Leaf) -> bool {
    matches!(leaf.last(), "suspend" | "paused" | "prune" | "selfHeal" | "enabled")
        || leaf.last().ends_with("/reconcile")
        || leaf.last().ends_with("/skip-reconcile")
}
