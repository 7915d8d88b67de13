//! Knows where things live in a Kustomize overlay.
//!
//! Must not change bytes: it says which edits are meant. Must not reach outside of the overlay's directory.

mod entries;
mod fields;
mod generators;
mod images;
mod json_patch;
mod merge_patch;
mod patches;
mod secrets;

pub(super) use secrets::refuse as refuse_secrets;

use super::order::KUSTOMIZATIONS as NAMES;
use super::sheet::Sheet;
use super::{Steps, need};
use crate::domain::change::{Kustomize, Select, SelectIndex};
use crate::domain::edit::{Code, Files, Refusal, yaml};
use serde_yaml::Value;

pub(super) fn expand(files: &dyn Files, change: &Kustomize) -> Result<Vec<Steps>, Refusal> {
    let (file, directory) = place(files, change)?;
    let mut sheet = open(files, &file, change.select.as_ref())?;
    for image in &change.images {
        images::set(&mut sheet, image)?;
    }
    for replicas in &change.replicas {
        images::scale(&mut sheet, replicas)?;
    }
    fields::set(&mut sheet, change)?;
    for generator in &change.config_map_generator {
        generators::set(&mut sheet, generator)?;
    }
    let overlay = Overlay { files, directory: &directory };
    entries::set(&mut sheet, &overlay, change)?;
    let mut patched = patches::set(&mut sheet, &overlay, &change.patches)?;
    sheet.add_edits(&change.edits);
    patched.push(sheet.steps());
    Ok(patched)
}

/// An overlay's directory among the files of the repository.
struct Overlay<'a> {
    files: &'a dyn Files,
    /// Without a slash at its end; empty for the root.
    directory: &'a str,
}

impl Overlay<'_> {
    /// The repository's path of what the overlay calls by a relative path; none if that leads out of the repository.
    fn resolve(&self, relative: &str) -> Option<String> {
        let mut parts: Vec<&str> = self.directory.split('/').filter(|part| !part.is_empty()).collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()?),
                part => parts.push(part),
            }
        }
        (!relative.starts_with('/')).then(|| parts.join("/"))
    }

    /// Whether a path of the repository lies in the overlay's own directory.
    fn owns(&self, path: &str) -> bool {
        self.directory.is_empty() || path.strip_prefix(self.directory).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The kustomization files of a directory of the repository.
    fn kustomizations(&self, directory: &str) -> Result<Vec<String>, Refusal> {
        kustomizations(self.files, directory)
    }
}

fn kustomizations(files: &dyn Files, directory: &str) -> Result<Vec<String>, Refusal> {
    let mut found = Vec::new();
    for name in NAMES {
        let file = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
        if files.read(&file)?.is_some() {
            found.push(file);
        }
    }
    Ok(found)
}

/// The kustomization file and its directory.
fn place(files: &dyn Files, change: &Kustomize) -> Result<(String, String), Refusal> {
    let refuse = |code, reason: &str, place: &str| Err(Refusal::of(code, reason).in_file(place));
    match (&change.file, &change.directory) {
        (Some(file), _) => {
            let (directory, name) = file.rsplit_once('/').unwrap_or(("", file));
            if !NAMES.contains(&name) {
                let reason =
                    format!("a kustomization is called {}; use `manifest` for other files", NAMES.join(" or "));
                return refuse(Code::Parse, &reason, file);
            }
            Ok((file.clone(), directory.to_owned()))
        }
        (None, Some(directory)) => {
            let inside = match directory.trim_end_matches('/').trim_start_matches("./") {
                "." => "",
                inside => inside,
            };
            let mut found = kustomizations(files, inside)?;
            match found.len() {
                1 => Ok((found.remove(0), inside.to_owned())),
                0 => refuse(Code::NotFound, &format!("there is no {} here", NAMES.join(" or ")), directory),
                _ => {
                    let reason = format!("more than one kustomization, which Kustomize refuses: {}", found.join(", "));
                    refuse(Code::Ambiguous, &reason, directory)
                }
            }
        }
        (None, None) => Err(Refusal::of(Code::Parse, "the kustomize change names no directory")),
    }
}

/// Opens a kustomization file that has one document, which is what Kustomize takes for one.
fn open(files: &dyn Files, file: &str, select: Option<&Select>) -> Result<Sheet, Refusal> {
    let place = |refusal: Refusal| refusal.in_file(file);
    let documents = yaml::documents(&need(files, file)?).map_err(place)?;
    let filled: Vec<usize> = (0..documents.len()).filter(|n| !documents[*n].is_null()).collect();
    if filled.len() > 1 {
        let reason = format!("{} documents, of which Kustomize reads only the first: split the file", filled.len());
        return Err(place(Refusal::of(Code::Ambiguous, reason)));
    }
    let only = filled.first().map(|n| &documents[*n]);
    only.map_or(Ok(()), check_kind).map_err(place)?;
    let first = Select::Index(SelectIndex { index: filled.first().copied().unwrap_or(0) });
    Sheet::open(files, file, select.or(if documents.len() > 1 { Some(&first) } else { None }))
}

fn check_kind(document: &Value) -> Result<(), Refusal> {
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    if !document.is_mapping() {
        return Err(Refusal::of(Code::Parse, "the kustomization is no map"));
    }
    if text("apiVersion").is_some_and(|version| version.starts_with("kustomize.toolkit.fluxcd.io/")) {
        let reason = "this is a `Kustomization` object of Flux, not a kustomization file; use `manifest` for it";
        return Err(Refusal::of(Code::Parse, reason));
    }
    match text("kind") {
        None | Some("Kustomization" | "Component") => Ok(()),
        Some(kind) => Err(Refusal::of(Code::Parse, format!("a `{kind}` is no kustomization; use `manifest` for it"))),
    }
}
