//! `resources` and `components` of a kustomization, and the legacy `bases`.
//!
//! Must not list what is not there: a local entry is looked for before it is written.

use super::Overlay;
use crate::domain::change::{Kustomize, Step};
use crate::domain::edit::engines::sheet::{Sheet, key};
use crate::domain::edit::{Code, Refusal, yaml};
use serde_json::{Value, json};

/// Adds and removes entries.
pub(super) fn set(sheet: &mut Sheet, overlay: &Overlay<'_>, change: &Kustomize) -> Result<(), Refusal> {
    let lists: [(_, &[&str]); 2] =
        [(&change.resources, &["resources", "bases"]), (&change.components, &["components"])];
    for (listed, places) in lists {
        for entry in &listed.remove {
            let Some(path) = find(sheet, overlay, places, entry)? else {
                let reason = format!("`{entry}` is not listed under {}", places.join(" or "));
                return Err(sheet.refuse(Code::NotFound, reason).at(places[0]));
            };
            sheet.delete(&path)?;
        }
        for entry in &listed.add {
            if find(sheet, overlay, places, entry)?.is_none() {
                check(sheet, overlay, places[0], entry)?;
                sheet.append(&[key(places[0])], json!(entry))?;
            }
        }
    }
    Ok(())
}

fn find(sheet: &Sheet, overlay: &Overlay<'_>, places: &[&str], entry: &str) -> Result<Option<Vec<Step>>, Refusal> {
    let same = |listed: &Value| {
        let listed = listed.as_str().unwrap_or_default();
        let local = !is_remote(listed) && !is_remote(entry);
        listed == entry || local && overlay.resolve(listed).is_some_and(|path| overlay.resolve(entry) == Some(path))
    };
    for list in places {
        if let Some(n) = sheet.list(&[key(list)])?.iter().position(same) {
            return Ok(Some(vec![key(list), Step::Index(n)]));
        }
    }
    Ok(None)
}

/// Whether an entry names another repository or a web address.
pub(super) fn is_remote(entry: &str) -> bool {
    let host = entry.split('/').next().unwrap_or_default();
    entry.contains("://")
        || entry.contains("?ref=")
        || entry.starts_with("git@")
        || entry.contains('/') && ["github.com", "gitlab.com", "bitbucket.org"].contains(&host)
}

/// Looks for the file or directory that a new entry names.
fn check(sheet: &Sheet, overlay: &Overlay<'_>, list: &str, entry: &str) -> Result<(), Refusal> {
    if is_remote(entry) {
        return Ok(());
    }
    let refuse = |code, reason: String| Err(sheet.refuse(code, reason).at(list));
    let Some(path) = overlay.resolve(entry) else {
        return refuse(Code::PathForbidden, format!("`{entry}` leads out of the repository"));
    };
    if path == overlay.directory || overlay.directory.starts_with(&format!("{path}/")) || path.is_empty() {
        return refuse(Code::Parse, format!("`{entry}` contains this kustomization, which would be a cycle"));
    }
    let found = overlay.kustomizations(&path)?;
    match found.as_slice() {
        [one] => check_kind(sheet, overlay, list, one),
        [] if list == "components" => refuse(Code::NotFound, format!("`{path}` has no kustomization")),
        [] => match overlay.files.read(&path)? {
            Some(_) => Ok(()),
            None => refuse(Code::NotFound, format!("`{path}` is neither a file nor a folder with a kustomization")),
        },
        _ => refuse(Code::Ambiguous, format!("`{path}` has more than one kustomization")),
    }
}

/// A component goes under `components`, everything else under `resources`; Kustomize refuses it otherwise.
fn check_kind(sheet: &Sheet, overlay: &Overlay<'_>, list: &str, file: &str) -> Result<(), Refusal> {
    let bytes = overlay.files.read(file)?.unwrap_or_default();
    let documents = yaml::documents(&bytes).map_err(|refusal| refusal.in_file(file))?;
    let kind = documents.iter().find_map(|document| document.get("kind")?.as_str()).unwrap_or("Kustomization");
    match (list, kind) {
        ("components", "Component") => Ok(()),
        ("components", _) => {
            Err(sheet.refuse(Code::Parse, format!("`{file}` is no Component; list it under `resources`")).at(list))
        }
        (_, "Component") => {
            Err(sheet.refuse(Code::Parse, format!("`{file}` is a Component; list it under `components`")).at(list))
        }
        (_, _) => Ok(()),
    }
}
