//! Proofs: every one of every tree of up to 256 leaves, the published ones, and none that was changed.

use super::*;

/// RFC 6962, 2.1, as it is written there.
fn tree_hash(leaves: &[Digest]) -> Digest {
    match leaves.len() {
        0 => Digest::of(b""),
        1 => leaves[0],
        n => {
            let k = parting(n);
            Digest::of(&[&[1], &tree_hash(&leaves[..k]).0[..], &tree_hash(&leaves[k..]).0[..]].concat())
        }
    }
}

fn parting(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// RFC 6962, 2.1.1.
fn path(m: usize, leaves: &[Digest]) -> Vec<Digest> {
    let n = leaves.len();
    if n == 1 {
        return Vec::new();
    }
    let k = parting(n);
    let (mut below, other) = if m < k {
        (path(m, &leaves[..k]), tree_hash(&leaves[k..]))
    } else {
        (path(m - k, &leaves[k..]), tree_hash(&leaves[..k]))
    };
    below.push(other);
    below
}

/// RFC 6962, 2.1.2.
fn subproof(m: usize, leaves: &[Digest], whole: bool) -> Vec<Digest> {
    let n = leaves.len();
    if m == n {
        return if whole { Vec::new() } else { vec![tree_hash(leaves)] };
    }
    let k = parting(n);
    let (mut below, other) = if m <= k {
        (subproof(m, &leaves[..k], whole), tree_hash(&leaves[k..]))
    } else {
        (subproof(m - k, &leaves[k..], false), tree_hash(&leaves[..k]))
    };
    below.push(other);
    below
}

/// What the ranges of a path come to.
fn roots(leaves: &[Digest], ranges: Vec<std::ops::Range<u64>>) -> Vec<Digest> {
    let place = |n: u64| usize::try_from(n).expect("small");
    let node = |node: Node| root(&leaves[place(node.index << node.level)..place((node.index + 1) << node.level)]);
    ranges.into_iter().map(|range| join(&perfect(range).into_iter().map(node).collect::<Vec<_>>())).collect()
}

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// Every single-bit change of a path that is `every`-th.
fn flips(path: &[Digest], every: usize) -> Vec<Vec<Digest>> {
    let bits = (0..path.len() * 256).step_by(every);
    let flip = |bit: usize| {
        let mut changed = path.to_vec();
        changed[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
        changed
    };
    bits.map(flip).collect()
}

#[test]
fn l23_every_proof_of_every_tree_holds_and_no_other() {
    let most: usize = if full() { 256 } else { 65 };
    let all = leaves(most as u64);
    for n in 1..=most {
        let (tree, size) = (&all[..n], n as u64);
        let whole = root(tree);
        assert_eq!(whole, tree_hash(tree), "{n}");
        for m in 0..n {
            let (index, every) = (m as u64, if n <= 9 { 1 } else { 251 });
            let included = roots(tree, inclusion_path(index, size));
            assert_eq!(included, path(m, tree), "inclusion {m} in {n}");
            assert!(is_included(tree[m], index, size, &included, whole), "{m} in {n}");
            assert!(!is_included(tree[m], index ^ 1, size, &included, whole), "{m} in {n} elsewhere");
            for changed in flips(&included, every) {
                assert!(!is_included(tree[m], index, size, &changed, whole), "{m} in {n}");
            }
            let old = (index + 1, root(&tree[..=m]));
            let consistent = roots(tree, consistency_path(old.0, size));
            assert_eq!(consistent, subproof(m + 1, tree, true), "{} to {n}", m + 1);
            assert!(is_beginning(old, (size, whole), &consistent), "{} to {n}", m + 1);
            for changed in flips(&consistent, every) {
                assert!(!is_beginning(old, (size, whole), &changed), "{} to {n}", m + 1);
            }
            let other = (old.0, leaf_hash(b"another history"));
            assert!(!is_beginning(other, (size, whole), &consistent), "{} to {n}", m + 1);
        }
    }
}

#[test]
fn l23_paths_that_are_too_long_or_too_short_are_refused() {
    let all = leaves(21);
    let whole = root(&all);
    let good = roots(&all, inclusion_path(13, 21));
    let longer = [good.clone(), vec![whole]].concat();
    assert!(!is_included(all[13], 13, 21, &longer, whole) && !is_included(all[13], 13, 21, &good[1..], whole));
    assert!(!is_included(all[13], 21, 21, &good, whole) && !is_included(all[0], 0, 0, &[], whole));
    let (old, good) = ((13, root(&all[..13])), roots(&all, consistency_path(13, 21)));
    let longer = [good.clone(), vec![whole]].concat();
    assert!(!is_beginning(old, (21, whole), &longer) && !is_beginning(old, (21, whole), &[]));
    assert!(!is_beginning((22, whole), (21, whole), &[]) && !is_beginning((21, old.1), (21, whole), &[]));
    assert!(is_beginning((0, Digest::of(b"")), (21, whole), &[]) && is_beginning((21, whole), (21, whole), &[]));
}

#[test]
fn l23_the_published_proofs_are_ours() {
    let leaves = known_leaves();
    let hex = |hashes: Vec<Digest>| hashes.iter().map(Digest::to_string).collect::<Vec<_>>();
    let four = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
    let common = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    assert_eq!(
        hex(roots(&leaves, inclusion_path(5, 8))),
        ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", common, four]
    );
    assert_eq!(
        hex(roots(&leaves, consistency_path(6, 8))),
        ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", common, four]
    );
    assert_eq!(
        hex(roots(&leaves, consistency_path(1, 8))),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
        ]
    );
}

fn included(log: &Log, index: u64) -> Letter {
    let line: Entry = serde_json::from_str(&log.lines[usize::try_from(index).expect("small")]).expect("an entry");
    let path = roots(&log.hashes, inclusion_path(index, log.hashes.len() as u64));
    Letter::Included { leaf: canon::canonical(&line.leaf), index, path, note: log.checkpoint().sign(&signer()) }
}

#[test]
fn a_letter_about_an_entry_is_read_again_and_proves_it() {
    let (log, key) = (grown(11), signer().public());
    let letter = included(&log, 5);
    let text = letter.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{text}");
    assert_eq!(Letter::read(&text).expect("reads"), letter);
    let checkpoint = letter.checkpoint(&key).expect("signed");
    assert_eq!(letter.prove_entry(&checkpoint).expect("proven").seq, 5);
    assert!(letter.prove_growth(&checkpoint, &checkpoint).is_err());
    let proves = |text: &str| {
        let letter = Letter::read(text).ok()?;
        letter.prove_entry(&letter.checkpoint(&key).ok()?).ok()
    };
    for bad in [
        text.replace("index 5", "index 4"),
        text.replace("index 5", "index 05"),
        text.replace("extra e", "extra f"),
        text.replace("\n11\n", "\n12\n"),
        text.replace(INCLUSION, "c2sp.org/tlog-proof@v2"),
        text.replace("\n\n", "\n"),
        text.replacen("index 5\n", "index 5\nAAAA\n", 1),
    ] {
        assert_ne!(bad, text);
        assert_eq!(proves(&bad), None, "{bad}");
    }
    assert!(letter.checkpoint(&Signer::from_seed(&[7; 32]).public()).is_err());
}

#[test]
fn a_letter_about_growth_proves_it_against_the_kept_checkpoint_only() {
    let (early, late) = (grown(5), grown(11));
    let path = roots(&late.hashes, consistency_path(5, 11));
    let letter = Letter::Grown { old: 5, path, note: late.checkpoint().sign(&signer()) };
    assert_eq!(Letter::read(&letter.to_string()).expect("reads"), letter);
    let later = letter.checkpoint(&signer().public()).expect("signed");
    assert_eq!(letter.prove_growth(&early.checkpoint(), &later), Ok(()));
    assert!(letter.prove_entry(&later).is_err());
    let other = Checkpoint { root: leaf_hash(b"x"), ..early.checkpoint() };
    let smaller = grown(4).checkpoint();
    let strange = Checkpoint { origin: "elsewhere/t/acme".into(), ..early.checkpoint() };
    for (kept, word) in [(other, "rewritten"), (smaller, "begins at 5"), (strange, "elsewhere")] {
        let error = letter.prove_growth(&kept, &later).expect_err(word);
        assert!(error.reason.contains(word), "{error}");
    }
}
