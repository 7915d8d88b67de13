//! What others have to say before a merge: checks, the branch's rules, reviews, approvers.

use super::super::approved::{counted, patience, rejected};
use super::*;
use crate::domain::approval::Rejection;

const NONE_LISTED: &str = "requiredChecks: [{name: \"ci/*\", app: 15368}], ";

/// Under a config that lists no checks.
fn unlisted() -> Scene {
    Scene::under(&RULES.replace(NONE_LISTED, ""))
}

fn checks_of(mut scene: Scene, checks: Vec<Check>) -> String {
    scene.pull().checks = checks;
    scene.code("checks")
}

#[test]
fn a_listed_check_is_of_its_app_on_this_head_and_green() {
    let with = |checks: Vec<Check>| checks_of(Scene::new(), checks);
    let green = |name: &str, app: u64| check(name, app, Conclusion::Success);
    assert_eq!(with(vec![green("ci/build", CI)]), "");
    assert_eq!(with(vec![]), "checks.missing");
    assert_eq!(with(vec![green("ci/build", 66)]), "checks.missing");
    assert_eq!(with(vec![green("build", CI)]), "checks.missing");
    assert_eq!(with(vec![Check { head: oid('e'), ..green("ci/build", CI) }]), "checks.missing");
    for (conclusion, code) in [
        (Conclusion::Pending, "checks.pending"),
        (Conclusion::Failure, "checks.failed"),
        (Conclusion::Neutral, "checks.not_green"),
        (Conclusion::Skipped, "checks.not_green"),
        (Conclusion::Cancelled, "checks.not_green"),
        (Conclusion::ActionRequired, "checks.not_green"),
    ] {
        assert_eq!(with(vec![green("ci/build", CI), check("ci/lint", CI, conclusion)]), code);
    }
    // What the config does not list holds nothing up.
    assert_eq!(with(vec![green("ci/build", CI), check("other", 66, Conclusion::Failure)]), "");
}

#[test]
fn our_own_checks_never_count() {
    let own = RULES.replace("{name: \"ci/*\", app: 15368}", "{name: \"**\"}");
    let ours = |conclusion| checks_of(Scene::under(&own), vec![check("countersign/gate", BOT, conclusion)]);
    assert_eq!(ours(Conclusion::Success), "checks.missing");
    assert_eq!(checks_of(Scene::under(&own), vec![check("any", 66, Conclusion::Success)]), "");
}

#[test]
fn a_check_of_the_forges_rules_is_named_exactly() {
    let wanted = |name: &str, app: Option<u64>| {
        let mut scene = unlisted();
        scene.protection().checks = vec![(name.to_owned(), app)];
        scene
    };
    let green = |name: &str| vec![check(name, CI, Conclusion::Success)];
    assert_eq!(checks_of(wanted("ci/build", None), green("ci/build")), "");
    assert_eq!(checks_of(wanted("ci/*", None), green("ci/build")), "checks.missing");
    assert_eq!(checks_of(wanted("ci/build", Some(CI)), green("ci/build")), "");
    assert_eq!(checks_of(wanted("ci/build", Some(66)), green("ci/build")), "checks.missing");
    // Those of both are needed.
    let mut both = Scene::new();
    both.protection().checks = vec![("lint".into(), None)];
    assert_eq!(both.code("checks"), "checks.missing");
    both.facts.protection = None;
    assert_eq!(both.code("checks"), "");
}

#[test]
fn without_a_list_every_check_there_is_has_to_be_green_and_one_at_least() {
    let green = || check("build", 66, Conclusion::Success);
    assert_eq!(checks_of(unlisted(), vec![green()]), "");
    assert_eq!(checks_of(unlisted(), vec![]), "checks.none");
    assert_eq!(checks_of(unlisted(), vec![Check { app: BOT, ..green() }]), "checks.none");
    assert_eq!(checks_of(unlisted(), vec![green(), check("lint", 7, Conclusion::Failure)]), "checks.failed");
    let none = || Scene::under(&RULES.replace(NONE_LISTED, "requiredChecks: [], "));
    assert_eq!(checks_of(none(), vec![]), "");
    assert_eq!(checks_of(none(), vec![check("lint", 7, Conclusion::Failure)]), "");
    let mut forge = none();
    forge.protection().checks = vec![("lint".into(), None)];
    assert_eq!(checks_of(forge, vec![]), "checks.missing");
}

#[test]
fn rules_that_cannot_be_read_pass_only_where_the_config_lists_the_checks() {
    let mut listed = Scene::new();
    listed.facts.protection = None;
    assert_eq!((listed.code("checks").as_str(), listed.code("protection").as_str()), ("", ""));
    let mut unread = unlisted();
    unread.facts.protection = None;
    assert_eq!([unread.code("checks"), unread.code("protection")], ["rules_unreadable"; 2]);
}

#[test]
fn the_branchs_rules_are_met() {
    spoilt("protection", "merge_queue", |s| s.protection().queue = true);
    spoilt("protection", "", |s| s.protection().strict = true);
    spoilt("protection", "", |s| s.branch().parents = vec![oid('e')]);
    let strict = |spoil: fn(&mut Scene)| {
        spoilt("protection", "behind", |s| {
            s.protection().strict = true;
            spoil(s);
        });
    };
    strict(|s| s.branch().parents = vec![oid('e')]);
    strict(|s| s.branch().parents.clear());
    strict(|s| s.facts.base.as_mut().unwrap().tip = oid('e'));
    strict(|s| s.facts.branch = None);
    strict(|s| (s.facts.branch, s.facts.base) = (None, None));
}

#[test]
fn approving_reviews_are_counted_by_person_on_this_head() {
    let reviewed = |needed: u32, reviews: Vec<Review>| {
        let mut scene = Scene::new();
        scene.protection().approvals = needed;
        scene.pull().reviews = reviews;
        [scene.code("protection"), scene.code("reviews")]
    };
    let yes = |by: u64| review(by, Opinion::Approve);
    let missing = ["reviews.missing", ""];
    assert_eq!(reviewed(0, vec![]), ["", ""]);
    assert_eq!(reviewed(1, vec![]), missing);
    assert_eq!(reviewed(1, vec![yes(7)]), ["", ""]);
    assert_eq!(reviewed(2, vec![yes(7), yes(7)]), missing);
    assert_eq!(reviewed(2, vec![yes(7), yes(8)]), ["", ""]);
    assert_eq!(reviewed(1, vec![yes(BOT)]), missing, "the author's own");
    assert_eq!(reviewed(1, vec![Review { can_write: false, ..yes(7) }]), missing);
    assert_eq!(reviewed(1, vec![Review { head: oid('e'), ..yes(7) }]), missing, "of another head");
    assert_eq!(reviewed(1, vec![yes(7), review(7, Opinion::Comment)]), ["", ""], "a remark takes nothing back");
    assert_eq!(reviewed(1, vec![review(7, Opinion::Comment)]), missing);
    assert_eq!(reviewed(1, vec![yes(7), review(7, Opinion::Dismissed)]), missing);
    assert_eq!(reviewed(1, vec![yes(7), review(8, Opinion::RequestChanges)]), ["", "changes_requested"]);
}

#[test]
fn requested_changes_stand_until_the_same_person_takes_them_back() {
    let no = |by: u64| review(by, Opinion::RequestChanges);
    let said = |reviews: Vec<Review>| Scene::with(|s| s.pull().reviews = reviews).code("reviews");
    assert_eq!(said(vec![no(7)]), "changes_requested");
    assert_eq!(said(vec![Review { head: oid('e'), ..no(7) }]), "changes_requested", "of an older head too");
    assert_eq!(said(vec![no(7), review(8, Opinion::Approve)]), "changes_requested");
    assert_eq!(said(vec![no(7), review(7, Opinion::Comment)]), "changes_requested");
    assert_eq!(said(vec![no(7), Review { head: oid('e'), ..review(7, Opinion::Approve) }]), "changes_requested");
    assert_eq!(said(vec![no(7), review(7, Opinion::Approve)]), "");
    assert_eq!(said(vec![no(7), review(7, Opinion::Dismissed)]), "");
    assert_eq!(said(vec![Review { can_write: false, ..no(7) }]), "", "who may not write");
    assert_eq!(said(vec![no(BOT)]), "", "the author");
}

fn redeemed(scene: &Scene, id: &str, n: u8, at: Time) -> Redeemed {
    let key = Signer::from_seed(&[n; 32]);
    Redeemed {
        approver: id.into(),
        person: id.into(),
        issuer: "https://id.example".into(),
        jti: format!("01890a5d-ac96-774b-bcce-b302099a80{n:02}"),
        kid: key.id().clone(),
        token: Digest([n; 32]),
        class: scene.judged.as_ref().unwrap().class.key(),
        tier: 1,
        at,
    }
}

/// A change that needs so many approvals, and these that were redeemed.
fn needing(needed: u32, given: &[(&str, u8, i64)]) -> Scene {
    let mut scene = Scene::new();
    scene.judged().approvals = needed;
    scene.record.approvals =
        given.iter().map(|(id, n, at)| redeemed(&scene, id, *n, now().plus_seconds(*at))).collect();
    scene
}

#[test]
fn approvals_that_are_needed_are_there() {
    assert_eq!(needing(0, &[]).code("approvals"), "");
    assert_eq!(needing(1, &[]).code("approvals"), "approvals_missing");
    assert_eq!(needing(1, &[("dana", 1, 0)]).code("approvals"), "");
    assert_eq!(needing(2, &[("dana", 1, 0)]).code("approvals"), "approvals_missing");
    assert_eq!(needing(2, &[("dana", 1, 0), ("kim", 2, 1_800)]).code("approvals"), "");
    assert_eq!(needing(1, &[("mallory", 3, 0)]).code("approvals"), "approvals_missing");
    let mut watched = needing(1, &[]);
    watched.judged().place.mode = Mode::Observe;
    assert_eq!(watched.code("approvals"), "");
    // The proposer's own, and one for another class.
    let mut own = needing(1, &[("dana", 1, 0)]);
    own.record.principal = "dana".into();
    assert_eq!(own.code("approvals"), "approvals_missing");
    let mut other = needing(1, &[("dana", 1, 0)]);
    other.judged().class.tier = 3;
    assert_eq!(other.code("approvals"), "approvals_missing");
    let text = |scene: Scene| scene.verdict().text();
    assert!(text(needing(0, &[])).contains("tier 1, no approval needed"), "{}", text(needing(0, &[])));
    assert!(text(needing(1, &[("dana", 1, 0)])).contains("approved by dana"));
    assert!(text(needing(1, &[])).contains("0 of 1 there"));
}

#[test]
fn an_approval_counts_again_when_its_key_set_can_be_had() {
    let mut scene = needing(1, &[("dana", 1, 0)]);
    let mut dana = approver("dana", 1);
    dana.awaited = dana.keys.drain(..).map(|(kid, _)| kid).collect();
    scene.facts.approvers = Approvers::new(vec![dana.clone(), approver("kim", 2)]).unwrap();
    assert_eq!(scene.code("approvals"), "approvals_unverifiable");
    assert!(scene.verdict().text().contains("`dana`, who approved it"));
    dana.revoked = true;
    scene.facts.approvers = Approvers::new(vec![dana, approver("kim", 2)]).unwrap();
    assert_eq!(scene.code("approvals"), "approvals_missing");
}

#[test]
fn what_is_not_judged_counts_no_approval_and_a_no_is_told() {
    let mut scene = needing(1, &[("dana", 1, 0)]);
    assert_eq!(counted(&scene.case()).len(), 1);
    scene.judged = None;
    assert!(counted(&scene.case()).is_empty());
    assert!(rejected(&scene.case()).is_none());
    let by = scene.record.approvals[0].clone();
    scene.record.rejection = Some(Rejection { by, reason: "not today".into() });
    let verdict = rejected(&scene.case()).expect("a no");
    assert_eq!((verdict.code.as_str(), verdict.sentence.as_str()), ("rejected", "dana rejected it: not today"));
    assert!(!verdict.passes());
}

#[test]
fn a_first_approval_of_two_keeps_it_waiting_for_the_second() {
    let patient = |scene: &Scene| {
        let (case, rules) = (scene.case(), &scene.rules.loaded().unwrap().rules);
        patience(&case, case.judged.unwrap(), rules)
    };
    assert_eq!(patient(&needing(2, &[])), now().plus_seconds(900));
    assert_eq!(patient(&needing(1, &[("dana", 1, 60)])), now().plus_seconds(900));
    assert_eq!(patient(&needing(2, &[("dana", 1, 60)])), now().plus_seconds(60 + 4 * 3_600));
}
