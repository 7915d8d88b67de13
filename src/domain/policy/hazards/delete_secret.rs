//! Secrets that are deleted, in whatever form they are kept, and generators of secrets.
//!
//! Must not print a value.

use super::scene::{Scene, gone_of, kustomizations};
use serde_yaml::Value;

const KINDS: &[&str] = &[
    "Secret",
    "SealedSecret",
    "ExternalSecret",
    "ClusterExternalSecret",
    "SecretStore",
    "ClusterSecretStore",
    "PushSecret",
    "SopsSecret",
    "VaultStaticSecret",
    "VaultDynamicSecret",
    "SecretProviderClass",
];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = gone_of(scene, KINDS);
    for (path, before, after) in kustomizations(scene) {
        let left = after.map(generators).unwrap_or_default();
        let lost = generators(before).into_iter().filter(|name| !left.contains(name));
        found.extend(lost.map(|name| format!("{path}: secretGenerator {name}")));
    }
    found
}

fn generators(value: &Value) -> Vec<String> {
    let list = value.get("secretGenerator").and_then(Value::as_sequence);
    list.into_iter().flatten().filter_map(|item| item.get("name")?.as_str().map(str::to_owned)).collect()
}
