//! The objects that a change touches, and the namespaces they are in: from the documents, and from what stands around them.
//!
//! Must not take a namespace for known that nothing names.

use super::leaves::Leaf;
use crate::domain::edit::{FileEdit, Files, Refusal, yaml};
use serde_yaml::Value;
use std::collections::BTreeSet;

/// The names a kustomization may have.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// The label that names the namespace it stands on.
const LABEL: &str = "kubernetes.io/metadata.name";

/// An object that is changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TouchedObject {
    /// The file.
    pub file: String,
    /// `Deployment`.
    pub kind: String,
    /// The namespace that its document names.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// The kind and name of what it scales.
    pub scales: Option<(String, String)>,
}

impl TouchedObject {
    /// `Deployment shop/web in apps/web.yaml`.
    pub fn shown(&self) -> String {
        let namespace = self.namespace.as_deref().map(|name| format!("{name}/")).unwrap_or_default();
        format!("{} {namespace}{} in {}", self.kind, self.name, self.file)
    }
}

fn text<'a>(document: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(document, |value, key| value.get(key)).and_then(Value::as_str)
}

/// The touched documents of a file, before and after.
pub(super) fn touched(file: &FileEdit) -> Vec<(Option<Value>, Option<Value>)> {
    let before = yaml::documents(&file.before).unwrap_or_default();
    let after = yaml::documents(&file.after).unwrap_or_default();
    let indexes: BTreeSet<usize> = file.touched.iter().map(|touched| touched.document).collect();
    indexes.into_iter().map(|n| (before.get(n).cloned(), after.get(n).cloned())).collect()
}

/// The object a document is, if it is one.
pub(super) fn object(file: &str, document: &Value) -> Option<TouchedObject> {
    let (kind, _) = (text(document, &["kind"])?, text(document, &["apiVersion"])?);
    let scaled = ["spec", "scaleTargetRef"];
    let scales = text(document, &[&scaled[..], &["name"]].concat()).map(|name| {
        let kind = text(document, &[&scaled[..], &["kind"]].concat()).unwrap_or("Deployment");
        (kind.to_owned(), name.to_owned())
    });
    Some(TouchedObject {
        file: file.to_owned(),
        kind: kind.to_owned(),
        namespace: text(document, &["metadata", "namespace"]).map(str::to_owned),
        name: text(document, &["metadata", "name"])?.to_owned(),
        scales,
    })
}

/// The namespaces a document names for what it is or deploys.
pub(super) fn named(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_object = document.get("kind").is_some() && document.get("apiVersion").is_some();
    if is_object {
        let places: [&[&str]; 3] =
            [&["metadata", "namespace"], &["spec", "targetNamespace"], &["spec", "destination", "namespace"]];
        found.extend(places.iter().filter_map(|path| text(document, path)).map(str::to_owned));
        if text(document, &["kind"]) == Some("Namespace") {
            found.extend(text(document, &["metadata", "name"]).map(str::to_owned));
        }
    }
    if is_kustomization(document) {
        found.extend(text(document, &["namespace"]).map(str::to_owned));
    }
    found
}

/// The namespaces a document mentions in a label of its own, or, being the values of a chart, under a key for one.
///
/// What they name is protected; it does not make the namespace known.
pub(super) fn mentioned(document: &Value) -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        text(document, &["metadata", "labels", LABEL]).map(str::to_owned).into_iter().collect();
    let is_values = document.get("kind").is_none() && document.get("apiVersion").is_none();
    if is_values && !is_kustomization(document) {
        values(document, &mut found);
    }
    found
}

fn values(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Mapping(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(name) if key.as_str().is_some_and(names_one) => drop(found.insert(name.to_owned())),
                    Some(_) | None => values(value, found),
                }
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| values(item, found)),
        Value::Tagged(tagged) => values(&tagged.value, found),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn names_one(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.ends_with("namespace") || key == "namespaceoverride"
}

/// The namespaces that a changed value names, before and after.
pub(super) fn of_leaf(leaf: &Leaf) -> Vec<String> {
    let key = leaf.last().to_ascii_lowercase();
    let names = names_one(&key) || key.ends_with("namespaces") || key == LABEL;
    let texts = [&leaf.before, &leaf.after].into_iter().flatten().cloned();
    if names { texts.collect() } else { Vec::new() }
}

/// Whether a name is one that Kubernetes takes; a placeholder is not.
pub(super) fn is_label(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

fn is_kustomization(document: &Value) -> bool {
    let kind = document.get("kind").and_then(Value::as_str);
    kind == Some("Kustomization")
        || kind.is_none() && ["resources", "images", "bases", "patches"].iter().any(|key| document.get(key).is_some())
}

/// The namespace that the nearest kustomization above a file gives what it lists, if the file is among that.
pub fn around(files: &dyn Files, path: &str) -> Result<Option<String>, Refusal> {
    let mut below = path.to_owned();
    while let Some((folder, _)) = below.rsplit_once('/') {
        for name in KUSTOMIZATIONS {
            let place = format!("{folder}/{name}");
            let Some(bytes) = (place != path).then(|| files.read(&place)).transpose()?.flatten() else { continue };
            let documents = yaml::documents(&bytes).unwrap_or_default();
            let Some(document) = documents.iter().find(|document| is_kustomization(document)) else { continue };
            let relative = path.strip_prefix(&format!("{folder}/")).unwrap_or(path);
            if let Some(namespace) = text(document, &["namespace"]).filter(|_| lists(document, relative)) {
                return Ok(Some(namespace.to_owned()));
            }
        }
        below = folder.to_owned();
    }
    Ok(None)
}

/// Whether a kustomization lists a file, or a folder it lies in.
fn lists(document: &Value, relative: &str) -> bool {
    let entries = ["resources", "bases", "components"].iter().filter_map(|key| document.get(key)?.as_sequence());
    entries.flatten().filter_map(Value::as_str).any(|entry| {
        let entry = entry.trim_start_matches("./").trim_end_matches('/');
        relative == entry || relative.strip_prefix(entry).is_some_and(|rest| rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    struct Tree(BTreeMap<&'static str, &'static str>);

    impl Files for Tree {
        fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
            Ok(self.0.get(path).map(|text| text.as_bytes().to_vec()))
        }
    }

    #[test]
    fn a_file_takes_the_namespace_of_the_kustomization_that_lists_it() {
        let tree = Tree(BTreeMap::from([
            ("a/kustomization.yaml", "namespace: outer\nresources: [deep, ./b.yaml]\n"),
            ("a/deep/kustomization.yml", "resources: [c.yaml]\n"),
            ("d/kustomization.yaml", "namespace: other\nresources: [x.yaml]\n"),
        ]));
        let found = |path: &str| around(&tree, path).expect("readable");
        assert_eq!(found("a/b.yaml").as_deref(), Some("outer"));
        assert_eq!(found("a/deep/c.yaml").as_deref(), Some("outer"));
        assert_eq!(found("d/y.yaml"), None);
        assert_eq!(found("z.yaml"), None);
    }

    #[test]
    fn values_and_labels_mention_namespaces() {
        let read = |text: &str| serde_yaml::from_str::<Value>(text).expect(text);
        let all = |text: &str| mentioned(&read(text)).into_iter().collect::<Vec<_>>();
        assert_eq!(all("global: {namespaceOverride: kube-system}\nimage: {tag: x}\n"), ["kube-system"]);
        assert_eq!(all("kind: X\napiVersion: v1\nspec: {namespace: vault}\n"), Vec::<String>::new());
        let label = "kind: X\napiVersion: v1\nmetadata: {labels: {kubernetes.io/metadata.name: vault}}\n";
        assert_eq!(all(label), ["vault"]);
        assert!(named(&read("kind: Namespace\napiVersion: v1\nmetadata: {name: vault}\n")).contains("vault"));
    }
}
