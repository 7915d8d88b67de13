//! Values that are taken out, or become nothing: what stands there instead is a default that no file names.
//!
//! Must not judge what was taken out: the worse dangers do.

use super::scene::Scene;
use crate::domain::policy::leaves::Leaf;
use crate::domain::policy::patched;

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for file in &scene.files {
        let asked = file.edit.touched.iter().filter(|touched| touched.after.is_none()).map(|touched| &touched.path);
        let mut gone: Vec<&String> = asked.collect();
        if gone.is_empty() {
            gone.extend(file.leaves.iter().find(|leaf| leaf.after.is_none()).map(|leaf| &leaf.path));
        }
        found.extend(gone.into_iter().map(|path| format!("{}: {path}", file.path)));
        let nothing =
            |leaf: &&Leaf| leaf.before.is_some() && (leaf.after.as_deref() == Some("null") || patched::directive(leaf));
        let emptied = file.leaves.iter().chain(&file.inner).filter(nothing);
        found.extend(emptied.map(|leaf| format!("{}: {}", file.path, leaf.path)));
    }
    found
}
