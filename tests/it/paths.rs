//! What becomes of proposals that nobody tampers with.

use crate::documents::{automate, config, image, overlay, proposal, replicas};
use crate::world::{CONFIG, HOUR, World};
use countersign::domain::trust::Judgement;
use countersign::forge::local::Edit;
use serde_json::json;

/// How every story begins that leads to an open pull request without checks.
const OPEN: &str = "received / pushed / opened / attested / waits: checks.missing";

#[tokio::test]
async fn a_person_merges_and_it_is_good() {
    let w = World::start().await;
    let id = w.propose(&image("web", "production", "2.0")).await;
    w.expect(&id, OPEN).await;
    w.check_passes(&id).await;
    assert!(w.open_gates(&id).await.contains(&"mode".to_owned()));
    w.merge(&id).await;
    w.reports(&id, "good").await;
    w.later(72 * HOUR).await;
    w.expect(&id, &format!("{OPEN} / waits: mode / merged by a person / waits: soak / settled: good")).await;
    assert!(!w.record(&id).await.auto);
    w.finish().await;
}

#[tokio::test]
async fn it_merges_by_itself_after_73_good_outcomes() {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, OPEN).await;
    w.check_passes(&id).await;
    w.reports(&id, "good").await;
    w.later(72 * HOUR).await;
    w.expect(&id, &format!("{OPEN} / every gate passes / merged / waits: soak / settled: good")).await;
    assert!(w.record(&id).await.auto);
    assert_eq!(w.asked("merge"), 1);
    assert!(w.file(&overlay("web", "staging")).await.unwrap().contains("newTag: \"2.0\""));
    w.finish().await;
}

#[tokio::test]
async fn a_class_without_a_record_waits_for_a_person() {
    let w = World::start().await;
    w.history(3, 3).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.check_passes(&id).await;
    let standing = w.record(&id).await.standing.unwrap();
    assert_eq!((standing.good, standing.total), (3, 3));
    assert!(w.open_gates(&id).await.iter().all(|code| code == "class_locked"));
    assert_eq!(w.asked("merge"), 0);
    w.finish().await;
}

#[tokio::test]
async fn another_action_kind_has_a_record_of_its_own() {
    let w = World::seasoned().await;
    let id = w.propose(&replicas("web", "staging", 3)).await;
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.standing.unwrap().total, 0);
    assert!(w.open_gates(&id).await.iter().all(|code| code == "class_locked"));
    w.finish().await;
}

#[tokio::test]
async fn tm97_observe_pushes_nothing() {
    let w = World::start().await;
    w.rules(&config("observe", "", "")).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / dropped: observed").await;
    for write in ["push", "open", "set_body", "report", "comment", "merge", "close"] {
        assert_eq!(w.asked(write), 0, "{write}");
    }
    let diff = w.stage.parts.store.artifact(w.stage.tenant(), &id, "diff").await.unwrap().unwrap();
    assert!(String::from_utf8(diff).unwrap().contains("+  newTag: \"2.0\""));
    w.finish().await;
}

#[tokio::test]
async fn a_repository_without_config_is_left_alone() {
    let w = World::start().await;
    w.commits(CONFIG, None).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / dropped: not_enabled").await;
    assert_eq!(w.asked("push"), 0);
    w.finish().await;
}

#[tokio::test]
async fn what_stands_already_is_satisfied() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "1.0")).await;
    w.expect(&id, "received / dropped: satisfied").await;
    w.finish().await;
}

#[tokio::test]
async fn one_effect_has_one_pull_request() {
    let w = World::start().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    let mut other = image("web", "staging", "2.0");
    other["reason"] = json!("another agent saw it too");
    let second = w.propose(&other).await;
    w.expect(&first, OPEN).await;
    w.expect(&second, "received / dropped: duplicate").await;
    assert_eq!(w.pulls().await.len(), 1);
    w.finish().await;
}

#[tokio::test]
async fn one_effect_taken_in_twice_at_once_has_one_pull_request() {
    let w = World::start().await;
    let first = w.send(&image("web", "staging", "2.0")).await;
    let mut other = image("web", "staging", "2.0");
    other["reason"] = json!("another agent saw it too");
    let second = w.propose(&other).await;
    w.expect(&first, OPEN).await;
    w.expect(&second, "received / dropped: duplicate").await;
    assert_eq!(w.pulls().await.len(), 1);
    w.finish().await;
}

#[tokio::test]
async fn the_same_proposal_again_is_the_same_proposal() {
    let w = World::start().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    assert_eq!(w.propose(&image("web", "staging", "2.0")).await, first);
    w.expect(&first, OPEN).await;
    w.finish().await;
}

#[tokio::test]
async fn a_proposal_expires_before_it_is_pushed() {
    let w = World::start().await;
    let mut document = image("web", "staging", "2.0");
    document["expiresAt"] = json!("2026-01-05T09:00:00Z");
    let id = w.send(&document).await;
    w.advance(HOUR);
    w.turns().await;
    w.expect(&id, "received / dropped: expired").await;
    w.finish().await;
}

#[tokio::test]
async fn what_does_not_change_is_reported_once() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let file = ("README.md".to_owned(), Some(b"one more thing".to_vec()));
    w.mallory().push(w.number(&id).await, vec![file], "one more thing").await.unwrap();
    // Long past the end of the attestation and of the proposal.
    w.later(90 * 24 * HOUR).await;
    let events = w.events(&id).await.len();
    for _ in 0..3 {
        w.later(HOUR).await;
    }
    assert_eq!(w.events(&id).await.len(), events, "{}", w.story(&id).await);
    w.finish().await;
}

#[tokio::test]
async fn an_open_pull_request_expires_and_is_closed() {
    let w = World::start().await;
    let mut document = image("web", "staging", "2.0");
    document["expiresAt"] = json!("2026-01-05T09:00:00Z");
    let id = w.propose(&document).await;
    w.later(HOUR).await;
    w.expect(&id, &format!("{OPEN} / dropped: expired")).await;
    let pull = w.pull(&id).await;
    assert_eq!(pull.state, countersign::domain::facts::PullState::Closed);
    let outcome = w.record(&id).await.outcome;
    assert_eq!(outcome, Some(Judgement::Neutral), "that nobody looked at it says nothing about the change");
    w.finish().await;
}

#[tokio::test]
async fn a_danger_waits_for_approval_and_then_expires() {
    let w = World::start().await;
    let id = w.propose(&replicas("web", "staging", 0)).await;
    w.expect(&id, "received / waits: approvals_missing").await;
    w.later(14 * 60).await;
    w.expect(&id, "received / waits: approvals_missing").await;
    w.later(60).await;
    w.expect(&id, "received / waits: approvals_missing / dropped: expired").await;
    assert_eq!(w.asked("push"), 0);
    w.finish().await;
}

#[tokio::test]
async fn a_closed_pull_request_is_a_remembered_no() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.dana().close(w.number(&id).await).await.unwrap();
    w.settle().await;
    w.expect(&id, &format!("{OPEN} / dropped: rejected")).await;
    let record = w.record(&id).await;
    let outcomes = w.stage.parts.store.outcomes(w.stage.tenant(), record.class.unwrap().key()).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].result, countersign::domain::trust::Judgement::Bad);
    let mut again = image("web", "staging", "2.0");
    again["reason"] = json!("it still restarts");
    w.later(12 * HOUR).await;
    let second = w.propose(&again).await;
    w.expect(&second, "received / dropped: rejected").await;
    // The no is the person's: asking again does not make it last longer.
    w.later(12 * HOUR + 1).await;
    again["reason"] = json!("it restarts a day later too");
    let third = w.propose(&again).await;
    w.expect(&third, OPEN).await;
    assert_eq!(w.pulls().await.len(), 2);
    w.finish().await;
}

#[tokio::test]
async fn a_bad_report_demotes_and_the_next_one_waits() {
    let w = World::seasoned().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    w.check_passes(&first).await;
    assert!(w.record(&first).await.auto);
    w.reports(&first, "bad").await;
    w.settle().await;
    w.expect(
        &first,
        &format!("{OPEN} / every gate passes / merged / waits: soak / settled: bad, demoted / proposes a revert"),
    )
    .await;
    assert!(w.demoted(&first).await);
    let second = w.propose(&image("search", "staging", "2.0")).await;
    w.check_passes(&second).await;
    assert!(w.open_gates(&second).await.iter().all(|code| code == "class_locked"));
    assert_eq!(w.asked("merge"), 1);
    w.finish().await;
}

#[tokio::test]
async fn a_bad_report_of_what_a_person_merged_demotes_nothing() {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.merge(&id).await;
    w.reports(&id, "bad").await;
    w.settle().await;
    w.expect(&id, &format!("{OPEN} / merged by a person / waits: soak / settled: bad / proposes a revert")).await;
    assert!(!w.demoted(&id).await);
    w.finish().await;
}

#[tokio::test]
async fn without_a_report_the_outcome_is_neutral() {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.check_passes(&id).await;
    w.later(72 * HOUR).await;
    w.expect(&id, &format!("{OPEN} / every gate passes / merged / waits: soak / settled: neutral")).await;
    w.finish().await;
}

#[tokio::test]
async fn one_unattended_merge_at_a_time_when_the_record_is_small() {
    let w = World::seasoned().await;
    let mut ids = Vec::new();
    for app in ["web", "search", "ledger", "email"] {
        ids.push(w.propose(&image(app, "staging", "2.0")).await);
    }
    for id in &ids {
        w.check_passes(id).await;
    }
    // 73 outcomes let three be in flight.
    assert_eq!(w.asked("merge"), 3);
    assert_eq!(w.record(&ids[3]).await.stage.name(), "open");
    for id in &ids[..3] {
        w.reports(id, "good").await;
    }
    w.later(72 * HOUR).await;
    assert_eq!(w.asked("merge"), 4);
    w.finish().await;
}

#[tokio::test]
async fn a_person_merges_an_edited_pull_request() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let body = w.pull(&id).await.body.replace("does not do well", "is fine");
    w.edits_body(&id, body).await;
    w.settle().await;
    w.merge(&id).await;
    w.reports(&id, "good").await;
    w.later(72 * HOUR).await;
    w.expect(
        &id,
        &format!("{OPEN} / left to people: body_changed / waits: left_to_people / merged by a person / waits: soak / settled: neutral"),
    )
    .await;
    w.finish().await;
}

#[tokio::test]
async fn a_person_merges_what_a_person_pushed() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let file = (overlay("web", "staging"), Some(b"namespace: shop-staging\nresources: [../base]\n".to_vec()));
    w.mallory().push(w.number(&id).await, vec![file], "rather so").await.unwrap();
    w.settle().await;
    w.merge(&id).await;
    w.expect(
        &id,
        &format!("{OPEN} / left to people: head.sha / waits: left_to_people / landed otherwise: changed_by_person / settled: bad"),
    )
    .await;
    assert!(!w.demoted(&id).await);
    w.finish().await;
}

#[tokio::test]
async fn text_outside_of_ours_is_free() {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let body = format!("A note above.\n\n{}\nA note below.\n", w.pull(&id).await.body);
    w.edits_body(&id, body).await;
    w.edits(&id, Edit { title: Some("another title".into()), ..Edit::default() }).await;
    w.check_passes(&id).await;
    w.waits_for(&id, &["quiet_period"]).await;
    w.later(600).await;
    assert_eq!(w.record(&id).await.stage.name(), "merged");
    w.finish().await;
}

#[tokio::test]
async fn two_files_of_two_environments_never_automate() {
    let w = World::seasoned().await;
    let images = |environment: &str| json!({"kustomize": {"directory": format!("apps/web/{environment}"), "images": [{"name": "ghcr.io/acme/web", "newTag": "2.0"}]}});
    let changes = json!([images("staging"), images("production")]);
    let id = w.propose(&proposal("SetImage", "shop", "web", changes)).await;
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.environment.as_deref(), Some("production+staging"));
    assert!(w.open_gates(&id).await.contains(&"mode".to_owned()));
    w.finish().await;
}

#[tokio::test]
async fn a_protected_namespace_is_refused_by_its_effect() {
    let w = World::start().await;
    w.rules(&automate("protectedNamespaces: [shop-staging]\n")).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / dropped: denied").await;
    assert_eq!(w.open_gates(&id).await, ["protected_namespace"]);
    assert_eq!(w.asked("push"), 0);
    w.finish().await;
}
