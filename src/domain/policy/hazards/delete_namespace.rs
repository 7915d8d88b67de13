//! Namespaces that are deleted, with everything in them.
//!
//! Must not tell a rename from a deletion: what went by the old name is deleted.

use super::scene::{Scene, gone_of};

const KINDS: &[&str] = &["Namespace"];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    gone_of(scene, KINDS)
}
