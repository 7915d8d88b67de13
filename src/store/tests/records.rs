use super::*;
use crate::domain::lifecycle::FileSummary;
use crate::domain::trust::{Demand, Rearm, Terms, Threshold, Track};
use crate::store::db::{Tx, run};

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
        assert_eq!(tracked, [Tracked { class: class(&acme()), counts, terms: None }], "{}", place.name);
        rearmed(&place.store).await;
    }
}

async fn rearmed(store: &Store) {
    let key = class(&acme()).key();
    let lift = || Event { actor: "dana".into(), ..note("trust.rearmed") };
    let early = store.rearm(&acme(), key, lift(), at(200)).await.expect("reads");
    assert!(early.is_err_and(|reason| reason.contains("cools down")));
    assert_eq!(store.rearm(&acme(), key, lift(), at(90_000)).await.expect("lifts"), Ok(Rearm::Lifted));
    assert!(!store.demoted(&acme(), key).await.expect("reads"));
    assert!(matches!(store.rearm(&acme(), key, lift(), at(90_001)).await, Err(StoreError::NotFound(_))));
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

#[tokio::test]
async fn s17_a_record_counts_for_its_own_tenant_only() {
    for place in places("s17").await {
        let store = &place.store;
        let beta: TenantId = "beta".parse().expect("a tenant");
        assert!(store.ensure_tenant(&beta, at(0), [8; 32]).await.expect(place.name));
        let record = merged(store, "0190-a").await;
        store.commit(&judged(&record, Stage::Settled, Judgement::Bad), at(100)).await.expect("settles");
        let track = store.track(&acme(), class(&acme()).key()).await.expect("reads");
        assert_eq!((track.outcomes.len(), track.demotion.is_some()), (1, true), "{}", place.name);
        for key in [class(&acme()).key(), class(&beta).key()] {
            assert_eq!(store.track(&beta, key).await.expect("reads"), Track::default(), "{}", place.name);
        }
        assert!(store.classes(&beta).await.expect("reads").is_empty());
    }
}

#[tokio::test]
async fn s20_the_database_refuses_a_success_that_nothing_showed() {
    for place in places("s20").await {
        let store = &place.store;
        let failed = merged(store, "0190-a").await;
        store.commit(&judged(&failed, Stage::Settled, Judgement::Bad), at(100)).await.expect("settles");
        let unknown = merged(store, "0190-b").await;
        store.commit(&judged(&unknown, Stage::Settled, Judgement::Neutral), at(101)).await.expect("settles");
        let good = merged(store, "0190-c").await;
        store.commit(&judged(&good, Stage::Settled, Judgement::Good), at(102)).await.expect("settles");
        merged(store, "0190-d").await;
        driven(store, &record(&acme(), "0190-e"), Stage::Open).await;
        let insert = |id: &str, evidence: &str| {
            format!(
                "INSERT INTO outcome (tenant, proposal, class, seq, target, at, result, auto, evidence) \
                 VALUES ('acme', '{id}', '', 99, 'x', 0, 'good', 0, '{evidence}')"
            )
        };
        let set = |id: &str, result: &str| format!("UPDATE outcome SET result = '{result}' WHERE proposal = '{id}'");
        let refused = [
            set("0190-a", "good"),
            set("0190-a", "neutral"),
            set("0190-b", "good"),
            "UPDATE outcome SET result = 'good'".into(),
            "UPDATE outcome SET at = 0 WHERE proposal = '0190-c'".into(),
            "DELETE FROM outcome WHERE proposal = '0190-a'".into(),
            insert("0190-d", ""),
            insert("0190-e", "argocd"),
            set("0190-c", "great"),
        ];
        for sql in refused {
            let mut tx: Tx = store.db.write().await.expect("begins");
            let result = run!(&mut tx, sqlx::AssertSqlSafe(sql.clone()));
            assert!(result.is_err(), "{}: {sql}", place.name);
        }
        // The constraint lets through what is meant to pass, or the refusals above would prove nothing.
        for sql in [insert("0190-d", "argocd"), set("0190-c", "bad"), set("0190-b", "bad")] {
            let mut tx: Tx = store.db.write().await.expect("begins");
            assert_eq!(run!(&mut tx, sqlx::AssertSqlSafe(sql.clone())).expect(&sql), 1, "{}", place.name);
        }
        let counts = store.classes(&acme()).await.expect("reads")[0].counts;
        assert_eq!((counts.good, counts.bad, counts.neutral), (1, 1, 1), "{}", place.name);
    }
}

#[tokio::test]
async fn a_mismatch_freezes_a_class_until_two_persons_ask() {
    for place in places("frozen").await {
        let store = &place.store;
        let key = class(&acme()).key();
        let record = Record { landed_as_attested: Some(false), ..merged(store, "0190-a").await };
        let plain = Record { landed_as_attested: Some(true), ..merged(store, "0190-b").await };
        store.commit(&judged(&plain, Stage::Settled, Judgement::Bad), at(90)).await.expect("settles");
        let severe = || async { store.track(&acme(), key).await.expect("reads").demotion.expect("demoted").severe };
        assert!(!severe().await);
        store.commit(&judged(&record, Stage::Settled, Judgement::Bad), at(100)).await.expect("settles");
        assert!(severe().await, "{}", place.name);
        let ask = |actor: &str| Event { actor: actor.into(), ..note("trust.rearmed") };
        let wish = async |actor: &'static str| store.rearm(&acme(), key, ask(actor), at(90_000)).await;
        assert_eq!(wish("dana").await.expect("asks"), Ok(Rearm::First), "{}", place.name);
        assert!(wish("dana").await.expect("asks").is_err());
        assert!(store.demoted(&acme(), key).await.expect("reads"));
        assert_eq!(wish("kim").await.expect("asks"), Ok(Rearm::Lifted), "{}", place.name);
        assert_eq!(store.track(&acme(), key).await.expect("reads").demotion, None);
        proven(store, &acme()).await;
    }
}

#[tokio::test]
async fn what_waits_is_part_of_the_track() {
    for place in places("waits").await {
        let store = &place.store;
        let summary = vec![FileSummary { path: "a.yaml".into(), added: 1, removed: 1, touched: Vec::new() }];
        let of = |id: &str| Record { class: Some(class(&acme())), summary: summary.clone(), ..record(&acme(), id) };
        driven(store, &Record { auto: true, ..of("0190-a") }, Stage::Merged).await;
        driven(store, &of("0190-b"), Stage::Open).await;
        driven(store, &of("0190-c"), Stage::Pushed).await;
        driven(store, &of("0190-d"), Stage::Settled).await;
        let track = store.track(&acme(), class(&acme()).key()).await.expect("reads");
        let waits: Vec<_> = track.pending.iter().map(|p| (p.target.as_str(), p.merged, p.auto)).collect();
        assert_eq!(waits, [("a.yaml", true, true), ("a.yaml", false, false)], "{}", place.name);
        assert_eq!(track.in_flight(), 1);
    }
}

#[tokio::test]
async fn a_class_keeps_the_terms_of_its_last_open_proposal() {
    for place in places("terms").await {
        let store = &place.store;
        let terms = |threshold: &str| {
            let threshold: Threshold = threshold.parse().expect("a threshold");
            let demand = Demand { threshold, last: 200, within: 1, targets: 5, days: 5, soak: 60 };
            Some(Terms { demand, epoch: "edits@1 acme".into() })
        };
        let kept = || async { store.classes(&acme()).await.expect("reads")[0].terms.clone() };
        let under = |id: &str, threshold: &str| Record {
            class: Some(class(&acme())),
            terms: terms(threshold),
            ..record(&acme(), id)
        };
        let old = driven(store, &under("0190-a", "0.95"), Stage::Merged).await;
        assert_eq!(kept().await, terms("0.95"), "{}", place.name);
        driven(store, &under("0190-b", "0.99"), Stage::Open).await;
        assert_eq!(kept().await, terms("0.99"), "{}", place.name);
        store.commit(&judged(&old, Stage::Settled, Judgement::Neutral), at(100)).await.expect("settles");
        assert_eq!(kept().await, terms("0.99"), "what was merged long ago does not set the terms: {}", place.name);
    }
}
