//! An event of Flux, as its notification controller sends it.
//!
//! Must not say anything for an event without a commit: what a chart or a source does is not about a revision of git.

use super::{About, Folders, Said, document, malformed, needed, note, optional};
use crate::domain::ids::Oid;
use crate::domain::proposal::adapt::Unfit;
use crate::domain::trust::Judgement;
use serde_json::Value;

/// Reasons of errors that are another object's.
const OF_OTHERS: [&str; 2] = ["DependencyNotReady", "ArtifactFailed"];

/// An error is bad, a reconciliation that succeeded is good, everything else says nothing.
pub fn flux(bytes: &[u8]) -> Result<Vec<Said>, Unfit> {
    let document = document(bytes)?;
    let object = member(&document, "involvedObject")?;
    let kind = needed(object, "kind", "involvedObject.kind", 64)?;
    let name = needed(object, "name", "involvedObject.name", 253)?;
    let namespace = optional(object, "namespace", "involvedObject.namespace")?.unwrap_or_default();
    let severity = needed(&document, "severity", "severity", 16)?;
    let reason = needed(&document, "reason", "reason", 128)?;
    let message = optional(&document, "message", "message")?.unwrap_or_default();
    let (commit, folders) = match metadata(&document, object)? {
        Some((revision, folders)) => match commit(revision) {
            Some(commit) => (commit, folders),
            None => return Ok(Vec::new()),
        },
        None => return Ok(Vec::new()),
    };
    let result = match (severity, reason) {
        ("error", reason) if !OF_OTHERS.contains(&reason) => Judgement::Bad,
        ("info", "ReconciliationSucceeded") => Judgement::Good,
        ("error" | "info" | "trace", _) => return Ok(Vec::new()),
        _ => return Err(malformed("severity", "this is none of info, error and trace")),
    };
    // The message of a success says how long it took; it would be another word each time.
    let told = if result == Judgement::Bad && !message.is_empty() { format!(": {message}") } else { String::new() };
    let note = note(&format!("{kind} {namespace}/{name}: {reason}{told}"));
    Ok(vec![Said { result, about: About::Commit(commit, folders), note }])
}

fn member<'a>(document: &'a Value, name: &str) -> Result<&'a Value, Unfit> {
    let found = document.get(name).filter(|found| found.is_object());
    found.ok_or_else(|| malformed(name, "an object is needed here"))
}

/// The revision and the folder of an event's metadata; the controller's own keys may begin with the object's group.
fn metadata<'a>(document: &'a Value, object: &Value) -> Result<Option<(&'a str, Folders)>, Unfit> {
    let metadata = match document.get("metadata") {
        None | Some(Value::Null) => return Ok(None),
        Some(_) => member(document, "metadata")?,
    };
    let version = optional(object, "apiVersion", "involvedObject.apiVersion")?.unwrap_or_default();
    let long = format!("{}/revision", version.split_once('/').map_or("", |(group, _)| group));
    let long = optional(metadata, &long, &format!("metadata.{long}"))?;
    let Some(revision) = long.or(optional(metadata, "revision", "metadata.revision")?) else { return Ok(None) };
    let folders = match optional(metadata, "path", "metadata.path")? {
        Some(path) => Folders::one(path).ok_or_else(|| malformed("metadata.path", "it leads out of the repository"))?,
        None => Folders::default(),
    };
    Ok(Some((revision, folders)))
}

/// The commit of `main@sha1:<id>`, `sha1:<id>` or `main/<id>`; none where there is no whole one.
fn commit(revision: &str) -> Option<Oid> {
    let id = revision.rsplit(['/', ':']).next()?;
    id.parse().ok()
}
