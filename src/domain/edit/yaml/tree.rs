//! The event tree of a YAML file, with the bytes each node stands on.
//!
//! Must not read a text, interpret values or decide about edits: it only says what is written where.

use std::ops::Range;

/// The most nodes of a file.
pub(super) const NODES: usize = 200_000;
/// The deepest nesting, aliases expanded; below what the value model reads.
pub(super) const DEPTH: usize = 100;

/// The place of a node in its tree.
pub(super) type Id = usize;

/// A parsed file: an arena of nodes, the documents' roots and the comments.
pub(super) struct Tree<'a> {
    /// The file's text, without a byte order mark.
    pub text: &'a str,
    /// All nodes; a child stands behind its parent, an alias behind what it names.
    pub nodes: Vec<Node>,
    /// The documents in order.
    pub documents: Vec<Document>,
    /// The bytes of each comment, from `#` to the end of its line.
    pub comments: Vec<Range<usize>>,
    /// The alias nodes.
    pub aliases: Vec<Id>,
}

/// One document of a file.
pub(super) struct Document {
    /// Its root node.
    pub root: Id,
    /// Where its content may begin.
    pub start: usize,
}

/// One node.
pub(super) struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it begins, with its anchor and tag.
    pub outer: usize,
    /// Where its content begins; a block scalar's is its `|` or `>`.
    pub start: usize,
    /// Where its content ends; trailing blank lines and comments are no content.
    pub end: usize,
    /// The bytes of its anchor and tag.
    pub props: Option<Range<usize>>,
    /// Its anchor's name.
    pub anchor: Option<String>,
    /// Its tag, resolved.
    pub tag: Option<String>,
    /// The node that holds it.
    pub parent: Option<Id>,
}

/// What a node is.
pub(super) enum Kind {
    /// A scalar with its text and how it is written.
    Scalar(String, Style),
    /// A map; `flow` when it is written in braces, `bare` for a lone pair in a flow list.
    Map { entries: Vec<Entry>, flow: bool, bare: bool },
    /// A list.
    List { items: Vec<Item>, flow: bool },
    /// A use of an anchor, with the node it names.
    Alias(Id),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes; an absent value is an empty plain scalar.
    Plain,
    /// In single quotes.
    Single,
    /// In double quotes.
    Double,
    /// As a `|` block.
    Literal,
    /// As a `>` block.
    Folded,
}

/// One entry of a map.
pub(super) struct Entry {
    /// Where it begins: its key, or the `?` in front of it.
    pub start: usize,
    /// The key.
    pub key: Id,
    /// Where its `:` is.
    pub colon: Option<usize>,
    /// The value.
    pub value: Id,
}

/// One element of a list.
pub(super) struct Item {
    /// Where it begins: its dash, or in a flow list the element itself.
    pub start: usize,
    /// The element.
    pub node: Id,
}

/// Where a node hangs.
#[derive(Clone, Copy)]
pub(super) enum Slot<'t> {
    /// It is a document's root.
    Root,
    /// It is the value of an entry of a map.
    Entry(Id, usize, &'t Entry),
    /// It is an element of a list.
    Item(Id, usize, &'t Item),
}

impl Node {
    /// Tells whether nothing is written for the node but, maybe, an anchor or a tag.
    pub(super) fn is_blank(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(_, Style::Plain)) && self.start == self.end
    }

    /// Tells whether the node is written in flow style.
    pub(super) fn is_flow(&self) -> bool {
        matches!(self.kind, Kind::Map { flow: true, .. } | Kind::List { flow: true, .. })
    }

    /// Tells whether the node is a `|` or `>` block.
    pub(super) fn is_block_scalar(&self) -> bool {
        matches!(self.kind, Kind::Scalar(_, Style::Literal | Style::Folded))
    }

    /// Tells whether the node is a map or list that has lines of its own.
    pub(super) fn is_block_collection(&self) -> bool {
        matches!(self.kind, Kind::Map { flow: false, .. } | Kind::List { flow: false, .. })
    }
}

impl<'a> Tree<'a> {
    /// The node at a place.
    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    /// The node, or what it names if it is an alias.
    pub(super) fn resolve(&self, id: Id) -> Id {
        let mut id = id;
        while let Kind::Alias(target) = self.nodes[id].kind {
            id = target;
        }
        id
    }

    /// Finds where a node hangs.
    pub(super) fn slot(&self, id: Id) -> Slot<'_> {
        let Some(parent) = self.node(id).parent else { return Slot::Root };
        match &self.node(parent).kind {
            Kind::Map { entries, .. } => match entries.iter().enumerate().find(|(_, entry)| entry.value == id) {
                Some((n, entry)) => Slot::Entry(parent, n, entry),
                None => Slot::Root,
            },
            Kind::List { items, .. } => match items.iter().enumerate().find(|(_, item)| item.node == id) {
                Some((n, item)) => Slot::Item(parent, n, item),
                None => Slot::Root,
            },
            Kind::Scalar(..) | Kind::Alias(_) => Slot::Root,
        }
    }

    /// Tells whether a node stands inside braces or brackets.
    pub(super) fn in_flow(&self, id: Id) -> bool {
        self.node(id).parent.is_some_and(|parent| self.node(parent).is_flow())
    }

    /// The source of a range.
    pub(super) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// The source of a node, with its anchor and tag.
    pub(super) fn source(&self, id: Id) -> &'a str {
        self.slice(self.nodes[id].outer..self.nodes[id].end)
    }

    /// The text of a scalar, through aliases.
    pub(super) fn scalar(&self, id: Id) -> Option<&str> {
        match &self.nodes[self.resolve(id)].kind {
            Kind::Scalar(text, _) => Some(text),
            Kind::Map { .. } | Kind::List { .. } | Kind::Alias(_) => None,
        }
    }

    /// The ids of a node and all below it; aliases are not followed.
    pub(super) fn subtree(&self, id: Id) -> Vec<Id> {
        let (mut found, mut next) = (vec![id], 0);
        while let Some(&id) = found.get(next) {
            next += 1;
            match &self.nodes[id].kind {
                Kind::Map { entries, .. } => found.extend(entries.iter().flat_map(|entry| [entry.key, entry.value])),
                Kind::List { items, .. } => found.extend(items.iter().map(|item| item.node)),
                Kind::Scalar(..) | Kind::Alias(_) => {}
            }
        }
        found
    }

    /// The line of an offset, counting from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.slice(0..at).bytes().filter(|byte| *byte == b'\n').count() + 1
    }
}
