//! Steps of a plan: each waits for the good outcome of those before it.

use crate::commands::OPEN;
use crate::documents::{image, replicas};
use crate::world::{HOUR, World};
use countersign::domain::facts::PullState;
use countersign::domain::lifecycle::Stage;
use serde_json::{Value, json};

/// A step of the plan `p`.
fn step(mut document: Value, id: &str, n: u32, after: &[&str]) -> Value {
    document["id"] = id.into();
    document["plan"] = json!({"id": "p", "step": n, "after": after});
    document
}

fn first() -> Value {
    step(image("web", "staging", "2.0"), "one", 1, &[])
}

fn second() -> Value {
    step(replicas("web", "staging", 3), "two", 2, &["one"])
}

#[tokio::test]
async fn a_step_leaves_when_the_one_before_it_did_well() {
    let w = World::start().await;
    let (one, two) = (w.propose(&first()).await, w.propose(&second()).await);
    w.waits_for(&two, &["predecessor_pending"]).await;
    w.merge(&one).await;
    w.reports(&one, "good").await;
    w.later(70 * HOUR).await;
    w.waits_for(&two, &["predecessor_pending"]).await;
    assert_eq!(w.pulls().await.len(), 1, "nothing leaves before");
    w.later(3 * HOUR).await;
    assert_eq!(w.record(&one).await.stage, Stage::Settled);
    w.later(60).await;
    w.acts(&two, OPEN).await;
    w.finish().await;
}

#[tokio::test]
async fn a_step_may_come_before_the_one_it_waits_for() {
    let w = World::start().await;
    let two = w.propose(&second()).await;
    w.waits_for(&two, &["predecessor_missing"]).await;
    w.propose(&first()).await;
    w.later(60).await;
    w.waits_for(&two, &["predecessor_pending"]).await;
    w.later(15 * 24 * HOUR).await;
    w.acts(&two, "received / dropped: expired").await;
    w.finish().await;
}

#[tokio::test]
async fn a_step_ends_with_the_reason_of_the_one_that_failed() {
    let w = World::start().await;
    let (one, two) = (w.propose(&first()).await, w.propose(&second()).await);
    let three = w.propose(&step(image("email", "staging", "2.0"), "three", 3, &["two"])).await;
    w.merge(&one).await;
    w.reports(&one, "bad").await;
    w.later(60).await;
    w.later(60).await;
    w.acts(&two, "received / dropped: predecessor_failed").await;
    w.acts(&three, "received / dropped: predecessor_dropped").await;
    let reason = w.record(&three).await.reason.unwrap().sentence;
    assert!(reason.contains("`two`") && reason.contains("predecessor_failed"), "{reason}");
    assert_eq!(w.pulls().await.len(), 1);
    w.finish().await;
}

#[tokio::test]
async fn an_outcome_that_nobody_knows_is_not_a_good_one() {
    let w = World::start().await;
    let (one, two) = (w.propose(&first()).await, w.propose(&second()).await);
    w.merge(&one).await;
    w.later(73 * HOUR).await;
    assert_eq!(w.record(&one).await.stage, Stage::Settled);
    w.later(60).await;
    w.acts(&two, "received / dropped: predecessor_unknown").await;
    w.finish().await;
}

#[tokio::test]
async fn a_closed_step_ends_those_that_wait_for_it() {
    let w = World::start().await;
    let (one, two) = (w.propose(&first()).await, w.propose(&second()).await);
    w.dana().close(w.number(&one).await).await.unwrap();
    w.settle().await;
    w.later(60).await;
    w.acts(&two, "received / dropped: predecessor_dropped").await;
    w.finish().await;
}

#[tokio::test]
async fn an_outcome_that_is_taken_back_closes_the_step_that_was_open() {
    let w = World::start().await;
    let (one, two) = (w.propose(&first()).await, w.propose(&second()).await);
    w.merge(&one).await;
    w.reports(&one, "good").await;
    w.later(73 * HOUR).await;
    w.later(60).await;
    w.acts(&two, OPEN).await;
    // What the API does with a bad report about a settled change.
    let record = w.record(&one).await;
    let report = countersign::domain::facts::HealthReport {
        reporter: "argocd".into(),
        result: countersign::domain::trust::Judgement::Bad,
        revision: Some(record.landed.clone().unwrap().commit),
        note: "it leaks".into(),
        at: w.stage.clock.now(),
        severe: false,
        since: None,
    };
    let transition = countersign::domain::lifecycle::withdrawn(&record, &report, w.stage.clock.now()).unwrap();
    w.stage.parts.store.commit(&transition, w.stage.clock.now()).await.unwrap();
    w.later(60).await;
    w.acts(&two, &format!("{OPEN} / dropped: predecessor_failed")).await;
    assert_eq!(w.pull(&two).await.state, PullState::Closed);
    w.finish().await;
}

#[tokio::test]
async fn steps_that_wait_for_each_other_never_leave() {
    let w = World::start().await;
    let one = w.propose(&step(image("web", "staging", "2.0"), "one", 1, &["two"])).await;
    let two = w.propose(&second()).await;
    w.later(HOUR).await;
    w.waits_for(&one, &["predecessor_pending"]).await;
    w.waits_for(&two, &["predecessor_pending"]).await;
    w.later(15 * 24 * HOUR).await;
    assert!(w.pulls().await.is_empty());
    for id in [&one, &two] {
        assert_eq!(w.record(id).await.stage, Stage::Dropped);
    }
    w.finish().await;
}
