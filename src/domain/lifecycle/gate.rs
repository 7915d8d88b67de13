//! The merge gates, in the order they are shown to people.

use super::approved::approved;
use super::binding::live_binding;
use super::checks::{checks, protection, reviews};
use super::supersede::predecessors;
use super::track::class_standing;
use super::{Case, Owner};
use crate::domain::attest::{Fault, Proven, prove};
use crate::domain::facts::{Mergeable, Pull, PullState};
use crate::domain::policy::rules::AutoMerge;
use crate::domain::policy::verdict::Verdict;
use crate::domain::policy::{self, automates};

/// Seconds until a merge that the forge refused is asked for again.
const REFUSED_AGAIN: i64 = 600;

/// Proves the attestation in the body that the forge shows now, and every row of it.
pub fn proof(case: &Case<'_>, pull: &Pull) -> Result<Proven, Fault> {
    let proven = prove(&pull.body, &case.facts.keys, case.facts.now)?;
    let newest = case.record.issued.as_ref();
    let issued =
        newest.ok_or_else(|| Fault::new("attestation.unknown", "no attestation of this pull request is on record"))?;
    let predicate = &proven.statement.predicate;
    // A block copied from another pull request is told apart from an older one of this pull request.
    let live = live_binding(case);
    if let Some(live) = &live
        && (predicate.binding.pr.number != live.pr.number
            || predicate.binding.forge.repo_id != live.forge.repo_id
            || predicate.binding.tenant != live.tenant
            || predicate.binding.instance != live.instance)
    {
        predicate.binding.compare(live)?;
    }
    if predicate.nonce != issued.nonce || proven.envelope != issued.envelope {
        return Err(Fault::new("nonce.superseded", "the body holds an attestation that a newer one has replaced"));
    }
    let live = live.ok_or_else(|| Fault::new("facts.missing", "the values to compare with cannot be read now"))?;
    predicate.binding.compare(&live)?;
    Ok(proven)
}

/// Judges whether this pull request may merge now without a person.
pub fn gates(case: &Case<'_>, pull: &Pull) -> Verdict {
    let proof = proof(case, pull);
    let (Some(loaded), Some(judged)) = (case.rules.loaded(), case.judged) else {
        return Verdict::all("merge", vec![is_open(pull), case.rules.verdict(), attested(&proof)]);
    };
    let auto = &loaded.rules.auto_merge;
    let mut children = vec![
        is_open(pull),
        ours(case, pull),
        held(case, pull),
        frozen(case),
        clock(case),
        heads(case, pull),
        attested(&proof),
        replayed(case),
    ];
    children.push(policy::judge(case.proposal, judged, loaded, case.facts));
    children.push(hazards(case));
    children.push(approved(case, judged));
    children.push(checks(case, pull, auto));
    children.push(protection(case, pull));
    children.push(reviews(pull));
    children.push(mergeable(pull));
    children.push(waivable(case, pull, quiet(case, pull, auto)));
    children.push(waivable(case, pull, mode(case, auto)));
    children.push(waivable(case, pull, class(case, auto)));
    children.push(predecessors(case));
    children.push(turn(case));
    children.push(asked_before(case));
    Verdict::all("merge", children)
}

/// A gate that a person who asked for the merge of this very head has waived.
fn waivable(case: &Case<'_>, pull: &Pull, gate: Verdict) -> Verdict {
    match case.record.commands.waives(&pull.head) {
        Some(waiver) if !gate.passes() => {
            Verdict::pass(&gate.gate, format!("waived by {}, who asked for the merge", waiver.by.login))
        }
        Some(_) | None => gate,
    }
}

fn is_open(pull: &Pull) -> Verdict {
    match (pull.state, pull.draft, pull.locked) {
        (PullState::Open, false, false) => Verdict::pass("open", "the pull request is open and ready"),
        (PullState::Open, true, _) => Verdict::wait("open", "draft", "the pull request is a draft"),
        (PullState::Open, false, true) => Verdict::wait("open", "locked", "the pull request is locked"),
        (PullState::Closed | PullState::Merged, ..) => {
            Verdict::refuse("open", "not_open", "the pull request is not open")
        }
    }
}

fn ours(case: &Case<'_>, pull: &Pull) -> Verdict {
    let (facts, record) = (case.facts, case.record);
    let same = pull.repository == record.binding.id
        && facts.repository.id == record.binding.id
        && pull.head_repository == record.binding.id
        && pull.author.id == facts.repository.bot.id
        && record.pull == Some(pull.number);
    match (same, record.owner) {
        (true, Owner::Bot) => Verdict::pass("ours", "repository, head and author are ours by number"),
        (true, Owner::Person) => {
            let why = record.reason.as_ref().map_or("somebody changed it", |reason| reason.sentence.as_str());
            Verdict::refuse("ours", "left_to_people", format!("left to people: {why}"))
        }
        (false, Owner::Bot | Owner::Person) => {
            Verdict::refuse("ours", "foreign", "the pull request, its head or its author is not ours")
        }
    }
}

fn held(case: &Case<'_>, pull: &Pull) -> Verdict {
    if let Some(hold) = &case.record.commands.hold {
        let sentence = format!("{} holds it; `/countersign release` lets it go on", hold.by.login);
        return Verdict::wait("hold", "held", sentence);
    }
    let holds = |label: &&String| {
        let label = label.to_lowercase();
        label == "countersign:hold" || label == "hold" || label.starts_with("do-not-merge")
    };
    match pull.labels.iter().find(holds) {
        Some(label) => Verdict::wait("hold", "held", format!("the label `{label}` holds it; remove it to go on")),
        None => Verdict::pass("hold", "no label holds it"),
    }
}

fn frozen(case: &Case<'_>) -> Verdict {
    let freezes = case.rules.loaded().map(|loaded| loaded.rules.freeze.as_slice()).unwrap_or_default();
    match policy::freeze::frozen_until(freezes, case.facts.now) {
        Some(until) => Verdict::wait("freeze", "frozen", format!("the config freezes merges until {until}")),
        None => Verdict::pass("freeze", "no freeze is on"),
    }
}

fn clock(case: &Case<'_>) -> Verdict {
    if case.facts.clock_regressed {
        return Verdict::wait(
            "clock",
            "clock_regressed",
            "the clock stands behind the record's newest entry; set it right",
        );
    }
    let now = case.facts.now;
    if case.record.expires <= now {
        return Verdict::refuse("clock", "expired", format!("the proposal stood until {}", case.record.expires));
    }
    Verdict::pass("clock", format!("the proposal stands until {}", case.record.expires))
}

fn heads(case: &Case<'_>, pull: &Pull) -> Verdict {
    let head = case.record.head.as_ref();
    let tip = case.facts.branch.as_ref().map(|branch| &branch.commit);
    if head != Some(&pull.head) && head != tip {
        return Verdict::refuse("head", "head.sha", "the head is not the commit that countersign pushed");
    }
    if tip != Some(&pull.head) {
        return Verdict::wait("head", "head.disagree", "the forge's API and its git do not agree on the head");
    }
    if case.record.base.as_ref() != Some(&pull.base_ref) {
        return Verdict::refuse(
            "head",
            "base.ref",
            format!("it goes into `{}`, not where it was opened for", pull.base_ref),
        );
    }
    Verdict::pass("head", format!("head {} into `{}`, as pushed", pull.head.short(), pull.base_ref))
}

fn attested(proof: &Result<Proven, Fault>) -> Verdict {
    match proof {
        Ok(proven) => {
            let sentence = format!("signature and every row hold, valid until {}", proven.not_after());
            Verdict::pass("attestation", sentence)
        }
        Err(fault) => Verdict::refuse("attestation", &fault.code, fault.reason.clone()),
    }
}

fn replayed(case: &Case<'_>) -> Verdict {
    match (&case.facts.plan, &case.facts.branch) {
        (Err(refusal), _) => Verdict::refuse("replay", &refusal.code.to_string(), refusal.to_string()),
        (Ok(_), None) => Verdict::refuse("replay", "branch_gone", "the branch is gone"),
        (Ok(plan), Some(branch)) if plan.changeset == branch.changeset => {
            Verdict::pass("replay", format!("the change, applied again, gives the tree {}", plan.tree.short()))
        }
        (Ok(_), Some(_)) => {
            Verdict::refuse("replay", "changeset.mismatch", "the change, applied again, is not what the branch holds")
        }
    }
}

fn hazards(case: &Case<'_>) -> Verdict {
    let Some(judged) = case.judged else {
        return Verdict::refuse("hazards", "facts.missing", "the effect cannot be read now");
    };
    match judged.effect.hazards.first() {
        Some(hazard) => {
            let sentence = format!("{} at {}: a person has to merge", hazard.name, hazard.place);
            Verdict::refuse("hazards", hazard.name, sentence)
        }
        None if judged.effect.namespace_unknown => Verdict::refuse(
            "hazards",
            "namespace_unknown",
            "the files do not name the namespace: a person has to merge",
        ),
        None => Verdict::pass("hazards", "no danger in the effect"),
    }
}

fn mergeable(pull: &Pull) -> Verdict {
    match &pull.mergeable {
        Mergeable::Yes => Verdict::pass("mergeable", "the forge can merge it"),
        Mergeable::No(why) => Verdict::refuse("mergeable", "not_mergeable", why.clone()),
        Mergeable::Unknown => {
            Verdict::wait("mergeable", "mergeable_unknown", "the forge does not know yet whether it can merge it")
        }
    }
}

fn quiet(case: &Case<'_>, pull: &Pull, auto: &AutoMerge) -> Verdict {
    let until = pull.touched_by_others.map(|at| at.plus_seconds(auto.quiet_period.0));
    match until {
        Some(until) if until > case.facts.now => {
            Verdict::wait("quiet", "quiet_period", format!("somebody touched it; quiet until {until}"))
        }
        Some(_) | None => Verdict::pass("quiet", format!("nobody else touched it for {}", auto.quiet_period)),
    }
}

fn mode(case: &Case<'_>, auto: &AutoMerge) -> Verdict {
    let Some(judged) = case.judged else {
        return Verdict::refuse("mode", "facts.missing", "the place cannot be computed now");
    };
    let place = &judged.place;
    if !automates(place) {
        return Verdict::wait(
            "mode",
            "mode",
            format!("the environment is in mode `{}`: a person has to merge", place.mode),
        );
    }
    if !auto.action_kinds.contains(&case.record.action_kind) {
        let sentence = format!("`{}` is not listed under `autoMerge.actionKinds`", case.record.action_kind.name());
        return Verdict::wait("mode", "action_kind", sentence);
    }
    if !policy::may_automate(case.record.action_kind) {
        let sentence = format!("`{}` may touch too much to merge by itself", case.record.action_kind.name());
        return Verdict::wait("mode", "action_kind_wide", sentence);
    }
    let sure = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<f64>().ok());
    if let Some(least) = sure(&auto.minimum_confidence)
        && sure(&case.proposal.confidence).is_none_or(|confidence| confidence < least)
    {
        return Verdict::wait("mode", "confidence", format!("the proposal is not as sure of itself as {least}"));
    }
    Verdict::pass(
        "mode",
        format!("`{}` may merge by itself in `{}`", case.record.action_kind.name(), place.environment),
    )
}

fn class(case: &Case<'_>, auto: &AutoMerge) -> Verdict {
    let standing = class_standing(case, auto);
    if standing.unlocked() {
        return Verdict::pass("class", standing.arithmetic());
    }
    let gaps = standing.gaps.iter().map(|gap| Verdict::wait("record", "class_locked", gap.clone())).collect();
    let mut verdict = Verdict::all("class", gaps);
    verdict.sentence = format!("not earned yet: {}", standing.gaps.join("; "));
    verdict
}

/// A merge that the forge refused is not asked for again at once.
fn asked_before(case: &Case<'_>) -> Verdict {
    let again = case.record.refusals.last().map(|at| at.plus_seconds(REFUSED_AGAIN));
    match again {
        Some(again) if again > case.facts.now => Verdict::wait(
            "forge",
            "merge_refused",
            format!("the forge refused the merge; it is asked again at {again}"),
        ),
        Some(_) | None => Verdict::pass("forge", "the forge has not refused it lately"),
    }
}

fn turn(case: &Case<'_>) -> Verdict {
    match case.facts.counts.merging {
        0 => Verdict::pass("turn", "no other merge into this base is under way"),
        _ => Verdict::wait("turn", "another_merge", "another merge into this base is under way"),
    }
}
