//! Claims, volumes and their snapshots that are deleted, and templates of claims that a set loses.
//!
//! Must not rely on a reclaim policy that stands elsewhere.

use super::scene::{Scene, at, gone_of};
use serde_yaml::Value;

const KINDS: &[&str] = &["PersistentVolumeClaim", "PersistentVolume", "VolumeSnapshot", "VolumeSnapshotContent"];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = gone_of(scene, KINDS);
    for (before, after) in scene.kept() {
        let left = templates(after.value);
        let lost = templates(before.value).into_iter().filter(|name| !left.contains(name));
        found.extend(lost.map(|name| format!("{}: {} volumeClaimTemplates {name}", after.file, after.id)));
    }
    found
}

fn templates(value: &Value) -> Vec<String> {
    let list = at(value, &["spec", "volumeClaimTemplates"]).and_then(Value::as_sequence);
    let name = |item: &Value| at(item, &["metadata", "name"])?.as_str().map(str::to_owned);
    list.into_iter().flatten().filter_map(name).collect()
}
