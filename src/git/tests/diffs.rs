use super::*;

/// Compares with the git program, both ways.
fn same_as_git(b: &Bench, from: &Oid, to: &Oid) {
    for (from, to) in [(from, to), (to, from)] {
        let ours = b.mirror.raw_diff(from, to).expect("compares");
        let arguments = ["diff-tree", "-r", "-z", "--no-renames", from.as_str(), to.as_str()];
        if let Some(theirs) = git(b.mirror.path(), &arguments) {
            assert_eq!(String::from_utf8_lossy(&ours), String::from_utf8_lossy(&theirs));
            assert_eq!(ours, theirs);
        }
    }
}

#[test]
fn the_raw_diff_is_that_of_git() {
    let b = bench();
    let sub = b.mirror.write_new(&files(&[("x", "1"), ("y/z", "2")])).expect("a tree");
    let module = "1111111111111111111111111111111111111111";
    let from = b.odd_tree(&[
        ("a", 0o100_644, "file"),
        ("a-b", 0o100_644, "1"),
        ("a.b", 0o100_644, "1"),
        ("dir", 0o040_000, sub.as_str()),
        ("gone", 0o100_644, "1"),
        ("link", 0o120_000, "a"),
        ("mode", 0o100_644, "same"),
        ("module", 0o160_000, module),
        ("to-module", 0o100_644, "1"),
    ]);
    let to = b.odd_tree(&[
        ("a", 0o040_000, sub.as_str()),
        ("a-b", 0o100_644, "2"),
        ("a.b", 0o100_755, "2"),
        ("a0", 0o100_644, "1"),
        ("dir", 0o100_644, "now a file"),
        ("line\nfeed \"quoted\" \u{e9}", 0o100_644, "1"),
        ("link", 0o100_644, "a"),
        ("mode", 0o100_755, "same"),
        ("module", 0o160_000, "2222222222222222222222222222222222222222"),
        ("to-module", 0o160_000, module),
    ]);
    same_as_git(&b, &from, &to);
    same_as_git(&b, &b.commit(&from, &[], 0), &b.commit(&to, &[], 1));
    same_as_git(&b, &from, &from);
    let empty = b.mirror.write_new(&BTreeMap::new()).expect("a tree");
    same_as_git(&b, &empty, &to);
}

#[test]
fn the_raw_diff_has_its_known_form() {
    let b = bench();
    let from = b.mirror.write_new(&files(&[("k/a", "1\n")])).expect("a tree");
    let to = b.mirror.write(&from, &[change("k/a", Some("2\n"))]).expect("a tree");
    let want =
        ":100644 100644 d00491fd7e5bb6fa28c517a0bb32b8b506539d4d 0cfbf08886fca9a91cb753ec8734c84fcbe52c9f M\0k/a\0";
    assert_eq!(String::from_utf8(b.mirror.raw_diff(&from, &to).expect("compares")).expect("text"), want);
}

/// Many small trees with names that sort badly, made by a fixed linear congruence.
#[test]
fn many_trees_differ_as_git_says() {
    let b = bench();
    let mut seed = 1_u64;
    let mut next = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let names = ["a", "a.", "a-", "a0", "a/b", "a/b.", "a/b/c", "b", "b/c", "b-c"];
    let mut trees = Vec::new();
    for _ in 0..12 {
        let mut chosen = BTreeMap::new();
        for name in names {
            let clash = chosen
                .keys()
                .any(|other: &String| other.starts_with(&format!("{name}/")) || name.starts_with(&format!("{other}/")));
            if !clash && next(2) == 0 {
                chosen.insert(name.to_owned(), next(3).to_string().into_bytes());
            }
        }
        trees.push(b.mirror.write_new(&chosen).expect("a tree"));
    }
    for pair in trees.windows(2) {
        same_as_git(&b, &pair[0], &pair[1]);
    }
}

#[test]
fn changes_name_both_sides() {
    let b = bench();
    let from = b.mirror.write_new(&files(&[("a", "1"), ("b", "2")])).expect("a tree");
    let to =
        b.mirror.write(&from, &[change("a", None), change("b", Some("3")), change("c", Some("4"))]).expect("a tree");
    let changes = b.mirror.changes(&from, &to).expect("compares");
    let shape: Vec<_> = changes.iter().map(|c| (c.path.as_str(), c.old.is_some(), c.new.is_some())).collect();
    assert_eq!(shape, [("a", true, false), ("b", true, true), ("c", false, true)]);
    assert_eq!(changes[1].old.as_ref().map(|side| side.0), Some(0o100_644));
}

#[test]
fn a_path_that_is_no_text_is_not_hidden() {
    let b = bench();
    let from = b.mirror.write_new(&BTreeMap::new()).expect("a tree");
    let made = b.mirror.with(|repo| {
        let mut builder = repo.treebuilder(None).expect("a builder");
        let name = std::ffi::CString::new(b"caf\xe9".to_vec()).expect("a name");
        builder.insert(name.as_bytes(), repo.blob(b"x").expect("a blob"), 0o100_644).expect("an entry");
        crate::git::ours(builder.write().expect("a tree"))
    });
    let to = made.expect("a tree");
    same_as_git(&b, &from, &to);
    assert!(matches!(b.mirror.changes(&from, &to), Err(GitError::Other(_))));
}
