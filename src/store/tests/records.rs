use super::*;

/// A merged proposal of the class, merged without a person.
async fn merged(store: &Store, id: &str) -> Record {
    let merged = Record { class: Some(class(&acme())), auto: true, ..record(&acme(), id) };
    driven(store, &merged, Stage::Merged).await
}

fn judged(record: &Record, to: Stage, result: Judgement) -> Transition {
    let demote = result == Judgement::Bad;
    Transition { outcome: Some(outcome(&record.id, result)), demote, ..step(record, to) }
}

#[tokio::test]
async fn s13_a_merge_counts_once() {
    for place in places("s13").await {
        let store = &place.store;
        let key = class(&acme()).key();
        let (a, b) = (merged(store, "0190-a").await, merged(store, "0190-b").await);
        assert_eq!(store.in_flight(&acme(), key).await.expect("counts"), 2, "{}", place.name);
        store.commit(&judged(&b, Stage::Settled, Judgement::Good), at(100)).await.expect("settles");
        let again = store.commit(&judged(&b, Stage::Settled, Judgement::Good), at(101)).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{}", place.name);
        let settled = Record { stage: Stage::Settled, ..b };
        let again = store.commit(&judged(&settled, Stage::Settled, Judgement::Good), at(102)).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{}", place.name);
        store.commit(&judged(&a, Stage::Settled, Judgement::Neutral), at(103)).await.expect("settles");
        let known = store.outcomes(&acme(), key).await.expect("reads");
        assert_eq!(
            known,
            [outcome("0190-b", Judgement::Good), outcome("0190-a", Judgement::Neutral)],
            "{}",
            place.name
        );
        assert_eq!(store.in_flight(&acme(), key).await.expect("counts"), 0);
    }
}

#[tokio::test]
async fn s14_a_success_can_be_taken_back_and_nothing_becomes_one() {
    for place in places("s14").await {
        let store = &place.store;
        let key = class(&acme()).key();
        let record = merged(store, "0190-a").await;
        store.commit(&judged(&record, Stage::Settled, Judgement::Good), at(100)).await.expect("settles");
        let settled = Record { stage: Stage::Settled, ..record };
        let neutral = store.commit(&judged(&settled, Stage::Settled, Judgement::Neutral), at(101)).await;
        assert!(matches!(neutral, Err(StoreError::Conflict(_))), "{}", place.name);
        store.commit(&judged(&settled, Stage::Settled, Judgement::Bad), at(102)).await.expect("takes it back");
        assert_eq!(store.outcomes(&acme(), key).await.expect("reads"), [outcome("0190-a", Judgement::Bad)]);
        assert!(store.demoted(&acme(), key).await.expect("reads"), "{}", place.name);
        let better = store.commit(&judged(&settled, Stage::Settled, Judgement::Good), at(103)).await;
        assert!(matches!(better, Err(StoreError::Conflict(_))), "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s19_two_replicas_that_record_a_failure_demote_once() {
    for place in places("s19").await {
        let record = merged(&place.store, "0190-a").await;
        let size = place.store.head(&acme()).await.expect("a head").size;
        let replicas = [place.store.clone(), place.again().await];
        let mut tasks = tokio::task::JoinSet::new();
        for store in replicas {
            let transition = judged(&record, Stage::Merged, Judgement::Bad);
            tasks.spawn(async move { store.commit(&transition, at(100)).await });
        }
        let results = tasks.join_all().await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{}: {results:?}", place.name);
        assert_eq!(place.store.head(&acme()).await.expect("a head").size, size + 1, "one demotion in the log");
        let tracked = place.store.classes(&acme()).await.expect("reads");
        let counts = Counts { good: 0, bad: 1, neutral: 0, in_flight: 1, demoted: true };
        assert_eq!(tracked, [Tracked { class: class(&acme()), counts }], "{}", place.name);
        rearmed(&place.store).await;
    }
}

async fn rearmed(store: &Store) {
    let key = class(&acme()).key();
    let lift = || Event { actor: "dana".into(), ..note("trust.rearmed") };
    store.rearm(&acme(), key, lift(), at(200)).await.expect("lifts");
    assert!(!store.demoted(&acme(), key).await.expect("reads"));
    assert!(matches!(store.rearm(&acme(), key, lift(), at(201)).await, Err(StoreError::NotFound(_))));
    proven(store, &acme()).await;
}

#[tokio::test]
async fn an_outcome_without_a_class_counts_nowhere() {
    for place in places("classless").await {
        let record = driven(&place.store, &record(&acme(), "0190-a"), Stage::Merged).await;
        let transition = Transition { demote: false, ..judged(&record, Stage::Settled, Judgement::Good) };
        place.store.commit(&transition, at(100)).await.expect("settles");
        assert!(place.store.classes(&acme()).await.expect("reads").is_empty(), "{}", place.name);
        assert!(place.store.outcomes(&acme(), class(&acme()).key()).await.expect("reads").is_empty());
    }
}
