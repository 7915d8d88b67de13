use super::*;
use crate::domain::audit::{Checkpoint, Pruned, is_beginning, is_included, leaf_hash, root};
use std::collections::BTreeSet;

async fn filled(store: &Store, count: usize) {
    for _ in 0..count / 50 {
        store.append(&acme(), &vec![note("grows"); 50], at(1)).await.expect("appends");
    }
}

#[tokio::test]
async fn l20_what_was_pruned_is_gone_and_all_later_proofs_hold() {
    for place in places("l20").await {
        let store = &place.store;
        filled(store, 900).await;
        let all = store.leaves(&acme(), 0, 2_000).await.expect("leaves");
        let hashes: Vec<Digest> = all.iter().map(|leaf| leaf_hash(&leaf.bytes)).collect();
        for (before, wanted) in [(300, "multiple"), (0, "gone already"), (1024, "has to stay")] {
            let refused =
                store.prune(&acme(), before, note("log.pruned"), 0, at(2)).await.expect_err(wanted).to_string();
            assert!(refused.contains(wanted), "{}: {refused}", place.name);
        }
        assert_eq!(proven(store, &acme()).await, 901, "nothing was pruned by a refusal");
        // Roots that an older version did not keep are made now.
        let mut tx = store.db.write().await.expect("begins");
        crate::store::db::run!(&mut tx, "DELETE FROM audit_tile WHERE tenant = $1", "acme").expect("deletes");
        tx.commit().await.expect("commits");

        assert_eq!(store.prune(&acme(), 256, note("log.pruned"), 0, at(2)).await.expect("prunes"), 901);
        assert_eq!(store.prune(&acme(), 768, note("log.pruned"), 0, at(3)).await.expect("prunes"), 902);
        let head = store.head(&acme()).await.expect("a head");
        assert_eq!((head.first, head.size), (768, 903), "{}", place.name);
        let left = store.leaves(&acme(), 0, 2_000).await.expect("leaves");
        assert_eq!((left.first().map(|leaf| leaf.seq), left.len()), (Some(768), 135));
        let hashes: Vec<Digest> =
            hashes.into_iter().chain(left.iter().skip(133).map(|leaf| leaf_hash(&leaf.bytes))).collect();
        assert_eq!((hashes.len(), root(&hashes)), (903, head.root));
        for size in [768_u64, 769, 800, 900, 903] {
            let at_size = root(&hashes[..usize::try_from(size).expect("small")]);
            assert_eq!(store.root_at(&acme(), size).await.expect("a root"), at_size, "{} {size}", place.name);
            let path = store.consistency(&acme(), size, 903).await.expect("a path");
            assert!(is_beginning((size, at_size), (903, head.root), &path), "{} {size}", place.name);
            for index in (768..size).step_by(7) {
                let path = store.inclusion(&acme(), index, size).await.expect("a path");
                let leaf = hashes[usize::try_from(index).expect("small")];
                assert!(is_included(leaf, index, size, &path, at_size), "{} {index} of {size}", place.name);
            }
        }
        for gone in [0, 255, 767] {
            let told = store.inclusion(&acme(), gone, 903).await.expect_err("pruned").to_string();
            assert!(told.contains("before 768 were pruned"), "{told}");
            assert!(store.root_at(&acme(), gone.max(1)).await.is_err());
            assert!(store.consistency(&acme(), gone.max(1), 903).await.is_err());
        }
        // No index is used again.
        let places: Vec<u64> = store
            .append(&acme(), &[note("after"), note("after")], at(4))
            .await
            .expect("appends")
            .into_iter()
            .map(|(index, _)| index)
            .collect();
        assert_eq!(places, [903, 904]);
    }
}

/// An export of what is left verifies, says what is gone, and does not when it lies about that.
#[tokio::test]
async fn l20_an_export_of_a_pruned_log_verifies_and_says_so() {
    for place in places("l20x").await {
        let store = &place.store;
        filled(store, 600).await;
        let early = store.head(&acme()).await.expect("a head");
        let small = store.root_at(&acme(), 100).await.expect("a root");
        store.prune(&acme(), 512, note("log.pruned"), 0, at(2)).await.expect("prunes");
        let pruned = store.pruned(&acme()).await.expect("asks").expect("pruned");
        let lines = lines(store).await;
        let of = |pruned: Option<Pruned>, lines: &[String], kept: Option<(u64, Digest)>| {
            let (store, lines) = (store.clone(), lines.to_vec());
            async move { verified(&store, pruned, &lines, kept).await }
        };
        let report = of(Some(pruned.clone()), &lines, Some((early.size, early.root))).await.expect("verifies");
        assert_eq!((report.pruned, report.size), (512, 602), "{}", place.name);
        let at_cut = store.root_at(&acme(), 512).await.expect("a root");
        of(Some(pruned.clone()), &lines, Some((512, at_cut))).await.expect("verifies");
        let told = of(Some(pruned.clone()), &lines, Some((100, small))).await.expect_err("too old");
        assert!(told.contains("were pruned: keep a newer one"), "{told}");

        let mut lies = vec![("nothing was pruned", None, lines.clone())];
        let mut other = pruned.clone();
        other.roots[0] = Digest([1; 32]);
        lies.push(("another root", Some(other), lines.clone()));
        let mut other = pruned.clone();
        other.roots.push(Digest([1; 32]));
        lies.push(("a root more", Some(other), lines.clone()));
        lies.push(("one more is gone", Some(Pruned { before: 513, ..pruned.clone() }), lines[1..].to_vec()));
        lies.push(("the first is gone too", Some(pruned.clone()), lines[1..].to_vec()));
        lies.push(("more than there is", Some(Pruned { before: 1024, ..pruned.clone() }), lines.clone()));
        for (name, pruned, lines) in lies {
            assert!(of(pruned, &lines, None).await.is_err(), "{}: {name}", place.name);
        }
        // Somebody who writes the database removes what no entry names.
        let mut roots = store.clone().pruned(&acme()).await.expect("asks").expect("pruned").roots;
        let hashes: Vec<Digest> =
            store.leaves(&acme(), 512, 100).await.expect("leaves").iter().map(|l| leaf_hash(&l.bytes)).collect();
        roots.push(root(&hashes[..64]));
        let told = of(Some(Pruned { before: 576, roots }), &lines[64..], None).await.expect_err("nobody said so");
        assert!(told.contains("no entry says that they were pruned"), "{told}");
    }
}

#[tokio::test]
async fn l20_nothing_is_pruned_that_a_proposal_needs() {
    for place in places("l20p").await {
        let store = &place.store;
        filled(store, 300).await;
        let first = record(&acme(), "0190-a");
        received(store, &first).await;
        filled(store, 300).await;
        assert_eq!(store.prunable(&acme()).await.expect("asks"), 301, "{}", place.name);
        assert!(store.prune(&acme(), 512, note("log.pruned"), 0, at(2)).await.is_err());
        store.prune(&acme(), 256, note("log.pruned"), 0, at(2)).await.expect("prunes");
        store.commit(&step(&first, Stage::Dropped), at(3)).await.expect("over");
        store.prune(&acme(), 512, note("log.pruned"), 0, at(4)).await.expect("prunes");
        assert_eq!(store.events(&acme(), "0190-a").await.expect("events").len(), 1, "what is left of its story");
        let kinds: BTreeSet<String> = store
            .leaves(&acme(), 0, 2_000)
            .await
            .expect("leaves")
            .iter()
            .map(|l| l.happened().expect("reads").kind)
            .collect();
        assert!(kinds.contains("log.pruned"));
        assert!(verified(store, store.pruned(&acme()).await.expect("asks"), &lines(store).await, None).await.is_ok());
    }
}

async fn lines(store: &Store) -> Vec<String> {
    let leaves = store.leaves(&acme(), 0, 2_000).await.expect("leaves");
    let line = |leaf: &StoredLeaf| {
        let payload = leaf.payload.as_ref().map(|(payload, nonce)| (payload.as_slice(), nonce.as_slice()));
        let entry = crate::domain::audit::Entry::stored(leaf.seq, &leaf.bytes, payload, leaf.redacted_by);
        serde_json::to_string(&entry).expect("prints")
    };
    leaves.iter().map(line).collect()
}

async fn verified(
    store: &Store,
    pruned: Option<Pruned>,
    lines: &[String],
    kept: Option<(u64, Digest)>,
) -> std::result::Result<crate::domain::audit::Report, String> {
    use crate::domain::audit::{Manifest, Verifier, Want};
    let Head { origin, size, root, .. } = store.head(&acme()).await.expect("a head");
    let kept = kept.map(|(size, root)| Checkpoint { origin: origin.clone(), size, root });
    let manifest = Manifest { v: 1, origin, tenant: acme(), size, root, parts: Vec::new(), only: None, pruned };
    let told = |broken: crate::domain::audit::Broken| broken.to_string();
    let mut verifier = Verifier::new(manifest, Want { kept, own: false }).map_err(told)?;
    for line in lines {
        verifier.line(line).map_err(told)?;
    }
    verifier.finish().map_err(told)
}
