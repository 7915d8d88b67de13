use super::*;

fn lost() -> ForgeError {
    ForgeError::Transient("connection reset".to_owned())
}

#[tokio::test]
async fn f28_an_opening_that_answered_badly_is_found() {
    let s = scene();
    s.forge.push(&s.order("b", V2).await).await.expect("pushes");
    s.faults.next("open", FaultKind::FailAfter(lost()));
    assert_eq!(s.forge.open(&new_pull("b")).await, Err(lost()));
    assert_eq!(s.forge.find("b").await.expect("finds").len(), 1);
}

#[tokio::test]
async fn f68_a_merge_that_answered_badly_has_happened_once() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    s.faults.add(Fault { operation: "merge", nth: 1, kind: FaultKind::FailAfter(lost()) });
    assert_eq!(s.forge.merge(number, &merge_order(&head, MergeMethod::Squash)).await, Err(lost()));
    let landed = s.forge.pull(number).await.expect("reads").merged.expect("merged").commit;
    assert_eq!(s.merge(number, &head, MergeMethod::Squash).await, Merge::Merged(landed.clone()));
    assert_eq!(s.bare().commit(&landed).expect("reads").parents, vec![s.first.clone()]);
    assert_eq!(s.faults.pending(), 0);
}

#[tokio::test]
async fn f69_a_merge_that_did_not_happen_can_be_asked_for_again() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    s.faults.next("merge", FaultKind::FailBefore(lost()));
    assert_eq!(s.forge.merge(number, &merge_order(&head, MergeMethod::Squash)).await, Err(lost()));
    assert_eq!((s.state(number).await, s.main().await), (PullState::Open, s.first.clone()));
    assert!(matches!(s.merge(number, &head, MergeMethod::Squash).await, Merge::Merged(_)));
}

#[tokio::test]
async fn f20_f89_a_stale_read_answers_as_before() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    s.forge.pull(number).await.expect("reads");
    s.forge.tip("b").await.expect("reads");
    let moved = s.dana().push(number, vec![web(V3)], "x").await.expect("pushes");
    s.faults.next("pull", FaultKind::StaleRead);
    s.faults.next("tip", FaultKind::StaleRead);
    assert_eq!(s.forge.pull(number).await.expect("reads").head, head);
    assert_eq!(s.forge.tip("b").await.expect("reads"), Some(head));
    assert_eq!(s.forge.pull(number).await.expect("reads").head, moved.clone());
    assert_eq!(s.forge.tip("b").await.expect("reads"), Some(moved));
}

#[tokio::test]
async fn f60_an_answer_can_be_altered() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    let unknown = |pull: &mut Pull| pull.mergeable = Mergeable::Unknown;
    s.faults.next("pull", FaultKind::Alter(Arc::new(unknown)));
    assert_eq!(s.forge.pull(number).await.expect("reads").mergeable, Mergeable::Unknown);
    assert_eq!(s.forge.pull(number).await.expect("reads").mergeable, Mergeable::Yes);
}

#[tokio::test]
async fn f77_the_log_counts_what_was_asked() {
    let s = scene();
    let (number, _) = s.opened("b", V2).await;
    let limited = ForgeError::RateLimited(Time(5));
    s.faults.next("pull", FaultKind::FailBefore(limited.clone()));
    s.faults.next("pull", FaultKind::Delay(1));
    assert_eq!(s.forge.pull(number).await, Err(limited));
    assert_eq!(s.faults.log(), ["sync", "tip", "push", "open", "pull"]);
    assert_eq!((s.faults.count("pull"), s.faults.count("merge")), (1, 0));
    s.faults.clear();
    assert_eq!(s.faults.pending(), 0);
}

#[tokio::test]
async fn f45_f62_somebody_acts_between_our_look_and_our_merge() {
    let s = scene();
    let (number, head) = s.opened("b", V2).await;
    let dana = s.dana();
    s.faults.next(
        "merge",
        FaultKind::meanwhile(move || {
            let dana = dana.clone();
            async move {
                let edit = Edit { body: Some("other".to_owned()), ..Edit::default() };
                dana.edit(number, edit).await.expect("edits");
                dana.push(number, vec![web(V3)], "x").await.expect("pushes");
            }
        }),
    );
    assert!(matches!(s.merge(number, &head, MergeMethod::Squash).await, Merge::NotReady(_)));
    assert_eq!(s.forge.pull(number).await.expect("reads").body, "other");
}
