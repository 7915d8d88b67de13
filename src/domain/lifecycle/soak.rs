//! What becomes of a merged change until its soak ends.
//!
//! Must not count anything: it only says what the outcome is.

use super::choice::{Action, Choice, choose, later, settle};
use super::{Case, Owner, undone};
use crate::domain::policy::rules::Rules;
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
    let soak = case.rules.loaded().map(|loaded| loaded.rules.auto_merge.soak).unwrap_or(Rules::DEFAULT_SOAK);
    let ends = landed.at.plus_seconds(soak.0);
    if ends > facts.now {
        let sentence = format!("it soaks until {ends}{}", undone::doubt(facts.left.as_ref()));
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
