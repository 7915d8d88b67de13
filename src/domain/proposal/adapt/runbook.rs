//! A runbook: the part of a proposal that a tool's document does not say, with places for what it does.
//!
//! Must not let a value choose a file, nor be read as anything but one value.

use super::{Unfit, cut};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most characters of a value in a text for people.
const SPOKEN: usize = 500;
/// What a runbook may hold.
const KEYS: [&str; 8] =
    ["actionKind", "repository", "environment", "target", "changes", "reason", "rollback", "blastRadius"];
/// Texts for people, where a value may be any text.
const FREE: [&str; 2] = ["reason", "rollback"];
/// Members whose whole text may be a value with `/` in it: none of them names a file.
const IMAGES: [&str; 3] = ["newName", "image", "value"];

/// Which tool's documents a runbook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Kubernaut's approval requests, by `workflow`.
    Kubernaut,
    /// Alertmanager's alerts, by their labels.
    Alertmanager,
}

/// What to propose for documents that fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Runbook {
    name: String,
    tool: Tool,
    matches: BTreeMap<String, String>,
    document: Map<String, Value>,
}

impl Runbook {
    /// A runbook of this name, for documents of a tool whose labels are these.
    pub fn new(name: &str, tool: Tool, matches: BTreeMap<String, String>, document: Value) -> Result<Runbook, String> {
        if matches.is_empty() {
            return Err(format!("runbook `{name}`: `match` needs at least one label"));
        }
        let Value::Object(document) = document else { return Err(format!("runbook `{name}`: this is no document")) };
        if let Some(other) = document.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!("runbook `{name}`: `{other}` is not part of a runbook: use {}", KEYS.join(", ")));
        }
        for key in ["actionKind", "repository", "target", "changes", "rollback"] {
            if !document.contains_key(key) {
                return Err(format!("runbook `{name}`: `{key}` is missing"));
            }
        }
        Ok(Runbook { name: name.to_owned(), tool, matches, document })
    }

    /// The first runbook for a tool whose labels all stand in a document's.
    pub(super) fn find<'a>(
        runbooks: &'a [Runbook],
        tool: Tool,
        labels: &BTreeMap<String, String>,
    ) -> Option<&'a Runbook> {
        let fits = |runbook: &&Runbook| {
            runbook.tool == tool && runbook.matches.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        runbooks.iter().find(fits)
    }

    /// The parts of a proposal with every `${name}` replaced by its value.
    pub(super) fn filled(&self, values: &BTreeMap<String, String>) -> Result<Map<String, Value>, Unfit> {
        let filler = Filler { runbook: &self.name, values };
        let each =
            |(key, value): (&String, &Value)| Ok((key.clone(), filler.fill(value, key, FREE.contains(&key.as_str()))?));
        self.document.iter().map(each).collect()
    }
}

struct Filler<'a> {
    runbook: &'a str,
    values: &'a BTreeMap<String, String>,
}

impl Filler<'_> {
    fn fill(&self, value: &Value, member: &str, free: bool) -> Result<Value, Unfit> {
        Ok(match value {
            Value::String(text) => Value::String(self.text(text, member, free)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill(item, member, free)).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => {
                let each = |(key, item): (&String, &Value)| Ok((key.clone(), self.fill(item, key, free)?));
                Value::Object(map.iter().map(each).collect::<Result<_, Unfit>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }

    fn text(&self, text: &str, member: &str, free: bool) -> Result<String, Unfit> {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(start) = rest.find("${") {
            let (before, behind) = rest.split_at(start);
            let Some(end) = behind.find('}') else {
                return Err(self.unfit(member, format!("`{}` has no end", cut(behind, 40))));
            };
            let name = &behind[2..end];
            let value = self.values.get(name);
            let value = value.ok_or_else(|| self.unfit(member, format!("the document has no `{}`", cut(name, 80))))?;
            out.push_str(before);
            out.push_str(&self.value(name, value, member, free, before.is_empty() && end + 1 == behind.len())?);
            rest = &behind[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// One value: any text for people; elsewhere a plain word, with `/` only where it is an image's name or the like.
    fn value(&self, name: &str, value: &str, member: &str, free: bool, alone: bool) -> Result<String, Unfit> {
        if free {
            return Ok(cut(value, SPOKEN));
        }
        let slashes = alone && IMAGES.contains(&member);
        let plain =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '@') || slashes && c == '/';
        let fits = (1..=253).contains(&value.len()) && value.chars().all(plain) && !value.contains("..");
        if fits && value != "." {
            return Ok(value.to_owned());
        }
        Err(self.unfit(member, format!("the value of `{name}` cannot stand here: `{}`", cut(value, 80))))
    }

    fn unfit(&self, member: &str, reason: String) -> Unfit {
        Unfit::new("not_expressible", &format!("runbook {} {member}", self.runbook), reason)
    }
}
