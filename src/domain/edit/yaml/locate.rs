//! Finds the document a selection means and the node a path leads to, through aliases and `<<`.
//!
//! Must not change anything: it only says where an edit has to happen, or why it cannot.

use super::tree::{Entry, Id, Kind, Style, Tree};
use super::typing::{self, Read};
use crate::domain::change::{Edit, Op, Path, Select, SelectObject, Step};
use crate::domain::edit::{Code, Refusal};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a path leads.
pub(super) struct Place {
    /// What stands there.
    pub found: Found,
    /// The maps and lists on the way, the last one holding the place.
    pub trail: Vec<Id>,
    /// The uses of anchors that the path goes through.
    pub through: Vec<Id>,
}

/// What stands at a path.
pub(super) enum Found {
    /// A node of its own.
    Node(Id),
    /// Nothing: the node has no such key at this step.
    Missing { holder: Id, at: usize },
    /// A key that the map has only through `<<`, at this step.
    Merged { holder: Id, at: usize },
}

/// Picks the document that a selection means.
pub(super) fn document(tree: &Tree<'_>, select: Option<&Select>) -> Result<usize, Refusal> {
    let fits: Vec<usize> = match select {
        Some(Select::Index(select)) if select.index < tree.documents.len() => vec![select.index],
        Some(Select::Index(select)) => {
            let reason = format!("there is no document {}; the file has {}", select.index, tree.documents.len());
            return Err(Refusal::of(Code::NotFound, reason));
        }
        Some(Select::Block(_)) => {
            return Err(Refusal::of(Code::Parse, "a block and its labels select in HCL files, not in YAML"));
        }
        Some(Select::Object(object)) => {
            all(tree).filter(|n| is_object(tree, tree.documents[*n].root, object)).collect()
        }
        None if tree.documents.len() < 2 => vec![0],
        None => all(tree).filter(|n| !is_empty(tree, tree.documents[*n].root)).collect(),
    };
    match fits.as_slice() {
        [one] => Ok(*one),
        [] => Err(Refusal::of(Code::NotFound, format!("no document fits; there are {}", names(tree, all(tree))))),
        many => {
            let reason = format!("{} documents fit: {}", many.len(), names(tree, many.iter().copied()));
            Err(Refusal::of(Code::Ambiguous, reason))
        }
    }
}

fn all(tree: &Tree<'_>) -> std::ops::Range<usize> {
    0..tree.documents.len()
}

/// Tells whether a node is null, `{}` or `[]`.
pub(super) fn is_empty(tree: &Tree<'_>, id: Id) -> bool {
    match &tree.node(tree.resolve(id)).kind {
        Kind::Map { entries, .. } => entries.is_empty(),
        Kind::List { items, .. } => items.is_empty(),
        Kind::Scalar(..) | Kind::Alias(_) => is_null(tree, id),
    }
}

/// Tells whether a node is null.
pub(super) fn is_null(tree: &Tree<'_>, id: Id) -> bool {
    typing::reads(tree.node(tree.resolve(id))).is_some_and(|(_, core)| core == Read::Null)
}

fn is_object(tree: &Tree<'_>, root: Id, object: &SelectObject) -> bool {
    let of = |path: &[&str]| path.iter().try_fold(root, |id, key| field(tree, id, key));
    let fits = |path: &[&str], want: &Option<String>| match want {
        Some(want) => of(path).and_then(|id| tree.scalar(id)) == Some(want),
        None => true,
    };
    fits(&["kind"], &object.kind)
        && fits(&["metadata", "name"], &object.name)
        && fits(&["metadata", "namespace"], &object.namespace)
}

fn names(tree: &Tree<'_>, documents: impl Iterator<Item = usize>) -> String {
    let name = |n: usize| {
        let root = tree.documents[n].root;
        let kind = field(tree, root, "kind").and_then(|id| tree.scalar(id)).unwrap_or("no kind");
        let meta = field(tree, root, "metadata").and_then(|id| field(tree, id, "name"));
        format!("{n} ({kind} {})", meta.and_then(|id| tree.scalar(id)).unwrap_or("without name"))
    };
    let mut names: Vec<String> = documents.take(13).map(name).collect();
    if names.len() > 12 {
        names.pop();
        names.push("and more".to_owned());
    }
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Follows a path from a document's root as far as there are nodes.
pub(super) fn find(tree: &Tree<'_>, document: usize, path: &Path) -> Result<Place, Refusal> {
    find_from(tree, tree.documents[document].root, &path.0).map_err(|refusal| refusal.in_document(document))
}

/// Follows steps from a node as far as there are nodes.
pub(super) fn find_from(tree: &Tree<'_>, root: Id, steps: &[Step]) -> Result<Place, Refusal> {
    let mut place = Place { found: Found::Node(root), trail: Vec::new(), through: Vec::new() };
    for (at, step) in steps.iter().enumerate() {
        let Found::Node(here) = place.found else { break };
        let holder = tree.resolve(here);
        if holder != here {
            place.through.push(here);
        }
        place.trail.push(holder);
        let refuse = |refusal: Refusal| refusal.at(Path(steps[..=at].to_vec()));
        place.found = match step {
            Step::Key(key) => key_step(tree, holder, key, at).map_err(refuse)?,
            Step::Index(index) => Found::Node(index_step(tree, holder, *index).map_err(refuse)?),
            Step::Match(fields) => Found::Node(match_step(tree, holder, fields).map_err(refuse)?),
        };
    }
    Ok(place)
}

/// The node that steps lead to from a node, through `<<` too.
pub(super) fn follow(tree: &Tree<'_>, root: Id, steps: &[Step]) -> Option<Id> {
    steps.iter().try_fold(root, |id, step| {
        let holder = tree.resolve(id);
        match step {
            Step::Key(key) => field(tree, holder, key),
            Step::Index(index) => index_step(tree, holder, *index).ok(),
            Step::Match(fields) => match_step(tree, holder, fields).ok(),
        }
    })
}

fn key_step(tree: &Tree<'_>, holder: Id, key: &str, at: usize) -> Result<Found, Refusal> {
    match &tree.node(holder).kind {
        Kind::Map { .. } => match own(tree, holder, key).as_slice() {
            [entry] => Ok(Found::Node(entry.value)),
            [] if merged(tree, holder, key).is_some() => Ok(Found::Merged { holder, at }),
            [] => Ok(Found::Missing { holder, at }),
            _ => Err(Refusal::of(Code::Ambiguous, format!("the map has `{key}` as a string and as another type"))),
        },
        Kind::Scalar(..) if is_null(tree, holder) => Ok(Found::Missing { holder, at }),
        Kind::List { .. } => Err(Refusal::of(Code::NotFound, format!("`{key}` is asked of a list; pick an element"))),
        Kind::Scalar(..) | Kind::Alias(_) => {
            Err(Refusal::of(Code::NotFound, format!("`{key}` is asked of a scalar, which has no keys")))
        }
    }
}

fn index_step(tree: &Tree<'_>, holder: Id, index: usize) -> Result<Id, Refusal> {
    let Kind::List { items, .. } = &tree.node(holder).kind else { return Err(not_list()) };
    let found = items.get(index).map(|item| item.node);
    found.ok_or_else(|| {
        Refusal::of(Code::NotFound, format!("there is no element {index}; the list has {}", items.len()))
    })
}

fn match_step(tree: &Tree<'_>, holder: Id, fields: &BTreeMap<String, Value>) -> Result<Id, Refusal> {
    let Kind::List { items, .. } = &tree.node(holder).kind else { return Err(not_list()) };
    let hits = |test: &dyn Fn(Id, &Value) -> bool| -> Vec<usize> {
        let fits = |id: Id| fields.iter().all(|(key, want)| field(tree, id, key).is_some_and(|id| test(id, want)));
        items.iter().enumerate().filter(|(_, item)| fits(item.node)).map(|(n, _)| n).collect()
    };
    let mut found = hits(&|id, want| equals(tree, id, want, true));
    if found.is_empty() {
        // a dotted path cannot tell 8080 from "8080"
        found = hits(&|id, want| want.as_str().is_some_and(|want| tree.scalar(id) == Some(want)));
    }
    match found.as_slice() {
        [one] => Ok(items[*one].node),
        [] => Err(Refusal::of(Code::NotFound, format!("no element of {} fits", items.len()))),
        many => {
            let places: Vec<String> = many.iter().take(12).map(|n| candidate(tree, *n, items[*n].node)).collect();
            Err(Refusal::of(Code::Ambiguous, format!("{} elements fit: {}", many.len(), places.join(", "))))
        }
    }
}

fn candidate(tree: &Tree<'_>, n: usize, id: Id) -> String {
    let line = tree.line(tree.node(id).start);
    match field(tree, id, "name").and_then(|id| tree.scalar(id)) {
        Some(name) => format!("[{n}] named {name} in line {line}"),
        None => format!("[{n}] in line {line}"),
    }
}

fn not_list() -> Refusal {
    Refusal::of(Code::NotList, "an element is asked of something that is no list")
}

/// Tells whether an entry is a merge key.
pub(super) fn is_merge(tree: &Tree<'_>, entry: &Entry) -> bool {
    let key = tree.node(entry.key);
    key.tag.is_none() && matches!(&key.kind, Kind::Scalar(text, Style::Plain) if text == "<<")
}

/// The entries of a map itself with this key.
pub(super) fn own<'t>(tree: &'t Tree<'_>, map: Id, key: &str) -> Vec<&'t Entry> {
    match &tree.node(map).kind {
        Kind::Map { entries, .. } => {
            entries.iter().filter(|entry| !is_merge(tree, entry) && tree.scalar(entry.key) == Some(key)).collect()
        }
        Kind::List { .. } | Kind::Scalar(..) | Kind::Alias(_) => Vec::new(),
    }
}

/// The value of a map's key, its own or a merged one.
pub(super) fn field(tree: &Tree<'_>, id: Id, key: &str) -> Option<Id> {
    let map = tree.resolve(id);
    own(tree, map, key).first().map(|entry| entry.value).or_else(|| merged(tree, map, key))
}

// Recursion is bounded: what aliases expand to is no deeper than `tree::DEPTH`.
/// The value that a map's key would have through `<<`.
pub(super) fn merged(tree: &Tree<'_>, map: Id, key: &str) -> Option<Id> {
    let Kind::Map { entries, .. } = &tree.node(map).kind else { return None };
    entries.iter().filter(|entry| is_merge(tree, entry)).find_map(|entry| {
        let source = tree.resolve(entry.value);
        match &tree.node(source).kind {
            Kind::List { items, .. } => items.iter().find_map(|item| field(tree, item.node, key)),
            Kind::Map { .. } => field(tree, source, key),
            Kind::Scalar(..) | Kind::Alias(_) => None,
        }
    })
}

// Recursion is bounded: what aliases expand to is no deeper than `tree::DEPTH`.
/// The keys and values of a map, its own first, then the merged ones.
pub(super) fn fields(tree: &Tree<'_>, map: Id) -> Vec<(Id, Id)> {
    let Kind::Map { entries, .. } = &tree.node(tree.resolve(map)).kind else { return Vec::new() };
    let (merges, own): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| is_merge(tree, entry));
    let mut all: Vec<(Id, Id)> = own.iter().map(|entry| (entry.key, entry.value)).collect();
    for entry in merges {
        let sources = match &tree.node(tree.resolve(entry.value)).kind {
            Kind::List { items, .. } => items.iter().map(|item| item.node).collect(),
            Kind::Map { .. } | Kind::Scalar(..) | Kind::Alias(_) => vec![entry.value],
        };
        for (key, value) in sources.into_iter().flat_map(|source| fields(tree, source)) {
            if !all.iter().any(|(known, _)| tree.scalar(*known) == tree.scalar(key)) {
                all.push((key, value));
            }
        }
    }
    all
}

/// Tells whether a node is a JSON value, by YAML 1.2 alone or by both rules; merges are not followed.
pub(super) fn equals(tree: &Tree<'_>, id: Id, wanted: &Value, core_only: bool) -> bool {
    let node = tree.node(tree.resolve(id));
    match (&node.kind, wanted) {
        (Kind::Map { entries, .. }, Value::Object(map)) => {
            let entry = |entry: &Entry| {
                let key = tree.scalar(entry.key).filter(|_| !is_merge(tree, entry));
                key.and_then(|key| map.get(key)).is_some_and(|want| equals(tree, entry.value, want, core_only))
            };
            entries.len() == map.len() && entries.iter().all(entry) && entries.iter().all(|e| is_string(tree, e.key))
        }
        (Kind::List { items, .. }, Value::Array(wanted)) => {
            let pairs = || items.iter().zip(wanted);
            items.len() == wanted.len() && pairs().all(|(item, want)| equals(tree, item.node, want, core_only))
        }
        (Kind::Scalar(text, _), _) => typing::reads(node).is_some_and(|(old, core)| {
            typing::means(core, text, wanted) && (core_only || typing::means(old, text, wanted))
        }),
        _ => false,
    }
}

fn is_string(tree: &Tree<'_>, id: Id) -> bool {
    typing::reads(tree.node(tree.resolve(id))) == Some((Read::Text, Read::Text))
}

/// The document a node is in.
pub(super) fn document_of(tree: &Tree<'_>, id: Id) -> usize {
    tree.documents.iter().rposition(|document| document.root <= id).unwrap_or(0)
}

/// The path of a node, as text.
pub(super) fn dotted(tree: &Tree<'_>, id: Id) -> String {
    let (mut steps, mut here) = (Vec::new(), id);
    while let Some(parent) = tree.node(here).parent {
        match &tree.node(parent).kind {
            Kind::Map { entries, .. } => {
                let entry = entries.iter().find(|entry| entry.value == here || entry.key == here);
                let key = entry.and_then(|entry| tree.scalar(entry.key)).unwrap_or_default();
                steps.push(Step::Key(key.to_owned()));
            }
            Kind::List { items, .. } => {
                steps.push(Step::Index(items.iter().position(|item| item.node == here).unwrap_or(0)));
            }
            Kind::Scalar(..) | Kind::Alias(_) => {}
        }
        here = parent;
    }
    steps.reverse();
    Path(steps).to_string()
}

/// Where an edit is made, elements by number: two ways to name one element come to the same text.
pub(super) fn settled(tree: &Tree<'_>, document: usize, edit: &Edit) -> String {
    let mut steps = edit.path.0.clone();
    settle(tree, document, &mut steps);
    if edit.op == Op::Append {
        let list = tree.documents.get(document).and_then(|root| follow(tree, root.root, &steps));
        // A list that the edit makes has its first element then.
        let next = match list.map(|list| &tree.node(tree.resolve(list)).kind) {
            Some(Kind::List { items, .. }) => items.len(),
            Some(Kind::Map { .. } | Kind::Scalar(..) | Kind::Alias(_)) | None => 0,
        };
        steps.push(Step::Index(next));
    }
    Path(steps).to_string()
}

// An edit may change the very field that an element was picked by, so elements are found again by their index.
/// Turns elements named by their fields into elements named by number.
pub(super) fn settle(tree: &Tree<'_>, document: usize, steps: &mut [Step]) {
    for at in 0..steps.len() {
        let Some(Step::Match(_)) = steps.get(at) else { continue };
        let Some(root) = tree.documents.get(document) else { return };
        let list = follow(tree, root.root, &steps[..at]);
        let element = follow(tree, root.root, &steps[..=at]);
        let Some(Kind::List { items, .. }) = list.map(|id| &tree.node(tree.resolve(id)).kind) else {
            return;
        };
        if let Some(index) = items.iter().position(|item| Some(item.node) == element) {
            steps[at] = Step::Index(index);
        }
    }
}

/// The uses, outside a node, of the anchors that it and all below it carry.
pub(super) fn uses_outside(tree: &Tree<'_>, id: Id) -> Vec<Id> {
    let inside = id..=tree.subtree(id).into_iter().max().unwrap_or(id);
    let names = |alias: &Id| match tree.node(*alias).kind {
        Kind::Alias(target) => inside.contains(&target) && !inside.contains(alias),
        Kind::Map { .. } | Kind::List { .. } | Kind::Scalar(..) => false,
    };
    tree.aliases.iter().copied().filter(names).collect()
}

/// The uses of a node's own anchor.
pub(super) fn uses(tree: &Tree<'_>, id: Id) -> Vec<Id> {
    let names = |alias: &Id| matches!(tree.node(*alias).kind, Kind::Alias(target) if target == id);
    tree.aliases.iter().copied().filter(names).collect()
}
