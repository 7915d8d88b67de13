//! Values that are taken out: what stands there instead is a default that no file names.
//!
//! Must not judge what was taken out: the worse dangers do.

use super::scene::Scene;

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for file in &scene.files {
        let asked = file.edit.touched.iter().filter(|touched| touched.after.is_none()).map(|touched| &touched.path);
        let mut gone: Vec<&String> = asked.collect();
        if gone.is_empty() {
            gone.extend(file.leaves.iter().find(|leaf| leaf.after.is_none()).map(|leaf| &leaf.path));
        }
        found.extend(gone.into_iter().map(|path| format!("{}: {path}", file.path)));
    }
    found
}
