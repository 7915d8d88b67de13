//! What becomes of proposals that want the same, or of which one is newer.

use crate::approvals::claims;
use crate::commands::OPEN;
use crate::documents::{image, replicas};
use crate::world::{HOUR, World};
use countersign::domain::approval::{Alg, Says, mint};
use countersign::domain::facts::PullState;
use countersign::domain::lifecycle::Stage;
use serde_json::{Value, json};

impl World {
    /// Sends a proposal in another agent's name.
    async fn other_agent(&self, document: &Value) -> String {
        let mut document = document.clone();
        document["proposer"] = json!({"id": "agent:other"});
        let parts = &self.stage.parts;
        let bytes = document.to_string();
        let (tenant, now) = (self.stage.tenant(), self.stage.clock.now());
        let id = parts.intake().receive(tenant, "agent:other", bytes.as_bytes(), now).await.unwrap().id;
        self.takes_up(&id);
        self.turns().await;
        id
    }

    async fn notices(&self, id: &str) -> String {
        let (_, comments) = self.dana().show(self.number(id).await).await.unwrap();
        comments.into_iter().filter(|said| said.key.as_deref() == Some("notice")).map(|said| said.text).collect()
    }
}

/// The same change for another reason: another proposal with the same effect.
fn again(document: &Value, reason: &str) -> Value {
    let mut document = document.clone();
    document["reason"] = reason.into();
    document
}

#[tokio::test]
async fn one_effect_is_one_pull_request() {
    let w = World::start().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    let second = w.propose(&again(&image("web", "staging", "2.0"), "another alert")).await;
    w.expect(&second, "received / dropped: duplicate").await;
    assert_eq!(w.record(&second).await.relations.duplicate_of.as_deref(), Some(first.as_str()));
    assert_eq!(w.pulls().await.len(), 1);
    w.finish().await;
}

#[tokio::test]
async fn a_newer_change_of_the_same_places_takes_the_place_of_the_older() {
    let w = World::start().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    let second = w.propose(&image("web", "staging", "2.1")).await;
    w.acts(&first, &format!("{OPEN} / dropped: superseded")).await;
    w.acts(&second, OPEN).await;
    assert_eq!(w.pull(&first).await.state, PullState::Closed);
    assert_eq!(w.record(&first).await.relations.superseded_by.as_deref(), Some(second.as_str()));
    assert_eq!(w.record(&second).await.relations.supersedes, std::slice::from_ref(&first));
    let notice = w.notices(&first).await;
    assert!(notice.contains(&second) && notice.contains(&w.number(&second).await.to_string()), "{notice}");
    assert_eq!(w.record(&first).await.outcome, None, "nobody judged it");
    w.finish().await;
}

#[tokio::test]
async fn what_its_sender_takes_back_is_closed_and_its_outcome_unknown() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let mut record = w.record(&id).await;
    let from = record.stage;
    record.commands.ending = Some(countersign::domain::lifecycle::Reason::new("withdrawn", "the alert is gone"));
    let transition = countersign::domain::lifecycle::Transition {
        from,
        record,
        events: vec![countersign::domain::audit::Event::note("proposal.withdrawn", json!({}))],
        outcome: None,
        demote: false,
        halt: None,
        due: Some(w.stage.clock.now()),
        artifacts: Vec::new(),
    };
    w.stage.parts.store.commit(&transition, w.stage.clock.now()).await.unwrap();
    w.settle().await;
    w.acts(&id, &format!("{OPEN} / proposal.withdrawn / dropped: withdrawn")).await;
    assert_eq!(w.pull(&id).await.state, PullState::Closed);
    let outcome = w.record(&id).await.outcome;
    assert_eq!(outcome, Some(countersign::domain::trust::Judgement::Neutral));
    // It is no no: the same change may be proposed again.
    let again = w.propose(&again(&image("web", "staging", "2.0"), "the alert is back")).await;
    w.acts(&again, OPEN).await;
    w.finish().await;
}

#[tokio::test]
async fn another_place_of_the_same_target_is_another_matter() {
    let w = World::start().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    let second = w.propose(&replicas("web", "staging", 3)).await;
    w.acts(&first, OPEN).await;
    w.acts(&second, OPEN).await;
    assert!(w.record(&second).await.relations.is_empty());
    w.finish().await;
}

#[tokio::test]
async fn another_sender_waits_until_the_first_is_over() {
    let w = World::start().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    let second = w.other_agent(&image("web", "staging", "2.1")).await;
    w.waits_for(&second, &["target_busy"]).await;
    assert_eq!((w.pulls().await.len(), w.record(&second).await.stage), (1, Stage::Received));
    w.dana().comment(w.number(&first).await, "/countersign reject not now").await.unwrap();
    w.settle().await;
    w.later(60).await;
    assert_eq!(w.record(&second).await.stage, Stage::Open);
    assert_eq!(w.record(&first).await.reason.unwrap().code, "rejected");
    w.finish().await;
}

#[tokio::test]
async fn what_people_work_on_is_not_replaced() {
    let w = World::start().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    let body = w.pull(&first).await.body.replace("does not do well", "does well");
    w.edits_body(&first, body).await;
    w.settle().await;
    let second = w.propose(&image("web", "staging", "2.1")).await;
    w.waits_for(&second, &["target_busy"]).await;
    assert_eq!(w.pull(&first).await.state, PullState::Open);
    w.finish().await;
}

#[tokio::test]
async fn a_duplicate_that_is_better_approved_takes_the_place_of_the_first() {
    let w = World::start().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    let mut document = again(&image("web", "staging", "2.0"), "seen by dana");
    document["id"] = "approved".into();
    // Dana approves it before it is sent: by its name, its digest and the class that the first one showed.
    let sealed = countersign::domain::proposal::Sealed::read(document.to_string().as_bytes()).unwrap();
    let mut said = claims(&w, &w.record(&first).await, "dana", Says::Approve);
    (said.prp, said.dig) = ("approved".into(), sealed.digest);
    document["approvals"] = json!([mint(&said, Alg::EdDSA, &w.stage.approver("dana").unwrap())]);
    let second = w.propose(&document).await;
    w.settle().await;
    assert_eq!(w.record(&second).await.approvals.len(), 1);
    assert_eq!(w.record(&second).await.stage, Stage::Open, "{}", w.story(&second).await);
    w.acts(&first, &format!("{OPEN} / dropped: superseded")).await;
    let open: Vec<_> = w.pulls().await.into_iter().filter(|pull| pull.state == PullState::Open).collect();
    assert_eq!(open.len(), 1);
    w.finish().await;
}

#[tokio::test]
async fn a_closed_pull_request_is_a_no_that_is_remembered_with_its_reason() {
    let w = World::start().await;
    let first = w.propose(&image("web", "staging", "2.0")).await;
    let number = w.number(&first).await;
    w.dana().comment(number, "2.0 breaks the basket, see the release notes").await.unwrap();
    w.dana().close(number).await.unwrap();
    w.settle().await;
    let reason = w.record(&first).await.reason.unwrap();
    assert_eq!(reason.code, "rejected");
    assert!(reason.sentence.contains("dana") && reason.sentence.contains("breaks the basket"), "{}", reason.sentence);
    let second = w.propose(&again(&image("web", "staging", "2.0"), "again")).await;
    w.expect(&second, "received / dropped: rejected").await;
    let record = w.record(&second).await;
    assert!(record.reason.unwrap().sentence.contains("breaks the basket"));
    assert_eq!(record.relations.refused_with.as_deref(), Some(first.as_str()));
    // Another tag is another effect, and the same one is forgotten after 24 hold periods.
    let third = w.propose(&image("web", "staging", "2.1")).await;
    w.acts(&third, OPEN).await;
    w.dana().close(w.number(&third).await).await.unwrap();
    w.later(24 * HOUR).await;
    let fourth = w.propose(&again(&image("web", "staging", "2.0"), "a day later")).await;
    w.acts(&fourth, OPEN).await;
    w.finish().await;
}
