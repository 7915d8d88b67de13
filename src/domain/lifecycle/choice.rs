//! The actions there are, and a choice of one with its reasons.

use super::command::{Answer, Successor};
use super::{Case, MergeIntent, PushIntent, Reason};
use crate::domain::attest::Binding;
use crate::domain::facts::Landed;
use crate::domain::ids::{Digest, Time};
use crate::domain::policy::verdict::Verdict;
use crate::domain::trust::Judgement;

/// The next thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// End it; close the pull request if there is one of ours.
    Drop(Reason),
    /// Make the commit and move the branch.
    Push(PushIntent),
    /// Find or open the pull request.
    OpenPull,
    /// Sign these rows and write them into the body.
    Attest(Box<Binding>),
    /// Write the check runs.
    Report,
    /// Leave it to people from here on.
    HandOver(Reason),
    /// Merge it.
    Merge(MergeIntent),
    /// Take note that it was merged.
    Land(Landed),
    /// Take note of its outcome.
    Settle(Judgement, Reason),
    /// Propose to take it back.
    Revert(Box<Successor>),
    /// Take note that no revert is proposed, and why; where a person has to act, say so.
    NoRevert(Reason),
    /// Answer a person's comment.
    Answer(Box<Answer>),
    /// Look again at this time.
    Wait(Time),
}

/// What is to be done, and the tree of reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The action.
    pub action: Action,
    /// Why.
    pub verdict: Verdict,
}

pub(super) fn choose(action: Action, verdict: Verdict) -> Choice {
    Choice { action, verdict }
}

/// Looks again when the forge is swept next.
pub(super) fn later(case: &Case<'_>, verdict: Verdict) -> Choice {
    choose(Action::Wait(case.facts.now.plus_seconds(case.facts.sweep)), verdict)
}

pub(super) fn settle(result: Judgement, code: &str, sentence: &str) -> Choice {
    let verdict = match result {
        Judgement::Good => Verdict::pass("outcome", sentence),
        Judgement::Bad => Verdict::refuse("outcome", code, sentence),
        Judgement::Neutral => Verdict::wait("outcome", code, sentence),
    };
    choose(Action::Settle(result, Reason::new(code, sentence)), verdict)
}

/// The digest that says whether the check runs have to be written again.
pub fn digest(verdict: &Verdict) -> Digest {
    Digest::of(&crate::domain::canon::canonical(verdict))
}
