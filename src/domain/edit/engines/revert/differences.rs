//! The values in which two versions of a file differ.
//!
//! Must not judge them, nor read a format that the editors do not let in.

use crate::domain::change::{Edit, Op, Path, Step};
use crate::domain::edit::engines::exact::below;
use crate::domain::edit::engines::{Format, delete};
use crate::domain::edit::{Refusal, Touched, hcl, yaml};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One value of a file.
struct Leaf {
    /// Its path with the elements of lists by name where they have one.
    path: Path,
    /// Its path with the elements of lists by number.
    place: String,
    value: Value,
}

/// What differs between two versions of a file.
#[derive(Default)]
pub(super) struct Differences {
    /// What is done to each value, as an edit.
    pub edits: Vec<Edit>,
    /// The same for people.
    pub touched: Vec<Touched>,
    /// Where each is, by numbers.
    pub places: Vec<String>,
}

/// The values of a file by document and path, named elements by name.
type Leaves = BTreeMap<(usize, String), Leaf>;

/// Every value that differs, comments as one.
pub(super) fn differences(format: Format, from: &[u8], to: &[u8]) -> Result<Differences, Refusal> {
    let (from, to) = (leaves(format, from)?, leaves(format, to)?);
    let keys: BTreeSet<&(usize, String)> = from.keys().chain(to.keys()).collect();
    let shown = |leaf: &Leaf| leaf.value.as_str().map_or_else(|| leaf.value.to_string(), str::to_owned);
    let mut found = Differences::default();
    for key in keys {
        let (before, after) = (from.get(key), to.get(key));
        let Some(either) = after.or(before).filter(|_| before.map(|l| &l.value) != after.map(|l| &l.value)) else {
            continue;
        };
        let touched =
            Touched { document: key.0, path: key.1.clone(), before: before.map(shown), after: after.map(shown) };
        found.edits.extend((key.1 != COMMENTS).then(|| told(format, either, before.is_some(), after)));
        found.touched.push(touched);
        found.places.push(before.unwrap_or(either).place.clone());
    }
    Ok(found)
}

/// The place under which all comments of a file stand.
pub(super) const COMMENTS: &str = "#";

/// What is done to one value, as an edit.
fn told(format: Format, leaf: &Leaf, was_there: bool, after: Option<&Leaf>) -> Edit {
    let op = match (was_there, after) {
        (_, None) => return delete(leaf.path.clone()),
        (true, Some(_)) => Op::Set,
        (false, Some(_)) => Op::Add,
    };
    let value = after.map(|leaf| leaf.value.clone());
    let path = leaf.path.clone();
    match format {
        Format::Yaml => Edit { op, path, value, expr: None, form: None },
        Format::Hcl => {
            let source = value.as_ref().and_then(Value::as_str).map(str::to_owned);
            Edit { op, path, value: None, expr: source, form: None }
        }
    }
}

fn leaves(format: Format, bytes: &[u8]) -> Result<Leaves, Refusal> {
    if format == Format::Hcl {
        let leaf = |(text, value): (String, String)| {
            let path = Path::parse(&text).unwrap_or_else(|_| Path(vec![Step::Key(text.clone())]));
            ((0, text.clone()), Leaf { path, place: text, value: value.into() })
        };
        return Ok(hcl::leaves(bytes)?.into_iter().map(leaf).collect());
    }
    let comments = yaml::comments(bytes)?.into();
    let comments = Leaf { path: Path(Vec::new()), place: COMMENTS.to_owned(), value: comments };
    let mut found = BTreeMap::from([((0, COMMENTS.to_owned()), comments)]);
    for (n, document) in yaml::values(bytes)?.iter().enumerate() {
        walk(document, n, [&[], &[]], &mut found);
    }
    Ok(found)
}

// Recursion is bounded: the reader refuses documents that are nested too deep.
fn walk(value: &Value, document: usize, [named, counted]: [&[Step]; 2], found: &mut Leaves) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let step = Step::Key(key.clone());
                walk(value, document, [&below(named, step.clone()), &below(counted, step)], found);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let by_name = names(list).is_some();
            for (n, value) in list.iter().enumerate() {
                let step = if by_name { name_step(&value["name"]) } else { Step::Index(n) };
                walk(value, document, [&below(named, step), &below(counted, Step::Index(n))], found);
            }
        }
        scalar => {
            let (path, place) = (Path(named.to_vec()), Path(counted.to_vec()).to_string());
            found.insert((document, path.to_string()), Leaf { path, place, value: scalar.clone() });
        }
    }
}

/// The names of a list's elements, if each has one of its own.
pub(super) fn names(list: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = list.iter().filter_map(|value| value.get("name")?.as_str()).collect();
    let distinct = names.iter().collect::<BTreeSet<_>>().len();
    (distinct == list.len() && !list.is_empty()).then_some(names)
}

pub(super) fn name_step(name: &Value) -> Step {
    Step::Match(BTreeMap::from([("name".to_owned(), name.clone())]))
}
