//! What the result of an action makes of the record, and what is written down of it.

use super::choice::{Action, digest};
use super::command;
use super::ending::{dropped, landed_as, settled};
use super::payload::{merge_payload, plan_artifacts, push_payload};
use super::redress;
use super::remember::{event, remember};
use super::renewal::satisfied_since;
use super::supersede;
use super::{Announced, Case, Issued, Owner, Reason, Record, Stage, Transition};
use crate::domain::attest::{Binding, Fault};
use crate::domain::audit::Decision;
use crate::domain::facts::{MergeAnswer, Pushed};
use crate::domain::ids::{Digest, Time};
use crate::domain::policy::verdict::{State, Verdict};
use serde_json::json;

/// Refusals of the forge after which it is left to people.
const MOST_REFUSALS: usize = 3;

/// What an action came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// Nothing had to be performed.
    Nothing,
    /// A push.
    Pushed(Pushed),
    /// The pull request stands under this number.
    Opened(u64),
    /// The pull request found is not ours.
    Foreign(String),
    /// An attestation was signed and written.
    Attested(Issued, Vec<u8>),
    /// The announced attestation could not be signed for this text.
    NotAttested(Fault),
    /// The check runs were written.
    Reported,
    /// A comment was answered; the proposal that follows, if one does.
    Answered(Option<String>),
    /// The proposal that takes it back is kept, under this id.
    Following(String),
    /// The forge's answer to the merge order.
    Merged(MergeAnswer),
}

/// Announces an effect that must be on record before it happens; nothing for the others.
pub fn intent(case: &Case<'_>, action: &Action, verdict: &Verdict, nonce: &str) -> Option<Transition> {
    match action {
        Action::Push(push) if case.record.push.as_ref() != Some(push) => {
            let mut next = remember(case, verdict);
            next.record.push = Some(push.clone());
            next.record.branch = Some(push.branch.clone());
            if let (Stage::Received, Some(judged)) = (case.record.stage, case.judged) {
                let older = supersede::replaces(case, judged).into_iter();
                next.record.relations.supersedes = older.map(|(rival, _)| rival.id.clone()).collect();
            }
            next.record.quota = case.facts.quota;
            next.artifacts.extend(plan_artifacts(case));
            Some(next.with(case, "push.intent", Decision::Allow, push_payload(push)))
        }
        Action::Attest(binding) => Some(announce(case, binding, nonce, verdict)),
        Action::Merge(merge) => {
            let mut next = remember(case, verdict);
            next.record.merging = Some(merge.clone());
            next.record.ordered = Some(merge.clone());
            Some(next.with(case, "merge.intent", Decision::Allow, merge_payload(merge, verdict)))
        }
        Action::Push(_)
        | Action::Drop(_)
        | Action::OpenPull
        | Action::Report
        | Action::HandOver(_)
        | Action::Land(_)
        | Action::Settle(..)
        | Action::Revert(_)
        | Action::NoRevert(_)
        | Action::Answer(_)
        | Action::Wait(_) => None,
    }
}

fn announce(case: &Case<'_>, binding: &Binding, nonce: &str, verdict: &Verdict) -> Transition {
    let mut next = remember(case, verdict);
    next.record.announced_text = Some(binding.body.sha256);
    let payload =
        json!({"nonce": nonce, "binding": binding.digest(), "head": binding.head.sha, "base": binding.base.sha});
    next.with(case, "attestation.intent", Decision::Allow, payload)
}

/// Puts the announced attestation's place in the log into the record.
pub fn announced(record: &mut Record, nonce: &str, binding: Digest, index: u64, leaf: Digest) {
    record.announced = Some(Announced { nonce: nonce.to_owned(), binding, index, leaf });
}

/// The transition that follows an action; none when nothing is worth writing down but the time to look again.
pub fn after(case: &Case<'_>, action: &Action, verdict: &Verdict, done: Done) -> Option<Transition> {
    let now = case.facts.now;
    match (action, done) {
        (Action::Drop(reason), _) => Some(dropped(case, reason, verdict)),
        (Action::HandOver(reason), _) => Some(handed_over(case, reason, verdict)),
        (Action::Land(landed), _) => Some(landed_as(case, landed, verdict)),
        (Action::Settle(result, reason), _) => Some(settled(case, *result, reason, verdict)),
        (Action::Revert(_), Done::Following(id)) => Some(redress::proposed(case, &id)),
        (Action::NoRevert(reason), _) => Some(redress::forgone(case, reason)),
        (Action::Report, _) => Some(reported(case, verdict)),
        (Action::Answer(answer), Done::Answered(successor)) => {
            Some(command::answered(case, answer, successor, verdict))
        }
        (Action::Wait(until), _) => waits(case, *until, verdict),
        (Action::Push(push), Done::Pushed(Pushed::Done(commit))) => {
            let mut next = remember(case, verdict);
            next.record.head = Some(commit.clone());
            next.record.push = None;
            next.record.commands.rebase = false;
            next.record.pushes.retain(|at| at.plus_seconds(3_600) > now);
            match case.record.stage {
                Stage::Received => next.record.stage = Stage::Pushed,
                Stage::Pushed | Stage::Open | Stage::Merged | Stage::Settled | Stage::Dropped => {
                    next.record.pushes.push(now);
                }
            }
            Some(next.with(case, "push.result", Decision::Note, json!({"commit": commit, "branch": push.branch})))
        }
        (Action::Push(push), Done::Pushed(Pushed::Moved(found))) => {
            let mut next = remember(case, verdict);
            next.record.push = None;
            let payload = json!({"branch": push.branch, "expected": push.old, "found": found});
            Some(next.with(case, "push.lost", Decision::Wait, payload))
        }
        (Action::OpenPull, Done::Opened(number)) => {
            let mut next = remember(case, verdict);
            next.record.stage = Stage::Open;
            next.record.pull = Some(number);
            next.record.opened = Some(now);
            Some(next.with(case, "pr.opened", Decision::Note, json!({"number": number})))
        }
        (Action::OpenPull, Done::Foreign(why)) => Some(dropped(case, &Reason::new("failed", why), verdict)),
        (Action::Attest(_), Done::Attested(issued, envelope)) => Some(attested(case, issued, envelope, verdict)),
        (Action::Attest(_), Done::NotAttested(fault)) => {
            let mut next = remember(case, verdict);
            next.due = Some(now.plus_seconds(case.facts.sweep));
            Some(next.refusing(case, "attestation.refused", &fault.code, json!({"reason": fault.reason})))
        }
        (Action::Merge(_), Done::Merged(answer)) => Some(answered(case, &answer, verdict)),
        (
            Action::Push(_)
            | Action::OpenPull
            | Action::Attest(_)
            | Action::Merge(_)
            | Action::Revert(_)
            | Action::Answer(_),
            _,
        ) => None,
    }
}

fn handed_over(case: &Case<'_>, reason: &Reason, verdict: &Verdict) -> Transition {
    let mut next = remember(case, verdict);
    next.record.owner = Owner::Person;
    next.record.commands.rebase = false;
    next.record.reason = Some(reason.clone());
    next.refusing(case, "pr.left_to_people", &reason.code, json!({"reason": reason.sentence}))
}

fn reported(case: &Case<'_>, verdict: &Verdict) -> Transition {
    let mut next = remember(case, verdict);
    next.record.reported = Some(digest(verdict));
    let decision = match verdict.state {
        State::Pass => Decision::Allow,
        State::Wait => Decision::Wait,
        State::Refuse => Decision::Refuse,
    };
    let code = verdict.code.clone();
    let record = next.record.clone();
    next.events.push(event(case, &record, "gate.reported", decision, &code, json!({"verdict": verdict})));
    next
}

/// Waiting is written down only where the reason is a new one.
fn waits(case: &Case<'_>, until: Time, verdict: &Verdict) -> Option<Transition> {
    let known = case.record.verdict.as_ref().map(digest) == Some(digest(verdict));
    let same = known && case.record.satisfied == satisfied_since(case);
    if same || case.record.stage.is_final() {
        return None;
    }
    let mut next = remember(case, verdict);
    next.due = Some(until);
    if case.record.stage == Stage::Received {
        // What an approver reads.
        next.artifacts.extend(plan_artifacts(case));
    }
    let record = next.record.clone();
    let payload = json!({"verdict": verdict});
    next.events.push(event(case, &record, "proposal.waits", Decision::Wait, &verdict.code, payload));
    Some(next)
}

fn attested(case: &Case<'_>, issued: Issued, envelope: Vec<u8>, verdict: &Verdict) -> Transition {
    let mut next = remember(case, verdict);
    let payload = json!({"envelope": issued.envelope, "nonce": issued.nonce, "notAfter": issued.not_after.to_string()});
    next.record.attests.retain(|at| at.plus_seconds(3_600) > case.facts.now);
    // A base that moves is everyday life; a block that has to be written again on the same base is not.
    if case.record.issued.as_ref().is_some_and(|old| old.base == issued.base && old.head == issued.head) {
        next.record.attests.push(case.facts.now);
    }
    next.record.announced = None;
    next.record.announced_text = None;
    next.record.issued = Some(issued);
    next.artifacts.push(("envelope", envelope));
    next.with(case, "attestation.issued", Decision::Note, payload)
}

fn answered(case: &Case<'_>, answer: &MergeAnswer, verdict: &Verdict) -> Transition {
    let mut next = remember(case, verdict);
    let now = case.facts.now;
    match answer {
        MergeAnswer::Merged(commit) => {
            next.record.merging = case.record.merging.clone();
            next.with(case, "merge.answered", Decision::Note, json!({"commit": commit}))
        }
        MergeAnswer::NotReady(why) => {
            (next.record.merging, next.record.ordered) = (None, None);
            next.due = Some(now.plus_seconds(case.facts.sweep));
            next.refusing(case, "merge.refused", "not_ready", json!({"reason": why}))
        }
        MergeAnswer::Refused(why) => {
            // What the forge refuses now it may allow later; it is asked again, but neither soon nor often.
            next.record.refusals.push(now);
            next.record.ordered = None;
            if next.record.refusals.len() >= MOST_REFUSALS {
                next.record.owner = Owner::Person;
                next.record.reason = Some(Reason::new("merge_refused", format!("the forge refuses the merge: {why}")));
            }
            next.refusing(case, "merge.refused", "refused", json!({"reason": why}))
        }
    }
}
