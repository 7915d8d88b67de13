//! Deletions of what cannot be seen from the changed files: entries of a kustomization, and patches that delete.
//!
//! Must not guess from a file's name what stands in it.

use super::scene::{Scene, kustomizations, texts};
use crate::domain::policy::leaves::Leaf;
use serde_yaml::Value;

const LISTS: [&str; 5] = ["resources", "bases", "components", "helmCharts", "crds"];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, before, after) in kustomizations(scene) {
        for list in LISTS {
            let left = after.map(|after| entries(after, list)).unwrap_or_default();
            let lost = entries(before, list).into_iter().filter(|entry| !left.contains(entry));
            found.extend(lost.map(|entry| format!("{path}: {list} {entry}")));
        }
    }
    for file in &scene.files {
        let patches = |leaf: &&Leaf| leaf.last() == "$patch" && leaf.after.as_deref() == Some("delete");
        let read: Vec<&Leaf> = file.leaves.iter().chain(&file.inner).filter(patches).collect();
        // The text of a patch that cannot be read as a document is searched.
        let unread = file.leaves.iter().filter(|leaf| read.is_empty() && leaf.after.as_deref().is_some_and(deletes));
        let all: Vec<&Leaf> = read.iter().copied().chain(unread).collect();
        found.extend(all.into_iter().map(|leaf| format!("{}: {}", file.path, leaf.path)));
    }
    found
}

/// The entries of a list, without the version that an address asks for.
fn entries(value: &Value, list: &str) -> Vec<String> {
    let bare = |entry: String| entry.split_once("?ref=").map_or(entry.clone(), |(address, _)| address.to_owned());
    match value.get(list).and_then(Value::as_sequence) {
        Some(items) if list == "helmCharts" => {
            items.iter().filter_map(|item| item.get("name")?.as_str().map(str::to_owned)).collect()
        }
        Some(_) => texts(value, &[list]).into_iter().map(bare).collect(),
        None => Vec::new(),
    }
}

/// Whether the text of a patch deletes what it selects.
fn deletes(text: &str) -> bool {
    text.contains('\n')
        && text
            .lines()
            .any(|line| matches!(line.trim().trim_start_matches("- "), "$patch: delete" | "\"$patch\": \"delete\""))
}
