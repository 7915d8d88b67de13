//! How a file is written around a place: indentation, lists, quotes and line breaks.
//!
//! Must not write anything: it only measures.

use super::lines;
use super::locate::document_of;
use super::tree::{Id, Kind, Style, Tree};

/// The manners of a file near a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// The line break.
    pub newline: &'static str,
    /// By how much a map is indented under its key.
    pub step: usize,
    /// By how much a list's dashes are indented under their key; 0 for an indentless list.
    pub list: usize,
    /// From a dash to what stands behind it.
    pub gap: usize,
    /// The quotes used for what needs some.
    pub quote: Style,
    /// Whether what is written ends the file, which has no line break there.
    pub open_end: bool,
}

impl Look {
    /// Measures around a node, then in its document, then in the file.
    pub(super) fn around(tree: &Tree<'_>, id: Id) -> Look {
        let document = document_of(tree, id);
        let first = tree.documents.get(document).map_or(0, |document| document.root);
        let last = tree.documents.get(document + 1).map_or(tree.nodes.len(), |document| document.root);
        let near = ancestors(tree, id);
        let own = || near.iter().copied().chain(first..last).chain(0..tree.nodes.len());
        let step = own().find_map(|id| map_step(tree, id));
        Look {
            newline: lines::newline(tree.text, tree.nodes.get(id).map_or(0, |node| node.start)),
            step: step.unwrap_or(2),
            list: own().find_map(|id| list_offset(tree, id)).unwrap_or(2),
            gap: own().find_map(|id| dash_gap(tree, id)).unwrap_or(2),
            quote: quotes(tree),
            open_end: false,
        }
    }
}

impl Look {
    /// The same for what is written up to an offset.
    pub(super) fn up_to(mut self, text: &str, end: usize) -> Look {
        self.open_end = end == text.len() && !text.ends_with('\n') && !text.is_empty();
        self
    }
}

fn ancestors(tree: &Tree<'_>, id: Id) -> Vec<Id> {
    std::iter::successors(tree.nodes.get(id).map(|_| id), |id| tree.node(*id).parent).collect()
}

fn map_step(tree: &Tree<'_>, id: Id) -> Option<usize> {
    child_offset(tree, id, |kind| matches!(kind, Kind::Map { flow: false, .. })).filter(|step| (1..=8).contains(step))
}

fn list_offset(tree: &Tree<'_>, id: Id) -> Option<usize> {
    child_offset(tree, id, |kind| matches!(kind, Kind::List { flow: false, .. })).filter(|step| *step <= 8)
}

fn child_offset(tree: &Tree<'_>, id: Id, wanted: impl Fn(&Kind) -> bool) -> Option<usize> {
    let Kind::Map { entries, flow: false, .. } = &tree.node(id).kind else { return None };
    let entry = entries.iter().find(|entry| wanted(&tree.node(entry.value).kind))?;
    let child = tree.node(entry.value).start;
    lines::column(tree.text, child).checked_sub(lines::column(tree.text, entry.start))
}

fn dash_gap(tree: &Tree<'_>, id: Id) -> Option<usize> {
    let Kind::List { items, flow: false } = &tree.node(id).kind else { return None };
    items.iter().find_map(|item| {
        let content = tree.node(item.node).outer;
        let same_line = lines::begin(tree.text, content) == lines::begin(tree.text, item.start);
        (same_line && !tree.node(item.node).is_blank()).then(|| content - item.start)
    })
}

fn quotes(tree: &Tree<'_>) -> Style {
    let count = |wanted: Style| {
        tree.nodes.iter().filter(|node| matches!(node.kind, Kind::Scalar(_, style) if style == wanted)).count()
    };
    if count(Style::Single) > count(Style::Double) { Style::Single } else { Style::Double }
}

/// Tells whether a flow collection is written as JSON, its keys or elements in double quotes.
pub(super) fn is_json(tree: &Tree<'_>, id: Option<Id>) -> bool {
    let double = |id: Id| matches!(tree.node(id).kind, Kind::Scalar(_, Style::Double));
    let Some(id) = id else { return false };
    match &tree.node(id).kind {
        Kind::Map { entries, flow: true, .. } => !entries.is_empty() && entries.iter().all(|entry| double(entry.key)),
        Kind::List { items, flow: true } => {
            !items.is_empty() && items.iter().all(|item| double(item.node)) || is_json(tree, map_around(tree, id))
        }
        Kind::Map { .. } | Kind::List { .. } | Kind::Scalar(..) | Kind::Alias(_) => false,
    }
}

fn map_around(tree: &Tree<'_>, id: Id) -> Option<Id> {
    std::iter::successors(tree.node(id).parent, |id| tree.node(*id).parent)
        .find(|id| matches!(tree.node(*id).kind, Kind::Map { .. }))
}
