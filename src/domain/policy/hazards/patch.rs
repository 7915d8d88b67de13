//! Patches and values written as text inside a document: what they do is not read.
//!
//! Must not be trusted to be harmless: a patch can change anything.

use super::scene::Scene;

const PLACES: [&str; 4] = ["patches", "patchesJson6902", "patchesStrategicMerge", "valuesInline"];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let found = scene.leaves().filter(|(_, leaf)| leaf.under(&PLACES));
    found.map(|(file, leaf)| format!("{}: {}", file.path, leaf.path)).collect()
}
