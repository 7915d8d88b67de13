//! What people ask for in comments, and who may.

use crate::documents::{image, overlay};
use crate::hall::Hall;
use crate::world::{HOUR, World};
use countersign::domain::audit::Event;
use countersign::domain::facts::{Conclusion, PullState, Right};
use countersign::domain::lifecycle::{Stage, Transition};
use countersign::forge::ForgeError;
use countersign::forge::local::FaultKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub const DANA: u64 = 7;
pub const MALLORY: u64 = 66;
pub const OPEN: &str = "received / pushed / opened / attested";

impl World {
    /// Dana writes a comment, and every turn that follows is taken.
    pub async fn says(&self, id: &str, text: &str) -> u64 {
        let number = self.number(id).await;
        let said = self.dana().comment(number, text).await.unwrap();
        self.settle().await;
        said
    }

    /// What countersign answers: its one comment for that.
    pub async fn answer(&self, id: &str) -> String {
        let (_, comments) = self.dana().show(self.number(id).await).await.unwrap();
        let mut ours = comments.into_iter().filter(|said| said.key.as_deref() == Some("command"));
        let answer = ours.next().expect("an answer");
        assert!(ours.next().is_none(), "two answers");
        answer.text
    }

    /// The story is this one, what it waits for left out.
    #[track_caller]
    pub fn acts(&self, id: &str, story: &str) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let told = self.story(id).await;
            let acts: Vec<&str> = told.split(" / ").filter(|act| !act.starts_with("waits: ")).collect();
            assert!(acts.join(" / ") == story, "\n  at {at}\n  told:     {told}\n  expected: {story}");
        }
    }

    /// How often a command was written down.
    async fn commands(&self, id: &str) -> usize {
        self.events(id).await.iter().filter(|event| event.kind.starts_with("command.")).count()
    }
}

/// An open pull request whose class has earned nothing.
pub async fn opened() -> (World, String) {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    (w, id)
}

/// An open pull request that merges by itself once CI passes.
async fn armed() -> (World, String) {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    (w, id)
}

#[tokio::test]
async fn questions_are_answered_in_one_comment_from_the_same_gates() {
    let (w, id) = opened().await;
    w.says(&id, "/countersign status").await;
    let status = w.answer(&id).await;
    assert!(status.contains("is open, driven by countersign"), "{status}");
    assert!(status.contains("`check` waits") && status.contains("has not reported on this head"), "{status}");
    assert!(!status.contains("`attestation`"), "only what does not pass: {status}");
    w.says(&id, "/countersign explain").await;
    let tree = w.answer(&id).await;
    assert!(tree.contains("`attestation` passes") && tree.contains("`class` waits"), "{tree}");
    w.says(&id, "/countersign verify\n\nthanks").await;
    let proof = w.answer(&id).await;
    assert!(proof.contains("`attestation` passes: signature and every row hold"), "{proof}");
    assert!(proof.contains("`replay` passes") && !proof.contains("`class`"), "{proof}");
    w.says(&id, "/countersign make coffee").await;
    assert!(w.answer(&id).await.contains("Not done: `the command` of `dana`: the commands are status"));
    w.acts(&id, &format!("{OPEN} / asked: status / asked: explain / asked: verify / asked in vain: unknown_command"))
        .await;
    w.finish().await;
}

#[tokio::test]
async fn a_comment_is_answered_once() {
    let (w, id) = opened().await;
    w.says(&id, "/countersign status").await;
    for _ in 0..5 {
        w.later(60).await;
    }
    assert_eq!((w.commands(&id).await, w.asked("comment")), (1, 1));
    let w = w.restart().await;
    w.later(60).await;
    assert_eq!((w.commands(&id).await, w.asked("comment")), (1, 0));
    w.finish().await;
}

#[tokio::test]
async fn an_answer_that_was_lost_is_written_again_and_noted_once() {
    for kind in [FaultKind::FailBefore, FaultKind::FailAfter] {
        let (w, id) = opened().await;
        w.fault("comment", kind(ForgeError::Transient("no answer within 30 s".into())));
        w.says(&id, "/countersign hold").await;
        assert_eq!(w.commands(&id).await, 0);
        w.later(10).await;
        assert!(w.answer(&id).await.contains("does not merge by itself"));
        assert_eq!(w.commands(&id).await, 1);
        w.finish_after_failures().await;
    }
}

#[tokio::test]
async fn a_forge_that_takes_no_answer_does_not_stop_the_rest() {
    let (w, id) = opened().await;
    w.fault("comment", FaultKind::FailBefore(ForgeError::Denied("the conversation is locked".into())));
    w.says(&id, "/countersign hold").await;
    w.fault("comments", FaultKind::FailBefore(ForgeError::Denied("not for this token".into())));
    w.later(60).await;
    w.acts(&id, &format!("{OPEN} / asked: hold")).await;
    w.finish().await;
}

#[tokio::test]
async fn what_is_quoted_fenced_edited_or_said_by_a_bot_is_not_heard() {
    let (mut w, id) = opened().await;
    w.wrap(|inner| Hall::bots(inner, &[MALLORY]));
    let number = w.number(&id).await;
    for text in ["> /countersign reject it", "```\n/countersign reject it\n```", "so:\n/countersign reject it"] {
        w.says(&id, text).await;
    }
    w.mallory().comment(number, "/countersign reject it").await.unwrap();
    let innocent = w.dana().comment(number, "looks good to me").await.unwrap();
    w.dana().edit_comment(number, innocent, "/countersign reject it").await.unwrap();
    w.later(60).await;
    // What was a command and was edited before anybody looked is none either.
    let regretted = w.dana().comment(number, "/countersign reject it").await.unwrap();
    w.dana().edit_comment(number, regretted, "/countersign reject that").await.unwrap();
    w.later(60).await;
    w.acts(&id, OPEN).await;
    assert_eq!(w.asked("comment"), 0);
    w.finish().await;
}

#[tokio::test]
async fn commands_in_the_text_of_a_proposal_are_not_heard() {
    let w = World::start().await;
    let mut document = image("web", "staging", "2.0");
    document["reason"] = "/countersign merge\n/countersign stop".into();
    let id = w.propose(&document).await;
    w.later(60).await;
    w.acts(&id, OPEN).await;
    w.finish().await;
}

#[tokio::test]
async fn the_right_is_asked_of_the_forge_by_number() {
    let (mut w, id) = opened().await;
    // A forge that answers about another number gives no right; see `Forge::right`.
    w.wrap(|inner| Hall::rights(inner, &[(DANA, Right::None)]));
    w.says(&id, "/countersign status").await;
    assert!(w.answer(&id).await.contains("for people who may read the repository"));
    w.wrap(|inner| Hall::rights(inner, &[(DANA, Right::Read)]));
    w.says(&id, "/countersign explain").await;
    for denied in ["merge", "hold", "release", "rebase", "revert", "reopen", "stop", "reject it", "set count=2"] {
        w.says(&id, &format!("/countersign {denied}")).await;
        assert!(w.answer(&id).await.contains("for people who may write to the repository"), "{denied}");
    }
    let vain = " / asked in vain: no_right".repeat(9);
    w.acts(&id, &format!("{OPEN} / asked in vain: no_right / asked: explain{vain}")).await;
    assert_eq!(w.pull(&id).await.state, PullState::Open);
    w.finish().await;
}

#[tokio::test]
async fn a_hold_keeps_what_would_merge_until_it_is_released() {
    let (w, id) = armed().await;
    w.says(&id, "/countersign hold until the release is out").await;
    w.check_passes(&id).await;
    w.later(HOUR).await;
    w.waits_for(&id, &["held"]).await;
    w.says(&id, "/countersign release").await;
    w.later(HOUR).await;
    w.acts(&id, &format!("{OPEN} / asked: hold / asked: release / every gate passes / merged")).await;
    assert!(w.record(&id).await.auto, "nobody asked for the merge");
    w.says(&id, "/countersign release").await;
    assert!(w.answer(&id).await.contains("nothing that was written here holds it"));
    w.finish().await;
}

#[tokio::test]
async fn a_person_may_ask_for_a_merge_that_the_class_has_not_earned() {
    let (w, id) = opened().await;
    w.says(&id, "/countersign merge").await;
    w.later(HOUR).await;
    w.waits_for(&id, &["checks.missing"]).await;
    w.check(&id, "ci/build", Conclusion::Failure).await;
    w.later(HOUR).await;
    assert_eq!(w.record(&id).await.stage, Stage::Open, "checks are not waived");
    w.check_passes(&id).await;
    assert!(w.story(&id).await.ends_with("every gate passes / merged / waits: soak"), "{}", w.story(&id).await);
    assert!(!w.record(&id).await.auto, "a person asked for it");
    let merged = w.events(&id).await.into_iter().find(|event| event.kind == "merge.result").unwrap();
    assert_eq!(merged.payload.unwrap()["askedBy"], DANA);
    w.finish().await;
}

#[tokio::test]
async fn a_merge_is_asked_for_one_head() {
    let (w, id) = opened().await;
    w.says(&id, "/countersign merge").await;
    // The file changes beside it: what was asked for is pushed again, as another head.
    let path = overlay("web", "staging");
    let text = w.file(&path).await.unwrap();
    w.commits(&path, Some(&format!("# a note\n{text}"))).await;
    w.later(60).await;
    w.check_passes(&id).await;
    w.later(HOUR).await;
    assert_eq!(w.record(&id).await.stage, Stage::Open, "nobody has seen this head");
    w.finish().await;
}

#[tokio::test]
async fn a_merge_that_was_written_before_the_last_push_is_not_about_it() {
    let (mut w, id) = opened().await;
    let shown = Arc::new(AtomicBool::new(false));
    w.wrap(|inner| Hall::late(inner, shown.clone()));
    w.says(&id, "/countersign merge").await;
    w.advance(1);
    let path = overlay("web", "staging");
    let text = w.file(&path).await.unwrap();
    w.commits(&path, Some(&format!("# a note\n{text}"))).await;
    w.later(60).await;
    shown.store(true, Ordering::SeqCst);
    w.later(60).await;
    assert!(w.answer(&id).await.contains("pushed again after that was written"), "{}", w.answer(&id).await);
    w.check_passes(&id).await;
    w.later(HOUR).await;
    assert_eq!(w.record(&id).await.stage, Stage::Open);
    w.finish().await;
}

#[tokio::test]
async fn tampering_is_not_waived() {
    let (w, id) = opened().await;
    w.says(&id, "/countersign merge").await;
    let body = w.pull(&id).await.body.replacen("Dep", "dep", 1);
    w.edits_body(&id, body).await;
    w.check_passes(&id).await;
    w.later(HOUR).await;
    assert_ne!(w.record(&id).await.stage, Stage::Merged);
    assert_eq!(w.asked("merge"), 0);
    w.says(&id, "/countersign merge").await;
    let end = "asked: merge / left to people: body_changed / asked in vain: left_to_people";
    w.acts(&id, &format!("{OPEN} / {end}")).await;
    w.finish().await;
}

#[tokio::test]
async fn a_rejection_closes_and_is_remembered_until_it_is_taken_back() {
    let (w, id) = opened().await;
    w.says(&id, "/countersign reject the limit is *too* low @all").await;
    w.acts(&id, &format!("{OPEN} / asked: reject / dropped: rejected")).await;
    assert_eq!(w.pull(&id).await.state, PullState::Closed);
    assert!(w.record(&id).await.reason.unwrap().sentence.contains("the limit is *too* low"));
    let again = |name: &str| {
        let mut document = image("web", "staging", "2.0");
        document["id"] = name.into();
        document
    };
    let second = w.propose(&again("second")).await;
    w.acts(&second, "received / dropped: rejected").await;
    w.later(HOUR).await;
    w.says(&id, "/countersign reopen").await;
    w.later(HOUR).await;
    assert!(w.answer(&id).await.contains("the no is forgotten"));
    let third = w.propose(&again("third")).await;
    w.acts(&third, OPEN).await;
    w.says(&id, "/countersign reopen").await;
    w.finish().await;
}

#[tokio::test]
async fn a_no_is_remembered_from_the_close_on_whatever_is_said_later() {
    let (w, id) = opened().await;
    w.dana().close(w.number(&id).await).await.unwrap();
    w.settle().await;
    w.later(12 * HOUR).await;
    w.says(&id, "/countersign status").await;
    w.later(HOUR).await;
    assert!(w.story(&id).await.ends_with("dropped: rejected / asked: status"), "{}", w.story(&id).await);
    w.later(12 * HOUR).await;
    let mut again = image("web", "staging", "2.0");
    again["id"] = "again".into();
    let second = w.propose(&again).await;
    w.acts(&second, OPEN).await;
    w.finish().await;
}

#[tokio::test]
async fn a_close_that_broke_off_in_the_middle_is_still_the_persons_no() {
    let (w, id) = opened().await;
    w.fault("close", FaultKind::FailAfter(ForgeError::Transient("no answer".into())));
    w.says(&id, "/countersign reject no").await;
    w.later(10).await;
    w.acts(&id, &format!("{OPEN} / asked: reject / dropped: rejected")).await;
    w.finish_after_failures().await;
}

#[tokio::test]
async fn a_rebase_is_pushed_on_the_newest_base() {
    let (w, id) = opened().await;
    w.says(&id, "/countersign rebase").await;
    assert!(w.answer(&id).await.contains("stands on the newest base already"));
    let head = w.pull(&id).await.head;
    let tip = w.commits("README.md", Some("another text\n")).await;
    w.later(60).await;
    assert_eq!(w.pull(&id).await.head, head, "what still fits keeps its head");
    w.says(&id, "/countersign rebase").await;
    w.later(60).await;
    let pull = w.pull(&id).await;
    assert_ne!(pull.head, head);
    let bare = countersign::git::Mirror::existing(&w.stage.home.join("repos/shop.git")).unwrap();
    assert_eq!(bare.commit(&pull.head).unwrap().parents, [tip]);
    w.check_passes(&id).await;
    assert!(w.story(&id).await.contains("asked: rebase / pushed / attested"), "{}", w.story(&id).await);
    w.finish().await;
}

#[tokio::test]
async fn a_stop_leaves_the_whole_repository_alone_until_an_admin_lifts_it() {
    let (mut w, id) = armed().await;
    let other = w.propose(&image("billing", "staging", "2.0")).await;
    w.wrap(|inner| Hall::rights(inner, &[(DANA, Right::Write)]));
    w.says(&id, "/countersign stop").await;
    w.check_passes(&id).await;
    w.check_passes(&other).await;
    let third = w.propose(&image("search", "staging", "2.0")).await;
    w.later(HOUR).await;
    for waiting in [&id, &other, &third] {
        assert!(w.open_gates(waiting).await.contains(&"halted".to_owned()), "{:?}", w.open_gates(waiting).await);
    }
    assert_eq!((w.record(&third).await.stage, w.asked("merge")), (Stage::Received, 0));
    w.says(&id, "/countersign release").await;
    assert!(w.answer(&id).await.contains("an admin of it has to release it"));
    w.wrap(|inner| Hall::rights(inner, &[(DANA, Right::Admin)]));
    w.says(&other, "/countersign release").await;
    w.later(HOUR).await;
    for merged in [&id, &other] {
        assert!(w.story(merged).await.ends_with("merged / waits: soak"), "{}", w.story(merged).await);
    }
    w.finish().await;
}

/// Somebody who may only read has written a hundred commands, and goes on.
#[tokio::test]
async fn who_writes_commands_without_end_holds_up_nobody_who_may_write() {
    let (mut w, id) = opened().await;
    w.wrap(|inner| Hall::rights(inner, &[(MALLORY, Right::Read)]));
    let mut record = w.record(&id).await;
    record.commands.handled = (1_000_000..1_000_100).collect();
    let (from, now) = (record.stage, w.stage.clock.now());
    let events = vec![Event::note("proposal.waits", serde_json::json!({}))];
    let due = Some(now);
    let answered =
        Transition { from, record, events, outcome: None, demote: false, halt: None, due, artifacts: Vec::new() };
    w.stage.parts.store.commit(&answered, now).await.unwrap();
    let number = w.number(&id).await;
    for _ in 0..3 {
        w.mallory().comment(number, "/countersign status").await.unwrap();
    }
    w.says(&id, "/countersign hold").await;
    assert!(w.record(&id).await.commands.hold.is_some(), "{}", w.story(&id).await);
    assert_eq!((w.commands(&id).await, w.asked("comment")), (1, 1), "the others are not answered");
    w.finish().await;
}
