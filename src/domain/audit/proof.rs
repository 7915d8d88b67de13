//! Inclusion and consistency proofs of RFC 6962: which subtrees they take, and how a stranger checks them.
//!
//! Must not know where hashes are kept, nor believe a root that no checkpoint names.

use super::tree::node_hash;
use crate::domain::ids::Digest;
use std::ops::Range;

/// A perfect subtree: `2^level` leaves, the `index`-th of its size from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// How high it is; a leaf is 0.
    pub level: u32,
    /// Which one.
    pub index: u64,
}

/// Where the tree over this many leaves parts: the largest power of two below it.
fn parting(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The ranges of leaves whose roots prove that a leaf stands in a tree, from the leaf upwards.
pub fn inclusion_path(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut low, mut high, mut path) = (0, size, Vec::new());
    while index < size && high - low > 1 {
        let middle = low + parting(high - low);
        if index < middle {
            path.push(middle..high);
            high = middle;
        } else {
            path.push(low..middle);
            low = middle;
        }
    }
    path.reverse();
    path
}

/// The ranges of leaves whose roots prove that a tree is the beginning of a larger one.
pub fn consistency_path(old: u64, size: u64) -> Vec<Range<u64>> {
    let (mut low, mut high, mut whole, mut path) = (0, size, true, Vec::new());
    if old == 0 || old >= size {
        return path;
    }
    while old != high {
        let middle = low + parting(high - low);
        if old <= middle {
            path.push(middle..high);
            high = middle;
        } else {
            path.push(low..middle);
            (low, whole) = (middle, false);
        }
    }
    if !whole {
        path.push(low..high);
    }
    path.reverse();
    path
}

/// The perfect subtrees of a range that a path names, from the left.
pub fn perfect(range: Range<u64>) -> Vec<Node> {
    let (mut at, mut nodes) = (range.start, Vec::new());
    while at < range.end {
        let aligned = if at == 0 { 63 } else { at.trailing_zeros() };
        let level = aligned.min((range.end - at).ilog2());
        nodes.push(Node { level, index: at >> level });
        at += 1 << level;
    }
    nodes
}

/// The root of a range, from the roots of its perfect subtrees.
pub fn join(roots: &[Digest]) -> Digest {
    let mut roots = roots.iter().rev();
    match roots.next() {
        None => Digest::of(b""),
        Some(last) => roots.fold(*last, |right, left| node_hash(left, &right)),
    }
}

/// Whether these hashes prove that the leaf stands at this index of the tree with this root (RFC 9162, 2.1.3.2).
pub fn is_included(leaf: Digest, index: u64, size: u64, path: &[Digest], root: Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for other in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(other, &hash);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, other);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && hash == root
}

/// Whether these hashes prove that the first tree is the beginning of the second (RFC 9162, 2.1.4.2).
pub fn is_beginning(old: (u64, Digest), new: (u64, Digest), path: &[Digest]) -> bool {
    match old.0 {
        0 => return path.is_empty() && old.1 == Digest::of(b""),
        size if size == new.0 => return path.is_empty() && old.1 == new.1,
        size if size > new.0 => return false,
        _ => {}
    }
    let (mut at, mut last) = (old.0 - 1, new.0 - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (first, rest) = match path.split_first() {
        None => return false,
        Some(_) if old.0.is_power_of_two() => (old.1, path),
        Some((first, rest)) => (*first, rest),
    };
    let (mut before, mut after) = (first, first);
    for other in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            (before, after) = (node_hash(other, &before), node_hash(other, &after));
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            after = node_hash(&after, other);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && before == old.1 && after == new.1
}
