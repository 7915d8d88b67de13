//! What another config means, in words: who may do more without a person, and who less.
//!
//! Must not guess: what cannot be called tighter or looser is said as it is.

use super::rules::{AutoMerge, Mode, RequiredCheck, Rules, Sources};
use crate::domain::proposal::ActionKind;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which way a consequence goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// More happens without a person.
    Looser,
    /// Neither can be said.
    Other,
    /// Less happens without a person.
    Tighter,
}

impl Way {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Way::Looser => "looser",
            Way::Other => "other",
            Way::Tighter => "tighter",
        }
    }
}

/// One consequence of another config.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Consequence {
    /// Which way it goes.
    pub way: Way,
    /// One sentence.
    pub sentence: String,
}

/// What changes when one config takes the place of another; the looser ones first.
pub fn consequences(old: &Rules, new: &Rules) -> Vec<Consequence> {
    let mut found = Vec::new();
    rungs(old, new, &mut found);
    environments(old, new, &mut found);
    merging(&old.auto_merge, &new.auto_merge, &mut found);
    numbers(old, new, &mut found);
    lists(old, new, &mut found);
    found.sort();
    found
}

/// The same as one line for each, `looser  staging: ...`.
pub fn lines(found: &[Consequence]) -> Vec<String> {
    found.iter().map(|one| format!("{:<7} {}", one.way.word(), one.sentence)).collect()
}

/// `1 looser, 2 tighter, 0 other`.
pub fn summary(found: &[Consequence]) -> String {
    let count = |way| found.iter().filter(|one| one.way == way).count();
    format!("{} looser, {} tighter, {} other", count(Way::Looser), count(Way::Tighter), count(Way::Other))
}

/// What a config means by itself, a line each.
pub fn meaning(rules: &Rules) -> Vec<String> {
    let mut found = Vec::new();
    for (name, environment) in &rules.environments {
        let production = if environment.is_production(name) { ", production" } else { "" };
        found.push(format!(
            "environment {name}: mode {}{production}, {}",
            environment.mode,
            environment.paths.join(" ")
        ));
        if environment.start_in == Some(Mode::Observe) {
            found.push(format!("environment {name}: kinds not listed under `kinds` are only observed"));
        }
        found.extend(
            environment.kinds.iter().map(|(kind, rung)| format!("environment {name}: {} at most {rung}", kind.name())),
        );
    }
    let auto = &rules.auto_merge;
    let kinds: Vec<String> = auto.action_kinds.iter().map(|kind| kind.name()).collect();
    let clean = auto.wilson_lower_bound.clean_outcomes();
    found.push(match kinds.as_slice() {
        [] => "auto-merge: no action kind is listed, so nothing merges by itself".to_owned(),
        kinds => format!(
            "auto-merge: {} after {clean} clean outcomes (lower bound {}), over {} targets and {} days, soak {}",
            kinds.join(", "),
            auto.wilson_lower_bound,
            auto.spread.targets,
            auto.spread.days,
            auto.soak
        ),
    });
    let wide = auto.action_kinds.iter().filter(|kind| !super::may_automate(**kind));
    found.extend(
        wide.map(|kind| format!("auto-merge: {} is listed but may touch too much, so a person merges it", kind.name())),
    );
    let limits = &rules.limits;
    found.push(format!(
        "limits: {} pull requests an hour, {} open at once, {} files and {} lines in one",
        limits.pull_requests_per_hour, limits.open_pull_requests, limits.files, limits.lines
    ));
    if rules.outcomes != Sources::default() {
        found.push(format!("outcomes: {}", rules.outcomes));
    }
    if rules.stop {
        found.push("stop: nothing is pushed or merged".to_owned());
    }
    found
}

fn say(found: &mut Vec<Consequence>, way: Way, sentence: String) {
    found.push(Consequence { way, sentence });
}

/// What may happen to a kind in an environment: its rung, where automate needs the kind to be listed as well.
pub fn rung(rules: &Rules, environment: &str, kind: ActionKind) -> Mode {
    let Some(environment) = rules.environments.get(environment) else { return Mode::Propose };
    let rung = environment.rung(kind);
    let listed = super::may_automate(kind) && rules.auto_merge.action_kinds.contains(&kind);
    if listed { rung } else { rung.min(Mode::Propose) }
}

fn words(mode: Mode, rules: &Rules) -> String {
    match mode {
        Mode::Observe => "only observed".to_owned(),
        Mode::Propose => "merged by a person".to_owned(),
        Mode::Automate => {
            let clean = rules.auto_merge.wilson_lower_bound.clean_outcomes();
            format!("merged without a person once its class is unlocked ({clean} clean outcomes)")
        }
    }
}

/// Kinds whose rung differs, those that change alike in one sentence.
fn rungs(old: &Rules, new: &Rules, found: &mut Vec<Consequence>) {
    let names: BTreeSet<&String> = old.environments.keys().chain(new.environments.keys()).collect();
    for name in names {
        let mut moved: BTreeMap<(Mode, Mode), Vec<String>> = BTreeMap::new();
        for kind in ActionKind::ALL {
            let (before, after) = (rung(old, name, kind), rung(new, name, kind));
            if before != after {
                moved.entry((before, after)).or_default().push(kind.name());
            }
        }
        for ((before, after), kinds) in moved {
            let way = if after > before { Way::Looser } else { Way::Tighter };
            let kinds = if kinds.len() == ActionKind::ALL.len() { "every kind".to_owned() } else { kinds.join(", ") };
            say(found, way, format!("{name}: {kinds}: {}, before {}", words(after, new), words(before, old)));
        }
    }
}

fn environments(old: &Rules, new: &Rules, found: &mut Vec<Consequence>) {
    for (name, before) in &old.environments {
        let Some(after) = new.environments.get(name) else {
            say(found, Way::Other, format!("{name} is gone: its files belong to no environment and need a person"));
            continue;
        };
        if before.paths != after.paths {
            let (now, then) = (after.paths.join(" "), before.paths.join(" "));
            say(found, Way::Other, format!("{name} holds other files: `{now}`, before `{then}`"));
        }
        match (before.is_production(name), after.is_production(name)) {
            (true, false) => say(found, Way::Looser, format!("{name} is no production environment any more")),
            (false, true) => say(found, Way::Tighter, format!("{name} is a production environment")),
            (true, true) | (false, false) => {}
        }
    }
    for (name, after) in new.environments.iter().filter(|(name, _)| !old.environments.contains_key(*name)) {
        say(found, Way::Other, format!("{name} is new: `{}`", after.paths.join(" ")));
    }
}

fn merging(old: &AutoMerge, new: &AutoMerge, found: &mut Vec<Consequence>) {
    let share = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    more(
        found,
        "autoMerge.wilsonLowerBound",
        (old.wilson_lower_bound, new.wilson_lower_bound),
        (old.wilson_lower_bound.to_string(), new.wilson_lower_bound.to_string()),
    );
    more(
        found,
        "autoMerge.minimumConfidence",
        (share(&old.minimum_confidence), share(&new.minimum_confidence)),
        (shown(&old.minimum_confidence), shown(&new.minimum_confidence)),
    );
    for (name, before, after) in [
        ("autoMerge.spread.targets", old.spread.targets, new.spread.targets),
        ("autoMerge.spread.days", old.spread.days, new.spread.days),
    ] {
        more(found, name, (before, after), (before.to_string(), after.to_string()));
    }
    for (name, before, after) in
        [("autoMerge.soak", old.soak, new.soak), ("autoMerge.quietPeriod", old.quiet_period, new.quiet_period)]
    {
        more(found, name, (before, after), (before.to_string(), after.to_string()));
    }
    if old.outcomes != new.outcomes {
        let show = |auto: &AutoMerge| format!("the newest {} within {}", auto.outcomes.last, auto.outcomes.within);
        say(found, Way::Other, format!("autoMerge.outcomes: {}, before {}", show(new), show(old)));
    }
    if old.suggest != new.suggest {
        let word = if new.suggest { "is suggested" } else { "is not suggested" };
        say(found, Way::Other, format!("autoMerge.suggest: a class that earned it {word} for automate"));
    }
    if old.method != new.method {
        say(found, Way::Other, format!("autoMerge.method: {:?}, before {:?}", new.method, old.method));
    }
    checks(&old.required_checks, &new.required_checks, found);
}

fn checks(old: &Option<Vec<RequiredCheck>>, new: &Option<Vec<RequiredCheck>>, found: &mut Vec<Consequence>) {
    let forge = "what the forge demands, and at least one check";
    match (old, new) {
        (None, Some(list)) if list.is_empty() => {
            say(found, Way::Looser, format!("autoMerge.requiredChecks: none, before {forge}"));
        }
        (None, Some(_)) => say(found, Way::Other, format!("autoMerge.requiredChecks: a list, before {forge}")),
        (Some(list), None) if list.is_empty() => {
            say(found, Way::Tighter, format!("autoMerge.requiredChecks: {forge}, before none"));
        }
        (Some(_), None) => say(found, Way::Other, format!("autoMerge.requiredChecks: {forge}, before a list")),
        (None, None) => {}
        (Some(old), Some(new)) => {
            let name = |check: &RequiredCheck| match check.app {
                Some(app) => format!("`{}` of app {app}", check.name),
                None => format!("`{}`", check.name),
            };
            let of = |list: &[RequiredCheck]| list.iter().map(name).collect::<BTreeSet<_>>();
            let (old, new) = (of(old), of(new));
            old.difference(&new).for_each(|gone| say(found, Way::Looser, format!("the check {gone} is not required")));
            new.difference(&old).for_each(|more| say(found, Way::Tighter, format!("the check {more} is required")));
        }
    }
}

/// A value whose larger one is the tighter one.
fn more<T: PartialOrd>(found: &mut Vec<Consequence>, name: &str, values: (T, T), shown: (String, String)) {
    let way = match values.1.partial_cmp(&values.0) {
        Some(std::cmp::Ordering::Greater) => Way::Tighter,
        Some(std::cmp::Ordering::Less) => Way::Looser,
        Some(std::cmp::Ordering::Equal) | None => return,
    };
    say(found, way, format!("{name}: {}, before {}", shown.1, shown.0));
}

/// A value whose larger one is the looser one.
fn less<T: PartialOrd + ToString>(found: &mut Vec<Consequence>, name: &str, before: T, after: T) {
    let shown = (before.to_string(), after.to_string());
    more(found, name, (std::cmp::Reverse(before), std::cmp::Reverse(after)), shown);
}

fn numbers(old: &Rules, new: &Rules, found: &mut Vec<Consequence>) {
    let (a, b) = (&old.limits, &new.limits);
    less(found, "limits.pullRequestsPerHour", a.pull_requests_per_hour, b.pull_requests_per_hour);
    less(found, "limits.openPullRequests", a.open_pull_requests, b.open_pull_requests);
    less(found, "limits.files", a.files, b.files);
    less(found, "limits.lines", a.lines, b.lines);
    less(found, "approvalTimeout", old.approval_timeout, new.approval_timeout);
    let (a, b) = (&old.approvals, &new.approvals);
    let plain = |x: u32, y: u32| ((x, y), (x.to_string(), y.to_string()));
    let (values, shown) = plain(a.tier1, b.tier1);
    more(found, "approvals.tier1", values, shown);
    let (values, shown) = plain(a.tier2, b.tier2);
    more(found, "approvals.tier2", values, shown);
    let share = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    more(
        found,
        "approvals.minimumConfidence",
        (share(&a.minimum_confidence), share(&b.minimum_confidence)),
        (text(&a.minimum_confidence), text(&b.minimum_confidence)),
    );
    let shown = (old.hold_period.to_string(), new.hold_period.to_string());
    more(found, "holdPeriod", (old.hold_period, new.hold_period), shown);
    match (old.stop, new.stop) {
        (true, false) => say(found, Way::Looser, "the emergency stop is taken back".into()),
        (false, true) => say(found, Way::Tighter, "the emergency stop: nothing is pushed or merged".into()),
        (true, true) | (false, false) => {}
    }
}

fn lists(old: &Rules, new: &Rules, found: &mut Vec<Consequence>) {
    let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    let both = |found: &mut Vec<_>, old: &[String], new: &[String], more: Way, what: &str| {
        let less = if more == Way::Tighter { Way::Looser } else { Way::Tighter };
        let (old, new) = (set(old), set(new));
        new.difference(&old).for_each(|name| say(found, more, format!("`{name}` {what}")));
        old.difference(&new).for_each(|name| say(found, less, format!("not any more: `{name}` {what}")));
    };
    both(found, &old.protected_namespaces, &new.protected_namespaces, Way::Tighter, "is a protected namespace");
    both(found, &old.bases, &new.bases, Way::Looser, "may be changed as a base branch");
    let frozen = |rules: &Rules| {
        let show = |freeze: &super::rules::Freeze| {
            let zone = freeze.timezone.as_deref().unwrap_or("UTC");
            format!("{} to {} {zone}", freeze.from, freeze.to)
        };
        rules.freeze.iter().map(show).collect::<Vec<_>>()
    };
    if old.outcomes != new.outcomes {
        say(found, Way::Other, format!("outcomes: {}, before {}", new.outcomes, old.outcomes));
    }
    both(found, &frozen(old), &frozen(new), Way::Tighter, "is frozen");
    let runbooks = |rules: &Rules| rules.runbooks.keys().cloned().collect::<Vec<_>>();
    both(found, &runbooks(old), &runbooks(new), Way::Looser, "may be proposed as a runbook");
    for (name, after) in &new.runbooks {
        if old.runbooks.get(name).is_some_and(|before| before != after) {
            say(found, Way::Other, format!("the runbook `{name}` may touch other files or kinds"));
        }
    }
    match (&old.policy, &new.policy) {
        (None, Some(path)) => say(found, Way::Tighter, format!("the policy {path} is asked")),
        (Some(path), None) => say(found, Way::Looser, format!("the policy {path} is not asked any more")),
        (Some(a), Some(b)) if a != b => say(found, Way::Other, format!("the policy {b} is asked, before {a}")),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(old: &str, new: &str) -> Vec<String> {
        let read = |text: &str| Rules::read(format!("version: 1\n{text}\n").as_bytes()).expect(text);
        lines(&consequences(&read(old), &read(new)))
    }

    #[test]
    fn a_rung_is_told_by_environment_and_kind() {
        let staging = |mode: &str, kinds: &str| {
            format!("environments: {{staging: {{paths: ['s/**'], mode: {mode}}}}}\nautoMerge: {{actionKinds: {kinds}}}")
        };
        let found = told(&staging("propose", "[SetImage]"), &staging("automate", "[SetImage, PatchManifest]"));
        assert_eq!(found.len(), 1, "{found:?}");
        let wanted =
            "looser  staging: SetImage: merged without a person once its class is unlocked (73 clean outcomes)";
        assert!(found[0].starts_with(wanted), "{found:?}");
        let found = told(&staging("automate", "[SetImage]"), &staging("observe", "[SetImage]"));
        assert!(found.iter().all(|line| line.starts_with("tighter staging: ")), "{found:?}");
    }

    #[test]
    fn every_other_value_is_told_with_its_way() {
        for (old, new, wanted) in [
            ("limits: {files: 5}", "limits: {files: 6}", "looser  limits.files: 6, before 5"),
            ("limits: {lines: 50}", "limits: {lines: 9}", "tighter limits.lines: 9, before 50"),
            ("", "autoMerge: {soak: 24h}", "looser  autoMerge.soak: 1d, before 3d"),
            ("", "autoMerge: {wilsonLowerBound: \"0.90\"}", "looser  autoMerge.wilsonLowerBound: 0.90, before 0.95"),
            ("", "autoMerge: {requiredChecks: []}", "looser  autoMerge.requiredChecks: none, before"),
            ("", "protectedNamespaces: [a]", "tighter `a` is a protected namespace"),
            ("protectedNamespaces: [a]", "", "looser  not any more: `a` is a protected namespace"),
            ("", "bases: [release]", "looser  `release` may be changed as a base branch"),
            ("stop: true", "", "looser  the emergency stop is taken back"),
            ("", "freeze: [{from: 'Fri 18:00', to: 'Mon 08:00'}]", "tighter `Fri 18:00 to Mon 08:00 UTC` is frozen"),
            ("", "approvals: {tier1: 1}", "tighter approvals.tier1: 1, before 0"),
            ("", "approvals: {minimumConfidence: \"0.5\"}", "tighter approvals.minimumConfidence: 0.5, before none"),
            ("", "policy: p.rego", "tighter the policy p.rego is asked"),
            ("", "runbooks: {x: {paths: [a], kinds: [SetImage]}}", "looser  `x` may be proposed as a runbook"),
            ("", "holdPeriod: 2h", "tighter holdPeriod: 2h, before 1h"),
            ("environments: {prod: {paths: [a]}}", "environments: {prod: {paths: [b]}}", "other   prod holds other"),
            (
                "environments: {prod: {paths: [a]}}",
                "environments: {prod: {paths: [a], production: false}}",
                "looser  prod is no production environment any more",
            ),
        ] {
            let found = told(old, new);
            assert!(found.len() == 1 && found[0].starts_with(wanted), "{new}: {found:?}");
        }
        assert!(told("limits: {files: 5}", "").is_empty());
    }
}
