//! What is seen of people who take a landed change back, whatever they call it.

use crate::commands::OPEN;
use crate::documents::{image, overlay, proposal};
use crate::reverts::LANDED;
use crate::world::{HOUR, World};
use countersign::domain::facts::MergeMethod;
use countersign::domain::ids::Oid;
use countersign::domain::trust::Judgement;
use countersign::forge::NewPull;
use serde_json::json;

impl World {
    /// Somebody takes a text back to main on a branch and merges its pull request.
    async fn by_pull(&self, file: &str, text: &str, method: MergeMethod) {
        let dana = self.dana();
        let main = self.tip_of_main();
        dana.reset("back", &main).await.unwrap();
        let change = (file.to_owned(), Some(text.as_bytes().to_vec()));
        dana.commit("back", vec![change], "nothing to see here").await.unwrap();
        let pull = NewPull {
            head_ref: "back".into(),
            base_ref: "main".into(),
            title: "tidy up".into(),
            body: String::new(),
            labels: Vec::new(),
            reviewers: Vec::new(),
        };
        let number = dana.open(pull).await.unwrap();
        dana.merge(number, method).await.unwrap();
        self.settle().await;
    }

    fn tip_of_main(&self) -> Oid {
        let bare = countersign::git::Mirror::existing(&self.stage.home.join("repos/shop.git")).unwrap();
        bare.reference("refs/heads/main").unwrap().unwrap()
    }
}

#[tokio::test]
async fn whoever_takes_a_change_back_ends_its_soak_however_it_was_done() {
    for method in [None, Some(MergeMethod::Squash), Some(MergeMethod::Merge), Some(MergeMethod::Rebase)] {
        let w = World::start().await;
        let file = overlay("web", "staging");
        let (id, before) = w.lands(&image("web", "staging", "2.0"), &file).await;
        w.commits("README.md", Some("something else\n")).await;
        match method {
            None => drop(w.commits(&file, Some(&before)).await),
            Some(method) => w.by_pull(&file, &before, method).await,
        }
        w.settle().await;
        w.acts(&id, &format!("{LANDED} / settled: bad")).await;
        let record = w.record(&id).await;
        let reason = record.reason.unwrap();
        assert_eq!((record.outcome, reason.code.as_str()), (Some(Judgement::Bad), "reverted"), "{method:?}");
        let with = record.undone.unwrap().with.unwrap();
        assert_eq!(with.commit, w.tip_of_main(), "{method:?}");
        assert!(
            reason.sentence.contains(with.commit.short()) && reason.sentence.contains("dana (user 7)"),
            "{reason:?}"
        );
        assert_eq!(w.pulls().await.len(), 1 + usize::from(method.is_some()), "nothing is opened against a person");
        w.finish().await;
    }
}

#[tokio::test]
async fn a_part_that_was_taken_back_is_a_failure_too() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let images = json!([{"name": "ghcr.io/acme/web", "newTag": "2.0"}]);
    let count = json!([{"name": "web", "count": 3}]);
    let changes = json!([{"kustomize": {"directory": "apps/web/staging", "images": images, "replicas": count}}]);
    let (id, _) = w.lands(&proposal("PatchKustomization", "shop-staging", "web", changes), &file).await;
    let landed = w.file(&file).await.unwrap();
    w.commits(&file, Some(&landed.replace("\"2.0\"", "\"1.0\""))).await;
    w.settle().await;
    w.acts(&id, &format!("{LANDED} / settled: bad")).await;
    assert!(w.record(&id).await.reason.unwrap().sentence.contains("a part of it"));
    // The rest is that person's decision: a report changes nothing any more.
    w.turns_bad(&id).await;
    assert_eq!(w.pulls().await.len(), 1);
    w.finish().await;
}

#[tokio::test]
async fn what_goes_on_or_moves_is_not_taken_back() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let (id, before) = w.lands(&image("web", "staging", "2.0"), &file).await;
    let landed = w.file(&file).await.unwrap();
    // Written anew with the same values, updated, taken back and done again between two looks, and moved.
    for text in [landed.replace("\"2.0\" #", "'2.0'  #"), before.clone(), landed.clone(), before.replace("1.0", "2.1")]
    {
        w.commits(&file, Some(&text)).await;
        if text != before {
            w.settle().await;
            w.acts(&id, LANDED).await;
        }
    }
    w.commits(&file, None).await;
    w.commits("apps/web/stage/kustomization.yaml", Some(&before)).await;
    w.settle().await;
    let verdict = w.record(&id).await.verdict.unwrap();
    assert!(verdict.sentence.contains("is not known"), "{}", verdict.sentence);
    w.reports(&id, "good").await;
    w.later(73 * HOUR).await;
    w.acts(&id, &format!("{LANDED} / settled: good")).await;
    w.finish().await;
}

#[tokio::test]
async fn a_base_that_was_rewritten_without_it_is_told_from_an_old_answer() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let (id, _) = w.lands(&image("web", "staging", "2.0"), &file).await;
    let landed = w.record(&id).await.landed.unwrap().commit;
    let bare = countersign::git::Mirror::existing(&w.stage.home.join("repos/shop.git")).unwrap();
    let parent = bare.commit(&landed).unwrap().parents[0].clone();
    w.dana().reset("main", &parent).await.unwrap();
    w.settle().await;
    w.acts(&id, LANDED).await;
    w.later(601).await;
    w.acts(&id, &format!("{LANDED} / settled: bad")).await;
    assert_eq!(w.outcome_of(&id).await, (Some(Judgement::Bad), "reverted".into()));
    w.finish().await;
}

#[tokio::test]
async fn s14_a_revert_after_the_soak_takes_the_success_back_and_demotes() {
    let w = World::seasoned().await;
    let file = overlay("web", "staging");
    let before = w.file(&file).await.unwrap();
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.check_passes(&id).await;
    w.reports(&id, "good").await;
    w.later(72 * HOUR).await;
    assert_eq!(w.outcome_of(&id).await.0, Some(Judgement::Good));
    w.advance(24 * HOUR);
    w.commits(&file, Some(&before)).await;
    w.settle().await;
    assert!(
        w.story(&id).await.ends_with("settled: good / withdrawn: reverted_late, demoted"),
        "{}",
        w.story(&id).await
    );
    assert!(w.demoted(&id).await);
    let class = w.record(&id).await.class.unwrap().key();
    let outcomes = w.stage.parts.store.outcomes(w.stage.tenant(), class).await.unwrap();
    let bad = outcomes.iter().filter(|outcome| outcome.result == Judgement::Bad).count();
    assert_eq!((outcomes.iter().filter(|outcome| outcome.auto).count(), bad), (1, 1), "one outcome, and it is bad");
    w.later(HOUR).await;
    w.finish().await;
}

#[tokio::test]
async fn nobody_looks_any_more_once_it_stood_for_twice_the_soak() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let (id, before) = w.lands(&image("web", "staging", "2.0"), &file).await;
    w.reports(&id, "good").await;
    w.later(72 * HOUR).await;
    w.later(72 * HOUR).await;
    w.commits(&file, Some(&before)).await;
    let reads = w.asked("tip");
    w.later(24 * HOUR).await;
    w.acts(&id, &format!("{LANDED} / settled: good")).await;
    assert_eq!(w.asked("tip"), reads, "it is not looked at");
    w.finish().await;
}

#[tokio::test]
async fn a_change_that_was_taken_back_is_not_proposed_again() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let (id, before) = w.lands(&image("web", "staging", "2.0"), &file).await;
    w.commits(&file, Some(&before)).await;
    w.settle().await;
    let again = |n: u64| {
        let mut document = image("web", "staging", "2.0");
        document["reason"] = format!("alert {n}").into();
        document
    };
    let second = w.propose(&again(2)).await;
    w.expect(&second, "received / dropped: rejected").await;
    let record = w.record(&second).await;
    assert_eq!(record.relations.refused_with.as_deref(), Some(id.as_str()));
    assert!(record.reason.unwrap().sentence.contains("was taken back"));
    // A person who may write says otherwise.
    w.says(&id, "/countersign reopen").await;
    let third = w.propose(&again(3)).await;
    w.acts(&third, OPEN).await;
    w.finish().await;
    // Without that it is forgotten after 24 hold periods.
    let w = World::start().await;
    let (_, before) = w.lands(&image("web", "staging", "2.0"), &file).await;
    w.commits(&file, Some(&before)).await;
    w.settle().await;
    w.later(24 * HOUR + 60).await;
    let later = w.propose(&again(4)).await;
    w.acts(&later, OPEN).await;
    w.finish().await;
}

#[tokio::test]
async fn our_revert_that_was_merged_is_a_no_as_well_and_counts_once() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let (id, _) = w.lands(&image("web", "staging", "2.0"), &file).await;
    w.turns_bad(&id).await;
    let next = w.revert(&id).await;
    w.merge(&next).await;
    w.later(HOUR).await;
    w.acts(&id, &format!("{LANDED} / settled: bad / proposes a revert / taken back")).await;
    let class = w.record(&id).await.class.unwrap().key();
    assert_eq!(w.stage.parts.store.outcomes(w.stage.tenant(), class).await.unwrap().len(), 1);
    let mut document = image("web", "staging", "2.0");
    document["reason"] = "once more".into();
    let second = w.propose(&document).await;
    w.expect(&second, "received / dropped: rejected").await;
    w.finish().await;
}
