//! Resources of a cloud that go away: blocks of Terraform, counts of none, objects of Crossplane and its kin.
//!
//! Must not evaluate an expression: a count that cannot be read is no zero, and its change is a removal of its own kind.

use super::blocks::Block;
use super::scene::Scene;

/// Blocks that stand for something in the world.
const KINDS: [&str; 3] = ["resource", "module", "import"];
/// Groups of objects that stand for something outside the cluster.
const GROUPS: [&str; 6] = [
    "crossplane.io",
    "upbound.io",
    "services.k8s.aws",
    "cnrm.cloud.google.com",
    "cluster.x-k8s.io",
    "infrastructure.cluster.x-k8s.io",
];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let after: Vec<&Block> = scene.files.iter().flat_map(|file| &file.after.blocks).collect();
    for file in &scene.files {
        for before in file.before.blocks.iter().filter(|block| KINDS.contains(&block.kind.as_str())) {
            match after.iter().find(|block| block.address == before.address) {
                None => found.push(format!("{}: {}", file.path, before.address)),
                Some(after) if !is_none(before) && is_none(after) => {
                    found.push(format!("{}: {} has none", file.path, before.address));
                }
                Some(_) => {}
            }
        }
    }
    let gone = scene.gone();
    let outside = gone.iter().filter(|object| GROUPS.iter().any(|group| in_group(&object.id.group, group)));
    found.extend(outside.map(|object| format!("{}: {}", object.file, object.id)));
    found
}

fn in_group(own: &str, group: &str) -> bool {
    own == group || own.strip_suffix(group).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether a block asks for no instance at all.
fn is_none(block: &Block) -> bool {
    let says = |name: &str, words: &[&str]| {
        block.values.get(name).is_some_and(|value| words.contains(&value.replace(char::is_whitespace, "").as_str()))
    };
    says("count", &["0"]) || says("for_each", &["{}", "[]", "toset([])", "tomap({})"])
}
