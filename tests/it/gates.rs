//! What keeps a change from merging by itself, and what lets it go on.

use crate::documents::{automate, config, image, overlay};
use crate::world::{CONFIG, HOUR, World};
use countersign::domain::facts::{Conclusion, MergeMethod, Opinion};
use countersign::forge::local::{Edit, RequiredCheck, Rules};

/// A pull request that only CI's word is missing for.
async fn nearly(w: &World) -> String {
    let id = w.propose(&image("web", "staging", "2.0")).await;
    assert!(w.open_gates(&id).await.contains(&"checks.missing".to_owned()));
    id
}

async fn is_merged(w: &World, id: &str) -> bool {
    w.record(id).await.stage.name() == "merged"
}

#[tokio::test]
async fn a_freeze_waits_until_it_ends() {
    let w = World::seasoned().await;
    w.rules(&automate("freeze: [{from: \"2026-01-01\", to: \"2026-03-01\"}]\n")).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.check_passes(&id).await;
    w.waits_for(&id, &["frozen"]).await;
    w.rules(&automate("")).await;
    w.settle().await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn labels_hold_it() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    let number = w.number(&id).await;
    for label in ["countersign:hold", "do-not-merge/hold", "Hold"] {
        w.dana().label(number, vec![label.into()], vec![]).await.unwrap();
        w.check_passes(&id).await;
        assert!(w.open_gates(&id).await.contains(&"held".to_owned()), "{label}");
        w.dana().label(number, vec![], vec![label.into()]).await.unwrap();
        w.dana().label(number, vec!["do-not-merge".into()], vec![]).await.unwrap();
        w.later(601).await;
        w.waits_for(&id, &["held"]).await;
    }
    w.dana().label(number, vec![], vec!["do-not-merge".into()]).await.unwrap();
    w.later(601).await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn tm25_requested_changes_wait_until_they_are_dismissed() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    let number = w.number(&id).await;
    w.dana().review(number, Opinion::RequestChanges).await.unwrap();
    w.advance(601);
    w.check_passes(&id).await;
    w.waits_for(&id, &["changes_requested"]).await;
    w.stage.person("erin", 8).dismiss(number, 7).await.unwrap();
    w.settle().await;
    w.waits_for(&id, &["quiet_period"]).await;
    w.later(601).await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn tm22_a_draft_or_locked_pull_request_waits() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    w.edits(&id, Edit { draft: Some(true), ..Edit::default() }).await;
    w.advance(601);
    w.check_passes(&id).await;
    w.waits_for(&id, &["draft"]).await;
    w.edits(&id, Edit { draft: Some(false), locked: Some(true), ..Edit::default() }).await;
    w.later(601).await;
    w.waits_for(&id, &["locked"]).await;
    let reads = w.asked("pull");
    // Each sweep looks once: no storm.
    for _ in 0..5 {
        w.advance(2);
        w.turns().await;
    }
    assert_eq!(w.asked("pull"), reads + 5);
    assert_eq!(w.asked("merge"), 0);
    w.edits(&id, Edit { locked: Some(false), ..Edit::default() }).await;
    w.later(601).await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn a_comment_begins_a_quiet_period() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    w.dana().comment(w.number(&id).await, "let me look").await.unwrap();
    w.check_passes(&id).await;
    w.waits_for(&id, &["quiet_period"]).await;
    w.later(599).await;
    w.waits_for(&id, &["quiet_period"]).await;
    w.later(1).await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn only_a_green_check_passes() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    for (conclusion, code) in [
        (Conclusion::Pending, "checks.pending"),
        (Conclusion::Failure, "checks.failed"),
        (Conclusion::Neutral, "checks.not_green"),
        (Conclusion::Skipped, "checks.not_green"),
        (Conclusion::Cancelled, "checks.not_green"),
        (Conclusion::ActionRequired, "checks.not_green"),
    ] {
        w.check(&id, "ci/build", conclusion).await;
        w.waits_for(&id, &[code]).await;
    }
    w.check_passes(&id).await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn every_check_that_fits_must_be_green() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    w.check(&id, "ci/lint", Conclusion::Failure).await;
    w.check_passes(&id).await;
    w.waits_for(&id, &["checks.failed"]).await;
    w.check(&id, "ci/lint", Conclusion::Success).await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn tm24_a_check_by_another_app_is_ignored() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    let number = w.number(&id).await;
    for name in ["ci/build", "countersign/attestation", "countersign/gate"] {
        w.mallory().check(number, name, Conclusion::Success, 66).await.unwrap();
    }
    w.settle().await;
    w.waits_for(&id, &["checks.missing"]).await;
    w.mallory().check(number, "ci/build", Conclusion::Failure, 66).await.unwrap();
    w.check_passes(&id).await;
    assert!(is_merged(&w, &id).await, "nor does it hold anything up");
    w.finish().await;
}

#[tokio::test]
async fn tm24_our_own_checks_never_count() {
    let w = World::seasoned().await;
    let own = "  requiredChecks: [{name: \"countersign/*\"}]\n";
    w.rules(&config("automate", own, "")).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.waits_for(&id, &["checks.missing"]).await;
    w.later(HOUR).await;
    w.waits_for(&id, &["checks.missing"]).await;
    w.finish().await;
}

#[tokio::test]
async fn no_checks_at_all_are_not_green() {
    let w = World::seasoned().await;
    w.rules(&config("automate", "", "")).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.waits_for(&id, &["checks.none"]).await;
    w.rules(&config("automate", "  requiredChecks: []\n", "")).await;
    w.settle().await;
    assert!(is_merged(&w, &id).await, "none are needed once the config says so");
    w.finish().await;
}

#[tokio::test]
async fn the_forges_own_required_checks_are_taken_where_the_config_names_none() {
    let w = World::seasoned().await;
    w.rules(&config("automate", "", "")).await;
    let check = RequiredCheck { name: "build".into(), app: None };
    w.dana().protect("main", Some(Rules { checks: vec![check], ..Rules::default() })).await.unwrap();
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.check(&id, "other", Conclusion::Success).await;
    w.waits_for(&id, &["checks.missing"]).await;
    w.check(&id, "build", Conclusion::Success).await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn unreadable_rules_refuse() {
    let w = World::seasoned().await;
    w.rules(&config("automate", "", "")).await;
    w.dana().protect("main", None).await.unwrap();
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.check_passes(&id).await;
    w.waits_for(&id, &["rules_unreadable", "rules_unreadable"]).await;
    assert_eq!(w.asked("merge"), 0);
    w.finish().await;
}

#[tokio::test]
async fn unreadable_rules_pass_where_the_config_lists_the_checks_and_the_forge_decides() {
    let w = World::seasoned().await;
    w.dana().protect("main", None).await.unwrap();
    let id = nearly(&w).await;
    w.check_passes(&id).await;
    // The local forge refuses what it cannot judge: that is a person's to mend.
    assert!(w.story(&id).await.contains("every gate passes / not merged: refused / waits: merge_refused"));
    w.finish().await;
}

#[tokio::test]
async fn missing_approvals_of_the_forge_wait() {
    let w = World::seasoned().await;
    w.dana().protect("main", Some(Rules { approvals: 1, ..Rules::default() })).await.unwrap();
    let id = nearly(&w).await;
    w.check_passes(&id).await;
    w.waits_for(&id, &["reviews.missing"]).await;
    w.dana().review(w.number(&id).await, Opinion::Approve).await.unwrap();
    w.later(601).await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn a_merge_queue_is_left_to_people() {
    let w = World::seasoned().await;
    w.dana().protect("main", Some(Rules { queue: true, ..Rules::default() })).await.unwrap();
    let id = nearly(&w).await;
    w.check_passes(&id).await;
    w.waits_for(&id, &["merge_queue"]).await;
    assert_eq!(w.asked("merge"), 0);
    w.finish().await;
}

#[tokio::test]
async fn a_strict_branch_is_pushed_again_when_its_base_moves() {
    let w = World::seasoned().await;
    w.dana().protect("main", Some(Rules { strict: true, ..Rules::default() })).await.unwrap();
    let id = nearly(&w).await;
    let head = w.pull(&id).await.head;
    w.commits("README.md", Some("another readme\n")).await;
    w.settle().await;
    assert_ne!(w.pull(&id).await.head, head, "the head contains the new base");
    w.check_passes(&id).await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn no_more_pull_requests_are_opened_than_the_hour_lets_through() {
    let w = World::start().await;
    w.rules(&automate("limits: {pullRequestsPerHour: 2}\n")).await;
    let mut ids = Vec::new();
    for app in ["web", "search", "email"] {
        ids.push(w.propose(&image(app, "staging", "2.0")).await);
    }
    w.expect(&ids[2], "received / waits: pull_requests_per_hour").await;
    w.later(HOUR + 1).await;
    assert_eq!(w.record(&ids[2]).await.stage.name(), "open");
    w.finish().await;
}

#[tokio::test]
async fn no_more_pull_requests_are_open_than_the_limit_lets() {
    let w = World::start().await;
    w.rules(&automate("limits: {openPullRequests: 1}\n")).await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    let second = w.propose(&image("search", "staging", "2.0")).await;
    w.expect(&second, "received / waits: open_pull_requests").await;
    w.merge(&first).await;
    w.settle().await;
    assert_eq!(w.record(&second).await.stage.name(), "open");
    w.finish().await;
}

#[tokio::test]
async fn a_change_that_is_too_large_is_denied() {
    let w = World::start().await;
    w.rules(&automate("limits: {lines: 1}\n")).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / dropped: denied").await;
    assert_eq!(w.open_gates(&id).await, ["too_large"]);
    w.finish().await;
}

#[tokio::test]
async fn a_config_that_becomes_invalid_stops_the_merge() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    let good = w.file(CONFIG).await.unwrap();
    w.rules("version: 1\nsurprise: true\n").await;
    w.check_passes(&id).await;
    assert!(w.open_gates(&id).await.contains(&"config_invalid".to_owned()));
    assert_eq!(w.asked("merge"), 0);
    w.rules(&good).await;
    w.settle().await;
    assert!(is_merged(&w, &id).await, "and goes on when it is mended");
    w.finish().await;
}

#[tokio::test]
async fn a_config_that_is_invalid_lets_nothing_begin() {
    let w = World::start().await;
    w.rules("version: 2\n").await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / waits: config_invalid").await;
    w.rules(&automate("")).await;
    w.settle().await;
    assert_eq!(w.record(&id).await.stage.name(), "open");
    w.finish().await;
}

#[tokio::test]
async fn a_config_that_says_stop_stops_the_merge() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    w.rules(&automate("stop: true\n")).await;
    w.check_passes(&id).await;
    w.waits_for(&id, &["base.sha", "stopped"]).await;
    w.rules(&automate("")).await;
    w.settle().await;
    assert!(is_merged(&w, &id).await);
    w.finish().await;
}

#[tokio::test]
async fn a_config_that_goes_back_to_propose_leaves_the_merge_to_a_person() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    w.rules(&config("propose", "  requiredChecks: [{name: \"ci/*\", app: 15368}]\n", "")).await;
    w.check_passes(&id).await;
    w.waits_for(&id, &["mode"]).await;
    w.merge(&id).await;
    assert!(!w.record(&id).await.auto);
    w.finish().await;
}

#[tokio::test]
async fn an_action_kind_that_is_not_listed_waits() {
    let w = World::seasoned().await;
    let text = automate("").replace("SetImage, ", "");
    w.rules(&text).await;
    let id = nearly(&w).await;
    w.check_passes(&id).await;
    w.waits_for(&id, &["action_kind"]).await;
    w.finish().await;
}

#[tokio::test]
async fn a_proposal_that_is_not_sure_of_itself_waits() {
    let w = World::seasoned().await;
    let more = "  requiredChecks: []\n  minimumConfidence: \"0.95\"\n";
    w.rules(&config("automate", more, "")).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.waits_for(&id, &["confidence"]).await;
    w.finish().await;
}

#[tokio::test]
async fn tm20_a_method_that_the_branch_no_longer_takes_is_refused() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    w.dana().protect("main", Some(Rules { methods: vec![MergeMethod::Merge], ..Rules::default() })).await.unwrap();
    w.check_passes(&id).await;
    assert!(w.story(&id).await.ends_with("every gate passes / not merged: refused / waits: merge_refused"));
    assert_eq!(w.asked("merge"), 1, "it is not tried again at once");
    w.later(650).await;
    w.later(650).await;
    assert_eq!(w.record(&id).await.owner, countersign::domain::lifecycle::Owner::Person, "nor for ever");
    assert_eq!(w.asked("merge"), 3);
    assert!(!w.demoted(&id).await);
    w.finish().await;
}

#[tokio::test]
async fn tm20_a_method_that_the_config_changes_is_attested_again() {
    let w = World::seasoned().await;
    let id = nearly(&w).await;
    let checks = "  requiredChecks: [{name: \"ci/*\", app: 15368}]\n  method: merge\n";
    w.rules(&config("automate", checks, "")).await;
    w.check_passes(&id).await;
    assert!(is_merged(&w, &id).await);
    assert!(w.story(&id).await.contains("attested / waits: checks.missing / attested / every gate passes / merged"));
    assert!(w.file(&overlay("web", "staging")).await.unwrap().contains("2.0"));
    w.finish().await;
}
