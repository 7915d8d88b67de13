//! Replaces a value.
//!
//! Must not touch what stands around the value, its comments included.

use super::draft::Draft;
use super::look::{Look, is_json};
use super::scalar::{self, Manner};
use super::splice::Splice;
use super::tree::{Id, Kind, Node, Slot, Style, Tree};
use super::{lines, render};
use crate::domain::edit::{Code, Refusal};
use serde_json::Value;

/// Replaces the value of a node.
pub(super) fn set(tree: &Tree<'_>, id: Id, value: &Value, look: &Look) -> Result<Splice, Refusal> {
    let node = tree.node(id);
    if node.is_block_collection() {
        return set_collection(tree, id, value, look);
    }
    if let (Value::String(text), false) = (value, tree.in_flow(id))
        && text.contains('\n')
        && let Some(splice) = set_lines(tree, id, text, look)
    {
        return Ok(splice);
    }
    let text = one_line(tree, id, value, look);
    if node.is_blank() {
        return put_blank(tree, id, &text);
    }
    Ok(in_place(tree, node, value, text))
}

fn one_line(tree: &Tree<'_>, id: Id, value: &Value, look: &Look) -> String {
    let flow = tree.in_flow(id);
    let json = flow && is_json(tree, tree.node(id).parent);
    let keep = match tree.node(id).kind {
        Kind::Scalar(_, style) => style,
        Kind::Map { .. } | Kind::List { .. } | Kind::Alias(_) => Style::Plain,
    };
    let quote = if json { Style::Double } else { look.quote };
    match value {
        Value::Object(_) | Value::Array(_) => render::flow(&value.into(), look, json || is_json(tree, Some(id))),
        scalar if json && keep == Style::Plain => scalar::write(scalar, Manner { keep: Style::Double, quote, flow }),
        scalar => scalar::write(scalar, Manner { keep, quote, flow }),
    }
}

// The anchor stays; a tag stays only if the new value is what it says.
fn in_place(tree: &Tree<'_>, node: &Node, value: &Value, text: String) -> Splice {
    match &node.tag {
        Some(tag) if !tag_fits(tag, value) => {
            let anchor = node.anchor.as_ref().map(|name| format!("&{name} ")).unwrap_or_default();
            Splice { range: node.outer..node.end, text: anchor + &text }
        }
        _ if node.is_block_scalar() => {
            // a comment behind the header goes behind the value
            let header = tree.slice(node.start..lines::end(tree.text, node.start));
            let comment = header.find([' ', '\t']).map_or("", |at| header[at..].trim_end());
            Splice { range: node.start..node.end, text: text + comment }
        }
        _ => Splice { range: node.start..node.end, text },
    }
}

fn tag_fits(tag: &str, value: &Value) -> bool {
    match (tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag), value) {
        ("str", Value::String(_)) | ("bool", Value::Bool(_)) | ("null", Value::Null) => true,
        ("int", Value::Number(number)) => !number.is_f64(),
        ("float", Value::Number(number)) => number.is_f64(),
        ("map", Value::Object(_)) | ("seq", Value::Array(_)) => true,
        _ => false,
    }
}

/// Writes a value where nothing is written.
pub(super) fn put_blank(tree: &Tree<'_>, id: Id, text: &str) -> Result<Splice, Refusal> {
    let node = tree.node(id);
    let colon = match tree.slot(id) {
        Slot::Entry(_, _, entry) => entry.colon.is_some(),
        Slot::Item(..) => true,
        Slot::Root => return Err(Refusal::of(Code::Parse, "an empty document has nothing to set; add a key")),
    };
    if node.tag.is_some() {
        return Err(Refusal::of(Code::Parse, "an empty value with a tag cannot be set"));
    }
    if !colon {
        return Ok(put_colon(tree, id, text));
    }
    let blanks = lines::skip_blanks(tree.text, node.end);
    let rest = tree.slice(blanks..lines::end(tree.text, blanks));
    let end = if rest.is_empty() || rest.starts_with(',') { blanks } else { node.end };
    let gap =
        if rest.starts_with(['}', ']']) || end < blanks || rest.is_empty() || rest.starts_with(',') { "" } else { " " };
    Ok(Splice { range: node.end..end, text: format!(" {text}{}", if rest.starts_with('#') { "" } else { gap.trim() }) })
}

// A key of a flow map gets its `:` on the line; one behind `?` gets a line for it.
fn put_colon(tree: &Tree<'_>, id: Id, text: &str) -> Splice {
    match tree.slot(id) {
        Slot::Entry(_, _, entry) if !tree.in_flow(id) => {
            let end = lines::end(tree.text, tree.node(entry.key).end);
            let indent = " ".repeat(lines::column(tree.text, entry.start));
            Splice::at(end, format!("{}{indent}: {text}", lines::newline(tree.text, entry.start)))
        }
        Slot::Entry(..) | Slot::Item(..) | Slot::Root => Splice::at(tree.node(id).end, format!(": {text}")),
    }
}

// A text of several lines: as a block scalar, unless quotes are to be kept.
fn set_lines(tree: &Tree<'_>, id: Id, text: &str, look: &Look) -> Option<Splice> {
    let node = tree.node(id);
    let Kind::Scalar(_, style) = node.kind else { return None };
    if node.tag.as_deref().is_some_and(|tag| tag != "tag:yaml.org,2002:str") {
        return None;
    }
    match style {
        Style::Literal | Style::Folded => set_block(tree, id, style, text, look),
        Style::Plain | Style::Single => new_block(tree, id, text, look),
        Style::Double => None,
    }
}

fn new_block(tree: &Tree<'_>, id: Id, text: &str, look: &Look) -> Option<Splice> {
    let node = tree.node(id);
    let block = scalar::fresh(text)?;
    let column = body_column(tree, id, look)?;
    let end = lines::end(tree.text, node.end);
    let below = lines::next(tree.text, end);
    let swallows = lines::comment_column(lines::line(tree.text, below)).is_some_and(|at| at >= column);
    if block.chomp.is_empty() && end == tree.text.len() || below < tree.text.len() && swallows {
        return None;
    }
    let rest = tree.slice(node.end..end).trim_end();
    let gap = if node.is_blank() { " " } else { "" };
    let body = render::Lines(block.lines.into_iter().map(|line| (column, line)).collect());
    let text = format!("{gap}|{}{rest}{}", block.chomp, body.below(look.newline));
    Some(Splice { range: node.start..end, text })
}

fn body_column(tree: &Tree<'_>, id: Id, look: &Look) -> Option<usize> {
    match tree.slot(id) {
        Slot::Entry(_, _, entry) => Some(lines::column(tree.text, entry.start) + look.step),
        Slot::Item(_, _, item) => Some(lines::column(tree.text, item.start) + look.gap),
        Slot::Root => None,
    }
}

fn set_block(tree: &Tree<'_>, id: Id, style: Style, text: &str, look: &Look) -> Option<Splice> {
    let node = tree.node(id);
    let header_end = lines::end(tree.text, node.start);
    let header = tree.slice(node.start..header_end);
    let signs = header.find(|c: char| !"|>+-0123456789".contains(c)).unwrap_or(header.len());
    let (signs, comment) = header.split_at(signs);
    let folded = if style == Style::Folded { scalar::folded(text) } else { None };
    let mark = if style == Style::Folded && folded.is_none() { '|' } else { signs.chars().next()? };
    let block = folded.or_else(|| scalar::literal(text))?;
    // Where `+` keeps the blank lines below, they are part of the old value and go with it.
    let keeps = signs.contains('+') && block.chomp.is_empty();
    let end = if keeps { end_of_blank_lines(tree, node) } else { node.end };
    let at_end = lines::next(tree.text, node.end) == tree.text.len() && !tree.text.ends_with('\n');
    let chomp = match block.chomp {
        "" if at_end => return None,
        "" if keeps => "+",
        "-" if at_end && !signs.contains('-') => "",
        chomp => chomp,
    };
    let column = block_column(tree, node).or_else(|| body_column(tree, id, look))?;
    let digit: String = signs.chars().filter(char::is_ascii_digit).collect();
    let body = render::Lines(block.lines.into_iter().map(|line| (column, line)).collect());
    let text = format!("{mark}{digit}{chomp}{comment}{}", body.below(look.newline));
    Some(Splice { range: node.start..end, text })
}

fn block_column(tree: &Tree<'_>, node: &Node) -> Option<usize> {
    let body = tree.slice(lines::next(tree.text, node.start)..node.end);
    let line = body.lines().find(|line| !line.trim().is_empty())?;
    Some(line.len() - line.trim_start_matches(' ').len())
}

fn end_of_blank_lines(tree: &Tree<'_>, node: &Node) -> usize {
    let mut end = node.end;
    loop {
        let below = lines::next(tree.text, end);
        let blank = below < tree.text.len() && lines::line(tree.text, below).trim().is_empty();
        if !blank {
            return end;
        }
        end = lines::end(tree.text, below);
    }
}

fn set_collection(tree: &Tree<'_>, id: Id, value: &Value, look: &Look) -> Result<Splice, Refusal> {
    let node = tree.node(id);
    let draft = Draft::from(value);
    let look = &look.up_to(tree.text, lines::end(tree.text, node.end));
    if !draft.is_filled() {
        let text = scalar::write(value, Manner { keep: Style::Plain, quote: look.quote, flow: false });
        return Ok(collapse(tree, id, &text));
    }
    // a comment behind the last of what goes, goes with it
    let end = lines::end(tree.text, node.end);
    let own_line = lines::is_first(tree.text, node.start);
    let column = match tree.slot(id) {
        Slot::Entry(_, _, entry) => {
            let key = lines::column(tree.text, entry.start);
            let same = matches!(node.kind, Kind::Map { .. }) == value.is_object();
            let step = if value.is_object() { look.step } else { look.list };
            if same { lines::column(tree.text, node.start) } else { key + step }
        }
        Slot::Item(..) | Slot::Root => lines::column(tree.text, node.start),
    };
    let lines = render::collection(&draft, column, look);
    if !own_line {
        return Ok(Splice { range: node.start..end, text: lines.text(look.newline) });
    }
    let text = format!("{}{}", " ".repeat(column), lines.text(look.newline));
    Ok(Splice { range: lines::begin(tree.text, node.start)..end, text })
}

/// Replaces a collection that has lines of its own by a text on the line of its key or dash.
pub(super) fn collapse(tree: &Tree<'_>, id: Id, text: &str) -> Splice {
    let node = tree.node(id);
    let end = lines::end(tree.text, node.end);
    let lead = match tree.slot(id) {
        Slot::Entry(_, _, entry) => entry.colon.map(|colon| colon + 1),
        Slot::Item(_, _, item) => Some(item.start + 1),
        Slot::Root => None,
    };
    let lead = lead.map(|lead| match (&node.props, &node.tag) {
        (Some(props), None) => props.end,
        _ => lead,
    });
    match lead {
        Some(lead) if lines::begin(tree.text, lead) != lines::begin(tree.text, node.start) => {
            let rest = tree.slice(lead..lines::end(tree.text, lead)).trim_end();
            let rest = if node.tag.is_some() { "" } else { rest };
            Splice { range: lead..end, text: format!(" {text}{rest}") }
        }
        _ => Splice { range: node.start..end, text: text.to_owned() },
    }
}
