use super::*;
use crate::git::merge::full;
use crate::git::read::find_commit;
use crate::git::{Merged, Replayed};

#[test]
fn merges_are_three_way() {
    let b = bench();
    let base = b.mirror.write_new(&files(&[("a", "1\n2\n3\n4\n5\n"), ("b", "1\n")])).expect("a tree");
    let root = b.commit(&base, &[], 0);
    let branch = |second, path: &str, text: &str| {
        b.commit(&b.mirror.write(&base, &[change(path, Some(text))]).expect("writes"), &[&root], second)
    };
    let top = branch(1, "a", "one\n2\n3\n4\n5\n");
    let end = branch(2, "a", "1\n2\n3\n4\nfive\n");
    let clash = branch(3, "a", "eins\n2\n3\n4\n5\n");
    let Merged::Clean(tree) = b.mirror.merge(&top, &end).expect("merges") else { panic!("clean") };
    assert_eq!(b.text(&tree, "a").expect("there").0, "one\n2\n3\n4\nfive\n");
    assert_eq!(b.mirror.merge(&top, &clash).expect("merges"), Merged::Conflict(vec!["a".to_owned()]));
    assert_eq!(b.mirror.merge(&root, &top).expect("merges"), Merged::Clean(b.mirror.tree(&top).expect("reads")));
    let alone = b.commit(&base, &[], 9);
    assert!(matches!(b.mirror.merge(&root, &alone).expect("merges"), Merged::Conflict(_)));
    let at = Time::default().plus_seconds(1_700_000_100);
    let Replayed::Done(on) = b.mirror.replay(&top, &end, ("m", "m@n"), at).expect("replays") else { panic!("done") };
    assert_eq!(b.mirror.commit(&on).expect("reads").parents, vec![top.clone()]);
    assert_eq!(b.mirror.tree(&on).expect("reads"), tree);
    assert!(matches!(b.mirror.replay(&top, &clash, ("m", "m@n"), at).expect("replays"), Replayed::Conflict(_)));
}

/// Every pair of small changes of one base, merged the quick way and by libgit2.
#[test]
fn a_quick_merge_is_the_merge_of_libgit2() {
    let b = bench();
    let long = |text: &str| format!("{text}\n{}", "line\n".repeat(20));
    let all = ["d/x", "d/y", "d/e/z", "f", "g"].map(|path| (path.to_owned(), long(path).into_bytes()));
    let base = b.mirror.write_new(&all.into()).expect("a tree");
    let root = b.commit(&base, &[], 0);
    let renamed = |from: &str, to: &str| vec![change(from, None), change(to, Some(&long(from)))];
    let changes = [
        vec![change("d/x", None)],
        vec![change("d/y", None)],
        vec![change("d/e/z", None), change("d/x", None), change("d/y", None)],
        vec![change("d/x", Some("new"))],
        vec![change("d/x", Some(&(long("d/x") + "end\n")))],
        vec![change("d/x", Some(&("start\n".to_owned() + &long("d/x"))))],
        vec![change("f", Some("new")), change("d/new", Some("1"))],
        vec![change("d/new", Some("2"))],
        vec![change("f", None), change("f/below", Some("3"))],
        vec![change("new/a", Some("4")), change("g", None)],
        vec![change("new", Some("5"))],
        renamed("d/x", "d/moved"),
        renamed("d/x", "elsewhere"),
        renamed("g", "d/x0"),
    ];
    let tips: Vec<Oid> =
        (1..).zip(&changes).map(|(n, c)| b.commit(&b.mirror.write(&base, c).expect("a tree"), &[&root], n)).collect();
    let (mut clean, mut conflicts) = (0, 0);
    for (our, their) in tips.iter().flat_map(|our| tips.iter().map(move |their| (our, their))) {
        let quick = b.mirror.merge(our, their).expect("merges");
        let slow =
            b.mirror.with(|repo| full(repo, &find_commit(repo, our)?, &find_commit(repo, their)?)).expect("merges");
        match quick {
            Merged::Clean(_) => clean += 1,
            Merged::Conflict(_) => conflicts += 1,
        }
        assert_eq!(quick, slow, "{our} {their}");
    }
    assert!(clean > 100 && conflicts > 30, "{clean} {conflicts}");
}
