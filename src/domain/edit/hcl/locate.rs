//! Finds the place a path names, as byte spans.
//!
//! Must not change a byte, nor decide what an edit means there.

use super::address;
use super::choose::{element, labels, lines, literal, pick};
use super::gate::Doc;
use super::tokens::Kind;
use crate::domain::change::{Path, Select, SelectBlock, Step};
use crate::domain::edit::{Code, Refusal};
use hcl_edit::Span;
use hcl_edit::expr::{Array, Expression, Object};
use hcl_edit::structure::{Block, Body, Structure};
use std::ops::Range;

/// Where a path leads.
pub(super) enum Place {
    Found(Box<Found>),
    /// The first of these keys is not in the home.
    Missing(Home, Vec<String>),
}

/// Something that stands in the file.
pub(super) struct Found {
    /// All of it: the key and the value, or the block.
    pub(super) whole: Range<usize>,
    /// The value alone; the whole of a block.
    pub(super) value: Range<usize>,
    pub(super) home: Home,
    pub(super) shape: Shape,
}

/// What a value is to an edit.
pub(super) enum Shape {
    Block,
    Null,
    Group(Group),
    Other,
}

/// What holds keys or elements.
pub(super) enum Home {
    Body(Frame),
    Group(Group),
}

/// The body of a block, or the file's top level.
pub(super) struct Frame {
    /// What lies between the braces; all of the file at the top.
    pub(super) inner: Range<usize>,
    pub(super) top: bool,
    pub(super) attributes: Vec<Range<usize>>,
    pub(super) blocks: Vec<Range<usize>>,
}

/// A literal object or list.
#[derive(Clone)]
pub(super) struct Group {
    pub(super) list: bool,
    pub(super) span: Range<usize>,
    pub(super) members: Vec<Range<usize>>,
    /// Where each member's value is; the same as `members` for a list.
    pub(super) values: Vec<Range<usize>>,
}

enum Spot<'a> {
    Body(&'a Body, Frame),
    Value(&'a Expression),
}

/// The file's top level, or the one block that was selected.
fn start<'a>(doc: &'a Doc, select: Option<&SelectBlock>) -> Result<(&'a Body, Frame), Refusal> {
    let Some(select) = select else { return Ok((&doc.body, top(doc))) };
    let wanted = |block: &&Block| block.ident.as_str() == select.block && labels(block) == select.labels;
    let hits: Vec<&Block> = doc.body.blocks().filter(wanted).collect();
    let name = Path(address::steps(select).into_iter().map(Step::Key).collect());
    match hits.as_slice() {
        [block] => Ok((&block.body, frame(doc, block))),
        [] => Err(Refusal::of(Code::NotFound, format!("the file has no block `{name}`")).at(name)),
        many => {
            Err(Refusal::of(Code::Ambiguous, format!("`{name}` is there more than once: {}", lines(doc, many)))
                .at(name))
        }
    }
}

/// Takes the selection of an HCL block out of a selection.
pub(super) fn block_of(select: Option<&Select>) -> Result<Option<&SelectBlock>, Refusal> {
    match select {
        None => Ok(None),
        Some(Select::Block(block)) => Ok(Some(block)),
        Some(Select::Index(_) | Select::Object(_)) => {
            Err(Refusal::of(Code::Parse, "a block of an HCL file is selected by `block` and `labels`"))
        }
    }
}

/// Follows a path; `beside` asks for the place of one more block instead of the blocks that are there.
pub(super) fn locate(doc: &Doc, select: Option<&SelectBlock>, path: &[Step], beside: bool) -> Result<Place, Refusal> {
    let (body, frame) = start(doc, select)?;
    let mut walk = Walk { doc, path, at: 0, beside };
    let mut spot = Spot::Body(body, frame);
    loop {
        let (place, next) = match spot {
            Spot::Body(body, frame) => walk.in_body(body, frame)?,
            Spot::Value(value) => walk.in_value(value)?,
        };
        match next {
            Some(next) if walk.at < path.len() => spot = next,
            _ => return Ok(place),
        }
    }
}

/// A walk along a path; each step yields the place reached, and where to go on from there.
struct Walk<'p, 'd> {
    doc: &'d Doc,
    path: &'p [Step],
    at: usize,
    beside: bool,
}

type Stride<'d> = (Place, Option<Spot<'d>>);

impl<'p, 'd> Walk<'p, 'd> {
    fn step(&mut self) -> Result<&'p Step, Refusal> {
        let step = self.path.get(self.at);
        self.at += 1;
        step.ok_or_else(|| Refusal::of(Code::Parse, "an empty path names nothing"))
    }

    fn in_body(&mut self, body: &'d Body, frame: Frame) -> Result<Stride<'d>, Refusal> {
        let step = self.step()?;
        let Step::Key(key) = step else { return Err(misstep(step, "a body of attributes and blocks")) };
        if let Some(attribute) = body.get_attribute(key) {
            let place = found(span(attribute)?, &attribute.value, Home::Body(frame))?;
            return Ok((place, Some(Spot::Value(&attribute.value))));
        }
        let hits: Vec<&Block> = body.blocks().filter(|block| block.has_ident(key)).collect();
        if hits.is_empty() || (self.beside && self.at == self.path.len()) {
            return self.missing(Home::Body(frame));
        }
        let (block, used) = pick(self.doc, &hits, key, self.path.get(self.at..).unwrap_or(&[]))?;
        self.at += used;
        Ok((found_block(block, frame)?, Some(Spot::Body(&block.body, self::frame(self.doc, block)))))
    }

    fn in_value(&mut self, value: &'d Expression) -> Result<Stride<'d>, Refusal> {
        let step = self.step()?;
        match (value, step) {
            (Expression::Object(object), Step::Key(key)) => {
                let home = Home::Group(object_group(object)?);
                match entry(object, key)? {
                    Some((whole, value)) => Ok((found(whole, value, home)?, Some(Spot::Value(value)))),
                    None => self.missing(home),
                }
            }
            (Expression::Array(array), Step::Index(_) | Step::Match(_)) => {
                let value = element(self.doc, array, step)?;
                Ok((found(span(value)?, value, Home::Group(list_group(array)?))?, Some(Spot::Value(value))))
            }
            (Expression::Array(_), Step::Key(_)) => Err(misstep(step, "a list; name an element as `[0]`")),
            (Expression::Object(_), _) => Err(misstep(step, "an object; name a key")),
            _ => Err(misstep(step, "an expression, no literal object or list")),
        }
    }

    /// The key just looked for is not there; neither is what would be below it.
    fn missing(&self, home: Home) -> Result<Stride<'d>, Refusal> {
        let key = |step: &Step| match step {
            Step::Key(key) => Ok(key.clone()),
            Step::Index(_) | Step::Match(_) => {
                Err(Refusal::of(Code::NotFound, format!("there is no `{}`", Path(self.path.to_vec()))))
            }
        };
        let rest = self.path.iter().skip(self.at.saturating_sub(1)).map(key).collect::<Result<_, _>>()?;
        Ok((Place::Missing(home, rest), None))
    }
}

fn misstep(step: &Step, what: &str) -> Refusal {
    let step = Path(vec![step.clone()]);
    Refusal::of(Code::NotList, format!("`{step}` cannot be looked up: there stands {what}"))
}

fn found(whole: Range<usize>, value: &Expression, home: Home) -> Result<Place, Refusal> {
    let shape = match value {
        Expression::Object(object) => Shape::Group(object_group(object)?),
        Expression::Array(array) => Shape::Group(list_group(array)?),
        Expression::Null(_) => Shape::Null,
        _ => Shape::Other,
    };
    let value = span(value)?;
    Ok(Place::Found(Box::new(Found { whole, value, home, shape })))
}

fn found_block(block: &Block, home: Frame) -> Result<Place, Refusal> {
    let whole = span(block)?;
    Ok(Place::Found(Box::new(Found { value: whole.clone(), whole, home: Home::Body(home), shape: Shape::Block })))
}

fn span(node: &impl Span) -> Result<Range<usize>, Refusal> {
    node.span().ok_or_else(lost)
}

fn lost() -> Refusal {
    Refusal::of(Code::ProofFailed, "the parser does not say where the value stands")
}

fn top(doc: &Doc) -> Frame {
    frame_of(&doc.body, 0..doc.text.len(), true)
}

fn frame(doc: &Doc, block: &Block) -> Frame {
    let whole = block.span().unwrap_or(0..0);
    let label = block.labels.last().and_then(Span::span);
    let head = label.or_else(|| block.ident.span()).map_or(whole.start, |span| span.end);
    let open = doc.within(&(head..whole.end)).iter().find(|token| token.kind == Kind::Open);
    let start = open.map_or(whole.end, |token| token.end);
    frame_of(&block.body, start..whole.end.saturating_sub(1).max(start), false)
}

fn frame_of(body: &Body, inner: Range<usize>, top: bool) -> Frame {
    let mut frame = Frame { inner, top, attributes: Vec::new(), blocks: Vec::new() };
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => frame.attributes.extend(attribute.span()),
            Structure::Block(block) => frame.blocks.extend(block.span()),
        }
    }
    frame
}

fn object_group(object: &Object) -> Result<Group, Refusal> {
    let mut group = Group { list: false, span: span(object)?, members: Vec::new(), values: Vec::new() };
    for (key, value) in object {
        let value = span(value.expr())?;
        group.members.push(span(key)?.start..value.end);
        group.values.push(value);
    }
    Ok(group)
}

fn list_group(array: &Array) -> Result<Group, Refusal> {
    let members: Vec<Range<usize>> = array.iter().map(span).collect::<Result<_, _>>()?;
    Ok(Group { list: true, span: span(array)?, values: members.clone(), members })
}

fn entry<'a>(object: &'a Object, key: &str) -> Result<Option<(Range<usize>, &'a Expression)>, Refusal> {
    let mut hits = object.iter().filter(|(name, _)| literal(name).as_deref() == Some(key));
    match (hits.next(), hits.next()) {
        (Some((name, value)), None) => Ok(Some((span(name)?.start..span(value.expr())?.end, value.expr()))),
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Refusal::of(Code::DuplicateKey, format!("the object has the key `{key}` twice"))),
    }
}
