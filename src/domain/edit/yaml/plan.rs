//! Turns one edit into the replacement of one range of bytes.
//!
//! Must not check its own work: `proof` does.

use super::draft::{self, Draft};
use super::locate::{self, Found, Place};
use super::look::Look;
use super::splice::Splice;
use super::tree::{Id, Kind, Slot, Tree};
use super::{delete, insert, set};
use crate::domain::change::{Edit, Op, Path, Step};
use crate::domain::edit::{Code, Refusal};

/// Plans an edit; nothing is to be done if the document says so already.
pub(super) fn plan(
    tree: &Tree<'_>,
    document: usize,
    place: &Place,
    edit: &Edit,
    order: &[&str],
) -> Result<Option<Splice>, Refusal> {
    let value = edit.value.as_ref().unwrap_or(&serde_json::Value::Null);
    let planner = Planner { tree, edit, place, value, order };
    let refuse = |refusal: Refusal| if refusal.path.is_empty() { refusal.at(&edit.path) } else { refusal };
    planner.plan().map_err(|refusal| refuse(refusal).in_document(document))
}

struct Planner<'p, 'a> {
    tree: &'p Tree<'a>,
    edit: &'p Edit,
    place: &'p Place,
    value: &'p serde_json::Value,
    order: &'p [&'p str],
}

impl Planner<'_, '_> {
    fn plan(&self) -> Result<Option<Splice>, Refusal> {
        let (tree, op) = (self.tree, self.edit.op);
        if let (Found::Node(id), Op::Set) = (&self.place.found, op)
            && locate::equals(tree, *id, self.value, false)
        {
            return Ok(None);
        }
        if let Some(alias) = self.place.through.first() {
            return Err(self.through(*alias));
        }
        match (&self.place.found, op) {
            (Found::Node(id), Op::Set) => {
                self.refuse_shared(*id)?;
                set::set(tree, *id, self.value, &Look::around(tree, *id))
            }
            (Found::Node(id), Op::Delete) => {
                self.refuse_shared(*id)?;
                self.refuse_uncovered(*id)?;
                delete::delete(tree, *id)
            }
            (Found::Node(id), Op::Append) => self.append(*id),
            (Found::Node(id), Op::Add) if self.is_indexed() => insert::before(tree, *id, &self.value.into()),
            (Found::Node(_), Op::Add) => Err(Refusal::of(Code::Exists, "the key is there already; set it instead")),
            (Found::Missing { holder, at }, Op::Add | Op::Append) => self.add(*holder, *at),
            (Found::Missing { holder, at }, Op::Set | Op::Delete) => Err(self.missing(*holder, *at)),
            (Found::Merged { holder, at }, _) => self.over(*holder, *at),
        }
        .map(Some)
    }

    // An element asked for by its number is put in front of the one that has the number now.
    fn is_indexed(&self) -> bool {
        matches!(self.edit.path.0.last(), Some(Step::Index(_)))
    }

    fn append(&self, id: Id) -> Result<Splice, Refusal> {
        let (tree, value) = (self.tree, Draft::from(self.value));
        match &tree.node(id).kind {
            Kind::Alias(_) => Err(self.through(id)),
            Kind::List { items, .. } if !items.is_empty() => {
                self.refuse_uses(id)?;
                insert::append(tree, id, &value, &Look::around(tree, id))
            }
            Kind::Scalar(..) if matches!(tree.slot(id), Slot::Item(..)) => Err(not_list()),
            Kind::Scalar(..) | Kind::List { .. } if locate::is_empty(tree, id) => {
                self.refuse_uses(id)?;
                insert::fill(tree, id, &Draft::List(vec![value]), &Look::around(tree, id))
            }
            Kind::Scalar(..) | Kind::List { .. } | Kind::Map { .. } => Err(not_list()),
        }
    }

    fn add(&self, holder: Id, at: usize) -> Result<Splice, Refusal> {
        let value = match self.edit.op {
            Op::Append => Draft::List(vec![self.value.into()]),
            Op::Add | Op::Set | Op::Delete => self.value.into(),
        };
        let steps = self.edit.path.0.get(at..).unwrap_or_default();
        self.insert(holder, draft::nest(steps, value)?)
    }

    // A key that comes through `<<` is written out in the map itself, with the edit made in it.
    fn over(&self, holder: Id, at: usize) -> Result<Splice, Refusal> {
        let steps = self.edit.path.0.get(at..).unwrap_or_default();
        let refuse = |refusal: Refusal| refusal.at(&self.edit.path);
        let value = draft::merged(self.tree, holder, steps, self.edit).map_err(refuse)?;
        match steps.first() {
            Some(step) => self.insert(holder, Draft::Map(vec![(draft::merged_key(self.tree, holder, step)?, value)])),
            None => Err(Refusal::of(Code::Parse, "the path is empty")),
        }
    }

    fn insert(&self, holder: Id, entries: Draft) -> Result<Splice, Refusal> {
        let (tree, look) = (self.tree, Look::around(self.tree, holder));
        self.refuse_uses(holder)?;
        if locate::is_empty(tree, holder) {
            return insert::fill(tree, holder, &entries, &look);
        }
        match &entries {
            Draft::Map(entries) if entries.len() == 1 => {
                let (key, value) = &entries[0];
                let ordered = self.predecessor(holder, key);
                let behind = ordered.and_then(|n| insert::add_behind(tree, holder, n, (key, value), &look));
                behind.map_or_else(|| insert::add(tree, holder, key, value, &look), Ok)
            }
            Draft::Map(_) | Draft::List(_) | Draft::Scalar(_) | Draft::Verbatim(_) => {
                Err(Refusal::of(Code::Parse, "the path is empty"))
            }
        }
    }

    // The entry of the root behind which a new key stands: the last one of those that come before it in the order.
    fn predecessor(&self, holder: Id, key: &Draft) -> Option<usize> {
        let Kind::Map { entries, .. } = &self.tree.node(holder).kind else { return None };
        let Draft::Scalar(serde_json::Value::String(key)) = key else { return None };
        let rank = |name: &str| self.order.iter().position(|listed| *listed == name);
        let own = rank(key).filter(|_| self.tree.node(holder).parent.is_none())?;
        entries.iter().rposition(|entry| self.tree.scalar(entry.key).and_then(rank).is_some_and(|rank| rank < own))
    }

    fn missing(&self, holder: Id, at: usize) -> Refusal {
        let path = Path(self.edit.path.0.get(..=at).unwrap_or_default().to_vec());
        let keys: Vec<&str> = match &self.tree.node(holder).kind {
            Kind::Map { entries, .. } => entries.iter().take(12).filter_map(|e| self.tree.scalar(e.key)).collect(),
            Kind::List { .. } | Kind::Scalar(..) | Kind::Alias(_) => Vec::new(),
        };
        let there =
            if keys.is_empty() { "the map is empty".to_owned() } else { format!("there are {}", keys.join(", ")) };
        Refusal::of(Code::NotFound, format!("there is no such key; {there}")).at(path)
    }

    fn through(&self, alias: Id) -> Refusal {
        let (tree, source) = (self.tree, self.tree.source(alias));
        let target = locate::dotted(tree, tree.resolve(alias));
        let place = locate::dotted(tree, alias);
        let reason = format!("`{place}` is `{source}`, which is shared; edit `{target}`, or set `{place}` as a whole");
        Refusal::of(Code::AnchorShared, reason)
    }

    fn refuse_shared(&self, id: Id) -> Result<(), Refusal> {
        refuse_named(self.tree, &locate::uses_outside(self.tree, id))
    }

    fn refuse_uncovered(&self, id: Id) -> Result<(), Refusal> {
        let Slot::Entry(map, _, entry) = self.tree.slot(id) else { return Ok(()) };
        match self.tree.scalar(entry.key).and_then(|key| locate::merged(self.tree, map, key)) {
            Some(_) => {
                let reason = "without the key, the map would have the one that comes through `<<`; set it instead";
                Err(Refusal::of(Code::AnchorShared, reason))
            }
            None => Ok(()),
        }
    }

    fn refuse_uses(&self, id: Id) -> Result<(), Refusal> {
        refuse_named(self.tree, &locate::uses(self.tree, id))
    }
}

fn not_list() -> Refusal {
    Refusal::of(Code::NotList, "the value is no list, so nothing can be appended to it")
}

/// Refuses, naming the uses, if there are any.
pub(super) fn refuse_named(tree: &Tree<'_>, uses: &[Id]) -> Result<(), Refusal> {
    let Some(first) = uses.first() else { return Ok(()) };
    let name = |id: &Id| format!("`{}` (line {})", locate::dotted(tree, *id), tree.line(tree.node(*id).start));
    let mut names: Vec<String> = uses.iter().take(8).map(name).collect();
    if uses.len() > names.len() {
        names.push(format!("{} more", uses.len() - names.len()));
    }
    let anchor = tree.source(*first).trim_start_matches('*');
    let reason = format!("the anchor `&{anchor}` is used elsewhere, where this would change too: {}", names.join(", "));
    Err(Refusal::of(Code::AnchorShared, reason))
}
