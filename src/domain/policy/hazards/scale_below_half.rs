//! Counts of replicas or nodes that fall below half of what they were, and not to none.
//!
//! Must not count exactly half.

use super::scale_to_zero::{COUNTS, number};
use super::scene::Scene;

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let low = scene.leaves().filter(|(_, leaf)| {
        let (before, after) = (number(leaf.before.as_deref()), number(leaf.after.as_deref()));
        let halved = before.zip(after).is_some_and(|(before, after)| after > 0 && after < before.div_ceil(2));
        COUNTS.contains(&leaf.last()) && halved
    });
    low.map(|(file, leaf)| format!("{}: {}", file.path, leaf.path)).collect()
}
