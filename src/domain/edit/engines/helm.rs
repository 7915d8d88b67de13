//! Knows where things live in a Helm chart.
//!
//! Must not change bytes: it says which edits are meant.

use super::{Steps, Sugar, yaml_steps};
use crate::domain::change::Helm;
use crate::domain::edit::{Files, Refusal};

pub(super) fn expand(files: &dyn Files, helm: &Helm) -> Result<Vec<Steps>, Refusal> {
    let sugar = Sugar { set: &helm.set, remove: &helm.remove, edits: &helm.edits };
    Ok(vec![yaml_steps(files, &helm.values, helm.select.as_ref(), sugar)?])
}
