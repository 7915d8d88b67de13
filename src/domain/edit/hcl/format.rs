//! Says whether a file looks as `terraform fmt` leaves it.
//!
//! Must not format anything; where it is unsure it says no, and neighbours are left as they are.

use super::sheet::{Column, Sheet};
use super::tokens::{Kind, Token};
use std::ops::Range;

/// Whether indentation, columns and the spaces between words are those of `terraform fmt`.
pub(super) fn is_formatted(text: &str, tokens: &[Token]) -> bool {
    let mut aligned: Vec<Range<usize>> = Vec::new();
    for column in [Column::Assign, Column::Comment] {
        let sheet = Sheet::of(text, tokens, column);
        let mut line = 0;
        while line < sheet.cells.len() {
            let chain = sheet.chain(line);
            if !sheet.is_straight(chain.clone()) {
                return false;
            }
            line = chain.end;
        }
        aligned.extend(sheet.cells.into_iter().flatten().map(|cell| cell.gap));
    }
    aligned.sort_by_key(|gap| gap.start);
    is_spaced(text, tokens, &aligned) && is_indented(text, tokens) && is_modern(text, tokens)
}

/// Whether at most one space parts the words of a line, and none is inside empty braces.
fn is_spaced(text: &str, tokens: &[Token], aligned: &[Range<usize>]) -> bool {
    tokens.windows(2).all(|pair| {
        let [left, right] = pair else { return true };
        let gap = left.end..right.start;
        if left.kind == Kind::Newline || aligned.binary_search_by_key(&gap.start, |gap| gap.start).is_ok() {
            return true;
        }
        let space = text.get(gap).unwrap_or("");
        let empty = left.kind == Kind::Open && right.kind == Kind::Close;
        let braced = left.of(text) == "{" || right.of(text) == "}";
        match (right.kind, empty, braced) {
            (Kind::Newline, _, _) => space.is_empty() || space == "\r",
            (_, true, _) => space.is_empty(),
            (_, false, true) => space == " ",
            (_, false, false) => space.is_empty() || space == " ",
        }
    })
}

/// Whether no value is spelled as before Terraform 0.12, which `terraform fmt` would spell anew.
fn is_modern(text: &str, tokens: &[Token]) -> bool {
    tokens.windows(3).all(|three| match three {
        [name, sign, value] if sign.kind == Kind::Assign && value.kind == Kind::Text => {
            let (name, value) = (name.of(text), value.of(text));
            let wrapped = value.starts_with("\"${") && value.ends_with("}\"") && value.matches("${").count() == 1;
            let quoted_type = name == "type" && matches!(value, "\"string\"" | "\"list\"" | "\"map\"");
            !(wrapped || quoted_type)
        }
        _ => true,
    })
}

/// Whether each line is indented by two spaces for each line above that opened brackets.
fn is_indented(text: &str, tokens: &[Token]) -> bool {
    let mut open: Vec<isize> = Vec::new();
    let mut start = 0;
    for line in tokens.split_inclusive(|token| token.kind == Kind::Newline) {
        let net: isize = line.iter().map(change).sum();
        close(&mut open, -net);
        let Some(first) = line.first() else { continue };
        let indent = text.get(start..first.start).unwrap_or("");
        let wanted = if first.kind == Kind::Newline { 0 } else { 2 * open.len() };
        if indent.trim_end_matches('\r').len() != wanted || indent.contains('\t') {
            return false;
        }
        if net > 0 {
            open.push(net);
        }
        start = line.last().map_or(start, |token| token.end);
    }
    true
}

fn change(token: &Token) -> isize {
    match token.kind {
        Kind::Open => 1,
        Kind::Close => -1,
        _ => 0,
    }
}

fn close(open: &mut Vec<isize>, mut closed: isize) {
    while closed > 0 {
        match open.last_mut() {
            Some(last) if *last > closed => {
                *last -= closed;
                return;
            }
            Some(last) => {
                closed -= *last;
                open.pop();
            }
            None => return,
        }
    }
}
