//! The words of the Terraform engine.
//!
//! Must not read a file: it only says what is wanted.

use super::{Edit, Select};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A change of one block of a Terraform file, or of a `.tfvars` file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Terraform {
    /// The file, relative to the repository's root.
    #[schemars(length(max = 512))]
    pub file: String,
    /// The block's address: `module.eks`, `aws_instance.web`, `data.aws_ami.x`, `variable.size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    /// The block by type and labels, instead of `block`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Dotted path to wanted value; a missing attribute is added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Dotted paths to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Format-level steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}
