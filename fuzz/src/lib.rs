//! What the fuzz targets ask of the editors: no panic, no hang, and no change but the one that was asked for.
//!
//! The lower half of the domain is read from where it stands, so that a fuzzing build needs no database and no forge.
//! An input is sixteen bytes that choose an edit, then a document. What an edit comes to is read by a reader of its own
//! and measured against a model that knows nothing of the editors.

pub mod domain;
pub mod hcl;
pub mod yaml;

use domain::change::{Edit, Op, Step};
use serde_json::{Value, json};

/// The bytes in front of a document.
const SCRIPT: usize = 16;

/// Choices, taken from an input's first bytes; zero where they end.
pub struct Dice<'a>(&'a [u8]);

impl<'a> Dice<'a> {
    /// Splits an input into choices and a document.
    pub fn split(data: &'a [u8]) -> (Dice<'a>, &'a [u8]) {
        let (script, document) = data.split_at(SCRIPT.min(data.len()));
        (Dice(script), document)
    }

    fn below(&mut self, limit: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(*first) % limit.max(1)
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    fn op(&mut self) -> Op {
        *self.pick(&[Op::Set, Op::Add, Op::Append, Op::Delete])
    }
}

/// A value to write.
fn wanted(dice: &mut Dice<'_>) -> Value {
    let strings =
        ["x", "on", "1.10", "0123", "a: b #c", "it's", "- x", "", "é ü", "~", "m\nn\n", "${x}", "\"q\"\t\\", "12:30"];
    match dice.below(8) {
        0 => json!(dice.below(200)),
        1 => json!(-3),
        2 => json!(true),
        3 => Value::Null,
        4 => json!(["p", 1, {"k": "v"}]),
        5 => json!({"k": 1, "l.m/n": [{"o": null}]}),
        _ => json!(*dice.pick(&strings)),
    }
}

/// A key that is likely not there.
fn fresh(dice: &mut Dice<'_>) -> &'static str {
    dice.pick::<&'static str>(&["new", "on", "a b", "x/y", "é", "null", "fresh-key", "<<"])
}

/// The parts of two texts that differ, after the longest common beginning and end are taken off.
pub fn differing<'t>(before: &'t str, after: &'t str) -> (&'t str, &'t str) {
    let same = |pairs: &mut dyn Iterator<Item = (char, char)>| -> usize {
        pairs.take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum()
    };
    let head = same(&mut before.chars().zip(after.chars()));
    let (before, after) = (&before[head..], &after[head..]);
    let tail = same(&mut before.chars().rev().zip(after.chars().rev()));
    (&before[..before.len() - tail], &after[..after.len() - tail])
}

/// Line ends stay what they are, where all are of one sort.
fn check_line_ends(before: &str, after: &str) {
    let bare = |text: &str| text.matches('\n').count() - text.matches("\r\n").count();
    let all_crlf = before.contains("\r\n") && bare(before) == 0;
    assert!(!all_crlf || bare(after) == 0, "a line end has changed: {before:?} to {after:?}");
}

/// Whether an edit, made once more, has nothing to do.
fn settles(edit: &Edit) -> bool {
    edit.op == Op::Set
}

/// Whether an element on the way is found by one of its fields.
fn by_field(edit: &Edit) -> bool {
    edit.path.0.iter().any(|step| matches!(step, Step::Match(_)))
}

/// Whether a text stands in another, in the same order, white space, brackets, commas and null aside.
fn is_kept(text: &str, other: &str) -> bool {
    let mut other = other.chars();
    text.replace("null", "")
        .chars()
        .filter(|c| !c.is_whitespace() && !"{}[],~".contains(*c))
        .all(|c| other.any(|o| o == c))
}
