use super::*;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_never_get_the_same_proposal() {
    for place in places("claims").await {
        for n in 0..24 {
            received(&place.store, &record(&acme(), &format!("0190-{n:02}"))).await;
        }
        assert_eq!(place.store.due_count(at(1)).await.expect("counts"), 24);
        let other = place.again().await;
        let mut workers = tokio::task::JoinSet::new();
        for n in 0..6 {
            let store = if n % 2 == 0 { place.store.clone() } else { other.clone() };
            workers.spawn(async move {
                let mut mine = Vec::new();
                while let Some(claim) = store.claim(at(1), 60, &format!("w{n}")).await.expect("claims") {
                    mine.push(claim.id);
                }
                mine
            });
        }
        let claimed: Vec<String> = workers.join_all().await.concat();
        assert_eq!(claimed.len(), 24, "{}", place.name);
        assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 24, "{}", place.name);
        assert_eq!(place.store.due_count(at(1)).await.expect("counts"), 0);
        assert_eq!(place.store.next_due().await.expect("reads"), Some(at(61)));
    }
}

#[tokio::test]
async fn a_lease_that_ended_is_a_failed_attempt_and_gives_no_right() {
    for place in places("lease").await {
        let store = &place.store;
        received(store, &record(&acme(), "0190-a")).await;
        let dead = store.claim(at(0), 30, "dead").await.expect("claims").expect("is due");
        assert_eq!(store.claim(at(29), 30, "w").await.expect("claims"), None, "{}", place.name);
        store.renew(&dead, 60, at(29)).await.expect("renews");
        assert_eq!(store.claim(at(31), 30, "w").await.expect("claims"), None, "{}", place.name);
        let claim = store.claim(at(89), 30, "w").await.expect("claims").expect("the lease ended");
        assert_eq!((claim.attempts, claim.id.as_str()), (1, "0190-a"));
        assert!(matches!(store.renew(&dead, 60, at(90)).await, Err(StoreError::Conflict(_))), "{}", place.name);
        store.fail(&dead, "too late", at(90)).await.expect("is ignored");
        store.release(&dead, Some(at(90))).await.expect("is ignored");
        assert_eq!(store.claim(at(100), 30, "x").await.expect("claims"), None, "{}", place.name);
        store.renew(&claim, 60, at(100)).await.expect("still ours");
    }
}

#[tokio::test]
async fn failures_are_tried_later_and_later_and_forgotten_after_a_success() {
    for place in places("fail").await {
        let store = &place.store;
        received(store, &record(&acme(), "0190-a")).await;
        let mut now = at(0);
        for attempts in 0..8 {
            let claim = store.claim(now, 30, "w").await.expect("claims").expect("is due");
            assert_eq!(claim.attempts, attempts, "{}", place.name);
            let next = store.fail(&claim, "the forge said \0 no", now).await.expect("fails");
            assert!(next > now && store.claim(now, 30, "w").await.expect("claims").is_none());
            assert_eq!(store.next_due().await.expect("reads"), Some(next));
            now = next;
        }
        let (attempts, error, _) = store.trouble(&acme(), "0190-a").await.expect("reads").expect("is there");
        assert_eq!((attempts, error.as_deref()), (8, Some("the forge said \u{fffd} no")));
        let claim = store.claim(now, 30, "w").await.expect("claims").expect("is due");
        store.release(&claim, Some(now)).await.expect("releases");
        let (attempts, error, due) = store.trouble(&acme(), "0190-a").await.expect("reads").expect("is there");
        assert_eq!((attempts, error, due), (0, None, now), "{}", place.name);
    }
}

#[tokio::test]
async fn a_turn_that_was_outrun_is_taken_again_at_once_but_not_for_ever() {
    for place in places("outrun").await {
        let store = &place.store;
        received(store, &record(&acme(), "0190-a")).await;
        let claim = store.claim(at(0), 30, "w").await.expect("claims").expect("is due");
        assert_eq!(store.outrun(&claim, "changed", at(0)).await.expect("ends"), at(0), "{}", place.name);
        let claim = store.claim(at(0), 30, "w").await.expect("claims").expect("is due again");
        assert!(store.outrun(&claim, "changed", at(0)).await.expect("ends") > at(0), "{}", place.name);
        assert_eq!(store.claim(at(0), 30, "w").await.expect("claims"), None);
    }
}

#[tokio::test]
async fn a_hint_during_a_turn_is_not_lost() {
    for place in places("woken").await {
        let store = &place.store;
        let first = record(&acme(), "0190-a");
        received(store, &first).await;
        let claim = store.claim(at(0), 30, "w").await.expect("claims").expect("is due");
        assert_eq!(store.wake(&acme(), WakeBy::Id("0190-a"), at(1)).await.expect("wakes"), 1);
        store.commit(&step(&first, Stage::Pushed), at(2)).await.expect("commits");
        assert_eq!(store.claim(at(3), 30, "x").await.expect("claims"), None, "{}: the lease holds", place.name);
        store.release(&claim, None).await.expect("releases");
        let claim = store.claim(at(3), 30, "w").await.expect("claims").expect("is due at once");
        store.wake(&acme(), WakeBy::Id("0190-a"), at(4)).await.expect("wakes");
        store.release(&claim, Some(at(900))).await.expect("releases");
        let claim = store.claim(at(5), 30, "w").await.expect("claims").expect("is due at once");
        store.release(&claim, Some(at(900))).await.expect("releases");
        assert_eq!(store.next_due().await.expect("reads"), Some(at(900)), "{}", place.name);
    }
}

#[tokio::test]
async fn hints_reach_those_they_are_about_and_nothing_that_is_over() {
    for place in places("wake").await {
        let store = &place.store;
        let open = driven(store, &Record { pull: Some(5), ..record(&acme(), "0190-a") }, Stage::Open).await;
        driven(store, &Record { pull: Some(6), ..record(&acme(), "0190-b") }, Stage::Open).await;
        driven(store, &Record { pull: Some(5), ..record(&acme(), "0190-c") }, Stage::Settled).await;
        let key = open.binding.key();
        let wake = async |by| store.wake(&acme(), by, at(10)).await.expect("wakes");
        assert_eq!(wake(WakeBy::Pull { repository: &key, number: 5 }).await, 1, "{}", place.name);
        assert_eq!(store.due_count(at(10)).await.expect("counts"), 1);
        assert_eq!(wake(WakeBy::Repository(&key)).await, 2, "{}", place.name);
        assert_eq!(wake(WakeBy::Repository("local:local:8")).await, 0);
        assert_eq!(wake(WakeBy::Id("0190-c")).await, 0);
        assert_eq!(store.trouble(&acme(), "0190-c").await.expect("reads"), None);
        assert_eq!(store.next_due().await.expect("reads"), Some(at(10)));
        // One whose outcome is known may be looked at again; what happens elsewhere in the repository is no reason.
        let known = driven(store, &record(&acme(), "0190-d"), Stage::Settled).await;
        let later = Transition { due: Some(at(900)), ..step(&known, Stage::Settled) };
        store.commit(&later, at(11)).await.expect("commits");
        assert_eq!(wake(WakeBy::Repository(&key)).await, 2, "{}", place.name);
        let due = async || store.trouble(&acme(), "0190-d").await.expect("reads").map(|(.., due)| due);
        assert_eq!(due().await, Some(at(900)), "{}", place.name);
        assert_eq!((wake(WakeBy::Id("0190-d")).await, due().await), (1, Some(at(10))));
    }
}

#[tokio::test]
async fn tm104_a_tenant_with_many_proposals_does_not_keep_others_waiting() {
    for place in places("tm104").await {
        let store = &place.store;
        let beta: TenantId = "beta".parse().expect("a tenant");
        store.ensure_tenant(&beta, at(0), [9; 32]).await.expect("a tenant");
        for n in 0..20 {
            received(store, &record(&acme(), &format!("0190-{n:02}"))).await;
        }
        store.claim(at(5), 60, "w").await.expect("claims").expect("is due");
        received(store, &record(&beta, "0190-zz")).await;
        received(store, &record(&beta, "0190-zy")).await;
        let mut turns = Vec::new();
        for _ in 0..5 {
            turns.push(store.claim(at(5), 60, "w").await.expect("claims").expect("is due").tenant.to_string());
        }
        assert_eq!(turns, ["beta", "acme", "beta", "acme", "acme"], "{}", place.name);
    }
}

/// How many claims pass before each of a tenant's proposals is claimed, one sent after the other.
async fn waited(store: &Store, tenant: &TenantId, proposals: usize) -> (Vec<usize>, std::time::Duration) {
    let (mut waits, mut slowest) = (Vec::new(), std::time::Duration::ZERO);
    for n in 0..proposals {
        received(store, &record(tenant, &format!("0191-{n:03}"))).await;
        let mut claims = 0;
        loop {
            let begun = std::time::Instant::now();
            let claim = store.claim(at(5), 60, "w").await.expect("claims").expect("is due");
            slowest = slowest.max(begun.elapsed());
            claims += 1;
            let found = claim.tenant == *tenant;
            // What was looked at is due again a moment later, as a proposal of a flood is.
            store.release(&claim, Some(if found { at(1_000) } else { at(4) })).await.expect("releases");
            if found {
                break;
            }
        }
        waits.push(claims);
    }
    (waits, slowest)
}

#[tokio::test]
async fn tm104_a_flood_of_one_tenant_makes_another_wait_for_one_turn_at_most() {
    for place in places("tm104b").await {
        let store = &place.store;
        let (beta, gamma): (TenantId, TenantId) =
            ("beta".parse().expect("a tenant"), "gamma".parse().expect("a tenant"));
        for tenant in [&beta, &gamma] {
            store.ensure_tenant(tenant, at(0), [9; 32]).await.expect("a tenant");
        }
        let (alone, quick) = waited(store, &beta, 20).await;
        assert!(alone.iter().all(|claims| *claims == 1), "{}: alone nobody waits: {alone:?}", place.name);
        for n in 0..300 {
            received(store, &record(&acme(), &format!("0190-{n:03}"))).await;
        }
        let (flooded, slow) = waited(store, &gamma, 20).await;
        assert!(flooded.iter().all(|claims| *claims <= 2), "{}: {flooded:?}", place.name);
        println!("{}: the slowest claim took {quick:?} alone and {slow:?} beside 300 others", place.name);
    }
}
