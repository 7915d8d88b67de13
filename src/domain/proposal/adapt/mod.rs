//! Proposals from what other tools emit: pure functions from their document to ours.
//!
//! Must not guess: what a tool's document does not say, and a runbook does not add, is refused.

mod alertmanager;
mod kubernaut;
mod runbook;
pub mod said;
mod srenix;

pub use alertmanager::{Alerted, alertmanager};
pub use kubernaut::kubernaut;
pub use runbook::{Runbook, Tool};
pub use srenix::srenix;

use crate::domain::ids::Time;
use serde_json::{Value, json};

/// Why a tool's document does not become a proposal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Unfit {
    /// `adapter_malformed`, `report_malformed`, `not_expressible`, `no_runbook`, `decided` or `expired`.
    pub code: &'static str,
    /// Where in the tool's document.
    pub path: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl Unfit {
    fn new(code: &'static str, path: &str, reason: impl Into<String>) -> Unfit {
        Unfit { code, path: path.to_owned(), reason: reason.into() }
    }
}

/// The head of every proposal that an adapter makes.
fn head(id: &str, proposer: &str, display: &str) -> Value {
    json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "id": name(id),
        "proposer": {"id": proposer, "display": display},
    })
}

/// A name of ours made of theirs: what our names may not hold becomes `-`, 64 characters at most.
fn name(theirs: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' };
    theirs.chars().map(plain).take(64).collect()
}

/// The text at a place of a document; empty counts as none.
fn text<'a>(document: &'a Value, place: &str) -> Option<&'a str> {
    document.pointer(place).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// The text at a place that has to hold one.
fn needed<'a>(document: &'a Value, place: &str) -> Result<&'a str, Unfit> {
    let dotted = place.trim_start_matches('/').replace('/', ".");
    text(document, place).ok_or_else(|| Unfit::new("adapter_malformed", &dotted, "a text is needed here"))
}

/// A text for people, cut to so many characters.
fn cut(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(most).collect()
}

/// Refuses what was over before it came.
fn still_open(document: &Value, place: &str, now: Time) -> Result<(), Unfit> {
    let Some(until) = text(document, place) else { return Ok(()) };
    let dotted = place.trim_start_matches('/').replace('/', ".");
    let until: Time =
        until.parse().map_err(|_| Unfit::new("adapter_malformed", &dotted, "this is no RFC 3339 time"))?;
    if until > now { Ok(()) } else { Err(Unfit::new("expired", &dotted, format!("it stood until {until}"))) }
}

fn put(document: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = document {
        map.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
