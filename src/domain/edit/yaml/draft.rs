//! What is to be written: a JSON value, or a copy of nodes whose scalars are kept as they are spelled.
//!
//! Must not choose indentation or quotes. A copy has its aliases and `<<` written out.

use super::locate::{self, Found};
use super::tree::{Id, Kind, Style, Tree};
use super::typing;
use crate::domain::change::{Edit, Op, Step};
use crate::domain::edit::{Code, Refusal};
use serde_json::Value;

/// A value to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Draft {
    /// A JSON scalar.
    Scalar(Value),
    /// A scalar as it is spelled elsewhere, because readers differ about it.
    Verbatim(String),
    /// A map.
    Map(Vec<(Draft, Draft)>),
    /// A list.
    List(Vec<Draft>),
}

impl Draft {
    /// Tells whether it is a map.
    pub(super) fn is_map(&self) -> bool {
        matches!(self, Draft::Map(_))
    }

    /// Tells whether it is a map or list that has something in it.
    pub(super) fn is_filled(&self) -> bool {
        match self {
            Draft::Map(entries) => !entries.is_empty(),
            Draft::List(items) => !items.is_empty(),
            Draft::Scalar(_) | Draft::Verbatim(_) => false,
        }
    }
}

// Recursion is bounded: the caller has checked the value's depth.
impl From<&Value> for Draft {
    fn from(value: &Value) -> Draft {
        match value {
            Value::Array(list) => Draft::List(list.iter().map(Draft::from).collect()),
            Value::Object(map) => {
                Draft::Map(map.iter().map(|(key, value)| (Draft::Scalar(key.as_str().into()), value.into())).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Draft::Scalar(value.clone()),
        }
    }
}

/// Copies the merged value of a map's key, with an edit made inside it.
pub(super) fn merged(tree: &Tree<'_>, map: Id, steps: &[Step], edit: &Edit) -> Result<Draft, Refusal> {
    let missing = || Refusal::of(Code::NotFound, "there is no such key in the merged map");
    let Some((Step::Key(key), rest)) = steps.split_first() else { return Err(missing()) };
    let source = locate::merged(tree, map, key).ok_or_else(missing)?;
    let value = edit.value.as_ref().map(Draft::from);
    if rest.is_empty() {
        return match (edit.op, value) {
            (Op::Set, Some(value)) => Ok(value),
            (Op::Append, Some(value)) => {
                copy(tree, source, &Change { at: tree.resolve(source), what: What::Push(value) })
            }
            (Op::Add, _) => Err(Refusal::of(Code::Exists, "the key is there already, through `<<`")),
            (Op::Set | Op::Append | Op::Delete, _) => {
                let reason = "the key comes through `<<`, so it cannot be deleted here; delete it in the merged map";
                Err(Refusal::of(Code::AnchorShared, reason))
            }
        };
    }
    let found = locate::find_from(tree, source, rest)?.found;
    let change = match (found, edit.op, value) {
        (Found::Node(id), Op::Set, Some(value)) => Change { at: id, what: What::Become(value) },
        (Found::Node(id), Op::Delete, _) => Change { at: id, what: What::Go },
        (Found::Node(id), Op::Append, Some(value)) => Change { at: tree.resolve(id), what: What::Push(value) },
        (Found::Node(id), Op::Add, Some(value)) if matches!(rest.last(), Some(Step::Index(_))) => {
            Change { at: id, what: What::Before(value) }
        }
        (Found::Node(_), _, _) => return Err(Refusal::of(Code::Exists, "the key is there already")),
        (Found::Merged { holder, at }, _, _) => {
            // Recursion is bounded: the steps get fewer.
            let inner = merged(tree, holder, &rest[at..], edit)?;
            Change { at: holder, what: What::Gain(merged_key(tree, holder, &rest[at])?, inner) }
        }
        (Found::Missing { holder, at }, Op::Add | Op::Append, Some(value)) => {
            let value = if edit.op == Op::Append { Draft::List(vec![value]) } else { value };
            let (first, inner) = rest[at..].split_first().ok_or_else(missing)?;
            let value = nest(inner, value)?;
            Change { at: holder, what: What::Gain(key_of(first)?, value) }
        }
        (Found::Missing { .. }, _, _) => return Err(missing()),
    };
    copy(tree, source, &change)
}

/// Wraps a value in maps with the keys that steps name.
pub(super) fn nest(steps: &[Step], value: Draft) -> Result<Draft, Refusal> {
    steps.iter().rev().try_fold(value, |value, step| Ok(Draft::Map(vec![(key_of(step)?, value)])))
}

fn key_of(step: &Step) -> Result<Draft, Refusal> {
    match step {
        Step::Key(key) if key == "<<" => Err(Refusal::of(Code::Parse, "a merge key `<<` cannot be written")),
        Step::Key(key) => Ok(Draft::Scalar(key.as_str().into())),
        Step::Index(_) | Step::Match(_) => {
            Err(Refusal::of(Code::NotFound, "the list is not there, so it has no such element"))
        }
    }
}

/// The key that a map has through `<<`, as it is spelled there.
pub(super) fn merged_key(tree: &Tree<'_>, map: Id, step: &Step) -> Result<Draft, Refusal> {
    let spelled = |name: &str| locate::fields(tree, map).into_iter().find(|(key, _)| tree.scalar(*key) == Some(name));
    match step {
        Step::Key(name) => spelled(name).map_or_else(|| key_of(step), |(key, _)| scalar(tree, key)),
        Step::Index(_) | Step::Match(_) => key_of(step),
    }
}

struct Change {
    at: Id,
    what: What,
}

enum What {
    Become(Draft),
    Push(Draft),
    Before(Draft),
    Gain(Draft, Draft),
    Go,
}

// Recursion is bounded: what aliases expand to is no deeper than `tree::DEPTH`.
fn copy(tree: &Tree<'_>, id: Id, change: &Change) -> Result<Draft, Refusal> {
    if let (true, What::Become(value)) = (change.at == id, &change.what) {
        return Ok(value.clone());
    }
    let id = tree.resolve(id);
    let node = tree.node(id);
    let mut draft = match &node.kind {
        Kind::Scalar(..) => scalar(tree, id)?,
        _ if node.tag.is_some() => return Err(unwritable()),
        Kind::List { items, .. } => {
            let mut list = Vec::with_capacity(items.len());
            for item in items.iter().filter(|item| !goes(change, item.node)) {
                if let (true, What::Before(value)) = (change.at == item.node, &change.what) {
                    list.push(value.clone());
                }
                list.push(copy(tree, item.node, change)?);
            }
            Draft::List(list)
        }
        Kind::Map { .. } => {
            let kept = locate::fields(tree, id).into_iter().filter(|(_, value)| !goes(change, *value));
            let pair = |(key, value)| Ok((scalar(tree, key)?, copy(tree, value, change)?));
            Draft::Map(kept.map(pair).collect::<Result<_, _>>()?)
        }
        Kind::Alias(_) => return Err(unwritable()),
    };
    if change.at == id {
        gain(&mut draft, &change.what)?;
    }
    Ok(draft)
}

fn goes(change: &Change, id: Id) -> bool {
    change.at == id && matches!(change.what, What::Go)
}

fn gain(draft: &mut Draft, what: &What) -> Result<(), Refusal> {
    let null = matches!(draft, Draft::Scalar(Value::Null));
    match (&mut *draft, what) {
        (Draft::List(items), What::Push(value)) => items.push(value.clone()),
        (Draft::Map(entries), What::Gain(key, value)) => entries.push((key.clone(), value.clone())),
        (_, What::Push(value)) if null => *draft = Draft::List(vec![value.clone()]),
        (_, What::Gain(key, value)) if null => *draft = Draft::Map(vec![(key.clone(), value.clone())]),
        (_, What::Before(_)) => {}
        (_, What::Push(_)) => return Err(Refusal::of(Code::NotList, "the merged value is no list")),
        (_, What::Gain(..) | What::Become(_) | What::Go) => {
            return Err(Refusal::of(Code::NotFound, "the merged value is no map"));
        }
    }
    Ok(())
}

fn scalar(tree: &Tree<'_>, id: Id) -> Result<Draft, Refusal> {
    let node = tree.node(tree.resolve(id));
    match (&node.kind, &node.tag) {
        (Kind::Scalar(text, Style::Plain), None) if typing::core(text) == typing::Read::Null => {
            Ok(Draft::Scalar(Value::Null))
        }
        (Kind::Scalar(text, Style::Plain), None) if !typing::is_text(text) => Ok(Draft::Verbatim(text.clone())),
        (Kind::Scalar(text, _), None) => Ok(Draft::Scalar(text.as_str().into())),
        (Kind::Scalar(..), Some(_)) if node.anchor.is_none() => {
            let source = tree.slice(node.outer..node.end);
            if source.contains('\n') { Err(unwritable()) } else { Ok(Draft::Verbatim(source.to_owned())) }
        }
        _ => Err(unwritable()),
    }
}

fn unwritable() -> Refusal {
    Refusal::of(Code::AnchorShared, "the key comes through `<<` and its value has tags or keys that cannot be copied")
}
