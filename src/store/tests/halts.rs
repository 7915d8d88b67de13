use super::*;
use crate::domain::facts::{Halt, HaltOrder, User};

const SHOP: &str = "local:local:7";

fn stop(seconds: i64) -> Halt {
    Halt { by: User { id: 7, login: "dana".into() }, at: at(seconds), proposal: "0190-a".into() }
}

#[tokio::test]
async fn a_halt_stands_from_its_transition_until_it_is_lifted() {
    for place in places("halts").await {
        let store = &place.store;
        let record = driven(store, &record(&acme(), "0190-a"), Stage::Open).await;
        assert_eq!(store.halted(&acme(), SHOP).await.expect("reads"), None, "{}", place.name);
        let order = |halt| Transition { halt: Some(halt), ..step(&record, Stage::Open) };
        store.commit(&order(HaltOrder::Stop(stop(5))), at(5)).await.expect("stops");
        // A second stop does not hide who stopped it first.
        store.commit(&order(HaltOrder::Stop(stop(6))), at(6)).await.expect("stops");
        assert_eq!(place.again().await.halted(&acme(), SHOP).await.expect("reads"), Some(stop(5)), "{}", place.name);
        assert_eq!(store.halted(&acme(), "local:local:8").await.expect("reads"), None);
        store.commit(&step(&record, Stage::Open), at(7)).await.expect("goes on");
        assert!(store.halted(&acme(), SHOP).await.expect("reads").is_some(), "others leave it alone");
        store.commit(&order(HaltOrder::Lift), at(8)).await.expect("lifts");
        assert_eq!(store.halted(&acme(), SHOP).await.expect("reads"), None, "{}", place.name);
    }
}

#[tokio::test]
async fn a_halt_that_is_not_committed_does_not_stand() {
    for place in places("halts_lost").await {
        let store = &place.store;
        let record = driven(store, &record(&acme(), "0190-a"), Stage::Open).await;
        let late =
            Transition { from: Stage::Pushed, halt: Some(HaltOrder::Stop(stop(5))), ..step(&record, Stage::Open) };
        assert!(store.commit(&late, at(5)).await.is_err());
        assert_eq!(store.halted(&acme(), SHOP).await.expect("reads"), None, "{}", place.name);
    }
}

#[tokio::test]
async fn what_is_over_is_roused_by_its_pull_request_and_rests_again() {
    for place in places("rouse").await {
        let store = &place.store;
        driven(store, &record(&acme(), "0190-a"), Stage::Settled).await;
        let open = Record { pull: Some(2), ..record(&acme(), "0190-b") };
        driven(store, &open, Stage::Open).await;
        assert_eq!(store.due_count(at(30)).await.expect("counts"), 0, "{}", place.name);
        assert_eq!(store.rouse(&acme(), SHOP, 9, at(10)).await.expect("rouses"), 0, "another pull request");
        assert_eq!(store.rouse(&acme(), "local:local:8", 1, at(10)).await.expect("rouses"), 0, "another repository");
        for number in [1, 2] {
            assert_eq!(store.rouse(&acme(), SHOP, number, at(10)).await.expect("rouses"), 1, "{}", place.name);
        }
        assert_eq!(store.due_count(at(30)).await.expect("counts"), 2, "{}", place.name);
        let mut claims = Vec::new();
        while let Some(claim) = store.claim(at(30), 60, "w").await.expect("claims") {
            claims.push(claim);
        }
        let over = claims.iter().find(|claim| claim.id == "0190-a").expect("claimed");
        // A hint that comes during the turn is not lost.
        store.rouse(&acme(), SHOP, 1, at(31)).await.expect("rouses");
        store.rest(over).await.expect("rests");
        let again = store.claim(at(32), 60, "w").await.expect("claims").expect("due again");
        assert_eq!(again.id, "0190-a", "{}", place.name);
        store.rest(&again).await.expect("rests");
        assert!(store.trouble(&acme(), "0190-a").await.expect("reads").is_none(), "nobody looks again");
        assert!(store.trouble(&acme(), "0190-b").await.expect("reads").is_some());
    }
}
