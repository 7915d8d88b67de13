//! Whole stories: a class that has earned it merges by itself, and what landed is audited, on each forge.

use crate::documents::config;
use crate::fake::faults::Fault;
use crate::stand::{Kind, REPORTER, Stand, bump};
use countersign::domain::facts::{Conclusion, HealthReport};
use countersign::domain::trust::Judgement;

on_each_forge!(a_class_that_earned_it_merges_by_itself);
on_github!(
    f68_merged_by_itself_and_the_answer_was_lost,
    f62_merging_by_itself_while_somebody_pushes,
    f45_the_body_is_edited_before_the_merge,
);

const DAY: i64 = 86_400;
const MERGED: &str =
    "received / pushed / opened / attested / waits: checks.missing / every gate passes / merged / waits: soak";

/// Eighteen clean changes of six applications on three days.
async fn seasoned(kind: Kind) -> Stand {
    let stand = Stand::start(kind).await;
    let earn = "  wilsonLowerBound: \"0.80\"\n  spread: {targets: 3, days: 3}\n  quietPeriod: 0s\n  requiredChecks: [{name: \"ci/*\", app: 15368}]\n";
    stand.rules(&config("automate", earn, "")).await;
    for day in 0..3 {
        let mut ids = Vec::new();
        for app in ["basket", "billing", "catalog", "checkout", "email", "gateway"] {
            let id = stand.propose(bump(app, &format!("1.0.{day}"))).await;
            stand.merges(&id).await;
            stand.clock.advance(300);
            ids.push(id);
        }
        stand.settle().await;
        for id in ids {
            good(&stand, &id).await;
        }
        stand.later(DAY).await;
    }
    for _ in 0..3 {
        stand.later(DAY).await;
    }
    stand
}

async fn good(stand: &Stand, id: &str) {
    let landed = stand.record(id).await.landed.expect("it landed").commit;
    let report = HealthReport {
        reporter: REPORTER.into(),
        result: Judgement::Good,
        revision: landed,
        note: "healthy".into(),
        severe: false,
        at: stand.clock.now(),
    };
    stand.parts.store.report(&stand.parts.settings.tenants[0].id, id, &report).await.unwrap();
}

async fn green(stand: &Stand, id: &str) {
    stand.checks(id, "ci/build", Conclusion::Success).await;
    stand.settle().await;
}

async fn a_class_that_earned_it_merges_by_itself(kind: Kind) {
    let stand = seasoned(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    green(&stand, &id).await;
    stand.expect(&id, MERGED).await;
    let landed = stand.record(&id).await.landed.unwrap();
    assert_eq!(Some(&landed.commit), stand.tip("main").as_ref());
    assert_eq!(landed.by, stand.bot(), "by countersign itself");
    good(&stand, &id).await;
    stand.later(4 * DAY).await;
    assert!(stand.story(&id).await.ends_with("settled: good"), "{}", stand.story(&id).await);
    stand.finish().await;
}

async fn f68_merged_by_itself_and_the_answer_was_lost(kind: Kind) {
    let stand = seasoned(kind).await;
    stand.fake().faults.next("PUT", "/merge", Fault::DropAfter);
    let id = stand.propose(bump("web", "1.4.2")).await;
    green(&stand, &id).await;
    let landed = stand.tip("main");
    let stand = stand.restart().await;
    stand.later(600).await;
    stand.expect(&id, MERGED).await;
    assert_eq!(stand.fake().log.count("PUT", "/merge"), 1, "read, never repeated blindly");
    assert_eq!(stand.tip("main"), landed, "one merge");
    stand.finish().await;
}

async fn f62_merging_by_itself_while_somebody_pushes(kind: Kind) {
    let stand = seasoned(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let (number, mallory, main) = (stand.number(&id).await, stand.mallory(), stand.tip("main"));
    stand.fake().faults.next(
        "PUT",
        "/merge",
        Fault::meanwhile(move || {
            let mallory = mallory.clone();
            async move {
                let file = ("evil.txt".to_owned(), Some(b"x\n".to_vec()));
                mallory.push(number, vec![file], "one more").await.unwrap();
            }
        }),
    );
    green(&stand, &id).await;
    stand.later(600).await;
    assert_eq!(stand.tip("main"), main, "nothing landed");
    assert!(!stand.story(&id).await.contains("/ merged"), "{}", stand.story(&id).await);
    stand.finish().await;
}

async fn f45_the_body_is_edited_before_the_merge(kind: Kind) {
    let stand = seasoned(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let (main, body) = (stand.tip("main"), stand.pull(&id).await.body);
    let edited = body.replacen("1.4.2", "6.6.6", 1);
    assert_ne!(edited, body);
    stand.edits_body(&id, edited).await;
    green(&stand, &id).await;
    assert_eq!(stand.tip("main"), main, "nothing landed");
    stand.finish().await;
}
