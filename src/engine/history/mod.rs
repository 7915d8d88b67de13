//! Finds a landed commit in the history of a base commit, with the bytes that it changed.
//!
//! Must not look at more than its limits, nor believe a message that is not a trailer.

mod left;
#[cfg(test)]
mod tests;

pub(super) use left::left;

use crate::domain::change::Landed;
use crate::domain::edit::{Code, LandedChange, LandedFile, Refusal, paths};
use crate::domain::ids::{Digest, Oid};
use crate::git::{Commit, GitError, Mirror, PathChange};

/// The most commits of the base branch that are looked at.
const COMMITS: usize = 10_000;
/// The most files that a commit may change.
const FILES: usize = 256;
/// The most bytes of one version of a file.
const MAX_FILE: u64 = 8 * 1024 * 1024;
/// The most bytes of all of them.
const BYTES: u64 = 64 * 1024 * 1024;

/// What a commit of the history of `base` changed; none if it is not part of it.
pub(super) fn landed(
    mirror: &Mirror,
    base: &Oid,
    what: Landed<'_>,
) -> Result<Result<Option<LandedChange>, Refusal>, GitError> {
    let commit = match what {
        Landed::Commit(commit) if mirror.has(commit)? && mirror.descends(base, commit)? => commit.clone(),
        Landed::Commit(_) => return Ok(Ok(None)),
        Landed::Proposal(id) => {
            let found =
                mirror.first_parents(base, COMMITS, &|commit| carries(commit, id) || merges(mirror, commit, id))?;
            match found.as_slice() {
                [] => return Ok(Ok(None)),
                [one] => one.clone(),
                many => return Ok(Err(several(id, many))),
            }
        }
    };
    change(mirror, commit).map(|change| change.map(Some))
}

/// Whether the last paragraph of a commit's message says that it carries out this proposal.
fn carries(commit: &Commit, id: &str) -> bool {
    let last = commit.message.trim_end().rsplit("\n\n").next().unwrap_or_default();
    last.lines().any(|line| {
        let rest = line.strip_prefix("Countersign-Proposal: ").or_else(|| line.strip_prefix("Proposal: "));
        let words = rest.and_then(|rest| rest.split_once(' '));
        words.is_some_and(|(named, digest)| named == id && digest.parse::<Digest>().is_ok())
    })
}

/// Whether it merges a commit that carries out this proposal: who merges by hand writes a message of their own.
fn merges(mirror: &Mirror, commit: &Commit, id: &str) -> bool {
    let [_, head] = commit.parents.as_slice() else { return false };
    mirror.commit(head).is_ok_and(|head| carries(&head, id))
}

fn several(id: &str, commits: &[Oid]) -> Refusal {
    let names: Vec<&str> = commits.iter().take(8).map(Oid::as_str).collect();
    let reason =
        format!("{} commits carry the proposal `{id}`: {}; name one by `commit`", commits.len(), names.join(", "));
    Refusal::of(Code::Ambiguous, reason)
}

fn change(mirror: &Mirror, commit: Oid) -> Result<Result<LandedChange, Refusal>, GitError> {
    let Some(parent) = mirror.commit(&commit)?.parents.into_iter().next() else {
        return Ok(Err(Refusal::of(Code::NotFound, "the commit is the first one; there is nothing to go back to")));
    };
    let changes = mirror.changes(&parent, &commit)?;
    if changes.len() > FILES {
        let reason = format!("the commit changes {} files; at most {FILES} are taken back at once", changes.len());
        return Ok(Err(Refusal::of(Code::TooLarge, reason)));
    }
    let (mut files, mut size) = (Vec::new(), 0);
    for change in changes {
        let file = match read(mirror, &change)? {
            Ok(file) => file,
            Err(refusal) => return Ok(Err(refusal.in_file(&change.path))),
        };
        let bytes = |side: &Option<Vec<u8>>| side.as_ref().map_or(0, Vec::len) as u64;
        size += bytes(&file.before) + bytes(&file.after);
        if size > BYTES {
            let reason = format!("the commit changes more than {} MiB", BYTES >> 20);
            return Ok(Err(Refusal::of(Code::TooLarge, reason)));
        }
        files.push(file);
    }
    Ok(Ok(LandedChange { commit, files }))
}

fn read(mirror: &Mirror, change: &PathChange) -> Result<Result<LandedFile, Refusal>, GitError> {
    let refuse = |code, reason: &str| Ok(Err(Refusal::of(code, reason)));
    if let Err(refusal) = paths::check(&change.path) {
        return Ok(Err(refusal));
    }
    let modes: Vec<u32> = [&change.old, &change.new].into_iter().flatten().map(|(mode, _)| *mode).collect();
    if modes.iter().any(|mode| !matches!(mode, 0o100_644 | 0o100_664 | 0o100_755)) {
        return refuse(Code::Link, "the commit changes a symbolic link or a submodule; take it back by hand");
    }
    if modes.windows(2).any(|pair| pair[0] != pair[1]) {
        return refuse(Code::NotMinimal, "the commit changes the file's mode; take it back by hand");
    }
    let side = |side: &Option<(u32, Oid)>| side.as_ref().map(|(_, oid)| mirror.read(oid, MAX_FILE)).transpose();
    match (side(&change.old), side(&change.new)) {
        (Ok(before), Ok(after)) => Ok(Ok(LandedFile { path: change.path.clone(), before, after })),
        (Err(error @ GitError::TooLarge { .. }), _) | (_, Err(error @ GitError::TooLarge { .. })) => {
            refuse(Code::TooLarge, &error.to_string())
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}
