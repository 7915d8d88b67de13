//! What other tools say of what runs: pure functions from their document to words that may count as evidence.
//!
//! Must not take silence or a word that is not known for health, and must not say which change it is about.

mod alerts;
mod argocd;
mod flux;
mod folders;

pub use alerts::{Alert, alerts};
pub use argocd::argocd;
pub use flux::flux;
pub use folders::Folders;

use super::Unfit;
use crate::domain::ids::Oid;
use crate::domain::trust::Judgement;
use serde_json::Value;

/// The most characters of a note.
const NOTE: usize = 500;

/// One thing that a tool says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Good or bad; what is neither is not said at all.
    pub result: Judgement,
    /// What it is about.
    pub about: About,
    /// One line for people.
    pub note: String,
}

/// What a tool's word is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// What stands at a commit, in these folders.
    Commit(Oid, Folders),
    /// Something that began to go wrong.
    Alert(Alert),
}

/// The document of a report; numbers as the tool writes them.
fn document(bytes: &[u8]) -> Result<Value, Unfit> {
    let read: Result<Value, _> = serde_json::from_slice(bytes);
    match read {
        Ok(document) if document.is_object() => Ok(document),
        Ok(_) => Err(malformed("", "this is no JSON object")),
        Err(error) => Err(malformed("", &format!("this is not JSON: {error}"))),
    }
}

fn malformed(path: &str, reason: &str) -> Unfit {
    Unfit::new("report_malformed", path, reason)
}

/// What a Go template writes where there is nothing.
const NOTHING: &str = "<no value>";

/// The text of a member that may be missing, null or empty, and may not be anything else.
fn optional<'a>(document: &'a Value, member: &str, path: &str) -> Result<Option<&'a str>, Unfit> {
    match document.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty() && *text != NOTHING)),
        Some(_) => Err(malformed(path, "a text is needed here")),
    }
}

/// The text of a member that has to be there, of at most so many characters.
fn needed<'a>(document: &'a Value, member: &str, path: &str, most: usize) -> Result<&'a str, Unfit> {
    let text = optional(document, member, path)?.ok_or_else(|| malformed(path, "a text is needed here"))?;
    if text.chars().count() > most { Err(malformed(path, &format!("at most {most} characters"))) } else { Ok(text) }
}

/// A note on one line, without what could steer a terminal or a page.
fn note(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ").chars().take(NOTE).collect()
}

#[cfg(test)]
mod tests;
