//! Entries of a kustomization that are fetched from elsewhere: what stands there is not in this repository.
//!
//! Must not fetch anything.

use super::scene::Scene;

const LISTS: [&str; 3] = ["resources", "bases", "components"];
const HOSTS: [&str; 3] = ["github.com/", "gitlab.com/", "bitbucket.org/"];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let found = scene.leaves().filter(|(_, leaf)| {
        let listed = leaf.keys.first().is_some_and(|key| LISTS.contains(&key.as_str()));
        listed && leaf.after.as_deref().is_some_and(is_remote)
    });
    found.map(|(file, leaf)| format!("{}: {}", file.path, leaf.path)).collect()
}

fn is_remote(entry: &str) -> bool {
    let hosted = HOSTS.iter().any(|host| entry.starts_with(host));
    entry.contains("://") || entry.contains("?ref=") || entry.starts_with("git@") || hosted
}
