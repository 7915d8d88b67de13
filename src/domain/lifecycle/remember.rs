//! The record with what a turn computed, and the events that tell of it.
//!
//! Must not say what comes next: that was chosen before.

use super::renewal::satisfied_since;
use super::track::{class_standing, terms};
use super::{Case, Record, Stage, Transition};
use crate::domain::audit::{Decision, Event};
use crate::domain::facts::Answer;
use crate::domain::policy::effect_key;
use crate::domain::policy::verdict::Verdict;
use serde_json::{Value, json};

/// The record with what was computed this turn.
pub(super) fn remember(case: &Case<'_>, verdict: &Verdict) -> Transition {
    let mut record = case.record.clone();
    if let Some(base) = &case.facts.base {
        record.base.get_or_insert_with(|| base.name.clone());
    }
    // Once the base holds the change there is no effect left to read: what was read before stands.
    let judged = case.judged.filter(|judged| !judged.effect.summary.is_empty());
    if let (Some(judged), Stage::Received | Stage::Pushed | Stage::Open) = (judged, record.stage) {
        record.environment = Some(judged.place.environment.clone());
        record.mode = Some(judged.place.mode);
        record.class = Some(judged.class.clone());
        record.needed = Some(judged.approvals);
        record.summary = judged.effect.summary.clone();
    }
    if let (Ok(plan), Some(base)) = (&case.facts.plan, &record.base) {
        record.effect.get_or_insert_with(|| effect_key(&record.binding, base, &plan.changeset));
    }
    if let (Some(loaded), true) = (case.rules.loaded(), record.class.is_some()) {
        record.standing = Some(class_standing(case, &loaded.rules.auto_merge));
        if let Stage::Received | Stage::Pushed | Stage::Open = record.stage {
            record.terms = Some(terms(&record.binding, &loaded.rules.auto_merge));
        }
    }
    record.satisfied = satisfied_since(case);
    record.verdict = Some(verdict.clone());
    let events = policy_decision(case, &mut record);
    // A merge that was announced and is not seen is announced anew before it is ordered again.
    record.merging = None;
    Transition {
        from: case.record.stage,
        record,
        events,
        outcome: None,
        demote: false,
        halt: None,
        due: Some(case.facts.now),
        artifacts: Vec::new(),
    }
}

/// Another answer of the policies than the last one is written down, and kept.
fn policy_decision(case: &Case<'_>, record: &mut Record) -> Vec<Event> {
    let Some(answer) = &case.facts.rego else { return Vec::new() };
    let said = |answer: &Answer| (answer.policies, answer.deny.clone(), answer.approvals, answer.fault.clone());
    let known = case.record.rego.as_ref().map(said) == Some(said(answer));
    record.rego = Some(answer.clone());
    if known {
        return Vec::new();
    }
    let verdict = crate::domain::policy::rego::verdict(answer);
    let decision = if verdict.passes() { Decision::Allow } else { Decision::Refuse };
    vec![event(case, record, "policy.decision", decision, &verdict.code, json!({"answer": answer}))]
}

impl Transition {
    /// Adds an event about this record.
    #[must_use]
    pub(super) fn with(
        mut self,
        case: &Case<'_>,
        kind: &'static str,
        decision: Decision,
        payload: Value,
    ) -> Transition {
        self.events.push(event(case, &self.record, kind, decision, "", payload));
        self
    }

    #[must_use]
    pub(super) fn refusing(mut self, case: &Case<'_>, kind: &'static str, code: &str, payload: Value) -> Transition {
        self.events.push(event(case, &self.record, kind, Decision::Refuse, code, payload));
        self
    }
}

pub(super) fn event(
    case: &Case<'_>,
    record: &Record,
    kind: &'static str,
    decision: Decision,
    code: &str,
    payload: Value,
) -> Event {
    Event {
        kind,
        actor: "countersign".into(),
        proposal: Some(case.record.id.clone()),
        pr: record.pull,
        class: record.class.as_ref().map(crate::domain::trust::Class::key),
        decision,
        reason_code: code.to_owned(),
        payload,
    }
}
