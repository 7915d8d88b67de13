//! Writes drafts as YAML lines or in flow style.
//!
//! Must not look at the file: all it needs to know of it is in `Look`. Drafts are no deeper than the caller checked.

use super::draft::Draft;
use super::look::Look;
use super::scalar::{self, Manner};
use super::tree::Style;
use serde_json::Value;

/// Lines with their indentation.
pub(super) struct Lines(pub Vec<(usize, String)>);

impl Lines {
    /// The lines as text, the first without its indentation, none with a line break at the end.
    pub(super) fn text(&self, newline: &str) -> String {
        let line = |(indent, text): &(usize, String)| match text.is_empty() {
            true => String::new(),
            false => format!("{}{text}", " ".repeat(*indent)),
        };
        let text: Vec<String> = self.0.iter().map(line).collect();
        let text = text.join(newline);
        let indent = self.0.first().map_or(0, |(indent, _)| *indent);
        text.get(indent..).unwrap_or_default().to_owned()
    }

    /// The lines as text behind a line break, each with its indentation.
    pub(super) fn below(&self, newline: &str) -> String {
        let indent = self.0.first().map_or(0, |(indent, _)| *indent);
        format!("{newline}{}{}", " ".repeat(indent), self.text(newline))
    }
}

/// Lays out a map or list that is not empty, at a column.
// Recursion is bounded here and below: the caller has checked the draft's depth.
pub(super) fn collection(draft: &Draft, column: usize, look: &Look) -> Lines {
    match draft {
        Draft::Map(entries) => {
            Lines(entries.iter().flat_map(|(key, value)| entry(key, value, column, look).0).collect())
        }
        Draft::List(items) => Lines(items.iter().flat_map(|value| item(value, column, look).0).collect()),
        Draft::Scalar(_) | Draft::Verbatim(_) => Lines(vec![(column, line(draft, look))]),
    }
}

/// Lays out one entry of a map at a column.
pub(super) fn entry(key: &Draft, value: &Draft, column: usize, look: &Look) -> Lines {
    let key = line(key, look);
    if let Some(block) = block(value, look) {
        return with_block(&format!("{key}: "), block, column, look.step);
    }
    let mut lines = Lines(vec![(column, format!("{key}:"))]);
    match value {
        Draft::Map(_) if value.is_filled() => lines.0.extend(collection(value, column + look.step, look).0),
        Draft::List(_) if value.is_filled() => lines.0.extend(collection(value, column + look.list, look).0),
        other => lines.0[0].1 = format!("{key}: {}", line(other, look)),
    }
    lines
}

/// Lays out one element of a list, its dash at a column.
pub(super) fn item(value: &Draft, column: usize, look: &Look) -> Lines {
    let dash = format!("-{}", " ".repeat(look.gap - 1));
    if let Some(block) = block(value, look) {
        return with_block(&dash, block, column, look.gap);
    }
    let mut lines = collection(value, column + look.gap, look);
    if !value.is_filled() {
        lines = Lines(vec![(column, line(value, look))]);
    }
    if let Some((indent, first)) = lines.0.first_mut() {
        *indent = column;
        first.insert_str(0, &dash);
    }
    lines
}

fn with_block(lead: &str, block: scalar::Block, column: usize, step: usize) -> Lines {
    let mut lines = vec![(column, format!("{lead}|{}", block.chomp))];
    lines.extend(block.lines.into_iter().map(|line| (column + step, line)));
    Lines(lines)
}

fn block(value: &Draft, look: &Look) -> Option<scalar::Block> {
    match value {
        Draft::Scalar(Value::String(text)) if text.contains('\n') => {
            scalar::fresh(text).filter(|block| !look.open_end || block.chomp == "-")
        }
        Draft::Scalar(_) | Draft::Verbatim(_) | Draft::Map(_) | Draft::List(_) => None,
    }
}

fn line(value: &Draft, look: &Look) -> String {
    match value {
        Draft::Map(_) | Draft::List(_) => flow(value, look, false),
        Draft::Verbatim(text) => text.clone(),
        Draft::Scalar(value) => scalar::write(value, Manner { keep: Style::Plain, quote: look.quote, flow: false }),
    }
}

/// Writes a draft on one line, in flow style; `json` quotes all strings and keys.
pub(super) fn flow(draft: &Draft, look: &Look, json: bool) -> String {
    match draft {
        Draft::Map(entries) => {
            let entries: Vec<String> = entries.iter().map(|(key, value)| flow_entry(key, value, look, json)).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Draft::List(items) => {
            let items: Vec<String> = items.iter().map(|value| flow(value, look, json)).collect();
            format!("[{}]", items.join(", "))
        }
        Draft::Verbatim(text) => text.clone(),
        Draft::Scalar(value) => scalar::write(value, flow_manner(look, json)),
    }
}

/// Writes one entry of a flow map.
pub(super) fn flow_entry(key: &Draft, value: &Draft, look: &Look, json: bool) -> String {
    format!("{}: {}", flow(key, look, json), flow(value, look, json))
}

fn flow_manner(look: &Look, json: bool) -> Manner {
    Manner { keep: if json { Style::Double } else { Style::Plain }, quote: look.quote, flow: true }
}
