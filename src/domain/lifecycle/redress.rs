//! The revert that a bad outcome owes: proposed once, in countersign's own name, for a person to merge.
//!
//! Must not take back what somebody took back already, nor what was changed since.

use super::choice::{Action, Choice, choose, later};
use super::command::{self, Successor};
use super::undone::next_look;
use super::{Case, Reason, Record, Stage, Transition};
use crate::domain::audit::Decision;
use crate::domain::facts::{Landed, Left};
use crate::domain::policy::place::place;
use crate::domain::policy::rules::Mode;
use crate::domain::policy::verdict::Verdict;
use crate::domain::proposal::{ActionKind, OWN};
use serde_json::{Value, json};

/// The code of a change that only a person can take back.
const BY_HAND: &str = "revert_by_hand";

/// The most characters of the reason that a revert gives.
const WHY: usize = 2_000;

/// Whether only a person can take the change back.
pub fn by_hand(reason: &Reason) -> bool {
    reason.code == BY_HAND
}

/// The next step towards the revert that is owed; none where none is.
pub(super) fn owed(case: &Case<'_>) -> Option<Choice> {
    let record = case.record;
    let landed = record.landed.as_ref().filter(|_| record.owes_revert && record.stage == Stage::Settled)?;
    let Some(loaded) = case.rules.loaded() else {
        let off = "the repository has no config any more: nothing is written there";
        let missing = case.rules.is_missing();
        return Some(if missing { forgo("not_enabled", off.into()) } else { later(case, case.rules.verdict()) });
    };
    if !loaded.rules.revert_on_failure {
        let off = "the config says `revertOnFailure: false`; `/countersign revert` proposes it";
        return Some(forgo("revert_off", off.into()));
    }
    let place = place(&loaded.rules, ActionKind::Rollback, record.summary.iter().map(|file| file.path.as_str()));
    if place.mode == Mode::Observe {
        return Some(forgo("observed", format!("the config only observes `Rollback` in {}", place.environment)));
    }
    if case.facts.base.is_none() {
        return Some(forgo("base_missing", "somebody removed the base branch".into()));
    }
    let Some(left) = &case.facts.left else {
        let sentence = "the base branch does not show the landed commit yet";
        return Some(later(case, Verdict::wait("revert", "landed_missing", sentence)));
    };
    Some(step(case, landed, left))
}

fn step(case: &Case<'_>, landed: &Landed, left: &Left) -> Choice {
    let by_hand = |why: String| {
        let commit = landed.commit.short();
        forgo(BY_HAND, format!("{why}; look at {commit} and take back by hand what is left of it"))
    };
    match &left.way_back {
        _ if left.remains.is_back() => forgo("reverted_already", "somebody took it back already".into()),
        Some(Ok(0)) => forgo("reverted_already", "nothing of it is left on the base branch".into()),
        Some(Ok(files)) => match successor(case, landed) {
            Ok(successor) => {
                let sentence = format!("taking it back changes {files} files; a person merges that");
                choose(Action::Revert(Box::new(successor)), Verdict::pass("revert", sentence))
            }
            Err((_, why)) => by_hand(why),
        },
        Some(Err(refusal)) => by_hand(format!("it cannot be taken back exactly: {refusal}")),
        None => by_hand("the landed commit cannot be read any more".into()),
    }
}

fn forgo(code: &str, why: String) -> Choice {
    let verdict = Verdict::refuse("revert", code, why.clone());
    choose(Action::NoRevert(Reason::new(code, why)), verdict)
}

/// The same bytes whenever it is asked for: a revert that was proposed before a crash is found again.
fn successor(case: &Case<'_>, landed: &Landed) -> Result<Successor, (&'static str, String)> {
    let record = case.record;
    let pull = record.pull.map(|number| format!(", pull request {number}")).unwrap_or_default();
    let said = record.reason.as_ref().map(|reason| reason.sentence.as_str()).unwrap_or_default();
    let why = format!("Takes back proposal {}{pull}, which landed as {}. {said}", record.id, landed.commit);
    let why: String = why.chars().take(WHY).collect();
    command::takes_back(case, &format!("-revert-{}", landed.commit.short()), OWN, &why)
}

/// The revert stands as a proposal of its own.
pub(super) fn proposed(case: &Case<'_>, id: &str) -> Transition {
    let mut record = case.record.clone();
    record.relations.reverted_by = Some(id.to_owned());
    over(case, record, "revert.proposed", "", json!({"successor": id, "landed": commit(case)}))
}

/// There is no revert, for this reason.
pub(super) fn forgone(case: &Case<'_>, reason: &Reason) -> Transition {
    let payload = json!({"reason": reason.sentence, "landed": commit(case)});
    over(case, case.record.clone(), "revert.not_proposed", &reason.code, payload)
}

fn commit<'a>(case: &Case<'a>) -> Option<&'a str> {
    case.record.landed.as_ref().map(|landed| landed.commit.as_str())
}

fn over(case: &Case<'_>, mut record: Record, kind: &'static str, code: &str, payload: Value) -> Transition {
    record.owes_revert = false;
    let decision = if code.is_empty() { Decision::Note } else { Decision::Refuse };
    let event = super::remember::event(case, &record, kind, decision, code, payload);
    Transition {
        from: case.record.stage,
        due: next_look(case, &record),
        record,
        events: vec![event],
        outcome: None,
        demote: false,
        halt: None,
        artifacts: Vec::new(),
    }
}
