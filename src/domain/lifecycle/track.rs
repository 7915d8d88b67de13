//! What a proposal adds to the record of its class, and what the record says of it.
//!
//! Must not make an outcome good: only a reporter's evidence at the end of the soak does.

use super::{Case, FileSummary, HealthReport, Reason, Record, Stage, Transition};
use crate::domain::attest::EDITOR;
use crate::domain::audit::{Decision, Event};
use crate::domain::ids::{Binding, Time};
use crate::domain::policy::rules::AutoMerge;
use crate::domain::proposal::ActionKind;
use crate::domain::trust::{Judgement, Outcome, Seeker, Standing, Terms, maker, standing};
use serde_json::json;

/// What the class is judged under: the config's demand, and the epoch of these editors and this owner.
///
/// Another major version of the editors may write other bytes, another owner has other reviewers.
pub(super) fn terms(binding: &Binding, auto: &AutoMerge) -> Terms {
    let owner = binding.name.rsplit_once('/').map_or("", |(owner, _)| owner);
    Terms { demand: auto.demand(), epoch: format!("{EDITOR} {owner}") }
}

impl Record {
    /// The changed files, as outcomes name what was changed.
    pub fn files(&self) -> String {
        target(&self.summary)
    }

    /// countersign merged it, and what landed is not what was attested.
    pub fn mismatched(&self) -> bool {
        self.auto && self.landed_otherwise()
    }
}

/// Where the class stands under the repository's demands, for this proposal.
pub fn class_standing(case: &Case<'_>, auto: &AutoMerge) -> Standing {
    let summary = case.judged.map_or(case.record.summary.as_slice(), |judged| judged.effect.summary.as_slice());
    let (target, maker) = (target(summary), made_by(case));
    let seeker = Seeker { target: &target, maker: &maker };
    // What is merged does not ask any more.
    let seeker = Some(&seeker).filter(|_| case.record.landed.is_none());
    standing(&case.facts.track, &terms(&case.record.binding, auto), seeker, case.facts.now)
}

/// What was really changed; never what the proposal calls it.
fn target(summary: &[FileSummary]) -> String {
    summary.iter().map(|file| file.path.as_str()).collect::<Vec<_>>().join(" ")
}

fn made_by(case: &Case<'_>) -> String {
    maker(&case.record.principal, case.proposal.proposer.version.as_deref())
}

/// What counts in the class; nothing without one.
pub(super) fn outcome(case: &Case<'_>, record: &Record, result: Judgement) -> Option<Outcome> {
    record.class.as_ref()?;
    let reports = &case.facts.reports;
    let said = reports.iter().find(|report| report.result == result && result != Judgement::Neutral);
    Some(Outcome {
        target: record.files(),
        at: case.facts.now,
        result,
        auto: record.auto,
        merged: record.landed.as_ref().map(|landed| landed.at),
        maker: made_by(case),
        epoch: record.terms.as_ref().map(|terms| terms.epoch.clone()).unwrap_or_default(),
        severe: result == Judgement::Bad && (record.mismatched() || reports.iter().any(is_severe)),
        evidence: said.map(|report| report.reporter.clone()).unwrap_or_default(),
    })
}

fn is_severe(report: &HealthReport) -> bool {
    report.severe && report.result == Judgement::Bad
}

/// Whether this outcome owes a revert. What people took back or changed themselves is theirs, and a revert is never
/// taken back without a person.
pub(super) fn owes(record: &Record, code: &str) -> bool {
    let harm = matches!(code, "reported_bad" | "reported_bad_late" | "merge_mismatch");
    harm && record.landed.is_some() && record.action_kind != ActionKind::Rollback
}

/// Takes a settled success or unknown back after a late bad report; none when there is nothing to take back.
pub fn withdrawn(record: &Record, report: &HealthReport, now: Time) -> Option<Transition> {
    let before = record.outcome.filter(|outcome| *outcome != Judgement::Bad)?;
    if record.stage != Stage::Settled || report.result != Judgement::Bad {
        return None;
    }
    let mut record = record.clone();
    let sentence = format!("{} reports after the soak: {}", report.reporter, report.note);
    record.outcome = Some(Judgement::Bad);
    record.reason = Some(Reason::new("reported_bad_late", sentence));
    record.owes_revert = owes(&record, "reported_bad_late");
    let outcome = record.class.as_ref().map(|_| Outcome {
        target: record.files(),
        at: now,
        result: Judgement::Bad,
        auto: record.auto,
        merged: record.landed.as_ref().map(|landed| landed.at),
        maker: String::new(),
        epoch: record.terms.as_ref().map(|terms| terms.epoch.clone()).unwrap_or_default(),
        severe: report.severe,
        evidence: report.reporter.clone(),
    });
    let demote = record.auto && record.class.is_some();
    let event = Event {
        actor: report.reporter.clone(),
        proposal: Some(record.id.clone()),
        pr: record.pull,
        class: record.class.as_ref().map(crate::domain::trust::Class::key),
        decision: Decision::Refuse,
        reason_code: "reported_bad_late".into(),
        ..Event::note("outcome.withdrawn", json!({"before": before, "auto": record.auto, "demoted": demote}))
    };
    Some(Transition {
        from: Stage::Settled,
        record,
        events: vec![event],
        outcome,
        demote,
        halt: None,
        due: Some(now),
        artifacts: Vec::new(),
    })
}
