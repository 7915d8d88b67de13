//! The single values of a file with their source text, for comparing two versions of it.
//!
//! Must not judge or evaluate an expression.

use super::gate::{self, Doc};
use super::model::{self, Body, Key, Node, Says};
use super::tokens::Kind;
use super::{Code, Refusal, address};
use crate::domain::change::{Path, SelectBlock, Step};
use std::collections::BTreeMap;

/// Every attribute, objects taken apart, by a path that begins with its blocks; all comments stand under `#`.
pub fn leaves(bytes: &[u8]) -> Result<BTreeMap<String, String>, Refusal> {
    let (_, text) = gate::open(bytes)?;
    let doc = Doc::read(text.to_owned())?;
    let body = model::body(&doc.text, &doc.tokens)
        .ok_or_else(|| Refusal::of(Code::Parse, "the file is no list of attributes and blocks"))?;
    let comments = doc.tokens.iter().filter(|token| token.kind == Kind::Comment);
    let comments: Vec<&str> = comments.map(|token| doc.part(&(token.start..token.end)).trim()).collect();
    let mut found = BTreeMap::from([("#".to_owned(), comments.join("\n"))]);
    walk(&doc.text, &body, &[], &mut found);
    Ok(found)
}

// Recursion is as deep as blocks and brackets nest, which the lexer bounds.
fn walk(text: &str, body: &Body<'_>, at: &[Step], found: &mut BTreeMap<String, String>) {
    for (name, node) in &body.attributes {
        value(text, node, &below(at, name), found);
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for block in &body.blocks {
        let select = SelectBlock { block: block.kind.clone(), labels: block.labels.clone() };
        let names = match at {
            [] => address::steps(&select),
            _ => [vec![block.kind.clone()], block.labels.clone()].concat(),
        };
        let mut place = names.iter().fold(at.to_vec(), |at, name| below(&at, name));
        let count = seen.entry(Path(place.clone()).to_string()).or_default();
        if *count > 0 {
            place.push(Step::Index(*count));
        }
        *count += 1;
        // A block without attributes is something too.
        found.insert(Path(place.clone()).to_string(), String::new());
        walk(text, &block.body, &place, found);
    }
}

fn value(text: &str, node: &Node<'_>, at: &[Step], found: &mut BTreeMap<String, String>) {
    match &node.says {
        Says::Object(fields) if !fields.is_empty() => {
            for (key, node) in fields {
                let (Key::Literal(name) | Key::Computed(name)) = key;
                value(text, node, &below(at, name), found);
            }
        }
        Says::Object(_) | Says::List(_) | Says::Raw(_) | Says::Wanted(_) => {
            let source = text.get(node.span.clone()).unwrap_or_default();
            found.insert(Path(at.to_vec()).to_string(), source.to_owned());
        }
    }
}

fn below(at: &[Step], name: &str) -> Vec<Step> {
    [at, &[Step::Key(name.to_owned())]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_a_path() {
        let text = "# top\nmodule \"eks\" {\n  size = 3 # three\n  tags = { a = 1 }\n  node {\n    n = 1\n  }\n  node {\n    n = 2\n  }\n}\n";
        let found = leaves(text.as_bytes()).expect("reads");
        let wanted = [
            ("#", "# top\n# three"),
            ("module.eks", ""),
            ("module.eks.node", ""),
            ("module.eks.node.n", "1"),
            ("module.eks.node[1]", ""),
            ("module.eks.node[1].n", "2"),
            ("module.eks.size", "3"),
            ("module.eks.tags.a", "1"),
        ];
        let found: Vec<(&str, &str)> = found.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(found, wanted);
    }
}
