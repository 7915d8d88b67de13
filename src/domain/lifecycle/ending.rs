//! How a proposal ends: dropped, landed, settled.
//!
//! Must not decide that it does; that was chosen before.

use super::command;
use super::payload::plan_artifacts;
use super::remember::{event, remember};
use super::supersede;
use super::track::{outcome, owes};
use super::undone;
use super::{Case, Owner, Reason, Record, Stage, Transition};
use crate::domain::audit::Decision;
use crate::domain::facts::{Landed, Landing};
use crate::domain::policy::verdict::Verdict;
use crate::domain::trust::Judgement;
use serde_json::json;

pub(super) fn dropped(case: &Case<'_>, reason: &Reason, verdict: &Verdict) -> Transition {
    let mut next = remember(case, verdict);
    next.record.stage = Stage::Dropped;
    next.record.reason = Some(reason.clone());
    next.record.over = Some(case.facts.now);
    relate(case, &mut next.record, &reason.code);
    next.due = command::over_due(&next.record, case.remembered(), case.facts.now);
    // A person who closes a pull request, or proposes it anew with another value, says that the change was not good.
    let ended = case.record.commands.ending.as_ref() == Some(reason) && reason.code != "withdrawn";
    let no = reason.code == "rejected" || ended;
    if no && case.record.stage == Stage::Open {
        next.outcome = outcome(case, &next.record, Judgement::Bad);
        next.record.outcome = Some(Judgement::Bad);
    }
    // Nobody looked at it: that is no success, and too much of it hides failures.
    if matches!(reason.code.as_str(), "expired" | "withdrawn") && case.record.stage == Stage::Open {
        next.outcome = outcome(case, &next.record, Judgement::Neutral);
        next.record.outcome = Some(Judgement::Neutral);
    }
    if matches!(reason.code.as_str(), "observed" | "denied") {
        next.artifacts.extend(plan_artifacts(case));
    }
    let payload = json!({"reason": reason.sentence, "verdict": verdict});
    next.refusing(case, "proposal.dropped", &reason.code, payload)
}

/// Names the proposal that a drop has to do with.
fn relate(case: &Case<'_>, record: &mut Record, code: &str) {
    let facts = case.facts;
    match code {
        "duplicate" => {
            record.relations.duplicate_of = facts.twins.iter().find(|twin| twin.active).map(|twin| twin.id.clone());
        }
        "superseded" => record.relations.superseded_by = supersede::replaced(case).map(|rival| rival.id.clone()),
        "rejected" if case.record.stage == Stage::Received && case.record.rejection.is_none() => {
            let no = facts.twins.iter().find(|twin| twin.rejected.is_some());
            record.relations.refused_with = no.map(|twin| twin.id.clone());
        }
        _ => {}
    }
}

/// What landed is judged by its first parent: the changes applied there must give the landed tree.
pub(super) fn landed_as(case: &Case<'_>, landed: &Landed, verdict: &Verdict) -> Transition {
    let mut next = remember(case, verdict);
    // The forge may have shown it open once more after the order, and other things were written down since.
    let order = case.record.merging.as_ref().or(case.record.ordered.as_ref());
    let order = order.filter(|order| case.record.head.as_ref() == Some(&order.head));
    let ours = order.is_some() && landed.by.id == case.facts.repository.bot.id;
    let wished = case.record.head.as_ref().and_then(|head| case.record.commands.waives(head));
    let auto = ours && wished.is_none();
    let fits = case.facts.landing.as_ref().is_some_and(Landing::fits);
    next.record.stage = Stage::Merged;
    next.record.landed = Some(landed.clone());
    next.record.auto = auto;
    next.record.landed_as_attested = Some(fits);
    (next.record.merging, next.record.ordered) = (None, None);
    let landing = case.facts.landing.as_ref();
    let drift = landing.is_some_and(|landing| order.is_some_and(|order| order.base != landing.parent));
    let payload = json!({"commit": landed.commit, "by": {"id": landed.by.id}, "auto": auto, "asAttested": fits, "drift": drift, "askedBy": wished.map(|wish| wish.by.id)});
    if fits {
        let kind = if ours { "merge.result" } else { "merge.by_person" };
        return next.with(case, kind, Decision::Note, payload);
    }
    next.demote = auto;
    let code = if auto { "merge.mismatch" } else { "changed_by_person" };
    if !auto {
        next.record.owner = Owner::Person;
    }
    next.refusing(case, "merge.mismatch", code, payload)
}

pub(super) fn settled(case: &Case<'_>, result: Judgement, reason: &Reason, verdict: &Verdict) -> Transition {
    let mut next = remember(case, verdict);
    let before = case.record.outcome;
    next.record.stage = Stage::Settled;
    next.record.over.get_or_insert(case.facts.now);
    next.record.undone = undone::taken_back(case);
    let decision = if result == Judgement::Bad { Decision::Refuse } else { Decision::Note };
    let (kind, payload) = if before == Some(Judgement::Bad) {
        // A failure counts once; that it was taken back is a no all the same.
        ("change.taken_back", json!({"reason": reason.sentence}))
    } else {
        next.record.outcome = Some(result);
        next.record.reason = Some(reason.clone());
        next.record.owes_revert = result == Judgement::Bad && owes(&next.record, &reason.code);
        next.outcome = outcome(case, &next.record, result);
        next.demote = result == Judgement::Bad && case.record.auto && case.record.class.is_some();
        let kind = if before.is_some() { "outcome.withdrawn" } else { "outcome.recorded" };
        let (auto, demoted) = (case.record.auto, next.demote);
        (
            kind,
            json!({"outcome": result, "before": before, "reason": reason.sentence, "auto": auto, "demoted": demoted}),
        )
    };
    next.due = undone::next_look(case, &next.record);
    let record = next.record.clone();
    next.events.push(event(case, &record, kind, decision, &reason.code, payload));
    next
}
