//! Strategic merge: a patch in the shape of the object, told as the fewest edits.
//!
//! Must not pick one of several elements: what is not certain is refused with its place.

use super::keys::{Key, Kind, Rule};
use crate::domain::change::{Edit, Op, Path, Step};
use crate::domain::edit::engines::delete;
use crate::domain::edit::engines::exact::{self, below, edit};
use crate::domain::edit::{Code, Refusal};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Whether a place has exactly a value for every reader.
type Says<'a> = dyn Fn(&Path, &Value) -> Result<bool, Refusal> + 'a;

/// The edits that merge a patch into a document.
pub(super) fn edits(
    kind: &Kind,
    live: &Value,
    patch: &Map<String, Value>,
    says: &Says<'_>,
) -> Result<Vec<Edit>, Refusal> {
    let mut merge = Merge { kind, says, edits: Vec::new() };
    if patch.contains_key(DIRECTIVE) {
        return Err(refuse(&[], "`$patch` may not stand at the top: a whole document is neither replaced nor deleted"));
    }
    merge.map(&[], Some(live), patch)?;
    match merge.edits.iter().find(|edit| edit.value.as_ref().is_some_and(holds_directive)) {
        None => Ok(merge.edits),
        Some(edit) => Err(refuse(&edit.path.0, "a directive stands inside a new value; give the value as it is to be")),
    }
}

/// Whether a string without quotes may be another type for some readers.
fn is_doubtful(text: &str) -> bool {
    let words = ["", "~", "<<", "=", "y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    number || words.contains(&text.to_ascii_lowercase().as_str())
}

fn is_directive(key: &str) -> bool {
    [DIRECTIVE, "$retainKeys"].contains(&key) || [FROM_SET, "$setElementOrder/"].iter().any(|d| key.starts_with(d))
}

fn holds_directive(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| is_directive(key) || holds_directive(value)),
        Value::Array(list) => list.iter().any(holds_directive),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

const DIRECTIVE: &str = "$patch";
const FROM_SET: &str = "$deleteFromPrimitiveList/";

struct Merge<'a> {
    kind: &'a Kind,
    says: &'a Says<'a>,
    edits: Vec<Edit>,
}

// Recursion is bounded throughout: a proposal's depth was checked when it was read.
impl Merge<'_> {
    fn value(&mut self, at: &[Step], live: Option<&Value>, wanted: &Value) -> Result<(), Refusal> {
        match (live, wanted) {
            (None, Value::Null) => Ok(()),
            (Some(_), Value::Null) => {
                self.edits.push(delete(Path(at.to_vec())));
                Ok(())
            }
            (_, Value::Object(wanted)) => self.map(at, live, wanted),
            (_, Value::Array(wanted)) => self.list(at, live, wanted),
            (_, Value::Bool(_) | Value::Number(_) | Value::String(_)) => self.scalar(at, live, wanted),
        }
    }

    fn scalar(&mut self, at: &[Step], live: Option<&Value>, wanted: &Value) -> Result<(), Refusal> {
        let equal = live.is_some_and(|live| exact::same(live, wanted));
        let doubtful = wanted.as_str().is_some_and(is_doubtful);
        if !equal || doubtful && !(self.says)(&Path(at.to_vec()), wanted)? {
            self.put(at, live, wanted);
        }
        Ok(())
    }

    fn put(&mut self, at: &[Step], live: Option<&Value>, wanted: &Value) {
        let op = if live.is_some() { Op::Set } else { Op::Add };
        self.edits.push(edit(op, at, wanted));
    }

    fn map(&mut self, at: &[Step], live: Option<&Value>, wanted: &Map<String, Value>) -> Result<(), Refusal> {
        match wanted.get(DIRECTIVE).map(Value::as_str) {
            None | Some(Some("merge")) => {}
            Some(Some("delete")) => {
                self.edits.extend(live.map(|_| delete(Path(at.to_vec()))));
                return Ok(());
            }
            Some(Some("replace")) => {
                exact::edits(at, live, &Value::Object(plain(at, wanted)?), &mut self.edits);
                return Ok(());
            }
            Some(_) => return Err(refuse(at, "`$patch` is `merge`, `replace` or `delete`")),
        }
        let Some(Value::Object(live)) = live else {
            let new = plain(at, wanted)?;
            if wanted.is_empty() || !new.is_empty() {
                self.put(at, live, &Value::Object(new));
            }
            return Ok(());
        };
        for (key, value) in wanted.iter().filter(|(key, _)| *key != DIRECTIVE) {
            match key.strip_prefix(FROM_SET) {
                Some(list) => self.take(&below(at, Step::Key(list.to_owned())), live.get(list), value)?,
                None if is_directive(key) => return Err(unknown(at, key)),
                None => self.value(&below(at, Step::Key(key.clone())), live.get(key), value)?,
            }
        }
        Ok(())
    }

    /// Takes values out of a list of plain values.
    fn take(&mut self, at: &[Step], live: Option<&Value>, gone: &Value) -> Result<(), Refusal> {
        let Value::Array(gone) = gone else { return Err(refuse(at, "the values to take out are a list")) };
        let live = live.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let found = (0..live.len()).rev().filter(|n| gone.contains(&live[*n]));
        self.edits.extend(found.map(|n| delete(Path(below(at, Step::Index(n))))));
        Ok(())
    }

    fn list(&mut self, at: &[Step], live: Option<&Value>, wanted: &[Value]) -> Result<(), Refusal> {
        let replaces = |value: &Value| value.get(DIRECTIVE).and_then(Value::as_str) == Some("replace");
        let rule = if wanted.iter().any(replaces) { Rule::Whole } else { self.kind.rule(&names(at)) };
        match rule {
            Rule::Whole => {
                let bare = |value: &Value| value.as_object().is_some_and(|map| map.len() == 1) && replaces(value);
                let rest = wanted.iter().filter(|value| !bare(value)).cloned().collect();
                refuse_directives(at, &rest)?;
                exact::edits(at, live, &rest, &mut self.edits);
                Ok(())
            }
            Rule::Set => self.union(at, live, wanted),
            Rule::Keyed(keys) => self.keyed(at, live, wanted, keys),
        }
    }

    fn union(&mut self, at: &[Step], live: Option<&Value>, wanted: &[Value]) -> Result<(), Refusal> {
        let Some(Value::Array(live)) = live.filter(|live| live.as_array().is_some_and(|list| !list.is_empty())) else {
            self.fill(at, live, wanted.to_vec());
            return Ok(());
        };
        let new = wanted.iter().filter(|value| !live.contains(value));
        self.edits.extend(new.map(|value| edit(Op::Append, at, value)));
        Ok(())
    }

    fn fill(&mut self, at: &[Step], live: Option<&Value>, list: Vec<Value>) {
        if !list.is_empty() {
            self.put(at, live, &Value::Array(list));
        }
    }

    fn keyed(
        &mut self,
        at: &[Step],
        live: Option<&Value>,
        wanted: &[Value],
        keys: &'static [Key],
    ) -> Result<(), Refusal> {
        let there = match live {
            Some(Value::Array(list)) => list.as_slice(),
            Some(_) | None => &[],
        };
        let (mut new, mut gone) = (Vec::new(), Vec::new());
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        for (n, element) in wanted.iter().enumerate() {
            let place = below(at, Step::Index(n));
            let key = key_of(&place, element, keys)?;
            let found = find(at, there, element, key)?;
            if let Some(first) = found.and_then(|found| taken.insert(found, n)) {
                return Err(twice(&place, first));
            }
            let leaves = element.get(DIRECTIVE).and_then(Value::as_str) == Some("delete");
            match found {
                Some(found) if leaves => gone.push(found),
                Some(found) => {
                    let step = name_of(there, found, key);
                    self.value(&below(at, step), Some(&there[found]), element)?;
                }
                None if leaves => {}
                None => new.push((n, key, element)),
            }
        }
        refuse_twins(at, &new)?;
        gone.sort_unstable();
        self.edits.extend(gone.into_iter().rev().map(|n| delete(Path(below(at, Step::Index(n))))));
        let object = |(n, _, element): &(usize, Key, &Value)| match element {
            Value::Object(map) => plain(&below(at, Step::Index(*n)), map).map(Value::Object),
            _ => Ok((*element).clone()),
        };
        let new = new.iter().map(object).collect::<Result<Vec<_>, _>>()?;
        match there {
            [] => self.fill(at, live, new),
            _ => self.edits.extend(new.iter().map(|value| edit(Op::Append, at, value))),
        }
        Ok(())
    }
}

/// The key that a wanted element has.
fn key_of(place: &[Step], element: &Value, keys: &'static [Key]) -> Result<Key, Refusal> {
    let scalar = |key: &&Key| element.get(key.must).is_some_and(|value| !value.is_object() && !value.is_array());
    keys.iter().find(scalar).copied().ok_or_else(|| {
        let fields: Vec<String> = keys.iter().map(|key| format!("`{}`", key.must)).collect();
        ambiguous(
            place,
            format!("the element has no {}, which tells the elements of this list apart", fields.join(" or ")),
        )
    })
}

/// The element that a wanted element means.
fn find(at: &[Step], there: &[Value], wanted: &Value, key: Key) -> Result<Option<usize>, Refusal> {
    let equal = |live: &Value, field: &str, default: Option<&str>| {
        let or = |value: &Value| value.get(field).cloned().or_else(|| default.map(Value::from));
        or(live) == or(wanted)
    };
    let given = |live: &Value| key.also.iter().all(|(f, d)| wanted.get(*f).is_none() || equal(live, f, *d));
    let fits = |n: &usize| equal(&there[*n], key.must, None) && given(&there[*n]);
    let mut found: Vec<usize> = (0..there.len()).filter(fits).collect();
    if found.len() > 1 {
        let narrow = |n: &usize| key.also.iter().all(|(f, d)| d.is_none() || equal(&there[*n], f, *d));
        let narrowed: Vec<usize> = found.iter().copied().filter(narrow).collect();
        found = if narrowed.len() == 1 { narrowed } else { found };
    }
    match found.as_slice() {
        [one] => Ok(Some(*one)),
        [] => perhaps(at, there, wanted, key).map_or(Ok(None), Err),
        many => {
            let places: Vec<String> = many.iter().map(|n| format!("[{n}]")).collect();
            let also: Vec<String> = key.also.iter().map(|(field, _)| format!("`{field}`")).collect();
            let hint = if also.is_empty() { String::new() } else { format!("; give {} too", also.join(", ")) };
            let value = wanted.get(key.must).unwrap_or(&Value::Null);
            Err(ambiguous(
                at,
                format!("{} elements have `{}` {value}: {}{hint}", many.len(), key.must, places.join(", ")),
            ))
        }
    }
}

/// An element that lacks a field may be the one that is meant: then nothing is certain.
fn perhaps(at: &[Step], there: &[Value], wanted: &Value, key: Key) -> Option<Refusal> {
    let lacks = |live: &Value| match live.get(key.must) {
        None => Some(key.must),
        Some(value) if Some(value) == wanted.get(key.must) => {
            let open = |(field, default): &&(&str, Option<&str>)| {
                default.is_none() && live.get(*field).is_none() && wanted.get(*field).is_some()
            };
            key.also.iter().find(open).map(|(field, _)| *field)
        }
        Some(_) => None,
    };
    let (n, field) = there.iter().enumerate().find_map(|(n, live)| Some((n, lacks(live)?)))?;
    let reason = format!("the element [{n}] of the list has no `{field}`, so it may be the one that is meant");
    Some(ambiguous(at, reason))
}

/// The shortest step that names this element and no other.
fn name_of(there: &[Value], n: usize, key: Key) -> Step {
    let field = |field: &str| there[n].get(field).map(|value| (field.to_owned(), value.clone()));
    let mut fields: BTreeMap<String, Value> = field(key.must).into_iter().collect();
    let is_one = |fields: &BTreeMap<String, Value>| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let fits = |live: &&Value| fields.iter().all(|(f, want)| live.get(f).is_some_and(|v| text(v) == text(want)));
        there.iter().filter(fits).count() == 1
    };
    if is_one(&fields) {
        return Step::Match(fields);
    }
    fields.extend(key.also.iter().filter_map(|(also, _)| field(also)));
    if is_one(&fields) { Step::Match(fields) } else { Step::Index(n) }
}

fn refuse_twins(at: &[Step], new: &[(usize, Key, &Value)]) -> Result<(), Refusal> {
    for (i, (n, key, element)) in new.iter().enumerate() {
        let fields = |value: &Value| -> Vec<Option<Value>> {
            let or = |(field, default): &(&str, Option<&str>)| {
                value.get(*field).cloned().or_else(|| default.map(Value::from))
            };
            std::iter::once(value.get(key.must).cloned()).chain(key.also.iter().map(or)).collect()
        };
        let twin = new[..i].iter().find(|(_, other, earlier)| other == key && fields(earlier) == fields(element));
        if let Some((first, _, _)) = twin {
            return Err(twice(&below(at, Step::Index(*n)), *first));
        }
    }
    Ok(())
}

/// A new map: without directives, and without what is to be deleted.
fn plain(at: &[Step], wanted: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let mut out = Map::new();
    for (key, value) in wanted.iter().filter(|(key, value)| *key != DIRECTIVE && !value.is_null()) {
        if key.starts_with(FROM_SET) {
            continue;
        }
        if is_directive(key) {
            return Err(unknown(at, key));
        }
        let place = below(at, Step::Key(key.clone()));
        match value {
            Value::Object(map) => {
                let deletes = map.get(DIRECTIVE).and_then(Value::as_str) == Some("delete");
                let inner = plain(&place, map)?;
                if !deletes && (map.is_empty() || !inner.is_empty()) {
                    out.insert(key.clone(), Value::Object(inner));
                }
            }
            Value::Array(list) => {
                let kept = |value: &&Value| value.get(DIRECTIVE).is_none();
                let list: Vec<Value> = list.iter().filter(kept).cloned().collect();
                out.insert(key.clone(), Value::Array(list));
            }
            other => {
                out.insert(key.clone(), other.clone());
            }
        }
    }
    Ok(out)
}

/// A list that is replaced as a whole takes no directives in its elements.
fn refuse_directives(at: &[Step], list: &Value) -> Result<(), Refusal> {
    let has = |value: &Value| value.as_object().is_some_and(|map| map.keys().any(|key| is_directive(key)));
    match list.as_array().and_then(|list| list.iter().position(has)) {
        None => Ok(()),
        Some(n) => {
            let reason =
                "this list is replaced as a whole, so its elements take no directives; give the list as it is to be";
            Err(refuse(&below(at, Step::Index(n)), reason))
        }
    }
}

fn names(at: &[Step]) -> Vec<&str> {
    at.iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) | Step::Match(_) => None,
        })
        .collect()
}

fn unknown(at: &[Step], key: &str) -> Refusal {
    refuse(at, &format!("the directive `{key}` is not known; `$patch` and `{FROM_SET}<list>` are"))
}

fn twice(place: &[Step], first: usize) -> Refusal {
    ambiguous(place, format!("the patch names the same element as its element [{first}]; say it in one"))
}

fn ambiguous(at: &[Step], reason: String) -> Refusal {
    Refusal::of(Code::Ambiguous, reason).at(Path(at.to_vec()))
}

fn refuse(at: &[Step], reason: &str) -> Refusal {
    Refusal::of(Code::Parse, reason).at(Path(at.to_vec()))
}
