//! Checks, reviews, rules and the merge. Numbers are those of the scenarios.

use crate::fake::faults::{Answer, Fault};
use crate::opening::{new_pull, opened, order};
use crate::stand::{Kind, Stand};
use countersign::cli::demo::CI;
use countersign::domain::facts::{Conclusion, MergeMethod, Mergeable, Opinion, Pull, PullState, Right, User};
use countersign::domain::ids::Oid;
use countersign::forge::local::{Edit, RequiredCheck, Rules};
use countersign::forge::{ForgeError, Merge, MergeOrder, Report};

on_each_forge!(
    our_check_runs_are_made_once,
    our_comment_is_written_once,
    f49_a_fork_is_not_ours,
    f50_rights_are_of_numbers,
    f51_checks_belong_to_a_head,
    f52_no_checks_are_no_success,
    f54_conclusions,
    f56_rules_that_cannot_be_read,
    f57_reviews_and_their_heads,
    f58_f59_opinions_and_the_right_to_have_one,
    f62_the_head_moved,
    f65_the_base_advanced,
    f66_a_conflict,
    f67_a_draft,
    f71_somebody_was_faster,
    f72_a_method_that_is_not_allowed,
    f73_a_queue_is_refused,
    rules_are_read,
);
on_github!(
    a_required_context_by_a_status,
    f60_mergeability_is_unknown,
    f61_a_new_word_is_no_yes,
    f65_the_base_was_modified,
    f68_a_merge_whose_answer_was_lost,
    f69_a_merge_that_did_not_happen,
);

pub fn head_order(head: &Oid) -> MergeOrder {
    let (title, message) = ("a change (#1)".into(), "Proposal: x".into());
    MergeOrder { head: head.clone(), method: MergeMethod::Squash, title, message }
}

async fn start(kind: Kind) -> (Stand, Pull) {
    let stand = Stand::start(kind).await;
    let number = opened(&stand, "countersign/a").await;
    let pull = stand.forge().pull(number).await.unwrap();
    (stand, pull)
}

async fn our_check_runs_are_made_once(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let forge = stand.forge();
    let report = |conclusion, title: &str| Report {
        name: "countersign/gate".into(),
        conclusion,
        title: title.into(),
        summary: "- one\n- two".into(),
    };
    for (conclusion, title) in [
        (Conclusion::Pending, "waits"),
        (Conclusion::Neutral, "a person merges"),
        (Conclusion::Neutral, "a person merges"),
        (Conclusion::ActionRequired, "look"),
        (Conclusion::Success, "fine"),
    ] {
        forge.report(&pull.head, &report(conclusion, title)).await.unwrap();
        let read = forge.pull(pull.number).await.unwrap();
        let ours: Vec<_> = read.checks.iter().filter(|check| check.name == "countersign/gate").collect();
        assert_eq!(ours.len(), 1, "{:?}", read.checks);
        assert_eq!((ours[0].conclusion, &ours[0].head), (of_status(kind, conclusion), &pull.head));
    }
    if kind == Kind::Github {
        let log = &stand.fake().log;
        assert_eq!((log.count("POST", "/check-runs"), log.count("PATCH", "/check-runs/{run}")), (1, 3));
    }
    stand.finish().await;
}

/// What is read where a conclusion was written as the status of a GitLab, which knows fewer of them.
fn of_status(kind: Kind, conclusion: Conclusion) -> Conclusion {
    match (kind, conclusion) {
        (Kind::Gitlab, Conclusion::Pending | Conclusion::Neutral | Conclusion::ActionRequired) => Conclusion::Skipped,
        (Kind::Local | Kind::Github | Kind::Gitlab, other) => other,
    }
}

async fn our_comment_is_written_once(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let forge = stand.forge();
    stand.mallory().comment(pull.number, "<!-- countersign notice -->\nI am countersign").await.unwrap();
    stand.clock.advance(60);
    for text in ["one", "one", "two"] {
        forge.comment(pull.number, "notice", text).await.unwrap();
        stand.clock.advance(60);
    }
    forge.comment(pull.number, "other", "three").await.unwrap();
    let said = forge.comments(pull.number).await.unwrap();
    let texts: Vec<&str> = said.iter().map(|comment| comment.text.lines().last().unwrap()).collect();
    assert_eq!(texts, ["I am countersign", "two", "three"]);
    assert_eq!(said.iter().map(|comment| comment.by.id).collect::<Vec<_>>(), [66, stand.bot().id, stand.bot().id]);
    assert!(said[1].bot && said[1].edited.is_some() && !said[0].bot);
    stand.finish().await;
}

async fn f49_a_fork_is_not_ours(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let number = stand.mallory().open_fork(new_pull("countersign/a"), 666, pull.head.clone()).await.unwrap();
    let found = stand.forge().find("countersign/a").await.unwrap();
    assert_eq!(found.iter().map(|pull| pull.number).collect::<Vec<_>>(), [pull.number]);
    assert_eq!(stand.forge().pull(number).await.unwrap().head_repository, 666);
    stand.finish().await;
}

async fn f50_rights_are_of_numbers(kind: Kind) {
    let (stand, pull) = start(kind).await;
    stand.dana().comment(pull.number, "hello").await.unwrap();
    stand.guest().comment(pull.number, "hello").await.unwrap();
    let right = async |id: u64, login: &str| stand.forge().right(&User { id, login: login.into() }).await.unwrap();
    assert!(right(7, "dana").await >= Right::Write);
    assert_eq!(right(77, "guest").await, Right::Read);
    assert_eq!(right(555, "stranger").await, Right::None);
    if kind == Kind::Github {
        assert_eq!(right(8, "dana").await, Right::None, "another number under the same name");
        assert_eq!(right(8, "Dana").await, Right::None, "and under one that looks like it");
        assert_eq!(right(8, "d\u{430}na").await, Right::None);
        assert_eq!(right(8, "dana/permission?x=").await, Right::None);
    }
    stand.finish().await;
}

async fn f51_checks_belong_to_a_head(kind: Kind) {
    let (stand, pull) = start(kind).await;
    stand.person("ci", CI, true).check(pull.number, "ci/build", Conclusion::Success, CI).await.unwrap();
    let read = stand.forge().pull(pull.number).await.unwrap();
    // A GitLab's pipeline is one more check, of app 0.
    let seen = read.checks.iter().filter(|it| it.app != 0).map(|it| (it.name.as_str(), it.app));
    assert_eq!(seen.collect::<Vec<_>>(), [("ci/build", CI)]);
    stand.clock.advance(60);
    let head = stand.pushes("countersign/a", "more.txt", "x\n").await;
    let read = stand.forge().pull(pull.number).await.unwrap();
    assert_eq!((&read.head, read.checks.len()), (&head, 0), "nothing is said of the new head");
    assert_eq!(read.touched_by_others, Some(stand.clock.now().whole_second()), "a push of somebody else");
    stand.finish().await;
}

async fn f52_no_checks_are_no_success(kind: Kind) {
    let (stand, pull) = start(kind).await;
    assert!(pull.checks.is_empty());
    let checks = vec![RequiredCheck { name: "ci/build".into(), app: Some(CI) }];
    stand.protects("main", Some(Rules { checks, ..Rules::default() })).await;
    let refused = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert!(!matches!(refused, Merge::Merged(_)), "{refused:?}");
    stand.person("ci", CI, true).check(pull.number, "ci/build", Conclusion::Success, CI).await.unwrap();
    let merged = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert_eq!(merged, Merge::Merged(stand.tip("main").unwrap()));
    stand.finish().await;
}

async fn a_required_context_by_a_status(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let checks = vec![RequiredCheck { name: "lint".into(), app: None }];
    stand.protects("main", Some(Rules { checks, ..Rules::default() })).await;
    for (conclusion, passes) in
        [(Conclusion::Pending, false), (Conclusion::Failure, false), (Conclusion::Success, true)]
    {
        stand.dana().check(pull.number, "lint", conclusion, 0).await.unwrap();
        let read = stand.forge().pull(pull.number).await.unwrap().checks;
        let seen: Vec<_> = read.iter().map(|it| (it.name.as_str(), it.app, it.conclusion)).collect();
        assert_eq!(seen, [("lint", 0, conclusion)], "whoever posts a status has no number");
        let answer = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
        assert_eq!(matches!(answer, Merge::Merged(_)), passes, "{conclusion:?}: {answer:?}");
    }
    stand.finish().await;
}

async fn f54_conclusions(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let all = [
        Conclusion::Pending,
        Conclusion::Success,
        Conclusion::Failure,
        Conclusion::Neutral,
        Conclusion::Skipped,
        Conclusion::Cancelled,
        Conclusion::ActionRequired,
    ];
    for conclusion in all {
        stand.person("ci", CI, true).check(pull.number, "ci/build", conclusion, CI).await.unwrap();
        assert_eq!(stand.forge().pull(pull.number).await.unwrap().checks[0].conclusion, posted(kind, conclusion));
    }
    stand.finish().await;
}

/// What is read of what others posted: a status of a GitLab cannot be neutral.
fn posted(kind: Kind, conclusion: Conclusion) -> Conclusion {
    let neutral = kind == Kind::Gitlab && conclusion == Conclusion::Neutral;
    if neutral { Conclusion::Skipped } else { conclusion }
}

async fn f56_rules_that_cannot_be_read(kind: Kind) {
    let (stand, _) = start(kind).await;
    assert!(stand.forge().protection("main").await.unwrap().is_some());
    stand.protects("main", None).await;
    assert_eq!(stand.forge().protection("main").await, Ok(None));
    stand.finish().await;
}

async fn rules_are_read(kind: Kind) {
    let (stand, _) = start(kind).await;
    let named = |name: &str, app| RequiredCheck { name: name.into(), app };
    let checks = vec![named("ci/build", Some(CI)), named("lint", None)];
    stand.protects("main", Some(Rules { checks, strict: true, queue: true, approvals: 2, ..Rules::default() })).await;
    let read = stand.forge().protection("main").await.unwrap().unwrap();
    let named = [("ci/build".into(), Some(CI)), ("lint".into(), None)];
    let whole = [("pipeline".into(), Some(0))];
    assert_eq!(read.checks, if kind == Kind::Gitlab { &whole[..] } else { &named[..] });
    assert_eq!((read.strict, read.queue, read.approvals), (true, true, 2));
    stand.finish().await;
}

async fn f57_reviews_and_their_heads(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let (old, dana) = (pull.head.clone(), stand.dana());
    dana.review(pull.number, Opinion::Approve).await.unwrap();
    stand.clock.advance(60);
    stand.guest().review(pull.number, Opinion::Approve).await.unwrap();
    let head = stand.pushes("countersign/a", "more.txt", "x\n").await;
    stand.clock.advance(60);
    dana.review(pull.number, Opinion::RequestChanges).await.unwrap();
    stand.clock.advance(60);
    dana.dismiss(pull.number, 7).await.unwrap();
    let read = stand.forge().pull(pull.number).await.unwrap().reviews;
    let told: Vec<_> = read.iter().map(|it| (it.by.id, it.can_write, it.opinion, it.head.clone())).collect();
    let expected = [
        (7, true, Opinion::Approve, old.clone()),
        (77, false, Opinion::Approve, old),
        (7, true, Opinion::RequestChanges, head.clone()),
        (7, true, Opinion::Dismissed, head),
    ];
    // GitLab shows what each person holds now, not what they held before.
    let expected =
        if kind == Kind::Gitlab { [1, 3].map(|place| expected[place].clone()).to_vec() } else { expected.to_vec() };
    assert_eq!(told, expected);
    stand.finish().await;
}

async fn f58_f59_opinions_and_the_right_to_have_one(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let acts = [(77, Opinion::Approve), (7, Opinion::Approve), (7, Opinion::RequestChanges), (66, Opinion::Approve)];
    for (by, opinion) in acts {
        let by = [stand.dana(), stand.mallory(), stand.guest()].into_iter().find(|it| it.id() == by).unwrap();
        by.review(pull.number, opinion).await.unwrap();
        stand.clock.advance(60);
    }
    stand.dana().dismiss(pull.number, 66).await.unwrap();
    let read = stand.forge().pull(pull.number).await.unwrap().reviews;
    let latest =
        |id: u64| read.iter().filter(|it| it.by.id == id).max_by_key(|it| it.at).map(|it| (it.opinion, it.can_write));
    assert_eq!(latest(7), Some((Opinion::RequestChanges, true)), "the later opinion of the two");
    assert_eq!(latest(77), Some((Opinion::Approve, false)), "who may not write has no voice");
    assert!(read.iter().any(|it| it.by.id == 66 && it.opinion == Opinion::Dismissed), "{read:?}");
    stand.finish().await;
}

async fn f65_the_base_advanced(kind: Kind) {
    let (stand, pull) = start(kind).await;
    stand.protects("main", Some(Rules { strict: true, ..Rules::default() })).await;
    let main = stand.pushes("main", "README.md", "moved\n").await;
    assert!(stand.forge().protection("main").await.unwrap().unwrap().strict);
    let refused = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert!(!matches!(refused, Merge::Merged(_)), "{refused:?}");
    assert_eq!(stand.tip("main"), Some(main));
    stand.finish().await;
}

async fn f60_mergeability_is_unknown(kind: Kind) {
    let (stand, pull) = start(kind).await;
    for (seen, word) in [(None, "unknown"), (None, "clean"), (Some(true), "unknown")] {
        stand.hub().mood().mergeable = Some((seen, word));
        assert_eq!(stand.forge().pull(pull.number).await.unwrap().mergeable, Mergeable::Unknown, "{seen:?} {word}");
    }
    stand.finish().await;
}

async fn f61_a_new_word_is_no_yes(kind: Kind) {
    let (stand, pull) = start(kind).await;
    for word in ["sparkling", "", "CLEAN"] {
        stand.hub().mood().mergeable = Some((Some(true), word));
        assert_eq!(stand.forge().pull(pull.number).await.unwrap().mergeable, Mergeable::Unknown, "{word}");
    }
    stand.finish().await;
}

async fn f62_the_head_moved(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let main = stand.tip("main");
    stand.pushes("countersign/a", "evil.txt", "x\n").await;
    let refused = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert!(matches!(refused, Merge::NotReady(_)), "{refused:?}");
    assert_eq!(stand.tip("main"), main, "the old commit does not land");
    stand.finish().await;
}

async fn f65_the_base_was_modified(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let said = r#"{"message":"Base branch was modified. Review and try the merge again."}"#;
    stand.fake().faults.next("PUT", "/merge", Fault::fails(405, said));
    let refused = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert!(matches!(refused, Merge::NotReady(_)), "{refused:?}");
    stand.finish().await;
}

async fn f66_a_conflict(kind: Kind) {
    let (stand, pull) = start(kind).await;
    stand.pushes("main", "notes.txt", "two\n").await;
    let read = stand.forge().pull(pull.number).await.unwrap();
    assert!(matches!(read.mergeable, Mergeable::No(_)), "{:?}", read.mergeable);
    let refused = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert!(matches!(refused, Merge::NotReady(_)), "{refused:?}");
    stand.finish().await;
}

async fn f67_a_draft(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let edit = |draft| Edit { draft: Some(draft), ..Edit::default() };
    stand.dana().edit(pull.number, edit(true)).await.unwrap();
    assert!(stand.forge().pull(pull.number).await.unwrap().draft);
    let refused = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert!(matches!(refused, Merge::NotReady(_)), "{refused:?}");
    stand.dana().edit(pull.number, edit(false)).await.unwrap();
    let merged = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert_eq!(merged, Merge::Merged(stand.tip("main").unwrap()));
    stand.finish().await;
}

async fn f68_a_merge_whose_answer_was_lost(kind: Kind) {
    for fault in [Fault::DropAfter, Fault::fails_after(500, "oops"), Fault::fails_after(502, "<html>")] {
        let (stand, pull) = start(kind).await;
        let (forge, order) = (stand.forge(), head_order(&pull.head));
        stand.fake().faults.next("PUT", "/merge", fault);
        assert!(matches!(forge.merge(pull.number, &order).await, Err(ForgeError::Transient(_))));
        let landed = stand.tip("main").unwrap();
        let read = forge.pull(pull.number).await.unwrap();
        assert_eq!((read.state, read.merged.map(|it| it.commit)), (PullState::Merged, Some(landed.clone())));
        assert_eq!(forge.merge(pull.number, &order).await, Ok(Merge::Merged(landed.clone())), "the same answer again");
        assert_eq!(stand.tip("main"), Some(landed), "one merge");
        stand.finish().await;
    }
}

async fn f69_a_merge_that_did_not_happen(kind: Kind) {
    for fault in [Fault::Drop, Fault::Before(Answer::new(503, "").header("retry-after", "5"))] {
        let (stand, pull) = start(kind).await;
        let (forge, order) = (stand.forge(), head_order(&pull.head));
        stand.fake().faults.next("PUT", "/merge", fault);
        assert!(matches!(forge.merge(pull.number, &order).await, Err(ForgeError::Transient(_))));
        assert_eq!(stand.fake().log.count("PUT", "/merge"), 1, "not repeated by itself");
        assert_eq!(forge.pull(pull.number).await.unwrap().state, PullState::Open);
        assert!(matches!(forge.merge(pull.number, &order).await, Ok(Merge::Merged(_))));
        stand.finish().await;
    }
}

async fn f71_somebody_was_faster(kind: Kind) {
    let (stand, pull) = start(kind).await;
    let Merge::Merged(landed) = stand.dana().merge(pull.number, MergeMethod::Squash).await.unwrap() else { panic!() };
    let again = stand.forge().merge(pull.number, &head_order(&pull.head)).await;
    assert_eq!(again, Ok(Merge::Merged(landed)));
    let read = stand.forge().pull(pull.number).await.unwrap();
    assert_eq!(read.merged.unwrap().by.id, 7);
    stand.forge().close(pull.number).await.unwrap();
    stand.forge().push(&order(&stand, "countersign/b", "b.txt", "b\n").await).await.unwrap();
    let other = stand.forge().open(&new_pull("countersign/b")).await.unwrap();
    stand.dana().close(other).await.unwrap();
    let read = stand.forge().pull(other).await.unwrap();
    assert_eq!((read.state, read.closed_by.map(|by| by.id)), (PullState::Closed, Some(7)));
    let refused = stand.forge().merge(other, &head_order(&read.head)).await.unwrap();
    assert!(matches!(refused, Merge::Refused(_)), "{refused:?}");
    stand.forge().close(other).await.unwrap();
    stand.finish().await;
}

async fn f72_a_method_that_is_not_allowed(kind: Kind) {
    let (stand, pull) = start(kind).await;
    stand.protects("main", Some(Rules { methods: vec![MergeMethod::Rebase], ..Rules::default() })).await;
    let refused = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert!(matches!(refused, Merge::Refused(_)), "{refused:?}");
    stand.finish().await;
}

async fn f73_a_queue_is_refused(kind: Kind) {
    let (stand, pull) = start(kind).await;
    stand.protects("main", Some(Rules { queue: true, ..Rules::default() })).await;
    assert!(stand.forge().protection("main").await.unwrap().unwrap().queue);
    let refused = stand.forge().merge(pull.number, &head_order(&pull.head)).await.unwrap();
    assert!(matches!(refused, Merge::Refused(_)), "{refused:?}");
    stand.finish().await;
}
