//! Definitions of custom resources that are deleted, with every resource of theirs.
//!
//! Must not tell a rename from a deletion: what went by the old name is deleted.

use super::scene::{Scene, gone_of};

const KINDS: &[&str] = &["CustomResourceDefinition", "CompositeResourceDefinition"];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    gone_of(scene, KINDS)
}
