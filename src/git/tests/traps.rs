use super::*;
use std::os::unix::fs::PermissionsExt as _;

/// Runs everything this room can do, with this path changed.
fn everything(b: &Bench, origin: &Path) {
    let mirror = Mirror::open(&b.dir.path().join("trapped.git"), Some(origin)).expect("opens");
    let first = mirror_tip(origin);
    let tree = mirror.tree(&first).expect("reads");
    for path in mirror.list(&tree, "", 99).expect("lists") {
        let Some(Node::File { oid, .. }) = mirror.node(&tree, &path).expect("reads") else { panic!("a file") };
        mirror.read(&oid, 1 << 20).expect("reads");
    }
    let ours = side(&mirror, &first, "one\n2\n3\n4\n5\n", 1);
    let theirs = side(&mirror, &first, "1\n2\n3\n4\nfive\n", 2);
    assert_eq!(mirror.changes(&first, &ours).expect("compares").len(), 1);
    mirror.raw_diff(&first, &theirs).expect("compares");
    mirror.merge(&ours, &theirs).expect("merges");
    mirror.replay(&ours, &theirs, ("m", "m@n"), Time::default()).expect("replays");
    for commit in [&ours, &theirs] {
        mirror.copy_objects(origin, commit).expect("copies");
        let there = Mirror::existing(origin).expect("opens");
        assert!(there.move_reference("refs/heads/x", None, Some(commit)).expect("moves"));
        assert!(there.move_reference("refs/heads/x", Some(commit), None).expect("moves"));
    }
}

fn mirror_tip(origin: &Path) -> Oid {
    Mirror::existing(origin).expect("opens").reference("refs/heads/main").expect("reads").expect("there")
}

fn side(mirror: &Mirror, parent: &Oid, text: &str, second: i64) -> Oid {
    let tree = mirror.write(&mirror.tree(parent).expect("reads"), &[change("a.txt", Some(text))]).expect("writes");
    let new = NewCommit {
        tree,
        parents: vec![parent.clone()],
        author_name: "x".to_owned(),
        author_email: "x@y".to_owned(),
        at: Time::default().plus_seconds(second),
        message: "x".to_owned(),
    };
    mirror.make_commit(&new).expect("commits")
}

/// A program that leaves a mark when it is run.
fn trap(b: &Bench) -> (std::path::PathBuf, std::path::PathBuf) {
    let (program, mark) = (b.dir.path().join("trap.sh"), b.dir.path().join("sprung"));
    std::fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", mark.display())).expect("writes");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("sets");
    (program, mark)
}

fn origin(b: &Bench, attributes: &str) -> std::path::PathBuf {
    let path = b.dir.path().join("origin.git");
    let content = files(&[("a.txt", "1\n2\n3\n4\n5\n"), (".gitattributes", attributes)]);
    repository::create_bare(&path, &content, "main", &user(), Time::default()).expect("makes");
    path
}

#[test]
fn tm68_filters_textconv_and_merge_drivers_are_never_run() {
    let b = bench();
    let (program, mark) = trap(&b);
    let path = origin(&b, "* filter=trap diff=trap merge=trap\n");
    let program = program.display();
    let config = format!(
        "[filter \"trap\"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired = true\n\
         [diff \"trap\"]\n\ttextconv = {program}\n\tcommand = {program}\n[merge \"trap\"]\n\tdriver = {program} %O %A %B\n"
    );
    std::fs::create_dir_all(path.join("info")).expect("makes");
    std::fs::write(path.join("info/attributes"), "* filter=trap diff=trap merge=trap\n").expect("writes");
    let old = std::fs::read_to_string(path.join("config")).expect("reads");
    std::fs::write(path.join("config"), old + &config).expect("writes");
    everything(&b, &path);
    assert!(!mark.exists(), "{}", std::fs::read_to_string(&mark).unwrap_or_default());
}

#[test]
fn tm69_hooks_and_programs_of_the_config_are_never_run() {
    let b = bench();
    let (program, mark) = trap(&b);
    let path = origin(&b, "");
    let hooks = path.join("hooks");
    std::fs::create_dir_all(&hooks).expect("makes");
    let names = ["reference-transaction", "pre-receive", "update", "post-receive", "post-update", "post-commit"];
    for name in names.into_iter().chain(["pre-commit", "post-merge", "post-rewrite", "push-to-checkout", "pre-push"]) {
        std::fs::copy(&program, hooks.join(name)).expect("copies");
    }
    let program = program.display();
    let config = format!(
        "[core]\n\tsshCommand = {program}\n\tfsmonitor = {program}\n\thooksPath = {}\n\teditor = {program}\n\
         \tpager = {program}\n\taskPass = {program}\n\talternateRefsCommand = {program}\n[uploadpack]\n\
         \tpackObjectsHook = {program}\n[gpg]\n\tprogram = {program}\n[commit]\n\tgpgSign = true\n\
         [credential]\n\thelper = {program}\n[include]\n\tpath = {program}.missing\n",
        hooks.display()
    );
    let old = std::fs::read_to_string(path.join("config")).expect("reads");
    std::fs::write(path.join("config"), old + &config).expect("writes");
    everything(&b, &path);
    assert!(!mark.exists(), "{}", std::fs::read_to_string(&mark).unwrap_or_default());
    assert!(!Mirror::open(&b.dir.path().join("new.git"), None).expect("opens").path().join("hooks/update").exists());
}

#[test]
fn tm69_the_trap_itself_works() {
    let b = bench();
    let (program, mark) = trap(&b);
    let run = Command::new(&program).stdin(std::process::Stdio::null()).status().expect("runs");
    assert!(run.success() && mark.exists());
}

#[test]
fn nobody_pushes_to_the_refs_of_the_local_forge() {
    let b = bench();
    let path = origin(&b, "");
    let other = b.dir.path().join("other.git");
    let place = path.to_str().expect("text");
    if git(b.dir.path(), &["clone", "-q", "--bare", place, other.to_str().expect("text")]).is_none() {
        return;
    }
    git(&other, &["push", "-q", place, "main:refs/heads/fine"]);
    let push = |name: &str| {
        let arguments = ["push", "-q", place, &format!("main:{name}")];
        Command::new("git").arg("-C").arg(&other).args(arguments).output().expect("runs").status.success()
    };
    assert!(!push("refs/countersign/pulls/1"));
    assert!(!push("refs/countersign/protection"));
    let first = mirror_tip(&path);
    let there = Mirror::existing(&path).expect("opens");
    assert!(there.move_reference("refs/countersign/pulls/1", None, Some(&first)).expect("moves"));
}
