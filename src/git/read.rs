//! Reading commits, trees and files.
//!
//! Must not follow symlinks or enter submodules, and must not load what is over its limit.

use super::error::said;
use super::{DEPTH, GitError, Mirror, ours, plain, raw};
use crate::domain::ids::{Oid, Time};
use git2::ObjectType;

/// A commit's fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its tree.
    pub tree: Oid,
    /// Its parents, in order.
    pub parents: Vec<Oid>,
    /// The author's name; bytes that are not UTF-8 are replaced.
    pub author_name: String,
    /// The author's address; bytes that are not UTF-8 are replaced.
    pub author_email: String,
    /// The whole message; bytes that are not UTF-8 are replaced.
    pub message: String,
    /// The committer's time.
    pub time: Time,
}

/// What stands at a path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A regular file.
    File {
        /// Its blob.
        oid: Oid,
        /// Its size in bytes.
        size: u64,
        /// Its mode, `0o100644` or `0o100755`.
        mode: u32,
    },
    /// A symlink.
    Link,
    /// A submodule.
    Submodule,
    /// A directory, with its tree.
    Directory(Oid),
    /// The path leads through the symlink or submodule named here.
    Through(String),
}

impl Mirror {
    /// The tree of a commit.
    pub fn tree(&self, commit: &Oid) -> Result<Oid, GitError> {
        self.with(|repo| ours(find_commit(repo, commit)?.tree_id()))
    }

    /// Reads a commit.
    pub fn commit(&self, oid: &Oid) -> Result<Commit, GitError> {
        self.with(|repo| {
            let commit = find_commit(repo, oid)?;
            let author = commit.author();
            Ok(Commit {
                tree: ours(commit.tree_id())?,
                parents: commit.parent_ids().map(ours).collect::<Result<_, _>>()?,
                author_name: String::from_utf8_lossy(author.name_bytes()).into_owned(),
                author_email: String::from_utf8_lossy(author.email_bytes()).into_owned(),
                message: String::from_utf8_lossy(commit.message_raw_bytes()).into_owned(),
                time: Time::default().plus_seconds(commit.time().seconds()),
            })
        })
    }

    /// The commits that fit, newest first, among the first `limit` of a commit's line of first parents.
    pub fn first_parents(
        &self,
        from: &Oid,
        limit: usize,
        fits: &dyn Fn(&Commit) -> bool,
    ) -> Result<Vec<Oid>, GitError> {
        let (mut next, mut found) = (Some(from.clone()), Vec::new());
        for _ in 0..limit {
            let Some(oid) = next else { break };
            let commit = self.commit(&oid)?;
            if fits(&commit) {
                found.push(oid);
            }
            next = commit.parents.into_iter().next();
        }
        Ok(found)
    }

    /// Whether the repository has this object.
    pub fn has(&self, oid: &Oid) -> Result<bool, GitError> {
        let id = raw(oid)?;
        self.with(|repo| Ok(repo.odb().map_err(|e| said(oid.as_str(), &e))?.exists(id)))
    }

    /// What stands at a path, `/` between its names; none if nothing does.
    pub fn node(&self, tree: &Oid, path: &str) -> Result<Option<Node>, GitError> {
        self.with(|repo| node(repo, tree, path))
    }

    /// Reads a blob of at most `limit` bytes.
    pub fn read(&self, blob: &Oid, limit: u64) -> Result<Vec<u8>, GitError> {
        let id = raw(blob)?;
        self.with(|repo| {
            let odb = repo.odb().map_err(|e| said(blob.as_str(), &e))?;
            let (size, kind) = odb.read_header(id).map_err(|e| said(blob.as_str(), &e))?;
            if kind != ObjectType::Blob {
                return Err(GitError::Other(format!("{blob} is a {kind}, not a file")));
            }
            if size as u64 > limit {
                return Err(GitError::TooLarge {
                    what: format!("{blob}, {size} bytes,"),
                    limit: format!("{limit} bytes"),
                });
            }
            Ok(odb.read(id).map_err(|e| said(blob.as_str(), &e))?.data().to_vec())
        })
    }

    /// The paths of all regular files under a directory (`""` is the root), sorted by their bytes; more than `limit`
    /// are an error. Symlinks, submodules and names that are not UTF-8 are left out.
    pub fn list(&self, tree: &Oid, directory: &str, limit: usize) -> Result<Vec<String>, GitError> {
        self.with(|repo| {
            let root = match node(repo, tree, directory)? {
                Some(Node::Directory(oid)) => oid,
                Some(Node::Link | Node::Submodule) => return Err(GitError::Link(directory.to_owned())),
                Some(Node::Through(place)) => return Err(GitError::Link(place)),
                Some(Node::File { .. }) => return Err(GitError::Other(format!("{directory} is a file"))),
                None => return Err(GitError::NotFound(format!("{directory}: there is no such directory"))),
            };
            let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
            let mut paths = Vec::new();
            collect(repo, raw(&root)?, &prefix, limit, DEPTH, &mut paths)?;
            Ok(paths)
        })
    }

    /// Whether the commit is the ancestor itself or comes after it.
    pub fn descends(&self, commit: &Oid, ancestor: &Oid) -> Result<bool, GitError> {
        if commit == ancestor {
            return Ok(true);
        }
        let (from, to) = (raw(commit)?, raw(ancestor)?);
        self.with(|repo| repo.graph_descendant_of(from, to).map_err(|e| said(commit.as_str(), &e)))
    }
}

/// Finds a commit.
pub(super) fn find_commit<'r>(repo: &'r git2::Repository, oid: &Oid) -> Result<git2::Commit<'r>, GitError> {
    repo.find_commit(raw(oid)?).map_err(|e| said(&format!("commit {oid}"), &e))
}

/// The largest tree object, bytes: about 400,000 entries in one folder.
const TREE: usize = 16 << 20;

/// Finds a tree; one that is too large is not loaded.
pub(super) fn find_tree(repo: &git2::Repository, id: git2::Oid) -> Result<git2::Tree<'_>, GitError> {
    let header = repo.odb().and_then(|odb| odb.read_header(id));
    let (size, _) = header.map_err(|e| said(&format!("tree {id}"), &e))?;
    if size > TREE {
        return Err(GitError::TooLarge { what: format!("a folder, {size} bytes,"), limit: format!("{TREE} bytes") });
    }
    repo.find_tree(id).map_err(|e| said(&format!("tree {id}"), &e))
}

fn node(repo: &git2::Repository, tree: &Oid, path: &str) -> Result<Option<Node>, GitError> {
    if path.is_empty() {
        return Ok(Some(Node::Directory(tree.clone())));
    }
    let mut here = find_tree(repo, raw(tree)?)?;
    let mut end = 0;
    loop {
        let rest = path.get(end..).unwrap_or_default();
        let (name, last) = rest.split_once('/').map_or((rest, true), |(name, _)| (name, false));
        end += name.len();
        let entry = if plain(name) { here.get_name(name).map(|entry| (entry.id(), entry.filemode())) } else { None };
        let Some((id, mode)) = entry else { return Ok(None) };
        if last {
            return found(repo, path, id, mode).map(Some);
        }
        match mode {
            0o040_000 => here = find_tree(repo, id)?,
            0o120_000 | 0o160_000 => return Ok(Some(Node::Through(path.get(..end).unwrap_or(path).to_owned()))),
            _ => return Ok(None),
        }
        end += 1;
    }
}

fn found(repo: &git2::Repository, path: &str, id: git2::Oid, mode: i32) -> Result<Node, GitError> {
    match mode {
        0o040_000 => Ok(Node::Directory(ours(id)?)),
        0o120_000 => Ok(Node::Link),
        0o160_000 => Ok(Node::Submodule),
        _ => {
            let header = repo.odb().and_then(|odb| odb.read_header(id));
            let (size, _) = header.map_err(|e| said(path, &e))?;
            Ok(Node::File { oid: ours(id)?, size: size as u64, mode: mode.cast_unsigned() })
        }
    }
}

fn collect(
    repo: &git2::Repository,
    tree: git2::Oid,
    prefix: &str,
    limit: usize,
    depth: usize,
    paths: &mut Vec<String>,
) -> Result<(), GitError> {
    if depth == 0 {
        return Err(too_deep(prefix));
    }
    for entry in &find_tree(repo, tree)? {
        let Ok(name) = entry.name() else { continue };
        match entry.filemode() {
            0o040_000 => collect(repo, entry.id(), &format!("{prefix}{name}/"), limit, depth - 1, paths)?,
            0o120_000 | 0o160_000 => {}
            _ if paths.len() == limit => {
                let what = if prefix.is_empty() { "the repository".to_owned() } else { prefix.to_owned() };
                return Err(GitError::TooLarge { what, limit: format!("{limit} files") });
            }
            _ => paths.push(format!("{prefix}{name}")),
        }
    }
    Ok(())
}

/// The refusal of a tree with too many levels.
pub(super) fn too_deep(path: &str) -> GitError {
    let what = path.chars().take(80).collect::<String>() + "...";
    GitError::TooLarge { what, limit: format!("{DEPTH} levels") }
}
