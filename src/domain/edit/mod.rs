//! Applies changes to files, touching only the bytes they mean.
//!
//! Must not read or write a disk: files come through `Files`, results are bytes.

mod engines;
pub mod hcl;
mod inverse;
pub mod paths;
mod refusal;
pub mod yaml;

pub use engines::{Format, Steps};
pub use inverse::{FileInverse, Inverse};
pub use refusal::{Code, Refusal};

use super::change::Change;
use serde::Serialize;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The files of a repository as they stand on one tree.
pub trait Files {
    /// Reads a file; none if nothing is there, a refusal if it is a link, a submodule or too large.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal>;

    /// The paths of all regular files below a directory (`""` is the root), sorted by their bytes; more than `limit`
    /// are refused as too large. Links and submodules are left out.
    fn list(&self, directory: &str, limit: usize) -> Result<Vec<String>, Refusal> {
        let _ = limit;
        Err(Refusal::of(Code::NotFound, "these files cannot be searched; name the file").in_file(directory))
    }
}

/// A document after its edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What each edit did, in order.
    pub touched: Vec<Touched>,
}

/// What one edit did, for people and for the effect's judges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// The document, counting from 0.
    pub document: usize,
    /// The place, in dotted form with the block's address in front for HCL.
    pub path: String,
    /// The source text that stood there, if any.
    pub before: Option<String>,
    /// The source text that stands there now, if any.
    pub after: Option<String>,
}

/// One file's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEdit {
    /// The file.
    pub path: String,
    /// Its bytes before.
    pub before: Vec<u8>,
    /// Its bytes after.
    pub after: Vec<u8>,
    /// What was done inside it.
    pub touched: Vec<Touched>,
}

/// What a list of changes comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// The files that differ, sorted by path; empty when everything stands already.
    pub files: Vec<FileEdit>,
    /// The edits that were made, in order.
    pub steps: Vec<Steps>,
}

impl Applied {
    /// The change as a unified diff with three lines around each place.
    pub fn unified_diff(&self) -> String {
        let mut out = String::new();
        for file in &self.files {
            let (before, after) = (String::from_utf8_lossy(&file.before), String::from_utf8_lossy(&file.after));
            let diff = similar::TextDiff::from_lines(before.as_ref(), after.as_ref());
            let (old, new) = (format!("a/{}", file.path), format!("b/{}", file.path));
            out.push_str(&diff.unified_diff().context_radius(3).header(&old, &new).to_string());
        }
        out
    }
}

/// Applies changes in order; all of them or none.
pub fn apply(files: &dyn Files, changes: &[Change]) -> Result<Applied, Refusal> {
    let work = Work { base: files, done: RefCell::default() };
    let mut steps = Vec::new();
    for change in changes {
        for step in engines::expand(&work, change)? {
            work.edit(&step)?;
            steps.push(step);
        }
    }
    let mut files: Vec<FileEdit> = work.done.into_inner().into_values().collect();
    paths::check_distinct(files.iter().map(|file| file.path.as_str()))?;
    files.retain(|file| file.before != file.after);
    Ok(Applied { files, steps })
}

/// The files as the changes so far leave them.
struct Work<'a> {
    base: &'a dyn Files,
    done: RefCell<BTreeMap<String, FileEdit>>,
}

impl Files for Work<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        if let Some(done) = self.done.borrow().get(path) {
            return Ok(Some(done.after.clone()));
        }
        self.base.read(path)
    }

    fn list(&self, directory: &str, limit: usize) -> Result<Vec<String>, Refusal> {
        self.base.list(directory, limit)
    }
}

impl Work<'_> {
    fn edit(&self, step: &Steps) -> Result<(), Refusal> {
        let place = |refusal: Refusal| refusal.in_file(&step.file);
        let now = self.read(&step.file)?.ok_or_else(|| place(Refusal::of(Code::NotFound, "there is no such file")))?;
        if step.edits.is_empty() {
            return Ok(());
        }
        let edited = match step.format {
            Format::Yaml => {
                let order = engines::key_order(&step.file);
                yaml::edit_in_order(&now, step.select.as_ref(), &step.edits, order)
            }
            Format::Hcl => hcl::edit(&now, step.select.as_ref(), &step.edits),
        }
        .map_err(place)?;
        engines::guard(step, &now, &edited.bytes).map_err(place)?;
        let mut done = self.done.borrow_mut();
        let file = done.entry(step.file.clone()).or_insert_with(|| FileEdit {
            path: step.file.clone(),
            before: now.clone(),
            after: now,
            touched: Vec::new(),
        });
        check_overlap(&file.touched, &edited.touched).map_err(place)?;
        file.after = edited.bytes;
        file.touched.extend(edited.touched);
        Ok(())
    }
}

/// Refuses a second change of a place, or of a place inside or around one.
fn check_overlap(earlier: &[Touched], later: &[Touched]) -> Result<(), Refusal> {
    let inside = |outer: &str, inner: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    for new in later {
        let old = earlier
            .iter()
            .find(|old| old.document == new.document && (inside(&old.path, &new.path) || inside(&new.path, &old.path)));
        if let Some(old) = old.filter(|old| old.path != new.path || old.after != new.after) {
            let reason = format!("two changes touch `{}` and `{}`: say it in one", old.path, new.path);
            return Err(Refusal::of(Code::Overlap, reason).at(&new.path).in_document(new.document));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
