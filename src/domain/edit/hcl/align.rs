//! Lines up `=` and trailing comments around a change, the way `terraform fmt` leaves them.
//!
//! Must not touch a line whose neighbours were not lined up before, nor any byte that is not white space.

use super::format::is_formatted;
use super::lines::{Cut, replace};
use super::sheet::{Column, Sheet};
use super::tokens::{Token, lex};
use std::ops::Range;

/// Above so many pairs of lines it is not worth finding out which changed line was which.
const MANY: usize = 1_000_000;

/// Lines up what a change has moved out of line; the text is read again after each column.
pub(super) fn align(before: (&str, &[Token]), after: String) -> String {
    [Column::Assign, Column::Comment].into_iter().fold(after, |text, column| {
        let Ok(tokens) = lex(&text) else { return text };
        let cuts = moves(&Sheet::of(before.0, before.1, column), &Sheet::of(&text, &tokens, column), before);
        if cuts.is_empty() { text } else { replace(&text, &cuts) }
    })
}

/// How the lines of two texts belong together: those before and after the change are the same.
struct Change {
    changed: Range<usize>,
    before: Range<usize>,
}

impl Change {
    fn between(before: &Sheet<'_>, after: &Sheet<'_>) -> Change {
        let (old, new) = (&before.lines, &after.lines);
        let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        let most = old.len().min(new.len()) - head;
        let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(old, new)| old == new).count();
        Change { changed: head..new.len() - tail, before: head..old.len() - tail }
    }

    /// The line as it was before the change; of the changed lines the one that is like it.
    fn origin<'a>(&self, line: usize, before: &Sheet<'a>, after: &Sheet<'a>) -> Option<Origin> {
        if line < self.changed.start {
            return Some(Origin::Same(line));
        }
        if line >= self.changed.end {
            return Some(Origin::Same(line - self.changed.end + self.before.end));
        }
        if self.changed.len() == self.before.len() {
            return Some(Origin::Same(line - self.changed.start + self.before.start));
        }
        if self.changed.len().saturating_mul(self.before.len()) > MANY {
            return None;
        }
        let head = |sheet: &Sheet<'a>, n: usize| sheet.text.get(sheet.cells.get(n)?.as_ref()?.head.clone());
        let own = head(after, line)?;
        let same = self.before.clone().find(|n| head(before, *n) == Some(own)).map(Origin::Same);
        let part = after.lines.get(line)?.trim();
        let holds = |n: usize| before.lines.get(n).is_some_and(|line| line.contains(part));
        same.or_else(|| self.before.clone().any(holds).then_some(Origin::Part))
    }
}

/// What a line after the change was before it.
enum Origin {
    Same(usize),
    /// A part of a line.
    Part,
}

fn moves<'a>(before: &Sheet<'a>, after: &Sheet<'a>, source: (&str, &[Token])) -> Vec<Cut> {
    let change = Change::between(before, after);
    let mut cuts = Vec::new();
    let mut line = change.changed.start.saturating_sub(1);
    while line <= change.changed.end && line < after.cells.len() {
        let chain = after.chain(line);
        let origins: Vec<Option<Origin>> = chain.clone().map(|n| change.origin(n, before, after)).collect();
        let crooked = !origins_are_straight(&origins, before, source);
        let column =
            if crooked { nearest(after, chain.clone(), &origins, &change) } else { after.column(chain.clone()) };
        for ((_, cell), origin) in after.members(chain.clone()).zip(&origins) {
            let space = column.saturating_sub(cell.lead).max(1);
            if !(crooked && origin.is_some()) && after.space(cell) != space {
                cuts.push(Cut { span: cell.gap.clone(), text: " ".repeat(space) });
            }
        }
        line = chain.end;
    }
    cuts
}

/// The column of the cell that was there before the change and is nearest to it.
fn nearest(sheet: &Sheet<'_>, chain: Range<usize>, origins: &[Option<Origin>], change: &Change) -> usize {
    let old = sheet.members(chain).zip(origins).filter(|(_, origin)| origin.is_some());
    let nearest = old.min_by_key(|((n, _), _)| n.abs_diff(change.changed.start));
    nearest.map_or(0, |((_, cell), _)| cell.lead + sheet.space(cell))
}

fn origins_are_straight(origins: &[Option<Origin>], before: &Sheet<'_>, source: (&str, &[Token])) -> bool {
    let mut seen = 0..0;
    origins.iter().flatten().all(|origin| match origin {
        Origin::Same(line) if seen.contains(line) => true,
        Origin::Same(line) => {
            seen = before.chain(*line);
            before.is_straight(seen.clone())
        }
        Origin::Part => is_formatted(source.0, source.1),
    })
}
