//! What is let in: size, nodes, depth, aliases, and no encrypted files, templates or duplicate keys.
//!
//! Must not change or repair anything: a file passes as it is or not at all.

use super::parse::Work;
use super::tree::{DEPTH, Id, Kind, Style, Tree};
use super::{locate, parse, typing};
use crate::domain::edit::{Code, Refusal};
use std::collections::HashSet;

/// The largest file, in bytes.
pub(super) const BYTES: usize = 8 << 20;
/// The most bytes that a file's aliases may expand to.
pub(super) const EXPANDED: usize = 4 << 20;
const NODE_COST: usize = 16;
/// The size of a map whose keys are looked at one by one.
const FEW: usize = 12;

/// Reads a file's bytes as text and returns the length of its byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<(usize, &str), Refusal> {
    if bytes.len() > BYTES {
        return Err(Refusal::of(Code::TooLarge, format!("the file is larger than {} MiB", BYTES >> 20)));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::of(Code::NotUtf8, "the file is not UTF-8 text"))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => (text.len() - rest.len(), rest),
        None => (0, text),
    })
}

/// Reads a text as YAML and refuses what must not be edited.
pub(super) fn tree(text: &str) -> Result<Tree<'_>, Refusal> {
    measured(text, &mut Work::default())
}

/// The same as `tree`, counting.
pub(super) fn measured<'a>(text: &'a str, work: &mut Work) -> Result<Tree<'a>, Refusal> {
    let tree = parse::parse(text, work)?;
    refuse_encrypted(&tree)?;
    refuse_template(&tree)?;
    refuse_expanding(&tree, work)?;
    refuse_duplicates(&tree)?;
    Ok(tree)
}

fn refuse_encrypted(tree: &Tree<'_>) -> Result<(), Refusal> {
    let sealed = |text: &str| text.starts_with("ENC[") && text.trim_end().ends_with(']');
    let reason = "the file is encrypted with SOPS; decrypt, edit and encrypt it with sops";
    for (n, document) in tree.documents.iter().enumerate() {
        let mac = value_of(tree, document.root, "sops").and_then(|sops| value_of(tree, sops, "mac"));
        if mac.is_some() {
            return Err(Refusal::of(Code::Encrypted, reason).in_document(n));
        }
    }
    match tree.nodes.iter().any(|node| matches!(&node.kind, Kind::Scalar(text, _) if sealed(text))) {
        true => Err(Refusal::of(Code::Encrypted, reason)),
        false => Ok(()),
    }
}

fn value_of(tree: &Tree<'_>, id: Id, key: &str) -> Option<Id> {
    match &tree.node(tree.resolve(id)).kind {
        Kind::Map { entries, .. } => entries.iter().find(|e| tree.scalar(e.key) == Some(key)).map(|e| e.value),
        Kind::List { .. } | Kind::Scalar(..) | Kind::Alias(_) => None,
    }
}

// `x: {{ y }}` happens to be YAML: a map whose key is a map.
fn refuse_template(tree: &Tree<'_>) -> Result<(), Refusal> {
    for node in &tree.nodes {
        let Kind::Map { entries, flow: true, bare: false } = &node.kind else { continue };
        let Some(first) = entries.first() else { continue };
        if node.start + 1 == tree.node(first.key).outer && matches!(tree.node(first.key).kind, Kind::Map { .. }) {
            let reason = format!("line {} has a template expression; edit it by hand", tree.line(node.start));
            return Err(Refusal::of(Code::Template, reason));
        }
    }
    Ok(())
}

fn refuse_expanding(tree: &Tree<'_>, work: &mut Work) -> Result<(), Refusal> {
    if tree.aliases.is_empty() {
        return Ok(());
    }
    let count = tree.nodes.len();
    let (mut size, mut depth) = (vec![0_usize; count], vec![0_usize; count]);
    for id in post_order(tree) {
        work.nodes += 1;
        let own = match &tree.node(id).kind {
            Kind::Scalar(text, _) => (text.len() + NODE_COST, 1),
            Kind::Alias(target) => (size[*target], depth[*target]),
            Kind::List { items, .. } => sum(items.iter().map(|item| (size[item.node], depth[item.node]))),
            Kind::Map { entries, .. } => {
                sum(entries.iter().flat_map(|e| [e.key, e.value]).map(|e| (size[e], depth[e])))
            }
        };
        (size[id], depth[id]) = own;
        if depth[id] > DEPTH {
            return Err(Refusal::of(Code::TooLarge, format!("nested deeper than {DEPTH} levels")));
        }
    }
    let expanded = tree.aliases.iter().fold(0_usize, |all, id| all.saturating_add(size[*id]));
    work.expanded = expanded;
    if expanded > EXPANDED {
        let reason = format!("the file's aliases expand to more than {} MiB", EXPANDED >> 20);
        return Err(Refusal::of(Code::TooLarge, reason));
    }
    Ok(())
}

fn sum(children: impl Iterator<Item = (usize, usize)>) -> (usize, usize) {
    let (size, depth) = children.fold((NODE_COST, 0), |all, child| (all.0.saturating_add(child.0), all.1.max(child.1)));
    (size, depth + 1)
}

// Children stand behind their parents and aliases behind what they name, but a parent may stand in front of an alias'
// target that is its child; so each node is counted once all below it is.
fn post_order(tree: &Tree<'_>) -> Vec<Id> {
    let mut order = Vec::with_capacity(tree.nodes.len());
    for document in &tree.documents {
        let mut stack = vec![(document.root, false)];
        while let Some((id, seen)) = stack.pop() {
            if seen {
                order.push(id);
                continue;
            }
            stack.push((id, true));
            match &tree.node(id).kind {
                Kind::Map { entries, .. } => {
                    stack.extend(entries.iter().rev().flat_map(|e| [(e.value, false), (e.key, false)]));
                }
                Kind::List { items, .. } => stack.extend(items.iter().rev().map(|item| (item.node, false))),
                Kind::Scalar(..) | Kind::Alias(_) => {}
            }
        }
    }
    order
}

fn refuse_duplicates(tree: &Tree<'_>) -> Result<(), Refusal> {
    for (id, node) in tree.nodes.iter().enumerate() {
        let Kind::Map { entries, .. } = &node.kind else { continue };
        let mut seen = HashSet::new();
        for (n, entry) in entries.iter().enumerate() {
            let Kind::Scalar(text, _) = &tree.node(tree.resolve(entry.key)).kind else { continue };
            let is_new = if entries.len() > FEW {
                seen.insert(text.as_str())
            } else {
                entries.iter().take(n).all(|entry| tree.scalar(entry.key) != Some(text))
            };
            if !is_new && entries.iter().take(n).any(|earlier| is_same_key(tree, earlier.key, entry.key)) {
                let reason = format!("line {} has the key `{text}` a second time", tree.line(entry.start));
                let refusal = Refusal::of(Code::DuplicateKey, reason).at(locate::dotted(tree, id));
                return Err(refusal.in_document(locate::document_of(tree, id)));
            }
        }
    }
    Ok(())
}

// `1` and `"1"` are two keys.
fn is_same_key(tree: &Tree<'_>, a: Id, b: Id) -> bool {
    let read = |id| match &tree.node(tree.resolve(id)).kind {
        Kind::Scalar(text, style) => Some((text, *style != Style::Plain || typing::core(text) == typing::Read::Text)),
        Kind::Map { .. } | Kind::List { .. } | Kind::Alias(_) => None,
    };
    read(a) == read(b)
}
