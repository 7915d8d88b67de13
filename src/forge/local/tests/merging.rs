use super::*;

#[tokio::test]
async fn f62_a_moved_head_is_not_merged() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let moved = s.dana().push(number, vec![web(V3)], "sneak").await.expect("pushes");
    let Merge::NotReady(why) = s.merge(number, &head, MergeMethod::Squash).await else { panic!("not ready") };
    assert!(why.contains(head.as_str()) && why.contains(moved.as_str()), "{why}");
    assert_eq!(s.main().await, s.first);
    let forced = s.dana().amend(number).await.expect("forces");
    assert_ne!(forced, moved);
    assert!(matches!(s.merge(number, &moved, MergeMethod::Squash).await, Merge::NotReady(_)));
}

#[tokio::test]
async fn f63_a_head_that_moved_back_can_be_merged() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    s.dana().push(number, vec![web(V3)], "sneak").await.expect("pushes");
    s.dana().reset("b", &head).await.expect("moves back");
    assert!(matches!(s.merge(number, &head, MergeMethod::Squash).await, Merge::Merged(_)));
}

#[tokio::test]
async fn f64_another_base_is_seen() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    s.dana().reset("release", &s.first).await.expect("makes");
    s.dana().edit(number, Edit { base: Some("release".to_owned()), ..Edit::default() }).await.expect("retargets");
    assert_eq!(s.forge.pull(number).await.expect("reads").base_ref, "release");
    assert!(matches!(s.merge(number, &head, MergeMethod::Merge).await, Merge::Merged(_)));
    assert_eq!(s.main().await, s.first);
    let nowhere = Edit { base: Some("absent".to_owned()), ..Edit::default() };
    assert!(s.dana().edit(number, nowhere).await.is_err());
}

#[tokio::test]
async fn f65_the_base_may_have_moved_on() {
    let s = scene();
    for (method, parents) in [(MergeMethod::Merge, 2), (MergeMethod::Squash, 1), (MergeMethod::Rebase, 1)] {
        let s2 = scene();
        let (number, head) = s2.opened("b", V2).await;
        let base = s2.dana().commit("main", vec![web(MEMORY)], "memory").await.expect("pushes");
        assert_eq!(s2.forge.pull(number).await.expect("reads").mergeable, Mergeable::Yes);
        let Merge::Merged(commit) = s2.merge(number, &head, method).await else { panic!("{method:?}") };
        let landed = s2.bare().commit(&commit).expect("reads");
        assert_eq!((landed.parents.len(), &landed.parents[0]), (parents, &base), "{method:?}");
        let oid = match s2.bare().node(&landed.tree, "web.yaml").expect("reads") {
            Some(crate::git::Node::File { oid, .. }) => oid,
            other => panic!("{other:?}"),
        };
        let text = s2.bare().read(&oid, 99).expect("reads");
        assert_eq!(String::from_utf8(text).expect("text"), "image: 2\nreplicas: 1\n\n\n\nmemory: 2\n");
    }
    drop(s);
}

#[tokio::test]
async fn f66_a_conflict_is_not_merged() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    s.dana().commit("main", vec![web(V3)], "other").await.expect("pushes");
    let pull = s.forge.pull(number).await.expect("reads");
    assert!(matches!(&pull.mergeable, Mergeable::No(why) if why.contains("web.yaml")), "{:?}", pull.mergeable);
    for method in [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase] {
        assert!(matches!(s.merge(number, &head, method).await, Merge::NotReady(_)));
    }
}

#[tokio::test]
async fn f67_a_draft_waits() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let draft = |draft| Edit { draft: Some(draft), ..Edit::default() };
    s.dana().edit(number, draft(true)).await.expect("edits");
    assert!(s.forge.pull(number).await.expect("reads").draft);
    assert!(matches!(s.merge(number, &head, MergeMethod::Squash).await, Merge::NotReady(_)));
    s.dana().edit(number, draft(false)).await.expect("edits");
    assert!(matches!(s.merge(number, &head, MergeMethod::Squash).await, Merge::Merged(_)));
}

#[tokio::test]
async fn f71_whoever_merges_first_merges_once() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let people: Vec<_> = (0..4).map(|n| s.person(50 + n, &format!("p{n}"))).collect();
    let merges = people.into_iter().map(|p| tokio::spawn(async move { p.merge(number, MergeMethod::Squash).await }));
    let merges: Vec<_> = merges.collect();
    let ours = s.merge(number, &head, MergeMethod::Squash).await;
    for merge in merges {
        assert_eq!(merge.await.expect("ends").expect("answers"), ours);
    }
    let Merge::Merged(commit) = ours else { panic!("{ours:?}") };
    assert_eq!(s.main().await, commit);
    assert_eq!(s.bare().commit(&commit).expect("reads").parents, vec![s.first.clone()]);
    assert_eq!(s.forge.pull(number).await.expect("reads").merged.expect("merged").commit, commit);
}

#[tokio::test]
async fn f71_a_closed_pull_request_is_refused() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    s.dana().close(number).await.expect("closes");
    assert!(matches!(s.merge(number, &head, MergeMethod::Squash).await, Merge::Refused(_)));
    s.dana().reopen(number).await.expect("reopens");
    let done = s.merge(number, &head, MergeMethod::Squash).await;
    assert_eq!(s.merge(number, &head, MergeMethod::Squash).await, done);
    assert!(matches!(s.merge(number, &s.first, MergeMethod::Squash).await, Merge::Refused(_)));
    s.forge.close(number).await.expect("changes nothing");
    assert_eq!(s.state(number).await, PullState::Merged);
    assert!(s.dana().reopen(number).await.is_err());
}

#[tokio::test]
async fn f91_a_merge_that_broke_off_is_recognised_by_the_base() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let desk = s.forge.desk.clone();
    let ledger = desk.ledger().expect("opens");
    let (at, record) = ledger.record(number).expect("reads");
    let commit = ledger.bare.commit(&head).expect("reads");
    let landing = Landing {
        commit: head.clone(),
        base_ref: "main".to_owned(),
        head: head.clone(),
        by: desk.bot.clone(),
        at: commit.time,
    };
    let begun = PullRecord { landings: vec![landing], ..PullRecord::clone(&record) };
    assert!(ledger.replace(&at, &begun, &desk.bot, "begin to merge").expect("writes"));
    assert_eq!(s.state(number).await, PullState::Open, "the base has not moved");
    assert!(ledger.bare.move_reference("refs/heads/main", Some(&s.first), Some(&head)).expect("moves"));
    assert_eq!(s.state(number).await, PullState::Merged, "the base has moved, the record has not");
    assert_eq!(s.merge(number, &head, MergeMethod::Squash).await, Merge::Merged(head.clone()));
    assert_eq!(s.main().await, head);
}

#[tokio::test]
async fn f72_f73_rules_of_the_branch_are_kept() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let dana = s.dana();
    let ci = RequiredCheck { name: "ci".to_owned(), app: Some(15368) };
    let base = Rules { checks: vec![ci], strict: true, queue: false, approvals: 1, methods: Vec::new() };
    let refused = |merge: Merge| match merge {
        Merge::Refused(why) => why,
        other => panic!("{other:?}"),
    };
    dana.protect("main", Some(Rules { queue: true, ..base.clone() })).await.expect("protects");
    assert!(refused(s.merge(number, &head, MergeMethod::Squash).await).contains("queue"));
    dana.protect("main", Some(Rules { methods: vec![MergeMethod::Merge], ..base.clone() })).await.expect("protects");
    assert!(refused(s.merge(number, &head, MergeMethod::Squash).await).contains("method"));
    dana.protect("main", Some(base)).await.expect("protects");
    let read = s.forge.protection("main").await.expect("reads").expect("readable");
    assert_eq!((read.checks, read.strict, read.approvals), (vec![("ci".to_owned(), Some(15368))], true, 1));
    assert!(refused(s.merge(number, &head, MergeMethod::Squash).await).contains("check ci"));
    dana.check(number, "ci", Conclusion::Success, 3).await.expect("checks");
    assert!(refused(s.merge(number, &head, MergeMethod::Squash).await).contains("check ci"), "f53: of another app");
    dana.check(number, "ci", Conclusion::Success, 15368).await.expect("checks");
    assert!(refused(s.merge(number, &head, MergeMethod::Squash).await).contains("0 of 1 approvals"));
    dana.review(number, Opinion::Approve).await.expect("reviews");
    let before = s.first.clone();
    dana.commit("main", vec![("other".to_owned(), Some(vec![b'x']))], "x").await.expect("pushes");
    assert!(refused(s.merge(number, &head, MergeMethod::Squash).await).contains("behind"));
    dana.reset("main", &before).await.expect("resets");
    assert!(matches!(s.merge(number, &head, MergeMethod::Squash).await, Merge::Merged(_)));
}

#[tokio::test]
async fn f56_rules_that_cannot_be_read_are_said_to_be() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    assert_eq!(s.forge.protection("main").await.expect("reads"), Some(Protection::default()));
    s.dana().protect("main", None).await.expect("hides");
    assert_eq!(s.forge.protection("main").await.expect("reads"), None);
    assert_eq!(s.forge.protection("other").await.expect("reads"), Some(Protection::default()));
    assert!(matches!(s.merge(number, &head, MergeMethod::Squash).await, Merge::Refused(_)));
}
