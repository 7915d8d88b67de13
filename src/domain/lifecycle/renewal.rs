//! Whether an open pull request needs a new push or a new attestation.
//!
//! Must not overwrite what others wrote or pushed: that was looked for before.

use super::binding::live_binding;
use super::choice::Action;
use super::gate::proof;
use super::{Case, PushIntent, Reason, Stage};
use crate::domain::attest::Fault;
use crate::domain::facts::{Base, Mergeable, Plan, Pull};
use crate::domain::ids::Time;

/// New pushes of one branch, or new blocks for one head, in an hour after which it is left to people.
const MOST_REPEATS: usize = 5;

/// Whether it needs a new push or attestation, or is left to people; none when the body stands.
pub(super) fn renewal(case: &Case<'_>, pull: &Pull) -> Option<Result<Action, Reason>> {
    let base = case.facts.base.as_ref()?;
    let plan = case.facts.plan.as_ref().ok()?;
    let newest = case.record.issued.as_ref().filter(|issued| Some(&issued.head) == case.record.head.as_ref());
    let Some(issued) = newest else {
        let parent = case.facts.branch.as_ref().and_then(|branch| branch.parents.first());
        return Some(if parent == Some(&base.tip) { Ok(attest(case)) } else { rebase(case, pull, plan) });
    };
    if issued.base != base.tip {
        return Some(rebase(case, pull, plan));
    }
    match proof(case, pull) {
        Ok(proven) => {
            let life = proven.not_after().0 - issued.issued.0;
            let due = Time(issued.issued.0.saturating_add(life / 4 * 3));
            (due <= case.facts.now).then(|| Ok(attest(case)))
        }
        // Somebody who puts an old block back again and again is not fought.
        Err(fault) if again(&fault) && busy(&case.record.attests, case.facts.now) => {
            Some(Err(Reason::new("body_contested", "the attestation had to be renewed too often in an hour")))
        }
        Err(fault) if again(&fault) => Some(Ok(attest(case))),
        Err(fault) => Some(Err(Reason::new(&fault.code, fault.reason))),
    }
}

/// Faults that a new attestation mends: our own rules, trees or time moved, or an old block came back.
fn again(fault: &Fault) -> bool {
    matches!(
        fault.code.as_str(),
        "attestation.expired"
            | "nonce.superseded"
            | "base.sha"
            | "merge.tree"
            | "merge.method"
            | "change.class"
            | "change.tier"
            | "change.destructive"
            | "policy.digest"
            | "policy.decision"
            | "approvals.mismatch"
            | "rollback.mismatch"
            | "editor.version"
            | "key.revoked"
            | "instance.mismatch"
    )
}

fn attest(case: &Case<'_>) -> Action {
    match live_binding(case) {
        Some(binding) => Action::Attest(Box::new(binding)),
        None => Action::Wait(case.facts.now.plus_seconds(case.facts.sweep)),
    }
}

/// A person wants it applied again on the newest base.
pub(super) fn wished(case: &Case<'_>, pull: &Pull) -> Option<Result<Action, Reason>> {
    let (base, plan) = (case.facts.base.as_ref()?, case.facts.plan.as_ref().ok()?);
    let parent = case.facts.branch.as_ref().and_then(|branch| branch.parents.first());
    let moved = case.record.commands.rebase && parent != Some(&base.tip) && !plan.applied.files.is_empty();
    moved.then(|| Ok(Action::Push(again_on(case, pull, plan, base))))
}

/// The base moved: the same change set keeps its head and is attested again, another is pushed again.
fn rebase(case: &Case<'_>, pull: &Pull, plan: &Plan) -> Result<Action, Reason> {
    let facts = case.facts;
    if plan.applied.files.is_empty() {
        return Ok(satisfied(case));
    }
    let (Some(branch), Some(base), Some(judged)) = (&facts.branch, &facts.base, case.judged) else {
        return Ok(Action::Wait(facts.now.plus_seconds(facts.sweep)));
    };
    let strict = facts.protection.as_ref().is_some_and(|protection| protection.strict);
    let conflict = matches!(pull.mergeable, Mergeable::No(_));
    if plan.changeset == branch.changeset && judged.tier < 3 && !strict && !conflict {
        return Ok(attest(case));
    }
    if busy(&case.record.pushes, facts.now) {
        return Err(Reason::new("base_busy", "the base moved too often in an hour"));
    }
    Ok(Action::Push(again_on(case, pull, plan, base)))
}

/// The base holds everything. A forge may show a merge a moment after it moved the base, so it is looked at once more
/// before the pull request is closed.
fn satisfied(case: &Case<'_>) -> Action {
    let now = case.facts.now;
    let until = case.record.satisfied.unwrap_or(now).plus_seconds(case.facts.sweep);
    if until > now {
        return Action::Wait(until);
    }
    Action::Drop(Reason::new("satisfied", "everything asked for stands on the base already"))
}

/// Since when the base holds everything that the open pull request asks for.
pub(super) fn satisfied_since(case: &Case<'_>) -> Option<Time> {
    let open = case.record.stage == Stage::Open;
    let stands = case.facts.plan.as_ref().is_ok_and(|plan| plan.applied.files.is_empty());
    (open && stands).then(|| case.record.satisfied.unwrap_or(case.facts.now))
}

fn again_on(case: &Case<'_>, pull: &Pull, plan: &Plan, base: &Base) -> PushIntent {
    PushIntent {
        branch: pull.head_ref.clone(),
        old: case.record.head.clone(),
        parent: base.tip.clone(),
        tree: plan.tree.clone(),
        at: case.facts.now.whole_second(),
    }
}

fn busy(times: &[Time], now: Time) -> bool {
    times.iter().filter(|at| at.plus_seconds(3_600) > now).count() >= MOST_REPEATS
}
