//! Whole stories: a class that has earned it merges by itself, and what landed is audited, on each forge.

use crate::fake::faults::Fault;
use crate::seasoned::{DAY, good, green, stand as seasoned};
use crate::stand::{Kind, bump};

on_each_forge!(a_class_that_earned_it_merges_by_itself, f45_the_body_is_edited_before_the_merge);
on_served!(f68_merged_by_itself_and_the_answer_was_lost, f62_merging_by_itself_while_somebody_pushes);

const MERGED: &str =
    "received / pushed / opened / attested / waits: checks.missing / every gate passes / merged / waits: soak";

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
