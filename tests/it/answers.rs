//! What the forge answers late, twice, wrongly or not at all.

use crate::documents::{image, overlay};
use crate::world::{HOUR, World};
use countersign::domain::trust::Judgement;
use countersign::forge::ForgeError;
use countersign::forge::local::{Edit, Fault, FaultKind};
use std::sync::Arc;

const MERGED: &str = "every gate passes / merged / waits: soak";

/// An open pull request that merges by itself once CI passes.
async fn armed() -> (World, String) {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    (w, id)
}

fn lost() -> ForgeError {
    ForgeError::Transient("no answer within 30 s".into())
}

#[tokio::test]
async fn tm43_a_merge_that_timed_out_but_happened() {
    let (w, id) = armed().await;
    w.fault("merge", FaultKind::FailAfter(lost()));
    w.check_passes(&id).await;
    w.later(5).await;
    assert!(w.story(&id).await.ends_with(MERGED));
    assert!(w.record(&id).await.auto);
    assert_eq!(w.asked("merge"), 1, "it is read, not repeated");
    w.finish().await;
}

#[tokio::test]
async fn tm43_a_merge_that_timed_out_and_did_not_happen() {
    let (w, id) = armed().await;
    w.fault("merge", FaultKind::FailBefore(lost()));
    w.check_passes(&id).await;
    w.advance(10);
    w.turns().await;
    assert!(w.story(&id).await.ends_with(MERGED));
    assert_eq!(w.asked("merge"), 2);
    w.finish_after_failures().await;
}

#[tokio::test]
async fn tm44_a_merge_that_is_not_ready_is_proven_again() {
    let (w, id) = armed().await;
    let (mallory, number) = (w.mallory(), w.number(&id).await);
    let draft = move || {
        let mallory = mallory.clone();
        async move { mallory.edit(number, Edit { draft: Some(true), ..Edit::default() }).await.unwrap() }
    };
    w.fault("merge", FaultKind::meanwhile(draft));
    w.check_passes(&id).await;
    w.later(2).await;
    assert!(w.story(&id).await.ends_with("every gate passes / not merged: not_ready / waits: draft"));
    w.edits(&id, Edit { draft: Some(false), ..Edit::default() }).await;
    w.later(601).await;
    assert!(w.story(&id).await.ends_with(MERGED));
    assert_eq!(w.asked("merge"), 2);
    w.finish().await;
}

#[tokio::test]
async fn tm44_a_merge_that_is_rejected_is_tried_later_and_later() {
    let (w, id) = armed().await;
    let first = w.asked("merge") + 1;
    for nth in first..first + 1_000 {
        let kind = FaultKind::FailBefore(ForgeError::Rejected("405".into()));
        w.stage.faults.add(Fault { operation: "merge", nth, kind });
    }
    w.check_passes(&id).await;
    for _ in 0..HOUR / 2 / 10 {
        w.advance(10);
        w.turns().await;
    }
    let tries = w.asked("merge");
    assert!((2..15).contains(&tries), "{tries} tries in half an hour");
    w.stage.faults.clear();
    w.later(HOUR).await;
    assert!(w.story(&id).await.ends_with(MERGED));
    w.finish_after_failures().await;
}

#[tokio::test]
async fn tm45_the_api_shows_an_older_head_than_git() {
    let (w, id) = armed().await;
    let (path, old) = (overlay("web", "staging"), w.pull(&id).await.head);
    let text = w.file(&path).await.unwrap();
    w.commits(&path, Some(&format!("# a note\n{text}"))).await;
    // Pushed again; a copy of the forge that lags behind goes on showing the head before.
    for nth in 2..=4 {
        let (old, nth) = (old.clone(), w.asked("pull") + nth);
        let stale = FaultKind::Alter(Arc::new(move |pull| pull.head.clone_from(&old)));
        w.stage.faults.add(Fault { operation: "pull", nth, kind: stale });
    }
    w.settle().await;
    assert!(w.story(&id).await.contains("attested / waits: checks.missing / pushed / waits: head.disagree"));
    for _ in 0..3 {
        w.advance(2);
        w.turns().await;
    }
    w.settle().await;
    let told = w.story(&id).await;
    assert!(!told.contains("left to people"), "{told}");
    w.check_passes(&id).await;
    assert!(w.story(&id).await.ends_with(MERGED));
    w.finish().await;
}

#[tokio::test]
async fn tm45_git_shows_another_head_than_the_api() {
    let (w, id) = armed().await;
    let old = w.pull(&id).await.head;
    let file = ("README.md".to_owned(), Some(b"more\n".to_vec()));
    w.mallory().push(w.number(&id).await, vec![file], "one more thing").await.unwrap();
    let stale = |nth: u64| {
        let old = old.clone();
        let kind = FaultKind::Alter(Arc::new(move |pull| pull.head.clone_from(&old)));
        Fault { operation: "pull", nth: w.asked("pull") + nth, kind }
    };
    w.stage.faults.add(stale(1));
    w.settle().await;
    w.advance(2);
    w.turns().await;
    w.settle().await;
    assert!(w.story(&id).await.contains("left to people: head.sha"));
    assert_eq!(w.asked("merge"), 0);
    w.finish().await;
}

#[tokio::test]
async fn tm46_the_answer_is_about_another_pull_request() {
    let (w, id) = armed().await;
    let other = w.propose(&image("search", "staging", "2.0")).await;
    let wrong = w.pull(&other).await;
    for nth in [1, 2] {
        let wrong = wrong.clone();
        let kind = FaultKind::Alter(Arc::new(move |pull| pull.clone_from(&wrong)));
        w.stage.faults.add(Fault { operation: "pull", nth: w.asked("pull") + nth, kind });
    }
    w.stage.wake(&id).await.unwrap();
    w.turns().await;
    let (attempts, error, _) = w.stage.parts.store.trouble(w.stage.tenant(), &id).await.unwrap().unwrap();
    assert_eq!(attempts, 1);
    assert!(error.unwrap().contains("the forge answers with pull request 75"));
    w.later(10).await;
    w.check_passes(&id).await;
    w.later(HOUR).await;
    assert!(w.story(&id).await.ends_with(MERGED));
    assert_eq!(w.record(&other).await.stage.name(), "open");
    w.finish().await;
}

#[tokio::test]
async fn tm48_a_denial_in_the_middle_is_no_loop() {
    let w = World::start().await;
    w.fault("open", FaultKind::FailBefore(ForgeError::Denied("403".into())));
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / pushed").await;
    assert_eq!(w.turns().await, 0);
    w.later(10).await;
    assert_eq!((w.asked("open"), w.pulls().await.len()), (2, 1));
    w.finish().await;
}

#[tokio::test]
async fn tm49_a_rate_limit_keeps_the_intent() {
    let w = World::start().await;
    let until = w.stage.clock.now().plus_seconds(900);
    w.fault("push", FaultKind::FailBefore(ForgeError::RateLimited(until)));
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received").await;
    assert!(w.record(&id).await.push.is_some(), "what was announced stands");
    w.advance(899);
    assert_eq!(w.turns().await, 0);
    w.advance(1);
    w.turns().await;
    w.expect(&id, "received / pushed / opened / attested / waits: checks.missing").await;
    w.finish_after_failures().await;
}

#[tokio::test]
async fn tm50_an_hour_without_the_forge_loses_nothing() {
    let w = World::start().await;
    for nth in 1..200 {
        w.stage.faults.add(Fault { operation: "repository", nth, kind: FaultKind::FailBefore(lost()) });
    }
    let mut ids = Vec::new();
    for app in ["web", "search", "email", "ledger", "basket"] {
        ids.push(w.propose(&image(app, "staging", "2.0")).await);
    }
    for _ in 0..60 {
        w.advance(60);
        w.turns().await;
    }
    assert!(w.asked("repository") < 80, "{}", w.asked("repository"));
    w.stage.faults.clear();
    w.later(900).await;
    for id in &ids {
        w.expect(id, "received / pushed / opened / attested / waits: checks.missing").await;
    }
    assert_eq!(w.pulls().await.len(), 5);
    w.finish().await;
}

/// Somebody commits to the file between proof and merge; this is its new text.
async fn meanwhile(w: &World, change: impl Fn(&str) -> String) {
    let path = overlay("web", "staging");
    let text = change(&w.file(&path).await.unwrap());
    let dana = w.dana();
    let commit = move || {
        let (dana, file) = (dana.clone(), (path.clone(), Some(text.clone().into_bytes())));
        async move {
            dana.commit("main", vec![file], "at the same moment").await.unwrap();
        }
    };
    w.fault("merge", FaultKind::meanwhile(commit));
}

#[tokio::test]
async fn tm51_a_base_that_moved_between_proof_and_merge_is_drift() {
    let (w, id) = armed().await;
    meanwhile(&w, |text| format!("# a note\n{text}")).await;
    w.check_passes(&id).await;
    assert!(w.story(&id).await.ends_with(MERGED));
    let events = w.events(&id).await;
    let merged = events.iter().find(|event| event.kind == "merge.result").unwrap();
    assert_eq!(merged.payload.as_ref().unwrap()["drift"], true);
    assert!(!w.demoted(&id).await);
    w.finish().await;
}

#[tokio::test]
async fn tm51_what_landed_is_not_what_was_attested() {
    let (w, id) = armed().await;
    // git joins the two, but the change cannot be made on what stands there now.
    meanwhile(&w, |text| format!("images: []\n{text}")).await;
    w.check_passes(&id).await;
    w.reports(&id, "good").await;
    w.later(72 * HOUR).await;
    assert!(w.story(&id).await.ends_with(
        "every gate passes / landed otherwise: merge.mismatch / settled: bad, demoted / no revert: revert_by_hand"
    ));
    let record = w.record(&id).await;
    assert_eq!((record.outcome, record.auto), (Some(Judgement::Bad), true));
    assert!(w.demoted(&id).await, "the class is frozen");
    let next = w.send(&image("search", "staging", "2.0")).await;
    w.turns().await;
    w.expect(&next, "received / dropped: observed").await;
    w.finish().await;
}
