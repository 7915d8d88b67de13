//! The merge: the head that was checked or nothing, and never twice.

use super::{opened, stand};
use crate::fake::faults::Fault;
use crate::stand::Stand;
use countersign::domain::facts::{MergeMethod, Mergeable, Opinion, Pull, PullState};
use countersign::forge::local::{Edit, RequiredCheck, Rules};
use countersign::forge::{ForgeError, Merge, MergeOrder};

fn ordered(pull: &Pull, method: MergeMethod) -> MergeOrder {
    let (title, message) = ("a change (!1)".into(), "Proposal: x".into());
    MergeOrder { head: pull.head.clone(), method, title, message }
}

async fn merge(s: &Stand, pull: &Pull) -> Result<Merge, ForgeError> {
    s.forge().merge(pull.number, &ordered(pull, MergeMethod::Squash)).await
}

#[tokio::test]
async fn a_merge_lands_with_its_message() {
    let Some(s) = stand().await else { return };
    let (pull, base) = (opened(&s, "countersign/a").await, s.tip("main").unwrap());
    let Ok(Merge::Merged(commit)) = merge(&s, &pull).await else { panic!("not merged") };
    assert_eq!(Some(&commit), s.tip("main").as_ref());
    let landed = s.bare().commit(&commit).unwrap();
    assert_eq!((landed.parents.first(), landed.message.as_str()), (Some(&base), "a change (!1)\n\nProposal: x\n"));
    let shown = s.forge().pull(pull.number).await.unwrap();
    assert_eq!(shown.merged.map(|it| (it.commit, it.by)), Some((commit.clone(), s.bot())));
    assert_eq!(merge(&s, &pull).await, Ok(Merge::Merged(commit)), "the same answer once more");
    let sent = String::from_utf8(s.fake().log.of("PUT", "/merge")[0].body.to_vec()).unwrap();
    assert!(!sent.contains("auto_merge") && !sent.contains("merge_when"), "{sent}");
    s.finish().await;
}

#[tokio::test]
async fn f62_a_head_that_moved_does_not_land() {
    let Some(s) = stand().await else { return };
    let (pull, base) = (opened(&s, "countersign/a").await, s.tip("main"));
    let (mallory, branch) = (s.mallory(), pull.head_ref.clone());
    let act = Fault::meanwhile(move || {
        let (mallory, branch) = (mallory.clone(), branch.clone());
        let file = ("evil.txt".to_owned(), Some(b"evil".to_vec()));
        async move { drop(mallory.commit(&branch, vec![file], "more").await.unwrap()) }
    });
    s.fake().faults.next("PUT", "/merge", act);
    let answer = merge(&s, &pull).await;
    assert!(matches!(&answer, Ok(Merge::NotReady(why)) if why.contains("moved")), "{answer:?}");
    assert_eq!(s.fake().log.of("PUT", "/merge")[0].status, 409);
    assert_eq!(s.tip("main"), base);
    s.finish().await;
}

#[tokio::test]
async fn f68_a_merge_whose_answer_was_lost_is_read_not_repeated() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    s.fake().faults.next("PUT", "/merge", Fault::fails_after(502, "<html></html>"));
    assert!(matches!(merge(&s, &pull).await, Err(ForgeError::Transient(_))));
    assert_eq!(s.fake().log.count("PUT", "/merge"), 1, "one order");
    let shown = s.forge().pull(pull.number).await.unwrap();
    assert_eq!((shown.state, shown.merged.map(|it| it.commit)), (PullState::Merged, s.tip("main")));
    s.finish().await;
}

#[tokio::test]
async fn f68_a_merge_whose_connection_broke_is_read_not_repeated() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    s.fake().faults.next("PUT", "/merge", Fault::DropAfter);
    assert!(matches!(merge(&s, &pull).await, Err(ForgeError::Transient(_))));
    let merged = merge(&s, &pull).await;
    assert!(matches!(&merged, Ok(Merge::Merged(commit)) if Some(commit) == s.tip("main").as_ref()), "{merged:?}");
    s.finish().await;
}

#[tokio::test]
async fn f69_a_merge_that_did_not_happen_can_be_ordered_again() {
    let Some(s) = stand().await else { return };
    let (pull, base) = (opened(&s, "countersign/a").await, s.tip("main"));
    s.fake().faults.next("PUT", "/merge", Fault::fails(503, "{}"));
    assert!(matches!(merge(&s, &pull).await, Err(ForgeError::Transient(_))));
    assert_eq!(s.tip("main"), base);
    assert!(matches!(merge(&s, &pull).await, Ok(Merge::Merged(_))));
    s.finish().await;
}

#[tokio::test]
async fn a_405_of_a_mergeable_merge_request_is_not_ready() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    for (status, body) in [(405, r#"{"message":"405 Method Not Allowed"}"#), (406, r#"{"message":"x"}"#)] {
        s.fake().faults.next("PUT", "/merge", Fault::fails(status, body));
        assert!(matches!(merge(&s, &pull).await, Ok(Merge::NotReady(_))), "{status}");
    }
    assert!(matches!(merge(&s, &pull).await, Ok(Merge::Merged(_))));
    s.finish().await;
}

#[tokio::test]
async fn a_user_that_may_not_merge_is_refused() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    s.fake().faults.next("PUT", "/merge", Fault::fails(401, r#"{"message":"401 Unauthorized"}"#));
    let answer = merge(&s, &pull).await;
    assert!(matches!(&answer, Ok(Merge::Refused(why)) if why.contains("may not merge")), "{answer:?}");
    s.finish().await;
}

#[tokio::test]
async fn f60_f61_words_for_mergeability() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    for (word, unknown) in [("checking", true), ("unchecked", true), ("policies_denied", false), ("brand_new", false)] {
        s.lab().set(|settings| settings.merge_status = Some(word.into()));
        let shown = s.forge().pull(pull.number).await.unwrap().mergeable;
        assert_eq!(shown == Mergeable::Unknown, unknown, "{word}: {shown:?}");
        assert_ne!(shown, Mergeable::Yes);
    }
    s.finish().await;
}

#[tokio::test]
async fn f66_f67_conflicts_and_drafts_are_not_ready() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    s.dana().edit(pull.number, Edit { draft: Some(true), ..Edit::default() }).await.unwrap();
    assert!(s.forge().pull(pull.number).await.unwrap().draft);
    assert!(matches!(merge(&s, &pull).await, Ok(Merge::NotReady(_))));
    s.dana().edit(pull.number, Edit { draft: Some(false), ..Edit::default() }).await.unwrap();
    s.pushes("main", "notes.txt", "other\n").await;
    let shown = s.forge().pull(pull.number).await.unwrap().mergeable;
    assert!(matches!(&shown, Mergeable::No(why) if why.contains("conflict")), "{shown:?}");
    assert!(matches!(merge(&s, &pull).await, Ok(Merge::NotReady(_))));
    s.finish().await;
}

#[tokio::test]
async fn f71_somebody_was_faster() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    s.dana().merge(pull.number, MergeMethod::Merge).await.unwrap();
    assert!(matches!(merge(&s, &pull).await, Ok(Merge::Merged(_))));
    let other = opened(&s, "countersign/b").await;
    s.dana().close(other.number).await.unwrap();
    assert!(matches!(merge(&s, &other).await, Ok(Merge::Refused(_))));
    assert_eq!(s.forge().pull(other.number).await.unwrap().closed_by.map(|by| by.id), Some(7));
    s.finish().await;
}

#[tokio::test]
async fn f72_a_method_is_never_exchanged_for_another() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    let order = |method| ordered(&pull, method);
    s.lab().set(|settings| settings.squash_option = "never".into());
    assert!(matches!(s.forge().merge(pull.number, &order(MergeMethod::Squash)).await, Ok(Merge::Refused(_))));
    assert!(matches!(s.forge().merge(pull.number, &order(MergeMethod::Rebase)).await, Ok(Merge::Refused(_))));
    assert_eq!(s.fake().log.count("PUT", "/merge"), 0);
    s.lab().set(|settings| settings.merge_method = "ff".into());
    assert!(matches!(s.forge().merge(pull.number, &order(MergeMethod::Merge)).await, Ok(Merge::Refused(_))));
    assert!(matches!(s.forge().merge(pull.number, &order(MergeMethod::Rebase)).await, Ok(Merge::Merged(_))));
    s.finish().await;
}

#[tokio::test]
async fn f73_a_merge_train_is_refused() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    s.protects("main", Some(Rules { queue: true, ..Rules::default() })).await;
    assert!(s.forge().protection("main").await.unwrap().unwrap().queue);
    let answer = merge(&s, &pull).await;
    assert!(matches!(&answer, Ok(Merge::Refused(why)) if why.contains("train")), "{answer:?}");
    s.finish().await;
}

#[tokio::test]
async fn what_the_project_demands_is_a_refusal() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    let check = RequiredCheck { name: "ci".into(), app: None };
    s.protects("main", Some(Rules { checks: vec![check], approvals: 1, ..Rules::default() })).await;
    let rules = s.forge().protection("main").await.unwrap().unwrap();
    assert_eq!((rules.approvals, rules.checks.as_slice()), (1, &[("pipeline".to_owned(), Some(0))][..]));
    assert!(matches!(merge(&s, &pull).await, Ok(Merge::Refused(_))));
    s.dana().review(pull.number, Opinion::Approve).await.unwrap();
    let answer = merge(&s, &pull).await;
    assert!(matches!(&answer, Ok(Merge::Refused(why)) if why.contains("pipeline")), "{answer:?}");
    s.finish().await;
}
