//! A commit of the base branch, as much of it as is needed to take it back.
//!
//! Must not know git: whoever keeps the files reads the history.

use super::{Code, Refusal};
use crate::domain::change::Landed;
use crate::domain::ids::Oid;

/// What a commit changed against its first parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedChange {
    /// The commit.
    pub commit: Oid,
    /// The files that differ, sorted by path.
    pub files: Vec<LandedFile>,
}

/// One file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedFile {
    /// The file.
    pub path: String,
    /// Its bytes before; none if the commit adds it.
    pub before: Option<Vec<u8>>,
    /// Its bytes after; none if the commit removes it.
    pub after: Option<Vec<u8>>,
}

/// The refusal of what was not found on the base branch.
pub fn not_landed(what: Landed<'_>) -> Refusal {
    let reason = match what {
        Landed::Commit(commit) => {
            format!("the commit {commit} is not on the base branch; only what landed there can be taken back")
        }
        Landed::Proposal(id) => format!(
            "no commit on the base branch carries the proposal `{id}`; name the commit, or check the proposal's id"
        ),
    };
    Refusal::of(Code::NotFound, reason)
}
