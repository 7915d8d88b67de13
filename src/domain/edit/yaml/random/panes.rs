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
