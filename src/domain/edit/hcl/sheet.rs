//! A text as lines with one column of cells: `=` or trailing comments, and which of them are lined up together.
//!
//! Must not move anything: it only says where the cells stand and where they should.

use super::tokens::{Kind, Token};
use std::ops::Range;

/// A place on a line that is lined up with those on the lines around it.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The white space before it.
    pub(super) gap: Range<usize>,
    /// How many columns stand before that.
    pub(super) lead: usize,
    /// Whether it is lined up with its neighbours, or always one space away.
    chained: bool,
    /// What tells the line from others: the name before `=`, or the comment.
    pub(super) head: Range<usize>,
}

/// Which of the two columns of cells is meant.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// The signs `=` and what follows them.
    Assign,
    /// The comments behind something else.
    Comment,
}

/// A text cut into lines of tokens, with one column of cells.
pub(super) struct Sheet<'a> {
    /// The text itself.
    pub(super) text: &'a str,
    /// Its lines, each with its line end.
    pub(super) lines: Vec<&'a str>,
    /// The cell of each line that has one.
    pub(super) cells: Vec<Option<Cell>>,
}

impl<'a> Sheet<'a> {
    /// Cuts a text into lines and finds their cells of a column.
    pub(super) fn of(text: &'a str, tokens: &'a [Token], column: Column) -> Sheet<'a> {
        let mut sheet = Sheet { text, lines: Vec::new(), cells: Vec::new() };
        let mut start = 0;
        for line in tokens.split_inclusive(|token| token.kind == Kind::Newline) {
            let words = match line.split_last() {
                Some((last, words)) if last.kind == Kind::Newline => words,
                _ => line,
            };
            let end = line.last().map_or(start, |token| token.end);
            sheet.lines.push(text.get(start..end).unwrap_or(""));
            sheet.cells.push(match column {
                Column::Assign => assign(text, start, words),
                Column::Comment => comment(text, start, words),
            });
            start = end;
        }
        sheet
    }

    /// How many columns of white space stand before a cell.
    pub(super) fn space(&self, cell: &Cell) -> usize {
        self.text.get(cell.gap.clone()).map_or(0, |gap| gap.chars().count())
    }

    /// The lines that are lined up together with a line, itself included.
    pub(super) fn chain(&self, line: usize) -> Range<usize> {
        let chained = |n: usize| self.cells.get(n).and_then(Option::as_ref).is_some_and(|cell| cell.chained);
        if !chained(line) {
            return line..line + 1;
        }
        let mut chain = line..line + 1;
        while chain.start > 0 && chained(chain.start - 1) {
            chain.start -= 1;
        }
        while chained(chain.end) {
            chain.end += 1;
        }
        chain
    }

    /// The cells of a chain, with their lines.
    pub(super) fn members(&self, chain: Range<usize>) -> impl Iterator<Item = (usize, &Cell)> {
        chain.filter_map(|n| self.cells.get(n).and_then(Option::as_ref).map(|cell| (n, cell)))
    }

    /// The column a chain's cells stand in when they are lined up.
    pub(super) fn column(&self, chain: Range<usize>) -> usize {
        self.members(chain).map(|(_, cell)| cell.lead + 1).max().unwrap_or(0)
    }

    /// Whether the cells of a chain stand in the column they should.
    pub(super) fn is_straight(&self, chain: Range<usize>) -> bool {
        let column = self.column(chain.clone());
        self.members(chain).all(|(_, cell)| cell.lead + self.space(cell) == column)
    }
}

fn width(text: &str, span: Range<usize>) -> usize {
    text.get(span).map_or(0, |text| text.chars().count())
}

fn split_comment<'a>(text: &str, words: &'a [Token]) -> (&'a [Token], Option<&'a Token>) {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() && last.is_line_comment(text) => (rest, Some(last)),
        _ => (words, None),
    }
}

fn assign(text: &str, start: usize, words: &[Token]) -> Option<Cell> {
    let (words, _) = split_comment(text, words);
    let at = words.iter().skip(1).position(|token| token.kind == Kind::Assign)? + 1;
    let (lead, rest) = (words.get(at - 1)?, words.get(at..)?);
    let opened = rest.iter().fold(0_isize, |sum, token| match token.kind {
        Kind::Open => sum + 1,
        Kind::Close => sum - 1,
        _ => sum,
    });
    let spread = rest.iter().any(|token| token.kind == Kind::Text && token.of(text).contains('\n'));
    let gap = lead.end..rest.first()?.start;
    Some(Cell { lead: width(text, start..lead.end), gap, chained: opened == 0 && !spread, head: start..lead.end })
}

fn comment(text: &str, start: usize, words: &[Token]) -> Option<Cell> {
    let (words, comment) = split_comment(text, words);
    let last = words.last()?;
    let line = text.get(start..last.end)?;
    let from = if line.contains('\n') { last.start } else { start };
    let comment = comment?;
    let (gap, head) = (last.end..comment.start, comment.start..comment.end);
    Some(Cell { lead: width(text, from..last.end), gap, chained: true, head })
}
