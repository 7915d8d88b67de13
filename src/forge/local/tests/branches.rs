use super::*;

#[tokio::test]
async fn f23_a_push_again_finds_its_commit() {
    let s = scene();
    let order = s.order("b", V2).await;
    let first = s.forge.push(&order).await.expect("pushes");
    assert_eq!(s.forge.push(&order).await.expect("pushes"), first);
    assert!(matches!(first, Pushed::Done(_)));
}

#[tokio::test]
async fn f24_a_foreign_branch_is_not_overwritten() {
    let s = scene();
    let order = s.order("b", V2).await;
    s.dana().reset("b", &s.first).await.expect("makes");
    assert_eq!(s.forge.push(&order).await.expect("answers"), Pushed::Moved(Some(s.first.clone())));
    let wrong = Push { old: Some(order.parent.clone()), branch: "c".to_owned(), ..order };
    assert_eq!(s.forge.push(&wrong).await.expect("answers"), Pushed::Moved(None));
    assert_eq!(s.forge.tip("b").await.expect("reads"), Some(s.first.clone()));
}

#[tokio::test]
async fn f25_f39_one_branch_has_one_open_pull_request() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    assert_eq!(s.forge.open(&new_pull("b")).await.expect("finds its own"), number);
    assert!(matches!(s.dana().open(new_pull("b")).await, Err(ForgeError::Rejected(_))), "nobody else's");
    s.forge.close(number).await.expect("closes");
    s.forge.close(number).await.expect("closes again");
    let second = s.forge.open(&new_pull("b")).await.expect("opens");
    let found: Vec<_> = s.forge.find("b").await.expect("finds").into_iter().map(|p| (p.number, p.state)).collect();
    assert_eq!(found, [(second, PullState::Open), (number, PullState::Closed)]);
    assert!(s.forge.find("other").await.expect("finds").is_empty());
}

#[tokio::test]
async fn f29_f30_f31_a_pull_request_needs_two_branches_and_a_difference() {
    let s = scene();
    let forge = &s.forge;
    let open = |new: NewPull| async move { forge.open(&new).await };
    assert!(matches!(open(new_pull("absent")).await, Err(ForgeError::Rejected(_))));
    s.dana().reset("same", &s.first).await.expect("makes");
    assert!(matches!(open(new_pull("same")).await, Err(ForgeError::Rejected(_))));
    s.forge.push(&s.order("b", V2).await).await.expect("pushes");
    let elsewhere = NewPull { base_ref: "absent".to_owned(), ..new_pull("b") };
    assert!(matches!(open(elsewhere).await, Err(ForgeError::Rejected(_))));
    assert!(matches!(s.forge.pull(9).await, Err(ForgeError::NotFound(_))));
}

#[tokio::test]
async fn f49_a_fork_is_never_found_as_ours() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let eve = s.person(8, "countersign[bot]");
    let twin = eve.open_fork(new_pull("b"), 43, head.clone()).await.expect("opens");
    let found: Vec<u64> = s.forge.find("b").await.expect("finds").into_iter().map(|pull| pull.number).collect();
    assert_eq!(found, [number]);
    let pull = s.forge.pull(twin).await.expect("reads");
    assert_eq!((pull.head_repository, pull.repository, pull.author.id, pull.head), (43, 42, 8, head));
}

#[tokio::test]
async fn f75_a_deleted_branch_leaves_its_last_head() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    let head = s.dana().push(number, vec![web(V3)], "more").await.expect("pushes");
    let stays = s.forge.remove_branch("b", &s.first).await;
    assert!(matches!(stays, Err(ForgeError::Rejected(_))), "only at the commit that was named");
    s.dana().delete_branch("b").await.expect("deletes");
    let pull = s.forge.pull(number).await.expect("reads");
    assert_eq!((pull.head.clone(), pull.state), (head.clone(), PullState::Open));
    assert!(matches!(s.merge(number, &head, MergeMethod::Squash).await, Merge::NotReady(_)));
}

#[tokio::test]
async fn a_push_with_git_alone_is_seen() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let bare = s.bare();
    let at = s.pass(60);
    let new = crate::git::NewCommit {
        tree: bare.tree(&s.first).expect("reads"),
        parents: vec![head.clone()],
        author_name: "x".to_owned(),
        author_email: "x@y".to_owned(),
        at,
        message: "x".to_owned(),
    };
    let pushed = bare.make_commit(&new).expect("commits");
    assert!(bare.move_reference("refs/heads/b", Some(&head), Some(&pushed)).expect("moves"));
    let pull = s.forge.pull(number).await.expect("reads");
    assert_eq!((pull.head, pull.touched_by_others), (pushed, Some(at)));
}

#[tokio::test]
async fn a_closed_pull_request_does_not_follow_its_branch() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    s.dana().close(number).await.expect("closes");
    s.dana().commit("b", vec![web(V3)], "more").await.expect("pushes");
    let pull = s.forge.pull(number).await.expect("reads");
    assert_eq!((pull.head, pull.closed_by.map(|by| by.id)), (head, Some(7)));
    s.dana().reopen(number).await.expect("reopens");
    assert_eq!(s.state(number).await, PullState::Open);
    assert_eq!(s.forge.pull(number).await.expect("reads").head, s.forge.tip("b").await.expect("reads").expect("b"));
}

#[tokio::test]
async fn many_writers_lose_nothing() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    let writers = (0..8).map(|n| {
        let person = s.person(100 + n, &format!("p{n}"));
        tokio::spawn(async move {
            for text in ["one", "two"] {
                person.comment(number, text).await.expect("says");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("ends");
    }
    let comments = s.forge.comments(number).await.expect("reads");
    let ids: Vec<u64> = comments.iter().map(|comment| comment.id).collect();
    assert_eq!(ids, (1..=16).collect::<Vec<_>>());
}
