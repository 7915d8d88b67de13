//! Guards against deletion that are lifted: Terraform's, Helm's, Argo CD's, Flux's, Crossplane's and the cloud's own.
//!
//! Must not count a guard that goes with the object it guards: that is a deletion.

use super::blocks::Block;
use super::scene::{Scene, text};
use serde_yaml::Value;

/// Attributes of Terraform that are guards when they say `true`.
const ATTRIBUTES: [&str; 5] = [
    "lifecycle.prevent_destroy",
    "deletion_protection",
    "deletion_protection_enabled",
    "enable_deletion_protection",
    "disable_api_termination",
];
/// Annotations that are guards, and what they say then.
const ANNOTATIONS: [(&str, &str); 4] = [
    ("helm.sh/resource-policy", "keep"),
    ("argocd.argoproj.io/sync-options", "Prune=false"),
    ("argocd.argoproj.io/sync-options", "Delete=false"),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
];
/// Fields that are guards, and what they say then.
const FIELDS: [(&[&str], &str); 3] = [
    (&["spec", "deletionPolicy"], "Orphan"),
    (&["spec", "persistentVolumeReclaimPolicy"], "Retain"),
    (&["reclaimPolicy"], "Retain"),
];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for file in &scene.files {
        for before in &file.before.blocks {
            let after = file.after.blocks.iter().find(|block| block.address == before.address);
            let lifted = after.map(|after| lifted(before, after)).unwrap_or_default();
            found.extend(lifted.into_iter().map(|name| format!("{}: {} {name}", file.path, before.address)));
        }
    }
    for (before, after) in scene.kept() {
        let left = guards(after.value);
        let lost = guards(before.value).into_iter().filter(|guard| !left.contains(guard));
        found.extend(lost.map(|guard| format!("{}: {} {guard}", after.file, after.id)));
    }
    found
}

fn lifted(before: &Block, after: &Block) -> Vec<&'static str> {
    let on = |block: &Block, name: &str| block.values.get(name).is_some_and(|value| value == "true");
    ATTRIBUTES.into_iter().filter(|name| on(before, name) && !on(after, name)).collect()
}

fn guards(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (name, word) in ANNOTATIONS {
        let says = text(value, &["metadata", "annotations", name]).unwrap_or_default();
        if says.split(',').any(|part| part.trim() == word) {
            found.push(format!("{name} {word}"));
        }
    }
    for (path, word) in FIELDS {
        if text(value, path) == Some(word) {
            found.push(format!("{} {word}", path.join(".")));
        }
    }
    found
}
