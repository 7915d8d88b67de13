//! Says which blocks a file has at its top level, so that an address can be looked up.
//!
//! Must not change anything, nor decide which of several blocks is meant.

use super::choose::labels;
use super::gate::{self, Doc};
use crate::domain::edit::Refusal;
use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Structure};

/// A block at a file's top level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Its type, `resource`.
    pub kind: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// The names of its attributes and of the blocks in it.
    pub names: Vec<String>,
    /// Its `alias`, where that is a literal string.
    pub alias: Option<String>,
    /// The line it begins on, counting from 1.
    pub line: usize,
}

/// The blocks of a file, in order.
pub fn outline(bytes: &[u8]) -> Result<Vec<Outline>, Refusal> {
    let (_, text) = gate::open(bytes)?;
    let doc = Doc::read(text.to_owned())?;
    let line = |at: usize| 1 + doc.part(&(0..at)).matches('\n').count();
    Ok(doc.body.blocks().map(|block| of(block, line(block.span().map_or(0, |span| span.start)))).collect())
}

fn of(block: &Block, line: usize) -> Outline {
    let name = |structure: &Structure| match structure {
        Structure::Attribute(attribute) => attribute.key.to_string(),
        Structure::Block(block) => block.ident.to_string(),
    };
    let alias = block.body.get_attribute("alias").and_then(|attribute| match &attribute.value {
        Expression::String(text) => Some(text.to_string()),
        _ => None,
    });
    Outline {
        kind: block.ident.to_string(),
        labels: labels(block).into_iter().map(str::to_owned).collect(),
        names: block.body.iter().map(name).collect(),
        alias,
        line,
    }
}

/// The source text of what says where the state is kept: the blocks `backend` and `cloud` in `terraform`.
pub fn states(bytes: &[u8]) -> Result<Vec<String>, Refusal> {
    let (_, text) = gate::open(bytes)?;
    let doc = Doc::read(text.to_owned())?;
    let terraform = doc.body.blocks().filter(|block| block.has_ident("terraform"));
    let inner = terraform.flat_map(|block| block.body.blocks());
    let kept = inner.filter(|block| block.has_ident("backend") || block.has_ident("cloud"));
    Ok(kept.filter_map(Span::span).map(|span| doc.part(&span).trim().to_owned()).collect())
}
