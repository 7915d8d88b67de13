//! Writing trees and commits.
//!
//! Must not touch a tree that is not on the path of a change: the cost does not grow with the repository.

use super::error::said;
use super::read::{find_commit, find_tree, too_deep};
use super::{DEPTH, GitError, Mirror, ours, plain, raw};
use crate::domain::ids::{Oid, Time};
use std::collections::BTreeMap;

/// A commit to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommit {
    /// Its tree.
    pub tree: Oid,
    /// Its parents, in order; none for a first commit.
    pub parents: Vec<Oid>,
    /// The author's and committer's name.
    pub author_name: String,
    /// The author's and committer's address.
    pub author_email: String,
    /// The author's and committer's time; its fraction of a second is dropped.
    pub at: Time,
    /// The whole message.
    pub message: String,
}

/// What is to become of the entries of one directory.
#[derive(Default)]
struct Plan<'a> {
    files: BTreeMap<&'a str, Option<&'a [u8]>>,
    directories: BTreeMap<&'a str, Plan<'a>>,
}

impl Mirror {
    /// Makes a tree that differs from the base in these files alone; no bytes delete. A file keeps its mode, a new one
    /// gets `0o100644`, a directory left empty goes away. Symlinks and submodules are neither written nor passed.
    pub fn write(&self, base_tree: &Oid, changes: &[(String, Option<Vec<u8>>)]) -> Result<Oid, GitError> {
        let plan = Plan::of(changes.iter().map(|(path, bytes)| (path.as_str(), bytes.as_deref())))?;
        let base = raw(base_tree)?;
        self.with(|repo| {
            let tree = find_tree(repo, base)?;
            ours(plan.carry_out(repo, Some(&tree), "")?)
        })
    }

    /// Makes a tree of these files alone.
    pub fn write_new(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<Oid, GitError> {
        let plan = Plan::of(files.iter().map(|(path, bytes)| (path.as_str(), Some(bytes.as_slice()))))?;
        self.with(|repo| ours(plan.carry_out(repo, None, "")?))
    }

    /// Makes a commit that no ref points to; the same fields give the same commit.
    pub fn make_commit(&self, new: &NewCommit) -> Result<Oid, GitError> {
        self.with(|repo| {
            let person = signature(&new.author_name, &new.author_email, new.at)?;
            let tree = find_tree(repo, raw(&new.tree)?)?;
            let parents = new.parents.iter().map(|oid| find_commit(repo, oid)).collect::<Result<Vec<_>, _>>()?;
            let parents: Vec<&git2::Commit<'_>> = parents.iter().collect();
            let made = repo.commit(None, &person, &person, &new.message, &tree, &parents);
            ours(made.map_err(|e| said("the new commit", &e))?)
        })
    }
}

/// A name, an address and a whole second in UTC.
pub(super) fn signature(name: &str, email: &str, at: Time) -> Result<git2::Signature<'static>, GitError> {
    let crossing = |c: char| c.is_control() || matches!(c, '<' | '>');
    if name.contains(crossing) || email.contains(crossing) {
        return Err(GitError::Other(format!("the author {name:?} {email:?} has characters that a commit cannot hold")));
    }
    git2::Signature::new(name, email, &git2::Time::new(at.seconds(), 0)).map_err(|e| said("the author", &e))
}

impl<'a> Plan<'a> {
    fn of(changes: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>) -> Result<Plan<'a>, GitError> {
        let mut root = Plan::default();
        for (path, bytes) in changes {
            let parts: Vec<&str> = path.split('/').collect();
            if parts.len() >= DEPTH {
                return Err(too_deep(path));
            }
            root.add(path, &parts, bytes)?;
        }
        Ok(root)
    }

    fn add(&mut self, path: &str, parts: &[&'a str], bytes: Option<&'a [u8]>) -> Result<(), GitError> {
        let Some((name, directories)) = parts.split_last() else { return Ok(()) };
        let mut here = self;
        for directory in directories {
            here = here.directories.entry(directory).or_default();
        }
        if parts.iter().any(|part| part.is_empty() || !plain(part)) {
            return Err(GitError::Other(format!("{path:?} is not a path of a file")));
        }
        match here.files.insert(name, bytes) {
            None => Ok(()),
            Some(_) => Err(GitError::Other(format!("{path} is changed twice"))),
        }
    }

    /// Writes the trees of this directory and of those below it; answers the new tree's id.
    fn carry_out(
        &self,
        repo: &git2::Repository,
        base: Option<&git2::Tree<'_>>,
        prefix: &str,
    ) -> Result<git2::Oid, GitError> {
        let mut builder = repo.treebuilder(base).map_err(|e| said(prefix, &e))?;
        for name in self.files.iter().filter(|(_, bytes)| bytes.is_none()).map(|(name, _)| name) {
            delete(&mut builder, name, prefix)?;
        }
        for (name, plan) in &self.directories {
            plan.enter(repo, &mut builder, name, prefix)?;
        }
        for (name, bytes) in &self.files {
            if let Some(bytes) = bytes {
                put(repo, &mut builder, name, bytes, prefix)?;
            }
        }
        builder.write().map_err(|e| said(prefix, &e))
    }

    fn enter(
        &self,
        repo: &git2::Repository,
        builder: &mut git2::TreeBuilder<'_>,
        name: &str,
        prefix: &str,
    ) -> Result<(), GitError> {
        let path = format!("{prefix}{name}");
        let old = entry(builder, name, &path)?;
        let tree = match old {
            None => None,
            Some((id, 0o040_000)) => Some(find_tree(repo, id)?),
            Some((_, 0o120_000 | 0o160_000)) => return Err(GitError::Link(path)),
            Some(_) => return Err(GitError::Other(format!("{path} is a file, not a directory"))),
        };
        let new = self.carry_out(repo, tree.as_ref(), &format!("{path}/"))?;
        if find_tree(repo, new)?.is_empty() {
            return if old.is_some() { builder.remove(name).map_err(|e| said(&path, &e)) } else { Ok(()) };
        }
        builder.insert(name, new, 0o040_000).map(|_| ()).map_err(|e| said(&path, &e))
    }
}

/// The id and mode of an entry.
fn entry(builder: &git2::TreeBuilder<'_>, name: &str, path: &str) -> Result<Option<(git2::Oid, i32)>, GitError> {
    let found = builder.get(name).map_err(|e| said(path, &e))?;
    Ok(found.map(|entry| (entry.id(), entry.filemode())))
}

fn delete(builder: &mut git2::TreeBuilder<'_>, name: &str, prefix: &str) -> Result<(), GitError> {
    let path = format!("{prefix}{name}");
    match entry(builder, name, &path)? {
        None => Err(GitError::NotFound(format!("{path}: there is no such file"))),
        Some((_, 0o120_000 | 0o160_000)) => Err(GitError::Link(path)),
        Some((_, 0o040_000)) => Err(GitError::Other(format!("{path} is a directory"))),
        Some(_) => builder.remove(name).map_err(|e| said(&path, &e)),
    }
}

fn put(
    repo: &git2::Repository,
    builder: &mut git2::TreeBuilder<'_>,
    name: &str,
    bytes: &[u8],
    prefix: &str,
) -> Result<(), GitError> {
    let path = format!("{prefix}{name}");
    let mode = match entry(builder, name, &path)? {
        None => 0o100_644,
        Some((_, 0o120_000 | 0o160_000)) => return Err(GitError::Link(path)),
        Some((_, 0o040_000)) => return Err(GitError::Other(format!("{path} is a directory"))),
        Some((_, mode)) => mode,
    };
    let blob = repo.blob(bytes).map_err(|e| said(&path, &e))?;
    builder.insert(name, blob, mode).map(|_| ()).map_err(|e| said(&path, &e))
}
