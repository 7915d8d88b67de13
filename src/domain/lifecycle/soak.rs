//! What becomes of a merged change until its soak ends.
//!
//! Must not count anything: it only says what the outcome is.

use super::choice::{Action, Choice, choose, later, settle};
use super::{Case, Owner, RulesState, undone};
use crate::domain::policy::verdict::Verdict;
use crate::domain::trust::Judgement;

/// Seconds until a merged change is looked at again, when no hint comes.
pub const SWEEP: i64 = 600;

/// Watches a merged change until its outcome is known.
pub(super) fn soaking(case: &Case<'_>) -> Choice {
    let (facts, record) = (case.facts, case.record);
    let Some(landed) = &record.landed else {
        return later(case, Verdict::wait("soak", "merge_unknown", "it is not known as which commit it landed"));
    };
    if record.landed_otherwise() {
        return match record.auto {
            true => settle(Judgement::Bad, "merge_mismatch", "what landed is not what was attested"),
            false => settle(Judgement::Bad, "changed_by_person", "a person changed the branch before it was merged"),
        };
    }
    if let Some(report) = facts.reports.iter().find(|report| report.result == Judgement::Bad) {
        return settle(Judgement::Bad, "reported_bad", &format!("{} reports: {}", report.reporter, report.note));
    }
    if let Some(sentence) = undone::told(case) {
        return settle(Judgement::Bad, "reverted", &sentence);
    }
    let ends = landed.at.plus_seconds(undone::soak(case));
    if ends > facts.now {
        let doubt = undone::doubt(facts.left.as_ref());
        let sentence = match case.rules {
            RulesState::Invalid(..) => {
                format!("how long it soaks is not known: {}{doubt}", case.rules.verdict().sentence)
            }
            RulesState::Loaded(_) | RulesState::Missing => format!("it soaks until {ends}{doubt}"),
        };
        // Before that, people may ask for something in a comment.
        let again = facts.now.plus_seconds(SWEEP.max(facts.sweep));
        return choose(Action::Wait(ends.min(again)), Verdict::wait("soak", "soak", sentence));
    }
    match facts.reports.iter().find(|report| report.result == Judgement::Good) {
        Some(_) if record.owner == Owner::Person => {
            settle(Judgement::Neutral, "edited_by_person", "its body was edited before a person merged it")
        }
        Some(report) => settle(Judgement::Good, "verified", &format!("{} reports: {}", report.reporter, report.note)),
        None => settle(Judgement::Neutral, "no_evidence", "nobody reported on it before the soak ended"),
    }
}
