use super::*;
use crate::domain::facts::Right;

#[tokio::test]
async fn the_happy_path_from_push_to_merge() {
    let s = scene();
    let seen = s.forge.repository().await.expect("reads");
    assert_eq!((seen.id, seen.name.as_str(), seen.default_branch.as_str()), (42, "acme/shop", "main"));
    let (number, head) = s.opened("countersign/x", V2).await;
    let pull = s.forge.pull(number).await.expect("reads");
    assert_eq!((pull.number, pull.state, pull.draft), (1, PullState::Open, false));
    assert_eq!((pull.head.clone(), pull.base_ref.as_str(), pull.author.id), (head.clone(), "main", BOT));
    assert_eq!((pull.mergeable, pull.touched_by_others), (Mergeable::Yes, None));
    s.dana().check(number, "ci", Conclusion::Success, 15368).await.expect("checks");
    let checks = s.forge.pull(number).await.expect("reads").checks;
    assert_eq!((checks[0].name.as_str(), checks[0].app, &checks[0].head), ("ci", 15368, &head));
    let Merge::Merged(commit) = s.merge(number, &head, MergeMethod::Squash).await else { panic!("merged") };
    assert_eq!(s.main().await, commit);
    let landed = s.bare().commit(&commit).expect("reads");
    assert_eq!(
        (landed.parents, landed.message.as_str()),
        (vec![s.first.clone()], "fix: web (#1)\n\nApproved-by: dana\n")
    );
    let pull = s.forge.pull(number).await.expect("reads");
    assert_eq!((pull.state, pull.merged.map(|m| (m.commit, m.by.id))), (PullState::Merged, Some((commit, BOT))));
    s.forge.remove_branch("countersign/x", &head).await.expect("removes");
    s.forge.remove_branch("countersign/x", &head).await.expect("removes again");
    assert_eq!(s.forge.tip("countersign/x").await.expect("reads"), None);
    assert_eq!(s.forge.pull(number).await.expect("reads").head, head);
}

#[tokio::test]
async fn our_comment_is_written_once_and_then_edited() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    s.dana().comment(number, "/countersign status").await.expect("says");
    for text in ["one", "one", "two"] {
        s.forge.comment(number, "status", text).await.expect("says");
    }
    s.forge.comment(number, "other", "three").await.expect("says");
    let comments = s.forge.comments(number).await.expect("reads");
    let texts: Vec<_> = comments.iter().map(|c| (c.id, c.by.id, c.text.as_str())).collect();
    assert_eq!(texts, [(1, 7, "/countersign status"), (2, BOT, "two"), (3, BOT, "three")]);
    assert!(comments[1].edited.is_some() && comments[1].bot && !comments[0].bot);
    assert_eq!(s.forge.right(&comments[0].by).await.expect("reads"), Right::Admin);
    assert_eq!(s.forge.right(&User { id: 99, login: "dana".into() }).await.expect("reads"), Right::None);
}

#[tokio::test]
async fn f46_every_edit_is_kept() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    s.dana().edit(number, Edit { body: Some("changed".to_owned()), ..Edit::default() }).await.expect("edits");
    s.forge.set_body(number, "as of now\n").await.expect("edits");
    s.forge.set_body(number, "as of now\n").await.expect("changes nothing");
    let bare = s.bare();
    let mut at = bare.reference("refs/countersign/pulls/1").expect("reads");
    let mut story = Vec::new();
    while let Some(commit) = at.map(|at| bare.commit(&at).expect("reads")) {
        story.push(format!("{}: {}", commit.author_name, commit.message.trim_end()));
        at = commit.parents.into_iter().next();
    }
    assert_eq!(story, ["countersign[bot]: edit the body", "dana: edit", "countersign[bot]: open"]);
}

#[tokio::test]
async fn f51_checks_belong_to_one_head() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    s.dana().check(number, "ci", Conclusion::Pending, 2).await.expect("checks");
    s.dana().check(number, "ci", Conclusion::Success, 2).await.expect("checks");
    s.dana().check(number, "ci", Conclusion::Failure, 3).await.expect("checks");
    let report = |conclusion| Report {
        name: "countersign/gate".to_owned(),
        conclusion,
        title: "t".to_owned(),
        summary: "s".to_owned(),
    };
    s.forge.report(&head, &report(Conclusion::Neutral)).await.expect("reports");
    s.forge.report(&head, &report(Conclusion::Success)).await.expect("reports");
    let said = |pull: Pull| pull.checks.into_iter().map(|c| (c.name, c.app, c.conclusion)).collect::<Vec<_>>();
    let checks = said(s.forge.pull(number).await.expect("reads"));
    let want = [
        ("ci", 2, Conclusion::Success),
        ("ci", 3, Conclusion::Failure),
        ("countersign/gate", BOT, Conclusion::Success),
    ];
    assert_eq!(checks, want.map(|(name, app, conclusion)| (name.to_owned(), app, conclusion)));
    s.dana().push(number, vec![web(V3)], "more").await.expect("pushes");
    assert!(s.forge.pull(number).await.expect("reads").checks.is_empty());
    let absent: Oid = "1111111111111111111111111111111111111111".parse().expect("an id");
    assert!(matches!(s.forge.report(&absent, &report(Conclusion::Success)).await, Err(ForgeError::NotFound(_))));
}

#[tokio::test]
async fn others_are_noticed_and_we_are_not() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    s.pass(60);
    s.forge.comment(number, "k", "ours").await.expect("says");
    s.forge.set_body(number, "ours").await.expect("edits");
    assert_eq!(s.forge.pull(number).await.expect("reads").touched_by_others, None);
    let at = s.pass(60);
    s.dana().comment(number, "hello").await.expect("says");
    assert_eq!(s.forge.pull(number).await.expect("reads").touched_by_others, Some(at));
    let at = s.pass(60);
    s.person(8, "eve").review(number, Opinion::Comment).await.expect("reviews");
    assert_eq!(s.forge.pull(number).await.expect("reads").touched_by_others, Some(at));
    let at = s.pass(60);
    s.dana().push(number, vec![web(V3)], "mine").await.expect("pushes");
    assert_eq!(s.forge.pull(number).await.expect("reads").touched_by_others, Some(at));
}

#[tokio::test]
async fn f57_f58_f59_reviews_keep_who_and_what_and_which_head() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let dana = s.dana();
    dana.review(number, Opinion::Approve).await.expect("reviews");
    dana.review(number, Opinion::RequestChanges).await.expect("reviews");
    let who = Who { user: User { id: 9, login: "guest".to_owned() }, can_write: false };
    let guest = Person::new(place(&s.path()), who, clock(&s.seconds));
    guest.review(number, Opinion::Approve).await.expect("reviews");
    assert!(matches!(guest.dismiss(number, 7).await, Err(ForgeError::Denied(_))));
    dana.dismiss(number, 7).await.expect("dismisses");
    let reviews = s.forge.pull(number).await.expect("reads").reviews;
    let shape: Vec<_> = reviews.iter().map(|r| (r.by.id, r.can_write, r.opinion)).collect();
    let want = [
        (7, true, Opinion::Approve),
        (7, true, Opinion::RequestChanges),
        (9, false, Opinion::Approve),
        (7, true, Opinion::Dismissed),
    ];
    assert_eq!(shape, want);
    assert!(reviews.iter().all(|review| review.head == head));
    assert!(matches!(guest.merge(number, MergeMethod::Merge).await, Err(ForgeError::Denied(_))));
    assert!(matches!(guest.push(number, vec![web(V3)], "x").await, Err(ForgeError::Denied(_))));
    assert!(matches!(guest.edit(number, Edit::default()).await, Err(ForgeError::Denied(_))));
}

#[tokio::test]
async fn f37_a_repository_that_cannot_serve_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let told = |path: PathBuf| {
        let mirror = dir.path().join("m.git");
        let bot = User { id: BOT, login: "bot".to_owned() };
        let seconds = Arc::new(AtomicI64::new(0));
        LocalForge::new(place(&path), &mirror, bot, clock(&seconds), Faults::default())
    };
    let absent = told(dir.path().join("absent.git")).repository().await;
    assert!(matches!(&absent, Err(ForgeError::NotFound(text)) if text.contains("absent.git")), "{absent:?}");
    let work = dir.path().join("work");
    crate::git::repository::init(&work.join(".git"), "main").expect("makes");
    let work = told(work).repository().await;
    assert!(matches!(&work, Err(ForgeError::Rejected(text)) if text.contains("not a bare")), "{work:?}");
    let empty = dir.path().join("empty.git");
    crate::git::repository::init(&empty, "main").expect("makes");
    let empty = told(empty).repository().await;
    assert!(matches!(&empty, Err(ForgeError::Rejected(text)) if text.contains("empty.git: it is empty")), "{empty:?}");
}

#[tokio::test]
async fn diff_and_list_are_for_people() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let dana = s.dana();
    let diff = dana.diff(number).await.expect("shows");
    assert!(diff.contains("--- a/web.yaml\n+++ b/web.yaml\n@@ -1,4 +1,4 @@\n-image: 1\n+image: 2\n"), "{diff}");
    dana.push(number, vec![("bin".to_owned(), Some(vec![0, 1])), ("dir/keep.txt".to_owned(), None)], "x")
        .await
        .expect("pushes");
    let diff = dana.diff(number).await.expect("shows");
    assert!(diff.contains("Binary files /dev/null and b/bin differ\n"), "{diff}");
    assert!(diff.contains("--- a/dir/keep.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-kept\n"), "{diff}");
    dana.reset("b", &head).await.expect("resets");
    dana.merge(number, MergeMethod::Rebase).await.expect("merges");
    assert!(dana.diff(number).await.expect("shows").contains("+image: 2"));
    assert_eq!(dana.list().await.expect("lists").len(), 1);
}

#[tokio::test]
async fn f32_f33_a_body_is_kept_as_it_was_sent_up_to_the_limit() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    let odd = "a\r\nb  \ne\u{301} \u{e9} \u{202e} \0 <!-- --> ``` @all Closes #1 /merge";
    s.forge.set_body(number, odd).await.expect("edits");
    assert_eq!(s.forge.pull(number).await.expect("reads").body, odd);
    let full = "\u{1f600}".repeat(TEXT);
    s.forge.set_body(number, &full).await.expect("edits");
    let over = full + "x";
    assert!(matches!(s.forge.set_body(number, &over).await, Err(ForgeError::Rejected(_))));
    assert!(matches!(s.forge.comment(number, "k", &over).await, Err(ForgeError::Rejected(_))));
    assert!(matches!(s.dana().comment(number, &over).await, Err(ForgeError::Rejected(_))));
}
