//! Reads what is left of a landed change on the tip of its base branch, and which commit took it back.
//!
//! Must not look at messages, nor at more commits and bytes than its limits.

use super::super::Trouble;
use super::super::plan::apply_to;
use super::super::thread::blocking;
use super::change;
use crate::domain::change::{Change, Landed, Revert};
use crate::domain::edit::{LandedChange, Remains, not_landed};
use crate::domain::facts::{Base, Left, Undone, User};
use crate::domain::ids::{Oid, Time};
use crate::domain::lifecycle::{Record, Stage};
use crate::forge::Forge;
use crate::git::{GitError, Mirror, Node};
use std::sync::Arc;
use tracing::debug;

/// The most commits of the base branch that are looked at for the one that took a change back.
const COMMITS: usize = 1_000;
/// The most bytes of a file.
const MAX_FILE: u64 = 8 * 1024 * 1024;
/// Seconds after the merge until a base branch without the landed commit is one that was rewritten: before that it may
/// be an answer from before the merge.
const LAG: i64 = 600;

/// What is left of what a proposal changed; none while it has not landed, or the base is not one to judge by.
pub(in crate::engine) async fn left(
    forge: &Arc<dyn Forge>,
    mirror: &Mirror,
    record: &Record,
    base: Option<&Base>,
    now: Time,
) -> Result<Option<Left>, Trouble> {
    let watched = match record.stage {
        Stage::Merged => true,
        Stage::Settled => record.owes_revert || record.undone.is_none(),
        Stage::Received | Stage::Pushed | Stage::Open | Stage::Dropped => false,
    };
    let (Some(landed), Some(base), true) = (record.landed.clone(), base, watched) else { return Ok(None) };
    let (mirror, tip, owed) = (mirror.clone(), base.tip.clone(), record.owes_revert);
    let stood = record.landed_as_attested == Some(true);
    let mut left = blocking(move || {
        let known = mirror.has(&landed.commit)?;
        let on_base = known && mirror.descends(&tip, &landed.commit)?;
        if !on_base && now < landed.at.plus_seconds(LAG) {
            return Ok(None);
        }
        // What never stood on the base cannot have been taken back there.
        if !known || !(on_base || stood) {
            let refusal = not_landed(Landed::Commit(&landed.commit));
            return Ok(Some(Left { way_back: Some(Err(refusal)), ..unknown() }));
        }
        look(&mirror, &tip, &landed.commit, owed).map(Some)
    })
    .await?;
    if let Some(undone) = left.as_mut().and_then(|left| left.undone.as_mut()) {
        undone.by = author(forge, &undone.commit).await;
    }
    Ok(left)
}

/// Who the forge takes for the author; only people read it, so that nothing waits for it.
async fn author(forge: &Arc<dyn Forge>, commit: &Oid) -> Option<User> {
    match forge.author(commit).await {
        Ok(user) => user,
        Err(error) => {
            debug!(%commit, %error, "the forge does not say who took a change back");
            None
        }
    }
}

fn unknown() -> Left {
    Left { remains: Remains::UNKNOWN, undone: None, way_back: None }
}

fn look(mirror: &Mirror, tip: &Oid, landed: &Oid, owed: bool) -> Result<Left, GitError> {
    let change = match change(mirror, landed.clone())? {
        Ok(change) => change,
        Err(refusal) => return Ok(Left { way_back: Some(Err(refusal)), ..unknown() }),
    };
    let remains = remains(mirror, tip, &change)?;
    let undone = if remains.is_back() { undone(mirror, tip, &change, remains)? } else { None };
    let back = || {
        let revert = Change::Revert(Revert { commit: Some(landed.clone()), proposal: None });
        apply_to(mirror, tip, &[revert]).map(|done| done.map(|(_, applied)| applied.files.len()))
    };
    Ok(Left { remains, undone, way_back: owed.then(back).transpose()? })
}

/// What stands at the places of a change in the tree of a commit.
fn remains(mirror: &Mirror, at: &Oid, change: &LandedChange) -> Result<Remains, GitError> {
    let tree = mirror.tree(at)?;
    let mut all = Remains::default();
    for file in &change.files {
        let now = match mirror.node(&tree, &file.path)? {
            Some(Node::File { oid, size, .. }) if size <= MAX_FILE => Some(mirror.read(&oid, MAX_FILE)?),
            Some(Node::File { .. } | Node::Link | Node::Submodule | Node::Directory(_) | Node::Through(_)) => {
                all = all.and(Remains::UNKNOWN);
                continue;
            }
            None => None,
        };
        all = all.and(Remains::of(file, now.as_deref()));
    }
    Ok(all)
}

/// The newest commit on the line of first parents that took a place back.
fn undone(mirror: &Mirror, tip: &Oid, change: &LandedChange, now: Remains) -> Result<Option<Undone>, GitError> {
    let (mut at, mut here) = (tip.clone(), now);
    for _ in 0..COMMITS {
        if at == change.commit {
            break;
        }
        let commit = mirror.commit(&at)?;
        let Some(parent) = commit.parents.into_iter().next() else { break };
        if touches(mirror, &parent, &at, change)? {
            let before = remains(mirror, &parent, change)?;
            if before.back < here.back {
                return Ok(Some(Undone { commit: at, author: commit.author_name, by: None }));
            }
            here = before;
        }
        at = parent;
    }
    Ok(None)
}

/// Whether a commit changes any file of a change.
fn touches(mirror: &Mirror, parent: &Oid, commit: &Oid, change: &LandedChange) -> Result<bool, GitError> {
    let (old, new) = (mirror.tree(parent)?, mirror.tree(commit)?);
    if old == new {
        return Ok(false);
    }
    for file in &change.files {
        if mirror.node(&old, &file.path)? != mirror.node(&new, &file.path)? {
            return Ok(true);
        }
    }
    Ok(false)
}
