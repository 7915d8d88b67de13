//! Strict YAML: the part of it that says the same as JSON, one document, no anchors, no tags.

use super::{MAX_DEPTH, Malformed, child, number};
use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Reads one YAML document that holds nothing JSON could not say.
pub fn parse(text: &str) -> Result<Value, Malformed> {
    let mut reader = Reader { stack: Vec::new(), root: None };
    for next in Parser::new_from_str(text) {
        let (event, _) = next.map_err(|error| Malformed::at("", error.to_string()))?;
        reader.take(event)?;
    }
    reader.root.ok_or_else(|| Malformed::at("", "the document is empty"))
}

enum Open {
    List { path: String, elements: Vec<Value> },
    Map { path: String, entries: Map<String, Value>, key: Option<String> },
}

struct Reader {
    stack: Vec<Open>,
    root: Option<Value>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), Malformed> {
        match event {
            Event::Scalar(text, style, 0, None) => self.scalar(&text, style),
            Event::SequenceStart(_, 0, None) => self.open(false),
            Event::MappingStart(_, 0, None) => self.open(true),
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(Open::List { elements, .. }) => self.put(Value::Array(elements)),
                Some(Open::Map { entries, .. }) => self.put(Value::Object(entries)),
                None => Ok(()),
            },
            Event::DocumentStart(..) if self.root.is_some() => self.fail("more than one document"),
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                self.fail("anchors and tags are not understood here")
            }
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Comment(..) => Ok(()),
            // The parser's events may grow; what is not known is refused, as aliases are.
            _ => self.fail("aliases are not understood here"),
        }
    }

    fn open(&mut self, map: bool) -> Result<(), Malformed> {
        let path = self.place();
        if self.stack.len() >= MAX_DEPTH {
            return Err(Malformed::at(path, format!("nested more than {MAX_DEPTH} levels deep")));
        }
        if matches!(self.stack.last(), Some(Open::Map { key: None, .. })) {
            return self.fail("a key must be a plain string");
        }
        self.stack.push(if map {
            Open::Map { path, entries: Map::new(), key: None }
        } else {
            Open::List { path, elements: Vec::new() }
        });
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle) -> Result<(), Malformed> {
        if let Some(Open::Map { path, entries, key: key @ None }) = self.stack.last_mut() {
            if entries.contains_key(text) {
                return Err(Malformed::at(child(path, text), "this key stands twice"));
            }
            *key = Some(text.to_owned());
            return Ok(());
        }
        let value = match style {
            ScalarStyle::Plain => plain(text).map_err(|reason| Malformed::at(self.place(), reason))?,
            _ => Value::String(text.to_owned()),
        };
        self.put(value)
    }

    fn put(&mut self, value: Value) -> Result<(), Malformed> {
        match self.stack.last_mut() {
            None => self.root = Some(value),
            Some(Open::List { elements, .. }) => elements.push(value),
            Some(Open::Map { entries, key, .. }) => {
                if let Some(key) = key.take() {
                    entries.insert(key, value);
                }
            }
        }
        Ok(())
    }

    fn place(&self) -> String {
        match self.stack.last() {
            None => String::new(),
            Some(Open::List { path, elements }) => format!("{path}[{}]", elements.len()),
            Some(Open::Map { path, key: None, .. }) => path.clone(),
            Some(Open::Map { path, key: Some(key), .. }) => child(path, key),
        }
    }

    fn fail<T>(&self, reason: &str) -> Result<T, Malformed> {
        Err(Malformed::at(self.place(), reason))
    }
}

/// Reads a plain scalar; what YAML 1.1 and 1.2 readers take differently is refused.
fn plain(text: &str) -> Result<Value, String> {
    match text {
        "" | "null" => return Ok(Value::Null),
        "true" => return Ok(Value::Bool(true)),
        "false" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E' | '_' | ':'))
        && text.chars().any(|c| c.is_ascii_digit())
        // Versions and addresses, `1.2.3`, are text to every reader.
        && (text.matches('.').count() < 2 || text.contains(':'));
    if numeric {
        return number(text);
    }
    if two_faced(text) {
        return Err(format!("`{text}` reads differently in YAML 1.1 and 1.2: quote it"));
    }
    Ok(Value::String(text.to_owned()))
}

fn two_faced(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(lower.as_str(), "on" | "off" | "yes" | "no" | "y" | "n" | "~" | "null" | "true" | "false" | "=" | "<<")
        || matches!(lower.trim_start_matches(['-', '+']), ".inf" | ".nan")
        || lower.starts_with("0x") && lower.len() > 2 && lower[2..].bytes().all(|b| b.is_ascii_hexdigit() || b == b'_')
        || lower.starts_with("0o")
}
