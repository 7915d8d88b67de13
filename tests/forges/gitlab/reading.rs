//! What is read: checks, reviews, rules, rights.

use super::{opened, stand};
use crate::fake::gitlab::bot;
use crate::stand::bump;
use countersign::cli::demo::CI;
use countersign::domain::facts::{Conclusion, Opinion, Right, User};
use countersign::forge::ForgeError;
use countersign::forge::local::{RequiredCheck, Rules};

#[tokio::test]
async fn f51_f52_f53_checks_of_the_head_by_who_posted_them() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    assert_eq!(pull.checks, [], "no check is no check");
    let number = pull.number;
    s.person("ci", CI, true).check(number, "ci/build", Conclusion::Success, CI).await.unwrap();
    s.mallory().check(number, "ci/build", Conclusion::Failure, 66).await.unwrap();
    s.dana().check(number, "lint", Conclusion::Success, 0).await.unwrap();
    let read = s.forge().pull(number).await.unwrap();
    let seen: Vec<_> = read.checks.iter().map(|it| (it.name.as_str(), it.app, it.conclusion)).collect();
    assert_eq!(
        seen,
        [
            ("lint", 0, Conclusion::Success),
            ("ci/build", 66, Conclusion::Failure),
            ("ci/build", CI, Conclusion::Success),
            ("pipeline", 0, Conclusion::Failure),
        ]
    );
    s.pushes(&pull.head_ref, "more.txt", "x\n").await;
    let moved = s.forge().pull(number).await.unwrap();
    assert_ne!(moved.head, pull.head);
    assert_eq!(moved.checks, [], "they were about the older head");
    s.finish().await;
}

#[tokio::test]
async fn our_own_status_is_no_pipeline() {
    let Some(s) = stand().await else { return };
    let id = s.propose(bump("web", "1.4.3")).await;
    s.settle().await;
    let pull = s.pull(&id).await;
    assert!(!pull.checks.is_empty(), "we reported");
    assert!(pull.checks.iter().all(|check| check.app == bot().id), "{:?}", pull.checks);
    let rules = Rules { checks: vec![RequiredCheck { name: "ci".into(), app: None }], ..Rules::default() };
    s.protects("main", Some(rules)).await;
    s.settle().await;
    assert!(s.open_gates(&id).await.iter().any(|code| code.starts_with("checks")), "{:?}", s.open_gates(&id).await);
    s.finish().await;
}

#[tokio::test]
async fn f56_rules_that_cannot_be_read_are_none() {
    let Some(s) = stand().await else { return };
    s.protects("main", None).await;
    assert_eq!(s.forge().protection("main").await.unwrap(), None);
    s.finish().await;
}

#[tokio::test]
async fn f57_an_approval_before_a_push_is_about_the_older_head() {
    let Some(s) = stand().await else { return };
    let pull = opened(&s, "countersign/a").await;
    s.dana().review(pull.number, Opinion::Approve).await.unwrap();
    let first = s.forge().pull(pull.number).await.unwrap();
    assert_eq!(first.reviews.len(), 1);
    assert_eq!((&first.reviews[0].head, first.reviews[0].can_write), (&pull.head, true));
    s.clock.advance(60);
    s.pushes(&pull.head_ref, "more.txt", "x\n").await;
    let moved = s.forge().pull(pull.number).await.unwrap();
    assert_eq!(moved.reviews[0].head, pull.head, "not the new head");
    s.clock.advance(60);
    s.dana().review(pull.number, Opinion::Approve).await.unwrap();
    let again = s.forge().pull(pull.number).await.unwrap();
    assert_eq!(again.reviews[0].head, again.head);
    assert!(again.touched_by_others.is_some());
    s.finish().await;
}

#[tokio::test]
async fn f58_f59_opinions_and_the_right_to_have_one() {
    let Some(s) = stand().await else { return };
    let number = opened(&s, "countersign/a").await.number;
    s.guest().review(number, Opinion::Approve).await.unwrap();
    s.dana().review(number, Opinion::Approve).await.unwrap();
    s.dana().review(number, Opinion::RequestChanges).await.unwrap();
    s.mallory().review(number, Opinion::Approve).await.unwrap();
    s.dana().dismiss(number, 66).await.unwrap();
    let reviews = s.forge().pull(number).await.unwrap().reviews;
    let mut seen: Vec<_> = reviews.iter().map(|it| (it.by.id, it.opinion, it.can_write)).collect();
    seen.sort_by_key(|it| it.0);
    assert_eq!(
        seen,
        [(7, Opinion::RequestChanges, true), (66, Opinion::Dismissed, true), (77, Opinion::Approve, false)]
    );
    s.finish().await;
}

#[tokio::test]
async fn f50_rights_are_of_numbers() {
    let Some(s) = stand().await else { return };
    let right = |id: u64, login: &str| User { id, login: login.into() };
    let forge = s.forge();
    assert_eq!(forge.right(&right(7, "anybody")).await.unwrap(), Right::Write);
    assert_eq!(forge.right(&right(77, "dana")).await.unwrap(), Right::Read);
    assert_eq!(forge.right(&right(9_999, "dana")).await.unwrap(), Right::None);
    // A developer may push branches; only maintainers merge into the protected default branch here.
    assert_eq!(forge.right(&right(66, "mallory")).await.unwrap(), Right::Read);
    s.finish().await;
}

#[tokio::test]
async fn f37_an_archived_project_says_so() {
    let Some(s) = stand().await else { return };
    s.lab().set(|settings| settings.archived = true);
    assert!(s.forge().repository().await.unwrap().archived);
    s.finish().await;
}

#[tokio::test]
async fn f84_f85_a_renamed_project_is_the_same_project() {
    let Some(s) = stand().await else { return };
    s.lab().set(|settings| settings.name = "acme/moved".into());
    let repository = s.forge().repository().await.unwrap();
    assert_eq!((repository.id, repository.name.as_str()), (crate::stand::ID, "acme/moved"));
    s.forge().sync().await.unwrap();
    let all = s.fake().log.all();
    assert!(all.iter().filter(|it| it.uri.contains("/api/")).all(|it| !it.uri.contains("acme")), "only by number");
    s.lab().set(|settings| settings.name = "acme/again".into());
    let answer = s.forge().sync().await;
    assert!(matches!(answer, Err(ForgeError::NotFound(_))), "{answer:?}");
    s.forge().repository().await.unwrap();
    s.forge().sync().await.unwrap();
    s.finish().await;
}

#[tokio::test]
async fn a_list_of_many_pages_is_whole() {
    let Some(s) = stand().await else { return };
    let number = opened(&s, "countersign/a").await.number;
    for count in 0..130 {
        s.guest().comment(number, &format!("note {count}")).await.unwrap();
    }
    let comments = s.forge().comments(number).await.unwrap();
    assert_eq!(comments.len(), 130);
    assert_eq!((comments[0].text.as_str(), comments[129].text.as_str()), ("note 0", "note 129"));
    s.finish().await;
}

#[tokio::test]
async fn a_branch_below_the_name_of_one_that_is_gone_is_fetched() {
    let Some(s) = stand().await else { return };
    let main = s.tip("main").unwrap();
    s.dana().reset("team", &main).await.unwrap();
    s.forge().sync().await.unwrap();
    s.dana().delete_branch("team").await.unwrap();
    s.dana().reset("team/one", &main).await.unwrap();
    let tip = s.pushes("team/one", "x.txt", "x").await;
    let mirror = s.forge().sync().await.unwrap();
    assert!(mirror.has(&tip).unwrap());
    assert_eq!(mirror.reference("refs/heads/team").unwrap(), None);
    s.finish().await;
}
