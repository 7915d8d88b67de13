//! The replacement of one range of a text's bytes.
//!
//! Must not know nodes or edits: what is replaced by what is decided above.

use std::ops::Range;

/// A range of bytes and the text that takes its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Splice {
    /// What goes.
    pub range: Range<usize>,
    /// What comes.
    pub text: String,
}

impl Splice {
    /// Puts a text in at an offset.
    pub(super) fn at(offset: usize, text: String) -> Splice {
        Splice { range: offset..offset, text }
    }

    /// The text after the replacement.
    pub(super) fn apply(&self, text: &str) -> String {
        let (head, tail) = (text.get(..self.range.start), text.get(self.range.end..));
        [head.unwrap_or_default(), &self.text, tail.unwrap_or_default()].concat()
    }
}
