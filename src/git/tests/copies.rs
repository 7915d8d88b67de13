use super::*;

/// How many loose objects a repository has.
fn loose(path: &Path) -> usize {
    let two = std::fs::read_dir(path.join("objects")).expect("reads").flatten();
    two.filter(|d| d.file_name().len() == 2).filter_map(|d| std::fs::read_dir(d.path()).ok()).flatten().count()
}

fn origin(dir: &Path, n: usize) -> (std::path::PathBuf, Oid) {
    let path = dir.join("origin.git");
    let many: BTreeMap<String, Vec<u8>> =
        (0..n).map(|n| (format!("apps/a{}/f{n}.yaml", n / 50), format!("n: {n}\n").into_bytes())).collect();
    let at = Time::default().plus_seconds(1_700_000_000);
    let commit = repository::create_bare(&path, &many, "main", &user(), at).expect("makes");
    (path, commit)
}

#[test]
fn a_mirror_reads_another_repository_and_copies_only_what_is_new() {
    let b = bench();
    let (path, first) = origin(b.dir.path(), 1000);
    let mirror = Mirror::open(&b.dir.path().join("m.git"), Some(&path)).expect("opens");
    let tree = mirror.tree(&first).expect("reads");
    assert_eq!(mirror.list(&tree, "", 2000).expect("lists").len(), 1000);
    let tree = mirror.write(&tree, &[change("apps/a0/f0.yaml", Some("n: 1000\n"))]).expect("writes");
    let new = NewCommit {
        tree,
        parents: vec![first.clone()],
        author_name: "x".to_owned(),
        author_email: "x@y".to_owned(),
        at: Time::default(),
        message: "x".to_owned(),
    };
    let commit = mirror.make_commit(&new).expect("commits");
    assert_eq!(loose(mirror.path()), 5, "one blob, three trees, one commit");
    assert!(!mirror.path().join("objects/info/alternates").exists());
    let before = loose(&path);
    mirror.copy_objects(&path, &commit).expect("copies");
    mirror.copy_objects(&path, &commit).expect("copies again");
    assert_eq!(loose(&path), before + 5);
    let origin = Mirror::existing(&path).expect("opens");
    assert!(origin.move_reference("refs/heads/x", None, Some(&commit)).expect("moves"));
    assert!(origin.descends(&commit, &first).expect("walks"));
    git(&path, &["fsck", "--strict", "--full"]);
}

#[test]
fn objects_that_come_later_are_seen() {
    let b = bench();
    let (path, first) = origin(b.dir.path(), 10);
    let mirror = Mirror::open(&b.dir.path().join("m.git"), Some(&path)).expect("opens");
    assert!(mirror.has(&first).expect("looks"));
    let origin = Mirror::existing(&path).expect("opens");
    let tree = origin.write(&origin.tree(&first).expect("reads"), &[change("late", Some("x"))]).expect("writes");
    assert!(mirror.has(&tree).expect("looks"));
    assert_eq!(mirror.list(&tree, "", 99).expect("lists").len(), 11);
    if git(&path, &["repack", "-a", "-d", "-q"]).is_none() {
        return;
    }
    assert_eq!(mirror.list(&mirror.tree(&first).expect("reads"), "", 99).expect("lists").len(), 10);
}

#[test]
fn a_whole_history_is_copied_children_first() {
    let b = bench();
    let mut tip: Option<Oid> = None;
    let mut tree = b.mirror.write_new(&files(&[("a", "0")])).expect("a tree");
    for n in 1..60 {
        tree = b.mirror.write(&tree, &[change(&format!("d{n}/f"), Some(&n.to_string()))]).expect("writes");
        let parents: Vec<&Oid> = tip.iter().collect();
        tip = Some(b.commit(&tree, &parents, n));
    }
    let tip = tip.expect("commits");
    let other = Mirror::open(&b.dir.path().join("other.git"), None).expect("opens");
    b.mirror.copy_objects(other.path(), &tip).expect("copies");
    assert_eq!(other.list(&other.tree(&tip).expect("reads"), "", 99).expect("lists").len(), 60);
    assert!(other.move_reference("refs/heads/main", None, Some(&tip)).expect("moves"));
    git(other.path(), &["fsck", "--strict", "--full"]);
}

#[test]
fn a_missing_object_is_an_error_and_leaves_nothing_half() {
    let b = bench();
    let absent = "1111111111111111111111111111111111111111".parse().expect("an id");
    let other = Mirror::open(&b.dir.path().join("other.git"), None).expect("opens");
    assert!(matches!(b.mirror.copy_objects(other.path(), &absent), Err(GitError::NotFound(_))));
    assert!(b.mirror.copy_objects(&b.dir.path().join("nowhere"), &absent).is_err());
}
