//! A pane's proof against that of the whole file.

use super::*;
use crate::domain::change::SelectIndex;

#[test]
fn a_pane_proves_what_the_whole_proves() {
    let (mut panes, mut done) = (0, 0);
    for seed in 0..700 {
        let mut writer = Writer::new(seed);
        let value = writer.map(0, 0, false);
        let text = [writer.out.as_str(), "---\n", &Writer::new(seed + 7_000).written(), "---\n", &writer.out].concat();
        let select = Select::Index(SelectIndex { index: 2 * writer.random.below(2) });
        for _ in 0..3 {
            let change = writer.edit(&value);
            let edits = std::slice::from_ref(&change);
            let whole = edit_from(text.as_bytes(), Some(&select), edits, (&[], usize::MAX));
            let pane = edit_from(text.as_bytes(), Some(&select), edits, (&[], 0));
            assert_eq!(pane, whole, "{change:?} in\n{text}");
            let tree = gate::tree(&text).expect("it was written here");
            let document = locate::document(&tree, Some(&select)).expect("there are three");
            panes += usize::from(in_pane(&tree, document, &change, &[]).is_some());
            done += usize::from(whole.is_ok());
        }
    }
    assert!(panes > 200 && panes < done, "{panes} of {done} by a pane");
}

/// Whether two paths lead to places of which neither is the other's, or in it.
fn are_apart(one: &Edit, other: &Edit) -> bool {
    one.path.0.iter().zip(&other.path.0).any(|(a, b)| a != b && matches!((a, b), (Step::Key(_), Step::Key(_))))
}

#[test]
fn edits_of_different_places_commute_and_are_done_once() {
    let (mut sets, mut others) = (0, 0);
    for seed in 0..2_500 {
        let mut writer = Writer::new(seed);
        let value = writer.map(0, 0, false);
        let (one, other) = (writer.edit(&value), writer.edit(&value));
        // Where maps are shared through `<<` or an anchor, the places may be the same after all.
        if !are_apart(&one, &other) || !writer.anchors.is_empty() {
            continue;
        }
        let both =
            |edits: [&Edit; 2]| edit(writer.out.as_bytes(), None, &edits.map(Clone::clone)).map(|done| done.bytes);
        let (Ok(forth), Ok(back)) = (both([&one, &other]), both([&other, &one])) else { continue };
        if one.op == Op::Set && other.op == Op::Set {
            assert_eq!(forth, back, "{one:?} and {other:?} in\n{}", writer.out);
            let once = edit(writer.out.as_bytes(), None, std::slice::from_ref(&one)).map(|done| done.bytes);
            assert_eq!(both([&one, &one]), once, "{one:?} in\n{}", writer.out);
            sets += 1;
        } else {
            assert_eq!(meaning(&forth), meaning(&back), "{one:?} and {other:?} in\n{}", writer.out);
            others += 1;
        }
    }
    assert!(sets > 20 && others > 100, "{sets} pairs of sets, {others} others");
}
