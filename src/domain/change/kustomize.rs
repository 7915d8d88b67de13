//! The words of the Kustomize engine.
//!
//! Must not read a file: it only says what is wanted.

use super::{Edit, Select};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change of a Kustomize overlay's `kustomization.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Kustomize {
    /// The overlay's directory; its kustomization file is found there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub directory: Option<String>,
    /// The kustomization file itself, instead of `directory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub file: Option<String>,
    /// Image overrides, found by `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Replica overrides, found by `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<Replicas>,
    /// Which document of the file; left out, the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Format-level steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// An entry of a kustomization's `images`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Image {
    /// The image's name as the base writes it.
    pub name: String,
    /// The name it is replaced by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    /// The tag it is set to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_tag: Option<String>,
    /// The digest it is set to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// An entry of a kustomization's `replicas`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Replicas {
    /// The workload's name.
    pub name: String,
    /// The wanted number of replicas.
    pub count: u32,
}
