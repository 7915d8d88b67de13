//! The policy gate of a case, and what its outcome does to its class.

use super::super::track::owes;
use super::*;
use crate::domain::facts::{Answer, HealthReport, Landing, Policy, Twin};
use crate::domain::policy::{admit, rego, remembered};

fn policy(name: &str) -> Policy {
    Policy { name: name.into(), text: "package countersign\ndeny := []".into() }
}

fn answered(policies: &[Policy], deny: bool) -> Option<Answer> {
    let mut answer = Answer::to(policies, &json!({}));
    answer.hear("p", &json!({"deny": deny}));
    Some(answer)
}

#[test]
fn the_policies_that_were_asked_are_those_in_force() {
    let asking = |asked: Option<Answer>| {
        let mut scene = Scene::new();
        let found = scene.rules.loaded().unwrap().clone();
        scene.rules = RulesState::Loaded(Box::new(found.asking(vec![policy("one")])));
        scene.facts.rego = asked;
        scene.code("policy")
    };
    assert_eq!(asking(answered(&[policy("one")], false)), "");
    assert_eq!(asking(answered(&[policy("one")], true)), "rego_denied");
    assert_eq!(asking(answered(&[policy("two")], false)), "rego_swapped");
    assert_eq!(asking(answered(&[], false)), "rego_swapped");
    assert_eq!(asking(None), "rego_unasked");
    spoilt("policy", "rego_swapped", |s| s.facts.rego = answered(&[policy("one")], false));
}

#[test]
fn another_base_has_to_be_listed_and_a_claimed_environment_to_be_the_computed_one() {
    spoilt("policy", "base_not_listed", |s| s.proposal.repository.base = Some("release".into()));
    spoilt("policy", "", |s| s.proposal.repository.base = Some("main".into()));
    let mut listed = Scene::under(&format!("{RULES}bases: [next, release]\n"));
    listed.proposal.repository.base = Some("release".into());
    assert_eq!(listed.code("policy"), "");
    listed.proposal.repository.base = Some("other".into());
    assert_eq!(listed.code("policy"), "base_not_listed");
    spoilt("policy", "environment_claim", |s| s.proposal.environment = Some("production".into()));
    spoilt("policy", "", |s| s.proposal.environment = Some("staging".into()));
}

#[test]
fn a_stop_of_a_person_or_of_the_config_and_a_protected_namespace_hold() {
    let halt = crate::domain::facts::Halt { by: user(7, "dana"), at: now(), proposal: "0190-b".into() };
    spoilt("policy", "halted", |s| s.facts.halted = Some(halt));
    assert_eq!(Scene::under(&format!("{RULES}stop: true\n")).code("policy"), "stopped");
    let kept = |name: &str| Scene::under(&format!("{RULES}protectedNamespaces: [{name}]\n")).code("policy");
    assert_eq!((kept("shop"), kept("other")), ("protected_namespace".into(), String::new()));
}

#[test]
fn as_many_files_and_lines_as_are_allowed_are_not_too_many() {
    let lines = Scene::new().judged().effect.lines();
    assert!(lines > 1, "{lines}");
    let limited =
        |files: u64, lines: u64| Scene::under(&format!("{RULES}limits: {{files: {files}, lines: {lines}}}\n"));
    assert_eq!(
        (limited(1, lines).code("policy"), limited(1, lines - 1).code("policy")),
        (String::new(), "too_large".into())
    );
    let mut two = limited(1, lines);
    let more = FileSummary { path: "apps/more.yaml".into(), added: 0, removed: 0, touched: Vec::new() };
    two.judged().effect.summary.push(more.clone());
    assert_eq!(two.code("policy"), "too_large");
    let mut allowed = limited(2, lines);
    allowed.judged().effect.summary.push(more);
    assert_eq!(allowed.code("policy"), "");
}

#[test]
fn a_change_is_made_once_and_a_no_is_remembered_for_twenty_four_hold_periods() {
    let rules = Scene::new().rules.loaded().unwrap().rules.clone();
    let hold = rules.hold_period.0;
    assert_eq!((remembered(None), remembered(Some(&rules))), (24 * 3_600, 24 * hold));
    let admitted = |twin: Twin| {
        let scene = Scene::with(|s| s.facts.twins.push(twin));
        admit(&scene.facts, &rules).code
    };
    let twin = |active: bool, rejected: Option<Time>| Twin {
        id: "0190-b".into(),
        active,
        rejected,
        reverted: false,
        why: None,
    };
    assert_eq!((admitted(twin(true, None)), admitted(twin(false, None))), ("duplicate".into(), String::new()));
    let ago = |microseconds: i64| Some(Time(now().0 - 24 * hold * 1_000_000 - microseconds));
    assert_eq!((admitted(twin(false, ago(-1))), admitted(twin(false, ago(0)))), ("rejected".into(), String::new()));
}

#[test]
fn dangers_are_attested_by_name_and_place_and_policies_only_tighten() {
    let mut scene = Scene::new();
    assert!(scene.judged().hazards().is_empty());
    let danger =
        crate::domain::policy::hazards::Hazard { name: "scale_to_zero", place: FILE.into(), approvals: 1, tier: 2 };
    scene.judged().effect.hazards.push(danger);
    assert_eq!(scene.judged().hazards(), [format!("scale_to_zero {FILE}")]);
    let mut answer = answered(&[], false).unwrap();
    answer.approvals = 2;
    let asked = |proposal: &Proposal| Scene::new().judged().clone().asked(proposal, Some(&answer)).approvals;
    assert_eq!(asked(&scene.proposal), 2);
    scene.proposal.proposer.id = crate::domain::proposal::OWN.into();
    assert_eq!(asked(&scene.proposal), 0, "a revert of ours is merged by a person anyway");
    let later = now().plus_seconds(3_599);
    let judged = scene.judged.as_ref().unwrap();
    let input = rego::input(&scene.proposal, judged, &scene.facts.repository, &["dana"], later);
    assert_eq!((input["hour"].as_str(), input["approvers"][0].as_str()), (Some(NOW), Some("dana")));
}

#[test]
fn what_landed_fits_only_on_the_base_after_the_attested_one_and_as_replayed() {
    let landing = |on_base: bool, follows_base: bool, replayed: Option<char>| {
        let (commit, parent, tree, replayed) = (oid('d'), oid('a'), oid('c'), replayed.map(oid));
        Landing { commit, parent, tree, follows_base, on_base, replayed }.fits()
    };
    assert!(landing(true, true, Some('c')));
    assert!(!landing(false, true, Some('c')) && !landing(true, false, Some('c')));
    assert!(!landing(true, true, Some('e')) && !landing(true, true, None));
}

/// Settled as this, merged without a person or with one.
fn settled(outcome: Judgement, auto: bool) -> Record {
    let mut record = Scene::new().record;
    (record.stage, record.outcome, record.auto) = (Stage::Settled, Some(outcome), auto);
    record.landed = Some(Landed { commit: oid('d'), by: user(BOT, "bot"), at: now() });
    record.class = Scene::new().judged.map(|judged| judged.class);
    record
}

fn report(result: Judgement, severe: bool) -> HealthReport {
    HealthReport {
        reporter: "argocd".into(),
        result,
        revision: None,
        note: "it crashes".into(),
        at: now(),
        severe,
        since: None,
    }
}

#[test]
fn a_late_bad_report_takes_a_settled_success_back_and_demotes_what_merged_alone() {
    let bad = report(Judgement::Bad, true);
    for auto in [true, false] {
        let found = withdrawn(&settled(Judgement::Good, auto), &bad, now()).expect("taken back");
        assert_eq!((found.from, found.demote, found.record.outcome), (Stage::Settled, auto, Some(Judgement::Bad)));
        assert!(found.record.owes_revert);
        let outcome = found.outcome.expect("an outcome");
        assert_eq!((outcome.result, outcome.severe, outcome.auto), (Judgement::Bad, true, auto));
        let event = &found.events[0];
        assert_eq!((event.actor.as_str(), event.proposal.as_deref(), event.pr), ("argocd", Some("0190-a"), Some(12)));
        assert_eq!(
            (event.reason_code.as_str(), event.decision),
            ("reported_bad_late", crate::domain::audit::Decision::Refuse)
        );
        assert_eq!(event.class, settled(Judgement::Good, auto).class.map(|class| class.key()));
    }
    assert!(withdrawn(&settled(Judgement::Neutral, true), &bad, now()).is_some());
    assert!(withdrawn(&settled(Judgement::Bad, true), &bad, now()).is_none(), "it is bad already");
    for other in [Judgement::Good, Judgement::Neutral] {
        assert!(withdrawn(&settled(Judgement::Good, true), &report(other, false), now()).is_none());
    }
    let merged = Record { stage: Stage::Merged, ..settled(Judgement::Good, true) };
    assert!(withdrawn(&merged, &bad, now()).is_none());
    let classless = Record { class: None, ..settled(Judgement::Good, true) };
    let found = withdrawn(&classless, &bad, now()).expect("taken back");
    assert!(!found.demote && found.outcome.is_none());
}

#[test]
fn a_revert_is_owed_for_harm_of_what_landed_and_never_for_a_revert() {
    let record = settled(Judgement::Good, true);
    for code in ["reported_bad", "reported_bad_late", "merge_mismatch"] {
        assert!(owes(&record, code), "{code}");
    }
    assert!(!owes(&record, "closed"));
    assert!(!owes(&Record { landed: None, ..record.clone() }, "reported_bad"));
    assert!(!owes(&Record { action_kind: ActionKind::Rollback, ..record }, "reported_bad"));
}

#[test]
fn an_outcome_is_severe_when_it_is_bad_and_what_landed_or_a_report_says_so() {
    let outcome = |spoil: &dyn Fn(&mut Scene), result: Judgement| {
        let scene = Scene::with(|s| {
            s.record = settled(result, true);
            spoil(s);
        });
        super::super::track::outcome(&scene.case(), &scene.record, result)
    };
    let severe = |spoil: &dyn Fn(&mut Scene), result| outcome(spoil, result).expect("an outcome").severe;
    let said = |result, severe| move |s: &mut Scene| s.facts.reports = vec![report(result, severe)];
    assert!(!severe(&|_| {}, Judgement::Bad));
    assert!(severe(&said(Judgement::Bad, true), Judgement::Bad));
    assert!(!severe(&said(Judgement::Bad, false), Judgement::Bad));
    assert!(!severe(&said(Judgement::Good, true), Judgement::Bad));
    assert!(!severe(&said(Judgement::Bad, true), Judgement::Good));
    let otherwise = |s: &mut Scene| s.record.landed_as_attested = Some(false);
    assert!(severe(&otherwise, Judgement::Bad) && !severe(&otherwise, Judgement::Neutral));
    // The reporter of the same result is its evidence; nothing is evidence of what is not known.
    let evidence = |reported, result| outcome(&said(reported, false), result).expect("an outcome").evidence;
    assert_eq!(evidence(Judgement::Good, Judgement::Good), "argocd");
    assert_eq!(
        (evidence(Judgement::Bad, Judgement::Good), evidence(Judgement::Neutral, Judgement::Neutral)),
        (String::new(), String::new())
    );
    assert!(outcome(&|s| s.record.class = None, Judgement::Good).is_none());
}
