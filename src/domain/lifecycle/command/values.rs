//! Finds the one value of a proposal that a person means and replaces it.
//!
//! Must not touch what says where a change is made: only values that are written can be named.

use crate::domain::redact::MARK;
use serde_json::Value;

/// The members of a change that hold values to be written.
const HOLDERS: [&str; 5] = ["set", "merge", "images", "replicas", "dependencies"];
/// Members of list elements that name the element and are no values.
const NAMES: [&str; 1] = ["name"];
/// How many places an answer lists.
const LISTED: usize = 12;

/// A value: what it is called, and where it lies in `changes`.
type Slot = (String, String);

/// Replaces the value at a path, in the type that stood there; the sentence says which places there are.
pub(super) fn replace(changes: &mut Value, path: &str, text: &str) -> Result<(), String> {
    let slots = slots(changes);
    let exact: Vec<&Slot> = slots.iter().filter(|(name, _)| name == path).collect();
    let ends = format!(".{path}");
    let close: Vec<&Slot> = slots.iter().filter(|(name, _)| name.ends_with(&ends)).collect();
    let found = if exact.is_empty() { close } else { exact };
    let [(_, pointer)] = found.as_slice() else {
        let what = if found.is_empty() { "no value" } else { "several values" };
        return Err(format!("the proposal writes {what} at `{path}`; it writes {}", list(&slots)));
    };
    if text.contains(MARK) {
        return Err(format!("the value for `{path}` looks like a secret, which no file may hold"));
    }
    let slot = changes.pointer_mut(pointer).ok_or("the value is gone")?;
    *slot = like(slot, text).map_err(|kind| format!("`{path}` is {kind}: write one"))?;
    Ok(())
}

fn list(slots: &[Slot]) -> String {
    let names: Vec<String> = slots.iter().take(LISTED).map(|(name, _)| format!("`{name}`")).collect();
    if names.is_empty() { "none that can be named".into() } else { names.join(", ") }
}

/// The text as a value of the same type as the old one.
fn like(old: &Value, text: &str) -> Result<Value, &'static str> {
    let parsed: Option<Value> = serde_json::from_str(text).ok();
    match (old, parsed) {
        (Value::Number(_), Some(value @ Value::Number(_)))
        | (Value::Bool(_), Some(value @ Value::Bool(_)))
        | (Value::String(_), Some(value @ Value::String(_))) => Ok(value),
        (Value::String(_), _) => Ok(Value::String(text.to_owned())),
        (Value::Number(_), _) => Err("a number"),
        (Value::Bool(_), _) => Err("true or false"),
        (Value::Null, Some(value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)))) => Ok(value),
        (Value::Null | Value::Array(_) | Value::Object(_), _) => Err("a plain value"),
    }
}

fn slots(changes: &Value) -> Vec<Slot> {
    let mut found = Vec::new();
    for (at, change) in changes.as_array().into_iter().flatten().enumerate() {
        for (engine, body) in change.as_object().into_iter().flatten() {
            let place = format!("/{at}/{}", step(engine));
            for holder in HOLDERS {
                let Some(value) = body.get(holder) else { continue };
                // `set` and `merge` begin at the document's root; lists are named.
                let name = if matches!(holder, "set" | "merge") { "" } else { holder };
                walk(name, &format!("{place}/{holder}"), value, &mut found);
            }
            edits(body, &place, &mut found);
        }
    }
    found
}

/// Edits and JSON patches: the path is one of their members.
fn edits(body: &Value, place: &str, found: &mut Vec<Slot>) {
    for list in ["edits", "jsonPatch"] {
        for (at, edit) in body.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let (Some(path), Some(value)) = (edit.get("path").and_then(Value::as_str), edit.get("value")) else {
                continue;
            };
            let name = match path.strip_prefix('/') {
                Some(pointer) => pointer.replace('/', "."),
                None => path.to_owned(),
            };
            walk(&name, &format!("{place}/{list}/{at}/value"), value, found);
        }
    }
}

fn walk(name: &str, pointer: &str, value: &Value, found: &mut Vec<Slot>) {
    let under = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                walk(&under(key), &format!("{pointer}/{}", step(key)), value, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                let label = item.get("name").and_then(Value::as_str).map_or_else(|| at.to_string(), str::to_owned);
                walk(&format!("{name}[{label}]"), &format!("{pointer}/{at}"), item, found);
            }
            let named = |(name, _): &Slot| !NAMES.iter().any(|own| name.ends_with(&format!("].{own}")));
            found.retain(named);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push((name.to_owned(), pointer.to_owned()));
        }
    }
}

/// A key as a step of a JSON pointer (RFC 6901).
fn step(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changes() -> Value {
        json!([
            {"kustomize": {"directory": "overlays/prod", "images": [{"name": "web", "newTag": "1"}, {"name": "api", "newTag": "1"}],
                           "replicas": [{"name": "web", "count": 3}]}},
            {"helm": {"values": "v.yaml", "set": {"resources.limits.memory": "1Gi", "on": true}, "remove": ["x"]}},
            {"manifest": {"file": "a/b.yaml", "edits": [{"op": "set", "path": "spec.size", "value": 4}],
                          "merge": {"spec": {"containers": [{"name": "app", "image": "x"}]}}}},
        ])
    }

    #[test]
    fn a_value_is_found_by_its_path_or_by_the_end_of_it() {
        let cases = [
            ("images[web].newTag", "2", "/0/kustomize/images/0/newTag", json!("2")),
            ("count", "5", "/0/kustomize/replicas/0/count", json!(5)),
            ("resources.limits.memory", "2Gi", "/1/helm/set/resources.limits.memory", json!("2Gi")),
            ("on", "false", "/1/helm/set/on", json!(false)),
            ("spec.size", "5", "/2/manifest/edits/0/value", json!(5)),
            ("spec.containers[app].image", "\"y\"", "/2/manifest/merge/spec/containers/0/image", json!("y")),
        ];
        for (path, text, pointer, expected) in cases {
            let mut all = changes();
            replace(&mut all, path, text).expect(path);
            assert_eq!(all.pointer(pointer), Some(&expected), "{path}");
            *all.pointer_mut(pointer).expect("there") = changes().pointer(pointer).expect("there").clone();
            assert_eq!(all, changes(), "{path}: nothing else changed");
        }
    }

    #[test]
    fn what_is_not_one_written_value_is_refused() {
        for (path, text) in [
            ("newTag", "2"),
            ("file", "c.yaml"),
            ("directory", "x"),
            ("name", "x"),
            ("x", "1"),
            ("op", "delete"),
            ("", "1"),
        ] {
            let mut all = changes();
            assert!(replace(&mut all, path, text).is_err(), "{path}");
            assert_eq!(all, changes());
        }
        assert_eq!(replace(&mut changes(), "count", "many"), Err("`count` is a number: write one".into()));
        let why = replace(&mut changes(), "nowhere", "1").expect_err("refused");
        assert!(why.contains("`replicas[web].count`"), "{why}");
    }
}
