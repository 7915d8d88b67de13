//! An application of Argo CD, in the words of the template in `docs/outcomes.md`.
//!
//! Must not say anything of a revision that Argo CD is still working on.

use super::{About, Folders, Said, document, malformed, needed, note, optional};
use crate::domain::ids::Oid;
use crate::domain::proposal::adapt::Unfit;
use crate::domain::trust::Judgement;

/// Healthy and synced is good, degraded is bad, everything else says nothing.
pub fn argocd(bytes: &[u8]) -> Result<Vec<Said>, Unfit> {
    let document = document(bytes)?;
    let app = needed(&document, "app", "app", 253)?;
    let (sync, health) = (needed(&document, "sync", "sync", 64)?, needed(&document, "health", "health", 64)?);
    let phase = optional(&document, "phase", "phase")?;
    let message = optional(&document, "message", "message")?.unwrap_or_default();
    let path = optional(&document, "path", "path")?.unwrap_or_default();
    let paths = optional(&document, "paths", "paths")?.unwrap_or_default();
    // An application that was never synced has no revision.
    let Some(revision) = optional(&document, "revision", "revision")? else { return Ok(Vec::new()) };
    let revision: Oid = revision.parse().map_err(|_| {
        malformed(
            "revision",
            "this is no commit: an application from a chart repository shows none, do not subscribe it",
        )
    })?;
    let folders =
        Folders::with(path, paths).ok_or_else(|| malformed("paths", "a folder lies outside the repository"))?;
    let done = phase != Some("Running");
    let result = match (health, sync) {
        ("Healthy", "Synced") if done => Judgement::Good,
        ("Degraded", _) if done => Judgement::Bad,
        _ => return Ok(Vec::new()),
    };
    let told = if message.is_empty() || result == Judgement::Good { String::new() } else { format!(": {message}") };
    let note = note(&format!("application {app} is {health} and {sync}{told}"));
    Ok(vec![Said { result, about: About::Commit(revision, folders), note }])
}
