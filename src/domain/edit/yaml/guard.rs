//! Looks at the bytes that a replacement takes, and says whether they were the edit's to change.
//!
//! Must not know how the replacement was planned: it knows where the target stands and what goes there.

use super::locate;
use super::proof::Claim;
use super::tree::{Id, Kind, Tree};
use crate::domain::change::Op;
use crate::domain::edit::{Code, Refusal};
use std::ops::Range;

/// Refuses a replacement that reaches beyond the target's own lines, or that takes something away where it adds.
pub(super) fn check(claim: &Claim<'_>) -> Result<(), Refusal> {
    let range = &claim.splice.range;
    let own = || own_lines(claim).is_some_and(|own| own.start <= range.start && range.end <= own.end);
    let fits = match claim.edit.op {
        Op::Set | Op::Delete => own() || takes_nothing(claim),
        Op::Add | Op::Append => takes_nothing(claim),
    };
    if fits { Ok(()) } else { Err(Refusal::of(Code::NotMinimal, "bytes of other places would change")) }
}

/// Whether what goes says nothing; a comment may come to stand elsewhere, which is looked at by itself.
fn takes_nothing(claim: &Claim<'_>) -> bool {
    let (before, range) = (claim.before.text, &claim.splice.range);
    let old = before.get(range.clone()).unwrap_or(before).as_bytes();
    let new = claim.splice.text.as_bytes();
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let gone = range.start + head..range.end - tail;
    let comments = claim.before.comments.iter().filter(|comment| comment.start < gone.end && gone.start < comment.end);
    let mut at = gone.start;
    for comment in comments {
        if !says_nothing(before.get(at..comment.start.max(at)).unwrap_or("")) {
            return false;
        }
        at = comment.end.min(gone.end);
    }
    says_nothing(before.get(at..gone.end).unwrap_or("?"))
}

/// Whether a text has only layout, empty collections and null.
fn says_nothing(text: &str) -> bool {
    let plain = text.replace("null", "").replace("Null", "").replace("NULL", "");
    plain.chars().all(|c| c.is_whitespace() || matches!(c, '{' | '}' | '[' | ']' | ',' | '~'))
}

/// The lines of the target with its key, and for a deletion the comments above it and blank lines around it.
fn own_lines(claim: &Claim<'_>) -> Option<Range<usize>> {
    let (tree, delete) = (claim.before, claim.edit.op == Op::Delete);
    let root = tree.documents.get(claim.document)?.root;
    let (mut id, mut steps) = (locate::follow(tree, root, &claim.edit.path.0)?, claim.edit.path.0.as_slice());
    while let (true, Some((_, front))) = (delete && is_alone(tree, id), steps.split_last()) {
        // The last of a collection: the collection itself is written anew.
        (id, steps) = (locate::follow(tree, root, front)?, front);
    }
    let node = tree.node(id);
    let mut start = line_start(tree.text, begin(tree, id).min(node.outer));
    let mut end = line_end(tree.text, node.end.max(node.start));
    while delete && start > 0 && is_layout(line_before(tree.text, start)) {
        start -= line_before(tree.text, start).len();
    }
    // A collection whose last goes is written behind its key: the line end before it is its own.
    start = start.saturating_sub(usize::from(delete || node.is_block_collection()) * 2);
    while end < tree.text.len()
        && tree.text.get(end..line_end(tree.text, end)).is_some_and(|line| line.trim().is_empty())
    {
        end = line_end(tree.text, end);
    }
    if delete {
        // The first key of an element leaves its dash to the next; the last element in brackets takes the comma before it.
        let (before, behind) = neighbours(tree, id);
        start = before.filter(|_| behind.is_none()).map_or(start, |before| before.min(start));
        end = behind.map_or(end, |behind| behind.max(end));
    }
    Some(start..end)
}

/// Where the entry or element before a node ends, and where the one behind it begins.
fn neighbours(tree: &Tree<'_>, id: Id) -> (Option<usize>, Option<usize>) {
    let children: Vec<(usize, Id)> = match tree.node(id).parent.map(|parent| &tree.node(parent).kind) {
        Some(Kind::Map { entries, .. }) => entries.iter().map(|entry| (entry.start, entry.value)).collect(),
        Some(Kind::List { items, .. }) => items.iter().map(|item| (item.start, item.node)).collect(),
        Some(Kind::Scalar(..) | Kind::Alias(_)) | None => Vec::new(),
    };
    let Some(at) = children.iter().position(|(_, child)| *child == id) else { return (None, None) };
    let before = at.checked_sub(1).and_then(|at| children.get(at)).map(|(_, child)| tree.node(*child).end);
    (before, children.get(at + 1).map(|(start, _)| *start))
}

/// Where a node's entry or element begins.
fn begin(tree: &Tree<'_>, id: Id) -> usize {
    let node = tree.node(id);
    let entry = node.parent.and_then(|parent| match &tree.node(parent).kind {
        Kind::Map { entries, .. } => entries.iter().find(|entry| entry.value == id).map(|entry| entry.start),
        Kind::List { items, .. } => items.iter().find(|item| item.node == id).map(|item| item.start),
        Kind::Scalar(..) | Kind::Alias(_) => None,
    });
    entry.unwrap_or(node.outer)
}

fn is_alone(tree: &Tree<'_>, id: Id) -> bool {
    tree.node(id).parent.is_some_and(|parent| match &tree.node(parent).kind {
        Kind::Map { entries, .. } => entries.len() == 1,
        Kind::List { items, .. } => items.len() == 1,
        Kind::Scalar(..) | Kind::Alias(_) => false,
    })
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|tail| tail.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}

fn line_before(text: &str, start: usize) -> &str {
    text.get(line_start(text, start.saturating_sub(1))..start).unwrap_or("")
}

fn is_layout(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}
