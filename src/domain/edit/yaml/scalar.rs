//! Writes scalars so that readers of YAML 1.1 and of YAML 1.2 read the same.
//!
//! Must not know nodes or indentation beyond what a block scalar's lines are given.

use super::tree::Style;
use super::typing;
use serde_json::Value;
use std::fmt::Write;

/// How a scalar is to be written.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// The style to keep, if one stood there.
    pub keep: Style,
    /// The quotes for what needs some.
    pub quote: Style,
    /// Whether it stands inside braces or brackets.
    pub flow: bool,
}

/// Writes a JSON scalar on one line.
pub(super) fn write(value: &Value, manner: Manner) -> String {
    match value {
        Value::String(text) => string(text, manner),
        Value::Number(number) if number.is_f64() => float(number.as_f64().unwrap_or_default()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Writes a string on one line.
pub(super) fn string(text: &str, manner: Manner) -> String {
    match manner.keep {
        Style::Double => double(text),
        Style::Single if is_line(text) => single(text),
        Style::Single => double(text),
        Style::Plain | Style::Literal | Style::Folded if is_plain(text, manner.flow) => text.to_owned(),
        Style::Plain | Style::Literal | Style::Folded => quoted(text, manner.quote),
    }
}

fn quoted(text: &str, quote: Style) -> String {
    let escapes = text.contains(['"', '\\']);
    match quote {
        Style::Single if is_line(text) && !text.contains('\'') => single(text),
        _ if is_line(text) && escapes && !text.contains('\'') => single(text),
        _ => double(text),
    }
}

// YAML 1.1 asks a float to have a point and its exponent to have a sign.
fn float(value: f64) -> String {
    let text = format!("{value:?}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let point = if mantissa.contains('.') { "" } else { ".0" };
            let plus = if exponent.starts_with('-') { "" } else { "+" };
            format!("{mantissa}{point}e{plus}{exponent}")
        }
        None => text,
    }
}

fn is_line(text: &str) -> bool {
    text.chars().all(|c| c != '\n' && c != '\t' && is_printable(c))
}

fn is_printable(c: char) -> bool {
    matches!(c, '\t' | '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn is_plain(text: &str, flow: bool) -> bool {
    let second = text.chars().nth(1);
    let opens = match text.chars().next() {
        None => false,
        Some('-' | '?' | ':') => second.is_some_and(|c| c != ' ' && (!flow || !",[]{}".contains(c))),
        Some(first) => !first.is_whitespace() && !",[]{}#&*!|>'\"%@`".contains(first),
    };
    opens
        && is_line(text)
        && typing::is_text(text)
        && !text.ends_with([' ', ':'])
        && !text.ends_with(char::is_whitespace)
        && !text.contains(": ")
        && !text.contains(" #")
        && !(text.starts_with("---") || text.starts_with("..."))
        && !(flow && (text.contains([',', '[', ']', '{', '}']) || text == "-" || text.starts_with(":")))
}

fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) < 0x1_0000 => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// The sign of a block scalar's header and its lines, without indentation.
pub(super) struct Block {
    /// `-` for no line break at the end, empty for one.
    pub chomp: &'static str,
    /// The lines; an empty one stays empty.
    pub lines: Vec<String>,
}

/// Lays a text of several lines out as a `|` block where there was none; blanks at line ends are rather quoted.
pub(super) fn fresh(text: &str) -> Option<Block> {
    literal(text)
        .filter(|block| block.lines.len() > 1 || text.ends_with('\n'))
        .filter(|block| block.lines.iter().all(|line| !line.ends_with([' ', '\t'])))
}

/// Lays a text of several lines out as a `|` block, if such a block can hold it.
pub(super) fn literal(text: &str) -> Option<Block> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let fits = !body.is_empty()
        && !body.starts_with([' ', '\n', '\t'])
        && !body.ends_with('\n')
        && text.chars().all(is_printable)
        && body.lines().all(|line| line.is_empty() || !line.trim().is_empty());
    fits.then(|| Block {
        chomp: if body.len() == text.len() { "-" } else { "" },
        lines: body.split('\n').map(str::to_owned).collect(),
    })
}

/// Lays a text out as a `>` block with one line for each of its own, if such a block can hold it.
pub(super) fn folded(text: &str) -> Option<Block> {
    let block = literal(text)?;
    if block.lines.iter().any(|line| line.starts_with([' ', '\t']) || line.ends_with(' ')) {
        return None;
    }
    let mut lines: Vec<String> = Vec::new();
    let mut after_text = false;
    for line in block.lines {
        if !line.is_empty() && after_text {
            lines.push(String::new());
        }
        after_text = !line.is_empty() || after_text;
        lines.push(line);
    }
    Some(Block { chomp: block.chomp, lines })
}
