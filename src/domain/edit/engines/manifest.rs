//! Knows where things live in Kubernetes documents.
//!
//! Must not change bytes: it says which edits are meant.

use super::{Steps, Sugar, yaml_steps};
use crate::domain::change::Manifest;
use crate::domain::edit::{Files, Refusal};

pub(super) fn expand(files: &dyn Files, manifest: &Manifest) -> Result<Vec<Steps>, Refusal> {
    let sugar = Sugar { set: &manifest.set, remove: &manifest.remove, edits: &manifest.edits };
    Ok(vec![yaml_steps(files, &manifest.file, manifest.select.as_ref(), sugar)?])
}
