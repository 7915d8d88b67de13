use super::*;
use std::time::Duration;

/// Whether it rings within two seconds.
async fn rings(bell: &mut Bell) -> bool {
    tokio::time::timeout(Duration::from_secs(2), bell.rung()).await.is_ok()
}

/// Swallows what rang before.
async fn quiet(bell: &mut Bell) {
    while tokio::time::timeout(Duration::from_millis(200), bell.rung()).await.is_ok() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bell_rings_for_what_becomes_due() {
    for place in places("bells").await {
        let store = &place.store;
        let mut bell = store.bell();
        quiet(&mut bell).await;
        received(store, &record(&acme(), "0190-a")).await;
        assert!(rings(&mut bell).await, "{}: a proposal", place.name);
        quiet(&mut bell).await;
        store.wake(&acme(), WakeBy::Id("0190-a"), at(1)).await.expect("wakes");
        assert!(rings(&mut bell).await, "{}: a hint", place.name);
        quiet(&mut bell).await;
        store.deliver(&acme(), "local:local:7", "d", "push", b"{}", at(1)).await.expect("keeps");
        assert!(rings(&mut bell).await, "{}: a delivery", place.name);
        quiet(&mut bell).await;
        if place.name == "postgres" {
            // Everybody on the database rings, the other tests too: silence cannot be told there.
            continue;
        }
        store.wake(&acme(), WakeBy::Id("nobody"), at(1)).await.expect("wakes");
        assert!(tokio::time::timeout(Duration::from_millis(200), bell.rung()).await.is_err(), "{}", place.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_taken_in_by_one_replica_rings_at_another() {
    for place in places("replicas").await {
        let (Some(_), true) = (&place.url, place.name == "postgres") else { continue };
        let other = place.again().await;
        let mut bell = other.bell();
        for _ in 0..100 {
            if bell.is_live() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(bell.is_live(), "it listens");
        quiet(&mut bell).await;
        let begun = std::time::Instant::now();
        received(&place.store, &record(&acme(), "0190-a")).await;
        assert!(rings(&mut bell).await);
        println!("another replica heard after {} ms", begun.elapsed().as_millis());
        // A lost connection is made again, and what was missed is looked for.
        let admin = sqlx::PgPool::connect(place.url.as_deref().expect("an address")).await.expect("connects");
        let sql = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' \
                   AND pid <> pg_backend_pid()";
        sqlx::query(sql).execute(&admin).await.expect("ends the listener");
        assert!(rings(&mut bell).await, "something may have been missed");
        quiet(&mut bell).await;
        store_wakes(&place.store, &mut bell).await;
        // Closing does not wait for the listener.
        tokio::time::timeout(Duration::from_secs(5), other.close()).await.expect("closes");
    }
}

async fn store_wakes(store: &Store, bell: &mut Bell) {
    for _ in 0..20 {
        store.wake(&acme(), WakeBy::Id("0190-a"), at(1)).await.expect("wakes");
        if rings(bell).await {
            return;
        }
    }
    panic!("it does not listen again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_tried_again() {
    for place in places("deadlock").await {
        // Two writers lock the same two tenants' rows crosswise; only PostgreSQL lets both begin.
        let (Some(url), true) = (&place.url, place.name == "postgres") else { continue };
        received(&place.store, &record(&acme(), "0190-a")).await;
        let pool = sqlx::PgPool::connect(url).await.expect("connects");
        let mut other = pool.begin().await.expect("begins");
        let lock = "SELECT tenant FROM due WHERE tenant = 'acme' FOR UPDATE";
        sqlx::query(lock).execute(&mut *other).await.expect("locks");
        let store = place.store.clone();
        let waking = tokio::spawn(async move { store.wake(&acme(), WakeBy::Id("0190-a"), at(5)).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        // `wake` holds the head and waits for the item; we hold the item and ask for the head.
        let head = "SELECT tenant FROM audit_head WHERE tenant = 'acme' FOR UPDATE";
        let ours = sqlx::query(head).execute(&mut *other).await;
        drop(other);
        assert_eq!(waking.await.expect("ends").expect("is tried again"), 1);
        println!("the other side: {}", ours.map_or_else(|error| error.to_string(), |_| "went on".into()));
    }
}
