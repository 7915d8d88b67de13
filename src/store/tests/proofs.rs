use super::*;
use crate::domain::audit::{Checkpoint, consistency_path, is_beginning, is_included, leaf_hash, root};
use crate::store::db::{rows, run};

/// The log, grown to some size in steps, and the heads it had on its way.
async fn grown(store: &Store, size: u64) -> Vec<(u64, Digest)> {
    let mut heads = Vec::new();
    loop {
        let head = store.head(&acme()).await.expect("a head");
        heads.push((head.size, head.root));
        let more = (size - head.size).min(61);
        if more == 0 {
            return heads;
        }
        let events: Vec<Event> = (0..more).map(|_| note("grows")).collect();
        store.append(&acme(), &events, at(1)).await.expect("appends");
    }
}

/// Every proof that the test asks for holds; a log without its kept roots gives the same ones.
#[tokio::test]
async fn l23_proofs_from_the_database_hold_with_and_without_kept_roots() {
    for place in places("l23").await {
        let store = &place.store;
        let heads = grown(store, 700).await;
        let leaves = store.leaves(&acme(), 0, 1_000).await.expect("leaves");
        let hashes: Vec<Digest> = leaves.iter().map(|leaf| leaf_hash(&leaf.bytes)).collect();
        let (whole, sizes) = (root(&hashes), [700_u64, 699, 513, 512, 511, 257, 256, 255, 3, 1]);
        let mut tx = store.db.read().await.expect("reads");
        let sql = "SELECT level, seq, hash FROM audit_tile WHERE tenant = $1 ORDER BY level, seq";
        let kept = rows!(&mut tx, (i64, i64, String), sql, "acme").expect("the kept roots");
        drop(tx);
        let each = |(n, part): (i64, &[Digest])| (8, n, root(part).to_string());
        let wanted: Vec<_> = (0..).zip(hashes[..512].chunks(256)).map(each).collect();
        assert_eq!(kept, wanted, "{}", place.name);
        let mut proofs = Vec::new();
        for kept in [true, false] {
            if !kept {
                let mut tx = store.db.write().await.expect("begins");
                let gone = run!(&mut tx, "DELETE FROM audit_tile WHERE tenant = $1", "acme").expect("deletes");
                assert_eq!(gone, 2, "{}: the roots of two times 256", place.name);
                tx.commit().await.expect("commits");
            }
            let mut all = Vec::new();
            for size in sizes {
                let root = root(&hashes[..usize::try_from(size).expect("small")]);
                assert_eq!(store.root_at(&acme(), size).await.expect("a root"), root, "{} {size}", place.name);
                for index in [0, 1, 255, 256, 300, 511, 512, 698, 699].into_iter().filter(|index| *index < size) {
                    let path = store.inclusion(&acme(), index, size).await.expect("a path");
                    let leaf = hashes[usize::try_from(index).expect("small")];
                    assert!(is_included(leaf, index, size, &path, root), "{} {index} of {size}", place.name);
                    all.push(path);
                }
            }
            for (size, root) in &heads {
                let path = store.consistency(&acme(), *size, 700).await.expect("a path");
                assert!(is_beginning((*size, *root), (700, whole), &path), "{} {size}", place.name);
                assert_eq!(path.len(), consistency_path(*size, 700).len());
                all.push(path);
            }
            proofs.push(all);
        }
        assert_eq!(proofs[0], proofs[1], "{}", place.name);
    }
}

#[tokio::test]
async fn l3_each_earlier_head_is_a_prefix_and_what_is_not_there_is_said() {
    for place in places("l3").await {
        let store = &place.store;
        grown(store, 40).await;
        for (index, size) in [(40, 40), (0, 41), (5, 5)] {
            assert!(matches!(store.inclusion(&acme(), index, size).await, Err(StoreError::NotFound(_))));
        }
        assert!(matches!(store.consistency(&acme(), 41, 40).await, Err(StoreError::NotFound(_))));
        assert!(matches!(store.root_at(&acme(), 41).await, Err(StoreError::NotFound(_))));
        assert!(matches!(store.root_at(&"nobody".parse().expect("a tenant"), 0).await, Err(StoreError::NotFound(_))));
    }
}

/// What was acknowledged is in the files at once: a copy of them is what a machine without power would find again.
#[tokio::test]
async fn l13_without_power_no_acknowledged_entry_is_missing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("live.db");
    let store = Store::open(&format!("sqlite:{}", path.display()), "countersign.local").await.expect("opens");
    store.ensure_tenant(&acme(), at(0), [7; 32]).await.expect("a tenant");
    for n in 0..12 {
        store.append(&acme(), &[note("acknowledged")], at(n)).await.expect("appends");
        let head = store.head(&acme()).await.expect("a head");
        let copy = dir.path().join(format!("copy-{n}.db"));
        let wal = |path: &std::path::Path| std::path::PathBuf::from(format!("{}-wal", path.display()));
        std::fs::copy(&path, &copy).expect("copies");
        std::fs::copy(wal(&path), wal(&copy)).expect("copies");
        // What was being written when the power went: part of a page that nobody was told of.
        let mut torn = std::fs::OpenOptions::new().append(true).open(wal(&copy)).expect("opens");
        std::io::Write::write_all(&mut torn, &[0x5a; 1_234]).expect("writes");
        drop(torn);
        let found = Store::open(&format!("sqlite:{}", copy.display()), "countersign.local").await.expect("opens");
        assert_eq!(found.head(&acme()).await.expect("a head"), head, "{n}");
        assert_eq!(proven(&found, &acme()).await, head.size, "{n}");
        found.close().await;
    }
}

/// A file that lost its end is an earlier log, never another one; a kept checkpoint tells.
#[tokio::test]
async fn l13_a_file_that_lost_its_end_is_an_earlier_log() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("live.db");
    let store = Store::open(&format!("sqlite:{}", path.display()), "countersign.local").await.expect("opens");
    store.ensure_tenant(&acme(), at(0), [7; 32]).await.expect("a tenant");
    let mut heads = Vec::new();
    for n in 0..30 {
        store.append(&acme(), &[note("acknowledged")], at(n)).await.expect("appends");
        heads.push(store.head(&acme()).await.expect("a head"));
    }
    let wal = std::path::PathBuf::from(format!("{}-wal", path.display()));
    let length = std::fs::metadata(&wal).expect("a file").len();
    let mut seen = std::collections::BTreeSet::new();
    for n in 1..8 {
        let copy = dir.path().join(format!("cut-{n}.db"));
        std::fs::copy(&path, &copy).expect("copies");
        let cut = std::path::PathBuf::from(format!("{}-wal", copy.display()));
        std::fs::copy(&wal, &cut).expect("copies");
        let file = std::fs::OpenOptions::new().write(true).open(&cut).expect("opens");
        file.set_len(length - length / 9 * n - 17).expect("cuts");
        let found = Store::open(&format!("sqlite:{}", copy.display()), "countersign.local").await.expect("opens");
        let Ok(head) = found.head(&acme()).await else { continue };
        assert!(head.size == 1 || heads.contains(&head), "{n}: {} entries", head.size);
        assert_eq!(proven(&found, &acme()).await, head.size, "{n}");
        seen.insert(head.size);
        found.close().await;
    }
    assert!(seen.len() > 2 && !seen.contains(&31), "{seen:?}");
}

#[tokio::test]
async fn l16_times_of_all_kinds_come_back_as_they_were() {
    for place in places("l16").await {
        let store = &place.store;
        // A microsecond, the second after a leap second, the last moment that a leaf can name.
        let moments = [1_800_000_000_000_001, 1_800_000_086_399_999, 7_258_118_400_000_000, (1 << 53) - 1];
        for moment in moments {
            store.append(&acme(), &[note("timed")], Time(moment)).await.expect("appends");
        }
        let leaves = store.leaves(&acme(), 1, 10).await.expect("leaves");
        let found: Vec<i64> = leaves.iter().map(|leaf| leaf.happened().expect("reads").at.0).collect();
        assert_eq!(found, moments, "{}", place.name);
        assert_eq!(proven(store, &acme()).await, 5);
    }
}

#[tokio::test]
async fn a_checkpoint_of_now_is_one_of_later_too() {
    for place in places("later").await {
        let store = &place.store;
        let heads = grown(store, 130).await;
        let (size, early) = heads[1];
        let note = Checkpoint { origin: "x".into(), size, root: store.root_at(&acme(), size).await.expect("a root") };
        assert_eq!(note.root, early, "{}", place.name);
    }
}
