use super::*;
use crate::domain::redact::Redactor;
use crate::store::db::run;
use crate::store::log;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread")]
async fn l9_sixteen_writers_make_one_chain() {
    for place in places("l9").await {
        let other = place.again().await;
        let each: i64 = if std::env::var_os("COUNTERSIGN_FULL").is_some() { 1_000 } else { 20 };
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..16 {
            let store = if writer % 2 == 0 { place.store.clone() } else { other.clone() };
            writers.spawn(async move {
                for n in 0..each {
                    store.append(&acme(), &[note("writer.wrote")], at(n)).await.expect("appends");
                }
            });
        }
        while let Some(done) = writers.join_next().await {
            done.expect("a writer");
        }
        let all = u64::try_from(16 * each + 1).expect("small");
        assert_eq!(proven(&place.store, &acme()).await, all, "{}", place.name);
        let leaves = place.store.leaves(&acme(), 0, 100_000).await.expect("leaves");
        assert!(leaves.iter().enumerate().all(|(n, leaf)| leaf.seq == n as u64), "{}", place.name);
        assert_eq!(leaves.iter().map(|leaf| &leaf.bytes).collect::<BTreeSet<_>>().len() as u64, all);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l10_two_first_appends_make_one_genesis() {
    for place in empty_places("l10").await {
        let other = place.again().await;
        let (first, second) = (place.store.clone(), other.clone());
        let one = tokio::spawn(async move { first.ensure_tenant(&acme(), at(1), [1; 32]).await });
        let two = tokio::spawn(async move { second.ensure_tenant(&acme(), at(2), [2; 32]).await });
        let made = [one.await.unwrap().expect(place.name), two.await.unwrap().expect(place.name)];
        assert_eq!(made.iter().filter(|made| **made).count(), 1, "{}", place.name);
        assert_eq!(proven(&place.store, &acme()).await, 1, "{}", place.name);
        assert!(!other.ensure_tenant(&acme(), at(3), [3; 32]).await.expect("again"));
        assert!(matches!(other.append(&acme(), &[], at(3)).await, Err(StoreError::Invalid(_))));
    }
}

#[tokio::test]
async fn l11_who_began_earlier_and_commits_later_stands_later() {
    for place in places("l11").await {
        let other = place.again().await;
        let late = place.name == "postgres";
        let mut slow = if late { Some(place.store.db.write().await.expect("begins")) } else { None };
        other.append(&acme(), &[note("quick")], at(20)).await.expect("appends");
        match slow.take() {
            Some(mut tx) => {
                let mut head = log::lock(&mut tx, &acme()).await.expect("locks");
                log::append(&mut tx, &mut head, &acme(), &[note("slow")], at(10)).await.expect("appends");
                tx.commit().await.expect("commits");
            }
            None => {
                place.store.append(&acme(), &[note("slow")], at(10)).await.expect("appends");
            }
        }
        let leaves = place.store.leaves(&acme(), 1, 10).await.expect("leaves");
        let times: Vec<Time> = leaves.iter().map(|leaf| leaf.happened().expect("parses").at).collect();
        assert_eq!(times, [at(20), Time(at(20).0 + 1)], "{}", place.name);
        assert_eq!(proven(&place.store, &acme()).await, 3);
    }
}

#[tokio::test]
async fn l15_a_clock_set_back_does_not_set_the_log_back() {
    for place in places("l15").await {
        let store = &place.store;
        store.append(&acme(), &[note("before")], at(7_200)).await.expect("appends");
        store.append(&acme(), &[note("after"), note("after")], at(3_600)).await.expect("appends");
        assert_eq!(store.head(&acme()).await.expect("a head").at, Time(at(7_200).0 + 2), "{}", place.name);
        store.append(&acme(), &[note("later")], at(9_000)).await.expect("appends");
        assert_eq!(store.head(&acme()).await.expect("a head").at, at(9_000));
        assert_eq!(proven(store, &acme()).await, 5);
    }
}

#[tokio::test]
async fn l17_a_redacted_payload_is_gone_and_the_log_still_proves() {
    for place in places("l17").await {
        let store = &place.store;
        let secret =
            Event { proposal: Some("p-1".into()), ..Event::note("said", json!({"mail": "dana@acme.example"})) };
        store.append(&acme(), &[secret], at(1)).await.expect("appends");
        assert_eq!(store.redact(&acme(), &[1, 99], note("redaction.applied"), 0, at(2)).await.expect("redacts"), 2);
        let leaves = store.leaves(&acme(), 0, 10).await.expect("leaves");
        assert_eq!((leaves[1].payload.clone(), leaves[1].redacted_by), (None, Some(2)), "{}", place.name);
        let told = store.events(&acme(), "p-1").await.expect("events");
        assert_eq!((told[0].actor.clone(), told[0].payload.clone()), (None, None));
        assert_eq!(proven(store, &acme()).await, 3);
    }
}

#[tokio::test]
async fn what_is_appended_holds_no_secret_and_none_of_the_tenants_own_words() {
    for place in places("cleaned").await {
        let own = Redactor::default().with("acme-key-*", &[]).expect("a pattern");
        let store = place.store.clone().redacting([(acme(), own)].into());
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let said = Event::note("said", json!({"text": format!("with {token} and acme-key-77, plainly")}));
        store.append(&acme(), &[said.clone(), said], at(1)).await.expect("appends");
        let leaves = store.leaves(&acme(), 1, 10).await.expect("leaves");
        for leaf in &leaves {
            let kept = leaf.happened().expect("reads").payload.expect("a payload").to_string();
            assert!(!kept.contains("ghp_") && !kept.contains("acme-key"), "{}: {kept}", place.name);
            assert!(kept.contains("plainly") && kept.contains("[redacted]"), "{}: {kept}", place.name);
        }
        let nonces: Vec<&Vec<u8>> = leaves.iter().filter_map(|leaf| Some(&leaf.payload.as_ref()?.1)).collect();
        assert!(nonces.len() == 2 && nonces[0] != nonces[1], "{}: the same words are not known again", place.name);
        assert_eq!(proven(&store, &acme()).await, 3);
    }
}

#[tokio::test]
async fn a_hold_that_is_placed_while_others_look_for_one_is_kept() {
    for place in places("held").await {
        let store = &place.store;
        store.append(&acme(), &vec![note("said"); 600], at(1)).await.expect("appends");
        let seen = store.head(&acme()).await.expect("a head").size;
        store.append(&acme(), &[note("hold.placed"), note("said")], at(2)).await.expect("appends");
        let redacted = store.redact(&acme(), &[1], note("redaction.applied"), seen, at(3)).await;
        let pruned = store.prune(&acme(), 256, note("log.pruned"), seen, at(3)).await;
        for refused in [redacted, pruned] {
            let told = refused.expect_err("held").to_string();
            assert!(told.contains("put on hold meanwhile, by entry 601"), "{}: {told}", place.name);
        }
        assert_eq!(store.head(&acme()).await.expect("a head").size, seen + 2, "nothing says that anything went");
        assert!(store.leaves(&acme(), 1, 1).await.expect("leaves")[0].payload.is_some());
        store.append(&acme(), &[note("hold.lifted")], at(4)).await.expect("appends");
        store.redact(&acme(), &[1], note("redaction.applied"), seen, at(5)).await.expect("redacts");
        assert!(store.leaves(&acme(), 1, 1).await.expect("leaves")[0].payload.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l21_an_export_while_writing_is_a_prefix() {
    for place in places("l21").await {
        let writer = place.again().await;
        let task = tokio::spawn(async move {
            for n in 0..60 {
                writer.append(&acme(), &[note("written"), note("written")], at(n)).await.expect("appends");
            }
        });
        let mut kept = Vec::new();
        while !task.is_finished() {
            let head = place.store.head(&acme()).await.expect("a head");
            assert!(proven(&place.store, &acme()).await >= head.size, "{}", place.name);
            kept.push(head);
            tokio::task::yield_now().await;
        }
        task.await.expect("a writer");
        let leaves = place.store.leaves(&acme(), 0, 1_000).await.expect("leaves");
        let hashes: Vec<Digest> = leaves.iter().map(|leaf| crate::domain::audit::leaf_hash(&leaf.bytes)).collect();
        for head in kept {
            let size = usize::try_from(head.size).expect("small");
            assert_eq!(crate::domain::audit::root(&hashes[..size]), head.root, "{} {size}", place.name);
        }
        assert_eq!(leaves.len(), 121);
    }
}

#[tokio::test]
async fn a_fork_is_a_constraint_error() {
    for place in places("fork").await {
        place.store.append(&acme(), &[note("one")], at(1)).await.expect("appends");
        let mut tx = place.store.db.write().await.expect("begins");
        let sql = "INSERT INTO audit_leaf (tenant, seq, prev, hash, proposal, bytes) \
                   SELECT tenant, 9, prev, hash, proposal, bytes FROM audit_leaf WHERE tenant = $1 AND seq = 1";
        let forked = run!(&mut tx, sql, "acme");
        assert!(matches!(forked, Err(StoreError::Conflict(_))), "{}: {forked:?}", place.name);
    }
}

#[tokio::test]
async fn a_log_of_another_instance_is_refused() {
    for place in places("instance").await {
        let Some(url) = &place.url else { continue };
        let other = Store::open(url, "elsewhere.example").await.expect("opens");
        let refused = other.ensure_tenant(&acme(), at(5), [1; 32]).await.expect_err("another log").to_string();
        assert!(refused.contains("set `instance` back"), "{refused}");
    }
}
