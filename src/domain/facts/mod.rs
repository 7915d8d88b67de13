//! Everything a decision may look at, gathered fresh, as plain values.
//!
//! Must not fetch anything: other rooms fill these in.

mod asked;
mod forge;
mod others;
mod quota;
mod rego;

pub use asked::{Asked, Halt, HaltOrder};
pub use forge::{
    Check, Comment, Conclusion, Landed, Mergeable, Opinion, Protection, Pull, PullState, Repository, Review, Right,
    User,
};
pub use others::{Before, Predecessor, Rival, Twin};
pub use quota::{Counts, Quota};
pub use rego::{Answer, Fault, MAX_POLICY, Policy};

use super::approval::Approvers;
use super::attest::KeySet;
use super::edit::{Applied, Refusal};
pub use super::ids::MergeMethod;
use super::ids::{Digest, Oid, Time};
use super::trust::{Judgement, Track};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// The namespace that a kustomization gives a changed file, by file.
    pub around: BTreeMap<String, String>,
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

/// An earlier proposal of the same incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its id.
    pub id: String,
    /// When it came.
    pub received: Time,
}

/// A report about the health of a merged change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Who reports: the reporter's id.
    pub reporter: String,
    /// What it found.
    pub result: Judgement,
    /// The revision it looked at; none for an alert, which is about what runs.
    pub revision: Option<Oid>,
    /// One sentence.
    pub note: String,
    /// When it came.
    pub at: Time,
    /// An incident or a loss, beside being bad.
    #[serde(default)]
    pub severe: bool,
    /// When the alert began that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

/// Something that was said of a merged change and does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// What was said, and by whom.
    pub said: String,
    /// Why it does not count.
    pub why: String,
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
    pub track: Track,
    /// How much is going on.
    pub counts: Counts,
    /// How much may; nothing where there are no rules.
    pub quota: Option<Quota>,
    /// Other proposals with the same effect.
    pub twins: Vec<Twin>,
    /// Other proposals about the same target that are not over.
    pub rivals: Vec<Rival>,
    /// The proposals whose good outcome its plan waits for.
    pub predecessors: Vec<Predecessor>,
    /// An earlier proposal of the same incident, within the hold period.
    pub earlier: Option<Earlier>,
    /// What was said of the landed change and counts.
    pub reports: Vec<HealthReport>,
    /// What was said and does not count.
    pub unfit: Vec<Unfit>,
    /// The oldest comment that asks for something and was not answered.
    pub asked: Option<Asked>,
    /// What whoever closed the pull request wrote last, if that is new.
    pub parting: Option<String>,
    /// Who stopped the repository, if somebody did.
    pub halted: Option<Halt>,
    /// What the policies of service and repository said; nothing where there are none.
    pub rego: Option<Answer>,
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
