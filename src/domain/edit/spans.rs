//! The lines in which two versions of a file differ.
//!
//! Must not guess with a clock or a library that may change: the same bytes give the same spans for ever, because
//! their digest is signed.

use std::ops::Range;

/// The largest table of line pairs; what is larger is one span.
const TABLE: usize = 1 << 20;

/// Ranges of bytes before and after that differ, whole lines, in order; none if all is the same.
pub(super) fn spans(before: &[u8], after: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    let (old, new) = (lines(before), lines(after));
    let head = same(old.iter().zip(&new));
    let tail = same(old[head..].iter().rev().zip(new[head..].iter().rev()));
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut at = (old[..head].concat().len(), old[..head].concat().len());
    let mut found: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for (gone, come) in blocks(a, b) {
        let size = |lines: &[&[u8]]| lines.iter().map(|line| line.len()).sum::<usize>();
        let (kept, gone, come) = (size(gone.0), size(gone.1), size(come));
        let start = (at.0 + kept, at.1 + kept);
        at = (start.0 + gone, start.1 + come);
        if gone + come > 0 {
            found.push((start.0..at.0, start.1..at.1));
        }
    }
    found
}

/// The lines of a text, each with its line break.
pub(super) fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

fn same<'a>(pairs: impl Iterator<Item = (&'a &'a [u8], &'a &'a [u8])>) -> usize {
    pairs.take_while(|(a, b)| a == b).count()
}

/// Lines that stay followed by lines that go, and the lines that come in their place.
type Block<'a, 'b> = ((&'a [&'b [u8]], &'a [&'b [u8]]), &'a [&'b [u8]]);

/// Cuts two lists of lines along a longest common subsequence.
fn blocks<'a, 'b>(old: &'a [&'b [u8]], new: &'a [&'b [u8]]) -> Vec<Block<'a, 'b>> {
    if old.is_empty() || new.is_empty() || (old.len() + 1).saturating_mul(new.len() + 1) > TABLE {
        return vec![((&[], old), new)];
    }
    let length = common(old, new);
    let row = new.len() + 1;
    let (mut found, mut i, mut j) = (Vec::new(), 0, 0);
    while i < old.len() || j < new.len() {
        let (kept, mut stop) = (i, i);
        while stop < old.len() && j < new.len() && old[stop] == new[j] {
            (stop, j) = (stop + 1, j + 1);
        }
        (i, stop) = (stop, j);
        let gone = i;
        while i < old.len() || j < new.len() {
            match (old.get(i), new.get(j)) {
                (Some(a), Some(b)) if a == b => break,
                (Some(_), Some(_)) if length[(i + 1) * row + j] < length[i * row + j + 1] => j += 1,
                (Some(_), _) => i += 1,
                (None, _) => j += 1,
            }
        }
        found.push(((&old[kept..gone], &old[gone..i]), &new[stop..j]));
    }
    found
}

/// For each pair of places, how many lines the rests have in common.
fn common(old: &[&[u8]], new: &[&[u8]]) -> Vec<u32> {
    let row = new.len() + 1;
    let mut length = vec![0_u32; (old.len() + 1) * row];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            length[i * row + j] = match old[i] == new[j] {
                true => length[(i + 1) * row + j + 1] + 1,
                false => length[(i + 1) * row + j].max(length[i * row + j + 1]),
            };
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_in_a_span() {
        let show = |before: &str, after: &str| -> Vec<(String, String)> {
            let text = |text: &str, range: Range<usize>| text[range].to_owned();
            let found = spans(before.as_bytes(), after.as_bytes());
            found.into_iter().map(|(a, b)| (text(before, a), text(after, b))).collect()
        };
        let pairs = |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        type Pairs = Vec<(String, String)>;
        let table: &[(&str, &str, Pairs)] = &[
            ("a\nb\n", "a\nb\n", Vec::new()),
            ("a\nb\nc\n", "a\nx\nc\n", pairs(&[("b\n", "x\n")])),
            ("a\nb\nc\nd\ne\n", "x\nb\nc\nd\ny\nz\n", pairs(&[("a\n", "x\n"), ("e\n", "y\nz\n")])),
            ("a\nb\nc\n", "a\nc\n", pairs(&[("b\n", "")])),
            ("a\n", "a\nb\n", pairs(&[("", "b\n")])),
            ("a\nb\nc\nd\n", "b\nc\nx\nd\n", pairs(&[("a\n", ""), ("", "x\n")])),
            ("a", "a\n", pairs(&[("a", "a\n")])),
            ("", "x", pairs(&[("", "x")])),
        ];
        for (before, after, wanted) in table {
            assert_eq!(show(before, after), *wanted, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_large_rewrite_is_one_span() {
        let lines = |mark: &str| (0..3_000).map(|n| format!("{mark}{n}\n")).collect::<String>();
        let (before, after) = (lines("a"), lines("b"));
        assert_eq!(spans(before.as_bytes(), after.as_bytes()), [(0..before.len(), 0..after.len())]);
    }
}
