//! Adds an entry to a map or an element to a list.
//!
//! Must not move what is there: an insertion stands behind the last entry, or takes the place of `{}`, `[]` or null.

use super::draft::Draft;
use super::look::{Look, is_json};
use super::splice::Splice;
use super::tree::{Entry, Id, Kind, Slot, Tree};
use super::{extent, lines, render, set};
use crate::domain::edit::{Code, Refusal};

/// Adds an entry to a map that has some.
pub(super) fn add(tree: &Tree<'_>, map: Id, key: &Draft, value: &Draft, look: &Look) -> Result<Splice, Refusal> {
    let Kind::Map { entries, flow, bare } = &tree.node(map).kind else {
        return Err(Refusal::of(Code::NotFound, "there is no map to add the key to"));
    };
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Err(Refusal::of(Code::NotFound, "there is no map to add the key to"));
    };
    if *bare {
        return Err(Refusal::of(Code::Parse, "a lone pair in a flow list cannot take a second key"));
    }
    if *flow {
        let text = render::flow_entry(key, value, look, is_json(tree, Some(map)));
        let starts: Vec<usize> = entries.iter().map(|entry| entry.start).collect();
        return Ok(into_flow(tree, map, &starts, end_of_pair(tree, last), &text));
    }
    let column = lines::column(tree.text, first.start);
    let lines = |look: &Look| render::entry(key, value, column, look);
    if !extent::is_cut_short(tree, last.value) {
        return Ok(behind(tree, last.value, column, look, lines));
    }
    // a line break behind a block scalar without one would become part of it
    match entries.len().checked_sub(2).and_then(|n| entries.get(n)) {
        Some(before) => Ok(behind(tree, before.value, column, look, lines)),
        None => {
            let at = if lines::is_first(tree.text, last.start) {
                extent::top_of_comments(tree, last.start, column) + column
            } else {
                last.start
            };
            let text = format!("{}{}{}", lines(look).text(look.newline), look.newline, " ".repeat(column));
            Ok(Splice::at(at, text))
        }
    }
}

/// Adds an entry to a block map behind the one at a place; nothing if that is no place for an entry.
pub(super) fn add_behind(tree: &Tree<'_>, map: Id, n: usize, new: (&Draft, &Draft), look: &Look) -> Option<Splice> {
    let Kind::Map { entries, flow: false, bare: false } = &tree.node(map).kind else { return None };
    let (first, before) = (entries.first()?, entries.get(n)?);
    if extent::is_cut_short(tree, before.value) || before.colon.is_none() {
        return None;
    }
    let column = lines::column(tree.text, first.start);
    Some(behind(tree, before.value, column, look, |look| render::entry(new.0, new.1, column, look)))
}

// A `:` with nothing behind it keeps its blank, or it would run into the comma.
fn end_of_pair(tree: &Tree<'_>, pair: &Entry) -> usize {
    let end = tree.node(pair.value).end.max(tree.node(pair.key).end);
    let colon = pair.colon.filter(|_| tree.node(pair.value).is_blank()).map_or(end, |colon| end.max(colon + 1));
    let blank = colon > 0 && tree.text[..colon].ends_with(':') && tree.text[colon..].starts_with(' ');
    colon + usize::from(blank)
}

/// Adds an element to a list that has some.
pub(super) fn append(tree: &Tree<'_>, list: Id, value: &Draft, look: &Look) -> Result<Splice, Refusal> {
    let Kind::List { items, flow } = &tree.node(list).kind else {
        return Err(Refusal::of(Code::NotList, "there is no list to append to"));
    };
    let (Some(first), Some(last)) = (items.first(), items.last()) else {
        return Err(Refusal::of(Code::NotList, "there is no list to append to"));
    };
    if *flow {
        let text = render::flow(value, look, is_json(tree, Some(list)));
        let starts: Vec<usize> = items.iter().map(|item| item.start).collect();
        return Ok(into_flow(tree, list, &starts, tree.node(last.node).end, &text));
    }
    let column = lines::column(tree.text, first.start);
    if extent::is_cut_short(tree, last.node) {
        return Err(Refusal::of(
            Code::NotMinimal,
            "the last element ends the file without a line break, which is its value",
        ));
    }
    Ok(behind(tree, last.node, column, look, |look| render::item(value, column, look)))
}

/// Puts an element in front of another one of a list.
pub(super) fn before(tree: &Tree<'_>, id: Id, value: &Draft) -> Result<Splice, Refusal> {
    let Slot::Item(list, _, item) = tree.slot(id) else {
        return Err(Refusal::of(Code::NotList, "there is no list to put an element into"));
    };
    let (text, look) = (tree.text, Look::around(tree, list));
    if tree.node(list).is_flow() {
        let new = render::flow(value, &look, is_json(tree, Some(list)));
        let gap = match lines::is_first(text, item.start) {
            true => format!("{}{}", look.newline, " ".repeat(lines::column(text, item.start))),
            false => " ".to_owned(),
        };
        return Ok(Splice::at(item.start, format!("{new},{gap}")));
    }
    let column = lines::column(text, item.start);
    let new = render::item(value, column, &look).text(look.newline);
    let at = match lines::is_first(text, item.start) {
        true => extent::top_of_comments(tree, item.start, column) + column,
        false => item.start,
    };
    Ok(Splice::at(at, format!("{new}{}{}", look.newline, " ".repeat(column))))
}

fn behind(tree: &Tree<'_>, id: Id, column: usize, look: &Look, lines: impl Fn(&Look) -> render::Lines) -> Splice {
    let end = extent::end_of_lines(tree, id, column);
    Splice::at(end, lines(&look.up_to(tree.text, end)).below(look.newline))
}

fn into_flow(tree: &Tree<'_>, id: Id, starts: &[usize], last_end: usize, new: &str) -> Splice {
    let text = tree.text;
    let last_start = starts.last().copied().unwrap_or(last_end);
    let close = tree.node(id).end.saturating_sub(1);
    let before = match starts.len().checked_sub(2).and_then(|n| starts.get(n)) {
        Some(start) => *start,
        None => tree.node(id).start,
    };
    let comma = lines::skip_trivia(text, last_end, false);
    let trailing = text.as_bytes().get(comma) == Some(&b',');
    let own_line = tree.slice(before..last_start).contains('\n') && tree.slice(last_end..close).contains('\n');
    if !own_line {
        let tight = starts.len() > 1 && tree.slice(before..last_start).ends_with(',');
        let gap = if tight { "" } else { " " };
        return match trailing {
            true => Splice::at(comma + 1, format!("{gap}{new},")),
            false => Splice::at(last_end, format!(",{gap}{new}")),
        };
    }
    let indent = lines::line(text, last_start);
    let indent = &indent[..indent.len() - indent.trim_start().len()];
    let newline = lines::newline(text, last_start);
    if trailing {
        return Splice::at(lines::end(text, comma), format!("{newline}{indent}{new},"));
    }
    let end = lines::end(text, last_end);
    let rest = tree.slice(last_end..end).trim_end();
    match rest.is_empty() {
        true => Splice::at(last_end, format!(",{newline}{indent}{new}")),
        false => Splice { range: last_end..end, text: format!(",{rest}{newline}{indent}{new}") },
    }
}

/// Writes a collection in the place of `{}`, `[]` or null.
pub(super) fn fill(tree: &Tree<'_>, id: Id, value: &Draft, look: &Look) -> Result<Splice, Refusal> {
    let node = tree.node(id);
    let look = &look.up_to(tree.text, lines::end(tree.text, node.end));
    if tree.in_flow(id) || tree.slice(node.start..node.end).contains('\n') {
        let json = is_json(tree, node.parent);
        let text = render::flow(value, look, json);
        return if node.is_blank() { set::put_blank(tree, id, &text) } else { Ok(replace(tree, id, text)) };
    }
    match tree.slot(id) {
        Slot::Root => fill_root(tree, id, value, look),
        Slot::Entry(_, _, entry) => {
            let colon = entry.colon.ok_or_else(|| Refusal::of(Code::Parse, "a key without `:` cannot get a value"))?;
            let step = if value.is_map() { look.step } else { look.list };
            let column = lines::column(tree.text, entry.start) + step;
            Ok(fill_below(tree, id, colon + 1, &render::collection(value, column, look), look))
        }
        Slot::Item(_, _, item) => {
            let column = lines::column(tree.text, item.start) + look.gap;
            let lines = render::collection(value, column, look);
            if node.props.is_some() {
                return Ok(fill_below(tree, id, item.start + 1, &lines, look));
            }
            let end = lines::end(tree.text, node.end);
            let rest = tree.slice(node.end..end).trim_end();
            let text = lines.text(look.newline);
            let (first, below) = text.split_at(text.find(look.newline).unwrap_or(text.len()));
            let text = format!("{}{first}{rest}{below}", " ".repeat(look.gap - 1));
            Ok(Splice { range: item.start + 1..end, text })
        }
    }
}

fn replace(tree: &Tree<'_>, id: Id, text: String) -> Splice {
    Splice { range: tree.node(id).start..tree.node(id).end, text }
}

fn fill_below(tree: &Tree<'_>, id: Id, lead: usize, lines: &render::Lines, look: &Look) -> Splice {
    let node = tree.node(id);
    let lead = node.props.as_ref().map_or(lead, |props| props.end);
    if lines::begin(tree.text, lead) != lines::begin(tree.text, node.start) {
        return replace(tree, id, lines.text(look.newline));
    }
    let end = lines::end(tree.text, node.end);
    let rest = tree.slice(node.end..end).trim_end();
    Splice { range: lead..end, text: format!("{rest}{}", lines.below(look.newline)) }
}

fn fill_root(tree: &Tree<'_>, id: Id, value: &Draft, look: &Look) -> Result<Splice, Refusal> {
    let node = tree.node(id);
    let lines = render::collection(value, 0, look);
    if node.props.is_some() {
        return Err(Refusal::of(Code::Parse, "an empty document with an anchor or tag cannot be filled"));
    }
    if !node.is_blank() && lines::is_first(tree.text, node.start) {
        return Ok(replace(tree, id, lines.text(look.newline)));
    }
    let end = lines::end(tree.text, node.end);
    let lead = lines::back_blanks(tree.text, node.start);
    let rest = tree.slice(node.end..end).trim_end();
    Ok(Splice { range: lead..end, text: format!("{rest}{}", lines.below(look.newline)) })
}

/// Writes a collection into a file that has no document.
pub(super) fn fill_file(text: &str, value: &Draft, look: &Look) -> Splice {
    let lines = render::collection(value, 0, look).text(look.newline);
    match text.is_empty() || text.ends_with('\n') {
        true => Splice::at(text.len(), lines + look.newline),
        false => Splice::at(text.len(), format!("{}{lines}", look.newline)),
    }
}
