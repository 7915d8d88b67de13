//! Everything a decision may look at, gathered fresh, as plain values.
//!
//! Must not fetch anything: other rooms fill these in.

use super::approval::Approvers;
use super::attest::KeySet;
use super::edit::{Applied, Refusal};
pub use super::ids::MergeMethod;
use super::ids::{Digest, Oid, Time};
use super::trust::{Judgement, Outcome};
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

/// A branch that changes may go into, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its name.
    pub name: String,
    /// Its tip, the same from the forge and from git.
    pub tip: Oid,
    /// The tip's tree.
    pub tree: Oid,
}

/// The changes applied to the base as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The tree that gives.
    pub tree: Oid,
    /// SHA-256 of `git diff-tree -r -z --no-renames <base> <tree>`.
    pub changeset: Digest,
    /// The changed files; empty when everything stands already.
    pub applied: Applied,
    /// The bytes of the exact inverse.
    pub inverse: Vec<u8>,
}

/// The tip of our branch, as git shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The commit.
    pub commit: Oid,
    /// Its parents.
    pub parents: Vec<Oid>,
    /// Its tree.
    pub tree: Oid,
    /// SHA-256 of the raw diff against its first parent.
    pub changeset: Digest,
}

/// What a merge left on the base branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// The landed commit.
    pub commit: Oid,
    /// Its first parent.
    pub parent: Oid,
    /// Its tree.
    pub tree: Oid,
    /// Whether the first parent is the attested base or descends from it.
    pub follows_base: bool,
    /// Whether the commit is on the base branch.
    pub on_base: bool,
    /// The tree that the changes give on the first parent; none if they cannot be applied there.
    pub replayed: Option<Oid>,
}

impl Landing {
    /// Whether it is what was attested, on the base it was attested for or a later one.
    pub fn fits(&self) -> bool {
        self.on_base && self.follows_base && self.replayed.as_ref() == Some(&self.tree)
    }
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The branch is at this new commit.
    Done(Oid),
    /// The branch is not where it was expected; nothing moved.
    Moved(Option<Oid>),
}

/// What a forge answers to a merge order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeAnswer {
    /// Merged, as this commit on the base branch.
    Merged(Oid),
    /// Not now; ask again after reading everything again.
    NotReady(String),
    /// No, in the forge's words.
    Refused(String),
}

/// Another proposal with the same effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    /// Its id.
    pub id: String,
    /// Whether it is still going on.
    pub active: bool,
    /// When a person closed its pull request, if one did.
    pub rejected: Option<Time>,
}

/// How much is going on in the repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pull requests of ours that are open.
    pub open: u64,
    /// Pull requests of ours opened in the last hour.
    pub last_hour: u64,
    /// Other merges of ours into the same base that are under way.
    pub merging: u64,
}

/// The record of the class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackRecord {
    /// Its outcomes, oldest first.
    pub outcomes: Vec<Outcome>,
    /// Whether it was demoted and not re-armed.
    pub demoted: bool,
    /// Unattended merges whose outcome is not known yet.
    pub in_flight: u64,
}

/// A report about the health of a merged change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Who reports: the reporter's id.
    pub reporter: String,
    /// What it found.
    pub result: Judgement,
    /// The revision it looked at.
    pub revision: Oid,
    /// One sentence.
    pub note: String,
    /// When it came.
    pub at: Time,
}

/// Everything a decision may look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The moment all of this was read.
    pub now: Time,
    /// The clock stands behind the record's newest entry.
    pub clock_regressed: bool,
    /// Which deployment this is.
    pub instance: String,
    /// The repository.
    pub repository: Repository,
    /// What the forge demands of the base branch; none if it cannot be read.
    pub protection: Option<Protection>,
    /// The base branch; none if there is no such branch.
    pub base: Option<Base>,
    /// The changes on that base.
    pub plan: Result<Plan, Refusal>,
    /// Our branch, as the forge's git shows it.
    pub branch: Option<Tip>,
    /// The pull request of this proposal.
    pub pull: Option<Pull>,
    /// What the merge left, once there was one.
    pub landing: Option<Landing>,
    /// The keys that attestations are verified with.
    pub keys: KeySet,
    /// Who may approve, as of now.
    pub approvers: Approvers,
    /// The class's record.
    pub track: TrackRecord,
    /// How much is going on.
    pub counts: Counts,
    /// Other proposals with the same effect.
    pub twins: Vec<Twin>,
    /// Health reports that fit the landed commit.
    pub reports: Vec<HealthReport>,
    /// Seconds until the forge is looked at again when nothing else is due.
    pub sweep: i64,
}

/// One changed file, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSummary {
    /// The file.
    pub path: String,
    /// Lines added.
    pub added: u64,
    /// Lines removed.
    pub removed: u64,
    /// What was done inside it.
    pub touched: Vec<Touch>,
}

/// One place in a file, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// The place.
    pub path: String,
    /// What stood there.
    pub before: Option<String>,
    /// What stands there.
    pub after: Option<String>,
}
