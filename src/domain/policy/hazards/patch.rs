//! Patches, and values written as text inside a document: they reach into objects of other files.
//!
//! Must not be trusted to be harmless: what a patch writes is judged as if it stood there, and a person merges.

use super::scene::Scene;
use crate::domain::policy::patched;

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let outer = scene.files.iter().flat_map(|file| file.leaves.iter().map(move |leaf| (file, leaf)));
    let found = outer.filter(|(_, leaf)| patched::is_patch(leaf));
    found.map(|(file, leaf)| format!("{}: {}", file.path, leaf.path)).collect()
}
