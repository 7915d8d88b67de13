//! Which lines belong to a node: its own, the comments that describe it and the blank lines that a block scalar keeps.
//!
//! Must not change them: it only measures.

use super::lines;
use super::tree::{Id, Kind, Tree};

// Comment lines right above, as deep as the entry, are its own; but not a license or a mode line on top of the file.
/// Where the lines of an entry begin, its own comments included.
pub(super) fn top_of_comments(tree: &Tree<'_>, at: usize, column: usize) -> usize {
    let text = tree.text;
    let first = lines::begin(text, at);
    let mut top = first;
    while top > 0 && lines::comment_column(lines::line(text, top - 1)) == Some(column) {
        top = lines::begin(text, top - 1);
    }
    let head = tree.slice(top..first).to_lowercase();
    let heads = ["license", "copyright", "spdx-", "yaml-language-server", "code generated", "$schema"];
    let on_top = top == 0 || lines::line(text, top - 1).starts_with("---");
    if on_top && heads.iter().any(|mark| head.contains(mark)) { first } else { top }
}

/// The last scalar or flow collection of a node.
fn last_leaf(tree: &Tree<'_>, id: Id) -> Id {
    let mut id = id;
    loop {
        let next = match &tree.node(id).kind {
            Kind::Map { entries, flow: false, .. } => entries.last().map(|entry| entry.value),
            Kind::List { items, flow: false } => items.last().map(|item| item.node),
            Kind::Map { .. } | Kind::List { .. } | Kind::Scalar(..) | Kind::Alias(_) => None,
        };
        match next {
            Some(next) => id = next,
            None => return id,
        }
    }
}

fn chomp_of<'a>(tree: &Tree<'a>, id: Id) -> &'a str {
    let header = tree.slice(tree.node(id).start..lines::end(tree.text, tree.node(id).start));
    header.split([' ', '\t', '#']).next().unwrap_or_default()
}

/// Tells whether a node ends in a block scalar that the end of the file cuts short of its line break.
pub(super) fn is_cut_short(tree: &Tree<'_>, id: Id) -> bool {
    let leaf = last_leaf(tree, id);
    let node = tree.node(leaf);
    node.is_block_scalar() && node.end == tree.text.len() && !chomp_of(tree, leaf).contains('-')
}

/// The chomping sign, or none, of a block scalar that ends at an offset.
pub(super) fn chomp_before(tree: &Tree<'_>, end: usize) -> Option<char> {
    let ends = |id: &Id| tree.node(*id).end == end && tree.node(*id).is_block_scalar();
    let id = (0..tree.nodes.len()).rev().find(ends)?;
    Some(chomp_of(tree, id).chars().find(|c| matches!(c, '+' | '-')).unwrap_or(' '))
}

/// The end of the lines of a node: its own and comments that are indented deeper than a column.
pub(super) fn end_of_lines(tree: &Tree<'_>, id: Id, column: usize) -> usize {
    let text = tree.text;
    let leaf = last_leaf(tree, id);
    let mut end = lines::end(text, tree.node(leaf).end.max(tree.node(id).end));
    if tree.node(leaf).is_block_scalar() && chomp_of(tree, leaf).contains('+') {
        loop {
            let next = lines::next(text, end);
            if next >= text.len() || !lines::line(text, next).trim().is_empty() {
                break;
            }
            end = lines::end(text, next);
        }
    }
    loop {
        let next = lines::next(text, end);
        let deeper = lines::comment_column(lines::line(text, next)).is_some_and(|at| at > column);
        if next >= text.len() || !deeper {
            return end;
        }
        end = lines::end(text, next);
    }
}
