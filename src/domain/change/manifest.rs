//! The words of the manifest engine.
//!
//! Must not read a file: it only says what is wanted.

use super::{Edit, Image, Path, Select};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A change of one document of a YAML file.
///
/// Each word is applied on what the words before it left, in the order in which they stand here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Manifest {
    /// The file, relative to the repository's root; left out, the one file that holds the selected object is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub file: Option<String>,
    /// The directory to look in when `file` is left out; the whole repository if it is left out as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub directory: Option<String>,
    /// Which document of the file; left out, the only one, or the proposal's target when `file` is left out too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Dotted path to wanted value; a missing key is added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Dotted paths to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// A strategic merge patch: lists merge by the keys that their kind gives them, `null` deletes, `$patch` is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<Map<String, Value>>,
    /// A JSON patch (RFC 6902).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub json_patch: Vec<PatchStep>,
    /// Images by name, wherever the selected kind keeps them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub images: Vec<Image>,
    /// Changes inside texts of the document that are YAML themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub texts: Vec<TextChange>,
    /// Format-level steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

/// One operation of a JSON patch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchStep {
    /// What to do.
    pub op: PatchOp,
    /// Where: a JSON pointer (RFC 6901).
    #[schemars(length(max = 1024))]
    pub path: String,
    /// For `move` and `copy`: the pointer to take from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub from: Option<String>,
    /// For `add`, `replace` and `test`; an explicit `null` is a value.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// The operations of RFC 6902.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PatchOp {
    /// Puts the value there; into a list, in front of the element that has the number.
    Add,
    /// Takes out what is there.
    Remove,
    /// Puts the value in the place of what is there.
    Replace,
    /// Takes the value from `from` and adds it.
    Move,
    /// Adds the value that stands at `from`.
    Copy,
    /// Refuses the whole change unless this value is there.
    Test,
}

/// A change inside a text that is YAML itself, such as the `values` of an Argo CD source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TextChange {
    /// Where the text stands in the document.
    pub path: Path,
    /// Dotted path inside the text to wanted value; a missing key is added.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Dotted paths inside the text to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Format-level steps inside the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

impl Manifest {
    /// Whether any word asks for something.
    pub fn asks(&self) -> bool {
        let sugar = !self.set.is_empty() || !self.remove.is_empty() || !self.edits.is_empty();
        sugar
            || self.merge.is_some()
            || !self.json_patch.is_empty()
            || !self.images.is_empty()
            || !self.texts.is_empty()
    }

    /// The same change with one word each, in their order.
    pub fn words(&self) -> Vec<Manifest> {
        let place = || Manifest {
            file: self.file.clone(),
            directory: self.directory.clone(),
            select: self.select.clone(),
            ..Manifest::default()
        };
        let given = |is: bool, part: Manifest| is.then_some(part);
        let texts = self.texts.iter().map(|text| Manifest { texts: vec![text.clone()], ..place() });
        [
            given(!self.set.is_empty(), Manifest { set: self.set.clone(), ..place() }),
            given(!self.remove.is_empty(), Manifest { remove: self.remove.clone(), ..place() }),
            given(self.merge.is_some(), Manifest { merge: self.merge.clone(), ..place() }),
            given(!self.json_patch.is_empty(), Manifest { json_patch: self.json_patch.clone(), ..place() }),
            given(!self.images.is_empty(), Manifest { images: self.images.clone(), ..place() }),
        ]
        .into_iter()
        .flatten()
        .chain(texts)
        .chain(given(!self.edits.is_empty(), Manifest { edits: self.edits.clone(), ..place() }))
        .collect()
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
