//! Edits Terraform and other HCL files by replacing exactly the bytes of what is meant.
//!
//! Must not print a file from a tree, and must not return a result that the proof has not passed.

mod address;
mod align;
mod choose;
mod format;
mod gate;
mod insert;
mod leaves;
mod lines;
mod locate;
mod model;
mod outline;
mod proof;
mod remove;
mod render;
mod sheet;
#[cfg(test)]
mod tests;
mod tokens;
mod wanted;

pub use address::address;
pub use leaves::leaves;
pub use outline::{Outline, outline, states};

use super::{Code, Edited, Refusal, Touched};
use crate::domain::change::{Edit, Form, Op, Path, Select, SelectBlock, Step};
use gate::Doc;
use lines::Cut;
use locate::{Found, Home, Place, Shape, locate};
use render::{Layout, Term, Width};

/// Applies edits one after the other; each is proven before the next one begins.
pub fn edit(bytes: &[u8], select: Option<&Select>, edits: &[Edit]) -> Result<Edited, Refusal> {
    let select = locate::block_of(select)?;
    let (marked, text) = gate::open(bytes)?;
    let mut doc = Doc::read(text.to_owned())?;
    let mut touched = Vec::with_capacity(edits.len());
    for edit in edits {
        let place = full_path(select, &edit.path);
        let edit = with_line_ends(edit, doc.eol());
        let step = apply(&doc, select, &edit).map_err(|refusal| refusal.at(&place))?;
        touched.push(Touched { document: 0, path: place.to_string(), before: step.before, after: step.after });
        doc = step.doc.unwrap_or(doc);
    }
    Ok(Edited { bytes: gate::close(marked, &doc.text), touched, places: Vec::new() })
}

/// Reads a file as an edit would: how many tokens that takes, and why it would be refused.
pub fn measure(bytes: &[u8]) -> (usize, Option<Refusal>) {
    let mut count = 0;
    let read = gate::open(bytes).and_then(|(_, text)| {
        tokens::lex_counted(text, &mut count)?;
        Doc::read(text.to_owned())
    });
    (count, read.err())
}

/// The source text of the value, or block, at a path; nothing if it is not there.
pub fn lookup(bytes: &[u8], select: Option<&Select>, path: &Path) -> Result<Option<String>, Refusal> {
    let select = locate::block_of(select)?;
    let (_, text) = gate::open(bytes)?;
    let doc = Doc::read(text.to_owned())?;
    match locate(&doc, select, &path.0, false) {
        Ok(Place::Found(found)) => Ok(Some(doc.part(&found.value).to_owned())),
        Ok(Place::Missing(_, _)) => Ok(None),
        Err(refusal) if refusal.code == Code::NotFound => Ok(None),
        Err(refusal) => Err(refusal.at(full_path(select, path))),
    }
}

/// The text of a literal string at a path; nothing where something else, or nothing, stands.
pub fn literal(bytes: &[u8], select: Option<&Select>, path: &Path) -> Result<Option<String>, Refusal> {
    Ok(lookup(bytes, select, path)?.and_then(|text| tokens::unquote(&text)))
}

/// What an edit that writes a value finds at its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The wanted value.
    Same,
    /// Something else.
    Other,
    /// Nothing: these keys at the end of the path are missing, the first of them in a body of attributes and blocks or
    /// in an object.
    Missing {
        /// The keys.
        keys: Vec<String>,
        /// Whether what lacks the first of them is a body.
        body: bool,
    },
}

/// Looks at what stands where an edit would write its value or expression.
pub fn standing(bytes: &[u8], select: Option<&Select>, edit: &Edit) -> Result<Standing, Refusal> {
    let select = locate::block_of(select)?;
    let (_, text) = gate::open(bytes)?;
    let doc = Doc::read(text.to_owned())?;
    let edit = with_line_ends(edit, doc.eol());
    Ok(
        match locate(&doc, select, &edit.path.0, false).map_err(|refusal| refusal.at(full_path(select, &edit.path)))? {
            Place::Found(found) if proof::is_set(doc.part(&found.value), &edit) => Standing::Same,
            Place::Found(_) => Standing::Other,
            Place::Missing(home, keys) => Standing::Missing { keys, body: matches!(home, Home::Body(_)) },
        },
    )
}

struct Applied {
    /// The text after the edit; nothing if it said so already.
    doc: Option<Doc>,
    before: Option<String>,
    after: Option<String>,
}

fn apply(doc: &Doc, select: Option<&SelectBlock>, edit: &Edit) -> Result<Applied, Refusal> {
    let beside = edit.form == Some(Form::Block);
    let place = locate(doc, select, &edit.path.0, beside)?;
    let before = match &place {
        Place::Found(found) => Some(doc.part(&found.value).to_owned()),
        Place::Missing(_, _) => None,
    };
    let cuts = plan(doc, &place, edit)?;
    if cuts.is_empty() {
        return Ok(Applied { doc: None, after: before.clone(), before });
    }
    let spliced = lines::replace(&doc.text, &cuts);
    let text = align::align((&doc.text, &doc.tokens), spliced);
    let after = Doc::read(text).map_err(|refusal| {
        Refusal::of(Code::ProofFailed, format!("the result cannot be read again: {}", refusal.reason))
    })?;
    proof::prove((&doc.text, &doc.tokens), (&after.text, &after.tokens), select, edit)?;
    let text = match edit.op {
        Op::Delete => None,
        Op::Set => cuts.into_iter().next().map(|cut| cut.text),
        Op::Add | Op::Append => written(&after, select, edit)?,
    };
    Ok(Applied { doc: Some(after), before, after: text })
}

fn plan(doc: &Doc, place: &Place, edit: &Edit) -> Result<Vec<Cut>, Refusal> {
    let term = Term::of(edit)?;
    let block = edit.form == Some(Form::Block);
    if block && edit.op != Op::Add {
        return Err(Refusal::of(Code::Parse, "`as: block` goes with `add` only"));
    }
    match (edit.op, place, term) {
        (Op::Delete, Place::Found(found), _) => remove::remove(doc, found),
        (Op::Set, Place::Found(found), Some(term)) => set(doc, found, &term, edit),
        (Op::Append, Place::Found(found), Some(term)) => append(doc, found, term),
        (Op::Add, Place::Missing(home, keys), Some(term)) => insert::add(doc, home, keys, term, block),
        (Op::Append, Place::Missing(home, keys), Some(term)) => {
            insert::add(doc, home, keys, Term::List(vec![term]), false)
        }
        (Op::Add, Place::Found(found), _) => Err(exists(found)),
        (Op::Set | Op::Delete, Place::Missing(_, keys), _) => {
            let key = keys.first().map_or("", String::as_str);
            Err(Refusal::of(Code::NotFound, format!("there is no `{key}`")))
        }
        (Op::Set | Op::Add | Op::Append, _, None) => Err(Refusal::of(Code::Parse, "no value is given")),
    }
}

fn exists(found: &Found) -> Refusal {
    let hint = match found.shape {
        Shape::Block => "a block of that name is there already; `as: block` adds one more",
        Shape::Null | Shape::Group(_) | Shape::Other => "it is there already; `set` changes it",
    };
    Refusal::of(Code::Exists, hint)
}

fn set(doc: &Doc, found: &Found, term: &Term, edit: &Edit) -> Result<Vec<Cut>, Refusal> {
    let old = doc.part(&found.value);
    let width = match &found.shape {
        Shape::Block => return Err(Refusal::of(Code::Parse, "a whole block cannot be set; set its attributes")),
        Shape::Group(group) if !group.members.is_empty() && old.contains('\n') => Width::Tall,
        Shape::Group(group) if !group.members.is_empty() => Width::Line,
        Shape::Group(_) | Shape::Null | Shape::Other if is_on_line(doc, found) => Width::Line,
        Shape::Group(_) | Shape::Null | Shape::Other => Width::Lines,
    };
    if proof::is_set(old, edit) {
        return Ok(Vec::new());
    }
    Ok(vec![Cut { span: found.value.clone(), text: write(doc, found, term, width) }])
}

fn append(doc: &Doc, found: &Found, term: Term) -> Result<Vec<Cut>, Refusal> {
    match &found.shape {
        Shape::Group(group) if group.list => Ok(insert::append(doc, group, &term)),
        Shape::Null => {
            let text = write(doc, found, &Term::List(vec![term]), Width::Line);
            Ok(vec![Cut { span: found.value.clone(), text }])
        }
        Shape::Block => {
            Err(Refusal::of(Code::NotList, "a block takes no elements; `add` with `as: block` adds one more"))
        }
        Shape::Group(_) | Shape::Other => Err(Refusal::of(Code::NotList, "there stands no literal list")),
    }
}

fn write(doc: &Doc, found: &Found, term: &Term, width: Width) -> String {
    let (indent, unit) = (doc.indent_at(found.value.start), doc.unit());
    term.write(Layout { indent, unit: &unit, eol: doc.eol(), width })
}

/// Whether what holds a value stands on one line, or the value shares its line with others.
fn is_on_line(doc: &Doc, found: &Found) -> bool {
    match &found.home {
        Home::Body(frame) => !frame.top && !doc.part(&frame.inner).contains('\n'),
        Home::Group(group) => !doc.part(&group.span).contains('\n') || !doc.is_first(found.whole.start),
    }
}

/// The source text an edit has left at its path; of several blocks the last.
fn written(doc: &Doc, select: Option<&SelectBlock>, edit: &Edit) -> Result<Option<String>, Refusal> {
    let beside = edit.form == Some(Form::Block);
    let span = match locate(doc, select, &edit.path.0, beside)? {
        Place::Found(found) => Some(found.value),
        Place::Missing(Home::Body(frame), _) => frame.blocks.into_iter().next_back(),
        Place::Missing(Home::Group(_), _) => None,
    };
    Ok(span.map(|span| doc.part(&span).to_owned()))
}

fn full_path(select: Option<&SelectBlock>, path: &Path) -> Path {
    let block = select.map(address::steps).unwrap_or_default();
    Path(block.into_iter().map(Step::Key).chain(path.0.iter().cloned()).collect())
}

/// An edit whose expression, if it goes over lines, ends them as the file does.
fn with_line_ends(edit: &Edit, eol: &str) -> Edit {
    let mut edit = edit.clone();
    edit.expr = edit.expr.map(|text| text.replace("\r\n", "\n").replace('\n', eol));
    edit
}
