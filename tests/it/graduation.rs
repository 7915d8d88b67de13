//! Suggestions that a class may automate: pull requests on the config, which people merge or close.

use crate::documents::{config, image, overlay};
use crate::world::{CONFIG, HOUR, World};
use countersign::domain::attest::FIRST_LINE;
use countersign::domain::facts::{Conclusion, MergeMethod, Pull, PullState};
use countersign::forge::ForgeError;
use countersign::forge::local::FaultKind;

const SOAK: i64 = 73 * HOUR;

/// A class with a good record, in an environment where people merge.
async fn earned(auto_merge: &str) -> World {
    let w = World::seasoned().await;
    w.rules(&config("propose", auto_merge, "")).await;
    w
}

/// A person merges one more change, and it does well.
async fn goes_well(w: &World, tag: &str) -> String {
    let id = w.propose(&image("web", "staging", tag)).await;
    w.merge(&id).await;
    w.reports(&id, "good").await;
    w.later(SOAK).await;
    assert_eq!(w.record(&id).await.stage.name(), "settled", "{}", w.story(&id).await);
    id
}

/// The pull requests that suggest something.
async fn suggested(w: &World) -> Vec<Pull> {
    let mut pulls = w.pulls().await;
    pulls.retain(|pull| pull.head_ref.starts_with("countersign/config/"));
    pulls
}

#[tokio::test]
async fn a_class_that_earned_it_is_suggested_once_and_automates_when_a_person_merges_that() {
    let w = earned("").await;
    assert_eq!(suggested(&w).await.len(), 0);
    let first = goes_well(&w, "2.0").await;
    let pulls = suggested(&w).await;
    let [pull] = pulls.as_slice() else { panic!("{pulls:?}") };
    assert!(pull.head_ref.starts_with("countersign/config/staging-set-image-"), "{}", pull.head_ref);
    assert_eq!((pull.state, pull.labels.as_slice()), (PullState::Open, ["countersign:config".to_owned()].as_slice()));
    assert!(pull.body.contains("74 of 74 good, lower bound 0.950, needed 0.95"), "{}", pull.body);
    assert!(
        pull.body.contains("staging: SetImage: merged without a person once its class is unlocked"),
        "{}",
        pull.body
    );
    assert!(!pull.body.contains(FIRST_LINE), "{}", pull.body);
    let (shown, _) = w.dana().show(pull.number).await.unwrap();
    let check = shown.checks.iter().find(|check| check.name == "countersign/config").expect("what it means");
    assert_eq!(check.conclusion, Conclusion::Success);
    let told = w.events(&first).await;
    let kinds: Vec<&str> = told.iter().map(|event| event.kind.as_str()).collect();
    assert!(kinds.ends_with(&["graduation.intent", "graduation.result"]), "{kinds:?}");
    goes_well(&w, "2.1").await;
    assert_eq!(suggested(&w).await.len(), 1, "it was said");
    w.dana().merge(pull.number, MergeMethod::Squash).await.unwrap();
    let rules = w.file(CONFIG).await.unwrap();
    assert!(rules.contains("mode: automate") && rules.contains("kinds: {SetReplicas: propose}"), "{rules}");
    let id = w.propose(&image("web", "staging", "2.2")).await;
    w.check_passes(&id).await;
    let record = w.record(&id).await;
    assert_eq!((record.stage.name(), record.auto), ("merged", true), "{}", w.story(&id).await);
    assert!(w.file(&overlay("web", "staging")).await.unwrap().contains("2.2"));
    w.finish().await;
}

#[tokio::test]
async fn a_closed_suggestion_is_a_no() {
    let w = earned("").await;
    goes_well(&w, "2.0").await;
    let pull = suggested(&w).await.remove(0);
    w.dana().close(pull.number).await.unwrap();
    goes_well(&w, "2.1").await;
    let pulls = suggested(&w).await;
    assert_eq!(pulls.len(), 1);
    assert_eq!(pulls[0].state, PullState::Closed);
    w.finish().await;
}

#[tokio::test]
async fn nothing_is_suggested_where_it_is_off_or_not_earned() {
    let w = earned("  suggest: false\n").await;
    goes_well(&w, "2.0").await;
    assert_eq!(suggested(&w).await.len(), 0, "it is off");
    w.finish().await;
    let w = earned("  wilsonLowerBound: \"0.975\"\n").await;
    goes_well(&w, "2.0").await;
    assert_eq!(suggested(&w).await.len(), 0, "it is not earned");
    w.finish().await;
}

#[tokio::test]
async fn a_suggestion_that_broke_off_is_made_with_the_next_good_outcome() {
    let w = earned("").await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.merge(&id).await;
    w.reports(&id, "good").await;
    w.fault("open", FaultKind::FailBefore(ForgeError::Transient("the line broke".into())));
    w.later(SOAK).await;
    assert_eq!(w.record(&id).await.outcome.map(|outcome| format!("{outcome:?}")).as_deref(), Some("Good"));
    assert_eq!(suggested(&w).await.len(), 0);
    // The base moved: what was left behind is not what is suggested now.
    goes_well(&w, "2.1").await;
    assert_eq!(suggested(&w).await.len(), 1);
    w.finish_after_failures().await;
}
