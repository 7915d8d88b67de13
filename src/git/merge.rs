//! Three-way merges in the object database.
//!
//! Must not move a ref, and must not run the merge drivers that attributes name: libgit2 knows only its own.

use super::error::said;
use super::read::{find_commit, find_tree};
use super::write::signature;
use super::{DEPTH, GitError, Mirror, ours, raw};
use crate::domain::ids::{Oid, Time};

/// More commits than this are not replayed.
const COMMITS: usize = 1_000;

const TREE: i32 = 0o040_000;

/// What a merge gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// This tree.
    Clean(Oid),
    /// These paths do not go together.
    Conflict(Vec<String>),
}

/// What a replay of commits gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The last of the new commits.
    Done(Oid),
    /// These paths do not go together.
    Conflict(Vec<String>),
}

impl Mirror {
    /// The best common ancestor of two commits; none if they share no history.
    pub fn merge_base(&self, one: &Oid, two: &Oid) -> Result<Option<Oid>, GitError> {
        self.with(|repo| base_of(repo, raw(one)?, raw(two)?)?.map(ours).transpose())
    }

    /// Merges two commits into a tree.
    pub fn merge(&self, our: &Oid, their: &Oid) -> Result<Merged, GitError> {
        self.with(|repo| {
            let (our, their) = (find_commit(repo, our)?, find_commit(repo, their)?);
            let Some(base) = base_of(repo, our.id(), their.id())? else {
                return Ok(Merged::Conflict(vec!["(no common history)".to_owned()]));
            };
            if base == our.id() {
                return Ok(Merged::Clean(ours(their.tree_id())?));
            }
            if base == their.id() {
                return Ok(Merged::Clean(ours(our.tree_id())?));
            }
            let base = repo.find_commit(base).map_err(|e| said("the merge base", &e))?;
            let trees = [base.tree_id(), our.tree_id(), their.tree_id()];
            if let Some(tree) = simple(repo, trees, DEPTH)? {
                return Ok(Merged::Clean(ours(tree)?));
            }
            full(repo, &our, &their)
        })
    }

    /// Makes the commits that `head` has and `onto` has not again on top of `onto`, oldest first, merges left out.
    pub fn replay(&self, onto: &Oid, head: &Oid, committer: (&str, &str), at: Time) -> Result<Replayed, GitError> {
        self.with(|repo| {
            let committer = signature(committer.0, committer.1, at)?;
            let mut tip = raw(onto)?;
            for id in missing(repo, tip, raw(head)?)? {
                let commit = repo.find_commit(id).map_err(|e| said(&id.to_string(), &e))?;
                if commit.parent_count() > 1 {
                    continue;
                }
                match again(repo, tip, &commit)? {
                    Merged::Conflict(paths) => return Ok(Replayed::Conflict(paths)),
                    Merged::Clean(tree) => tip = seal(repo, tip, &tree, &commit, &committer)?,
                }
            }
            Ok(Replayed::Done(ours(tip)?))
        })
    }
}

/// The merge of libgit2, with renames and file contents; it reads every entry of the three trees.
pub(super) fn full(
    repo: &git2::Repository,
    our: &git2::Commit<'_>,
    their: &git2::Commit<'_>,
) -> Result<Merged, GitError> {
    let index = repo.merge_commits(our, their, None).map_err(|e| said("the merge", &e))?;
    settle(repo, index)
}

/// The merge of base, ours and theirs where no file was touched on both sides, reading only what differs; none if it
/// is not that simple. A path deleted on both sides is not: it may have been renamed twice.
fn simple(repo: &git2::Repository, trees: [git2::Oid; 3], depth: usize) -> Result<Option<git2::Oid>, GitError> {
    if depth == 0 {
        return Ok(None);
    }
    let [base, our, their] = trees.map(|tree| find_tree(repo, tree));
    let (base, our, their) = (base?, our?, their?);
    let lost = |e: git2::Error| said("the merge", &e);
    let mut builder = repo.treebuilder(Some(&our)).map_err(lost)?;
    for name in touched(&base, &their) {
        let entry = |tree: &git2::Tree<'_>| tree.get_name_bytes(&name).map(|entry| (entry.filemode(), entry.id()));
        let new = match (entry(&base), entry(&our), entry(&their)) {
            (base, our, their) if base == our => their,
            (None, our, their) if our == their => continue,
            (Some((was, _)), Some(our), Some(their)) if our == their && was != TREE => continue,
            (Some((TREE, base)), Some((TREE, our)), Some((TREE, their))) => {
                let Some(tree) = simple(repo, [base, our, their], depth - 1)? else { return Ok(None) };
                Some((TREE, tree)).filter(|_| !find_tree(repo, tree).is_ok_and(|tree| tree.is_empty()))
            }
            _ => return Ok(None),
        };
        match new {
            Some((mode, id)) => drop(builder.insert(name.as_slice(), id, mode).map_err(lost)?),
            None => builder.remove(name.as_slice()).map_err(lost)?,
        }
    }
    builder.write().map(Some).map_err(lost)
}

/// The names of the entries that differ.
fn touched(base: &git2::Tree<'_>, their: &git2::Tree<'_>) -> Vec<Vec<u8>> {
    let differs = |entry: &git2::TreeEntry<'_>, other: &git2::Tree<'_>| {
        let same = other.get_name_bytes(entry.name_bytes());
        same.is_none_or(|same| (same.filemode(), same.id()) != (entry.filemode(), entry.id()))
    };
    let new = their.iter().filter(|entry| differs(entry, base)).map(|entry| entry.name_bytes().to_vec());
    let gone = base.iter().filter(|entry| their.get_name_bytes(entry.name_bytes()).is_none());
    new.chain(gone.map(|entry| entry.name_bytes().to_vec())).collect()
}

fn base_of(repo: &git2::Repository, one: git2::Oid, two: git2::Oid) -> Result<Option<git2::Oid>, GitError> {
    match repo.merge_base(one, two) {
        Ok(id) => Ok(Some(id)),
        Err(e) if e.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(e) => Err(said("the merge base", &e)),
    }
}

/// The commits from `onto` to `head`, oldest first.
fn missing(repo: &git2::Repository, onto: git2::Oid, head: git2::Oid) -> Result<Vec<git2::Oid>, GitError> {
    let walk = || {
        let mut walk = repo.revwalk()?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE)?;
        walk.push(head)?;
        walk.hide(onto)?;
        walk.take(COMMITS + 1).collect::<Result<Vec<_>, _>>()
    };
    let commits = walk().map_err(|e| said(&head.to_string(), &e))?;
    if commits.len() > COMMITS {
        return Err(GitError::TooLarge { what: "the branch".to_owned(), limit: format!("{COMMITS} commits") });
    }
    Ok(commits)
}

/// The change of one commit on top of another.
fn again(repo: &git2::Repository, tip: git2::Oid, commit: &git2::Commit<'_>) -> Result<Merged, GitError> {
    let lost = |e: git2::Error| said(&commit.id().to_string(), &e);
    let ours = repo.find_commit(tip).and_then(|tip| tip.tree()).map_err(lost)?;
    let theirs = commit.tree().map_err(lost)?;
    let base = match commit.parent(0) {
        Ok(parent) => parent.tree().map_err(lost)?,
        Err(_) => {
            let empty = repo.treebuilder(None).and_then(|builder| builder.write()).map_err(lost)?;
            find_tree(repo, empty)?
        }
    };
    if let Some(tree) = simple(repo, [base.id(), ours.id(), theirs.id()], DEPTH)? {
        return Ok(Merged::Clean(super::ours(tree)?));
    }
    let index = repo.merge_trees(&base, &ours, &theirs, None).map_err(lost)?;
    settle(repo, index)
}

fn seal(
    repo: &git2::Repository,
    tip: git2::Oid,
    tree: &Oid,
    commit: &git2::Commit<'_>,
    committer: &git2::Signature<'_>,
) -> Result<git2::Oid, GitError> {
    let parent = repo.find_commit(tip).map_err(|e| said(&tip.to_string(), &e))?;
    let tree = find_tree(repo, raw(tree)?)?;
    let message = String::from_utf8_lossy(commit.message_raw_bytes());
    let made = repo.commit(None, &commit.author(), committer, &message, &tree, &[&parent]);
    made.map_err(|e| said("the replayed commit", &e))
}

fn settle(repo: &git2::Repository, mut index: git2::Index) -> Result<Merged, GitError> {
    if !index.has_conflicts() {
        let tree = index.write_tree_to(repo).map_err(|e| said("the merged tree", &e))?;
        return Ok(Merged::Clean(ours(tree)?));
    }
    let mut paths = Vec::new();
    for conflict in index.conflicts().map_err(|e| said("the merge", &e))? {
        let conflict = conflict.map_err(|e| said("the merge", &e))?;
        let entry = conflict.our.or(conflict.their).or(conflict.ancestor);
        paths.extend(entry.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()));
    }
    paths.sort();
    paths.dedup();
    Ok(Merged::Conflict(paths))
}
