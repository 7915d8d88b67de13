//! Pushing, opening, writing: once each, and nothing that GitLab would obey.

use super::{new_pull, opened, order, pushed, stand};
use crate::fake::faults::Fault;
use crate::fake::gitlab::bot;
use crate::stand::bump;
use countersign::domain::facts::Conclusion;
use countersign::forge::{ForgeError, NewPull, Pushed, Report};

#[tokio::test]
async fn f23_f24_a_branch_moves_only_from_where_it_was_expected() {
    let Some(s) = stand().await else { return };
    let first = order(&s, "countersign/a", "one\n").await;
    let Pushed::Done(commit) = s.forge().push(&first).await.unwrap() else { panic!("not pushed") };
    assert_eq!(s.forge().push(&first).await.unwrap(), Pushed::Done(commit.clone()), "the same once more");
    let mut other = order(&s, "countersign/a", "two\n").await;
    assert_eq!(s.forge().push(&other).await.unwrap(), Pushed::Moved(Some(commit.clone())));
    assert_eq!(s.tip("countersign/a"), Some(commit.clone()));
    other.old = Some(commit);
    assert!(matches!(s.forge().push(&other).await.unwrap(), Pushed::Done(_)));
    s.finish().await;
}

#[tokio::test]
async fn f24_a_push_between_reading_and_pushing_is_not_overwritten() {
    let Some(s) = stand().await else { return };
    let first = order(&s, "countersign/a", "one\n").await;
    let (mallory, main) = (s.mallory(), s.tip("main").unwrap());
    // Refs were advertised already; the branch comes into being before the objects arrive.
    let act = Fault::meanwhile(move || {
        let (mallory, main) = (mallory.clone(), main.clone());
        async move { drop(mallory.reset("countersign/a", &main).await) }
    });
    s.fake().faults.next("POST", "/git-receive-pack", act);
    let answer = s.forge().push(&first).await;
    assert_eq!(s.tip("countersign/a"), s.tip("main"), "{answer:?}");
    assert!(!matches!(answer, Ok(Pushed::Done(_))), "{answer:?}");
    s.finish().await;
}

#[tokio::test]
async fn f25_an_open_merge_request_of_ours_is_taken() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    assert_eq!(s.forge().open(&new_pull("countersign/a")).await.unwrap(), pull.number);
    let foreign = NewPull { head_ref: "countersign/b".into(), ..new_pull("x") };
    pushed(&s, "countersign/b").await;
    let number = s.dana().open(foreign.clone()).await.unwrap();
    let answer = s.forge().open(&foreign).await;
    assert!(matches!(&answer, Err(ForgeError::Rejected(why)) if why.contains(&format!("!{number}"))), "{answer:?}");
    s.finish().await;
}

#[tokio::test]
async fn f28_a_merge_request_whose_answer_was_lost_is_found() {
    let Some(s) = stand().await else { return };
    s.fake().faults.next("POST", "/merge_requests", Fault::fails_after(502, "<html>Bad Gateway</html>"));
    let id = s.propose(bump("web", "1.4.3")).await;
    s.later(120).await;
    s.expect(&id, "received / pushed / opened / attested / waits: checks.missing").await;
    assert_eq!(s.dana().list().await.unwrap().len(), 1);
    s.finish().await;
}

#[tokio::test]
async fn f29_a_branch_that_is_not_visible_yet_is_tried_again() {
    let Some(s) = stand().await else { return };
    pushed(&s, "countersign/a").await;
    let answer = r#"{"message":["source_branch \"countersign/a\" does not exist"]}"#;
    s.fake().faults.next("POST", "/merge_requests", Fault::fails(400, answer));
    let first = s.forge().open(&new_pull("countersign/a")).await;
    assert!(matches!(first, Err(ForgeError::Transient(_))), "{first:?}");
    assert!(s.forge().open(&new_pull("countersign/a")).await.is_ok());
    s.finish().await;
}

#[tokio::test]
async fn f34_nothing_that_is_written_is_obeyed() {
    let Some(s) = stand().await else { return };
    let mut document = bump("web", "1.4.3");
    document["reason"] = "down\n/merge\r\n```\n/approve\n/target_branch evil\n@team Closes #1".into();
    document["rollback"]["description"] = "/close\n/label ~x".into();
    let id = s.propose(document).await;
    s.settle().await;
    let number = s.number(&id).await;
    let pull = s.pull(&id).await;
    assert_eq!(s.lab().record(number).unwrap().body, pull.body);
    let forge = s.forge();
    forge.set_body(number, &format!("/merge\n{}\n/close\n\r/approve", pull.body)).await.unwrap();
    forge.comment(number, "notice", "/close\n\n```\n```\n/merge").await.unwrap();
    forge.comment(number, "notice", "again\n/merge").await.unwrap();
    let report = Report {
        name: "countersign/gate".into(),
        conclusion: Conclusion::Neutral,
        title: "/merge".into(),
        summary: "/approve\n/merge".into(),
    };
    forge.report(&pull.head, &report).await.unwrap();
    let other = NewPull { title: "/merge".into(), body: "/approve".into(), ..new_pull("countersign/z") };
    pushed(&s, "countersign/z").await;
    forge.open(&other).await.unwrap();
    assert_eq!(*s.lab().obeyed.lock().unwrap(), []);
    s.finish().await;
}

#[tokio::test]
async fn f32_a_description_over_the_limit_is_not_sent() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    let answer = s.forge().set_body(pull.number, &"x".repeat(1_000_001)).await;
    assert!(matches!(&answer, Err(ForgeError::Rejected(why)) if why.contains("1000001")), "{answer:?}");
    assert_eq!(s.fake().log.count("PUT", "/merge_requests/{iid}"), 0);
    s.finish().await;
}

#[tokio::test]
async fn f33_a_description_that_comes_back_changed_is_noticed() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    let forge = s.forge();
    forge.set_body(pull.number, "one\r\ntwo  \n\n").await.unwrap();
    let now = forge.pull(pull.number).await.unwrap().body;
    assert_eq!(now, "one\ntwo");
    let last = s.fake().log.of("PUT", "/merge_requests/{iid}").pop().unwrap();
    let changed = String::from_utf8(last.answer.to_vec()).unwrap().replace("two", "2");
    s.fake().faults.next("PUT", "/merge_requests/{iid}", Fault::fails_after(200, &changed));
    let answer = forge.set_body(pull.number, "one\ntwo").await;
    assert!(matches!(&answer, Err(ForgeError::Rejected(why)) if why.contains("changed")), "{answer:?}");
    s.finish().await;
}

#[tokio::test]
async fn f35_unknown_reviewers_and_groups_are_left_out() {
    let Some(s) = stand().await else { return };
    pushed(&s, "countersign/a").await;
    let reviewers = ["@acme/sre", "@dana", "@nobody", "mallory", &bot().login].map(str::to_owned).to_vec();
    let number = s.forge().open(&NewPull { reviewers, ..new_pull("countersign/a") }).await.unwrap();
    assert_eq!(s.lab().record(number).unwrap().reviewers, ["dana", "mallory"]);
    s.finish().await;
}

#[tokio::test]
async fn our_note_of_a_key_is_written_once() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    let forge = s.forge();
    s.dana().comment(pull.number, "<!-- countersign notice -->\none").await.unwrap();
    for text in ["one", "one", "two"] {
        forge.comment(pull.number, "notice", text).await.unwrap();
    }
    forge.comment(pull.number, "other", "one").await.unwrap();
    let log = &s.fake().log;
    assert_eq!((log.count("POST", "/notes"), log.count("PUT", "/notes/{note}")), (2, 1));
    let comments = forge.comments(pull.number).await.unwrap();
    let ours: Vec<&str> = comments.iter().filter(|it| it.by.id == bot().id).map(|it| it.text.as_str()).collect();
    assert_eq!(ours, ["<!-- countersign notice -->\ntwo", "<!-- countersign other -->\none"]);
    assert_eq!(comments.iter().map(|it| it.bot).collect::<Vec<_>>(), [false, true, true]);
    s.finish().await;
}

#[tokio::test]
async fn a_report_is_a_status_and_a_note() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    let report = |conclusion, title: &str| Report {
        name: "countersign/gate".into(),
        conclusion,
        title: title.into(),
        summary: "gates".into(),
    };
    let forge = s.forge();
    for (conclusion, word) in [
        (Conclusion::Neutral, "skipped"),
        (Conclusion::ActionRequired, "skipped"),
        (Conclusion::Failure, "failed"),
        (Conclusion::Success, "success"),
    ] {
        forge.report(&pull.head, &report(conclusion, word)).await.unwrap();
        let sent = s.fake().log.of("POST", "/statuses/{sha}").pop().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&sent.answer).unwrap();
        assert_eq!((sent.status, &answer["status"]), (201, &word.into()));
        assert!(String::from_utf8_lossy(&sent.body).contains("target_url=http"), "it names its note");
    }
    let before = s.fake().log.count("POST", "/statuses/{sha}");
    forge.report(&pull.head, &report(Conclusion::Success, "success")).await.unwrap();
    assert_eq!(s.fake().log.count("POST", "/statuses/{sha}"), before, "nothing new, nothing sent");
    assert_eq!(s.fake().log.count("POST", "/notes"), 1, "one note, edited after");
    forge.report(&pull.head, &report(Conclusion::Failure, &"é".repeat(400))).await.unwrap();
    let mine = forge.pull(pull.number).await.unwrap().checks;
    assert!(mine.iter().all(|check| check.app == bot().id), "{mine:?}");
    s.finish().await;
}

#[tokio::test]
async fn an_instance_that_does_not_know_skipped_gets_the_note_alone() {
    let Some(s) = stand().await else { return };
    s.lab().set(|settings| settings.takes_skipped = false);
    let pull = opened(&s, "countersign/a").await;
    let report = Report {
        name: "countersign/gate".into(),
        conclusion: Conclusion::Neutral,
        title: "waits".into(),
        summary: "gates".into(),
    };
    s.forge().report(&pull.head, &report).await.unwrap();
    assert_eq!(s.forge().pull(pull.number).await.unwrap().checks, []);
    assert_eq!(s.forge().comments(pull.number).await.unwrap().len(), 1);
    s.finish().await;
}

#[tokio::test]
async fn f75_only_our_own_tip_is_removed() {
    let Some(s) = stand().await else { return };
    let commit = pushed(&s, "countersign/a").await;
    let moved = s.pushes("countersign/a", "more.txt", "more\n").await;
    let answer = s.forge().remove_branch("countersign/a", &commit).await;
    assert!(matches!(&answer, Err(ForgeError::Rejected(why)) if why.contains(moved.as_str())), "{answer:?}");
    s.forge().remove_branch("countersign/a", &moved).await.unwrap();
    assert_eq!(s.tip("countersign/a"), None);
    s.forge().remove_branch("countersign/a", &moved).await.unwrap();
    s.finish().await;
}

#[tokio::test]
async fn closing_twice_is_fine_and_a_merged_one_stays() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    s.forge().close(pull.number).await.unwrap();
    s.forge().close(pull.number).await.unwrap();
    let closed = s.forge().pull(pull.number).await.unwrap();
    assert_eq!(closed.closed_by.map(|by| by.id), Some(bot().id));
    s.finish().await;
}
