//! A YAML file with the edits decided so far, so that each next one is decided on what the others leave.
//!
//! Must not keep what it makes of the bytes: only the edits are handed on.

use super::{Format, Steps, need, order};
use crate::domain::change::{Edit, Op, Path, Select, Step};
use crate::domain::edit::{Code, Files, Refusal, yaml};
use serde_json::Value;

/// One document of a file under change.
pub(super) struct Sheet {
    file: String,
    select: Option<Select>,
    bytes: Vec<u8>,
    edits: Vec<Edit>,
}

impl Sheet {
    /// Opens a file that must be there.
    pub(super) fn open(files: &dyn Files, file: &str, select: Option<&Select>) -> Result<Sheet, Refusal> {
        let bytes = need(files, file)?;
        Ok(Sheet { file: file.to_owned(), select: select.cloned(), bytes, edits: Vec::new() })
    }

    /// A text that is no file.
    pub(super) fn of_text(text: &str) -> Sheet {
        Sheet { file: String::new(), select: None, bytes: text.as_bytes().to_vec(), edits: Vec::new() }
    }

    /// The same, where the document is known by its place.
    pub(super) fn at_document(mut self, index: usize) -> Sheet {
        self.select = Some(Select::Index(crate::domain::change::SelectIndex { index }));
        self
    }

    /// The file's path.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The text as the edits so far leave it.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// All documents as the edits so far leave them.
    pub(super) fn documents(&self) -> Result<Vec<serde_yaml::Value>, Refusal> {
        yaml::documents(&self.bytes).map_err(|refusal| refusal.in_file(&self.file))
    }

    /// The value at a place, if there is one.
    pub(super) fn read(&self, path: &[Step]) -> Result<Option<Value>, Refusal> {
        let found = yaml::lookup(&self.bytes, self.select.as_ref(), &Path(path.to_vec()));
        found.map_err(|refusal| refusal.in_file(&self.file))
    }

    /// The elements of a list, none where there is no list.
    pub(super) fn list(&self, path: &[Step]) -> Result<Vec<Value>, Refusal> {
        match self.read(path)? {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(self.refuse(Code::NotList, "the value is no list").at(Path(path.to_vec()))),
        }
    }

    /// Sets what is there, adds what is not, and does nothing where the value stands already.
    pub(super) fn put(&mut self, path: &[Step], value: Value) -> Result<(), Refusal> {
        let op = match self.read(path)? {
            Some(found) if found == value => return Ok(()),
            Some(_) => Op::Set,
            None => Op::Add,
        };
        self.make(op, path, Some(value))
    }

    /// Puts a value behind the last of a list, which is made if it is missing.
    pub(super) fn append(&mut self, path: &[Step], value: Value) -> Result<(), Refusal> {
        self.make(Op::Append, path, Some(value))
    }

    /// Takes a key or an element away.
    pub(super) fn delete(&mut self, path: &[Step]) -> Result<(), Refusal> {
        self.make(Op::Delete, path, None)
    }

    /// Takes a key or an element away if it is there.
    pub(super) fn delete_if_there(&mut self, path: &[Step]) -> Result<(), Refusal> {
        if self.read(path)?.is_some() { self.delete(path) } else { Ok(()) }
    }

    fn make(&mut self, op: Op, path: &[Step], value: Option<Value>) -> Result<(), Refusal> {
        let edit = Edit { op, path: Path(path.to_vec()), value, expr: None, form: None };
        let order = order::of(&self.file);
        let edited = yaml::edit_in_order(&self.bytes, self.select.as_ref(), std::slice::from_ref(&edit), order)
            .map_err(|refusal| refusal.in_file(&self.file))?;
        self.bytes = edited.bytes;
        match self.edits.last_mut() {
            // The same place twice in a row, as the text of an inline patch: only the last value counts.
            Some(last) if last.op == Op::Set && edit.op == Op::Set && last.path == edit.path => *last = edit,
            Some(_) | None => self.edits.push(edit),
        }
        Ok(())
    }

    /// Adds edits that are taken as they are.
    pub(super) fn add_edits(&mut self, edits: &[Edit]) {
        self.edits.extend_from_slice(edits);
    }

    /// A refusal about this file.
    pub(super) fn refuse(&self, code: Code, reason: impl Into<String>) -> Refusal {
        Refusal::of(code, reason).in_file(&self.file)
    }

    /// Whether nothing is to be done.
    pub(super) fn is_clean(&self) -> bool {
        self.edits.is_empty()
    }

    /// The edits.
    pub(super) fn steps(self) -> Steps {
        Steps { file: self.file, format: Format::Yaml, select: self.select, edits: self.edits }
    }
}

/// A step to a key.
pub(super) fn key(name: &str) -> Step {
    Step::Key(name.to_owned())
}

/// A path of keys.
pub(super) fn keys(names: &[&str]) -> Vec<Step> {
    names.iter().map(|name| key(name)).collect()
}

/// A path with more steps behind it.
pub(super) fn join(front: &[Step], back: &[Step]) -> Vec<Step> {
    [front, back].concat()
}
