//! Images that go back to an older version.
//!
//! Must not compare what has no version: a digest, a branch or a hash is neither older nor newer.

use super::scene::Scene;
use crate::domain::policy::leaves::Leaf;

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let older = scene.leaves().filter(|(_, leaf)| is_older(leaf));
    older.map(|(file, leaf)| format!("{}: {}", file.path, leaf.path)).collect()
}

fn is_older(leaf: &Leaf) -> bool {
    let (Some(before), Some(after)) = (leaf.before.as_deref(), leaf.after.as_deref()) else { return false };
    match leaf.last() {
        "newTag" | "tag" | "imageTag" | "image_tag" => older(before, after),
        "image" => match (parts(before), parts(after)) {
            (Some((name, before)), Some((other, after))) => name == other && older(before, after),
            _ => false,
        },
        _ => false,
    }
}

/// Name and tag of a reference; a port is no tag, and a digest behind the tag is left out.
fn parts(reference: &str) -> Option<(&str, &str)> {
    let bare = reference.split_once('@').map_or(reference, |(bare, _)| bare);
    bare.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))
}

fn older(before: &str, after: &str) -> bool {
    match (version(before), version(after)) {
        (Some((before, early)), Some((after, late))) => {
            let length = before.len().max(after.len());
            let full = |numbers: &[u64]| (0..length).map(|n| numbers.get(n).copied().unwrap_or(0)).collect::<Vec<_>>();
            let (old, new) = (full(&before), full(&after));
            // A release is newer than what came before it under the same number: `1.2.0-rc.1`.
            new < old || (new == old && early.is_empty() && late.starts_with('-'))
        }
        _ => false,
    }
}

/// The numbers a tag begins with, and what follows them; none of a tag that is no version.
fn version(tag: &str) -> Option<(Vec<u64>, &str)> {
    let bare = tag.strip_prefix(['v', 'V']).unwrap_or(tag);
    let end = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
    let (numbers, rest) = bare.split_at(end);
    let numbers: Option<Vec<u64>> = numbers.trim_end_matches('.').split('.').map(|part| part.parse().ok()).collect();
    let hash = rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    numbers.filter(|_| !hash).map(|numbers| (numbers, rest))
}
