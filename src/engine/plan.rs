//! Applies changes to a tree of the object database, without a checkout.

use crate::domain::change::Change;
use crate::domain::edit::{Applied, Code, Files, Inverse, Refusal, apply};
use crate::domain::facts::Plan;
use crate::domain::ids::{Digest, Oid};
use crate::git::{GitError, Mirror, Node};
use std::cell::RefCell;

/// The most bytes a file may have.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// The files of one tree; what git itself cannot answer is kept apart from what may not be edited.
#[derive(Debug)]
pub struct TreeFiles<'a> {
    mirror: &'a Mirror,
    tree: &'a Oid,
    fault: RefCell<Option<GitError>>,
}

impl<'a> TreeFiles<'a> {
    /// The files of a tree of this mirror.
    pub fn new(mirror: &'a Mirror, tree: &'a Oid) -> TreeFiles<'a> {
        TreeFiles { mirror, tree, fault: RefCell::default() }
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
        match self.mirror.node(self.tree, path).map_err(refuse)? {
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
}

/// Applies changes to a tree; gives the new tree beside what was applied.
pub fn apply_to(mirror: &Mirror, tree: &Oid, changes: &[Change]) -> Result<Result<(Oid, Applied), Refusal>, GitError> {
    let files = TreeFiles::new(mirror, tree);
    let applied = match apply(&files, changes) {
        Ok(applied) => applied,
        Err(refusal) => return files.fault().map_or(Ok(Err(refusal)), Err),
    };
    if applied.files.is_empty() {
        return Ok(Ok((tree.clone(), applied)));
    }
    let files: Vec<_> = applied.files.iter().map(|file| (file.path.clone(), Some(file.after.clone()))).collect();
    match mirror.write(tree, &files) {
        Ok(written) => Ok(Ok((written, applied))),
        Err(GitError::Link(place)) => Ok(Err(Refusal::of(Code::Link, format!("{place} is a symlink or a submodule")))),
        Err(error) => Err(error),
    }
}

/// The plan of a change list on a tree.
pub fn plan(mirror: &Mirror, tree: &Oid, changes: &[Change]) -> Result<Result<Plan, Refusal>, GitError> {
    let (written, applied) = match apply_to(mirror, tree, changes)? {
        Ok(done) => done,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let changeset = Digest::of(&mirror.raw_diff(tree, &written)?);
    let inverse = Inverse::of(&applied.files).bytes();
    Ok(Ok(Plan { tree: written, changeset, applied, inverse }))
}
