//! Refs, moved by compare-and-swap.
//!
//! Must not move a ref that stands elsewhere than the caller believes.

use super::error::said;
use super::{GitError, Mirror, ours, plain, raw};
use crate::domain::ids::Oid;
use std::time::Duration;

/// How often a lock is tried, and how long apart.
const TRIES: u32 = 80;
const PAUSE: Duration = Duration::from_millis(5);

impl Mirror {
    /// What a ref points to, by its full name; none if there is no such ref.
    pub fn reference(&self, name: &str) -> Result<Option<Oid>, GitError> {
        valid(name)?;
        self.with(|repo| target(repo, name)?.map(ours).transpose())
    }

    /// The refs whose full names begin with this prefix, sorted by name.
    pub fn references(&self, prefix: &str) -> Result<Vec<(String, Oid)>, GitError> {
        if !plain(prefix) {
            return Ok(Vec::new());
        }
        self.with(|repo| {
            let mut found = Vec::new();
            for reference in repo.references_glob(&format!("{prefix}*")).map_err(|e| said(prefix, &e))? {
                let reference = reference.map_err(|e| said(prefix, &e))?;
                let (Ok(name), Some(id)) = (reference.name(), reference.target()) else { continue };
                if name.starts_with(prefix) {
                    found.push((name.to_owned(), ours(id)?));
                }
            }
            found.sort();
            Ok(found)
        })
    }

    /// The branch that `HEAD` names, whether it exists or not; none if `HEAD` names a commit.
    pub fn default_branch(&self) -> Result<Option<String>, GitError> {
        self.with(|repo| {
            let head = repo.find_reference("HEAD").map_err(|e| said("HEAD", &e))?;
            let target = head.symbolic_target().map_err(|e| said("HEAD", &e))?;
            Ok(target.and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned))
        })
    }

    /// Moves a ref, only if it is where it is expected: `old` none makes it, `new` none removes it. Answers false, and
    /// moves nothing, if it stands elsewhere. Safe against other processes.
    pub fn move_reference(&self, name: &str, old: Option<&Oid>, new: Option<&Oid>) -> Result<bool, GitError> {
        valid(name)?;
        let (old, new) = (old.map(raw).transpose()?, new.map(raw).transpose()?);
        self.with(|repo| {
            let mut tries = 0;
            loop {
                match swap(repo, name, old, new) {
                    Err(GitError::Busy(_)) if tries < TRIES => tries += 1,
                    answer => return answer,
                }
                std::thread::sleep(PAUSE);
            }
        })
    }
}

fn valid(name: &str) -> Result<(), GitError> {
    if plain(name) && git2::Reference::is_valid_name(name) {
        Ok(())
    } else {
        Err(GitError::Other(format!("{name:?} is not a name for a ref")))
    }
}

fn target(repo: &git2::Repository, name: &str) -> Result<Option<git2::Oid>, GitError> {
    match repo.refname_to_id(name) {
        Ok(id) => Ok(Some(id)),
        Err(e) if e.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(e) => Err(said(name, &e)),
    }
}

/// Tries once. libgit2 compares under the ref's lock; the null id stands for "there is none".
fn swap(repo: &git2::Repository, name: &str, old: Option<git2::Oid>, new: Option<git2::Oid>) -> Result<bool, GitError> {
    let done = match (old, new) {
        (None, None) => return Ok(target(repo, name)?.is_none()),
        (Some(old), None) => remove(repo, name, old),
        (old, Some(new)) => {
            let expected = old.unwrap_or(git2::Oid::ZERO_SHA1);
            repo.reference_matching(name, new, true, expected, "countersign").map(|_| true)
        }
    };
    match done {
        Ok(done) => Ok(done),
        Err(e) if matches!(e.code(), git2::ErrorCode::Modified | git2::ErrorCode::NotFound) => {
            if target(repo, name)? == old { Err(said(name, &e)) } else { Ok(false) }
        }
        Err(e) => Err(said(name, &e)),
    }
}

/// Removes a ref that is still there; libgit2 compares with what was found here, under the lock.
fn remove(repo: &git2::Repository, name: &str, old: git2::Oid) -> Result<bool, git2::Error> {
    let mut reference = repo.find_reference(name)?;
    if reference.target() != Some(old) {
        return Ok(false);
    }
    reference.delete().map(|()| true)
}
