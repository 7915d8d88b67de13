//! JSON patches (RFC 6902) with JSON pointers (RFC 6901), told as edits.
//!
//! Must not make a parent that is missing, nor go on after a `test` that does not hold.

use crate::domain::change::{Edit, Op, PatchOp, PatchStep, Path, Step};
use crate::domain::edit::engines::delete;
use crate::domain::edit::engines::exact::{edit, same};
use crate::domain::edit::{Code, Refusal};
use serde_json::Value;

/// The edits that a patch comes to; each step sees what the steps before it did.
pub(super) fn edits(mut live: Value, patch: &[PatchStep]) -> Result<Vec<Edit>, Refusal> {
    let mut edits = Vec::new();
    for step in patch {
        one(&mut live, step, &mut edits).map_err(|refusal| {
            let refusal = if refusal.path.is_empty() { refusal.at(&step.path) } else { refusal };
            Refusal { reason: format!("{} ({})", refusal.reason, name(step.op)), ..refusal }
        })?;
    }
    Ok(edits)
}

fn one(live: &mut Value, step: &PatchStep, edits: &mut Vec<Edit>) -> Result<(), Refusal> {
    let path = pointer(&step.path)?;
    let value = || step.value.as_ref().ok_or_else(|| refuse(Code::Parse, "the step has no `value`"));
    let from = || match step.from.as_deref() {
        Some(from) => pointer(from),
        None => Err(refuse(Code::Parse, "the step has no `from`")),
    };
    match step.op {
        PatchOp::Test => match same(at(live, &path)?, value()?) {
            true => Ok(()),
            false => Err(refuse(Code::NotFound, "the value that is expected is not there")),
        },
        PatchOp::Add => add(live, &path, value()?, edits),
        PatchOp::Remove => remove(live, &path, edits).map(|_| ()),
        PatchOp::Replace => replace(live, &path, value()?, edits),
        PatchOp::Copy => {
            let value = at(live, &from()?)?.clone();
            add(live, &path, &value, edits)
        }
        PatchOp::Move => {
            let from = from()?;
            if from == path {
                return at(live, &from).map(|_| ());
            }
            if path.starts_with(&from) {
                return Err(refuse(Code::Parse, "a value cannot be moved into itself"));
            }
            let value = remove(live, &from, edits)?;
            add(live, &path, &value, edits)
        }
    }
}

/// Reads a pointer as its tokens.
fn pointer(text: &str) -> Result<Vec<String>, Refusal> {
    let Some(rest) = text.strip_prefix('/') else {
        let reason = if text.is_empty() {
            "the whole document is not patched at once; name what is inside it"
        } else {
            "a pointer begins with `/`"
        };
        return Err(refuse(Code::Parse, reason).at(text));
    };
    rest.split('/').map(|token| unescape(token).ok_or_else(|| bad_escape(text))).collect()
}

fn unescape(token: &str) -> Option<String> {
    let (mut out, mut rest) = (String::new(), token);
    while let Some((before, after)) = rest.split_once('~') {
        out.push_str(before);
        out.push(match after.chars().next()? {
            '0' => '~',
            '1' => '/',
            _ => return None,
        });
        rest = after.get(1..)?;
    }
    out.push_str(rest);
    Some(out)
}

fn bad_escape(text: &str) -> Refusal {
    refuse(Code::Parse, "in a pointer `~` is written `~0` and `/` in a key is written `~1`").at(text)
}

/// What stands at a pointer.
fn at<'v>(live: &'v Value, path: &[String]) -> Result<&'v Value, Refusal> {
    path.iter().try_fold(live, |here, token| match here {
        Value::Object(map) => map.get(token).ok_or_else(|| missing(path)),
        Value::Array(list) => list.get(index(token)?).ok_or_else(|| missing(path)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(missing(path)),
    })
}

fn slot<'v>(live: &'v mut Value, path: &[String]) -> Result<&'v mut Value, Refusal> {
    path.iter().try_fold(live, |here, token| match here {
        Value::Object(map) => map.get_mut(token).ok_or_else(|| missing(path)),
        Value::Array(list) => list.get_mut(index(token)?).ok_or_else(|| missing(path)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(missing(path)),
    })
}

/// The path in the words of the editor: a token is a key or a number, as what it leads into is a map or a list.
fn steps(live: &Value, path: &[String]) -> Result<Vec<Step>, Refusal> {
    let (mut here, mut steps) = (Some(live), Vec::new());
    for token in path {
        let list = matches!(here, Some(Value::Array(_)));
        steps.push(if list { Step::Index(index(token)?) } else { Step::Key(token.clone()) });
        here = here.and_then(|value| at(value, std::slice::from_ref(token)).ok());
    }
    Ok(steps)
}

fn add(live: &mut Value, path: &[String], value: &Value, edits: &mut Vec<Edit>) -> Result<(), Refusal> {
    let (last, parent) = path.split_last().ok_or_else(|| missing(path))?;
    let place = steps(live, parent)?;
    let with = |step: Step| [place.as_slice(), &[step]].concat();
    match slot(live, parent)? {
        Value::Object(map) => {
            let old = map.get(last);
            if old.is_none_or(|old| !same(old, value)) {
                let op = if old.is_some() { Op::Set } else { Op::Add };
                edits.push(edit(op, &with(Step::Key(last.clone())), value));
            }
            map.insert(last.clone(), value.clone());
        }
        Value::Array(list) => {
            let n = if last == "-" { list.len() } else { index(last)? };
            if n > list.len() {
                return Err(refuse(Code::NotFound, format!("the list has {} elements", list.len())));
            }
            edits.push(match n == list.len() {
                true => edit(Op::Append, &place, value),
                false => edit(Op::Add, &with(Step::Index(n)), value),
            });
            list.insert(n, value.clone());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(refuse(Code::NotFound, "there is no map or list to add to; add that first"));
        }
    }
    Ok(())
}

fn remove(live: &mut Value, path: &[String], edits: &mut Vec<Edit>) -> Result<Value, Refusal> {
    let (last, parent) = path.split_last().ok_or_else(|| missing(path))?;
    edits.push(delete(Path(steps(live, path)?)));
    match slot(live, parent)? {
        Value::Object(map) => map.shift_remove(last).ok_or_else(|| missing(path)),
        Value::Array(list) => match index(last)? {
            n if n < list.len() => Ok(list.remove(n)),
            _ => Err(missing(path)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(missing(path)),
    }
}

fn replace(live: &mut Value, path: &[String], value: &Value, edits: &mut Vec<Edit>) -> Result<(), Refusal> {
    let place = steps(live, path)?;
    let old = slot(live, path)?;
    if !same(old, value) {
        edits.push(edit(Op::Set, &place, value));
        *old = value.clone();
    }
    Ok(())
}

/// Reads the number of an element: digits, no zero in front.
fn index(token: &str) -> Result<usize, Refusal> {
    let plain = token == "0" || !token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit());
    match token.parse() {
        Ok(index) if plain => Ok(index),
        _ => Err(refuse(Code::NotFound, format!("`{token}` is no number of a list's element"))),
    }
}

fn name(op: PatchOp) -> &'static str {
    match op {
        PatchOp::Add => "add",
        PatchOp::Remove => "remove",
        PatchOp::Replace => "replace",
        PatchOp::Move => "move",
        PatchOp::Copy => "copy",
        PatchOp::Test => "test",
    }
}

fn missing(path: &[String]) -> Refusal {
    refuse(Code::NotFound, format!("nothing stands at `/{}`", path.join("/")))
}

fn refuse(code: Code, reason: impl Into<String>) -> Refusal {
    Refusal::of(code, reason)
}
