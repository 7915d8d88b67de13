//! The stages of a proposal, the one next action, and what a result makes of the record.
//!
//! Must not perform anything: `next` chooses, others do, `after` says what it means.

mod after;
mod approved;
mod binding;
mod branch;
mod checks;
mod choice;
pub mod command;
mod ending;
mod gate;
mod hear;
mod heard;
mod intents;
mod next;
mod payload;
mod received;
mod redress;
mod relations;
mod remember;
mod renewal;
mod rules_state;
mod soak;
mod supersede;
mod track;
mod undone;

pub use after::{Done, after, announced, intent};
pub use approved::counted;
pub use binding::live_binding;
pub use branch::branch_name;
pub use choice::digest;
pub use choice::{Action, Choice};
pub use gate::{gates, proof};
pub use hear::{Heard, hear};
pub use heard::sentence;
pub use intents::{Announced, Issued, MergeIntent, PushIntent};
pub use next::next;
pub use redress::by_hand;
pub use relations::Relations;
pub use rules_state::RulesState;
pub use soak::SWEEP;
pub use supersede::{other, predecessor, twin};
pub use track::{class_standing, withdrawn};
pub use undone::TakenBack;

use super::approval::{Redeemed, Rejection};
use super::audit::Event;
use super::facts::{Answer, Facts, HaltOrder, Landed, Quota};
pub use super::facts::{FileSummary, HealthReport, Touch};
use super::ids::{Binding, Digest, Oid, Time};
use super::policy::Judged;
use super::policy::rules::Mode;
use super::policy::verdict::Verdict;
use super::proposal::{ActionKind, Proposal};
use super::redact;
use super::trust::{Class, Judgement, Outcome, Standing, Terms};
use serde::{Deserialize, Serialize};

/// Where a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Taken in; nothing has left.
    Received,
    /// Its branch stands at the forge.
    Pushed,
    /// Its pull request is open.
    Open,
    /// Merged; its outcome is not known yet.
    Merged,
    /// Merged, and its outcome is known.
    Settled,
    /// Over without a merge.
    Dropped,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 6] =
        [Stage::Received, Stage::Pushed, Stage::Open, Stage::Merged, Stage::Settled, Stage::Dropped];

    /// The word stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Received => "received",
            Stage::Pushed => "pushed",
            Stage::Open => "open",
            Stage::Merged => "merged",
            Stage::Settled => "settled",
            Stage::Dropped => "dropped",
        }
    }

    /// Whether nothing follows.
    pub fn is_final(self) -> bool {
        matches!(self, Stage::Settled | Stage::Dropped)
    }

    /// Whether the change is in the base, so that nothing of it is pushed or merged any more.
    pub fn is_landed(self) -> bool {
        matches!(self, Stage::Merged | Stage::Settled)
    }

    /// The stages that may follow this one; staying is always legal.
    pub fn successors(self) -> &'static [Stage] {
        match self {
            Stage::Received => &[Stage::Pushed, Stage::Dropped],
            Stage::Pushed => &[Stage::Open, Stage::Dropped],
            Stage::Open => &[Stage::Merged, Stage::Dropped],
            Stage::Merged => &[Stage::Settled],
            Stage::Settled | Stage::Dropped => &[],
        }
    }
}

/// Who drives an open pull request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// countersign may attest it again and merge it.
    #[default]
    Bot,
    /// Somebody changed it; it is left to people.
    Person,
}

/// A stable code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The code, `not_enabled`.
    pub code: String,
    /// One sentence, with what to do next.
    pub sentence: String,
}

impl Reason {
    /// Makes a reason.
    pub fn new(code: &str, sentence: impl Into<String>) -> Reason {
        Reason { code: code.to_owned(), sentence: redact::owned(sentence.into()) }
    }
}

/// Everything that is kept of one proposal beside its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The id the service gave it, a UUIDv7.
    pub id: String,
    /// The sender's own name for it.
    pub name: Option<String>,
    /// The repository.
    pub binding: Binding,
    /// The digest of the proposal's bytes.
    pub digest: Digest,
    /// Whose token sent it.
    pub principal: String,
    /// What sort of remediation.
    pub action_kind: ActionKind,
    /// What it is about, for people and for the spread of outcomes.
    pub target: String,
    /// When it came.
    pub received: Time,
    /// Until when it stands.
    pub expires: Time,
    /// The incident it belongs to: a hash of its fingerprint and its step of a plan.
    #[serde(default)]
    pub incident: Option<Digest>,
    /// Where it is.
    pub stage: Stage,
    /// Who drives it.
    #[serde(default)]
    pub owner: Owner,
    /// Why it was dropped or handed over.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// The environment that was computed.
    #[serde(default)]
    pub environment: Option<String>,
    /// The mode it was judged in.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// The class it counts in.
    #[serde(default)]
    pub class: Option<Class>,
    /// What the class was judged under before the merge.
    #[serde(default)]
    pub terms: Option<Terms>,
    /// How many approvals it needs, once that is computed.
    #[serde(default)]
    pub needed: Option<u32>,
    /// The approvals that were redeemed, oldest first.
    #[serde(default)]
    pub approvals: Vec<Redeemed>,
    /// An approver's no.
    #[serde(default)]
    pub rejection: Option<Rejection>,
    /// What would change, whoever asks: hash of repository, base and change set.
    #[serde(default)]
    pub effect: Option<Digest>,
    /// What it changes, for people.
    #[serde(default)]
    pub summary: Vec<FileSummary>,
    /// The branch it is pushed to, and the base it goes into.
    #[serde(default)]
    pub branch: Option<String>,
    /// The base branch.
    #[serde(default)]
    pub base: Option<String>,
    /// The push that was announced.
    #[serde(default)]
    pub push: Option<PushIntent>,
    /// How much was allowed when the push was announced.
    #[serde(default)]
    pub quota: Option<Quota>,
    /// When the branch was pushed again, oldest first, the last hour's.
    #[serde(default)]
    pub pushes: Vec<Time>,
    /// The commit that was pushed; from then on only it counts.
    #[serde(default)]
    pub head: Option<Oid>,
    /// The pull request's number.
    #[serde(default)]
    pub pull: Option<u64>,
    /// When its pull request was opened.
    #[serde(default)]
    pub opened: Option<Time>,
    /// Since when the base holds all that its open pull request asks for.
    #[serde(default)]
    pub satisfied: Option<Time>,
    /// When it was attested again for the same head and base, oldest first, the last hour's.
    #[serde(default)]
    pub attests: Vec<Time>,
    /// The attestation that was announced and not issued yet.
    #[serde(default)]
    pub announced: Option<Announced>,
    /// The digest of the text that was announced with it, until it is issued.
    #[serde(default)]
    pub announced_text: Option<Digest>,
    /// The newest attestation.
    #[serde(default)]
    pub issued: Option<Issued>,
    /// The digest of the check runs as last written.
    #[serde(default)]
    pub reported: Option<Digest>,
    /// The merge that was announced.
    #[serde(default)]
    pub merging: Option<MergeIntent>,
    /// The merge that was ordered last, until the forge says no: what lands by it is ours however late that shows.
    #[serde(default)]
    pub ordered: Option<MergeIntent>,
    /// When the forge refused to merge it, oldest first.
    #[serde(default)]
    pub refusals: Vec<Time>,
    /// How it was merged.
    #[serde(default)]
    pub landed: Option<Landed>,
    /// Whether what landed is what the changes give on its first parent.
    #[serde(default)]
    pub landed_as_attested: Option<bool>,
    /// Whether countersign merged it without a person.
    #[serde(default)]
    pub auto: bool,
    /// What became of it.
    #[serde(default)]
    pub outcome: Option<Judgement>,
    /// Its outcome is followed by a proposal that takes it back, and there is none yet.
    #[serde(default)]
    pub owes_revert: bool,
    /// Somebody took it back.
    #[serde(default)]
    pub undone: Option<TakenBack>,
    /// What people asked for on its pull request.
    #[serde(default)]
    pub commands: command::Commands,
    /// When it was over.
    #[serde(default)]
    pub over: Option<Time>,
    /// The proposals it has to do with.
    #[serde(default)]
    pub relations: Relations,
    /// The last verdict.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// The class's record as last seen.
    #[serde(default)]
    pub standing: Option<Standing>,
    /// What the policies said last.
    #[serde(default)]
    pub rego: Option<Answer>,
}

impl Record {
    /// Whether it takes room for a pull request that is not open yet: a first push was announced, or made.
    pub fn reserves(&self) -> bool {
        match self.stage {
            Stage::Received => self.push.is_some(),
            Stage::Pushed => true,
            Stage::Open | Stage::Merged | Stage::Settled | Stage::Dropped => false,
        }
    }

    /// Whether what landed is not what the changes give on its first parent.
    pub fn landed_otherwise(&self) -> bool {
        self.landed_as_attested == Some(false)
    }
}

/// One proposal with everything a decision looks at.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What is kept of it.
    pub record: &'a Record,
    /// What was asked for.
    pub proposal: &'a Proposal,
    /// What is the case now.
    pub facts: &'a Facts,
    /// The repository's rules.
    pub rules: &'a RulesState,
    /// What it comes to under the rules; none while it cannot be computed.
    pub judged: Option<&'a Judged>,
}

impl Case<'_> {
    /// Seconds that a person's no is remembered.
    fn remembered(&self) -> i64 {
        super::policy::remembered(self.rules.loaded().map(|loaded| &loaded.rules))
    }
}

/// A new state of a record with everything that must be written in the same transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The stage the record must still be in.
    pub from: Stage,
    /// The record as it is now.
    pub record: Record,
    /// What happened, at least one.
    pub events: Vec<Event>,
    /// The outcome to count, if one is known now.
    pub outcome: Option<Outcome>,
    /// Whether the class loses its autonomy.
    pub demote: bool,
    /// What becomes of the repository's halt; nothing, mostly.
    pub halt: Option<HaltOrder>,
    /// When to look again; never, when none is given.
    pub due: Option<Time>,
    /// Bytes to keep beside the record, by name: `diff`, `inverse`, `envelope`, `body`.
    pub artifacts: Vec<(&'static str, Vec<u8>)>,
}

#[cfg(test)]
mod tests;
