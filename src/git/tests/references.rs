use super::*;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

fn commits(b: &Bench, n: i64) -> Vec<Oid> {
    let tree = b.mirror.write_new(&files(&[("a", "1")])).expect("a tree");
    (0..n).map(|second| b.commit(&tree, &[], second)).collect()
}

#[test]
fn a_ref_moves_only_from_where_it_is() {
    let b = bench();
    let c = commits(&b, 3);
    let name = "refs/heads/x/y";
    let step = |old: Option<usize>, new: Option<usize>| {
        b.mirror.move_reference(name, old.map(|i| &c[i]), new.map(|i| &c[i])).expect("answers")
    };
    assert!(!step(Some(0), Some(1)), "there is none yet");
    assert!(!step(Some(0), None), "nothing to remove");
    assert!(step(None, Some(0)), "made");
    assert!(!step(None, Some(1)), "there is one already");
    assert!(!step(None, Some(0)), "even at the same commit");
    assert!(!step(Some(1), Some(2)), "it stands elsewhere");
    assert!(step(Some(0), Some(1)), "moved");
    assert!(step(Some(1), Some(1)), "stays");
    assert!(!step(Some(0), None), "it stands elsewhere");
    assert_eq!(b.mirror.reference(name).expect("reads"), Some(c[1].clone()));
    assert!(step(Some(1), None), "removed");
    assert_eq!(b.mirror.reference(name).expect("reads"), None);
    assert!(step(None, None));
}

#[test]
fn packed_refs_are_compared_as_well() {
    let b = bench();
    let c = commits(&b, 2);
    let name = "refs/heads/main";
    assert!(b.mirror.move_reference(name, None, Some(&c[0])).expect("moves"));
    if git(b.mirror.path(), &["pack-refs", "--all", "--prune"]).is_none() {
        return;
    }
    assert!(!b.mirror.move_reference(name, None, Some(&c[1])).expect("answers"));
    assert!(!b.mirror.move_reference(name, Some(&c[1]), None).expect("answers"));
    assert!(b.mirror.move_reference("refs/heads/main/below", None, Some(&c[1])).is_err());
    assert!(b.mirror.move_reference(name, Some(&c[0]), None).expect("moves"));
    assert_eq!(b.mirror.reference(name).expect("reads"), None);
}

#[test]
fn of_many_at_once_one_wins() {
    let b = bench();
    let c = commits(&b, 9);
    for round in 0..6 {
        let name = format!("refs/countersign/race/{round}");
        for old in [None, Some(())] {
            let before = b.mirror.reference(&name).expect("reads");
            assert_eq!(before.is_some(), old.is_some());
            let (wins, gate) = (AtomicU32::new(0), Barrier::new(8));
            std::thread::scope(|scope| {
                for new in &c[1..] {
                    scope.spawn(|| {
                        let other = Mirror::existing(b.mirror.path()).expect("opens");
                        gate.wait();
                        if before.as_ref() != Some(new)
                            && other.move_reference(&name, before.as_ref(), Some(new)).expect("answers")
                        {
                            wins.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                }
            });
            assert_eq!(wins.load(Ordering::SeqCst), 1);
        }
    }
}

#[test]
fn a_lock_of_somebody_else_is_busy_not_broken() {
    let b = bench();
    let c = commits(&b, 2);
    assert!(b.mirror.move_reference("refs/heads/main", None, Some(&c[0])).expect("moves"));
    let lock = b.mirror.path().join("refs/heads/main.lock");
    std::fs::write(&lock, "").expect("locks");
    let held = b.mirror.move_reference("refs/heads/main", Some(&c[0]), Some(&c[1]));
    assert!(matches!(held, Err(GitError::Busy(_))), "{held:?}");
    std::fs::remove_file(&lock).expect("unlocks");
    assert!(b.mirror.move_reference("refs/heads/main", Some(&c[0]), Some(&c[1])).expect("moves"));
}

#[test]
fn names_that_are_none_are_refused() {
    let b = bench();
    for bad in ["", "refs/heads/", "refs/heads/a..b", "refs/heads/a b", "refs/heads/-\0", "refs/heads/a.lock", "main~1"]
    {
        assert!(b.mirror.reference(bad).is_err(), "{bad:?}");
        assert!(b.mirror.move_reference(bad, None, None).is_err(), "{bad:?}");
    }
}

#[test]
fn refs_are_listed_by_their_beginning() {
    let b = bench();
    let c = commits(&b, 1);
    for name in ["refs/countersign/pulls/10", "refs/countersign/pulls/9", "refs/countersign/pullsx", "refs/heads/main"]
    {
        assert!(b.mirror.move_reference(name, None, Some(&c[0])).expect("moves"));
    }
    let names = |prefix: &str| -> Vec<String> {
        b.mirror.references(prefix).expect("lists").into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names("refs/countersign/pulls/"), ["refs/countersign/pulls/10", "refs/countersign/pulls/9"]);
    assert_eq!(names("refs/heads/"), ["refs/heads/main"]);
    assert!(names("refs/h*ads/").is_empty());
    assert_eq!(b.mirror.default_branch().expect("reads").as_deref(), Some("main"));
}
