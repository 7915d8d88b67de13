use super::*;

/// Run by hand: `cargo test --release -- --ignored --nocapture speed`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, and proves nothing"]
async fn speed_of_commits() {
    for place in places("speed").await {
        let first = record(&acme(), "0190-a");
        received(&place.store, &first).await;
        let begun = std::time::Instant::now();
        for n in 0..300 {
            place.store.commit(&step(&first, Stage::Received), at(n)).await.expect("commits");
        }
        let alone = 300.0 / begun.elapsed().as_secs_f64();
        let begun = std::time::Instant::now();
        for _ in 0..300 {
            place.store.stored(&acme(), "0190-a").await.expect("reads");
        }
        let reads = 300.0 / begun.elapsed().as_secs_f64();
        let begun = std::time::Instant::now();
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (store, transition) = (place.store.clone(), step(&first, Stage::Received));
            writers.spawn(async move {
                for n in 0..100 {
                    store.commit(&transition, at(n)).await.expect("commits");
                }
            });
        }
        writers.join_all().await;
        let together = 800.0 / begun.elapsed().as_secs_f64();
        println!("{}: {alone:.0} commits/s alone, {together:.0} with 8 writers, {reads:.0} reads/s", place.name);
    }
}

/// What a commit shared by several writers could come to at most: their entries in one transaction.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures, and proves nothing"]
async fn speed_of_shared_commits() {
    for place in places("speed_shared").await {
        for together in [1, 8, 16] {
            let begun = std::time::Instant::now();
            for n in 0..40 {
                place.store.append(&acme(), &vec![note("grows"); together], at(n)).await.expect("appends");
            }
            let rate = 40.0 * together as f64 / begun.elapsed().as_secs_f64();
            println!("{}: {rate:.0} entries/s, {together} to a transaction", place.name);
        }
    }
}
