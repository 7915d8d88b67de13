use super::*;
use crate::domain::lifecycle::HealthReport;

#[tokio::test]
async fn tm53_the_same_delivery_twice_is_one() {
    for place in places("tm53").await {
        let store = &place.store;
        let deliver =
            async |repository, id| store.deliver(&acme(), repository, id, "push", b"{}", at(1)).await.expect("keeps");
        assert!(deliver("local:local:7", "d-1").await, "{}", place.name);
        assert!(!deliver("local:local:7", "d-1").await, "{}", place.name);
        assert!(deliver("local:local:8", "d-1").await, "another repository's id is another id");
        let pending = store.pending_deliveries(10).await.expect("reads");
        assert_eq!(pending.len(), 2);
        assert_eq!(store.pending_deliveries(10).await.expect("reads"), pending, "a crash here: seen again");
        for delivery in &pending {
            store.delivered(delivery, at(2)).await.expect("done");
        }
        assert!(store.pending_deliveries(10).await.expect("reads").is_empty());
        assert!(!deliver("local:local:7", "d-1").await, "processed and still known");
        assert_eq!(store.forget_deliveries(at(1)).await.expect("forgets"), 0);
        assert_eq!(store.forget_deliveries(at(9)).await.expect("forgets"), 2, "{}", place.name);
    }
}

#[tokio::test]
async fn a_health_report_is_kept_in_order_and_wakes() {
    for place in places("health").await {
        let store = &place.store;
        driven(store, &record(&acme(), "0190-a"), Stage::Merged).await;
        let revision: crate::domain::ids::Oid = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3".parse().expect("an id");
        let report = |result, seconds| HealthReport {
            reporter: "argocd".into(),
            result,
            revision: Some(revision.clone()),
            note: "Synced".into(),
            at: at(seconds),
            severe: false,
            since: None,
        };
        let sent = [report(Judgement::Good, 20), report(Judgement::Bad, 10)];
        for report in [&sent[0], &sent[1], &sent[0]] {
            store.report(&acme(), "0190-a", report).await.expect("keeps");
        }
        assert_eq!(store.reports(&acme(), "0190-a").await.expect("reads"), sent, "{}", place.name);
        assert_eq!(store.next_due().await.expect("reads"), Some(at(10)), "{}", place.name);
        assert!(matches!(store.report(&acme(), "0190-b", &sent[0]).await, Err(StoreError::NotFound(_))));
    }
}

#[tokio::test]
async fn of_many_health_reports_the_oldest_goes_and_a_bad_one_last() {
    for place in places("ring").await {
        let store = &place.store;
        driven(store, &record(&acme(), "0190-a"), Stage::Merged).await;
        let report = |n: i64, result| HealthReport {
            reporter: "argocd".into(),
            result,
            revision: None,
            note: n.to_string(),
            at: at(10),
            severe: false,
            since: None,
        };
        let send = async |n, result| store.report(&acme(), "0190-a", &report(n, result)).await.expect("keeps");
        send(0, Judgement::Bad).await;
        for n in 1..=100 {
            send(n, Judgement::Good).await;
        }
        let notes = async || {
            let kept = store.reports(&acme(), "0190-a").await.expect("reads");
            kept.into_iter().map(|report| report.note).collect::<Vec<_>>()
        };
        let kept = notes().await;
        assert_eq!((kept.len(), kept[0].as_str(), kept[1].as_str(), kept[99].as_str()), (100, "0", "2", "100"));
        send(50, Judgement::Good).await;
        assert_eq!(notes().await, kept, "one that is kept already takes no room: {}", place.name);
        for n in 101..=200 {
            send(n, Judgement::Bad).await;
        }
        let kept = notes().await;
        assert_eq!((kept.len(), kept[0].as_str(), kept[99].as_str()), (100, "101", "200"), "{}", place.name);
    }
}
