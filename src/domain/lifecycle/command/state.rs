//! What commands leave in the record, and what a turn that answered one writes down.
//!
//! Must not perform anything.

use super::super::remember::remember;
use super::super::undone::next_look;
use super::super::{Case, Owner, Reason, Record, Stage, Transition};
use super::answer::{Answer, Effect};
use crate::domain::audit::{Decision, Event};
use crate::domain::facts::{Halt, HaltOrder, Right, User};
use crate::domain::ids::{Oid, Time};
use crate::domain::policy::verdict::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// Commands on one pull request after which only those who may write are answered.
const MOST_ANSWERS: usize = 100;

/// Seconds until a closed pull request is looked at again for commands, when no hint comes.
const OVER_SWEEP: i64 = 600;

/// What people said on a pull request, as far as it still matters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Commands {
    /// Comments that were answered, by their numbers.
    pub handled: BTreeSet<u64>,
    /// A person holds it.
    pub hold: Option<Hold>,
    /// A person wants it merged.
    pub waiver: Option<Waiver>,
    /// It is to be applied again on the newest base.
    pub rebase: bool,
    /// It is to be closed, for this reason.
    pub ending: Option<Reason>,
}

/// A person's hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who.
    pub by: User,
    /// When.
    pub at: Time,
}

/// A person's wish to merge one head without what its class has not earned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// Who.
    pub by: User,
    /// When.
    pub at: Time,
    /// The head that the person saw.
    pub head: Oid,
}

impl Commands {
    /// The wish to merge this head, if a person has it.
    pub fn waives(&self, head: &Oid) -> Option<&Waiver> {
        self.waiver.as_ref().filter(|waiver| waiver.head == *head)
    }
}

/// Whether comments on the pull request of this record may still ask for something.
pub fn listens(record: &Record) -> bool {
    record.pull.is_some()
        && match record.stage {
            Stage::Open | Stage::Merged | Stage::Settled | Stage::Dropped => true,
            Stage::Received | Stage::Pushed => false,
        }
}

/// Whether somebody with this right is still answered there.
pub fn heeds(record: &Record, right: Right) -> bool {
    record.commands.handled.len() < MOST_ANSWERS || right >= Right::Write
}

/// When a proposal that is over is looked at again: while a person's no is remembered, it can be taken back.
pub(in crate::domain::lifecycle) fn over_due(record: &Record, remembered: i64, now: Time) -> Option<Time> {
    let closed = record.reason.as_ref().is_some_and(|reason| reason.code == "rejected") && record.pull.is_some();
    let undone = record.undone.as_ref().filter(|undone| !undone.reopened).map(|undone| undone.at);
    let until = record.over.filter(|_| closed).or(undone)?.plus_seconds(remembered);
    (until > now).then(|| until.min(now.plus_seconds(OVER_SWEEP)))
}

/// The transition of an answer: the comment is handled, and the record bears what was asked for.
pub(in crate::domain::lifecycle) fn answered(
    case: &Case<'_>,
    answer: &Answer,
    successor: Option<String>,
    verdict: &Verdict,
) -> Transition {
    let mut next = remember(case, verdict);
    if next.record.stage.is_final() {
        next.record.verdict = case.record.verdict.clone();
    }
    next.record.commands.handled.insert(answer.comment);
    let by = || answer.by.clone();
    let now = case.facts.now;
    let commands = &mut next.record.commands;
    match &answer.effect {
        Effect::Nothing => {}
        Effect::Hold => commands.hold = Some(Hold { by: by(), at: now }),
        Effect::Release { lifts } => {
            commands.hold = None;
            next.halt = lifts.then_some(HaltOrder::Lift);
        }
        Effect::Waive(head) => commands.waiver = Some(Waiver { by: by(), at: now, head: head.clone() }),
        Effect::Rebase => {
            commands.rebase = true;
            next.record.owner = Owner::Bot;
            next.record.reason = None;
            next.record.refusals.clear();
        }
        Effect::Stop => {
            next.halt = Some(HaltOrder::Stop(Halt { by: by(), at: now, proposal: case.record.id.clone() }));
        }
        Effect::End(reason) => commands.ending = Some(reason.clone()),
        Effect::Reopen => match &mut next.record.undone {
            Some(undone) => undone.reopened = true,
            None => next.record.reason = Some(Reason::new("reopened", answer.sentence.clone())),
        },
        Effect::Succeed { ends: true, .. } => {
            commands.ending = Some(Reason::new("superseded", answer.sentence.clone()));
        }
        Effect::Succeed { ends: false, .. } => next.record.relations.reverted_by = successor.clone(),
    }
    if next.record.stage.is_final() {
        next.due = next_look(case, &next.record);
    }
    next.events.push(event(case, answer, successor));
    next
}

fn event(case: &Case<'_>, answer: &Answer, successor: Option<String>) -> Event {
    let record = case.record;
    let (kind, decision) = match answer.taken() {
        true => ("command.taken", Decision::Allow),
        false => ("command.refused", Decision::Refuse),
    };
    let payload = json!({
        "command": answer.verb, "comment": answer.comment, "by": {"id": answer.by.id},
        "answer": answer.sentence, "successor": successor,
    });
    Event {
        kind,
        actor: format!("{}:{}", record.binding.forge, answer.by.id),
        proposal: Some(record.id.clone()),
        pr: record.pull,
        class: record.class.as_ref().map(crate::domain::trust::Class::key),
        decision,
        reason_code: if answer.taken() { answer.verb.to_owned() } else { answer.code.to_owned() },
        payload,
    }
}
