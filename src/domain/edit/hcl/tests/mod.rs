//! Edits of whole files: by hand, at random against a model of their own, and under `terraform fmt`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod random;
mod sample;
mod table;
mod terraform;

use super::{Code, Edited, Refusal, address, edit, lookup};
use crate::domain::change::{Edit, Path, Select};
use serde_json::Value;

fn read(json: Value) -> Edit {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn run(text: &str, block: &str, json: Value) -> Result<Edited, Refusal> {
    let select = (!block.is_empty()).then(|| Select::Block(address(block).expect(block)));
    edit(text.as_bytes(), select.as_ref(), &[read(json)])
}

fn text(edited: &Edited) -> String {
    String::from_utf8(edited.bytes.clone()).expect("UTF-8")
}
