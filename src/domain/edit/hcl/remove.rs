//! Takes attributes, blocks, keys and elements out, with the comments that are theirs.
//!
//! Must not take what belongs to a neighbour; the proof looks again.

use super::gate::Doc;
use super::lines::Cut;
use super::locate::{Found, Frame, Group, Home};
use super::tokens::{Kind, Token};
use crate::domain::edit::{Code, Refusal};
use std::ops::Range;

/// Removes what was found from its home.
pub(super) fn remove(doc: &Doc, found: &Found) -> Result<Vec<Cut>, Refusal> {
    let lines = own_lines(doc, &found.whole);
    match (&found.home, lines) {
        (Home::Body(_), Some(lines)) => Ok(vec![Cut::remove(lines)]),
        (Home::Body(frame), None) => from_line(doc, frame, &found.whole),
        (Home::Group(group), Some(lines)) => Ok(whole_member(doc, group, &found.whole, lines)),
        (Home::Group(group), None) => from_group(doc, group, &found.whole),
    }
}

/// The lines of a node with its own comments and one side's blank lines, if it shares them with nothing else.
fn own_lines(doc: &Doc, whole: &Range<usize>) -> Option<Range<usize>> {
    if !doc.is_first(whole.start) {
        return None;
    }
    let end = doc.clear_after(whole.end)?;
    let start = comments_above(doc, doc.line_start(whole.start));
    let (above, below) = (blank_above(doc, start), blank_below(doc, end));
    let opens = above == 0 || last_word(doc, above).is_some_and(|token| token.kind == Kind::Open);
    let closes = below == doc.text.len() || doc.after(below).first().is_some_and(|token| token.kind == Kind::Close);
    let (start, end) = match (above < start, end < below) {
        (_, true) if above < start || opens => (start, below),
        (true, _) if closes => (above, end),
        _ => (start, end),
    };
    if end == doc.text.len() && !doc.text.ends_with('\n') {
        let kept = doc.part(&(0..start)).trim_end_matches(['\r', '\n']).len();
        return Some(kept..end);
    }
    Some(start..end)
}

/// Where the comment lines begin that stand right above a line, with its indentation.
fn comments_above(doc: &Doc, line: usize) -> usize {
    let indent = doc.indent_at(line);
    let mut start = line;
    for token in doc.before(line).iter().rev() {
        let begins = doc.line_start(token.start);
        let alone = doc.is_first(token.start) && doc.next_line(token.end) == start;
        match token.kind {
            Kind::Newline => {}
            Kind::Comment if alone && token.is_line_comment(&doc.text) && doc.indent_at(begins) == indent => {
                start = begins;
            }
            _ => break,
        }
    }
    start
}

fn blank_above(doc: &Doc, mut line: usize) -> usize {
    while line > 0 && doc.is_blank(line - 1) {
        line = doc.line_start(line - 1);
    }
    line
}

fn blank_below(doc: &Doc, mut line: usize) -> usize {
    while line < doc.text.len() && doc.is_blank(line) {
        line = doc.next_line(line);
    }
    line
}

fn last_word(doc: &Doc, at: usize) -> Option<&Token> {
    doc.before(at).iter().rev().find(|token| !token.is_layout())
}

/// The only attribute of a block on one line.
fn from_line(doc: &Doc, frame: &Frame, whole: &Range<usize>) -> Result<Vec<Cut>, Refusal> {
    let alone = frame.attributes.len() + frame.blocks.len() == 1 && doc.part(&frame.inner).trim() == doc.part(whole);
    if alone && !frame.top {
        return Ok(vec![Cut::remove(frame.inner.clone())]);
    }
    Err(shared())
}

fn shared() -> Refusal {
    Refusal::of(Code::NotMinimal, "it shares its line with something else that would have to move")
}

/// A member on lines of its own; where the last one goes, the comma before it goes if none stood behind.
fn whole_member(doc: &Doc, group: &Group, whole: &Range<usize>, lines: Range<usize>) -> Vec<Cut> {
    let mut cuts = vec![Cut::remove(lines)];
    let before = group.members.iter().rposition(|member| member.end <= whole.start).and_then(|n| group.members.get(n));
    let is_last = group.members.last() == Some(whole);
    if let (true, None, Some(before)) = (is_last, doc.comma_after(whole.end), before) {
        cuts.extend(doc.comma_after(before.end).map(|comma| Cut::remove(comma_span(doc, &comma))));
    }
    cuts
}

/// A comma, with its line if it is alone there.
fn comma_span(doc: &Doc, comma: &Token) -> Range<usize> {
    let line = doc.line_start(comma.start)..doc.next_line(comma.end);
    if doc.part(&line).trim() == "," { line } else { comma.start..comma.end }
}

/// A member that shares its line.
fn from_group(doc: &Doc, group: &Group, whole: &Range<usize>) -> Result<Vec<Cut>, Refusal> {
    let at = group.members.iter().position(|member| member == whole).unwrap_or(0);
    let next = group.members.get(at + 1);
    let before = at.checked_sub(1).and_then(|n| group.members.get(n));
    let own = with_comments(doc, whole);
    let span = match (before, next) {
        (None, None) => sole(doc, group, &own),
        (Some(before), None) => last(doc, with_comments(doc, before).end, own.end),
        (Some(before), Some(_)) if doc.clear_after(own.end).is_some() => with_comments(doc, before).end..own.end,
        (_, Some(next)) => own.start..next.start,
    };
    let outside = |token: &Token| token.kind == Kind::Comment && !(own.start <= token.start && token.end <= own.end);
    if !doc.within(&span).iter().any(outside) {
        return Ok(vec![Cut::remove(span)]);
    }
    match (before, next, doc.clear_after(own.end)) {
        (Some(before), None, _) => Ok(without_comma(doc, before, &own)),
        (None, _, Some(line)) => {
            let start = doc.part(&(0..own.start)).trim_end_matches([' ', '\t']).len();
            Ok(vec![Cut::remove(start..start + doc.part(&(start..line)).trim_end().len())])
        }
        _ => Err(shared()),
    }
}

/// A member with the comments right behind it that do not end its line.
fn with_comments(doc: &Doc, whole: &Range<usize>) -> Range<usize> {
    let behind = doc.after(whole.end).iter();
    let own = behind.take_while(|token| token.kind == Kind::Comment && !token.is_line_comment(&doc.text));
    whole.start..own.last().map_or(whole.end, |token| token.end)
}

/// The only member; line ends behind it stay, so that what stood on lines goes on doing so.
fn sole(doc: &Doc, group: &Group, own: &Range<usize>) -> Range<usize> {
    let inner = group.span.start + 1..group.span.end.saturating_sub(1);
    let end = doc.comma_after(own.end).map_or(own.end, |comma| comma.end);
    let spread = doc.part(&(end..inner.end)).contains('\n');
    if spread { own.start..end } else { inner }
}

/// The last of several members; of two closing brackets that begin their lines the lower one stays where it is.
fn last(doc: &Doc, before: usize, own: usize) -> Range<usize> {
    let closes = |end: usize| {
        let bracket = doc.before(end).last().filter(|token| token.end == end && token.kind == Kind::Close)?;
        doc.is_first(bracket.start).then(|| (doc.line_start(bracket.start), bracket.of(&doc.text)))
    };
    match (closes(before), closes(own)) {
        (Some((upper, one)), Some((lower, other))) if one == other => upper..lower,
        _ => before..own,
    }
}

/// The last member with the comma behind it, or else the one before it; comments between them stay.
fn without_comma(doc: &Doc, before: &Range<usize>, own: &Range<usize>) -> Vec<Cut> {
    let start = doc.part(&(0..own.start)).trim_end_matches([' ', '\t']).len();
    match (doc.comma_after(own.end), doc.comma_after(before.end)) {
        (Some(comma), _) => vec![Cut::remove(start..comma.end)],
        (None, Some(comma)) => vec![Cut::remove(comma.start..comma.end), Cut::remove(start..own.end)],
        (None, None) => vec![Cut::remove(start..own.end)],
    }
}
