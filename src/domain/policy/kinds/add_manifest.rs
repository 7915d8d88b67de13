//! `AddManifest`: more: a resource in a list, a value where none stood.
//!
//! Must not change or remove what stands.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::AddManifest, narrow: false, files: super::YAML, objects: &[], fits };

fn fits(leaf: &Leaf) -> bool {
    leaf.before.is_none() || leaf.under(&["resources", "components"])
}
