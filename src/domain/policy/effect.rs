//! What a change really does, read from the files before and after, not from what the proposal claims.

use super::changed::changed;
pub use super::hazards::Hazard;
use super::hazards::{Scene, find};
use super::leaves::Leaf;
use super::objects::{self, TouchedObject};
use super::patched;
use crate::domain::edit::{Applied, FileEdit, Format, Touched};
use crate::domain::facts::{FileSummary, Touch};
use std::collections::{BTreeMap, BTreeSet};

/// The effect of a change set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// The changed files, for people.
    pub summary: Vec<FileSummary>,
    /// Every value that differs, with its file.
    pub leaves: Vec<(String, Leaf)>,
    /// The namespaces of what is changed, before and after, as the files name them.
    pub namespaces: BTreeSet<String>,
    /// The objects that are changed, as far as their documents say what they are.
    pub objects: Vec<TouchedObject>,
    /// Some of it is in a namespace that the files do not name.
    pub namespace_unknown: bool,
    /// Dangers, by stable name.
    pub hazards: Vec<Hazard>,
    /// An image, or a resource limit, is changed.
    pub touches_image_or_limit: bool,
}

impl Effect {
    /// Reads the effect of what was applied, where nothing is known of what stands around it.
    pub fn of(applied: &Applied) -> Effect {
        Effect::within(applied, &BTreeMap::new())
    }

    /// Reads the effect of what was applied; `around` is the namespace that a kustomization gives a file.
    pub fn within(applied: &Applied, around: &BTreeMap<String, String>) -> Effect {
        let mut effect = Effect { summary: applied.files.iter().map(summary).collect(), ..Effect::default() };
        // The format it was edited as decides, not the file's name.
        let is_yaml =
            |file: &FileEdit| applied.steps.iter().any(|step| step.file == file.path && step.format == Format::Yaml);
        let leaves: Vec<Vec<Leaf>> = applied.files.iter().map(|file| changed(file, is_yaml(file))).collect();
        for file in applied.files.iter().filter(|file| is_yaml(file)) {
            effect.read_objects(file, around.get(&file.path));
        }
        let files = applied.files.iter().zip(&leaves).map(|(file, leaves)| (file, leaves.as_slice(), is_yaml(file)));
        effect.hazards = find(&Scene::of(files));
        for leaf in leaves.iter().flatten() {
            effect.touches_image_or_limit |= touches_image_or_limit(leaf);
            effect.namespaces.extend(objects::of_leaf(leaf));
            if patched::is_patch(leaf) {
                effect.namespaces.extend(patched::namespaces(leaf));
                effect.touches_image_or_limit |= patched::inside(leaf).iter().any(touches_image_or_limit);
            }
        }
        for (file, leaves) in applied.files.iter().zip(leaves) {
            effect.leaves.extend(leaves.into_iter().map(|leaf| (file.path.clone(), leaf)));
        }
        effect
    }

    /// Lines added and removed.
    pub fn lines(&self) -> u64 {
        self.summary.iter().map(|file| file.added + file.removed).sum()
    }

    /// The paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.summary.iter().map(|file| file.path.as_str())
    }

    /// How dangerous it is: 1, 2 or 3.
    pub fn tier(&self, production: bool) -> u8 {
        let sensitive = if self.touches_image_or_limit && production { 2 } else { 1 };
        self.hazards.iter().map(|hazard| hazard.tier).max().unwrap_or(1).max(sensitive)
    }

    /// Both sides count: moving an object out of a namespace removes it there.
    fn read_objects(&mut self, file: &FileEdit, around: Option<&String>) {
        for (before, after) in objects::touched(file) {
            let mut known = after.as_ref().map(objects::named).unwrap_or_default();
            if known.is_empty() {
                known.extend(around.cloned());
            }
            self.namespace_unknown |= known.is_empty() || !known.iter().all(|name| objects::is_label(name));
            self.namespaces.extend(known);
            for side in [&before, &after].into_iter().flatten() {
                self.namespaces.extend(objects::named(side));
                self.namespaces.extend(objects::mentioned(side));
            }
            let found = [&after, &before].into_iter().flatten().find_map(|side| objects::object(&file.path, side));
            self.objects.extend(found);
        }
    }
}

fn touches_image_or_limit(leaf: &Leaf) -> bool {
    leaf.under(&["image", "images", "newTag", "digest", "tag", "limits", "requests", "resources"])
}

fn summary(file: &FileEdit) -> FileSummary {
    let (before, after) = (String::from_utf8_lossy(&file.before), String::from_utf8_lossy(&file.after));
    let diff = similar::TextDiff::from_lines(before.as_ref(), after.as_ref());
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count() as u64;
    let touch = |touched: &Touched| Touch {
        path: touched.path.clone(),
        before: touched.before.clone(),
        after: touched.after.clone(),
    };
    FileSummary {
        path: file.path.clone(),
        added: count(similar::ChangeTag::Insert),
        removed: count(similar::ChangeTag::Delete),
        touched: file.touched.iter().map(touch).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::edit::{Files, Refusal, apply};

    struct One(&'static str);

    impl Files for One {
        fn read(&self, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
            Ok(Some(self.0.as_bytes().to_vec()))
        }
    }

    fn effect(file: &'static str, set: serde_json::Value) -> Effect {
        let change = serde_json::json!([{"manifest": {"file": "a.yaml", "set": set}}]);
        let changes: Vec<_> = serde_json::from_value(change).expect("changes");
        Effect::of(&apply(&One(file), &changes).expect("applies"))
    }

    #[test]
    fn scaling_down_and_hidden_characters_are_dangers() {
        let names = |effect: Effect| effect.hazards.iter().map(|hazard| hazard.name).collect::<Vec<_>>();
        assert_eq!(names(effect("spec: {replicas: 3}\n", serde_json::json!({"spec.replicas": 0}))), ["scale_to_zero"]);
        assert_eq!(
            names(effect("spec: {replicas: 5}\n", serde_json::json!({"spec.replicas": 2}))),
            ["scale_below_half"]
        );
        assert!(names(effect("spec: {replicas: 4}\n", serde_json::json!({"spec.replicas": 2}))).is_empty());
        assert_eq!(names(effect("a: x\n", serde_json::json!({"a": "y\u{202e}z"}))), ["hidden_characters"]);
        assert_eq!(names(effect("a: {b: 1, c: 2}\n", serde_json::json!({"a": {"b": 1}}))), ["removal"]);
    }

    #[test]
    fn a_block_written_at_once_is_judged_by_what_stands_inside() {
        let names = |effect: Effect| effect.hazards.iter().map(|hazard| hazard.name).collect::<Vec<_>>();
        let list = serde_json::json!({"replicas": [{"name": "web", "count": 0}]});
        assert_eq!(names(effect("kind: Kustomization\n", list)), ["scale_to_zero"]);
        let block = serde_json::json!({"spec": {"replicas": 1, "paused": false}});
        assert_eq!(names(effect("spec: {replicas: 5, paused: false}\n", block)), ["scale_below_half"]);
        let hidden = serde_json::json!({"a": {"b": ["y\u{202e}z"]}});
        assert_eq!(names(effect("a: {}\n", hidden)), ["hidden_characters"]);
        let image = serde_json::json!({"spec": {"containers": [{"name": "x", "image": "y"}]}});
        assert_eq!(effect("spec: {}\n", image).tier(true), 2);
    }

    #[test]
    fn a_patch_is_judged_by_what_it_writes() {
        let all = |file, set| effect(file, set).hazards.iter().map(|hazard| hazard.name).collect::<BTreeSet<_>>();
        let own = "patches:\n- patch: |-\n    kind: Deployment\n    metadata: {name: x, namespace: kube-system}\n    spec: {replicas: 3}\n";
        let text = "kind: Deployment\nmetadata: {name: x, namespace: kube-system}\nspec: {replicas: 0}";
        let set = serde_json::json!({"patches[0].patch": text});
        assert_eq!(all(own, set.clone()), BTreeSet::from(["patch", "scale_to_zero"]));
        assert!(effect(own, set).namespaces.contains("kube-system"));
        let file = "- op: replace\n  path: /spec/x\n  value: 1\n";
        assert_eq!(all(file, serde_json::json!({"[0].value": 2})), BTreeSet::from(["patch"]));
        assert_eq!(all("spec: {a: {b: 1}}\n", serde_json::json!({"spec.a": null})), BTreeSet::from(["removal"]));
        let list = serde_json::json!({"resources": ["a.yaml", "github.com/a/b?ref=c"]});
        assert_eq!(all("resources: [a.yaml]\n", list), BTreeSet::from(["remote_resource"]));
    }

    #[test]
    fn namespaces_come_from_the_document() {
        let known = effect(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {namespace: web, name: x}\nspec: {replicas: 1}\n",
            serde_json::json!({"spec.replicas": 2}),
        );
        assert!(known.namespaces.contains("web") && !known.namespace_unknown);
        let moved = effect(
            "apiVersion: v1\nkind: Pod\nmetadata: {namespace: kube-system}\n",
            serde_json::json!({"metadata.namespace": "web"}),
        );
        assert!(moved.namespaces.contains("kube-system") && moved.namespaces.contains("web"));
        assert!(effect("a: 1\n", serde_json::json!({"a": 2})).namespace_unknown);
        assert_eq!(effect("image: {tag: a}\n", serde_json::json!({"image.tag": "b"})).tier(true), 2);
    }
}
