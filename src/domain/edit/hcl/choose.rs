//! Picks the one block or element that a step of a path means.
//!
//! Must not guess: where several fit, the refusal lists them.

use super::gate::Doc;
use crate::domain::change::{Path, Step};
use crate::domain::edit::{Code, Refusal};
use hcl_edit::Span;
use hcl_edit::expr::{Array, Expression, ObjectKey};
use hcl_edit::structure::{Block, BlockLabel};
use serde_json::Value;
use std::collections::BTreeMap;

/// A block's labels, in order.
pub(super) fn labels(block: &Block) -> Vec<&str> {
    block.labels.iter().map(BlockLabel::as_str).collect()
}

/// The block of these that the rest of the path means, and how many steps say so: its labels as keys, then an index or
/// a match.
pub(super) fn pick<'a>(doc: &Doc, hits: &[&'a Block], key: &str, rest: &[Step]) -> Result<(&'a Block, usize), Refusal> {
    let labelled: Vec<&Block> = hits.iter().copied().filter(|block| starts_with(rest, &labels(block))).collect();
    let (hits, used) = match labelled.first() {
        Some(first) => (labelled.clone(), labels(first).len()),
        None => (hits.to_vec(), 0),
    };
    let next = rest.get(used);
    let chosen: Vec<&Block> = match next {
        Some(Step::Index(index)) => hits.get(*index).copied().into_iter().collect(),
        Some(Step::Match(fields)) => {
            let fits = |loose: bool| hits.iter().copied().filter(|block| block_has(block, fields, loose)).collect();
            Some(fits(false)).filter(|hits: &Vec<&Block>| !hits.is_empty()).unwrap_or_else(|| fits(true))
        }
        Some(Step::Key(_)) | None => hits.clone(),
    };
    let used = used + usize::from(matches!(next, Some(Step::Index(_) | Step::Match(_))));
    match chosen.as_slice() {
        [block] => Ok((block, used)),
        [] => {
            Err(Refusal::of(Code::NotFound, format!("no block `{key}` of {} fits: {}", hits.len(), lines(doc, &hits))))
        }
        many => Err(Refusal::of(Code::Ambiguous, format!("more than one block `{key}` fits: {}", lines(doc, many)))),
    }
}

/// Whether the steps begin with these labels, of which there is at least one.
fn starts_with(steps: &[Step], labels: &[&str]) -> bool {
    let is = |(label, step): (&&str, &Step)| matches!(step, Step::Key(key) if key == label);
    !labels.is_empty() && steps.len() >= labels.len() && labels.iter().zip(steps).all(is)
}

fn block_has(block: &Block, fields: &BTreeMap<String, Value>, loose: bool) -> bool {
    fields.iter().all(|(field, wanted)| match (field.as_str(), wanted) {
        ("labels", Value::Array(wanted)) => labels(block).into_iter().map(Some).eq(wanted.iter().map(Value::as_str)),
        ("labels", Value::String(wanted)) if !block.labels.is_empty() => labels(block) == [wanted.as_str()],
        _ => block.body.get_attribute(field).is_some_and(|attribute| says(&attribute.value, wanted, loose)),
    })
}

/// The one element of a list that a step means.
pub(super) fn element<'a>(doc: &Doc, array: &'a Array, step: &Step) -> Result<&'a Expression, Refusal> {
    let fits = |(index, value): &(usize, &Expression), loose: bool| match (step, value) {
        (Step::Index(wanted), _) => wanted == index,
        (Step::Match(fields), Expression::Object(object)) => fields.iter().all(|(field, wanted)| {
            object.iter().any(|(key, value)| literal(key).as_ref() == Some(field) && says(value.expr(), wanted, loose))
        }),
        (Step::Match(_) | Step::Key(_), _) => false,
    };
    let hits = |loose| array.iter().enumerate().filter(|entry| fits(entry, loose)).map(|(_, value)| value).collect();
    let strict: Vec<&Expression> = hits(false);
    let hits = if strict.is_empty() { hits(true) } else { strict };
    let name = Path(vec![step.clone()]);
    match hits.as_slice() {
        [value] => Ok(value),
        [] => Err(Refusal::of(Code::NotFound, format!("the list of {} has no element `{name}`", array.len()))),
        many => Err(Refusal::of(Code::Ambiguous, format!("more than one element is `{name}`: {}", lines(doc, many)))),
    }
}

/// Whether an expression is a literal of this value; `loose` also takes `8080` for "8080", which a dotted path cannot tell.
fn says(expression: &Expression, wanted: &Value, loose: bool) -> bool {
    match (expression, wanted) {
        (Expression::String(text), Value::String(wanted)) => text.as_str() == wanted,
        (Expression::Bool(value), Value::Bool(wanted)) => value.value() == wanted,
        (Expression::Null(_), Value::Null) => true,
        (Expression::Number(number), Value::Number(wanted)) => number.value().as_f64() == wanted.as_f64(),
        (Expression::Number(number), Value::String(wanted)) if loose => number.value().to_string() == *wanted,
        (Expression::Bool(value), Value::String(wanted)) if loose => value.value().to_string() == *wanted,
        _ => false,
    }
}

/// The lines that nodes begin on, for people.
pub(super) fn lines<T: Span>(doc: &Doc, nodes: &[&T]) -> String {
    let line = |node: &&T| {
        let start = node.span().map_or(0, |span| span.start);
        format!("line {}", 1 + doc.part(&(0..start)).matches('\n').count())
    };
    let more = if nodes.len() > 5 { ", and more" } else { "" };
    format!("{}{more}", nodes.iter().take(5).map(line).collect::<Vec<_>>().join(", "))
}

/// The key of an object's entry, where it is a literal one.
pub(super) fn literal(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Ident(name) => Some(name.to_string()),
        ObjectKey::Expression(Expression::String(text)) => Some(text.as_str().to_owned()),
        ObjectKey::Expression(Expression::Bool(value)) => Some(value.value().to_string()),
        ObjectKey::Expression(Expression::Null(_)) => Some("null".to_owned()),
        ObjectKey::Expression(Expression::Variable(name)) => Some(name.as_str().to_owned()),
        ObjectKey::Expression(_) => None,
    }
}
