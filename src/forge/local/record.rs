//! What the local forge keeps, as JSON files in commits of their own refs.
//!
//! Must not hold what git itself knows: heads, checks' commits and mergeability are read live.

use crate::domain::facts::{Check, Conclusion, MergeMethod, Review, User};
use crate::domain::ids::{Oid, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The number and the login.
    pub user: User,
    /// Whether that user may write to the repository.
    pub can_write: bool,
}

/// A pull request, kept as `pull.json` under `refs/countersign/pulls/<number>`; each change is one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRecord {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: String,
    /// Who opened it.
    pub author: User,
    /// The branch it goes into.
    pub base_ref: String,
    /// The branch it comes from.
    pub head_ref: String,
    /// The number of the repository the head is in.
    pub head_repository: u64,
    /// The head as last seen: what counts once the branch is gone or the pull request is no longer open.
    pub head: Oid,
    /// Its labels.
    pub labels: Vec<String>,
    /// Who was asked for a review.
    pub reviewers: Vec<String>,
    /// Marked as not ready.
    pub draft: bool,
    /// Locked.
    #[serde(default)]
    pub locked: bool,
    /// When it was opened.
    pub opened: Time,
    /// Who closed it without a merge, and when.
    pub closed: Option<Closed>,
    /// Merges that were begun, written before the base moves; one whose commit is on the base has happened.
    pub landings: Vec<Landing>,
    /// The merge that happened.
    pub merged: Option<Landing>,
    /// Reviews, oldest first.
    pub reviews: Vec<Review>,
    /// Comments, oldest first.
    pub comments: Vec<Comment>,
    /// When each user last pushed, commented, reviewed or edited, by the user's number.
    pub touched: BTreeMap<u64, Time>,
}

/// The end of a pull request without a merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Who.
    pub by: User,
    /// When.
    pub at: Time,
}

/// A merge, begun or done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landing {
    /// The commit for the base branch.
    pub commit: Oid,
    /// The branch.
    pub base_ref: String,
    /// The head that is merged.
    pub head: Oid,
    /// Who merges.
    pub by: User,
    /// When.
    pub at: Time,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its number within the pull request.
    pub id: u64,
    /// Who wrote it.
    pub by: User,
    /// Whether that user may write to the repository.
    pub can_write: bool,
    /// The key of a comment that is written once and then edited.
    pub key: Option<String>,
    /// Its text.
    pub text: String,
    /// When it was written.
    pub at: Time,
    /// When it was last edited.
    pub edited: Option<Time>,
}

/// One check of a commit; the list is kept as `checks.json` under `refs/countersign/checks/<commit>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// Its name.
    pub name: String,
    /// The number of the app that wrote it.
    pub app: u64,
    /// What it says.
    pub conclusion: Conclusion,
    /// One line.
    pub title: String,
    /// Markdown.
    pub summary: String,
    /// When it was written.
    pub at: Time,
}

impl CheckRecord {
    /// The check as a fact about its commit.
    pub(super) fn fact(self, head: &Oid) -> Check {
        Check { name: self.name, app: self.app, head: head.clone(), conclusion: self.conclusion }
    }
}

/// What a branch demands; all branches are kept as `protection.json` under `refs/countersign/protection`, where `null`
/// stands for rules that nobody may read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// Checks that must pass.
    pub checks: Vec<RequiredCheck>,
    /// The head must contain the base's tip.
    pub strict: bool,
    /// A merge must go through a queue, which the local forge does not have.
    pub queue: bool,
    /// Approvals by people who may write.
    pub approvals: u32,
    /// The methods that may merge; none for all.
    pub methods: Vec<MergeMethod>,
}

/// A check that must pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredCheck {
    /// Its name.
    pub name: String,
    /// The number of the app that must write it; none for any.
    #[serde(default)]
    pub app: Option<u64>,
}
