//! Turns the words of an engine into edits of one file.
//!
//! Must not change bytes: it looks at the file and says which edits are meant.

mod exact;
mod helm;
mod kustomize;
mod manifest;
mod order;
mod revert;
mod sheet;
mod terraform;

pub(super) use order::of as key_order;

pub use revert::Remains;

use super::{Code, Edited, Files, Refusal, hcl, paths, yaml};
use crate::domain::change::{Change, Edit, Op, Path, Select, Step};
use serde_json::Value;
use std::collections::BTreeMap;

/// The edits of one file.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Steps {
    /// The file.
    pub file: String,
    /// The format it is in.
    pub format: Format,
    /// Which document or block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// What to do there, in order.
    pub edits: Vec<Edit>,
}

/// A document's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// YAML, or JSON as part of it.
    Yaml,
    /// HCL.
    Hcl,
}

/// The edits of one file, with what they come to where the editors alone cannot make them.
pub(super) struct Made {
    /// The edits, for people.
    pub steps: Steps,
    /// The file after them; left out, the editor of the format makes them.
    pub edited: Option<Edited>,
}

impl From<Steps> for Made {
    fn from(steps: Steps) -> Made {
        Made { steps, edited: None }
    }
}

/// Cuts a change into parts, each of which is applied on what the parts before it left.
pub(super) fn parts(change: &Change) -> Vec<Change> {
    match change {
        Change::Manifest(manifest) => match manifest.words() {
            words if words.is_empty() => vec![change.clone()],
            words => words.into_iter().map(Change::Manifest).collect(),
        },
        Change::Helm(_) | Change::Kustomize(_) | Change::Terraform(_) | Change::Revert(_) => vec![change.clone()],
    }
}

/// Says which edits a change means, given the files as they stand.
pub(super) fn expand(files: &dyn Files, change: &Change) -> Result<Vec<Made>, Refusal> {
    let plain = |steps: Vec<Steps>| steps.into_iter().map(Made::from).collect();
    let all: Vec<Made> = match change {
        Change::Helm(helm) => helm::expand(files, helm).map(plain),
        Change::Kustomize(kustomize) => kustomize::expand(files, kustomize).map(plain),
        Change::Manifest(manifest) => manifest::expand(files, manifest),
        Change::Terraform(terraform) => terraform::expand(files, terraform).map(plain),
        Change::Revert(revert) => revert::expand(files, revert),
    }?;
    all.iter().try_for_each(|made| kustomize::refuse_secrets(&made.steps))?;
    Ok(all)
}

/// Refuses a result in which the place of Terraform's state is another: moving it is more than an edit of a file.
pub(super) fn guard(step: &Steps, before: &[u8], after: &[u8]) -> Result<(), Refusal> {
    let same = match step.format {
        Format::Hcl => hcl::states(before)? == hcl::states(after)?,
        Format::Yaml if step.file.ends_with(".tf.json") => {
            let place = Path(vec![Step::Key("terraform".to_owned())]);
            let kept = |bytes| -> Result<_, Refusal> {
                let block = yaml::lookup(bytes, None, &place)?.unwrap_or_default();
                Ok((block.get("backend").cloned(), block.get("cloud").cloned()))
            };
            kept(before)? == kept(after)?
        }
        Format::Yaml => true,
    };
    if same {
        return Ok(());
    }
    let reason = "a backend says where the state is kept, and moving that is no edit of a file; change it by hand";
    Err(Refusal::of(Code::PathForbidden, reason).at("terraform.backend"))
}

struct Sugar<'a> {
    set: &'a BTreeMap<String, Value>,
    remove: &'a [String],
    edits: &'a [Edit],
}

fn yaml_steps(files: &dyn Files, file: &str, select: Option<&Select>, sugar: Sugar<'_>) -> Result<Steps, Refusal> {
    let edits = sugar_edits(&need(files, file)?, select, sugar).map_err(|refusal| refusal.in_file(file))?;
    Ok(Steps { file: file.to_owned(), format: Format::Yaml, select: select.cloned(), edits })
}

/// The edits that `set`, `remove` and `edits` mean in one YAML text.
fn sugar_edits(bytes: &[u8], select: Option<&Select>, sugar: Sugar<'_>) -> Result<Vec<Edit>, Refusal> {
    let read = |path: &str| Path::parse(path).map_err(|reason| Refusal::of(Code::Parse, reason).at(path));
    let mut edits = Vec::new();
    for (path, value) in sugar.set {
        edits.extend(put(bytes, select, read(path)?, value.clone())?);
    }
    for path in sugar.remove {
        edits.push(delete(read(path)?));
    }
    edits.extend_from_slice(sugar.edits);
    Ok(edits)
}

/// Sets what is there, adds what is not, and does nothing where the value stands already.
fn put(bytes: &[u8], select: Option<&Select>, path: Path, value: Value) -> Result<Option<Edit>, Refusal> {
    let op = match yaml::lookup(bytes, select, &path)? {
        // A string that older readers take for another type is written again, in quotes.
        Some(found) if found == value && (!value.is_string() || yaml::says(bytes, select, &path, &value)?) => {
            return Ok(None);
        }
        Some(_) => Op::Set,
        None => Op::Add,
    };
    Ok(Some(Edit { op, path, value: Some(value), expr: None, form: None }))
}

fn delete(path: Path) -> Edit {
    Edit { op: Op::Delete, path, value: None, expr: None, form: None }
}

fn read_path(file: &str, path: &str) -> Result<Path, Refusal> {
    Path::parse(path).map_err(|reason| Refusal::of(Code::Parse, reason).in_file(file).at(path))
}

fn need(files: &dyn Files, file: &str) -> Result<Vec<u8>, Refusal> {
    paths::check(file)?;
    let missing = || Refusal::of(Code::NotFound, "there is no such file on the base branch").in_file(file);
    files.read(file)?.ok_or_else(missing)
}

#[cfg(test)]
mod tests;
