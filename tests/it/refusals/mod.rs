//! Repositories and files made to make an edit do something else than it says: each is refused, or comes back whole.

mod bytes;
mod repository;

use crate::golden::Tree;
use countersign::domain::change::Change;
use countersign::domain::edit::{Applied, Code, Refusal, apply};
use serde_json::{Value, json};

/// One change list of JSON.
pub fn changes(list: Value) -> Vec<Change> {
    serde_json::from_value(list).unwrap()
}

/// A file with this name and text.
pub fn one(name: &str, text: impl Into<Vec<u8>>) -> Tree {
    Tree([(name.to_owned(), text.into())].into())
}

/// Sets a key of `v.yaml`.
pub fn set(text: impl Into<Vec<u8>>, path: &str, value: Value) -> Result<Applied, Refusal> {
    apply(&one("v.yaml", text), &changes(json!([{"helm": {"values": "v.yaml", "set": {path: value}}}])))
}

#[track_caller]
pub fn is_refused<T: std::fmt::Debug>(result: Result<T, Refusal>, code: Code, reason: &str) {
    let refusal = result.expect_err("it is refused");
    assert_eq!(refusal.code, code, "{refusal}");
    assert!(refusal.reason.contains(reason), "{refusal}");
}
