//! The gates of others: checks, the forge's own rules, reviews.
//!
//! Must not count what our own App wrote.

use super::Case;
use crate::domain::facts::{Check, Conclusion, Opinion, Pull};
use crate::domain::policy::place;
use crate::domain::policy::rules::{AutoMerge, RequiredCheck};
use crate::domain::policy::verdict::Verdict;
use std::collections::BTreeMap;

/// A check that must be green, and who asks for it.
struct Wanted<'a> {
    name: &'a str,
    app: Option<u64>,
    glob: bool,
}

impl Wanted<'_> {
    fn fits(&self, check: &Check) -> bool {
        let named = if self.glob { place::is_match(self.name, &check.name) } else { self.name == check.name };
        named && self.app.is_none_or(|app| app == check.app)
    }
}

/// Which checks must be green: the config's and the forge's; none when neither can be read.
fn required<'a>(case: &Case<'a>, auto: &'a AutoMerge) -> Option<Vec<Wanted<'a>>> {
    let listed = auto.required_checks.as_deref();
    let protected = case.facts.protection.as_ref().map(|protection| protection.checks.as_slice());
    if listed.is_none() && protected.is_none() {
        return None;
    }
    let config = |check: &'a RequiredCheck| Wanted { name: &check.name, app: check.app, glob: true };
    let forge = |(name, app): &'a (String, Option<u64>)| Wanted { name, app: *app, glob: false };
    Some(listed.into_iter().flatten().map(config).chain(protected.into_iter().flatten().map(forge)).collect())
}

pub(super) fn checks<'a>(case: &Case<'a>, pull: &Pull, auto: &'a AutoMerge) -> Verdict {
    let Some(required) = required(case, auto) else {
        let sentence = "the branch's rules cannot be read: list `autoMerge.requiredChecks`";
        return Verdict::refuse("checks", "rules_unreadable", sentence);
    };
    let bot = case.facts.repository.bot.id;
    let here: Vec<&Check> = pull.checks.iter().filter(|check| check.head == pull.head && check.app != bot).collect();
    let explicit_none = auto.required_checks.as_ref().is_some_and(Vec::is_empty);
    if required.is_empty() && here.is_empty() && !explicit_none {
        let sentence = "no check has run on this head: list `autoMerge.requiredChecks`, or `[]` to need none";
        return Verdict::wait("checks", "checks.none", sentence);
    }
    let mut children: Vec<Verdict> = required.iter().map(|wanted| one_check(wanted, &here)).collect();
    if required.is_empty() && !explicit_none {
        children.extend(here.iter().map(|check| conclusion(check)));
    }
    Verdict::all("checks", children)
}

fn one_check(wanted: &Wanted<'_>, here: &[&Check]) -> Verdict {
    let found: Vec<Verdict> = here.iter().filter(|check| wanted.fits(check)).map(|check| conclusion(check)).collect();
    if found.is_empty() {
        return Verdict::wait("check", "checks.missing", format!("`{}` has not reported on this head", wanted.name));
    }
    let mut verdict = Verdict::all("check", found);
    if verdict.passes() {
        verdict.sentence = format!("`{}` is green", wanted.name);
    }
    verdict
}

fn conclusion(check: &Check) -> Verdict {
    let name = &check.name;
    match check.conclusion {
        Conclusion::Success => Verdict::pass("check", format!("`{name}` is green")),
        Conclusion::Pending => Verdict::wait("check", "checks.pending", format!("`{name}` is not done")),
        Conclusion::Failure => Verdict::refuse("check", "checks.failed", format!("`{name}` failed")),
        Conclusion::Neutral | Conclusion::Skipped | Conclusion::Cancelled | Conclusion::ActionRequired => {
            Verdict::refuse("check", "checks.not_green", format!("`{name}` ended without success"))
        }
    }
}

pub(super) fn protection(case: &Case<'_>, pull: &Pull) -> Verdict {
    let explicit = case.rules.loaded().is_some_and(|loaded| loaded.rules.auto_merge.required_checks.is_some());
    let Some(protection) = &case.facts.protection else {
        return if explicit {
            Verdict::pass("protection", "the branch's rules cannot be read; the config lists the checks")
        } else {
            Verdict::refuse("protection", "rules_unreadable", "the branch's rules cannot be read")
        };
    };
    if protection.queue {
        return Verdict::refuse(
            "protection",
            "merge_queue",
            "the branch needs a merge queue, which is not supported: a person has to merge",
        );
    }
    let parent = case.facts.branch.as_ref().and_then(|branch| branch.parents.first());
    let current = parent.is_some() && parent == case.facts.base.as_ref().map(|base| &base.tip);
    if protection.strict && !current {
        return Verdict::wait("protection", "behind", "the branch's rules want the head to contain the newest base");
    }
    let approving = latest(pull).values().filter(|opinion| **opinion == Opinion::Approve).count();
    if approving < usize::try_from(protection.approvals).unwrap_or(usize::MAX) {
        let sentence = format!("{approving} of {} approving reviews", protection.approvals);
        return Verdict::wait("protection", "reviews.missing", sentence);
    }
    Verdict::pass("protection", "the branch's rules are met")
}

/// The latest opinion of each person with write access on this head; the author's own does not count.
fn latest(pull: &Pull) -> BTreeMap<u64, Opinion> {
    let mut latest = BTreeMap::new();
    for review in pull.reviews.iter().filter(|review| review.can_write && review.by.id != pull.author.id) {
        match review.opinion {
            Opinion::Approve if review.head != pull.head => {}
            Opinion::Approve | Opinion::RequestChanges | Opinion::Dismissed => {
                latest.insert(review.by.id, review.opinion);
            }
            Opinion::Comment => {}
        }
    }
    latest
}

pub(super) fn reviews(pull: &Pull) -> Verdict {
    let against = latest(pull).values().any(|opinion| *opinion == Opinion::RequestChanges);
    if against {
        return Verdict::wait("reviews", "changes_requested", "a reviewer with write access requests changes");
    }
    Verdict::pass("reviews", "no reviewer requests changes")
}
