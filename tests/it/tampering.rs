//! What somebody does to a pull request of ours, or to its block: it is left to people and never merged by us.

use crate::documents::{image, overlay, proposal};
use crate::resigned::{self, block};
use crate::world::{HOUR, World};
use countersign::domain::attest::{self, Binding};
use countersign::domain::facts::{MergeMethod, PullState};
use countersign::forge::NewPull;
use countersign::forge::local::{Edit, FaultKind};
use serde_json::json;
use std::sync::Arc;

/// An open pull request that merges by itself once CI passes.
async fn armed() -> (World, String) {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    (w, id)
}

/// It is left to people for this reason, does not merge, and its class keeps its record.
async fn left_to_people(w: World, id: &str, code: &str) {
    w.settle().await;
    w.advance(HOUR);
    w.check_passes(id).await;
    let record = w.record(id).await;
    assert_eq!(record.reason.map(|reason| reason.code).as_deref(), Some(code));
    assert_eq!((record.stage.name(), w.asked("merge")), ("open", 0));
    assert!(!w.demoted(id).await, "what somebody does to a pull request is no failure of the class");
    let told = w.story(id).await;
    assert_eq!(told.matches("left to people").count(), 1, "{told}");
    let comments = w.dana().show(w.number(id).await).await.unwrap().1;
    assert_eq!(comments.len(), 1, "one notice says why");
    w.finish().await;
}

/// The body with a block of the same key over another binding.
fn signed_again(w: &World, body: &str, change: impl FnOnce(&mut Binding)) -> String {
    let keys = &w.stage.parts.keys;
    resigned::signed_again(&keys.set, &keys.attestation, body, change)
}

#[tokio::test]
async fn tm1_a_flipped_character_of_the_block_is_left_to_people() {
    let (w, id) = armed().await;
    let body = w.pull(&id).await.body;
    let at = body.find(attest::BEGIN).unwrap() + attest::BEGIN.len() + 100;
    let other = if body.as_bytes()[at] == b'A' { "B" } else { "A" };
    w.edits_body(&id, format!("{}{other}{}", &body[..at], &body[at + 1..])).await;
    w.settle().await;
    let reason = w.record(&id).await.reason.unwrap();
    assert!(reason.code.starts_with("attestation."), "{reason:?}");
    left_to_people(w, &id, &reason.code).await;
}

#[tokio::test]
async fn tm2_a_body_saved_with_crlf_still_merges() {
    let (w, id) = armed().await;
    w.edits_body(&id, w.pull(&id).await.body.replace('\n', "\r\n")).await;
    w.advance(601);
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.stage.name(), "merged");
    assert_eq!(w.story(&id).await.matches("attested").count(), 1);
    w.finish().await;
}

#[tokio::test]
async fn tm3_one_word_of_prose_changed() {
    let (w, id) = armed().await;
    w.edits_body(&id, w.pull(&id).await.body.replace("does not do well", "does do well")).await;
    left_to_people(w, &id, "body_changed").await;
}

#[tokio::test]
async fn tm4_the_block_removed() {
    let (w, id) = armed().await;
    let body = w.pull(&id).await.body;
    w.edits_body(&id, body.replace(&block(&body), "")).await;
    left_to_people(w, &id, "attestation.missing").await;
}

#[tokio::test]
async fn tm5_the_block_twice() {
    let (w, id) = armed().await;
    let body = w.pull(&id).await.body;
    w.edits_body(&id, format!("{}\n\n{body}", block(&body))).await;
    left_to_people(w, &id, "attestation.ambiguous").await;
}

#[tokio::test]
async fn tm6_a_look_alike_beside_the_real_block_is_ignored() {
    let (w, id) = armed().await;
    let body = w.pull(&id).await.body;
    let fake = block(&body).replace("BEGIN", "B\u{415}GIN").replace("END", "\u{415}ND");
    w.edits_body(&id, format!("{fake}\n\n{body}")).await;
    w.advance(601);
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.stage.name(), "merged");
    w.finish().await;
}

#[tokio::test]
async fn tm6_a_look_alike_alone_is_no_block() {
    let (w, id) = armed().await;
    let body = w.pull(&id).await.body;
    let fake = block(&body).replace("BEGIN", "B\u{415}GIN").replace("END", "\u{415}ND");
    w.edits_body(&id, body.replace(&block(&body), &fake)).await;
    left_to_people(w, &id, "attestation.missing").await;
}

#[tokio::test]
async fn tm7_the_body_of_another_pull_request() {
    let (w, id) = armed().await;
    let other = w.propose(&image("search", "staging", "2.0")).await;
    w.edits_body(&id, w.pull(&other).await.body).await;
    left_to_people(w, &id, "pr.mismatch").await;
}

#[tokio::test]
async fn tm8_the_block_of_another_repository() {
    let (w, id) = armed().await;
    let body = signed_again(&w, &w.pull(&id).await.body, |binding| binding.forge.repo_id = 202);
    w.edits_body(&id, body).await;
    left_to_people(w, &id, "repository.mismatch").await;
}

#[tokio::test]
async fn tm9_the_block_of_another_tenant() {
    let (w, id) = armed().await;
    let body = signed_again(&w, &w.pull(&id).await.body, |binding| binding.tenant = "globex".parse().unwrap());
    w.edits_body(&id, body).await;
    left_to_people(w, &id, "tenant.mismatch").await;
}

#[tokio::test]
async fn tm9_the_block_of_another_deployment() {
    let (w, id) = armed().await;
    let body = signed_again(&w, &w.pull(&id).await.body, |binding| binding.instance = "staging.example".into());
    w.edits_body(&id, body).await;
    w.settle().await;
    w.advance(601);
    w.check_passes(&id).await;
    // Ours moved to another name, or a foreign block: it is written anew, and only the new one merges.
    assert!(w.story(&id).await.contains("attested / waits: checks.missing / attested"));
    w.finish().await;
}

#[tokio::test]
async fn tm10_an_older_block_is_replaced_by_the_newest() {
    let (w, id) = armed().await;
    let old = w.pull(&id).await.body;
    w.commits("README.md", Some("moved\n")).await;
    w.settle().await;
    let new = w.pull(&id).await.body;
    assert_ne!(block(&old), block(&new));
    w.edits_body(&id, old.clone()).await;
    w.settle().await;
    let newest = w.pull(&id).await.body;
    assert!(block(&newest) != block(&old) && block(&newest) != block(&new), "it is attested again");
    // Somebody who insists is left with it.
    for _ in 0..6 {
        w.edits_body(&id, old.clone()).await;
        w.settle().await;
    }
    left_to_people(w, &id, "body_contested").await;
}

#[tokio::test]
async fn tm11_a_commit_pushed_to_the_head() {
    let (w, id) = armed().await;
    let file = ("README.md".to_owned(), Some(b"more\n".to_vec()));
    w.mallory().push(w.number(&id).await, vec![file], "one more thing").await.unwrap();
    left_to_people(w, &id, "head.sha").await;
}

#[tokio::test]
async fn tm12_another_commit_of_the_same_tree() {
    let (w, id) = armed().await;
    w.mallory().amend(w.number(&id).await).await.unwrap();
    left_to_people(w, &id, "head.sha").await;
}

#[tokio::test]
async fn tm13_another_base() {
    let (w, id) = armed().await;
    w.dana().reset("release", &w.record(&id).await.issued.unwrap().base).await.unwrap();
    w.edits(&id, Edit { base: Some("release".into()), ..Edit::default() }).await;
    left_to_people(w, &id, "base.ref").await;
}

#[tokio::test]
async fn tm14_retargeted_between_proof_and_merge() {
    let (w, id) = armed().await;
    w.dana().reset("release", &w.record(&id).await.issued.unwrap().base).await.unwrap();
    let (mallory, number) = (w.mallory(), w.number(&id).await);
    let retarget = move || {
        let mallory = mallory.clone();
        async move {
            let edit = Edit { base: Some("release".into()), ..Edit::default() };
            mallory.edit(number, edit).await.unwrap();
        }
    };
    w.fault("merge", FaultKind::meanwhile(retarget));
    w.check_passes(&id).await;
    // The forge merged it elsewhere: that is not what was attested, and the class is frozen.
    assert!(w.story(&id).await.contains("every gate passes / landed otherwise: merge.mismatch"));
    assert!(w.demoted(&id).await);
    assert!(w.file(&overlay("web", "staging")).await.unwrap().contains("1.0"), "main did not move");
    w.later(601).await;
    let told = w.story(&id).await;
    assert!(told.ends_with("settled: bad, demoted / no revert: revert_by_hand"), "{told}");
    w.finish().await;
}

#[tokio::test]
async fn tm17_the_head_in_a_fork() {
    let (w, id) = armed().await;
    for _ in 0..3 {
        let next = w.asked("pull") + 1;
        let fork = FaultKind::Alter(Arc::new(|pull| pull.head_repository = 999));
        w.stage.faults.add(countersign::forge::local::Fault { operation: "pull", nth: next, kind: fork });
        w.settle().await;
    }
    left_to_people(w, &id, "head.ref").await;
}

#[tokio::test]
async fn tm17_a_fork_with_our_commit_and_our_body_is_nobody() {
    let (w, id) = armed().await;
    let ours = w.pull(&id).await;
    let new = NewPull {
        head_ref: ours.head_ref.clone(),
        base_ref: "main".into(),
        title: ours.title.clone(),
        body: ours.body.clone(),
        labels: ours.labels.clone(),
        reviewers: Vec::new(),
    };
    let number = w.mallory().open_fork(new, 999, ours.head.clone()).await.unwrap();
    w.ci().check(number, "ci/build", countersign::domain::facts::Conclusion::Success, 15368).await.unwrap();
    w.settle().await;
    assert_eq!(w.record(&id).await.stage.name(), "merged", "ours goes on");
    assert_eq!(w.dana().show(number).await.unwrap().0.state, PullState::Open);
    w.finish().await;
}

#[tokio::test]
async fn tm19_the_branch_removed_and_made_again() {
    let (w, id) = armed().await;
    let branch = w.pull(&id).await.head_ref;
    w.mallory().delete_branch(&branch).await.unwrap();
    let tip = w.commits("README.md", Some("moved\n")).await;
    w.mallory().reset(&branch, &tip).await.unwrap();
    left_to_people(w, &id, "head.sha").await;
}

#[tokio::test]
async fn tm21_a_commit_on_top_that_touches_workflows() {
    let (w, id) = armed().await;
    let file = (".github/workflows/ci.yaml".to_owned(), Some(b"on: push\n".to_vec()));
    w.mallory().push(w.number(&id).await, vec![file], "ci").await.unwrap();
    left_to_people(w, &id, "head.sha").await;
}

#[tokio::test]
async fn tm21_a_proposal_that_touches_workflows() {
    let w = World::start().await;
    for path in [".github/workflows/ci.yaml", ".github/countersign.yaml", "CODEOWNERS", "a/Jenkinsfile"] {
        let changes = json!([{"manifest": {"file": path, "set": {"on": "push"}}}]);
        let document = proposal("PatchManifest", "shop", "web", changes);
        // Refused at the door or when its effect is read; never pushed.
        if let Ok(accepted) = w.stage.propose(document.to_string().as_bytes()).await {
            w.turns().await;
            w.expect(&accepted.id, "received / dropped: denied").await;
        }
    }
    assert_eq!(w.asked("push"), 0);
    w.finish().await;
}

#[tokio::test]
async fn tm22_a_closed_pull_request_is_over() {
    let (w, id) = armed().await;
    w.mallory().close(w.number(&id).await).await.unwrap();
    w.check_passes(&id).await;
    assert_eq!(w.record(&id).await.stage.name(), "dropped");
    w.mallory().merge(w.number(&id).await, MergeMethod::Squash).await.unwrap();
    w.later(HOUR).await;
    assert_eq!(w.asked("merge"), 0);
    w.finish().await;
}
