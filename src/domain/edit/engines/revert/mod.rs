//! Takes back what a commit of the base branch did.
//!
//! Must not take back what was changed again since, nor what it cannot read: that is left to a person.

mod differences;
mod remains;
#[cfg(test)]
mod tests;

use super::exact::{self, below, same};
use super::{Format, Made, Steps, delete};
use crate::domain::change::{Edit, Op, Path, Revert, Select, SelectIndex, Step};
use crate::domain::edit::{Code, Edited, FileInverse, Files, LandedFile, Refusal, Touched, not_landed, paths, yaml};
use differences::{Differences, differences, name_step, names};
pub use remains::Remains;
use serde_json::Value;
use std::collections::BTreeSet;

/// Says what has to be done to each file that the commit changed.
pub(super) fn expand(files: &dyn Files, revert: &Revert) -> Result<Vec<Made>, Refusal> {
    let give_one = || Refusal::of(Code::Parse, "give exactly one of `commit` and `proposal`");
    let what = revert.what().ok_or_else(give_one)?;
    let landed = files.landed(what)?.ok_or_else(|| not_landed(what))?;
    let mut made = Vec::new();
    for file in &landed.files {
        made.extend(back(files, file).map_err(|refusal| refusal.in_file(&file.path))?);
    }
    Ok(made)
}

fn back(files: &dyn Files, file: &LandedFile) -> Result<Vec<Made>, Refusal> {
    paths::check(&file.path)?;
    let (before, after) = match (&file.before, &file.after) {
        (Some(before), Some(after)) => (before, after),
        (None, _) => return Err(refuse(Code::NotMinimal, "the commit adds this file; remove it by hand")),
        (_, None) => return Err(refuse(Code::NotFound, "the commit removes this file; bring it back by hand")),
    };
    let format = format(&file.path)?;
    let now = files.read(&file.path)?.ok_or_else(|| refuse(Code::NotFound, "the file is not there any more"))?;
    if now == *before {
        return Ok(Vec::new());
    }
    let meant = differences(format, after, before)?;
    if let Some(bytes) = FileInverse::of(&file.path, before, after).restore(&now) {
        let done = differences(format, &now, &bytes)?;
        let same = done.touched == meant.touched && done.edits == meant.edits;
        if same && (now == *after || same_objects(format, after, &now, &done.touched)?) {
            let Differences { edits, touched, places } = done;
            let steps = Steps { file: file.path.clone(), format, select: None, edits };
            return Ok(vec![Made { steps, edited: Some(Edited { bytes, touched, places }) }]);
        }
    }
    match format {
        Format::Yaml => by_path(&file.path, [before, after, &now]),
        Format::Hcl => Err(refuse(Code::NotFound, CHANGED)),
    }
}

const CHANGED: &str = "what the commit left here was changed since; a person has to take it back";

/// The format of a file whose effect can be judged.
fn format(path: &str) -> Result<Format, Refusal> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    if ends(&[".tf", ".tfvars", ".hcl"]) {
        return Ok(Format::Hcl);
    }
    if ends(&[".yaml", ".yml", ".json"]) || name == "Kustomization" {
        return Ok(Format::Yaml);
    }
    let reason = "only YAML, JSON and Terraform files are taken back, because what another file does cannot be judged";
    Err(refuse(Code::Parse, reason))
}

/// Takes back value by value, each only where it stands as the commit left it.
fn by_path(file: &str, [before, after, now]: [&[u8]; 3]) -> Result<Vec<Made>, Refusal> {
    let (before, after, now) = (yaml::values(before)?, yaml::values(after)?, yaml::values(now)?);
    if before.len() != after.len() {
        return Err(refuse(Code::NotFound, CHANGED));
    }
    let mut made = Vec::new();
    for (n, (old, left)) in before.iter().zip(&after).enumerate() {
        if same(old, left) {
            continue;
        }
        let index = twin(left, n, &now, after.len()).ok_or_else(|| refuse(Code::NotFound, CHANGED).in_document(n))?;
        let mut back = Back::default();
        back.value(&[], [Some(old), Some(left), now.get(index)]).map_err(|refusal| refusal.in_document(index))?;
        let select = Some(Select::Index(SelectIndex { index }));
        let edits = [back.edits, back.deletes].concat();
        made.push(Made::from(Steps { file: file.to_owned(), format: Format::Yaml, select, edits }));
    }
    Ok(made)
}

/// Whether the documents that are touched are about the objects that the commit was about.
fn same_objects(format: Format, after: &[u8], now: &[u8], touched: &[Touched]) -> Result<bool, Refusal> {
    if format == Format::Hcl {
        return Ok(true);
    }
    let (after, now) = (yaml::values(after)?, yaml::values(now)?);
    let same = |n: usize| after.get(n).and_then(object) == now.get(n).and_then(object);
    Ok(touched.iter().all(|touched| same(touched.document)))
}

/// What an object is called: API version, kind, name and namespace.
type Called = (Option<String>, String, String, Option<String>);

fn object(document: &Value) -> Option<Called> {
    let text = |path: &str| document.pointer(path).and_then(Value::as_str).map(str::to_owned);
    Some((text("/apiVersion"), text("/kind")?, text("/metadata/name")?, text("/metadata/namespace")))
}

/// The document of the file as it is now that describes the same object.
fn twin(left: &Value, n: usize, now: &[Value], count: usize) -> Option<usize> {
    match object(left) {
        Some(wanted) => {
            let mut found = (0..now.len()).filter(|n| object(&now[*n]).as_ref() == Some(&wanted));
            found.next().filter(|_| found.next().is_none())
        }
        None => (now.len() == count).then_some(n),
    }
}

#[derive(Default)]
struct Back {
    edits: Vec<Edit>,
    /// Kept apart, so that a map never becomes empty on the way.
    deletes: Vec<Edit>,
}

impl Back {
    // Recursion is bounded: the reader refuses documents that are nested too deep.
    fn value(&mut self, at: &[Step], [old, left, now]: [Option<&Value>; 3]) -> Result<(), Refusal> {
        let equal = |a: Option<&Value>, b: Option<&Value>| match (a, b) {
            (Some(a), Some(b)) => same(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        if equal(old, left) || equal(now, old) {
            return Ok(());
        }
        match (old, left, now) {
            (Some(old), _, _) if equal(now, left) => self.put(at, now, old),
            (None, _, _) if equal(now, left) => self.deletes.push(delete(Path(at.to_vec()))),
            (Some(Value::Object(old)), Some(Value::Object(left)), Some(Value::Object(now))) => {
                let keys: BTreeSet<&String> = old.keys().chain(left.keys()).collect();
                for key in keys {
                    let place = below(at, Step::Key(key.clone()));
                    self.value(&place, [old.get(key), left.get(key), now.get(key)])?;
                }
            }
            (Some(Value::Array(old)), Some(Value::Array(left)), Some(Value::Array(now))) => {
                self.list(at, [old, left, now])?;
            }
            _ => return Err(refuse(Code::NotFound, CHANGED).at(Path(at.to_vec()))),
        }
        Ok(())
    }

    fn put(&mut self, at: &[Step], now: Option<&Value>, old: &Value) {
        match (at.split_last(), now) {
            // An element that is gone comes back at the end: where it stood is not certain any more.
            (Some((Step::Match(_), list)), None) => self.edits.push(exact::edit(Op::Append, list, old)),
            _ => {
                let mut edits = Vec::new();
                exact::edits(at, now, old, &mut edits);
                let (gone, kept): (Vec<Edit>, Vec<Edit>) = edits.into_iter().partition(|edit| edit.op == Op::Delete);
                self.edits.extend(kept);
                self.deletes.extend(gone);
            }
        }
    }

    fn list(&mut self, at: &[Step], [old, left, now]: [&[Value]; 3]) -> Result<(), Refusal> {
        if [old, left, now].iter().any(|list| names(list).is_none()) {
            return Err(refuse(Code::NotFound, CHANGED).at(Path(at.to_vec())));
        }
        let new = left.iter().filter(|value| find(old, &value["name"]).is_none());
        for name in old.iter().chain(new).map(|value| &value["name"]) {
            self.value(&below(at, name_step(name)), [find(old, name), find(left, name), find(now, name)])?;
        }
        Ok(())
    }
}

fn find<'v>(list: &'v [Value], name: &Value) -> Option<&'v Value> {
    list.iter().find(|value| value.get("name") == Some(name))
}

fn refuse(code: Code, reason: &str) -> Refusal {
    Refusal::of(code, reason)
}
