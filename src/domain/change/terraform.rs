//! The words of the Terraform engine.
//!
//! Must not read a file: it only says what is wanted.

use super::{Edit, Select, edit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A change of one block of a Terraform file, or of a `.tfvars` file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Terraform {
    /// The file, relative to the repository's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub file: Option<String>,
    /// The directory of a module, instead of `file`: the block is found in one of its `.tf` files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub directory: Option<String>,
    /// The block's address: `module.eks`, `aws_instance.web`, `data.aws_ami.x`, `variable.size`, `provider.aws.west`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub block: Option<String>,
    /// The block by type and labels, instead of `block`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Dotted path to wanted value; a missing attribute is added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Dotted path to an expression that is written as it is; a missing attribute is added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expr: BTreeMap<String, String>,
    /// The version constraint of a module from a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub version: Option<String>,
    /// The git reference that a module's source names behind `?ref=`.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub reference: Option<String>,
    /// The default of a variable; an explicit `null` is one.
    #[serde(default, deserialize_with = "edit::present", skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Dotted paths to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Format-level steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

impl Terraform {
    /// Whether anything is asked for in words, edits aside.
    pub fn has_words(&self) -> bool {
        let single = self.version.is_some() || self.reference.is_some() || self.default.is_some();
        single || !self.set.is_empty() || !self.expr.is_empty() || !self.remove.is_empty()
    }
}
