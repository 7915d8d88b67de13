//! Finds and writes operations of JSON patches (RFC 6902).
//!
//! Must not guess a list's index: an element is in a pointer only as a number.

use crate::domain::change::Step;
use crate::domain::edit::Refusal;
use crate::domain::edit::engines::sheet::{Sheet, key};
use serde_json::{Map, Value, json};

/// The place of a value that an `add` or `replace` of the patch writes; the last such operation counts.
pub(super) fn place(text: &Sheet, path: &[Step]) -> Result<Option<Vec<Step>>, Refusal> {
    let operations = text.list(&[])?;
    for (n, operation) in operations.iter().enumerate().rev() {
        let writes = operation["op"] == "add" || operation["op"] == "replace";
        let Some(rest) = operation["path"].as_str().filter(|_| writes).and_then(|at| below(at, path)) else { continue };
        let place = [&[Step::Index(n), key("value")], rest].concat();
        if text.read(&place)?.is_some() {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

/// The steps of a path that are left below a JSON pointer.
fn below<'p>(pointer: &str, path: &'p [Step]) -> Option<&'p [Step]> {
    let mut rest = path;
    for token in pointer.strip_prefix('/')?.split('/') {
        let token = token.replace("~1", "/").replace("~0", "~");
        let (first, behind) = rest.split_first()?;
        let same = match first {
            Step::Key(name) => *name == token,
            Step::Index(index) => index.to_string() == token,
            Step::Match(_) => false,
        };
        rest = behind;
        if !same {
            return None;
        }
    }
    Some(rest)
}

/// The operation of the patch that does the same at the same place.
pub(super) fn same(text: &Sheet, wanted: &Value) -> Result<Option<usize>, Refusal> {
    let fields = ["op", "path", "from"];
    let operations = text.list(&[])?;
    // Each `add` at the end of a list puts one more element there: only an equal one is the same.
    let whole = wanted["op"] == "add" && wanted["path"].as_str().is_some_and(|path| path.ends_with("/-"));
    let fits = |operation: &Value| {
        fields.iter().all(|field| operation.get(field) == wanted.get(field))
            && (!whole || operation.get("value") == wanted.get("value"))
    };
    Ok(operations.iter().rposition(fits))
}

/// Gives an operation the wanted value.
pub(super) fn put(text: &mut Sheet, n: usize, wanted: &Value) -> Result<(), Refusal> {
    match wanted.get("value") {
        Some(value) => text.put(&[Step::Index(n), key("value")], value.clone()),
        None => Ok(()),
    }
}

/// An operation with its fields in the usual order.
pub(super) fn ordered(wanted: &Value) -> Value {
    let field = |name: &&str| Some(((*name).to_owned(), wanted.get(*name)?.clone()));
    json!(["op", "from", "path", "value"].iter().filter_map(field).collect::<Map<String, Value>>())
}
