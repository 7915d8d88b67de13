//! Whole stories: a class that has earned it merges by itself, and what landed is audited, on each forge.

use crate::fake::faults::Fault;
use crate::seasoned::{DAY, good, green, stand as seasoned};
use crate::stand::{Kind, Stand, bump};
use countersign::domain::facts::Conclusion;

on_each_forge!(
    a_class_that_earned_it_merges_by_itself,
    f45_the_body_is_edited_before_the_merge,
    f92_a_backup_from_before_the_merge,
);
on_served!(
    f20_an_event_before_the_api_shows_it,
    f68_merged_by_itself_and_the_answer_was_lost,
    f74_the_forge_was_told_to_merge_it,
);

pub const MERGED: &str =
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

async fn f20_an_event_before_the_api_shows_it(kind: Kind) {
    let stand = seasoned(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let (number, main) = (stand.number(&id).await, stand.tip("main"));
    stand.checks(&id, "ci/build", Conclusion::Success).await;
    stand.forge().pull(number).await.unwrap();
    stand.mallory().push(number, vec![("evil.txt".to_owned(), Some(b"x\n".to_vec()))], "one more").await.unwrap();
    // The event of the push is here; the API shows the head before it, with its green checks.
    let one = if kind == Kind::Gitlab { "/merge_requests/{iid}" } else { "/pulls/{number}" };
    stand.fake().faults.next("GET", one, Fault::Stale);
    stand.settle().await;
    stand.later(60).await;
    assert_eq!(stand.tip("main"), main, "the older head was not merged\n{}", stand.story(&id).await);
    assert!(stand.story(&id).await.contains("left to people"), "{}", stand.story(&id).await);
    stand.finish().await;
}

async fn f92_a_backup_from_before_the_merge(kind: Kind) {
    let stand = seasoned(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let ground = stand.leave().await;
    ground.back_up();
    let stand = Stand::on(ground).await;
    stand.adopt(&id);
    green(&stand, &id).await;
    stand.expect(&id, MERGED).await;
    let (main, pulls) = (stand.tip("main"), stand.dana().list().await.unwrap().len());
    let ground = stand.leave().await;
    ground.restore();
    ground.clock.advance(3_600);
    let stand = Stand::on(ground).await;
    stand.expect(&id, "received / pushed / opened / attested / waits: checks.missing").await;
    stand.turns().await;
    let told = stand.story(&id).await;
    assert!(told.contains("/ merged") && told.ends_with("waits: soak"), "{told}");
    assert_eq!((stand.tip("main"), stand.dana().list().await.unwrap().len()), (main, pulls), "nothing was done again");
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

async fn f74_the_forge_was_told_to_merge_it(kind: Kind) {
    let stand = seasoned(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let main = stand.tip("main");
    let arm = |armed: bool| match kind {
        Kind::Gitlab => stand.lab().set(|settings| settings.armed = armed),
        Kind::Local | Kind::Github => stand.hub().mood().armed = armed.then_some(("mallory", 66)),
    };
    arm(true);
    green(&stand, &id).await;
    assert_eq!(stand.tip("main"), main, "we do not merge beside it");
    let (told, verdict) = (stand.story(&id).await, stand.record(&id).await.verdict.expect("a verdict"));
    let said = serde_json::to_string(&verdict).unwrap();
    assert!(told.ends_with("waits: not_mergeable") && said.contains("as soon as it may"), "{told}\n{said}");
    arm(false);
    stand.settle().await;
    stand.later(60).await;
    assert_ne!(stand.tip("main"), main, "{}", stand.story(&id).await);
    stand.finish().await;
}
