//! The port to forges: few methods, in our own types.
//!
//! Must not decide anything: it reads what is there and does what it is told, and says which.

mod bucket;
pub mod fetch;
pub mod github;
pub mod gitlab;
pub mod hook;
pub mod inspect;
pub mod local;
pub mod resolve;
mod wait;
mod wire;

use crate::domain::facts::{Check, Comment, Conclusion, MergeMethod, Protection, Pull, Repository, Right, User};
pub use crate::domain::facts::{MergeAnswer as Merge, Pushed};
use crate::domain::ids::{Oid, Time};
use crate::git::Mirror;
use async_trait::async_trait;

/// One repository of a forge, with the right to work there.
#[async_trait]
pub trait Forge: Send + Sync {
    /// Reads the repository by its number.
    async fn repository(&self) -> Result<Repository, ForgeError>;

    /// Brings the mirror up to date and hands it out.
    async fn sync(&self) -> Result<Mirror, ForgeError>;

    /// Reads a branch's tip from the forge itself; none if there is no such branch.
    async fn tip(&self, branch: &str) -> Result<Option<Oid>, ForgeError>;

    /// Reads what the forge demands of a branch; none if it cannot be read.
    async fn protection(&self, branch: &str) -> Result<Option<Protection>, ForgeError>;

    /// Makes one commit and moves one branch to it, only if the branch is where it is expected.
    async fn push(&self, push: &Push) -> Result<Pushed, ForgeError>;

    /// Finds the pull requests that come from this branch, newest first, closed ones too.
    async fn find(&self, head_ref: &str) -> Result<Vec<Pull>, ForgeError>;

    /// Opens a pull request, ready for review.
    async fn open(&self, new: &NewPull) -> Result<u64, ForgeError>;

    /// Gives a pull request of ours the labels and reviewers that it was opened with; nothing where opening gives them.
    async fn complete(&self, number: u64, new: &NewPull) -> Result<(), ForgeError> {
        let _ = (number, new);
        Ok(())
    }

    /// Reads a pull request by its number, past every cache.
    async fn pull(&self, number: u64) -> Result<Pull, ForgeError>;

    /// Reads what others say of a commit: its checks and statuses, without our own.
    async fn signals(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError>;

    /// Reads the newest deployment of a commit to each environment; the environment is the check's name.
    async fn deployments(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError>;

    /// Replaces a pull request's body.
    async fn set_body(&self, number: u64, body: &str) -> Result<(), ForgeError>;

    /// Sets one of our check runs on a head commit.
    async fn report(&self, head: &Oid, report: &Report) -> Result<(), ForgeError>;

    /// Writes our one comment of this key on a pull request, or edits it.
    async fn comment(&self, number: u64, key: &str, text: &str) -> Result<(), ForgeError>;

    /// Reads the comments of a pull request, oldest first.
    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError>;

    /// What a user may do in the repository; none where the forge's answer is about another number.
    async fn right(&self, user: &User) -> Result<Right, ForgeError>;

    /// Who the forge takes for the author of a commit; none where it does not tell.
    async fn author(&self, commit: &Oid) -> Result<Option<User>, ForgeError> {
        let _ = commit;
        Ok(None)
    }

    /// Merges a pull request whose head is exactly the one named.
    async fn merge(&self, number: u64, order: &MergeOrder) -> Result<Merge, ForgeError>;

    /// Closes a pull request without merging.
    async fn close(&self, number: u64) -> Result<(), ForgeError>;

    /// Removes a branch, only if it is still at this commit.
    async fn remove_branch(&self, branch: &str, at: &Oid) -> Result<(), ForgeError>;
}

/// One commit on one branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The branch's name, without `refs/heads/`.
    pub branch: String,
    /// Where the branch is now; none if it is to be made.
    pub old: Option<Oid>,
    /// The new commit's only parent.
    pub parent: Oid,
    /// The new commit's tree; its objects are in the mirror.
    pub tree: Oid,
    /// The commit message.
    pub message: String,
    /// The commit's time, whole seconds.
    pub at: Time,
}

/// A pull request to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPull {
    /// The branch it comes from.
    pub head_ref: String,
    /// The branch it goes into.
    pub base_ref: String,
    /// One line.
    pub title: String,
    /// The body.
    pub body: String,
    /// Labels to put on it.
    pub labels: Vec<String>,
    /// Reviewers to ask; those the forge does not know are left out.
    pub reviewers: Vec<String>,
}

/// One of our check runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name, `countersign/attestation` or `countersign/gate`.
    pub name: String,
    /// What it says.
    pub conclusion: Conclusion,
    /// One line.
    pub title: String,
    /// Markdown.
    pub summary: String,
}

/// The order to merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeOrder {
    /// The head commit that was checked.
    pub head: Oid,
    /// The method.
    pub method: MergeMethod,
    /// The merge commit's first line.
    pub title: String,
    /// The rest of its message.
    pub message: String,
}

/// What kept a forge from answering, by what the worker does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForgeError {
    /// The thing asked for is not there, or not visible to us.
    #[error("not found at the forge: {0}")]
    NotFound(String),
    /// We may not.
    #[error("the forge denies it: {0}")]
    Denied(String),
    /// Not before this moment.
    #[error("the forge limits our rate until {0}")]
    RateLimited(Time),
    /// The request is wrong in the forge's eyes; repeating it as it is does not help.
    #[error("the forge rejects it: {0}")]
    Rejected(String),
    /// No answer, or none that can be trusted; the effect may have happened.
    #[error("the forge did not answer well: {0}")]
    Transient(String),
}
