//! Which of two proposals goes on: the same effect is made once, and a newer change of the same places replaces an older.
//!
//! Must not count an approval that does not stand.

use super::{Case, Owner, Record, Stage};
use crate::domain::approval::{Approvers, Redeemed, awaited, standing};
use crate::domain::facts::{Before, FileSummary, Predecessor, Rival, Twin};
use crate::domain::ids::Time;
use crate::domain::policy::Judged;
use crate::domain::policy::verdict::Verdict;
use crate::domain::trust::Judgement;
use std::collections::BTreeSet;

/// The persons whose approvals of a proposal stand.
fn approvers(record: &Record, known: &Approvers) -> BTreeSet<String> {
    // Before the first look there is no class to compare with: then each stands for the class it names.
    let class = record.class.as_ref().map(crate::domain::trust::Class::key);
    let stands = |approval: &&Redeemed| {
        let one = std::slice::from_ref(*approval);
        // A key set that cannot be had takes nobody's place away.
        awaited(approval, known).is_some()
            || !standing(one, known, &record.principal, class.unwrap_or(approval.class)).is_empty()
    };
    record.approvals.iter().filter(stands).map(|approval| approval.person.clone()).collect()
}

/// Whether a proposal came after another one.
fn is_newer(one: &Record, other: &Record) -> bool {
    (one.received, &one.id) > (other.received, &other.id)
}

/// Whether a set of approvals holds every one of another and more.
fn more(mine: &BTreeSet<String>, theirs: &BTreeSet<String>) -> bool {
    mine.len() > theirs.len() && mine.is_superset(theirs)
}

/// Another proposal with the same effect, as this one sees it.
///
/// Of two that were only taken in the older one goes on; one that brings every approval of the other and more goes on in
/// its place.
pub fn twin(record: &Record, found: &Record, updated: Time, known: &Approvers) -> Twin {
    let (mine, theirs) = (approvers(record, known), approvers(found, known));
    let goes_first = match found.stage {
        Stage::Received if is_newer(found, record) => more(&theirs, &mine),
        Stage::Received | Stage::Pushed | Stage::Open => {
            found.owner == Owner::Person || !is_newer(record, found) || !more(&mine, &theirs)
        }
        Stage::Merged => true,
        Stage::Settled | Stage::Dropped => false,
    };
    Twin {
        id: found.id.clone(),
        active: goes_first,
        rejected: match found.stage {
            Stage::Dropped => Some(found.over.unwrap_or(updated)),
            Stage::Settled => found.undone.as_ref().filter(|undone| !undone.reopened).map(|undone| undone.at),
            Stage::Received | Stage::Pushed | Stage::Open | Stage::Merged => None,
        },
        reverted: found.stage == Stage::Settled,
        why: found.reason.as_ref().map(|reason| reason.sentence.clone()),
    }
}

/// Another proposal about the same target, as this one sees it.
///
/// One that a person or its sender ends already is none.
pub fn other(record: &Record, found: &Record, known: &Approvers) -> Option<Rival> {
    found.commands.ending.is_none().then(|| Rival {
        id: found.id.clone(),
        principal: found.principal.clone(),
        newer: is_newer(found, record),
        pull: found.pull,
        pushed: matches!(found.stage, Stage::Pushed | Stage::Open),
        theirs: found.owner == Owner::Person,
        same_effect: found.effect.is_some() && found.effect == record.effect,
        approvers: approvers(found, known),
        places: places(&found.summary),
    })
}

/// What a step of a plan sees of a proposal it waits for.
pub fn predecessor(name: &str, found: Option<(&Record, Time)>) -> Predecessor {
    let failed = |code: &str, what: String| Before::Failed(code.to_owned(), what);
    let state = match found {
        None => Before::Missing,
        Some((record, updated)) => match (record.stage, record.outcome) {
            (Stage::Settled, Some(Judgement::Good)) => Before::Good(record.over.unwrap_or(updated)),
            (Stage::Settled, Some(Judgement::Bad)) => failed("predecessor_failed", told(record, "its outcome is bad")),
            (Stage::Settled, Some(Judgement::Neutral) | None) => {
                failed("predecessor_unknown", told(record, "its outcome is not known"))
            }
            (Stage::Dropped, _) => failed("predecessor_dropped", told(record, "it was dropped")),
            (Stage::Merged, Some(Judgement::Bad)) => failed("predecessor_failed", told(record, "its outcome is bad")),
            (stage @ (Stage::Received | Stage::Pushed | Stage::Open | Stage::Merged), _) => Before::Going(stage.name()),
        },
    };
    Predecessor { name: name.to_owned(), state }
}

fn told(record: &Record, what: &str) -> String {
    match &record.reason {
        Some(reason) => format!("{what} ({}: {})", reason.code, reason.sentence),
        None => what.to_owned(),
    }
}

fn places(summary: &[FileSummary]) -> BTreeSet<(String, String)> {
    let each = |file: &FileSummary| {
        let path = file.path.clone();
        file.touched.iter().map(move |touch| (path.clone(), touch.path.clone())).collect::<Vec<_>>()
    };
    summary.iter().flat_map(each).collect()
}

/// Whether a newer proposal may take an older one's place: of the same sender, or with every approval of the older one.
fn may_replace(newer: (&str, &BTreeSet<String>), older: (&str, &BTreeSet<String>)) -> bool {
    newer.0 == older.0 || (!older.1.is_empty() && newer.1.is_superset(older.1))
}

/// The newer proposal that takes this one's place: its pull request is open, and it changes all that this one changes.
pub(super) fn replaced<'a>(case: &'a Case<'_>) -> Option<&'a Rival> {
    let record = case.record;
    let (mine, places) = (approvers(record, &case.facts.approvers), places(&record.summary));
    let takes = |rival: &&Rival| {
        let replaces = if rival.same_effect {
            more(&rival.approvers, &mine)
        } else {
            rival.places.is_superset(&places)
                && may_replace((&rival.principal, &rival.approvers), (&record.principal, &mine))
        };
        rival.newer && rival.pull.is_some() && !places.is_empty() && replaces
    };
    let may_end = record.owner == Owner::Bot && matches!(record.stage, Stage::Received | Stage::Pushed | Stage::Open);
    case.facts.rivals.iter().filter(|_| may_end).find(takes)
}

/// The older proposals that this one would replace, each with whether it may.
pub(super) fn replaces<'a>(case: &'a Case<'_>, judged: &Judged) -> Vec<(&'a Rival, bool)> {
    let record = case.record;
    let (mine, places) = (approvers(record, &case.facts.approvers), places(&judged.effect.summary));
    let older =
        |rival: &&Rival| !rival.newer && rival.pushed && !rival.places.is_empty() && places.is_superset(&rival.places);
    let may = |rival: &'a Rival| {
        let same = rival.same_effect && more(&mine, &rival.approvers);
        let other = !rival.same_effect && may_replace((&record.principal, &mine), (&rival.principal, &rival.approvers));
        (rival, !rival.theirs && (same || other))
    };
    case.facts.rivals.iter().filter(older).map(may).collect()
}

/// The gate before the first push: an older pull request that makes part of this change has to be replaceable.
pub(super) fn displaces(case: &Case<'_>, judged: &Judged) -> Verdict {
    let found = replaces(case, judged);
    if let Some((rival, _)) = found.iter().find(|(_, may)| !may) {
        let pull = rival.pull.map(|number| format!(" (pull request {number})")).unwrap_or_default();
        let why = if rival.theirs { "it was left to people" } else { "it is not of the same sender" };
        let sentence = format!(
            "proposal {}{pull} changes the same places and {why}: merge or close it first, or bring every approval it has",
            rival.id
        );
        return Verdict::wait("target", "target_busy", sentence);
    }
    match found.first() {
        Some((rival, _)) => Verdict::pass("target", format!("takes the place of proposal {}", rival.id)),
        None => Verdict::pass("target", "no other open pull request changes the same places"),
    }
}

/// What a step's predecessors come to: good, not yet, or never.
pub(super) fn predecessors(case: &Case<'_>) -> Verdict {
    let children = case.facts.predecessors.iter().map(|before| {
        let name = &before.name;
        match &before.state {
            Before::Good(_) => Verdict::pass("predecessor", format!("the outcome of `{name}` is good")),
            Before::Going(stage) => {
                let sentence = format!("`{name}` is {stage}: this step waits for its good outcome");
                Verdict::wait("predecessor", "predecessor_pending", sentence)
            }
            Before::Missing => {
                let sentence = format!("there is no proposal `{name}` yet: this step waits for its good outcome");
                Verdict::wait("predecessor", "predecessor_missing", sentence)
            }
            Before::Failed(code, why) => {
                let sentence = format!("`{name}` will not have a good outcome: {why}");
                Verdict::refuse("predecessor", code, sentence)
            }
        }
    });
    let children: Vec<Verdict> = children.collect();
    if children.is_empty() {
        return Verdict::pass("predecessors", "it waits for no other proposal");
    }
    Verdict::all("predecessors", children)
}

/// Since when nothing but this proposal itself is waited for.
pub(super) fn ready(case: &Case<'_>) -> Time {
    let known = case.facts.predecessors.iter().filter_map(|before| match &before.state {
        Before::Good(at) => Some(*at),
        Before::Missing | Before::Going(_) | Before::Failed(..) => None,
    });
    known.fold(case.record.received, Time::max)
}
