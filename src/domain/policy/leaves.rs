//! The single values that a change makes different, by their keys.
//!
//! Must not judge them.

use crate::domain::edit::yaml;
use serde_yaml::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One value that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The keys that lead to it, each as it is; items of a list by `name=...` or number.
    pub keys: Vec<String>,
    /// The same for people.
    pub path: String,
    /// What stood there.
    pub before: Option<String>,
    /// What stands there.
    pub after: Option<String>,
}

impl Leaf {
    /// The last key that is no list item.
    pub fn last(&self) -> &str {
        let item = |key: &&String| key.starts_with("name=") || key.parse::<u64>().is_ok();
        self.keys.iter().rev().find(|key| !item(key)).map_or("", String::as_str)
    }

    /// Whether one of these keys leads to it.
    pub fn under(&self, keys: &[&str]) -> bool {
        self.keys.iter().any(|key| keys.contains(&key.as_str()))
    }
}

/// The documents of a text; none if it cannot be read.
pub(super) fn from_text(text: &str) -> Option<Vec<Value>> {
    yaml::documents(text.as_bytes()).ok()
}

/// Every value that differs between two lists of documents.
pub(super) fn between(before: &[Value], after: &[Value]) -> Vec<Leaf> {
    let (mut before, after) = (scalars(before), scalars(after));
    let mut leaves = Vec::new();
    for (keys, text) in after {
        let old = before.remove(&keys);
        if old.as_ref() != Some(&text) {
            leaves.push(leaf(keys, old, Some(text)));
        }
    }
    leaves.extend(before.into_iter().map(|(keys, text)| leaf(keys, Some(text), None)));
    leaves
}

/// A value with its path for people.
pub(super) fn leaf(keys: Vec<String>, before: Option<String>, after: Option<String>) -> Leaf {
    let path = keys.join(".");
    Leaf { keys, path, before, after }
}

/// Scalars by the keys that lead to them.
pub(super) type Scalars = BTreeMap<Vec<String>, String>;

/// The scalars of all documents by their keys; items of a list go by their name where each has one of its own.
pub(super) fn scalars(documents: &[Value]) -> Scalars {
    let mut found = Scalars::new();
    for (n, document) in documents.iter().enumerate() {
        let root = if n == 0 { Vec::new() } else { vec![n.to_string()] };
        walk(document, &root, &mut found);
    }
    found
}

fn walk(value: &Value, keys: &[String], found: &mut Scalars) {
    let scalar = |value: &Value| serde_yaml::to_string(value).unwrap_or_default().trim_end().to_owned();
    let below = |key: String| [keys, &[key]].concat();
    match value {
        Value::Mapping(map) => {
            for (key, value) in map {
                let key = key.as_str().map_or_else(|| scalar(key), str::to_owned);
                walk(value, &below(key), found);
            }
        }
        Value::Sequence(items) => {
            let names: Vec<&str> = items.iter().filter_map(|item| item.get("name")?.as_str()).collect();
            let named = names.len() == items.len() && names.iter().collect::<BTreeSet<_>>().len() == names.len();
            for (n, item) in items.iter().enumerate() {
                walk(item, &below(if named { format!("name={}", names[n]) } else { n.to_string() }), found);
            }
        }
        Value::Tagged(tagged) => walk(&tagged.value, keys, found),
        Value::String(text) => {
            found.insert(keys.to_vec(), text.clone());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            found.insert(keys.to_vec(), scalar(value));
        }
    }
}
