//! Changes inside a text of a document that is YAML itself, such as a block of Helm values.
//!
//! Must not rewrite the lines of the text that stay the same.

use super::steps_of;
use crate::domain::change::{Edit, Op, Path, Select, TextChange};
use crate::domain::edit::engines::{Made, Sugar, sugar_edits};
use crate::domain::edit::spans::{lines, spans};
use crate::domain::edit::{Code, Edited, Refusal, Touched, yaml};
use serde_json::Value;

/// Makes a change inside a text.
pub(super) fn made(bytes: &[u8], file: &str, select: Option<&Select>, change: &TextChange) -> Result<Made, Refusal> {
    let document = yaml::document_index(bytes, select)?;
    let here = |refusal: Refusal| refusal.in_document(document);
    let outer = |refusal: Refusal| here(refusal).at(&change.path);
    let text = match yaml::lookup(bytes, select, &change.path)? {
        Some(Value::String(text)) => text,
        Some(_) => return Err(outer(Refusal::of(Code::Parse, "this is no text; change it with `set` or `merge`"))),
        None => return Err(outer(Refusal::of(Code::NotFound, "there is no text here; `set` writes a new one"))),
    };
    let inside = |refusal: Refusal| {
        let place = join(&change.path, &refusal.path);
        Refusal { reason: format!("inside the text: {}", refusal.reason), ..here(refusal).at(place) }
    };
    let sugar = Sugar { set: &change.set, remove: &change.remove, edits: &change.edits };
    let edits = sugar_edits(text.as_bytes(), None, sugar).map_err(inside)?;
    let inner = yaml::edit(text.as_bytes(), None, &edits).map_err(inside)?;
    let steps = steps_of(file, select, edits.iter().map(|edit| moved(&change.path, edit)).collect());
    let edited = write(bytes, select, change, &text, inner)?;
    Ok(Made { steps, edited: Some(edited) })
}

fn write(
    bytes: &[u8],
    select: Option<&Select>,
    change: &TextChange,
    old: &str,
    inner: Edited,
) -> Result<Edited, Refusal> {
    let text = String::from_utf8(inner.bytes)
        .map_err(|_| Refusal::of(Code::ProofFailed, "the text would not be UTF-8").at(&change.path))?;
    let set =
        Edit { op: Op::Set, path: change.path.clone(), value: Some(text.as_str().into()), expr: None, form: None };
    let outer = yaml::edit(bytes, select, std::slice::from_ref(&set))?;
    let document = outer.touched.first().map_or(0, |touched| touched.document);
    if moved_lines(bytes, &outer.bytes) > moved_lines(old.as_bytes(), text.as_bytes()) {
        let reason = "the style of this text does not let a part of it change alone; write it as a literal block (`|`)";
        return Err(Refusal::of(Code::NotMinimal, reason).at(&change.path).in_document(document));
    }
    let place = outer.places.first().cloned().unwrap_or_else(|| change.path.to_string());
    let touched = |touched: Touched| Touched { document, path: join(&change.path, &touched.path), ..touched };
    Ok(Edited {
        bytes: outer.bytes,
        touched: inner.touched.into_iter().map(touched).collect(),
        places: inner.places.iter().map(|inner| join(&place, inner)).collect(),
    })
}

/// How many lines differ, the larger side of each span.
fn moved_lines(before: &[u8], after: &[u8]) -> usize {
    let count = |bytes: &[u8], range: std::ops::Range<usize>| lines(bytes.get(range).unwrap_or_default()).len();
    spans(before, after).into_iter().map(|(old, new)| count(before, old).max(count(after, new))).sum()
}

fn moved(path: &Path, edit: &Edit) -> Edit {
    Edit { path: Path([path.0.as_slice(), edit.path.0.as_slice()].concat()), ..edit.clone() }
}

fn join(outer: impl std::fmt::Display, inner: &str) -> String {
    match inner {
        "" => outer.to_string(),
        inner if inner.starts_with('[') => format!("{outer}{inner}"),
        inner => format!("{outer}.{inner}"),
    }
}
