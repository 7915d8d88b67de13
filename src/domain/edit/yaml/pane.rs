//! A large file's entry of the root, proven as a file of its own, with a proof that the rest reads as before.
//!
//! Must not plan or refuse: where there is any doubt it has nothing to say, and the whole file is proven.

use super::proof::Claim;
use super::splice::Splice;
use super::tree::{Entry, Id, Kind, Node, Tree};
use super::verdict::{self, Proven};
use super::{gate, lines, model, outside};
use crate::domain::change::{Edit, Step};
use std::ops::Range;

/// The size from which a file is proven by a pane. Below it, both readers read the whole of it before and after.
pub(super) const LEAST: usize = 32 << 10;

/// What both readers read in place of the whole file.
pub(super) struct Pane<'a> {
    /// The lines of the entry.
    range: Range<usize>,
    /// The nodes of the entry.
    nodes: Range<Id>,
    /// The entry, read by itself.
    tree: Tree<'a>,
    /// What it means.
    model: Vec<serde_yaml::Value>,
}

impl<'a> Pane<'a> {
    /// The entry that an edit goes into, if it reads the same without the rest of the file.
    pub(super) fn around(tree: &Tree<'a>, document: usize, edit: &Edit) -> Option<Pane<'a>> {
        if edit.path.0.len() < 2 || !reads_alike(tree.text) {
            return None;
        }
        let Step::Key(name) = edit.path.0.first()? else { return None };
        let (range, nodes) = entry(tree, document, name)?;
        if tree.nodes.get(nodes.clone())?.iter().any(is_tied) {
            return None;
        }
        let text = tree.text.get(range.clone())?;
        let inner = gate::tree(text).ok()?;
        let alone = inner.documents.len() == 1 && inner.nodes.len() == nodes.len() + 1 && is_only(&inner, name);
        let model = model::effective(text).ok().filter(|model| model.len() == 1)?;
        alone.then_some(Pane { range, nodes, tree: inner, model })
    }

    /// Whether what stands already is what is wanted, for the second reader as well.
    pub(super) fn agrees(&self, edit: &Edit) -> bool {
        verdict::agree(self.model.clone(), 0, edit).is_ok()
    }

    /// The file after, if the entry passes every check and all the rest is read as it was.
    pub(super) fn prove(&self, before: &Tree<'_>, edit: &Edit, splice: &Splice) -> Option<Proven> {
        let start = splice.range.start.checked_sub(self.range.start)?;
        let end = splice.range.end.checked_sub(self.range.start).filter(|end| *end <= self.tree.text.len())?;
        let own = Splice { range: start..end, text: splice.text.clone() };
        let claim = Claim { before: &self.tree, model: &self.model, document: 0, edit, splice: &own };
        let proven = verdict::prove(&claim).ok()?;
        let inner = gate::tree(&proven.after).ok()?;
        let ends = proven.after.ends_with('\n') || self.range.end == before.text.len();
        let Step::Key(name) = edit.path.0.first()? else { return None };
        let tied = inner.nodes.iter().any(is_tied);
        let alike = ends && !tied && inner.documents.len() == 1 && is_only(&inner, name) && reads_alike(&proven.after);
        let after = splice.apply(before.text);
        let same = alike && outside::same(before, &self.nodes, &inner, &after);
        drop(inner);
        same.then_some(Proven { after, ..proven })
    }
}

// Line breaks that only some readers know, tabs and directives make it harder to say where an entry ends.
fn reads_alike(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, b'\r' | b'\t'))
        && !['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'].iter().any(|mark| text.contains(*mark))
        && !text.starts_with('%')
        && !text.contains("\n%")
}

// The lines and nodes of an entry of a document's root that begins its line.
fn entry(tree: &Tree<'_>, document: usize, name: &str) -> Option<(Range<usize>, Range<Id>)> {
    let root = tree.documents.get(document)?.root;
    let Kind::Map { entries, flow: false, .. } = &tree.node(root).kind else { return None };
    let at = entries.iter().position(|entry| is_named(tree, entry, name))?;
    let (entry, next) = (entries.get(at)?, entries.get(at + 1));
    let begins_line = lines::begin(tree.text, entry.start) == entry.start;
    let below = tree.documents.get(document + 1);
    let end = match (next, below) {
        (Some(next), _) => next.start,
        (None, Some(below)) => lines::begin(tree.text, below.start),
        (None, None) => tree.text.len(),
    };
    let last = next.map(|next| next.key).or(below.map(|below| below.root)).unwrap_or(tree.nodes.len());
    let ends_lines = lines::begin(tree.text, end) == end || end == tree.text.len();
    (begins_line && ends_lines && tree.node(root).props.is_none()).then_some((entry.start..end, entry.key..last))
}

fn is_named(tree: &Tree<'_>, entry: &Entry, name: &str) -> bool {
    let key = tree.node(entry.key);
    let plain = matches!(&key.kind, Kind::Scalar(text, _) if text == name && text != "<<");
    plain && entry.start == key.outer && entry.colon.is_some() && !key.is_block_scalar()
}

// The only entry of the only root.
fn is_only(tree: &Tree<'_>, name: &str) -> bool {
    match tree.nodes.first().map(|root| &root.kind) {
        Some(Kind::Map { entries, flow: false, .. }) => {
            matches!(entries.as_slice(), [entry] if entry.start == 0 && is_named(tree, entry, name))
        }
        _ => false,
    }
}

// Anchors and their uses tie an entry to the rest of the file; so may tags.
fn is_tied(node: &Node) -> bool {
    node.anchor.is_some() || node.tag.is_some() || matches!(node.kind, Kind::Alias(_))
}
