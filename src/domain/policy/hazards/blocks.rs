//! The blocks of a Terraform file by their address, with the text of their attributes.
//!
//! Must not evaluate an expression: a text that is not a plain value stays a text.

use hcl_edit::structure::{Body, Structure};
use std::collections::BTreeMap;

/// A block at the top of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// `resource`, `module`.
    pub(super) kind: String,
    /// `resource.aws_instance.web`.
    pub(super) address: String,
    /// Attributes, those of nested blocks by a dotted path.
    pub(super) values: BTreeMap<String, String>,
}

/// Reads the blocks of a file; none of one that cannot be read, which no edit leaves behind.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Ok(body) = hcl_edit::parser::parse_body(text) else { return Vec::new() };
    body.blocks().map(block).collect()
}

fn block(block: &hcl_edit::structure::Block) -> Block {
    let mut address = block.ident.as_str().to_owned();
    for label in &block.labels {
        address.push('.');
        address.push_str(label.as_str());
    }
    let mut values = BTreeMap::new();
    collect(&block.body, "", &mut values);
    Block { kind: block.ident.as_str().to_owned(), address, values }
}

fn collect(body: &Body, prefix: &str, values: &mut BTreeMap<String, String>) {
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let text = attribute.value.to_string().trim().trim_matches('"').to_owned();
                values.insert(format!("{prefix}{}", attribute.key.as_str()), text);
            }
            Structure::Block(block) => collect(&block.body, &format!("{prefix}{}.", block.ident.as_str()), values),
        }
    }
}
