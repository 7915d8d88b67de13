//! Answers questions about the lines around a place, and replaces spans of text.
//!
//! Must not know what is wanted there.

use super::gate::Doc;
use super::tokens::{Kind, Token};
use std::ops::Range;

/// A span and what comes in its stead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) span: Range<usize>,
    pub(super) text: String,
}

impl Cut {
    /// Puts text in at a place.
    pub(super) fn insert(at: usize, text: impl Into<String>) -> Cut {
        Cut { span: at..at, text: text.into() }
    }

    /// Takes a span out.
    pub(super) fn remove(span: Range<usize>) -> Cut {
        Cut { span, text: String::new() }
    }
}

/// Replaces spans that do not overlap; those that do are left out, which the proof then finds.
pub(super) fn replace(text: &str, cuts: &[Cut]) -> String {
    let mut sorted: Vec<&Cut> = cuts.iter().collect();
    sorted.sort_by_key(|cut| cut.span.start);
    let mut out = String::with_capacity(text.len() + cuts.iter().map(|cut| cut.text.len()).sum::<usize>());
    let mut at = 0;
    for cut in sorted {
        if let Some(kept) = text.get(at..cut.span.start) {
            out.push_str(kept);
            out.push_str(&cut.text);
            at = cut.span.end;
        }
    }
    out.push_str(text.get(at..).unwrap_or(""));
    out
}

impl Doc {
    /// Where the line of a place begins.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.part(&(0..at)).rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Where the line after that of a place begins, or the end of the file.
    pub(super) fn next_line(&self, at: usize) -> usize {
        let len = self.text.len();
        self.part(&(at..len)).find('\n').map_or(len, |newline| at + newline + 1)
    }

    /// The white space that the line of a place begins with.
    pub(super) fn indent_at(&self, at: usize) -> &str {
        let line = self.part(&(self.line_start(at)..self.text.len()));
        line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or("")
    }

    /// Whether nothing but white space stands before a place on its line.
    pub(super) fn is_first(&self, at: usize) -> bool {
        self.part(&(self.line_start(at)..at)).trim().is_empty()
    }

    /// Whether the line of a place is blank.
    pub(super) fn is_blank(&self, at: usize) -> bool {
        self.part(&(self.line_start(at)..self.next_line(at))).trim().is_empty()
    }

    /// The tokens after a place, in order.
    pub(super) fn after(&self, at: usize) -> &[Token] {
        let first = self.tokens.partition_point(|token| token.start < at);
        self.tokens.get(first..).unwrap_or(&[])
    }

    /// The tokens that end before a place or at it, in order.
    pub(super) fn before(&self, at: usize) -> &[Token] {
        let last = self.tokens.partition_point(|token| token.end <= at);
        self.tokens.get(..last).unwrap_or(&[])
    }

    /// The comma that follows a place, comments and line ends left out.
    pub(super) fn comma_after(&self, at: usize) -> Option<Token> {
        let next = self.after(at).iter().find(|token| !token.is_layout())?;
        (next.kind == Kind::Comma).then_some(*next)
    }

    /// Where the next line begins, if only a comma and comments follow a place on its line.
    pub(super) fn clear_after(&self, at: usize) -> Option<usize> {
        let line_end = self.next_line(at);
        let mut commas = 0;
        for token in self.after(at) {
            match token.kind {
                // After a heredoc the comma stands on a line below.
                Kind::Newline if commas == 0 && self.comma_after(token.end).is_some() => {}
                Kind::Newline => return Some(token.end),
                Kind::Comma if commas == 0 => commas += 1,
                Kind::Comment if token.end <= line_end || commas == 0 => {}
                _ => return None,
            }
        }
        Some(self.text.len())
    }

    /// One more level of indentation, as the file does it.
    pub(super) fn unit(&self) -> String {
        for pair in self.tokens.windows(3) {
            let [open, newline, inner] = pair else { continue };
            if open.kind == Kind::Open && newline.kind == Kind::Newline && !inner.is_layout() {
                let (outer, inner) = (self.indent_at(open.start), self.indent_at(inner.start));
                match inner.strip_prefix(outer) {
                    Some(unit) if !unit.is_empty() => return unit.to_owned(),
                    _ => {}
                }
            }
        }
        "  ".to_owned()
    }

    /// Text as a whole line at the beginning of a line, or at the end of a file whose last line does not end.
    pub(super) fn whole_line(&self, at: usize, text: &str) -> Cut {
        let eol = self.eol();
        if at == self.text.len() && !self.text.is_empty() && !self.text.ends_with('\n') {
            return Cut::insert(at, format!("{eol}{}", text.trim_end_matches(['\r', '\n'])));
        }
        Cut::insert(at, format!("{text}{eol}"))
    }
}
