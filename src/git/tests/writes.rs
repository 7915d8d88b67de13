use super::*;

#[test]
fn only_the_files_of_the_change_differ() {
    let b = bench();
    let base = b.mirror.write_new(&files(&[("a/b/c", "1"), ("a/d", "2"), ("e", "3")])).expect("a tree");
    let changes = [change("a/b/c", Some("one")), change("new/dir/f", Some("4")), change("e", None)];
    let tree = b.mirror.write(&base, &changes).expect("writes");
    assert_eq!(b.mirror.list(&tree, "", 9).expect("lists"), ["a/b/c", "a/d", "new/dir/f"]);
    assert_eq!(b.text(&tree, "a/b/c"), Some(("one".to_owned(), 0o100_644)));
    assert_eq!(b.text(&tree, "a/d"), Some(("2".to_owned(), 0o100_644)));
    assert_eq!(b.mirror.write(&tree, &[]).expect("writes"), tree);
}

#[test]
fn an_executable_file_stays_executable() {
    let b = bench();
    let base = b.odd_tree(&[("run.sh", 0o100_755, "old")]);
    let tree = b.mirror.write(&base, &[change("run.sh", Some("new"))]).expect("writes");
    assert_eq!(b.text(&tree, "run.sh"), Some(("new".to_owned(), 0o100_755)));
}

#[test]
fn a_directory_left_empty_goes_away() {
    let b = bench();
    let base = b.mirror.write_new(&files(&[("a/b/c", "1"), ("d", "2")])).expect("a tree");
    let tree = b.mirror.write(&base, &[change("a/b/c", None)]).expect("writes");
    assert_eq!(b.mirror.node(&tree, "a").expect("reads"), None);
    let swapped = b.mirror.write(&base, &[change("d", None), change("d/e", Some("x"))]).expect("writes");
    assert_eq!(b.text(&swapped, "d/e"), Some(("x".to_owned(), 0o100_644)));
    let flat = b.mirror.write(&base, &[change("a/b/c", None), change("a", Some("x"))]).expect("writes");
    assert_eq!(b.text(&flat, "a"), Some(("x".to_owned(), 0o100_644)));
}

#[test]
fn links_and_submodules_are_not_written_through() {
    let b = bench();
    let sub = "1111111111111111111111111111111111111111";
    let base = b.odd_tree(&[("link", 0o120_000, "/etc"), ("module", 0o160_000, sub), ("file", 0o100_644, "x")]);
    for path in ["link", "link/passwd", "module", "module/a"] {
        for text in [Some("x"), None] {
            let refused = b.mirror.write(&base, &[change(path, text)]);
            assert!(matches!(refused, Err(GitError::Link(_))), "{path}: {refused:?}");
        }
    }
    assert!(matches!(b.mirror.write(&base, &[change("file/below", Some("x"))]), Err(GitError::Other(_))));
    assert!(matches!(b.mirror.write(&base, &[change("absent", None)]), Err(GitError::NotFound(_))));
}

#[test]
fn paths_that_are_none_are_refused() {
    let b = bench();
    let base = b.mirror.write_new(&files(&[("a/b", "1")])).expect("a tree");
    let bad =
        ["", "/", "/a", "a/", "a//b", ".", "..", "../x", "a/../b", ".git", ".git/config", "a/.GIT/x", "a\0b", "a"];
    for path in bad {
        assert!(b.mirror.write(&base, &[change(path, Some("x"))]).is_err(), "{path:?}");
    }
    let twice = [change("x", Some("1")), change("x", Some("2"))];
    assert!(b.mirror.write(&base, &twice).is_err());
    let deep = vec!["d"; 600].join("/");
    assert!(matches!(b.mirror.write(&base, &[change(&deep, Some("x"))]), Err(GitError::TooLarge { .. })));
}

#[test]
fn the_same_fields_give_the_same_commit() {
    let b = bench();
    let tree = b.mirror.write_new(&files(&[("a", "1")])).expect("a tree");
    let first = b.commit(&tree, &[], 0);
    assert_eq!(first, b.commit(&tree, &[], 0));
    assert_ne!(first, b.commit(&tree, &[], 1));
    let read = b.mirror.commit(&first).expect("reads");
    assert_eq!((read.tree, read.parents, read.time.seconds()), (tree, vec![], 1_700_000_000));
    assert_eq!((read.author_name.as_str(), read.message.as_str()), ("dana", "a change\n"));
}

#[test]
fn an_author_cannot_add_headers() {
    let b = bench();
    let tree = b.mirror.write_new(&files(&[("a", "1")])).expect("a tree");
    for name in ["x\nparent 1", "x <y>", "", "\0"] {
        let new = NewCommit {
            tree: tree.clone(),
            parents: Vec::new(),
            author_name: name.to_owned(),
            author_email: "a@b".to_owned(),
            at: Time::default(),
            message: String::new(),
        };
        assert!(b.mirror.make_commit(&new).is_err(), "{name:?}");
    }
    let (name, email) = repository::identity(&User { id: 3, login: "a<b>\nc d".to_owned() });
    assert_eq!((name.as_str(), email.as_str()), ("abc d", "3+abcd@users.local"));
}

#[test]
fn what_is_written_passes_fsck() {
    let b = bench();
    let base = b.mirror.write_new(&files(&[("a/b", "1"), ("a.b", "2"), ("a-b", "3")])).expect("a tree");
    let tree = b.mirror.write(&base, &[change("a0/x", Some("1")), change("a/c/d", Some("2"))]).expect("writes");
    let commit = b.commit(&tree, &[&b.commit(&base, &[], 0)], 1);
    assert!(b.mirror.move_reference("refs/heads/main", None, Some(&commit)).expect("moves"));
    git(b.mirror.path(), &["fsck", "--strict", "--full"]);
}
