//! `RemoveManifest`: less: a resource out of a list, a value that goes.
//!
//! Must not set a value.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::RemoveManifest, narrow: false, files: super::YAML, objects: &[], fits };

fn fits(leaf: &Leaf) -> bool {
    leaf.after.is_none() || leaf.under(&["resources", "components"])
}
