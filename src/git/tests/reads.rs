use super::*;

const SUBMODULE: &str = "1111111111111111111111111111111111111111";

fn odd(b: &Bench) -> Oid {
    let sub = b.mirror.write_new(&files(&[("b.txt", "deep")])).expect("a tree");
    b.odd_tree(&[
        ("dir", 0o040_000, sub.as_str()),
        ("run.sh", 0o100_755, "#!/bin/sh\n"),
        ("link", 0o120_000, "dir"),
        ("module", 0o160_000, SUBMODULE),
        ("plain", 0o100_644, "text\n"),
    ])
}

#[test]
fn a_path_is_what_stands_there() {
    let b = bench();
    let tree = odd(&b);
    let node = |path: &str| b.mirror.node(&tree, path).expect("reads");
    assert!(matches!(node("plain"), Some(Node::File { size: 5, mode: 0o100_644, .. })));
    assert!(matches!(node("run.sh"), Some(Node::File { mode: 0o100_755, .. })));
    assert!(matches!(node("dir/b.txt"), Some(Node::File { size: 4, .. })));
    assert!(matches!(node("dir"), Some(Node::Directory(_))));
    assert_eq!(node(""), Some(Node::Directory(tree.clone())));
    assert_eq!(node("link"), Some(Node::Link));
    assert_eq!(node("module"), Some(Node::Submodule));
    assert_eq!(node("link/b.txt"), Some(Node::Through("link".to_owned())));
    assert_eq!(node("module/x/y"), Some(Node::Through("module".to_owned())));
    for missing in ["nothing", "plain/x", "dir/", "/plain", "dir//b.txt", "dir/../plain", ".", "..", "a\0b", "PLAIN"] {
        assert_eq!(node(missing), None, "{missing:?}");
    }
}

#[test]
fn what_is_over_the_limit_is_not_loaded() {
    let b = bench();
    let tree = b.mirror.write_new(&files(&[("a", "12345")])).expect("a tree");
    let Some(Node::File { oid, .. }) = b.mirror.node(&tree, "a").expect("reads") else { panic!("a file") };
    assert_eq!(b.mirror.read(&oid, 5).expect("reads"), b"12345");
    assert!(matches!(b.mirror.read(&oid, 4), Err(GitError::TooLarge { .. })));
    assert!(matches!(b.mirror.read(&tree, 4), Err(GitError::Other(_))));
    let absent = SUBMODULE.parse().expect("an id");
    assert!(matches!(b.mirror.read(&absent, 4), Err(GitError::NotFound(_))));
    assert!(matches!(b.mirror.commit(&absent), Err(GitError::NotFound(_))));
}

#[test]
fn a_thousand_files_are_listed_sorted_and_counted() {
    let b = bench();
    let many: BTreeMap<String, Vec<u8>> =
        (0..1000).map(|n| (format!("d{}/e.{}/f{n}.yaml", n % 7, n % 3), format!("{n}").into_bytes())).collect();
    let tree = b.mirror.write_new(&many).expect("a tree");
    let all = b.mirror.list(&tree, "", 1000).expect("lists");
    assert_eq!(all, many.keys().cloned().collect::<Vec<_>>());
    let some = b.mirror.list(&tree, "d3/e.1", 1000).expect("lists");
    assert!(!some.is_empty() && some.iter().all(|path| path.starts_with("d3/e.1/")));
    assert!(matches!(b.mirror.list(&tree, "", 999), Err(GitError::TooLarge { .. })));
    assert!(matches!(b.mirror.list(&tree, "nowhere", 9), Err(GitError::NotFound(_))));
}

#[test]
fn links_and_submodules_are_neither_listed_nor_entered() {
    let b = bench();
    let tree = odd(&b);
    assert_eq!(b.mirror.list(&tree, "", 9).expect("lists"), ["dir/b.txt", "plain", "run.sh"]);
    assert!(matches!(b.mirror.list(&tree, "link", 9), Err(GitError::Link(_))));
    assert!(matches!(b.mirror.list(&tree, "module/x", 9), Err(GitError::Link(_))));
}

#[test]
fn a_bottomless_tree_is_refused_not_walked() {
    let b = bench();
    let mut tree = b.mirror.write_new(&files(&[("end", "x")])).expect("a tree");
    for _ in 0..600 {
        tree = b.odd_tree(&[("d", 0o040_000, tree.as_str())]);
    }
    assert!(matches!(b.mirror.list(&tree, "", 9), Err(GitError::TooLarge { .. })));
    let empty = b.mirror.write_new(&BTreeMap::new()).expect("a tree");
    assert!(matches!(b.mirror.raw_diff(&empty, &tree), Err(GitError::TooLarge { .. })));
}

#[test]
fn ancestors_are_known() {
    let b = bench();
    let tree = b.mirror.write_new(&files(&[("a", "1")])).expect("a tree");
    let first = b.commit(&tree, &[], 0);
    let second = b.commit(&tree, &[&first], 1);
    let other = b.commit(&tree, &[&first], 2);
    assert!(b.mirror.descends(&second, &first).expect("walks"));
    assert!(b.mirror.descends(&first, &first).expect("walks"));
    assert!(!b.mirror.descends(&first, &second).expect("walks"));
    assert!(!b.mirror.descends(&second, &other).expect("walks"));
    assert_eq!(b.mirror.merge_base(&second, &other).expect("walks"), Some(first));
}

#[test]
fn errors_name_the_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let said = |path: &Path| Mirror::existing(path).expect_err("an error").to_string();
    assert!(said(&dir.path().join("absent")).contains("absent"));
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).expect("makes");
    assert!(said(&empty).contains("no bare git repository"));
    let tree = dir.path().join("tree");
    git2::Repository::init(&tree).expect("makes");
    assert!(said(&tree).contains("not a bare repository"), "{}", said(&tree));
}

#[test]
fn a_mirror_whose_making_broke_off_is_made_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("a/b/m.git");
    std::fs::create_dir_all(path.join("objects/pack")).expect("makes");
    let mirror = Mirror::open(&path, None).expect("opens");
    let tree = mirror.write_new(&files(&[("a", "1")])).expect("a tree");
    assert!(Mirror::open(&path, None).expect("opens again").has(&tree).expect("looks"));
}
