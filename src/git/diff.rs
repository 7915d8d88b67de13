//! What changed between two trees.
//!
//! Must not guess renames or read files: the bytes of `raw_diff` are signed, so they follow the trees alone.

use super::error::said;
use super::read::{find_tree, too_deep};
use super::{DEPTH, GitError, Mirror, ours, raw};
use crate::domain::ids::Oid;
use std::cmp::Ordering;

/// More changed paths than this are refused.
const LIMIT: usize = 200_000;

const TREE: i32 = 0o040_000;

/// One path that changed; a mode and a blob on each side that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathChange {
    /// The path.
    pub path: String,
    /// Mode and id before; none if it is new.
    pub old: Option<(u32, Oid)>,
    /// Mode and id after; none if it is gone.
    pub new: Option<(u32, Oid)>,
}

type Side = Option<(i32, git2::Oid)>;

struct Found {
    path: Vec<u8>,
    old: Side,
    new: Side,
}

impl Mirror {
    /// The bytes that `git diff-tree -r -z --no-renames <from> <to>` writes, of two commits or trees.
    pub fn raw_diff(&self, from: &Oid, to: &Oid) -> Result<Vec<u8>, GitError> {
        let mut bytes = Vec::new();
        for change in self.compare(from, to)? {
            bytes.extend_from_slice(header(&change).as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(&change.path);
            bytes.push(0);
        }
        Ok(bytes)
    }

    /// The paths that differ between two commits or trees, sorted by their bytes; an error if one is not UTF-8.
    pub fn changes(&self, from: &Oid, to: &Oid) -> Result<Vec<PathChange>, GitError> {
        let side = |side: Side| side.map(|(mode, id)| Ok((mode.cast_unsigned(), ours(id)?))).transpose();
        let change = |found: Found| {
            let path = String::from_utf8(found.path).map_err(|e| {
                GitError::Other(format!("the path `{}` is not UTF-8", String::from_utf8_lossy(e.as_bytes())))
            })?;
            Ok(PathChange { path, old: side(found.old)?, new: side(found.new)? })
        };
        self.compare(from, to)?.into_iter().map(change).collect()
    }

    fn compare(&self, from: &Oid, to: &Oid) -> Result<Vec<Found>, GitError> {
        self.with(|repo| {
            let (old, new) = (tree_of(repo, from)?, tree_of(repo, to)?);
            let mut walk = Walk { repo, path: Vec::new(), found: Vec::new() };
            walk.directories(Some(old), Some(new), DEPTH)?;
            Ok(walk.found)
        })
    }
}

/// The tree of a commit, or the tree itself.
fn tree_of(repo: &git2::Repository, oid: &Oid) -> Result<git2::Oid, GitError> {
    let object = repo.find_object(raw(oid)?, None).map_err(|e| said(oid.as_str(), &e))?;
    object.peel_to_tree().map(|tree| tree.id()).map_err(|e| said(oid.as_str(), &e))
}

fn header(change: &Found) -> String {
    let kind = |mode: i32| mode & 0o170_000;
    let letter = match (change.old, change.new) {
        (None, _) => 'A',
        (_, None) => 'D',
        (Some((old, _)), Some((new, _))) if kind(old) != kind(new) => 'T',
        (Some(_), Some(_)) => 'M',
    };
    let nothing = (0, git2::Oid::ZERO_SHA1);
    let ((old, before), (new, after)) = (change.old.unwrap_or(nothing), change.new.unwrap_or(nothing));
    format!(":{old:06o} {new:06o} {before} {after} {letter}")
}

struct Walk<'r> {
    repo: &'r git2::Repository,
    path: Vec<u8>,
    found: Vec<Found>,
}

impl Walk<'_> {
    /// Walks two directories side by side, in the order of git's trees, and goes down only where they differ.
    fn directories(&mut self, old: Option<git2::Oid>, new: Option<git2::Oid>, depth: usize) -> Result<(), GitError> {
        if depth == 0 {
            return Err(too_deep(&String::from_utf8_lossy(&self.path)));
        }
        let repo = self.repo;
        let open = |id: Option<git2::Oid>| id.map(|id| find_tree(repo, id)).transpose();
        let (old, new) = (open(old)?, open(new)?);
        let (mut left, mut right) = (0, 0);
        loop {
            let a = old.as_ref().and_then(|tree| tree.get(left));
            let b = new.as_ref().and_then(|tree| tree.get(right));
            match order(a.as_ref(), b.as_ref()) {
                None => return Ok(()),
                Some(Ordering::Less) => {
                    left += 1;
                    self.entries(a.as_ref(), None, depth)?;
                }
                Some(Ordering::Greater) => {
                    right += 1;
                    self.entries(None, b.as_ref(), depth)?;
                }
                Some(Ordering::Equal) => {
                    left += 1;
                    right += 1;
                    self.entries(a.as_ref(), b.as_ref(), depth)?;
                }
            }
        }
    }

    /// Notes two entries of one name that differ, or goes down into them.
    fn entries(
        &mut self,
        old: Option<&git2::TreeEntry<'_>>,
        new: Option<&git2::TreeEntry<'_>>,
        depth: usize,
    ) -> Result<(), GitError> {
        let side = |entry: Option<&git2::TreeEntry<'_>>| entry.map(|e| (e.filemode(), e.id()));
        let (before, after) = (side(old), side(new));
        let Some(either) = old.or(new).filter(|_| before != after) else { return Ok(()) };
        let length = self.path.len();
        self.path.extend_from_slice(either.name_bytes());
        if either.filemode() == TREE {
            self.path.push(b'/');
            self.directories(old.map(git2::TreeEntry::id), new.map(git2::TreeEntry::id), depth - 1)?;
        } else if self.found.len() == LIMIT {
            return Err(GitError::TooLarge { what: "the change".to_owned(), limit: format!("{LIMIT} files") });
        } else {
            self.found.push(Found { path: self.path.clone(), old: before, new: after });
        }
        self.path.truncate(length);
        Ok(())
    }
}

/// Which entry comes first in a tree of git, where a directory is sorted as if its name ended in `/`.
fn order(a: Option<&git2::TreeEntry<'_>>, b: Option<&git2::TreeEntry<'_>>) -> Option<Ordering> {
    match (a, b) {
        (None, None) => None,
        (Some(_), None) => Some(Ordering::Less),
        (None, Some(_)) => Some(Ordering::Greater),
        (Some(a), Some(b)) => Some(key(a).cmp(key(b))),
    }
}

fn key<'e>(entry: &'e git2::TreeEntry<'_>) -> impl Iterator<Item = u8> + 'e {
    let slash = (entry.filemode() == TREE).then_some(b'/');
    entry.name_bytes().iter().copied().chain(slash)
}
