//! `SetResources`: other requests or limits.
//!
//! Must not touch quotas or anything outside of `requests` and `limits`.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::SetResources, narrow: true, files: super::YAML, objects: super::PODS, fits };

fn fits(leaf: &Leaf) -> bool {
    leaf.under(&["limits", "requests"])
}
