//! Looks at a text before and after an edit and says whether exactly the wanted thing has happened.
//!
//! Must not know how the edit was made: it makes a model of each text and follows the path by itself.

use super::model::{self, Block, Body};
use super::tokens::{Kind, Token, lex};
use super::wanted::{Bounds, Outcome, apply};
use crate::domain::change::{Edit, Op, SelectBlock};
use crate::domain::edit::{Code, Refusal};
use std::ops::Range;

/// Whether a value already is what an edit sets it to.
pub(super) fn is_set(value: &str, edit: &Edit) -> bool {
    let Ok(tokens) = lex(value) else { return false };
    match (model::expression(value, &tokens), &edit.value) {
        (Some(says), Some(wanted)) => says.is(wanted),
        (_, _) => edit.expr.as_deref().map(str::trim) == Some(value),
    }
}

/// Refuses a result that differs from the text before in anything but the wanted change.
pub(super) fn prove(
    (before, old): (&str, &[Token]),
    (after, new): (&str, &[Token]),
    select: Option<&SelectBlock>,
    edit: &Edit,
) -> Result<(), Refusal> {
    let failed = |why: &str| Refusal::of(Code::ProofFailed, format!("the result is not what was wanted: {why}"));
    let mut wanted = model::body(before, old).ok_or_else(|| failed("the file before cannot be read again"))?;
    let got = model::body(after, new).ok_or_else(|| failed("it cannot be read again"))?;
    let bounds = apply(&mut wanted, select, edit).map_err(failed)?;
    if !same_body(&wanted, &got) {
        return Err(failed("another value, or a value elsewhere, has changed"));
    }
    compare((before, old), (after, new), &bounds, edit.op).map_err(|why| Refusal::of(Code::NotMinimal, why))
}

fn same_body(wanted: &Body<'_>, got: &Body<'_>) -> bool {
    let same_block = |(wanted, got): (&Block<'_>, &Block<'_>)| {
        wanted.kind == got.kind && wanted.labels == got.labels && same_body(&wanted.body, &got.body)
    };
    wanted.attributes == got.attributes
        && wanted.blocks.len() == got.blocks.len()
        && wanted.blocks.iter().zip(&got.blocks).all(same_block)
}

/// Whether the texts are the same but for the bounds, and the white space that lines up `=` and comments.
fn compare((before, old): (&str, &[Token]), (after, new): (&str, &[Token]), bounds: &Bounds, op: Op) -> Outcome<()> {
    let (old, new) = (Spaced { text: before, tokens: old }, Spaced { text: after, tokens: new });
    let alike = |a: usize, b: usize| old.word(a).is_like(&new.word(b));
    let ahead = |n: usize| bounds.open || old.token(n).end <= bounds.span.start;
    let behind = |n: usize| bounds.open || old.token(n).start >= bounds.span.end;
    let least = old.len().min(new.len());
    let head = (0..least).take_while(|n| ahead(*n) && alike(*n, *n)).count();
    let is_same = |n: &usize| behind(old.len() - 1 - n) && alike(old.len() - 1 - n, new.len() - 1 - n);
    let tail = (0..least - head).take_while(is_same).count();
    let old: Vec<Word<'_>> = (head..old.len() - tail).map(|n| old.word(n)).collect();
    let new: Vec<Word<'_>> = (head..new.len() - tail).map(|n| new.word(n)).collect();
    let (mut gone, mut come) = (old.as_slice(), new.as_slice());
    if let (Some((first, rest)), Some((second, others)), true) = (gone.split_last(), come.split_last(), op != Op::Set) {
        // The word behind the change stays; the space before it is the change's.
        if first.text == second.text && first.token.kind == second.token.kind {
            (gone, come) = (rest, others);
        }
    }
    keeps_comments(before, gone, come, bounds, op)?;
    let inside = |word: &&Word<'_>| bounds.span.start <= word.token.start && word.token.end <= bounds.span.end;
    let layout =
        |word: &&Word<'_>| matches!(word.token.kind, Kind::Newline | Kind::Comment | Kind::Comma | Kind::Close);
    let lawful = match (op, bounds.open) {
        (Op::Set | Op::Append, false) => gone.iter().all(|word| inside(&word)),
        (Op::Delete | Op::Add, false) => {
            gone.iter().all(|word| inside(&word) || layout(&word))
                && holds(gone, come.iter())
                && come.iter().all(|word| layout(&word))
        }
        (_, true) => {
            gone.iter().all(|word| inside(&word) || layout(&word))
                && holds(come, gone.iter().filter(|word| !layout(word)))
        }
    };
    if lawful { Ok(()) } else { Err("more than the wanted place would change") }
}

/// Whether words stand among others, in the same order.
fn holds<'w>(words: &[Word<'_>], mut wanted: impl Iterator<Item = &'w Word<'w>>) -> bool {
    let mut words = words.iter();
    wanted.all(|wanted| words.any(|word| word.text == wanted.text))
}

/// Comments stay, but those inside what is replaced or deleted and those that describe it.
fn keeps_comments(before: &str, gone: &[Word<'_>], come: &[Word<'_>], bounds: &Bounds, op: Op) -> Outcome<()> {
    let mut kept: Vec<&str> =
        come.iter().filter(|word| word.token.kind == Kind::Comment).map(|word| word.text).collect();
    let own = |token: &Token| match (op, bounds.open) {
        (_, true) | (Op::Append | Op::Add, _) => false,
        (Op::Set, _) => bounds.span.start <= token.start && token.end <= bounds.span.end,
        (Op::Delete, _) => belongs(before, token, &bounds.span),
    };
    for word in gone.iter().filter(|word| word.token.kind == Kind::Comment) {
        match kept.iter().position(|text| *text == word.text) {
            Some(at) => {
                kept.swap_remove(at);
            }
            None if own(&word.token) => {}
            None => return Err("a comment would be lost"),
        }
    }
    if kept.is_empty() { Ok(()) } else { Err("a comment would be made up") }
}

/// Whether a comment stands inside a deleted node, on its last line, or on the lines right above it.
fn belongs(text: &str, comment: &Token, node: &Range<usize>) -> bool {
    let between = |span: Range<usize>| text.get(span).unwrap_or("");
    if comment.end <= node.start {
        let head = between(0..comment.start).rsplit('\n').next().unwrap_or("");
        let lines: Vec<&str> = between(comment.end..node.start).split('\n').map(str::trim).collect();
        let [rest, comments @ .., indent] = lines.as_slice() else { return false };
        let alone = [head.trim(), rest, indent].iter().all(|part| part.is_empty());
        return alone && comments.iter().all(|line| line.starts_with(['#', '/']));
    }
    comment.end <= node.end || !between(node.end..comment.start).contains('\n')
}

/// A token with the white space before it.
struct Word<'a> {
    token: Token,
    text: &'a str,
    gap: &'a str,
    /// Whether the space before it may be used to line it up.
    movable: bool,
}

impl Word<'_> {
    fn is_like(&self, other: &Word<'_>) -> bool {
        let spaces = |gap: &str| gap.bytes().all(|c| c == b' ');
        let moved = self.movable && other.movable && spaces(self.gap) && spaces(other.gap) && !other.gap.is_empty();
        self.token.kind == other.token.kind && self.text == other.text && (self.gap == other.gap || moved)
    }
}

/// A text's tokens with the space before each, and its end as one more.
struct Spaced<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl<'a> Spaced<'a> {
    fn len(&self) -> usize {
        self.tokens.len() + 1
    }

    fn token(&self, n: usize) -> Token {
        let end = Token { kind: Kind::Newline, start: self.text.len(), end: self.text.len() };
        self.tokens.get(n).copied().unwrap_or(end)
    }

    fn word(&self, n: usize) -> Word<'a> {
        let (token, last) = (self.token(n), n.checked_sub(1).map(|n| self.token(n)));
        let gap = self.text.get(last.map_or(0, |last| last.end)..token.start).unwrap_or("");
        let follows = last.is_some_and(|last| last.kind != Kind::Newline);
        let movable = follows && (token.kind == Kind::Assign || token.is_line_comment(self.text));
        Word { token, text: token.of(self.text), gap, movable }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(before: &str, after: &str, edit: serde_json::Value) -> Option<Code> {
        let edit: Edit = serde_json::from_value(edit).expect("an edit");
        let old = lex(before).expect("reads");
        let Ok(new) = lex(after) else { return Some(Code::Parse) };
        prove((before, &old), (after, &new), None, &edit).err().map(|refusal| refusal.code)
    }

    #[test]
    fn only_the_wanted_change_is_passed() {
        let set = json!({"op": "set", "path": "b", "value": 2});
        let add = json!({"op": "add", "path": "c", "value": [1]});
        let delete = json!({"op": "delete", "path": "b"});
        let file = "a   = {k = \"x\"} # one\nb   = 1 # two\n";
        for (edit, after, wanted) in [
            (&set, "a   = {k = \"x\"} # one\nb   = 2 # two\n", None),
            (&set, "a = {k = \"x\"} # one\nb = 2   # two\n", None),
            (&set, "a   = {k = \"x\"} # one\nb   = 3 # two\n", Some(Code::ProofFailed)),
            (&set, "a   = {k = \"y\"} # one\nb   = 2 # two\n", Some(Code::ProofFailed)),
            (&set, "a   = {k = \"x\"} # one\nb   = 2 #two\n", Some(Code::NotMinimal)),
            (&set, "a   = {k =  \"x\"} # one\nb   = 2 # two\n", Some(Code::NotMinimal)),
            (&set, "a   = {\"k\" = \"x\"} # one\nb   = 2 # two\n", Some(Code::NotMinimal)),
            (&set, "a   = {k = \"x\"} # one\nb   = 2 # two", Some(Code::NotMinimal)),
            (&add, "a   = {k = \"x\"} # one\nb   = 1 # two\nc   = [1]\n", None),
            (&add, "a   = {k = \"x\"} # one\nb   = 1 # two\nc   = [1] # new\n", Some(Code::NotMinimal)),
            (&add, "a   = {k = \"x\"} # one\nb   = 1\nc   = [1]\n", Some(Code::NotMinimal)),
            (&add, "a   = {k : \"x\"} # one\nb   = 1 # two\nc   = [1]\n", Some(Code::NotMinimal)),
            (&delete, "a = {k = \"x\"} # one\n", None),
            (&delete, "a = {k = \"x\"}\n", Some(Code::NotMinimal)),
            (&delete, "", Some(Code::ProofFailed)),
            (&delete, "a = {", Some(Code::ProofFailed)),
        ] {
            assert_eq!(code(file, after, edit.clone()), wanted, "{edit} to\n{after}");
        }
    }

    #[test]
    fn tm77_no_other_byte_may_change() {
        let before = "a = [1, \"x\"] # c\nb {\n  d = <<E\ny\nE\n}\ne = 1\n";
        let (head, tail) = before.rsplit_once('1').expect("a value");
        let set = json!({"op": "set", "path": "e", "value": 2});
        for at in 0..head.len() {
            for other in ["~", "\n", "z", "\"", "# ", "}"] {
                let changed = format!("{}{other}{}2{tail}", &head[..at], &head[at + 1..]);
                if changed == format!("{head}2{tail}") {
                    continue;
                }
                assert!(code(before, &changed, set.clone()).is_some(), "{changed}");
                let longer = format!("{}{other}{}2{tail}", &head[..at], &head[at..]);
                assert!(code(before, &longer, set.clone()).is_some(), "{longer}");
            }
        }
    }
}
