//! Chooses the single next thing to do.

use super::approved::{approved, patience, rejected};
use super::branch::branch_name;
use super::choice::{Action, Choice, choose, digest, later};
use super::command;
use super::gate::gates;
use super::heard;
use super::renewal::{renewal, wished};
use super::soak::soaking;
use super::supersede;
use super::undone;
use super::{Case, MergeIntent, Owner, PushIntent, Reason, Stage, redress};
use crate::domain::attest::{prove, region_digest};
use crate::domain::facts::{Plan, Pull, PullState};
use crate::domain::ids::{Oid, Time};
use crate::domain::policy::rules::{Mode, Rules};
use crate::domain::policy::verdict::{State, Verdict};
use crate::domain::policy::{self, Judged};

/// Chooses the next action; total over the stages.
pub fn next(case: &Case<'_>) -> Choice {
    if let Some(found) = command::answering(case) {
        return found;
    }
    match case.record.stage {
        Stage::Received => received(case),
        Stage::Pushed => pushed(case),
        Stage::Open => open(case),
        Stage::Merged => heard::told(case.facts, soaking(case)),
        Stage::Settled | Stage::Dropped => over(case),
    }
}

fn over(case: &Case<'_>) -> Choice {
    if let Some(choice) = redress::owed(case).or_else(|| undone::noticed(case)) {
        return choice;
    }
    let again = undone::next_look(case, case.record);
    choose(Action::Wait(again.unwrap_or(Time(i64::MAX))), Verdict::pass("over", "nothing is left to do"))
}

fn drop(verdict: Verdict, code: &str) -> Choice {
    let reason = Reason::new(code, verdict.sentence.clone());
    choose(Action::Drop(reason), verdict)
}

fn received(case: &Case<'_>) -> Choice {
    let (facts, record) = (case.facts, case.record);
    // A push that was announced and made is taken note of first: what we made we also remove.
    if let Some(verdict) = rejected(case) {
        return adopt(case).unwrap_or_else(|| drop(verdict, "rejected"));
    }
    if record.expires <= facts.now {
        let sentence = format!("the proposal stood until {}", record.expires);
        return drop(Verdict::refuse("expiry", "expired", sentence), "expired");
    }
    if let Some(choice) = over_before(case) {
        return adopt(case).unwrap_or(choice);
    }
    if facts.repository.archived {
        return drop(Verdict::refuse("repository", "archived", "the repository is archived or read-only"), "failed");
    }
    let loaded = match case.rules.loaded() {
        Some(loaded) => loaded,
        None if case.rules.is_missing() => return drop(case.rules.verdict(), "not_enabled"),
        None => return later(case, case.rules.verdict()),
    };
    // What a step builds on may not stand on the base before, so this comes before the change is looked at.
    let before = supersede::predecessors(case);
    if !before.passes() {
        return adopt(case).unwrap_or_else(|| later(case, before));
    }
    let Some(base) = &facts.base else {
        let sentence = "the base branch does not exist: name one that does, or create it";
        return drop(Verdict::refuse("base", "base_missing", sentence), "failed");
    };
    let plan = match &facts.plan {
        Ok(plan) => plan,
        Err(refusal) => return drop(Verdict::refuse("edit", &refusal.code.to_string(), refusal.to_string()), "denied"),
    };
    if plan.applied.files.is_empty() {
        return drop(Verdict::pass("edit", "everything asked for stands already"), "satisfied");
    }
    let Some(judged) = case.judged else {
        return later(case, Verdict::wait("facts", "facts.missing", "the effect is not computed yet"));
    };
    let intent = |old| PushIntent {
        branch: branch_name(record),
        old,
        parent: base.tip.clone(),
        tree: plan.tree.clone(),
        at: facts.now.whole_second(),
    };
    if let Some(found) = adopt(case) {
        return found;
    }
    received_judged(case, judged, &loaded.rules, plan, intent(None))
}

fn received_judged(case: &Case<'_>, judged: &Judged, rules: &Rules, plan: &Plan, intent: PushIntent) -> Choice {
    let facts = case.facts;
    let Some(loaded) = case.rules.loaded() else { return later(case, case.rules.verdict()) };
    let policy = policy::judge(case.proposal, judged, loaded, facts);
    let admission = policy::admit(facts, rules);
    let edit = Verdict::pass("edit", format!("{} files, tree {}", plan.applied.files.len(), plan.tree.short()));
    let target = supersede::displaces(case, judged);
    let verdict = Verdict::all("intake", vec![edit, policy, approved(case, judged), target, admission]);
    match verdict.state {
        State::Refuse => {
            let reason = match verdict.code.as_str() {
                "duplicate" | "same_incident" => "duplicate",
                "rejected" => "rejected",
                _ => "denied",
            };
            drop(verdict, reason)
        }
        State::Wait => {
            let waits_for_approval = verdict.open().iter().any(|gate| gate.code == "approvals_missing");
            let until = patience(case, judged, rules);
            if waits_for_approval && until <= facts.now { drop(verdict, "expired") } else { later(case, verdict) }
        }
        State::Pass if judged.place.mode == Mode::Observe => drop(verdict, "observed"),
        State::Pass if facts.branch.is_some() => {
            let sentence = format!(
                "the branch `{}` exists and is not ours: remove it, then propose under another id",
                intent.branch
            );
            drop(Verdict::refuse("branch", "branch_taken", sentence), "failed")
        }
        State::Pass => choose(Action::Push(intent), verdict),
    }
}

/// What ends a proposal whatever else is the case: a person or its sender took it back, a newer one replaced it, or a
/// step it builds on failed.
fn over_before(case: &Case<'_>) -> Option<Choice> {
    if let Some(reason) = &case.record.commands.ending {
        return Some(ended(reason));
    }
    if let Some(newer) = supersede::replaced(case) {
        let pull = newer.pull.map(|number| format!(", pull request {number}")).unwrap_or_default();
        let sentence = format!("proposal {}{pull}, is newer and takes its place", newer.id);
        return Some(drop(Verdict::refuse("target", "superseded", sentence), "superseded"));
    }
    let before = supersede::predecessors(case);
    (before.state == State::Refuse).then(|| {
        let code = before.code.clone();
        drop(before, &code)
    })
}

/// A push that was announced and whose commit stands at the branch is ours: it only needs its result.
fn adopt(case: &Case<'_>) -> Option<Choice> {
    let (intent, tip) = (case.record.push.as_ref()?, case.facts.branch.as_ref()?);
    let ours = tip.parents == [intent.parent.clone()]
        && tip.tree == intent.tree
        && case.record.head.as_ref() != Some(&tip.commit);
    let verdict = Verdict::pass("push", "the announced commit stands at the branch");
    ours.then(|| choose(Action::Push(intent.clone()), verdict))
}

fn pushed(case: &Case<'_>) -> Choice {
    let (record, facts) = (case.record, case.facts);
    if let Some(verdict) = rejected(case) {
        return drop(verdict, "rejected");
    }
    if record.expires <= facts.now && !facts.clock_regressed {
        let sentence = format!("the proposal stood until {}", record.expires);
        return drop(Verdict::refuse("expiry", "expired", sentence), "expired");
    }
    if let Some(choice) = over_before(case) {
        return choice;
    }
    if let Some(halt) = &facts.halted {
        let sentence = format!("{} stopped this repository", halt.by.login);
        return later(case, Verdict::wait("stop", "halted", sentence));
    }
    if facts.base.is_none() {
        return drop(Verdict::refuse("base", "base_missing", "somebody removed the base branch"), "failed");
    }
    if facts.plan.as_ref().is_ok_and(|plan| plan.applied.files.is_empty()) {
        return drop(Verdict::pass("edit", "everything asked for stands on the base already"), "satisfied");
    }
    match &facts.branch {
        Some(tip) if Some(&tip.commit) == record.head.as_ref() => {
            choose(Action::OpenPull, Verdict::pass("push", format!("the branch is at {}", tip.commit.short())))
        }
        Some(_) => {
            let sentence = "somebody else moved the branch before the pull request was opened";
            drop(Verdict::refuse("push", "branch_moved", sentence), "failed")
        }
        None => {
            let sentence = "somebody removed the branch before the pull request was opened";
            drop(Verdict::refuse("push", "branch_gone", sentence), "failed")
        }
    }
}

fn open(case: &Case<'_>) -> Choice {
    let Some(pull) = &case.facts.pull else {
        return later(case, Verdict::wait("pull", "pull_missing", "the forge does not show the pull request"));
    };
    match pull.state {
        PullState::Merged => return landed(case, pull),
        PullState::Closed => return closed(case, pull),
        PullState::Open => {}
    }
    if let Some(verdict) = rejected(case) {
        return drop(verdict, "rejected");
    }
    if let Some(reason) = &case.record.commands.ending {
        return ended(reason);
    }
    let verdict = gates(case, pull);
    if case.record.owner == Owner::Person {
        return report_or_wait(case, verdict);
    }
    if let Some(choice) = over_before(case) {
        return choice;
    }
    if let Some(found) = adopt(case) {
        return found;
    }
    // Nothing that depends on the time is decided while the clock is wrong, and nothing at all while we are stopped.
    let stopped = case.rules.loaded().is_some_and(|loaded| loaded.rules.stop) || case.facts.halted.is_some();
    if case.facts.clock_regressed || stopped {
        return later(case, verdict);
    }
    if case.record.expires <= case.facts.now {
        return drop(
            Verdict::refuse("clock", "expired", format!("the proposal stood until {}", case.record.expires)),
            "expired",
        );
    }
    if disagree(case, pull) {
        let sentence = "the forge's API and its git do not agree on the head: one of them lags behind";
        return later(case, Verdict::wait("head", "head.disagree", sentence));
    }
    if let Some(reason) = estranged(case, pull) {
        return choose(Action::HandOver(reason), verdict);
    }
    if !case.rules.is_loaded() || case.judged.is_none() {
        return stuck(case, verdict);
    }
    // Nothing more leaves while approvals that were there before do not stand any more.
    if case.judged.is_some_and(|judged| !approved(case, judged).passes()) {
        return report_or_wait(case, verdict);
    }
    match wished(case, pull).or_else(|| renewal(case, pull)) {
        Some(Ok(action)) => choose(action, verdict),
        Some(Err(reason)) => choose(Action::HandOver(reason), verdict),
        None => settled_body(case, pull, verdict),
    }
}

/// What a person's command ends.
fn ended(reason: &Reason) -> Choice {
    choose(Action::Drop(reason.clone()), Verdict::refuse("command", &reason.code, reason.sentence.clone()))
}

/// A person's close is a no; our own is the end of a drop that was not written down.
fn closed(case: &Case<'_>, pull: &Pull) -> Choice {
    if let Some(reason) = &case.record.commands.ending {
        return ended(reason);
    }
    match &pull.closed_by {
        Some(user) if user.id == case.facts.repository.bot.id => {
            let code = if case.record.expires <= case.facts.now { "expired" } else { "satisfied" };
            drop(Verdict::refuse("open", code, "countersign closed the pull request"), code)
        }
        Some(user) => {
            let why = case.facts.parting.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            let sentence = format!("{} closed the pull request{why}", user.login);
            drop(Verdict::refuse("open", "rejected", sentence), "rejected")
        }
        None => drop(Verdict::refuse("open", "rejected", "somebody closed the pull request"), "rejected"),
    }
}

/// The rules cannot be read, or the change cannot be applied to the base any more.
fn stuck(case: &Case<'_>, verdict: Verdict) -> Choice {
    match &case.facts.plan {
        Err(refusal) if case.rules.is_loaded() => {
            let sentence = format!("the change does not fit the base any more: {refusal}");
            choose(Action::HandOver(Reason::new("base_conflict", sentence)), verdict)
        }
        Ok(_) | Err(_) => report_or_wait(case, verdict),
    }
}

fn landed(case: &Case<'_>, pull: &Pull) -> Choice {
    match &pull.merged {
        Some(landed) => choose(
            Action::Land(landed.clone()),
            Verdict::pass("merged", format!("merged as {}", landed.commit.short())),
        ),
        None => later(case, Verdict::wait("merged", "merge_unknown", "the forge says merged, but not as which commit")),
    }
}

/// The forge's API and its git name two heads, one of which is ours: one of them lags behind.
fn disagree(case: &Case<'_>, pull: &Pull) -> bool {
    let head = case.record.head.as_ref();
    let ours = |commit: Option<&Oid>| commit == head;
    let tip = case.facts.branch.as_ref().map(|branch| &branch.commit);
    tip.is_some() && ours(Some(&pull.head)) != ours(tip)
}

/// What somebody else did to the pull request that countersign leaves to people.
fn estranged(case: &Case<'_>, pull: &Pull) -> Option<Reason> {
    let record = case.record;
    if record.head.as_ref() != Some(&pull.head) {
        let sentence = format!("somebody else pushed to the branch: its head is {}", pull.head.short());
        return Some(Reason::new("head.sha", sentence));
    }
    if record.base.as_ref() != Some(&pull.base_ref) {
        return Some(Reason::new("base.ref", format!("somebody retargeted it to `{}`", pull.base_ref)));
    }
    if pull.head_repository != record.binding.id || record.branch.as_ref() != Some(&pull.head_ref) {
        return Some(Reason::new("head.ref", "its head is not our branch in this repository"));
    }
    // What people write into the signed text is never overwritten, whatever else moved.
    edited(case, pull)
}

/// Whether the signed text is none that we wrote.
fn edited(case: &Case<'_>, pull: &Pull) -> Option<Reason> {
    let issued = case.record.issued.as_ref()?;
    let text = match region_digest(&pull.body) {
        Ok(text) => text,
        Err(fault) => return Some(Reason::new(&fault.code, fault.reason)),
    };
    // A text of ours is the newest, the one announced before a crash, or an older one that its own block still proves.
    let older = || match prove(&pull.body, &case.facts.keys, case.facts.now) {
        Ok(_) => true,
        Err(fault) => fault.code == "attestation.expired",
    };
    if text == issued.text || case.record.announced_text == Some(text) || older() {
        return None;
    }
    Some(Reason::new("body_changed", "the text above the attestation is not the text that was signed"))
}

fn settled_body(case: &Case<'_>, pull: &Pull, verdict: Verdict) -> Choice {
    if case.record.reported != Some(digest(&verdict)) {
        return choose(Action::Report, verdict);
    }
    let (Some(base), Ok(plan)) = (&case.facts.base, &case.facts.plan) else { return later(case, verdict) };
    if verdict.passes() {
        let intent = MergeIntent {
            head: pull.head.clone(),
            base: base.tip.clone(),
            tree: plan.tree.clone(),
            at: case.facts.now,
        };
        return choose(Action::Merge(intent), verdict);
    }
    later(case, verdict)
}

fn report_or_wait(case: &Case<'_>, verdict: Verdict) -> Choice {
    if case.record.reported == Some(digest(&verdict)) { later(case, verdict) } else { choose(Action::Report, verdict) }
}
