//! Edits YAML files: finds the bytes of a node, replaces exactly those, and proves the result.
//!
//! Must not re-print what it does not change, and must not return a file that its proof does not accept.

mod delete;
mod draft;
mod extent;
mod gate;
mod guard;
mod insert;
mod layout;
mod lines;
mod locate;
mod look;
mod model;
mod outside;
mod pane;
mod parse;
mod plan;
mod proof;
mod render;
mod scalar;
mod set;
mod splice;
mod tree;
mod typing;
mod verdict;

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

use super::{Code, Edited, Refusal, Touched};
use crate::domain::change::{Edit, Op, Path, Select};
use draft::Draft;
use locate::{Found, Place};
use look::Look;
use pane::Pane;
pub use parse::Work;
use proof::Claim;
use serde_json::Value;
use tree::{DEPTH, Tree};
use verdict::Proven;

/// Makes edits in one document of a file, in order; all of them or none.
pub fn edit(bytes: &[u8], select: Option<&Select>, edits: &[Edit]) -> Result<Edited, Refusal> {
    edit_in_order(bytes, select, edits, &[])
}

/// The same, where a new key of the root stands behind those that come before it in the order, if it is listed.
pub fn edit_in_order(bytes: &[u8], select: Option<&Select>, edits: &[Edit], order: &[&str]) -> Result<Edited, Refusal> {
    edit_from(bytes, select, edits, (order, pane::LEAST))
}

/// The same, where files of `least` bytes and more are proven on the root's entry that the edit goes into.
pub fn edit_from(
    bytes: &[u8],
    select: Option<&Select>,
    edits: &[Edit],
    (order, least): (&[&str], usize),
) -> Result<Edited, Refusal> {
    let (bom, text) = gate::text(bytes)?;
    if edits.is_empty() {
        locate::document(&gate::tree(text)?, select)?;
    }
    let mut text = text.to_owned();
    let (mut touched, mut places): (Vec<Touched>, _) =
        (Vec::with_capacity(edits.len()), Vec::with_capacity(edits.len()));
    for edit in edits {
        let document = touched.first().map(|touched| touched.document);
        let step = one(&text, (document, select), edit, (order, least))?;
        touched.push(step.1);
        places.push(step.2);
        text = step.0.unwrap_or(text);
    }
    let mut out = bytes.get(..bom).unwrap_or_default().to_vec();
    out.extend_from_slice(text.as_bytes());
    Ok(Edited { bytes: out, touched, places })
}

/// Reads a file as an edit would: how much work that takes, and why it would be refused.
pub fn measure(bytes: &[u8]) -> (Work, Option<Refusal>) {
    let mut work = Work::default();
    let read = gate::text(bytes).and_then(|(_, text)| gate::measured(text, &mut work).map(|_| ()));
    (work, read.err())
}

/// Reads all documents of a file; merge keys are left as they are.
pub fn documents(bytes: &[u8]) -> Result<Vec<serde_yaml::Value>, Refusal> {
    let (_, text) = gate::text(bytes)?;
    let tree = gate::tree(text)?;
    if tree.documents.is_empty() { Ok(Vec::new()) } else { model::documents(text) }
}

/// Reads the value at a path, `<<` merged, without tags; nothing if the path leads nowhere.
pub fn lookup(bytes: &[u8], select: Option<&Select>, path: &Path) -> Result<Option<Value>, Refusal> {
    let (_, text) = gate::text(bytes)?;
    let tree = gate::tree(text)?;
    let document = locate::document(&tree, select)?;
    if tree.documents.is_empty() {
        return Ok(None);
    }
    match locate::find(&tree, document, path) {
        Ok(Place { found: Found::Missing { .. }, .. }) => Ok(None),
        Err(refusal) if matches!(refusal.code, Code::NotFound | Code::NotList) => Ok(None),
        Err(refusal) => Err(refusal),
        Ok(_) => {
            let mut model = model::effective(text)?;
            let root = model.get_mut(document);
            Ok(root.and_then(|root| model::get(root, &path.0)).map(|value| model::to_plain_json(value)))
        }
    }
}

/// Reads all documents, `<<` merged, without tags and with keys as text.
pub fn values(bytes: &[u8]) -> Result<Vec<Value>, Refusal> {
    let (_, text) = gate::text(bytes)?;
    let tree = gate::tree(text)?;
    if tree.documents.is_empty() {
        return Ok(Vec::new());
    }
    Ok(model::effective(text)?.iter().map(model::to_plain_json).collect())
}

/// The comments of a file, in order.
pub fn comments(bytes: &[u8]) -> Result<Vec<String>, Refusal> {
    let (_, text) = gate::text(bytes)?;
    let tree = gate::tree(text)?;
    Ok(tree.comments.iter().map(|comment| tree.slice(comment.clone()).trim_end().to_owned()).collect())
}

/// Tells whether a path has exactly this value for readers of YAML 1.1 and 1.2 alike.
pub fn says(bytes: &[u8], select: Option<&Select>, path: &Path, value: &Value) -> Result<bool, Refusal> {
    let (_, text) = gate::text(bytes)?;
    let tree = gate::tree(text)?;
    let document = locate::document(&tree, select)?;
    let root = tree.documents.get(document).map(|document| document.root);
    let found = root.and_then(|root| locate::follow(&tree, root, &path.0));
    Ok(found.is_some_and(|id| locate::equals(&tree, id, value, false)))
}

/// The index of the document that a selection means.
pub fn document_index(bytes: &[u8], select: Option<&Select>) -> Result<usize, Refusal> {
    let (_, text) = gate::text(bytes)?;
    locate::document(&gate::tree(text)?, select)
}

fn check_edit(edit: &Edit) -> Result<(), Refusal> {
    if edit.expr.is_some() || edit.form.is_some() {
        return Err(Refusal::of(Code::Parse, "`expr` and `as` are for HCL files, not for YAML"));
    }
    if edit.value.is_none() && edit.op != Op::Delete {
        return Err(Refusal::of(Code::Parse, "the edit has no value"));
    }
    if edit.path.0.is_empty() && edit.op != Op::Append {
        return Err(Refusal::of(Code::Parse, "the path is empty; only an append may be at the root"));
    }
    if edit.path.0.len() > DEPTH || edit.value.as_ref().is_some_and(|value| !is_shallow(value)) {
        return Err(Refusal::of(Code::TooLarge, format!("the value is nested deeper than {DEPTH} levels")));
    }
    Ok(())
}

fn is_shallow(value: &Value) -> bool {
    let mut level = vec![value];
    for _ in 0..DEPTH {
        level = level.into_iter().flat_map(children).collect();
        if level.is_empty() {
            return true;
        }
    }
    false
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The text after an edit unless it stays the same, what was done, and where by numbers alone.
type Done = (Option<String>, Touched, String);

// The document is known from the edit before, or it is the one selected.
fn one(
    text: &str,
    (document, select): (Option<usize>, Option<&Select>),
    edit: &Edit,
    (order, least): (&[&str], usize),
) -> Result<Done, Refusal> {
    let tree = gate::tree(text)?;
    let document = document.map_or_else(|| locate::document(&tree, select), Ok)?;
    check_edit(edit).map_err(|refusal| refusal.at(&edit.path).in_document(document))?;
    if tree.documents.is_empty() {
        return first(text, &tree, edit);
    }
    if text.len() >= least
        && let Some(done) = in_pane(&tree, document, edit, order)
    {
        return Ok(done);
    }
    let model = model::effective(text).map_err(|refusal| refusal.in_document(document))?;
    if model.len() != tree.documents.len() {
        return Err(Refusal::of(Code::Parse, "the file's documents cannot be told apart"));
    }
    let place = locate::find(&tree, document, &edit.path)?;
    let Some(splice) = plan::plan(&tree, document, &place, edit, order)? else {
        verdict::agree(model, document, edit)?;
        return Ok(unchanged(&tree, document, &place, edit));
    };
    let claim = Claim { before: &tree, model: &model, document, edit, splice: &splice };
    let proven = verdict::prove(&claim).map_err(|refusal| blame(refusal, &claim, &place))?;
    Ok(changed(&tree, document, (&place, edit), proven))
}

// What a large file's pane can prove; nothing if the whole has to be proven, or refused.
fn in_pane(tree: &Tree<'_>, document: usize, edit: &Edit, order: &[&str]) -> Option<Done> {
    let pane = Pane::around(tree, document, edit)?;
    let place = locate::find(tree, document, &edit.path).ok()?;
    match plan::plan(tree, document, &place, edit, order).ok()? {
        None => pane.agrees(edit).then(|| unchanged(tree, document, &place, edit)),
        Some(splice) => {
            let proven = pane.prove(tree, edit, &splice)?;
            Some(changed(tree, document, (&place, edit), proven))
        }
    }
}

fn unchanged(tree: &Tree<'_>, document: usize, place: &Place, edit: &Edit) -> Done {
    let before = stood(tree, place, edit);
    let touched = Touched { document, path: edit.path.to_string(), after: before.clone(), before };
    (None, touched, locate::settled(tree, document, edit))
}

fn changed(tree: &Tree<'_>, document: usize, (place, edit): (&Place, &Edit), proven: Proven) -> Done {
    let touched = Touched { document, path: proven.path, before: stood(tree, place, edit), after: proven.now };
    (Some(proven.after), touched, locate::settled(tree, document, edit))
}

// What stands where something is set or deleted.
fn stood(tree: &Tree<'_>, place: &Place, edit: &Edit) -> Option<String> {
    match place.found {
        Found::Node(id) if matches!(edit.op, Op::Set | Op::Delete) => Some(tree.source(id).to_owned()),
        Found::Node(_) | Found::Missing { .. } | Found::Merged { .. } => None,
    }
}

// A file of nothing but comments: the first key is written below them.
fn first(text: &str, tree: &Tree<'_>, edit: &Edit) -> Result<Done, Refusal> {
    let refuse = |code, reason: &str| Err(Refusal::of(code, reason).at(&edit.path));
    if !matches!(edit.op, Op::Add | Op::Append) {
        return refuse(Code::NotFound, "the file is empty");
    }
    let value = edit.value.as_ref().map_or(Draft::Scalar(Value::Null), Draft::from);
    let value = if edit.op == Op::Append { Draft::List(vec![value]) } else { value };
    let value = draft::nest(&edit.path.0, value).map_err(|refusal| refusal.at(&edit.path))?;
    let splice = insert::fill_file(text, &value, &Look::around(tree, 0));
    let claim = Claim { before: tree, model: &[], document: 0, edit, splice: &splice };
    let proven = verdict::prove(&claim).map_err(|refusal| refusal.at(&edit.path))?;
    let touched = Touched { document: 0, path: proven.path.clone(), before: None, after: proven.now };
    Ok((Some(proven.after), touched, proven.path))
}

// When a place is inside something shared, the proof fails because other places change too: say so.
fn blame(refusal: Refusal, claim: &Claim<'_>, place: &Place) -> Refusal {
    let uses: Vec<_> = place.trail.iter().flat_map(|id| locate::uses(claim.before, *id)).collect();
    let refusal = match plan::refuse_named(claim.before, &uses) {
        Err(shared) if refusal.code == Code::ProofFailed => shared,
        _ => refusal,
    };
    refusal.at(&claim.edit.path).in_document(claim.document)
}
