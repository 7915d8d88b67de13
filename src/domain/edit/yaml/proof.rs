//! Checks an edit against the value model: the file after must mean what was asked for, and nothing else may differ.
//!
//! Must not use the splicer's rules; it knows the bytes before and after, the edit, and what it means.

use super::locate::{self, Found};
use super::model;
use super::splice::Splice;
use super::tree::{Id, Kind, Tree};
use crate::domain::change::{Edit, Op, Path};
use crate::domain::edit::{Code, Refusal};
use serde_yaml::Value;
use std::collections::BTreeMap;

/// What an edit is measured against.
pub(super) struct Claim<'p> {
    /// The file before.
    pub before: &'p Tree<'p>,
    /// What its documents mean, `<<` merged.
    pub model: &'p [Value],
    /// The document edited.
    pub document: usize,
    /// The edit.
    pub edit: &'p Edit,
    /// The replacement that was made.
    pub splice: &'p Splice,
}

/// Checks all there is to check; the file after is passed on only if nothing is wrong.
pub(super) fn check(claim: &Claim<'_>, after: &Tree<'_>) -> Result<(), Refusal> {
    same_bytes(claim, after)?;
    same_meaning(claim, after)?;
    safe_scalars(claim, after)?;
    same_comments(claim, after)
}

fn failed(reason: impl Into<String>) -> Refusal {
    Refusal::of(Code::ProofFailed, reason)
}

fn same_bytes(claim: &Claim<'_>, after: &Tree<'_>) -> Result<(), Refusal> {
    let range = &claim.splice.range;
    let (head, tail) = (claim.before.text.get(..range.start), claim.before.text.get(range.end..));
    let kept = head.is_some_and(|head| after.text.starts_with(head))
        && tail.is_some_and(|tail| after.text.ends_with(tail))
        && after.text.len() == claim.before.text.len() - range.len() + claim.splice.text.len();
    if kept {
        Ok(())
    } else {
        Err(Refusal::of(Code::NotMinimal, "bytes outside of the place of the edit would change"))
    }
}

fn same_meaning(claim: &Claim<'_>, after: &Tree<'_>) -> Result<(), Refusal> {
    let mut wanted = claim.model.to_vec();
    if wanted.is_empty() {
        wanted.push(Value::Null);
    }
    let root = wanted.get_mut(claim.document).ok_or_else(|| failed("the document is not there"))?;
    model::apply(root, &claim.edit.path.0, claim.edit.op, claim.edit.value.as_ref()).map_err(failed)?;
    let got = model::effective(after.text).map_err(|refusal| failed(format!("the result: {}", refusal.reason)))?;
    if got != wanted {
        return Err(failed("the result, read again, is not what was asked for"));
    }
    same_old_meaning(claim, after)
}

// The same once more as YAML 1.1 readers have it, who take `yes` and `2001-01-01` for other things.
fn same_old_meaning(claim: &Claim<'_>, after: &Tree<'_>) -> Result<(), Refusal> {
    let mut wanted = model::old(claim.before)?;
    if wanted.is_empty() {
        wanted.push(Value::Null);
    }
    let mut steps = claim.edit.path.0.clone();
    locate::settle(claim.before, claim.document, &mut steps);
    let root = wanted.get_mut(claim.document).ok_or_else(|| failed("the document is not there"))?;
    model::apply(root, &steps, claim.edit.op, claim.edit.value.as_ref()).map_err(failed)?;
    if model::old(after)? == wanted {
        return Ok(());
    }
    Err(failed("the result, read by YAML 1.1 rules, is not what was asked for"))
}

fn safe_scalars(claim: &Claim<'_>, after: &Tree<'_>) -> Result<(), Refusal> {
    let Some(wanted) = &claim.edit.value else { return Ok(()) };
    let Some(id) = target(claim, after) else { return Err(failed("the new value is not found again")) };
    let keys = |id: &Id| match &after.node(*id).kind {
        Kind::Map { entries, .. } => entries.iter().map(|entry| entry.key).collect(),
        Kind::List { .. } | Kind::Scalar(..) | Kind::Alias(_) => Vec::new(),
    };
    let strings = after
        .subtree(id)
        .iter()
        .flat_map(keys)
        .all(|key| after.scalar(key).is_some_and(|text| locate::equals(after, key, &text.into(), false)));
    if strings && locate::equals(after, id, wanted, false) {
        return Ok(());
    }
    Err(failed("the new value would be read as another by YAML 1.1 or YAML 1.2 readers"))
}

/// The node that an edit has made or changed.
pub(super) fn target(claim: &Claim<'_>, after: &Tree<'_>) -> Option<Id> {
    let mut steps = claim.edit.path.0.clone();
    let last_of = |id: Id| match &after.node(after.resolve(id)).kind {
        Kind::List { items, .. } => items.last().map(|item| item.node),
        Kind::Map { .. } | Kind::Scalar(..) | Kind::Alias(_) => None,
    };
    locate::settle(claim.before, claim.document, &mut steps);
    match locate::find(after, claim.document, &Path(steps)).ok()?.found {
        Found::Node(id) if claim.edit.op == Op::Append => last_of(id),
        Found::Node(id) => Some(id),
        Found::Missing { .. } | Found::Merged { .. } => None,
    }
}

fn same_comments(claim: &Claim<'_>, after: &Tree<'_>) -> Result<(), Refusal> {
    let range = &claim.splice.range;
    let own = claim.edit.op == Op::Delete || claim.edit.op == Op::Set && replaces_lines(claim);
    // by text: how many are lost, and how many may be
    let mut count: BTreeMap<&str, (isize, isize)> = BTreeMap::new();
    for comment in &claim.before.comments {
        let may_go = own && range.start <= comment.start && comment.end <= range.end;
        let (lost, allowed) = count.entry(claim.before.slice(comment.clone()).trim_end()).or_default();
        *lost += 1;
        *allowed += isize::from(may_go);
    }
    for comment in &after.comments {
        count.entry(after.slice(comment.clone()).trim_end()).or_default().0 -= 1;
    }
    match count.iter().find(|(_, (lost, allowed))| *lost < 0 || lost > allowed) {
        None => Ok(()),
        Some((text, _)) => Err(Refusal::of(Code::NotMinimal, format!("the comment `{text}` would be lost or made up"))),
    }
}

fn replaces_lines(claim: &Claim<'_>) -> bool {
    let root = claim.before.documents.get(claim.document).map(|document| document.root);
    let target = root.and_then(|root| locate::follow(claim.before, root, &claim.edit.path.0));
    let block = target.is_some_and(|id| claim.before.node(id).is_block_collection());
    block || claim.before.slice(claim.splice.range.clone()).contains('\n')
}
