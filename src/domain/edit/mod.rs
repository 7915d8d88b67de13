//! Applies changes to files, touching only the bytes they mean.
//!
//! Must not read or write a disk: files come through `Files`, results are bytes.

mod engines;
pub mod hcl;
mod inverse;
mod landed;
pub mod paths;
mod refusal;
mod spans;
pub mod yaml;

use engines::Made;
pub use engines::{Format, Remains, Steps};
pub use inverse::{FileInverse, Inverse, Span};
pub use landed::{LandedChange, LandedFile, not_landed};
pub use refusal::{Code, Refusal};

use super::change::{Change, Landed};
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

    /// What a commit of these files' history changed; none if it is not part of it.
    fn landed(&self, what: Landed<'_>) -> Result<Option<LandedChange>, Refusal> {
        let _ = what;
        Err(Refusal::of(Code::NotFound, "these files have no history; use a repository to take a commit back"))
    }
}

/// A document after its edits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// What each edit did, in order.
    pub touched: Vec<Touched>,
    /// Where each edit was made, elements of lists by number; empty where `touched` says it as well.
    pub places: Vec<String>,
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
    /// The way back, proven to give every byte of it.
    pub inverse: Inverse,
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
    for part in changes.iter().flat_map(engines::parts) {
        for made in engines::expand(&work, &part)? {
            work.take(&made)?;
            steps.push(made.steps);
        }
    }
    let mut files: Vec<FileEdit> = work.done.into_inner().into_values().map(|done| done.edit).collect();
    paths::check_distinct(files.iter().map(|file| file.path.as_str()))?;
    files.retain(|file| file.before != file.after);
    let inverse = Inverse::of(&files);
    inverse.prove(&files)?;
    Ok(Applied { files, steps, inverse })
}

/// The files as the changes so far leave them.
struct Work<'a> {
    base: &'a dyn Files,
    done: RefCell<BTreeMap<String, Done>>,
}

/// One file so far.
struct Done {
    edit: FileEdit,
    places: Vec<Place>,
}

/// Where an edit was made, and what it left there.
struct Place {
    document: usize,
    path: String,
    after: Option<String>,
}

impl Files for Work<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        if let Some(done) = self.done.borrow().get(path) {
            return Ok(Some(done.edit.after.clone()));
        }
        self.base.read(path)
    }

    fn list(&self, directory: &str, limit: usize) -> Result<Vec<String>, Refusal> {
        self.base.list(directory, limit)
    }

    fn landed(&self, what: Landed<'_>) -> Result<Option<LandedChange>, Refusal> {
        self.base.landed(what)
    }
}

impl Work<'_> {
    fn take(&self, made: &Made) -> Result<(), Refusal> {
        let step = &made.steps;
        let place = |refusal: Refusal| refusal.in_file(&step.file);
        let now = self.read(&step.file)?.ok_or_else(|| place(Refusal::of(Code::NotFound, "there is no such file")))?;
        let edited = match (&made.edited, step.format) {
            (Some(edited), _) => edited.clone(),
            (None, _) if step.edits.is_empty() => return Ok(()),
            (None, Format::Yaml) => {
                let order = engines::key_order(&step.file);
                yaml::edit_in_order(&now, step.select.as_ref(), &step.edits, order).map_err(place)?
            }
            (None, Format::Hcl) => hcl::edit(&now, step.select.as_ref(), &step.edits).map_err(place)?,
        };
        engines::guard(step, &now, &edited.bytes).map_err(place)?;
        let mut done = self.done.borrow_mut();
        let done = done.entry(step.file.clone()).or_insert_with(|| Done {
            edit: FileEdit { path: step.file.clone(), before: now.clone(), after: now, touched: Vec::new() },
            places: Vec::new(),
        });
        let places = places(&edited);
        check_overlap(&done.places, &places).map_err(place)?;
        done.edit.after = edited.bytes;
        done.edit.touched.extend(edited.touched);
        done.places.extend(places);
        Ok(())
    }
}

fn places(edited: &Edited) -> Vec<Place> {
    let place = |(n, touched): (usize, &Touched)| Place {
        document: touched.document,
        path: edited.places.get(n).unwrap_or(&touched.path).clone(),
        after: touched.after.clone(),
    };
    edited.touched.iter().enumerate().map(place).collect()
}

/// Refuses a second change of a place, or of a place inside or around one.
fn check_overlap(earlier: &[Place], later: &[Place]) -> Result<(), Refusal> {
    let inside = |outer: &str, inner: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
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
