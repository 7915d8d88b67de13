//! Finalizers that an object loses: what they waited for is not waited for any more.
//!
//! Must not count an object that is deleted: that is a danger of its own.

use super::scene::{Scene, texts};

const PLACES: [&[&str]; 2] = [&["metadata", "finalizers"], &["spec", "finalizers"]];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (before, after) in scene.kept() {
        for place in PLACES {
            let left = texts(after.value, place);
            let lost = texts(before.value, place).into_iter().filter(|name| !left.contains(name));
            found.extend(lost.map(|name| format!("{}: {} {name}", after.file, after.id)));
        }
    }
    found
}
