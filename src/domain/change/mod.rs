//! What a proposal asks for, in the words of an engine, and the edits it expands to.
//!
//! Must not read a file or know a document format: it only says what is wanted.

mod edit;
mod helm;
mod kustomize;
mod manifest;
mod path;
mod revert;
mod terraform;

pub use edit::{Edit, Form, Op, Select, SelectBlock, SelectIndex, SelectObject};
pub use helm::{ChartImage, Dependency, Helm, Lock};
pub use kustomize::{
    Behavior, Generator, HelmChart, Image, JsonOp, JsonOpKind, Kustomize, Listed, Pairs, Patch, PatchTarget, Replicas,
};
pub use manifest::{Manifest, PatchOp, PatchStep, TextChange};
pub use path::{Path, Step};
pub use revert::{Landed, Revert};
pub use terraform::Terraform;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing asked for, in the words of the engine that knows where it lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// A Helm values file or `Chart.yaml`.
    Helm(Helm),
    /// A Kustomize overlay.
    Kustomize(Kustomize),
    /// A Kubernetes document in a YAML file.
    Manifest(Manifest),
    /// A Terraform file or `.tfvars`.
    Terraform(Terraform),
    /// What a commit did, taken back.
    Revert(Revert),
}
