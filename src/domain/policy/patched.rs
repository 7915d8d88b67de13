//! What a patch does, read from its text: the values that it writes, as if they stood in the object itself.
//!
//! Must not judge them, and must not take a patch for harmless because it cannot be read.

use super::leaves::{Leaf, between, from_text};
use serde_yaml::Value;

/// Root keys of a kustomization or chart whose entries reach further than the keys inside them say.
const OPAQUE: [&str; 8] = [
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "configMapGenerator",
    "secretGenerator",
    "helmCharts",
    "helmChartInflationGenerator",
    "dependencies",
];

/// Whether what a value does cannot be told by the keys that lead to it.
pub(super) fn is_opaque(leaf: &Leaf) -> bool {
    let root = leaf.keys.iter().find(|key| key.parse::<u64>().is_err() && !key.starts_with("name="));
    root.is_some_and(|root| OPAQUE.contains(&root.as_str())) || operation(leaf).is_some() || directive(leaf)
}

/// Whether it is a directive of a strategic merge patch, such as `$patch: delete`.
pub(super) fn directive(leaf: &Leaf) -> bool {
    leaf.keys.iter().any(|key| key.starts_with('$'))
}

/// The index of the operation of a JSON patch that a value is part of.
fn operation(leaf: &Leaf) -> Option<&str> {
    let field = leaf.keys.get(1)?;
    let index = leaf.keys.first().filter(|key| key.parse::<u64>().is_ok())?;
    matches!(field.as_str(), "op" | "path" | "from" | "value").then_some(index)
}

/// Whether it is part of a patch: of an entry that holds one, or of a file that is one.
pub(super) fn is_patch(leaf: &Leaf) -> bool {
    let lists = ["patches", "patchesJson6902", "patchesStrategicMerge", "valuesInline"];
    leaf.under(&lists) || operation(leaf).is_some() || directive(leaf)
}

/// The values that the text of an inline patch writes otherwise than before; none if it is no such text.
pub(super) fn inside(leaf: &Leaf) -> Vec<Leaf> {
    let inline = leaf.last() == "patch" || leaf.under(&["patchesStrategicMerge"]);
    if !is_patch(leaf) || !inline {
        return Vec::new();
    }
    let read = |text: &Option<String>| text.as_deref().and_then(from_text).unwrap_or_default();
    let at = |mut inner: Leaf| {
        inner.path = format!("{}: {}", leaf.path, inner.path);
        inner
    };
    between(&objects(&read(&leaf.before)), &objects(&read(&leaf.after))).into_iter().map(at).collect()
}

/// The namespaces that the text of an inline patch names.
pub(super) fn namespaces(leaf: &Leaf) -> Vec<String> {
    let texts = [&leaf.before, &leaf.after].into_iter().flatten();
    let documents = texts.filter_map(|text| from_text(text)).flatten();
    let named = |document: Value| Some(document.get("metadata")?.get("namespace")?.as_str()?.to_owned());
    documents.filter_map(named).collect()
}

/// The documents of a patch, where one of operations stands for the object that they write.
fn objects(documents: &[Value]) -> Vec<Value> {
    documents
        .iter()
        .map(|document| document.as_sequence().map_or_else(|| document.clone(), |all| written(all)))
        .collect()
}

/// What the operations of a JSON patch write, by their pointers; later ones count.
fn written(operations: &[Value]) -> Value {
    let mut object = Value::Null;
    for operation in operations {
        let Some(pointer) = operation.get("path").and_then(Value::as_str) else { continue };
        let value = operation.get("value").cloned().unwrap_or(Value::Null);
        let tokens = pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"));
        let mut here = &mut object;
        for token in tokens {
            if !here.is_mapping() {
                *here = Value::Mapping(serde_yaml::Mapping::new());
            }
            let Value::Mapping(map) = here else { break };
            here = map.entry(Value::String(token)).or_insert(Value::Null);
        }
        *here = value;
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(keys: &[&str], before: &str, after: &str) -> Leaf {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        Leaf { path: keys.join("."), keys, before: text(before), after: text(after) }
    }

    #[test]
    fn a_patch_is_read_as_what_it_writes() {
        let merge =
            |count: u8| format!("kind: Deployment\nmetadata: {{name: x, namespace: n}}\nspec: {{replicas: {count}}}\n");
        let found = inside(&leaf(&["patches", "0", "patch"], &merge(3), &merge(0)));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].last(), found[0].after.as_deref()), ("replicas", Some("0")));
        let json = "- op: replace\n  path: /spec/replicas\n  value: 0\n- op: add\n  path: /metadata/annotations/a~1b\n  value: x\n";
        let found = inside(&leaf(&["patchesJson6902", "0", "patch"], "", json));
        let keys: Vec<String> = found.iter().map(|leaf| leaf.keys.join(" ")).collect();
        assert_eq!(keys, ["metadata annotations a/b", "spec replicas"]);
        assert!(inside(&leaf(&["patches", "0", "target", "name"], "a", "b")).is_empty());
        assert!(inside(&leaf(&["patches", "0", "patch"], "", "{{ nothing }")).is_empty());
        assert_eq!(namespaces(&leaf(&["patches", "0", "patch"], "", &merge(1))), ["n"]);
    }

    #[test]
    fn what_reaches_further_is_opaque() {
        for keys in [
            &["patches", "0", "patch"][..],
            &["configMapGenerator", "name=app", "literals", "0"],
            &["helmCharts", "name=redis", "version"],
            &["dependencies", "name=redis", "repository"],
            &["0", "value", "limits", "memory"],
            &["spec", "containers", "$patch"],
        ] {
            assert!(is_opaque(&leaf(keys, "a", "b")), "{keys:?}");
        }
        for keys in [&["images", "name=web", "newTag"][..], &["1", "spec", "replicas"], &["web", "patches", "image"]] {
            assert!(!is_opaque(&leaf(keys, "a", "b")), "{keys:?}");
        }
    }
}
