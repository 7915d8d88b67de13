//! Builds the tree of a YAML file from the parser's events.
//!
//! Must not judge what a file that is YAML says: `gate` does.

use super::layout;
use super::tree::{DEPTH, Document, Entry, Id, Item, Kind, NODES, Node, Style, Tree};
use crate::domain::edit::{Code, Refusal};
use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, StructureStyle};
use std::collections::HashMap;
use std::ops::Range;

/// What it took to read a file, whether it was let in or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// The parser's events.
    pub events: usize,
    /// The nodes looked at to count what aliases expand to; none is looked at twice.
    pub nodes: usize,
    /// The bytes that the aliases would expand to, counted without expanding them.
    pub expanded: usize,
}

/// Reads a text; refuses what is no YAML or is nested too deep.
pub(super) fn parse<'a>(text: &'a str, work: &mut Work) -> Result<Tree<'a>, Refusal> {
    let tree = Tree { text, nodes: Vec::new(), documents: Vec::new(), comments: Vec::new(), aliases: Vec::new() };
    let mut builder = Builder { tree, open: Vec::new(), anchors: HashMap::new(), last: None };
    for next in Parser::new_from_str_with_options(text, options()) {
        work.events += 1;
        let (event, span) = next.map_err(|error| refuse_scan(text, &error))?;
        builder.event(event, &span)?;
    }
    let mut tree = builder.tree;
    tree.comments.sort_by_key(|range| range.start);
    layout::place(&mut tree)?;
    Ok(tree)
}

/// How the parser is asked to read.
pub(super) fn options() -> granit_parser::Options {
    granit_parser::options! {
        emit_anchor_events: true,
        max_buffered_comment_events: usize::MAX,
        flow_nesting_limit: DEPTH,
        block_nesting_limit: DEPTH
    }
}

fn refuse_scan(text: &str, error: &granit_parser::ScanError) -> Refusal {
    let line = error.marker().line();
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        let reason = format!("line {line} is nested deeper than {DEPTH} levels");
        return Refusal::of(Code::TooLarge, reason);
    }
    if looks_templated(text) {
        let reason = format!("line {line} is no YAML; the file looks like a template, which has to be edited by hand");
        return Refusal::of(Code::Template, reason);
    }
    Refusal::of(Code::Parse, format!("line {line} is no YAML: {}", error.info()))
}

fn looks_templated(text: &str) -> bool {
    ["{{", "{%", "<%", "#{"].iter().any(|mark| text.contains(mark))
}

struct Builder<'a> {
    tree: Tree<'a>,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    last: Option<Id>,
}

struct Open {
    id: Id,
    key: Option<Id>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Refusal> {
        let range = span.byte_range().unwrap_or_default();
        match event {
            Event::Comment(..) => self.tree.comments.push(range),
            Event::DocumentStart(explicit, _) => {
                let start = if explicit { range.end } else { range.start };
                self.tree.documents.push(Document { root: self.tree.nodes.len(), start });
                self.anchors.clear();
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = style_of(style);
                let absent = style == Style::Plain && range.is_empty();
                let text = if absent { String::new() } else { text.into_owned() };
                self.push(Kind::Scalar(text, style), span, anchor, tag.as_deref())?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                let kind = Kind::List { items: Vec::new(), flow: style == StructureStyle::Flow };
                self.enter(kind, span, anchor, tag.as_deref())?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let flow = style == StructureStyle::Flow;
                let kind = Kind::Map { entries: Vec::new(), flow, bare: flow && range.is_empty() };
                self.enter(kind, span, anchor, tag.as_deref())?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.tree.nodes[open.id].end = range.end;
                }
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                let target = target.ok_or_else(|| Refusal::of(Code::Parse, "an alias names no anchor"))?;
                if self.open.iter().any(|open| open.id == target) {
                    return Err(Refusal::of(Code::Parse, "an alias names a node that it is part of"));
                }
                let id = self.push(Kind::Alias(target), span, 0, None)?;
                self.tree.aliases.push(id);
            }
            Event::Anchor(_, name) => self.anchor(&name, range),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            // an alias without an anchor, or an event this was not written for
            _ => return Err(Refusal::of(Code::Parse, "the file has YAML that cannot be edited")),
        }
        Ok(())
    }

    fn anchor(&mut self, name: &str, range: Range<usize>) {
        if let Some(id) = self.last {
            let node = &mut self.tree.nodes[id];
            node.anchor = Some(name.to_owned());
            node.props = Some(join(node.props.take(), range));
        }
    }

    fn enter(
        &mut self,
        kind: Kind,
        span: &Span,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
    ) -> Result<(), Refusal> {
        let id = self.push(kind, span, anchor, tag)?;
        self.open.push(Open { id, key: None });
        Ok(())
    }

    fn push(
        &mut self,
        kind: Kind,
        span: &Span,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
    ) -> Result<Id, Refusal> {
        let id = self.tree.nodes.len();
        if id >= NODES {
            return Err(Refusal::of(Code::TooLarge, format!("the file has more than {NODES} nodes")));
        }
        if self.open.len() >= DEPTH {
            return Err(Refusal::of(Code::TooLarge, format!("nested deeper than {DEPTH} levels")));
        }
        let range = span.byte_range().unwrap_or_default();
        self.tree.nodes.push(Node {
            kind,
            outer: range.start,
            start: range.start,
            end: range.end,
            props: span.tag_span().and_then(|span| span.byte_range()),
            anchor: None,
            tag: tag.map(tag_name),
            parent: self.open.last().map(|open| open.id),
        });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        self.last = Some(id);
        self.attach(id);
        Ok(id)
    }

    fn attach(&mut self, id: Id) {
        let Some(open) = self.open.last_mut() else { return };
        match &mut self.tree.nodes[open.id].kind {
            Kind::List { items, .. } => items.push(Item { start: 0, node: id }),
            Kind::Map { entries, .. } => match open.key.take() {
                Some(key) => entries.push(Entry { start: 0, key, colon: None, value: id }),
                None => open.key = Some(id),
            },
            Kind::Scalar(..) | Kind::Alias(_) => {}
        }
    }
}

/// The style of a scalar.
pub(super) fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

/// A tag's name, resolved.
pub(super) fn tag_name(tag: &granit_parser::Tag) -> String {
    format!("{}{}", tag.handle(), tag.suffix())
}

fn join(old: Option<Range<usize>>, new: Range<usize>) -> Range<usize> {
    match old {
        Some(old) => old.start.min(new.start)..old.end.max(new.end),
        None => new,
    }
}
