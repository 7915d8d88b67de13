use super::*;
use crate::domain::approval::{Redeemed, Rejection};
use crate::domain::attest::Signer;

/// A token as it was verified: by whom, and under which id of its own.
fn said(issuer: &str, jti: &str, person: &str, token: &str, when: Time) -> Redeemed {
    Redeemed {
        approver: person.into(),
        person: person.into(),
        issuer: issuer.into(),
        jti: jti.into(),
        kid: Signer::from_seed(&[9; 32]).id().clone(),
        token: Digest::of(token.as_bytes()),
        class: Digest::of(b"class"),
        tier: 2,
        at: when,
    }
}

/// The step in which a record gains an approval.
fn gaining(record: &Record, approval: Redeemed) -> Transition {
    let mut transition = step(record, Stage::Received);
    transition.record.approvals.push(approval);
    transition
}

async fn version(store: &Store, id: &str) -> u64 {
    store.stored(&acme(), id).await.expect("reads").expect("is there").version
}

#[tokio::test]
async fn j18_a_token_is_used_once() {
    for place in places("j18").await {
        let store = &place.store;
        let (first, other) = (record(&acme(), "0190-a"), record(&acme(), "0190-b"));
        received(store, &first).await;
        received(store, &other).await;
        let token = said("dana", "jti-1", "dana", "token", at(1));
        store.redeem(&gaining(&first, token.clone()), 0, "token", at(1)).await.expect("redeemed");
        let elsewhere = store.redeem(&gaining(&other, token.clone()), 0, "token", at(2)).await;
        assert!(matches!(elsewhere, Err(StoreError::Replayed)), "{}: {elsewhere:?}", place.name);
        // The same id in another token is the same id.
        let twin = said("dana", "jti-1", "dana", "another token", at(2));
        assert!(matches!(store.redeem(&gaining(&other, twin), 0, "x", at(2)).await, Err(StoreError::Replayed)));
        let mut no = step(&other, Stage::Received);
        no.record.rejection = Some(Rejection { by: token, reason: "no".into() });
        assert!(matches!(store.redeem(&no, 0, "token", at(2)).await, Err(StoreError::Replayed)));
        assert_eq!(version(store, "0190-b").await, 0, "nothing was written");
        assert_eq!(store.approvals(&acme(), "0190-a").await.expect("reads"), [("token".to_owned(), at(1))]);
        assert!(store.approvals(&acme(), "0190-b").await.expect("reads").is_empty());
        // Turns of the proposal go on with the approval in its record.
        let kept = store.record(&acme(), "0190-a").await.expect("reads").expect("is there").0;
        store.commit(&step(&kept, Stage::Pushed), at(3)).await.expect("a turn");
        assert_eq!(proven(store, &acme()).await, 5);
    }
}

#[tokio::test]
async fn j19_a_hundred_at_once_on_two_replicas_are_one() {
    for place in places("j19").await {
        let stores = [place.store.clone(), place.again().await];
        let records: Vec<Record> = (0..100).map(|n| record(&acme(), &format!("0190-{n:03}"))).collect();
        for record in &records {
            received(&place.store, record).await;
        }
        let mut tasks = tokio::task::JoinSet::new();
        for record in &records {
            for store in &stores {
                let transition = gaining(record, said("dana", "jti-1", "dana", "token", at(1)));
                let store = store.clone();
                tasks.spawn(async move { store.redeem(&transition, 0, "token", at(1)).await });
            }
        }
        let mut redeemed = 0;
        while let Some(done) = tasks.join_next().await {
            match done.expect("no panic") {
                Ok(()) => redeemed += 1,
                Err(StoreError::Replayed | StoreError::Conflict(_) | StoreError::Busy) => {}
                Err(other) => panic!("{}: {other}", place.name),
            }
        }
        assert_eq!(redeemed, 1, "{}", place.name);
        let mut holders = 0;
        for record in &records {
            let kept = place.store.record(&acme(), &record.id).await.expect("reads").expect("is there").0;
            holders += kept.approvals.len();
        }
        assert_eq!(holders, 1, "{}", place.name);
    }
}

#[tokio::test]
async fn j20_the_same_id_of_another_issuer_is_another_token() {
    for place in places("j20").await {
        let store = &place.store;
        let first = record(&acme(), "0190-a");
        received(store, &first).await;
        let one = gaining(&first, said("https://a.example", "jti-1", "dana", "one", at(1)));
        store.redeem(&one, 0, "one", at(1)).await.expect("redeemed");
        let two = gaining(&one.record, said("https://b.example", "jti-1", "kim", "two", at(2)));
        store.redeem(&two, 1, "two", at(2)).await.expect("redeemed");
        let rival: TenantId = "rival".parse().expect("a tenant");
        store.ensure_tenant(&rival, at(0), [8; 32]).await.expect("a log");
        let theirs = record(&rival, "0190-r");
        received(store, &theirs).await;
        let three = gaining(&theirs, said("https://a.example", "jti-1", "dana", "one", at(3)));
        store.redeem(&three, 0, "one", at(3)).await.expect("another tenant's");
        assert_eq!(store.approvals(&acme(), "0190-a").await.expect("reads").len(), 2, "{}", place.name);
    }
}

#[tokio::test]
async fn j21_a_token_is_used_up_with_its_effect_or_not_at_all() {
    for place in places("j21").await {
        let store = &place.store;
        let first = record(&acme(), "0190-a");
        received(store, &first).await;
        let transition = gaining(&first, said("dana", "jti-1", "dana", "token", at(1)));
        // A crash before the commit: the transaction was open, the row was there, and nobody committed.
        let mut open = store.db.write().await.expect("begins");
        super::super::approvals::consume(&mut open, &transition.record, at(1)).await.expect("used up");
        drop(open);
        // A transaction that fails later: nobody looks again, so the database refuses all of it.
        let asleep = Transition { due: None, ..transition.clone() };
        assert!(matches!(store.redeem(&asleep, 0, "token", at(1)).await, Err(StoreError::Invalid(_))));
        let stale = store.redeem(&transition, 7, "token", at(1)).await;
        assert!(matches!(stale, Err(StoreError::Conflict(_))), "{}", place.name);
        store.redeem(&transition, 0, "token", at(1)).await.expect("still usable");
        // After the commit, another process finds the effect once and the token used.
        let again = place.again().await;
        let kept = again.record(&acme(), "0190-a").await.expect("reads").expect("is there").0;
        assert_eq!(kept.approvals.len(), 1);
        assert!(matches!(again.redeem(&transition, 0, "token", at(2)).await, Err(StoreError::Conflict(_))));
        let other = record(&acme(), "0190-b");
        received(&again, &other).await;
        let replay = gaining(&other, said("dana", "jti-1", "dana", "token", at(2)));
        assert!(matches!(again.redeem(&replay, 0, "token", at(2)).await, Err(StoreError::Replayed)));
    }
}

#[tokio::test]
async fn j39_an_empty_bucket_refuses_and_uses_nothing_up() {
    for place in places("j39").await {
        let store = &place.store;
        let minute = |n: i64| at(n * 60);
        let take = |n: i64, person: &'static str, when: Time| async move {
            let id = format!("0190-{n:03}-{person}");
            let fresh = record(&acme(), &id);
            if store.record(&acme(), &id).await.expect("reads").is_none() {
                received(store, &fresh).await;
            }
            let approval = said(person, &format!("jti-{n}"), person, &id, when);
            store.redeem(&gaining(&fresh, approval), 0, &id, when).await
        };
        // A new bucket holds one; after two hours it is full, and it never holds more than ten.
        take(0, "dana", at(0)).await.expect("the first");
        assert!(matches!(take(1, "dana", at(0)).await, Err(StoreError::Spent(again)) if again == minute(6)));
        for n in 1..=10 {
            take(n, "dana", minute(120)).await.expect("one of ten");
        }
        let refused = take(11, "dana", minute(120)).await;
        assert!(matches!(refused, Err(StoreError::Spent(again)) if again == minute(126)), "{}", place.name);
        let early = Time(minute(126).0 - 1_000);
        assert!(matches!(take(11, "dana", early).await, Err(StoreError::Spent(_))));
        take(12, "kim", minute(120)).await.expect("another person's");
        // The clock goes back: nothing is added.
        assert!(matches!(take(11, "dana", minute(60)).await, Err(StoreError::Spent(_))));
        take(11, "dana", minute(126)).await.expect("the same token, not used up by the refusals");
        assert!(matches!(take(13, "dana", minute(126)).await, Err(StoreError::Spent(_))));
    }
}

#[tokio::test]
async fn a_rejection_costs_nothing() {
    for place in places("rejection").await {
        let store = &place.store;
        for n in 0..12 {
            let record = record(&acme(), &format!("0190-{n}"));
            received(store, &record).await;
            let mut no = step(&record, Stage::Received);
            let by = said("dana", &format!("jti-{n}"), "dana", &format!("no {n}"), at(1));
            no.record.rejection = Some(Rejection { by, reason: "no".into() });
            store.redeem(&no, 0, &format!("no {n}"), at(1)).await.expect(place.name);
        }
    }
}
