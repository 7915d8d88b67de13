//! What a forge says of a repository, its people and its pull requests.
//!
//! Must not fetch anything: the forges' rooms fill these in.

use crate::domain::ids::{Oid, Time};
use serde::{Deserialize, Serialize};

/// A user of a forge; the number is the identity, the login is for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The forge's number.
    pub id: u64,
    /// The name shown to people; never decides anything.
    pub login: String,
}

/// What the forge says of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The forge's number.
    pub id: u64,
    /// Its name now.
    pub name: String,
    /// The branch that config is read from.
    pub default_branch: String,
    /// Archived or read-only.
    pub archived: bool,
    /// Who we are there.
    pub bot: User,
}

/// Whether a pull request is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullState {
    /// Open.
    Open,
    /// Closed without a merge.
    Closed,
    /// Merged.
    Merged,
}

/// A pull request as the forge shows it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// Its number in the repository.
    pub number: u64,
    /// The number of the repository it is in.
    pub repository: u64,
    /// Open, closed or merged.
    pub state: PullState,
    /// Marked as not ready.
    pub draft: bool,
    /// Locked by the forge's moderators.
    pub locked: bool,
    /// Its title.
    pub title: String,
    /// Its body, as sent by the forge.
    pub body: String,
    /// Who opened it.
    pub author: User,
    /// The branch it is to be merged into.
    pub base_ref: String,
    /// The branch it comes from.
    pub head_ref: String,
    /// The number of the repository the head is in.
    pub head_repository: u64,
    /// The commit at its head.
    pub head: Oid,
    /// Its labels.
    pub labels: Vec<String>,
    /// Reviews, oldest first.
    pub reviews: Vec<Review>,
    /// Checks and statuses of the head commit, whoever wrote them.
    pub checks: Vec<Check>,
    /// The last push, comment or review by anybody but us.
    pub touched_by_others: Option<Time>,
    /// Whether the forge could merge it.
    pub mergeable: Mergeable,
    /// How it was merged.
    pub merged: Option<Landed>,
    /// Who closed it without merging, where the forge says so.
    pub closed_by: Option<User>,
}

/// Whether a forge could merge a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mergeable {
    /// It could.
    Yes,
    /// It could not, in the forge's words.
    No(String),
    /// It does not know yet.
    Unknown,
}

/// How a pull request was merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landed {
    /// The commit on the base branch.
    pub commit: Oid,
    /// Who merged.
    pub by: User,
    /// When.
    pub at: Time,
}

/// A review of a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Who.
    pub by: User,
    /// Whether that person may write to the repository.
    pub can_write: bool,
    /// What they say.
    pub opinion: Opinion,
    /// The head commit they looked at.
    pub head: Oid,
    /// When.
    pub at: Time,
}

/// A comment on a pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// The forge's number for it.
    pub id: u64,
    /// Who wrote it.
    pub by: User,
    /// Written by a bot or an app, ours among them.
    pub bot: bool,
    /// Its text as it is now.
    pub text: String,
    /// When it was written.
    pub at: Time,
    /// When it was last edited, if it was.
    pub edited: Option<Time>,
}

/// What a user may do in a repository, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Nothing, or unknown.
    None,
    /// Look.
    Read,
    /// Push and merge.
    Write,
    /// Everything.
    Admin,
}

/// What a reviewer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// May be merged.
    Approve,
    /// Must be changed first.
    RequestChanges,
    /// A remark; takes no earlier opinion back.
    Comment,
    /// An earlier opinion, taken back.
    Dismissed,
}

/// A check run or commit status on a head commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The number of the app that wrote it.
    pub app: u64,
    /// The commit it is about.
    pub head: Oid,
    /// What it says.
    pub conclusion: Conclusion,
}

/// What a check says; only `Success` is success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Not done yet.
    Pending,
    /// Passed.
    Success,
    /// Failed.
    Failure,
    /// Neither; does not pass a required check.
    Neutral,
    /// Not run; does not pass a required check.
    Skipped,
    /// Ended without an answer: cancelled, timed out, stale.
    Cancelled,
    /// Waits for a person.
    ActionRequired,
}

/// What the forge itself demands of a branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protection {
    /// Names of required checks, with the app that must write them where the rule names one.
    pub checks: Vec<(String, Option<u64>)>,
    /// The head must contain the base's tip before a merge.
    pub strict: bool,
    /// A merge must go through the forge's queue.
    pub queue: bool,
    /// Approving reviews that are needed.
    pub approvals: u32,
}
