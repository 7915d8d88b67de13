//! A mirror stays whole when its objects are put together.

use super::{bench, files};
use crate::domain::ids::Oid;
use crate::git::tidy::Tidied;
use crate::git::{Mirror, Node};
use std::path::Path;

/// Files below a folder whose names end like this.
fn count(folder: &Path, end: &str) -> usize {
    let mut found = 0;
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        found += if path.is_dir() { count(&path, end) } else { usize::from(path.display().to_string().ends_with(end)) };
    }
    found
}

fn text(mirror: &Mirror, tree: &Oid, path: &str) -> Vec<u8> {
    match mirror.node(tree, path).expect("a tree") {
        Some(Node::File { oid, .. }) => mirror.read(&oid, 1 << 20).expect("a file"),
        other => panic!("{path} is {other:?}"),
    }
}

#[test]
fn thousands_of_loose_objects_become_one_pack() {
    let bench = bench();
    let all: Vec<(String, String)> = (0..4_200).map(|n| (format!("d{}/f{n}", n % 64), format!("text {n}\n"))).collect();
    let pairs: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let tree = bench.mirror.write_new(&files(&pairs)).expect("a tree");
    let done = bench.mirror.tidy().expect("tidies").expect("there was something to do");
    assert!(done.loose >= 4_264 && done.packs == 0, "{done:?}");
    let objects = bench.mirror.path().join("objects");
    assert_eq!((count(&objects, ".idx"), count(&objects, ".pack")), (1, 1));
    assert!(count(&objects, "") <= 3, "nothing is loose any more");
    for mirror in [&bench.mirror, &Mirror::existing(bench.mirror.path()).expect("opens")] {
        for (path, wanted) in &all {
            assert_eq!(text(mirror, &tree, path), wanted.as_bytes(), "{path}");
        }
    }
    assert_eq!(bench.mirror.tidy().expect("tidies"), None, "once is enough");
}

#[test]
fn many_packs_become_one_and_a_kept_one_stays() {
    let bench = bench();
    let objects = bench.mirror.path().join("objects");
    let mut trees = Vec::new();
    for n in 0..6 {
        trees.push(bench.mirror.write_new(&files(&[("a", &format!("text {n}\n"))])).expect("a tree"));
        assert_eq!(bench.mirror.tidy_over(0, 40).expect("tidies"), Some(Tidied { loose: 2, packs: 0 }));
        if n == 0 {
            let pack =
                std::fs::read_dir(objects.join("pack")).expect("packs").next().expect("one").expect("one").path();
            std::fs::write(pack.with_extension("keep"), "").expect("kept");
        }
    }
    assert_eq!(count(&objects, ".idx"), 6);
    assert_eq!(bench.mirror.tidy_over(0, 5).expect("tidies"), None, "five may be joined, and that is not too many");
    assert_eq!(bench.mirror.tidy_over(0, 4).expect("tidies"), Some(Tidied { loose: 0, packs: 5 }));
    assert_eq!(count(&objects, ".idx"), 2, "the joined one, and the one that is kept");
    for (n, tree) in trees.iter().enumerate() {
        assert_eq!(text(&bench.mirror, tree, "a"), format!("text {n}\n").as_bytes());
    }
}

#[test]
fn an_index_that_is_none_removes_nothing() {
    let bench = bench();
    let tree = bench.mirror.write_new(&files(&[("a", "one\n")])).expect("a tree");
    let folder = bench.mirror.path().join("objects/pack");
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["pack-1.idx", "pack-1.pack"] {
        std::fs::write(folder.join(name), "nonsense").expect("written");
    }
    let said = bench.mirror.tidy_over(0, 0).expect_err("it cannot be read").to_string();
    assert!(said.contains("pack-1.idx") && said.contains("no index"), "{said}");
    assert_eq!(text(&bench.mirror, &tree, "a"), b"one\n");
    assert!(folder.join("pack-1.pack").exists());
}
