//! Format-level steps: what the words of every engine expand to.
//!
//! Must not know a document format.

use super::Path;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// One format-level step at a path of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// What to do there.
    pub op: Op,
    /// Where.
    pub path: Path,
    /// The wanted value; an explicit `null` is a value.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// HCL only, instead of `value`: an expression to be written as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// HCL only: write an object as a nested block.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

/// What an edit does at its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// The path exists; its value becomes the wanted one.
    Set,
    /// The path does not exist; missing parents are made as maps.
    Add,
    /// The key or element goes.
    Delete,
    /// The value becomes the last element of the list at the path.
    Append,
}

/// How a new HCL value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As a nested block.
    Block,
}

/// Picks one document of a YAML file or one top-level block of an HCL file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Select {
    /// The YAML document at this place, counting from 0.
    Index(SelectIndex),
    /// The HCL block of this type and labels.
    Block(SelectBlock),
    /// The YAML document that describes this Kubernetes object.
    Object(SelectObject),
}

/// The YAML document at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectIndex {
    /// Counting documents from 0.
    pub index: usize,
}

/// An HCL block by type and labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectBlock {
    /// The block's type, `resource`.
    pub block: String,
    /// Its labels, all of them.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// A Kubernetes object by what it calls itself; what is left out is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelectObject {
    /// The object's `kind`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The object's `metadata.name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The object's `metadata.namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// Reads a value that is there, `null` included.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_a_value() {
        let edit: Edit = serde_json::from_str(r#"{"op":"set","path":"a","value":null}"#).expect("reads");
        assert_eq!(edit.value, Some(Value::Null));
    }
}
