//! `SetImage`: another image, tag or digest.
//!
//! Must not touch anything else of a container.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::SetImage, narrow: true, files: super::YAML, objects: super::PODS, fits };

fn fits(leaf: &Leaf) -> bool {
    let named = leaf.last() == "name" && leaf.under(&["images"]);
    let own = ["image", "newTag", "newName", "tagSuffix", "digest", "tag", "repository"];
    named || own.contains(&leaf.last())
}
