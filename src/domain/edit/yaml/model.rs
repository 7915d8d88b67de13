//! The value model of a file: what its documents mean, aliases expanded and `<<` merged.
//!
//! Must not know where anything is written; it is what the proof measures the bytes against.

use super::tree::{Entry, Id, Kind, Tree};
use super::typing::{self, Read};
use crate::domain::change::{Op, Step};
use crate::domain::edit::{Code, Refusal};
use serde::Deserialize;
use serde_json::Value as Json;
use serde_yaml::value::{Tag, TaggedValue};
use serde_yaml::{Mapping, Value};
use std::collections::BTreeMap;

/// Reads all documents; merge keys are left as they are.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, Refusal> {
    let read = |deserializer| {
        Value::deserialize(deserializer)
            .map_err(|error: serde_yaml::Error| Refusal::of(Code::Parse, format!("the file is no YAML: {error}")))
    };
    serde_yaml::Deserializer::from_str(text).map(read).collect()
}

/// Reads all documents with `<<` merged.
pub(super) fn effective(text: &str) -> Result<Vec<Value>, Refusal> {
    let documents = documents(text)?;
    // Without the mark there is nothing to merge.
    if text.contains("<<") || text.contains('\\') { documents.into_iter().map(merge).collect() } else { Ok(documents) }
}

/// Reads all documents as a YAML 1.1 reader would, with `<<` merged; keys are kept as they are spelled.
pub(super) fn old(tree: &Tree<'_>) -> Result<Vec<Value>, Refusal> {
    tree.documents.iter().map(|document| merge(old_value(tree, document.root))).collect()
}

// Recursion is bounded: what aliases expand to is no deeper than `tree::DEPTH`.
fn old_value(tree: &Tree<'_>, id: Id) -> Value {
    let node = tree.node(tree.resolve(id));
    match &node.kind {
        Kind::List { items, .. } => items.iter().map(|item| old_value(tree, item.node)).collect(),
        Kind::Map { entries, .. } => {
            let key = |entry: &Entry| match tree.scalar(entry.key) {
                Some(text) => Value::from(text),
                None => old_value(tree, entry.key),
            };
            Value::Mapping(entries.iter().map(|entry| (key(entry), old_value(tree, entry.value))).collect())
        }
        Kind::Scalar(text, _) => old_scalar(typing::reads(node).map_or(Read::Text, |(old, _)| old), text, &node.tag),
        Kind::Alias(_) => Value::Null,
    }
}

fn old_scalar(read: Read, text: &str, tag: &Option<String>) -> Value {
    let other = || {
        let tag = Tag::new(tag.as_deref().unwrap_or("other"));
        Value::Tagged(Box::new(TaggedValue { tag, value: text.into() }))
    };
    match read {
        Read::Null => Value::Null,
        Read::Bool(is) => is.into(),
        Read::Int(whole) => match (i64::try_from(whole), u64::try_from(whole)) {
            (Ok(whole), _) => whole.into(),
            (_, Ok(whole)) => whole.into(),
            _ => other(),
        },
        Read::Float(number) => number.into(),
        Read::Text => text.into(),
        Read::Other => other(),
    }
}

// Recursion is bounded: the value model's reader refuses what is nested deeper than 128 levels.
fn merge(value: Value) -> Result<Value, Refusal> {
    Ok(match value {
        Value::Sequence(list) => Value::Sequence(list.into_iter().map(merge).collect::<Result<_, _>>()?),
        Value::Tagged(mut tagged) => {
            tagged.value = merge(std::mem::take(&mut tagged.value))?;
            Value::Tagged(tagged)
        }
        Value::Mapping(map) => Value::Mapping(merge_map(map)?),
        other => other,
    })
}

fn merge_map(map: Mapping) -> Result<Mapping, Refusal> {
    let (mut out, mut sources) = (Mapping::new(), Vec::new());
    for (key, value) in map {
        match (key.as_str(), merge(value)?) {
            (Some("<<"), Value::Sequence(list)) => sources.extend(list),
            (Some("<<"), source) => sources.push(source),
            (_, value) => {
                out.insert(merge(key)?, value);
            }
        }
    }
    for source in sources {
        let Value::Mapping(source) = untag(source) else {
            return Err(Refusal::of(Code::Parse, "a merge key `<<` names something that is no map"));
        };
        for (key, value) in source {
            if !out.contains_key(&key) {
                out.insert(key, value);
            }
        }
    }
    Ok(out)
}

fn untag(value: Value) -> Value {
    match value {
        Value::Tagged(tagged) => tagged.value,
        other => other,
    }
}

fn inner(value: &mut Value) -> &mut Value {
    match value {
        Value::Tagged(tagged) => &mut tagged.value,
        other => other,
    }
}

/// Follows steps; nothing if they lead nowhere or to more than one place.
pub(super) fn get<'v>(root: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(root, |here, step| child(here, step))
}

fn child<'v>(here: &'v mut Value, step: &Step) -> Option<&'v mut Value> {
    match (inner(here), step) {
        (Value::Mapping(map), Step::Key(name)) => {
            let key = find_key(map, name)?;
            map.get_mut(&key)
        }
        (Value::Sequence(list), Step::Index(_) | Step::Match(_)) => {
            let index = element(list, step)?;
            list.get_mut(index)
        }
        _ => None,
    }
}

fn find_key(map: &Mapping, name: &str) -> Option<Value> {
    let string = Value::String(name.to_owned());
    if map.contains_key(&string) {
        return Some(string);
    }
    map.keys().find(|key| as_text(key).as_deref() == Some(name)).cloned()
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        Value::Null => Some("null".to_owned()),
        Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

fn element(list: &[Value], step: &Step) -> Option<usize> {
    match step {
        Step::Index(index) => (*index < list.len()).then_some(*index),
        Step::Match(fields) => match_one(list, fields, false).or_else(|| match_one(list, fields, true)),
        Step::Key(_) => None,
    }
}

fn match_one(list: &[Value], fields: &BTreeMap<String, Json>, by_text: bool) -> Option<usize> {
    let has = |value: &Value, name: &String, want: &Json| {
        let map = match value {
            Value::Mapping(map) => map,
            Value::Tagged(tagged) => tagged.value.as_mapping()?,
            _ => return None,
        };
        let found = map.get(find_key(map, name)?)?;
        Some(if by_text { as_text(found)? == want.as_str()? } else { *found == from_json(want)? })
    };
    let fits = |value: &Value| fields.iter().all(|(name, want)| has(value, name, want) == Some(true));
    let mut hits = list.iter().enumerate().filter(|(_, value)| fits(value)).map(|(n, _)| n);
    match (hits.next(), hits.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// Reads a JSON value as a value of the model.
pub(super) fn from_json(value: &Json) -> Option<Value> {
    serde_yaml::to_value(value).ok()
}

/// Writes a value of the model as JSON, without tags and with keys as text.
pub(super) fn to_plain_json(value: &Value) -> Json {
    match value {
        Value::Tagged(tagged) => to_plain_json(&tagged.value),
        Value::Sequence(list) => list.iter().map(to_plain_json).collect(),
        Value::Mapping(map) => {
            let pair = |(key, value)| (as_text(key).unwrap_or_default(), to_plain_json(value));
            Json::Object(map.iter().map(pair).collect())
        }
        scalar => serde_json::to_value(scalar).unwrap_or_default(),
    }
}

/// Makes the edit in the model; an error says why it cannot be made.
pub(super) fn apply(root: &mut Value, steps: &[Step], op: Op, value: Option<&Json>) -> Result<(), &'static str> {
    let Some((last, front)) = steps.split_last() else {
        let value = value.and_then(from_json).filter(|_| op == Op::Append).ok_or("an empty path")?;
        return push(inner(root), value);
    };
    let makes = matches!(op, Op::Add | Op::Append);
    let mut here = root;
    for step in front {
        make_room(here, step, makes);
        here = child(here, step).ok_or("the path leads nowhere")?;
    }
    make_room(here, last, makes && op == Op::Add);
    let value = value.map(|value| from_json(value).ok_or("no YAML value")).transpose()?;
    match (op, value) {
        (Op::Delete, _) => remove(here, last),
        (Op::Set, Some(value)) => child(here, last).map(|old| *old = value).ok_or("nothing to set"),
        (Op::Add, Some(value)) if matches!(last, Step::Index(_)) => put_in(here, last, value),
        (Op::Add, Some(value)) => add(here, last, value),
        (Op::Append, Some(value)) => append(here, last, value),
        (Op::Set | Op::Add | Op::Append, None) => Err("no value"),
    }
}

fn make_room(here: &mut Value, step: &Step, makes: bool) {
    let Step::Key(key) = step else { return };
    let here = inner(here);
    if makes && here.is_null() {
        *here = Value::Mapping(Mapping::new());
    }
    if let Value::Mapping(map) = here
        && makes
        && find_key(map, key).is_none()
    {
        map.insert(Value::String(key.clone()), Value::Null);
    }
}

fn remove(here: &mut Value, step: &Step) -> Result<(), &'static str> {
    match (inner(here), step) {
        (Value::Mapping(map), Step::Key(name)) => {
            let key = find_key(map, name).ok_or("no such key")?;
            map.shift_remove(&key).map(|_| ()).ok_or("no such key")
        }
        (Value::Sequence(list), Step::Index(_) | Step::Match(_)) => {
            let index = element(list, step).ok_or("no such element")?;
            list.remove(index);
            Ok(())
        }
        _ => Err("nothing to delete"),
    }
}

// `apply` has made room, so an absent key is there as null; the caller knows it was absent.
fn add(here: &mut Value, step: &Step, value: Value) -> Result<(), &'static str> {
    match child(here, step) {
        Some(slot) if slot.is_null() => {
            *slot = value;
            Ok(())
        }
        _ => Err("the key is there"),
    }
}

fn put_in(here: &mut Value, step: &Step, value: Value) -> Result<(), &'static str> {
    match inner(here) {
        Value::Sequence(list) => {
            let index = element(list, step).ok_or("no such element")?;
            list.insert(index, value);
            Ok(())
        }
        _ => Err("no list to put an element into"),
    }
}

fn append(here: &mut Value, step: &Step, value: Value) -> Result<(), &'static str> {
    make_room(here, step, true);
    push(inner(child(here, step).ok_or("no list to append to")?), value)
}

fn push(slot: &mut Value, value: Value) -> Result<(), &'static str> {
    match slot {
        Value::Null => *slot = Value::Sequence(vec![value]),
        Value::Sequence(list) => list.push(value),
        _ => return Err("no list to append to"),
    }
    Ok(())
}
