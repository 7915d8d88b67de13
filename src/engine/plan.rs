//! Applies changes to the tree of a commit, without a checkout.
//!
//! Must not look at anything but that commit and its history, so that the same base gives the same tree again.

use super::history;
use crate::domain::change::{Change, Landed};
use crate::domain::edit::{Applied, Code, Files, LandedChange, Refusal, apply};
use crate::domain::facts::Plan;
use crate::domain::ids::{Digest, Oid};
use crate::domain::policy::objects::around;
use crate::git::{GitError, Mirror, Node};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The most bytes a file may have.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// The files of one commit; what git itself cannot answer is kept apart from what may not be edited.
#[derive(Debug)]
pub struct TreeFiles<'a> {
    mirror: &'a Mirror,
    commit: &'a Oid,
    tree: Oid,
    fault: RefCell<Option<GitError>>,
}

impl<'a> TreeFiles<'a> {
    /// The files of a commit of this mirror.
    pub fn new(mirror: &'a Mirror, commit: &'a Oid) -> Result<TreeFiles<'a>, GitError> {
        Ok(TreeFiles { mirror, commit, tree: mirror.tree(commit)?, fault: RefCell::default() })
    }

    /// What git could not answer, if anything.
    fn fault(self) -> Option<GitError> {
        self.fault.into_inner()
    }

    fn refuse(&self, path: &str, error: GitError) -> Refusal {
        let code = match &error {
            GitError::TooLarge { .. } => Code::TooLarge,
            GitError::Link(_) => Code::Link,
            GitError::NotFound(_) | GitError::Busy(_) | GitError::Refused(_) | GitError::Other(_) => Code::Parse,
        };
        let refusal = Refusal::of(code, error.to_string()).in_file(path);
        if code == Code::Parse {
            self.fault.borrow_mut().get_or_insert(error);
        }
        refusal
    }
}

impl Files for TreeFiles<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let place = |code, reason: String| Refusal::of(code, reason).in_file(path);
        let refuse = |error: GitError| self.refuse(path, error);
        match self.mirror.node(&self.tree, path).map_err(refuse)? {
            None => Ok(None),
            Some(Node::File { oid, .. }) => self.mirror.read(&oid, MAX_FILE).map(Some).map_err(refuse),
            Some(Node::Link) => Err(place(Code::Link, "this is a symbolic link: name the file it points to".into())),
            Some(Node::Submodule) => {
                Err(place(Code::Link, "this is a submodule: propose to its own repository".into()))
            }
            Some(Node::Through(link)) => {
                Err(place(Code::Link, format!("the path leads through the link or submodule `{link}`")))
            }
            Some(Node::Directory(_)) => Err(place(Code::NotFound, "this is a directory, not a file".into())),
        }
    }

    fn list(&self, directory: &str, limit: usize) -> Result<Vec<String>, Refusal> {
        match self.mirror.node(&self.tree, directory).map_err(|error| self.refuse(directory, error))? {
            Some(Node::Directory(_)) => {
                self.mirror.list(&self.tree, directory, limit).map_err(|error| self.refuse(directory, error))
            }
            Some(Node::File { .. } | Node::Link | Node::Submodule | Node::Through(_)) | None => {
                Err(Refusal::of(Code::NotFound, "there is no such directory").in_file(directory))
            }
        }
    }

    fn landed(&self, what: Landed<'_>) -> Result<Option<LandedChange>, Refusal> {
        history::landed(self.mirror, self.commit, what).map_err(|error| self.refuse("", error))?
    }
}

/// Applies changes to a commit; gives the new tree beside what was applied.
pub fn apply_to(mirror: &Mirror, base: &Oid, changes: &[Change]) -> Result<Result<(Oid, Applied), Refusal>, GitError> {
    let files = TreeFiles::new(mirror, base)?;
    let tree = files.tree.clone();
    let applied = match apply(&files, changes) {
        Ok(applied) => applied,
        Err(refusal) => return files.fault().map_or(Ok(Err(refusal)), Err),
    };
    if applied.files.is_empty() {
        return Ok(Ok((tree, applied)));
    }
    let files: Vec<_> = applied.files.iter().map(|file| (file.path.clone(), Some(file.after.clone()))).collect();
    match mirror.write(&tree, &files) {
        Ok(written) => Ok(Ok((written, applied))),
        Err(GitError::Link(place)) => Ok(Err(Refusal::of(Code::Link, format!("{place} is a symlink or a submodule")))),
        Err(error) => Err(error),
    }
}

/// The plan of a change list on a commit.
pub fn plan(mirror: &Mirror, base: &Oid, changes: &[Change]) -> Result<Result<Plan, Refusal>, GitError> {
    let (written, applied) = match apply_to(mirror, base, changes)? {
        Ok(done) => done,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let changeset = Digest::of(&mirror.raw_diff(base, &written)?);
    let inverse = applied.inverse.bytes();
    let around = match surroundings(mirror, base, &applied)? {
        Ok(around) => around,
        Err(refusal) => return Ok(Err(refusal)),
    };
    Ok(Ok(Plan { tree: written, changeset, applied, inverse, around }))
}

/// The namespaces that kustomizations of the base give the changed files.
fn surroundings(
    mirror: &Mirror,
    base: &Oid,
    applied: &Applied,
) -> Result<Result<BTreeMap<String, String>, Refusal>, GitError> {
    let files = TreeFiles::new(mirror, base)?;
    let mut found = BTreeMap::new();
    for file in &applied.files {
        match around(&files, &file.path) {
            Ok(Some(namespace)) => drop(found.insert(file.path.clone(), namespace)),
            Ok(None) => {}
            Err(refusal) => return files.fault().map_or(Ok(Err(refusal)), Err),
        }
    }
    Ok(Ok(found))
}
