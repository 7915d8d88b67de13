//! What dangers are looked for in: objects, values and blocks on both sides of a change.
//!
//! Must not judge anything.

use super::blocks::{Block, blocks};
use crate::domain::edit::{FileEdit, yaml};
use crate::domain::policy::leaves::Leaf;
use crate::domain::policy::patched;
use serde_yaml::Value;
use std::collections::BTreeSet;

/// All changed files.
pub(in crate::domain::policy) struct Scene<'a> {
    pub(super) files: Vec<File<'a>>,
}

/// One changed file.
pub(super) struct File<'a> {
    pub(super) path: &'a str,
    pub(super) edit: &'a FileEdit,
    pub(super) leaves: &'a [Leaf],
    /// What the text of its patches writes otherwise than before.
    pub(super) inner: Vec<Leaf>,
    pub(super) before: Side,
    pub(super) after: Side,
}

/// What a file says on one side.
#[derive(Default)]
pub(super) struct Side {
    pub(super) documents: Vec<Value>,
    pub(super) blocks: Vec<Block>,
}

/// An object of a cluster: where it stands and what it is.
#[derive(Clone)]
pub(super) struct Object<'a> {
    pub(super) file: &'a str,
    pub(super) id: Id,
    pub(super) value: &'a Value,
}

/// The identity of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl std::fmt::Display for Id {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.namespace.as_str() {
            "" => write!(out, "{} {}", self.kind, self.name),
            namespace => write!(out, "{} {namespace}/{}", self.kind, self.name),
        }
    }
}

impl<'a> Scene<'a> {
    /// The scene of these files, each with the values that differ in it and whether it is YAML.
    pub(in crate::domain::policy) fn of(
        files: impl IntoIterator<Item = (&'a FileEdit, &'a [Leaf], bool)>,
    ) -> Scene<'a> {
        let file = |(edit, leaves, yaml): (&'a FileEdit, &'a [Leaf], bool)| File {
            path: edit.path.as_str(),
            edit,
            leaves,
            inner: leaves.iter().flat_map(patched::inside).collect(),
            before: side(&edit.before, yaml),
            after: side(&edit.after, yaml),
        };
        Scene { files: files.into_iter().map(file).collect() }
    }

    /// Every value that differs, also inside of patches, with its file.
    pub(super) fn leaves(&self) -> impl Iterator<Item = (&File<'a>, &Leaf)> {
        self.files.iter().flat_map(|file| file.leaves.iter().chain(&file.inner).map(move |leaf| (file, leaf)))
    }

    /// The objects before the change.
    pub(super) fn before(&self) -> Vec<Object<'_>> {
        self.files.iter().flat_map(|file| objects(file.path, &file.before.documents)).collect()
    }

    /// The objects after it.
    pub(super) fn after(&self) -> Vec<Object<'_>> {
        self.files.iter().flat_map(|file| objects(file.path, &file.after.documents)).collect()
    }

    /// The objects that stand in no changed file any more, wherever they stood.
    pub(super) fn gone(&self) -> Vec<Object<'_>> {
        let left: BTreeSet<Id> = self.after().into_iter().map(|object| object.id).collect();
        self.before().into_iter().filter(|object| !left.contains(&object.id)).collect()
    }

    /// The objects that stand on both sides, before and after.
    pub(super) fn kept(&self) -> Vec<(Object<'_>, Object<'_>)> {
        let before = self.before();
        let mut pairs = Vec::new();
        for after in self.after() {
            let old = before.iter().find(|old| old.id == after.id).cloned();
            pairs.extend(old.map(|old| (old, after)));
        }
        pairs
    }
}

fn side(bytes: &[u8], yaml: bool) -> Side {
    if yaml {
        return Side { documents: yaml::documents(bytes).unwrap_or_default(), blocks: Vec::new() };
    }
    Side { documents: Vec::new(), blocks: std::str::from_utf8(bytes).map(blocks).unwrap_or_default() }
}

/// The objects among documents; a `List` holds several.
fn objects<'a>(file: &'a str, documents: &'a [Value]) -> Vec<Object<'a>> {
    let mut found = Vec::new();
    for value in documents {
        let items = value.get("items").and_then(Value::as_sequence);
        let is_list = text(value, &["kind"]).is_some_and(|kind| kind.ends_with("List"));
        match items.filter(|_| is_list) {
            Some(items) => found.extend(items.iter().filter_map(|item| object(file, item))),
            None => found.extend(object(file, value)),
        }
    }
    found
}

fn object<'a>(file: &'a str, value: &'a Value) -> Option<Object<'a>> {
    let (kind, api) = (text(value, &["kind"])?, text(value, &["apiVersion"])?);
    let named = |path: &[&str]| text(value, path).unwrap_or_default().to_owned();
    let id = Id {
        group: api.rsplit_once('/').map(|(group, _)| group.to_owned()).unwrap_or_default(),
        kind: kind.to_owned(),
        namespace: named(&["metadata", "namespace"]),
        name: named(&["metadata", "name"]),
    };
    (!id.name.is_empty()).then_some(Object { file, id, value })
}

/// The value at a path of keys.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// The text at a path of keys.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path).and_then(Value::as_str)
}

/// The texts of a list at a path; nothing where there is no list.
pub(super) fn texts(value: &Value, path: &[&str]) -> BTreeSet<String> {
    let list = at(value, path).and_then(Value::as_sequence);
    list.into_iter().flatten().map(plain).collect()
}

/// A value as one text.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| serde_yaml::to_string(value).unwrap_or_default().trim_end().to_owned(), str::to_owned)
}

/// The objects of these kinds that are gone.
pub(super) fn gone_of(scene: &Scene<'_>, kinds: &[&str]) -> Vec<String> {
    let gone = scene.gone();
    let fits = gone.iter().filter(|object| kinds.contains(&object.id.kind.as_str()));
    fits.map(|object| format!("{}: {}", object.file, object.id)).collect()
}

/// Whether a document is a kustomization.
pub(super) fn is_kustomization(value: &Value) -> bool {
    let api = text(value, &["apiVersion"]);
    match text(value, &["kind"]) {
        Some("Kustomization" | "Component") => api.is_none_or(|api| api.starts_with("kustomize.config.k8s.io/")),
        Some(_) => false,
        None => ["resources", "bases", "components", "images", "patches"].iter().any(|key| value.get(key).is_some()),
    }
}

/// The kustomization of a file on both sides.
pub(super) fn kustomizations<'a>(scene: &'a Scene<'_>) -> Vec<(&'a str, &'a Value, Option<&'a Value>)> {
    let one = |side: &'a Side| side.documents.iter().find(|value| is_kustomization(value));
    scene.files.iter().filter_map(|file| Some((file.path, one(&file.before)?, one(&file.after)))).collect()
}
