//! The name of our branch.
//!
//! Must not change for a proposal: a branch is found again by its name.

use super::Record;

/// The branch: `countersign/<action-kind>/<target-slug>-<12 hex of the digest>`, at most 200 bytes.
pub fn branch_name(record: &Record) -> String {
    let mut slug = String::new();
    for c in record.target.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    let slug: String = slug.chars().take(120).collect();
    let slug = slug.trim_matches('-');
    let slug = if slug.is_empty() { "change" } else { slug };
    format!("countersign/{}/{slug}-{}", record.action_kind.slug(), record.digest.short(12))
}
