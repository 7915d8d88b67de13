//! Takes an entry or an element out, with the comments that are its own.
//!
//! Must not take what describes a neighbour, nor leave two blank lines where there was one on each side.

use super::splice::Splice;
use super::tree::{Id, Kind, Slot, Tree};
use super::{extent, lines, set};
use crate::domain::edit::{Code, Refusal};
use std::ops::Range;

/// Takes a node out of the map or list that holds it.
pub(super) fn delete(tree: &Tree<'_>, id: Id) -> Result<Splice, Refusal> {
    let (parent, n) = match tree.slot(id) {
        Slot::Root => return Err(Refusal::of(Code::Parse, "a whole document cannot be deleted")),
        Slot::Entry(map, n, _) => (map, n),
        Slot::Item(list, n, _) => (list, n),
    };
    let spans = spans(tree, parent);
    let node = tree.node(parent);
    let (empty, bare) = match node.kind {
        Kind::Map { bare, .. } => ("{}", bare),
        Kind::List { .. } | Kind::Scalar(..) | Kind::Alias(_) => ("[]", false),
    };
    Ok(match (spans.len() < 2, node.is_flow()) {
        (true, true) if bare => Splice { range: node.start..node.end, text: empty.to_owned() },
        (true, true) => Splice { range: node.start + 1..node.end - 1, text: String::new() },
        (true, false) => set::collapse(tree, parent, empty),
        (false, true) => from_flow(tree, parent, &spans, n),
        (false, false) if lines::is_first(tree.text, spans[n].start) => own_lines(tree, id, &spans, n),
        (false, false) => behind_dash(tree, id, &spans, n),
    })
}

fn spans(tree: &Tree<'_>, parent: Id) -> Vec<Range<usize>> {
    match &tree.node(parent).kind {
        Kind::Map { entries, .. } => {
            entries.iter().map(|entry| entry.start..tree.node(entry.value).end.max(tree.node(entry.key).end)).collect()
        }
        Kind::List { items, .. } => items.iter().map(|item| item.start..tree.node(item.node).end).collect(),
        Kind::Scalar(..) | Kind::Alias(_) => Vec::new(),
    }
}

// The entry shares its line with the dash in front of it: the next one takes its place.
fn behind_dash(tree: &Tree<'_>, id: Id, spans: &[Range<usize>], n: usize) -> Splice {
    let column = lines::column(tree.text, spans[n].start);
    let next = spans.get(n + 1).map_or(spans[n].end, |span| span.start);
    let own = lines::next(tree.text, extent::end_of_lines(tree, id, column));
    let comment = tree.comments.iter().map(|comment| comment.start).find(|at| (own..next).contains(at));
    Splice { range: spans[n].start..comment.unwrap_or(next), text: String::new() }
}

fn own_lines(tree: &Tree<'_>, id: Id, spans: &[Range<usize>], n: usize) -> Splice {
    let text = tree.text;
    let column = lines::column(text, spans[n].start);
    let mut top = extent::top_of_comments(tree, spans[n].start, column);
    let mut bottom = lines::next(text, extent::end_of_lines(tree, id, column));
    let blank_above = top > 0 && is_blank(text, top - 1);
    let blank_below = bottom < text.len() && is_blank(text, bottom);
    let chomp = if n == 0 { None } else { extent::chomp_before(tree, spans[n - 1].end) };
    let (keeps, open) = (chomp == Some('+'), matches!(chomp, Some('+' | ' ')));
    if blank_below && (blank_above || n == 0 || top == 0 || keeps) {
        while bottom < text.len() && is_blank(text, bottom) {
            bottom = lines::next(text, bottom);
        }
    }
    if bottom == text.len() && !keeps {
        while top > 0 && is_blank(text, top - 1) {
            top = lines::begin(text, top - 1);
        }
    }
    if bottom == text.len() && !text.ends_with('\n') && top > 0 && !open {
        top = lines::end(text, top - 1);
    }
    Splice { range: top..bottom, text: String::new() }
}

fn is_blank(text: &str, at: usize) -> bool {
    lines::line(text, at).trim().is_empty()
}

fn from_flow(tree: &Tree<'_>, parent: Id, spans: &[Range<usize>], n: usize) -> Splice {
    let text = tree.text;
    let span = spans[n].clone();
    let next = spans.get(n + 1).map(|span| span.start);
    let gone = |range| Splice { range, text: String::new() };
    let comma = lines::skip_trivia(text, span.end, false);
    let trailing = text.as_bytes().get(comma) == Some(&b',');
    let row = lines::begin(text, span.start)..lines::next(text, if trailing { comma } else { span.end });
    let owns_row = lines::is_first(text, span.start)
        && row.end <= next.unwrap_or(lines::back_blanks(text, tree.node(parent).end - 1));
    if owns_row && trailing {
        return gone(extent::top_of_comments(tree, span.start, lines::column(text, span.start))..row.end);
    }
    match (n.checked_sub(1).and_then(|n| spans.get(n)), next) {
        (None, Some(next)) => {
            let line_end = lines::end(text, span.end);
            let comment = tree.comments.iter().map(|comment| comment.start).find(|at| (line_end..next).contains(at));
            gone(span.start..comment.unwrap_or(next))
        }
        (Some(before), Some(_)) => gone(before.end..span.end),
        (Some(before), None) => last_of_flow(tree, before.end, &span, trailing, owns_row),
        (None, None) => gone(span),
    }
}

// The comma in front goes too; a comment behind that comma stays.
fn last_of_flow(tree: &Tree<'_>, before: usize, span: &Range<usize>, trailing: bool, owns_row: bool) -> Splice {
    let text = tree.text;
    if trailing {
        return Splice { range: before..span.end, text: String::new() };
    }
    let end = if owns_row { lines::end(text, span.end) } else { span.end };
    let comma = lines::skip_trivia(text, before, false);
    let rest = tree.slice(comma + 1..lines::end(text, comma)).trim_end();
    let kept = if rest.trim_start().starts_with('#') { rest.to_owned() } else { String::new() };
    Splice { range: before..end, text: kept }
}
