//! Turns the words of an engine into edits of one file.
//!
//! Must not change bytes: it looks at the file and says which edits are meant.

mod helm;
mod kustomize;
mod manifest;
mod order;
mod sheet;
mod terraform;

pub(super) use order::of as key_order;

use super::{Code, Files, Refusal, hcl, paths, yaml};
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

/// Says which edits a change means, given the files as they stand.
pub(super) fn expand(files: &dyn Files, change: &Change) -> Result<Vec<Steps>, Refusal> {
    let all = match change {
        Change::Helm(helm) => helm::expand(files, helm),
        Change::Kustomize(kustomize) => kustomize::expand(files, kustomize),
        Change::Manifest(manifest) => manifest::expand(files, manifest),
        Change::Terraform(terraform) => terraform::expand(files, terraform),
    }?;
    all.iter().try_for_each(kustomize::refuse_secrets)?;
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
    let bytes = need(files, file)?;
    let mut edits = Vec::new();
    for (path, value) in sugar.set {
        let path = read_path(file, path)?;
        edits.extend(put(&bytes, select, path, value.clone()).map_err(|refusal| refusal.in_file(file))?);
    }
    for path in sugar.remove {
        edits.push(delete(read_path(file, path)?));
    }
    edits.extend_from_slice(sugar.edits);
    Ok(Steps { file: file.to_owned(), format: Format::Yaml, select: select.cloned(), edits })
}

/// Sets what is there, adds what is not, and does nothing where the value stands already.
fn put(bytes: &[u8], select: Option<&Select>, path: Path, value: Value) -> Result<Option<Edit>, Refusal> {
    let op = match yaml::lookup(bytes, select, &path)? {
        Some(found) if found == value => return Ok(None),
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
