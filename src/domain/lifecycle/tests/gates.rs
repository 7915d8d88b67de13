//! Each gate of its own: what it refuses, what it waits for, and what it lets through.

use super::super::command::{Hold, Waiver};
use super::*;
use crate::domain::facts::{Before, Predecessor};

#[test]
fn every_gate_passes_and_each_is_asked() {
    let verdict = Scene::new().verdict();
    assert!(verdict.passes(), "{}", verdict.text());
    let named: Vec<&str> = verdict.children.iter().map(|child| child.gate.as_str()).collect();
    assert_eq!(
        named,
        [
            "open",
            "ours",
            "hold",
            "freeze",
            "clock",
            "head",
            "attestation",
            "replay",
            "policy",
            "hazards",
            "approvals",
            "checks",
            "protection",
            "reviews",
            "mergeable",
            "quiet",
            "mode",
            "class",
            "predecessors",
            "turn",
            "forge"
        ]
    );
}

#[test]
fn nothing_merges_without_rules_or_before_it_is_judged() {
    for spoil in [(|s| s.rules = RulesState::Missing) as fn(&mut Scene), |s| s.judged = None] {
        let verdict = Scene::with(spoil).verdict();
        assert!(!verdict.passes(), "{}", verdict.text());
        assert!(verdict.open().iter().any(|gate| gate.code == "facts.missing"), "{}", verdict.text());
    }
}

#[test]
fn only_an_open_pull_request_that_is_ready_merges() {
    spoilt("open", "draft", |s| s.pull().draft = true);
    spoilt("open", "locked", |s| s.pull().locked = true);
    spoilt("open", "not_open", |s| s.pull().state = PullState::Closed);
    spoilt("open", "not_open", |s| s.pull().state = PullState::Merged);
}

#[test]
fn every_number_has_to_be_ours() {
    spoilt("ours", "foreign", |s| s.pull().repository = 102);
    spoilt("ours", "foreign", |s| s.facts.repository.id = 102);
    spoilt("ours", "foreign", |s| s.pull().head_repository = 102);
    spoilt("ours", "foreign", |s| s.pull().author.id = 10);
    spoilt("ours", "foreign", |s| s.record.pull = Some(13));
    spoilt("ours", "foreign", |s| s.record.pull = None);
    spoilt("ours", "left_to_people", |s| s.record.owner = Owner::Person);
}

#[test]
fn a_label_or_a_person_holds_it() {
    for label in ["hold", "Hold", "countersign:hold", "do-not-merge", "do-not-merge/wip"] {
        spoilt("hold", "held", |s| s.pull().labels = vec!["team".into(), label.into()]);
    }
    spoilt("hold", "", |s| s.pull().labels = vec!["on-hold-list".into(), "countersign".into()]);
    spoilt("hold", "held", |s| s.record.commands.hold = Some(Hold { by: user(7, "dana"), at: now() }));
}

#[test]
fn the_clock_may_not_stand_behind_nor_the_proposal_be_over() {
    spoilt("clock", "clock_regressed", |s| s.facts.clock_regressed = true);
    spoilt("clock", "expired", |s| s.record.expires = now());
    spoilt("clock", "", |s| s.record.expires = Time(now().0 + 1));
    let frozen = format!("{RULES}freeze: [{{from: \"2026-01-05\", to: \"2026-01-06\"}}]\n");
    assert_eq!(Scene::under(&frozen).code("freeze"), "frozen");
}

#[test]
fn the_head_is_the_commit_that_was_pushed_everywhere() {
    // Somebody pushed: git and the forge's API show what is not on record.
    let pushed = |s: &mut Scene| (s.pull().head, s.branch().commit) = (oid('e'), oid('e'));
    spoilt("head", "head.sha", pushed);
    spoilt("head", "head.sha", |s| s.record.head = Some(oid('e')));
    spoilt("head", "head.sha", |s| s.record.head = None);
    // One of the two shows what was pushed, the other something else.
    spoilt("head", "head.disagree", |s| s.pull().head = oid('e'));
    spoilt("head", "head.disagree", |s| s.branch().commit = oid('e'));
    spoilt("head", "head.disagree", |s| s.facts.branch = None);
    spoilt("head", "base.ref", |s| s.pull().base_ref = "release".into());
    spoilt("head", "base.ref", |s| s.record.base = None);
}

#[test]
fn the_change_applied_again_gives_what_the_branch_holds() {
    spoilt("replay", "changeset.mismatch", |s| s.branch().changeset = Digest([6; 32]));
    spoilt("replay", "branch_gone", |s| s.facts.branch = None);
    let refused = |s: &mut Scene| s.facts.plan = Err(apply(&Nothing, &s.proposal.changes).unwrap_err());
    let scene = Scene::with(refused);
    let code = scene.facts.plan.as_ref().unwrap_err().code.to_string();
    assert_eq!((scene.code("replay"), scene.code("attestation").as_str()), (code, "facts.missing"));
}

struct Nothing;

impl Files for Nothing {
    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(None)
    }
}

#[test]
fn a_danger_and_an_unknown_namespace_are_merged_by_people() {
    spoilt("hazards", "namespace_unknown", |s| s.judged().effect.namespace_unknown = true);
    let danger =
        crate::domain::policy::hazards::Hazard { name: "delete_namespace", place: FILE.into(), approvals: 2, tier: 3 };
    spoilt("hazards", "delete_namespace", |s| s.judged().effect.hazards.push(danger));
}

#[test]
fn the_forge_has_to_know_that_it_can_merge() {
    spoilt("mergeable", "not_mergeable", |s| s.pull().mergeable = Mergeable::No("conflicts".into()));
    spoilt("mergeable", "mergeable_unknown", |s| s.pull().mergeable = Mergeable::Unknown);
}

#[test]
fn others_are_left_their_quiet_period_to_the_microsecond() {
    let touched = |ago: i64| move |s: &mut Scene| s.pull().touched_by_others = Some(Time(now().0 - ago));
    spoilt("quiet", "quiet_period", touched(599_999_999));
    spoilt("quiet", "", touched(600_000_000));
}

#[test]
fn the_mode_and_the_kind_have_to_allow_it() {
    let rules = |from: &str, to: &str| Scene::under(&RULES.replace(from, to)).code("mode");
    assert_eq!(rules("mode: automate", "mode: propose"), "mode");
    assert_eq!(rules("[SetImage]", "[SetReplicas]"), "action_kind");
    let wide = RULES.replace("[SetImage]", "[SetImage, PatchManifest]");
    let patch = |s: &mut Scene| s.record.action_kind = ActionKind::PatchManifest;
    let mut scene = Scene::under(&wide);
    patch(&mut scene);
    assert_eq!(scene.code("mode"), "action_kind_wide");
}

#[test]
fn a_proposal_has_to_be_as_sure_of_itself_as_the_config_asks() {
    let sure = |text: Option<&str>| Scene::with(|s| s.proposal.confidence = text.map(str::to_owned)).code("mode");
    assert_eq!([sure(Some("0.8")), sure(Some("1"))], ["", ""]);
    assert_eq!([sure(Some("0.7999")), sure(Some("0")), sure(None)], ["confidence"; 3]);
    let mut unasked = Scene::under(&RULES.replace(", minimumConfidence: \"0.8\"", ""));
    unasked.proposal.confidence = None;
    assert_eq!(unasked.code("mode"), "");
}

#[test]
fn a_class_has_to_have_earned_it() {
    let scene = Scene::with(|s| s.facts.track.outcomes.truncate(50));
    assert_eq!(scene.code("class"), "class_locked");
    assert!(scene.verdict().text().contains("not earned yet: 50 of 50 good"), "{}", scene.verdict().text());
}

#[test]
fn what_a_person_waives_is_the_record_the_quiet_period_and_the_mode_of_one_head() {
    let waived = |head: char| {
        let mut scene = Scene::under(&RULES.replace("mode: automate", "mode: propose"));
        scene.record.commands.waiver = Some(Waiver { by: user(7, "dana"), at: now(), head: oid(head) });
        scene.facts.track.outcomes.clear();
        scene.pull().touched_by_others = Some(now());
        scene
    };
    assert!(waived('b').verdict().passes(), "{}", waived('b').verdict().text());
    for gate in ["mode", "class", "quiet"] {
        assert_ne!(waived('e').code(gate), "", "another head: {gate}");
    }
    // What passes by itself is not called waived, and nothing else is waived.
    let mut scene = waived('b');
    scene.pull().touched_by_others = None;
    assert!(!scene.verdict().text().contains("quiet: waived"), "{}", scene.verdict().text());
    scene.pull().draft = true;
    scene.facts.counts.merging = 1;
    assert_eq!((scene.code("open").as_str(), scene.code("turn").as_str()), ("draft", "another_merge"));
}

#[test]
fn one_merge_into_a_base_at_a_time_and_a_refused_one_rests() {
    spoilt("turn", "another_merge", |s| s.facts.counts.merging = 1);
    let refused = |ago: i64| move |s: &mut Scene| s.record.refusals = vec![now(), Time(now().0 - ago)];
    spoilt("forge", "merge_refused", refused(599_999_999));
    spoilt("forge", "", refused(600_000_000));
    let pending = || Predecessor { name: "fix-1".into(), state: Before::Missing };
    spoilt("predecessors", "predecessor_missing", |s| s.facts.predecessors.push(pending()));
}
