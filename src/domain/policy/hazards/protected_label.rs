//! Labels that keep something safe: of admission, of node roles, of backups. Any difference counts, also a new one.
//!
//! Must not be reduced: the list is compiled in.

use super::scene::{Scene, at};
use serde_yaml::Value;
use std::collections::BTreeMap;

const NAMES: [&str; 6] = [
    "kubernetes.io/metadata.name",
    "admission.gatekeeper.sh/ignore",
    "velero.io/exclude-from-backup",
    "istio-injection",
    "istio.io/rev",
    "control-plane",
];
const PREFIXES: [&str; 4] = [
    "pod-security.kubernetes.io/",
    "node-role.kubernetes.io/",
    "node-restriction.kubernetes.io/",
    "policies.kyverno.io/",
];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (before, after) in scene.kept() {
        let (mut old, new) = (labels(before.value), labels(after.value));
        for (name, value) in new {
            if old.remove(&name) != Some(value) {
                found.push(format!("{}: {} {name}", after.file, after.id));
            }
        }
        found.extend(old.into_keys().map(|name| format!("{}: {} {name}", after.file, after.id)));
    }
    found
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    let map = at(value, &["metadata", "labels"]).and_then(Value::as_mapping);
    let protected = |name: &str| NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let label = |(name, value): (&Value, &Value)| Some((name.as_str()?.to_owned(), super::scene::plain(value)));
    map.into_iter().flatten().filter_map(label).filter(|(name, _)| protected(name)).collect()
}
