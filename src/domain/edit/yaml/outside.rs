//! Whether a file after an edit is read as before everywhere but in one run of nodes.
//!
//! Must not build a tree: it goes along with the parser and compares.

use super::parse;
use super::tree::{Id, Kind, Node, Style, Tree};
use granit_parser::{Event, Parser, Span, StructureStyle, Tag};
use std::collections::HashMap;
use std::ops::Range;

/// Compares the text after with the tree before, in which the nodes of a range became those below `inner`'s root.
pub(super) fn same(before: &Tree<'_>, gone: &Range<Id>, inner: &Tree<'_>, after: &str) -> bool {
    let come = inner.nodes.len().saturating_sub(1);
    let mut walk = Walk { before, gone, inner, come, at: 0, documents: 0, open: Vec::new(), anchors: HashMap::new() };
    for next in Parser::new_from_str_with_options(after, parse::options()) {
        let Ok((event, span)) = next else { return false };
        if !walk.event(event, &span) {
            return false;
        }
    }
    walk.is_done()
}

struct Walk<'w, 'a> {
    before: &'w Tree<'a>,
    gone: &'w Range<Id>,
    inner: &'w Tree<'w>,
    /// How many nodes came for those that went.
    come: usize,
    /// The next node, by its place after the edit.
    at: Id,
    documents: usize,
    /// The places of the collections that are open.
    open: Vec<Id>,
    /// Where each anchor stands after the edit.
    anchors: HashMap<usize, Id>,
}

impl<'w> Walk<'w, '_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> bool {
        let empty = span.byte_range().is_none_or(|range| range.is_empty());
        match event {
            Event::Comment(..) | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => true,
            Event::DocumentStart(..) => self.document(),
            Event::Anchor(_, name) => self
                .at
                .checked_sub(1)
                .and_then(|at| self.node(at))
                .is_some_and(|(node, _)| node.anchor.as_deref() == Some(&*name)),
            Event::Alias(anchor) => self.alias(anchor),
            Event::Scalar(text, style, anchor, tag) => {
                let style = parse::style_of(style);
                let text = if style == Style::Plain && empty { "" } else { &text };
                self.next(anchor, tag.as_deref(), |kind| is_scalar(kind, text, style))
            }
            Event::SequenceStart(style, anchor, tag) => {
                let list =
                    |kind: &Kind| matches!(kind, Kind::List { flow, .. } if *flow == (style == StructureStyle::Flow));
                self.enter(anchor, tag.as_deref(), list)
            }
            Event::MappingStart(style, anchor, tag) => {
                let wanted = style == StructureStyle::Flow;
                let map = |kind: &Kind| matches!(kind, Kind::Map { flow, bare, .. } if *flow == wanted && *bare == (wanted && empty));
                self.enter(anchor, tag.as_deref(), map)
            }
            Event::SequenceEnd | Event::MappingEnd => self.open.pop().is_some(),
            _ => false,
        }
    }

    fn document(&mut self) -> bool {
        let root = self.before.documents.get(self.documents).map(|document| document.root);
        self.documents += 1;
        self.anchors.clear();
        root.map(|root| self.place(root)) == Some(Some(self.at))
    }

    fn alias(&mut self, anchor: usize) -> bool {
        let Some(target) = self.anchors.get(&anchor).copied() else { return false };
        let wanted = self.node(self.at).and_then(|(node, _)| match node.kind {
            Kind::Alias(target) => self.place(target),
            Kind::Map { .. } | Kind::List { .. } | Kind::Scalar(..) => None,
        });
        // No alias stands inside of the run.
        wanted == Some(target) && self.next(0, None, |kind| matches!(kind, Kind::Alias(_)))
    }

    fn enter(&mut self, anchor: usize, tag: Option<&Tag>, fits: impl Fn(&Kind) -> bool) -> bool {
        let at = self.at;
        let entered = self.next(anchor, tag, fits);
        self.open.push(at);
        entered
    }

    fn next(&mut self, anchor: usize, tag: Option<&Tag>, fits: impl Fn(&Kind) -> bool) -> bool {
        let Some((node, parent)) = self.node(self.at) else { return false };
        let tagged = match (tag, &node.tag) {
            (None, None) => true,
            (Some(tag), Some(name)) => parse::tag_name(tag) == *name,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let same =
            tagged && fits(&node.kind) && parent == self.open.last().copied() && (anchor != 0 || node.anchor.is_none());
        if anchor != 0 {
            self.anchors.insert(anchor, self.at);
        }
        self.at += 1;
        same
    }

    // Where a node from before stands after; nothing for one that went.
    fn place(&self, id: Id) -> Option<Id> {
        match id {
            id if id < self.gone.start => Some(id),
            id if id < self.gone.end => None,
            id => Some(id - self.gone.len() + self.come),
        }
    }

    // The node that has to stand at a place after the edit, and its parent's place.
    fn node(&self, at: Id) -> Option<(&'w Node, Option<Id>)> {
        let start = self.gone.start;
        if (start..start + self.come).contains(&at) {
            let node = self.inner.nodes.get(at - start + 1)?;
            let root = self.before.nodes.get(start)?.parent;
            let parent = node.parent.map_or(root, |parent| if parent == 0 { root } else { Some(start + parent - 1) });
            return Some((node, parent));
        }
        let id = if at < start { at } else { at - self.come + self.gone.len() };
        let node = self.before.nodes.get(id)?;
        Some((node, node.parent.and_then(|parent| self.place(parent))))
    }

    fn is_done(&self) -> bool {
        let nodes = self.before.nodes.len() - self.gone.len() + self.come;
        self.at == nodes && self.open.is_empty() && self.documents == self.before.documents.len()
    }
}

fn is_scalar(kind: &Kind, text: &str, style: Style) -> bool {
    let Kind::Scalar(own, own_style) = kind else { return false };
    // The tree leaves out a line break that the file does not have at its end.
    let block = matches!(style, Style::Literal | Style::Folded);
    *own_style == style && (own == text || block && text.strip_suffix('\n') == Some(own))
}
