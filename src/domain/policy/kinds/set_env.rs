//! `SetEnv`: other environment variables.
//!
//! Must not touch where a container reads files from.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::SetEnv, narrow: true, files: super::YAML, objects: super::PODS, fits };

fn fits(leaf: &Leaf) -> bool {
    leaf.under(&["env", "envFrom", "extraEnv", "environment"])
}
