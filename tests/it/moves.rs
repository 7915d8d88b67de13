//! What moves while a pull request is open: the base, the time, the repository's name, and people at the same moment.

use crate::between::Between;
use crate::documents::{automate, image, overlay};
use crate::world::{CONFIG, HOUR, World};
use countersign::domain::facts::{MergeMethod, PullState};
use countersign::forge::ForgeError;
use countersign::forge::local::FaultKind;

const DAY: i64 = 24 * HOUR;
/// Seconds between two looks at a local forge, and one more.
const SWEEP: i64 = 3;

/// An open pull request that merges by itself once CI passes.
async fn armed() -> (World, String) {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    (w, id)
}

#[tokio::test]
async fn tm15_the_base_moves_in_an_untouched_path() {
    let (w, id) = armed().await;
    let before = w.pull(&id).await;
    w.commits("README.md", Some("moved\n")).await;
    w.settle().await;
    let after = w.pull(&id).await;
    assert_eq!(after.head, before.head, "nothing is pushed");
    assert_ne!(after.body, before.body, "it is attested again");
    w.check_passes(&id).await;
    w.expect(&id, "received / pushed / opened / attested / waits: checks.missing / attested / waits: checks.missing / every gate passes / merged / waits: soak").await;
    w.finish().await;
}

#[tokio::test]
async fn tm15_the_base_moves_often_in_untouched_paths() {
    let (w, id) = armed().await;
    for n in 0..8 {
        w.commits("README.md", Some(&format!("moved {n}\n"))).await;
        w.settle().await;
    }
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.stage.name(), "merged", "a busy repository is no contest");
    assert_eq!(w.asked("push"), 1);
    w.finish().await;
}

#[tokio::test]
async fn tm16_the_base_moves_in_a_touched_file() {
    let (w, id) = armed().await;
    let before = w.pull(&id).await;
    let path = overlay("web", "staging");
    let text = w.file(&path).await.unwrap();
    w.commits(&path, Some(&format!("# a note\n{text}"))).await;
    w.settle().await;
    let after = w.pull(&id).await;
    assert_ne!(after.head, before.head, "it is pushed again");
    w.waits_for(&id, &["checks.missing"]).await;
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.stage.name(), "merged");
    let landed = w.file(&path).await.unwrap();
    assert!(landed.starts_with("# a note\n") && landed.contains("2.0"), "{landed}");
    w.finish().await;
}

#[tokio::test]
async fn the_base_moves_too_often_in_a_touched_file() {
    let (w, id) = armed().await;
    let path = overlay("web", "staging");
    let text = w.file(&path).await.unwrap();
    for n in 1..=6 {
        assert_eq!(w.asked("push"), n);
        w.commits(&path, Some(&format!("# note {n}\n{text}"))).await;
        w.settle().await;
    }
    assert_eq!(w.asked("push"), 6, "five times it is pushed again");
    assert!(w.story(&id).await.ends_with("left to people: base_busy / waits: left_to_people"));
    w.finish().await;
}

#[tokio::test]
async fn the_base_gets_the_change_from_somebody_else() {
    let (w, id) = armed().await;
    let path = overlay("web", "staging");
    let text = w.file(&path).await.unwrap();
    let tag = text.lines().find(|line| line.contains("newTag")).unwrap();
    w.commits(&path, Some(&text.replace(tag, "  newTag: \"2.0\""))).await;
    w.settle().await;
    assert_eq!(w.record(&id).await.stage.name(), "open", "it may have been merged just now");
    w.later(SWEEP).await;
    assert!(w.story(&id).await.ends_with("dropped: satisfied"));
    assert_eq!(w.pull(&id).await.state, PullState::Closed);
    assert!(w.record(&id).await.outcome.is_none());
    w.finish().await;
}

#[tokio::test]
async fn a_merge_between_two_reads_of_a_turn_is_a_merge() {
    for operation in ["repository", "tip", "pull", "comments", "sync", "protection"] {
        let w = World::start().await;
        let id = w.propose(&image("web", "staging", "2.0")).await;
        let (dana, number) = (w.dana(), w.number(&id).await);
        let merges = move || {
            let dana = dana.clone();
            async move {
                dana.merge(number, MergeMethod::Squash).await.unwrap();
            }
        };
        w.fault(operation, FaultKind::meanwhile(merges));
        w.settle().await;
        w.later(SWEEP).await;
        assert_eq!(w.record(&id).await.stage.name(), "merged", "before {operation}");
        assert!(w.story(&id).await.ends_with("merged by a person / waits: soak"), "{}", w.story(&id).await);
        w.finish().await;
    }
}

#[tokio::test]
async fn a_merge_that_the_forge_shows_later_than_the_base_is_a_merge() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.dana().merge(w.number(&id).await, MergeMethod::Squash).await.unwrap();
    w.fault("pull", FaultKind::StaleRead);
    w.settle().await;
    assert_eq!(w.record(&id).await.stage.name(), "open");
    assert_eq!(w.asked("close"), 0);
    w.later(SWEEP).await;
    assert_eq!(w.record(&id).await.stage.name(), "merged");
    w.finish().await;
}

/// The forge merges and answers, or the answer is lost, and shows the pull request open for one more reading.
#[tokio::test]
async fn a_merge_of_ours_that_the_forge_shows_late_is_ours() {
    for lost in [false, true] {
        let (w, id) = armed().await;
        let faults = w.stage.faults.clone();
        let late = move || {
            let faults = faults.clone();
            async move { faults.next("pull", FaultKind::StaleRead) }
        };
        w.fault("merge", FaultKind::meanwhile(late));
        if lost {
            w.fault("merge", FaultKind::FailAfter(ForgeError::Transient("no answer within 30 s".into())));
        }
        w.check_passes(&id).await;
        // The turn whose answer was lost is taken again, reads too early, and the next one does not.
        w.later(60).await;
        w.later(60).await;
        let (record, told) = (w.record(&id).await, w.story(&id).await);
        assert_eq!((record.stage.name(), w.asked("merge")), ("merged", 1), "{told}");
        assert!(record.auto && told.contains("merged / waits: soak") && !told.contains("by a person"), "{told}");
        w.reports(&id, "bad").await;
        w.settle().await;
        assert!(w.demoted(&id).await, "its failure is one of an unattended merge");
        w.finish_after_failures().await;
    }
}

#[tokio::test]
async fn the_change_does_not_fit_the_base_any_more() {
    let (w, id) = armed().await;
    w.commits(&overlay("web", "staging"), None).await;
    w.settle().await;
    assert!(w.story(&id).await.contains("left to people: base_conflict"));
    w.check_passes(&id).await;
    assert_eq!(w.asked("merge"), 0);
    w.finish().await;
}

#[tokio::test]
async fn an_attestation_is_renewed_at_three_quarters_of_its_life() {
    let (w, id) = armed().await;
    let first = w.record(&id).await.issued.unwrap();
    w.later(54 * HOUR - 1).await;
    assert_eq!(w.record(&id).await.issued.unwrap(), first);
    w.later(1).await;
    let second = w.record(&id).await.issued.unwrap();
    assert!(second.not_after > first.not_after && second.head == first.head);
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.stage.name(), "merged");
    w.finish().await;
}

#[tokio::test]
async fn an_attestation_that_ended_while_we_were_away_is_renewed() {
    let (w, id) = armed().await;
    w.later(10 * DAY).await;
    assert_eq!(w.story(&id).await.matches("attested").count(), 2);
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.stage.name(), "merged");
    w.finish().await;
}

#[tokio::test]
async fn tm23_the_attestation_ends_between_proof_and_merge() {
    let (w, id) = armed().await;
    w.ci()
        .check(w.number(&id).await, "ci/build", countersign::domain::facts::Conclusion::Success, 15368)
        .await
        .unwrap();
    // The report of the open gate is one turn, the merge the next: the time passes while that one reads.
    let clock = w.stage.clock.clone();
    let next = w.asked("protection") + 2;
    let pass = FaultKind::meanwhile(move || {
        let clock = clock.clone();
        async move { clock.advance(3 * DAY) }
    });
    w.stage.faults.add(countersign::forge::local::Fault { operation: "protection", nth: next, kind: pass });
    w.stage.wake(&id).await.unwrap();
    let worker = w.stage.worker();
    worker.step().await.unwrap();
    worker.step().await.unwrap();
    assert_eq!(w.asked("merge"), 0, "an attestation that has ended orders nothing");
    w.settle().await;
    w.advance(2);
    w.settle().await;
    assert!(w.story(&id).await.contains("every gate passes / not merged: not_ready / attested"));
    assert_eq!(w.record(&id).await.stage.name(), "merged", "it goes on with a new one");
    w.finish().await;
}

#[tokio::test]
async fn tm18_a_renamed_repository_is_the_same() {
    let (mut w, id) = armed().await;
    w.wrap(|inner| Between::renamed(inner, "acme/boutique", 101));
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.stage.name(), "merged");
    w.finish().await;
}

#[tokio::test]
async fn tm18_another_repository_of_the_same_name_is_another() {
    let (mut w, id) = armed().await;
    w.wrap(|inner| Between::renamed(inner, "acme/shop", 102));
    w.check_passes(&id).await;
    for _ in 0..5 {
        w.later(HOUR).await;
    }
    let (attempts, error, _) = w.stage.parts.store.trouble(w.stage.tenant(), &id).await.unwrap().unwrap();
    assert!(attempts >= 5 && error.unwrap().contains("repository 102, not 101"));
    assert_eq!((w.record(&id).await.stage.name(), w.asked("merge")), ("open", 0));
    w.finish().await;
}

#[tokio::test]
async fn f71_a_person_merges_at_the_same_moment() {
    let (w, id) = armed().await;
    let (dana, number) = (w.dana(), w.number(&id).await);
    let merges = move || {
        let dana = dana.clone();
        async move {
            dana.merge(number, MergeMethod::Squash).await.unwrap();
        }
    };
    w.fault("merge", FaultKind::meanwhile(merges));
    w.check_passes(&id).await;
    assert!(w.story(&id).await.ends_with("every gate passes / merged by a person / waits: soak"));
    assert!(!w.record(&id).await.auto);
    w.finish().await;
}

#[tokio::test]
async fn f71_a_person_closes_at_the_same_moment() {
    let (w, id) = armed().await;
    let (dana, number) = (w.dana(), w.number(&id).await);
    let closes = move || {
        let dana = dana.clone();
        async move { dana.close(number).await.unwrap() }
    };
    w.fault("merge", FaultKind::meanwhile(closes));
    w.check_passes(&id).await;
    assert!(w.story(&id).await.ends_with("every gate passes / not merged: refused / dropped: rejected"));
    assert_eq!(w.pull(&id).await.state, PullState::Closed);
    w.later(HOUR).await;
    assert_eq!(w.asked("merge"), 1);
    w.finish().await;
}

#[tokio::test]
async fn a_pull_request_that_is_reopened_after_its_end_stays_with_people() {
    let (w, id) = armed().await;
    let number = w.number(&id).await;
    w.dana().close(number).await.unwrap();
    w.settle().await;
    // Its branch went with it: nobody can take up where we left off.
    assert!(w.dana().reopen(number).await.is_err());
    w.finish().await;
}

#[tokio::test]
async fn the_config_goes_away_while_it_is_open() {
    let (w, id) = armed().await;
    w.commits(CONFIG, None).await;
    w.check_passes(&id).await;
    assert!(w.open_gates(&id).await.contains(&"not_enabled".to_owned()));
    assert_eq!(w.asked("merge"), 0);
    w.rules(&automate("")).await;
    w.settle().await;
    assert_eq!(w.record(&id).await.stage.name(), "merged");
    w.finish().await;
}
