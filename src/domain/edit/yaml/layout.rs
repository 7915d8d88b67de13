//! Finds what the events leave out: dashes, colons, `?`, block scalar headers and the places of absent values.
//!
//! Must not change the shape of the tree: it only corrects where nodes stand.

use super::lines;
use super::tree::{Id, Kind, Style, Tree};
use crate::domain::edit::{Code, Refusal};
use std::ops::Range;

/// Walks each document from its first byte and notes where everything stands.
pub(super) fn place(tree: &mut Tree<'_>) -> Result<(), Refusal> {
    for n in 0..tree.documents.len() {
        let document = &tree.documents[n];
        let (root, at) = (document.root, document.start);
        if root >= tree.nodes.len() {
            return Err(Refusal::of(Code::Parse, "a document has no content"));
        }
        Walk { tree, at }.node(root)?;
    }
    Ok(())
}

struct Walk<'t, 'a> {
    tree: &'t mut Tree<'a>,
    at: usize,
}

impl Walk<'_, '_> {
    // Recursion is bounded: the tree is no deeper than `tree::DEPTH`.
    fn node(&mut self, id: Id) -> Result<(), Refusal> {
        if let Some(props) = self.tree.nodes[id].props.clone() {
            self.at = props.end;
        }
        let node = &self.tree.nodes[id];
        match &node.kind {
            Kind::Scalar(_, Style::Plain) if node.start == node.end => self.stand(id, self.at..self.at),
            Kind::Scalar(_, Style::Literal | Style::Folded) => self.block_scalar(id)?,
            Kind::Scalar(..) | Kind::Alias(_) => self.stand(id, node.start..node.end),
            Kind::List { items, flow } => {
                let (items, flow) = (items.len(), *flow);
                self.list(id, items, flow)?;
            }
            Kind::Map { entries, flow, bare } => {
                let (entries, flow, bare) = (entries.len(), *flow, *bare);
                self.map(id, entries, flow, bare)?;
            }
        }
        Ok(())
    }

    fn stand(&mut self, id: Id, range: Range<usize>) {
        self.at = range.end;
        let node = &mut self.tree.nodes[id];
        node.outer = node.props.as_ref().map_or(range.start, |props| props.start);
        (node.start, node.end) = (range.start, range.end);
    }

    fn list(&mut self, id: Id, items: usize, flow: bool) -> Result<(), Refusal> {
        let close = self.tree.nodes[id].end;
        let mut start = self.open(id, flow);
        for n in 0..items {
            self.trivia(flow);
            let (at, item) = (self.at, self.item(id, n));
            if !flow {
                self.expect(b'-')?;
            }
            start = start.or(Some(at));
            self.node(item)?;
            let at = if flow { self.tree.nodes[item].outer } else { at };
            if let Kind::List { items, .. } = &mut self.tree.nodes[id].kind {
                items[n].start = at;
            }
        }
        let end = if flow { close } else { self.at };
        self.stand(id, start.unwrap_or(end)..end);
        Ok(())
    }

    fn map(&mut self, id: Id, entries: usize, flow: bool, bare: bool) -> Result<(), Refusal> {
        let close = self.tree.nodes[id].end;
        let mut start = self.open(id, flow && !bare);
        for n in 0..entries {
            self.trivia(flow && !bare);
            let begin = self.at;
            start = start.or(Some(begin));
            let (key, value) = self.pair(id, n);
            if self.byte() == Some(b'?') && self.is_explicit(key) {
                self.at += 1;
                self.trivia(false);
                if self.byte() == Some(b':') && self.tree.nodes[key].is_blank() {
                    self.at = begin + 1;
                }
            }
            self.node(key)?;
            let colon = self.colon();
            if colon.is_none() && !self.tree.nodes[value].is_blank() {
                return self.lost();
            }
            self.node(value)?;
            if let Kind::Map { entries, .. } = &mut self.tree.nodes[id].kind {
                entries[n].start = begin;
                entries[n].colon = colon;
            }
        }
        let end = if flow && !bare { close } else { self.at };
        self.stand(id, start.unwrap_or(end)..end);
        Ok(())
    }

    fn open(&mut self, id: Id, bracket: bool) -> Option<usize> {
        bracket.then(|| {
            self.at = self.tree.nodes[id].start + 1;
            self.tree.nodes[id].start
        })
    }

    fn is_explicit(&self, key: Id) -> bool {
        let node = &self.tree.nodes[key];
        let first = node.props.as_ref().map_or(node.start, |props| props.start);
        node.is_blank() || node.is_block_scalar() || first > self.at
    }

    fn colon(&mut self) -> Option<usize> {
        let key_end = self.at;
        self.trivia(false);
        if self.byte() == Some(b':') {
            self.at += 1;
            return Some(self.at - 1);
        }
        self.at = key_end;
        None
    }

    fn block_scalar(&mut self, id: Id) -> Result<(), Refusal> {
        self.trivia(false);
        let header = self.at;
        if !matches!(self.byte(), Some(b'|' | b'>')) {
            return self.lost();
        }
        let text = self.tree.text;
        let span_end = self.tree.nodes[id].end;
        let signs = text[header + 1..].bytes().take_while(|byte| matches!(byte, b'+' | b'-' | b'0'..=b'9')).count();
        let body = (lines::end(text, header) + 1).min(text.len());
        let content = content_len(text.get(body..span_end).unwrap_or_default());
        let end = if content == 0 { header + 1 + signs } else { lines::end(text, body + content) };
        let cut_short = span_end >= text.len() && !text.ends_with('\n') && content > 0;
        if let Kind::Scalar(value, _) = &mut self.tree.nodes[id].kind
            && cut_short
            && value.ends_with('\n')
        {
            value.pop(); // no line break, none in the value; libyaml and go-yaml read it so
        }
        self.stand(id, header..end);
        Ok(())
    }

    fn item(&self, id: Id, n: usize) -> Id {
        match &self.tree.nodes[id].kind {
            Kind::List { items, .. } => items[n].node,
            Kind::Map { .. } | Kind::Scalar(..) | Kind::Alias(_) => id,
        }
    }

    fn pair(&self, id: Id, n: usize) -> (Id, Id) {
        match &self.tree.nodes[id].kind {
            Kind::Map { entries, .. } => (entries[n].key, entries[n].value),
            Kind::List { .. } | Kind::Scalar(..) | Kind::Alias(_) => (id, id),
        }
    }

    fn trivia(&mut self, commas: bool) {
        self.at = lines::skip_trivia(self.tree.text, self.at, commas);
    }

    fn byte(&self) -> Option<u8> {
        self.tree.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.byte() != Some(byte) {
            return self.lost();
        }
        self.at += 1;
        Ok(())
    }

    fn lost<T>(&self) -> Result<T, Refusal> {
        let line = self.tree.line(self.at);
        Err(Refusal::of(Code::Parse, format!("the layout of line {line} is not one that can be edited")))
    }
}

/// The length of a block scalar's body without the blank lines below it; a line of blanks deeper than the text is text.
fn content_len(body: &str) -> usize {
    let depth = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let Some(indent) = body.lines().find(|line| !line.trim().is_empty()).map(depth) else { return 0 };
    let (mut len, mut at) = (0, 0);
    for line in body.split_inclusive('\n') {
        let text = line.trim_end_matches(['\n', '\r']);
        if !text.trim().is_empty() || depth(text) > indent {
            len = at + text.len();
        }
        at += line.len();
    }
    len
}
