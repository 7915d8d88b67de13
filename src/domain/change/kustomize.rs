//! The words of the Kustomize engine.
//!
//! Must not read a file: it only says what is wanted.

use super::{Edit, Select};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A change of a Kustomize overlay: its `kustomization.yaml` and the patch files it lists.
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
    #[schemars(length(max = 64))]
    pub images: Vec<Image>,
    /// Replica overrides, found by `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub replicas: Vec<Replicas>,
    /// Patches, found by what they patch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub patches: Vec<Patch>,
    /// Entries of `resources`, and of the legacy `bases`.
    #[serde(default, skip_serializing_if = "Listed::is_empty")]
    pub resources: Listed,
    /// Entries of `components`.
    #[serde(default, skip_serializing_if = "Listed::is_empty")]
    pub components: Listed,
    /// Literals of config map generators, found by `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub config_map_generator: Vec<Generator>,
    /// Versions of Helm charts that the overlay inflates, found by `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub helm_charts: Vec<HelmChart>,
    /// The namespace that all objects are put into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub namespace: Option<String>,
    /// Labels of all objects, where they stand in `labels` or `commonLabels`; a new one never gets into selectors.
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    pub labels: Pairs,
    /// Annotations of all objects.
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    pub common_annotations: Pairs,
    /// Which document of the file; left out, the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Format-level steps of the kustomization file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

impl Kustomize {
    /// Whether nothing but format-level steps is asked for.
    pub fn is_plain(&self) -> bool {
        let lists = self.images.is_empty() && self.replicas.is_empty() && self.patches.is_empty();
        let entries = self.resources.is_empty() && self.components.is_empty();
        let made = self.config_map_generator.is_empty() && self.helm_charts.is_empty();
        let all = self.namespace.is_none() && self.labels.is_empty() && self.common_annotations.is_empty();
        lists && entries && made && all
    }
}

/// An entry of a kustomization's `images`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Image {
    /// The image's name as the base writes it.
    #[schemars(length(min = 1, max = 512))]
    pub name: String,
    /// The name it is replaced by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub new_name: Option<String>,
    /// The tag it is set to; a digest that stands there goes, as it would win.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub new_tag: Option<String>,
    /// The digest it is set to; a tag that stands there goes, unless one is asked for as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 160))]
    pub digest: Option<String>,
    /// What is put behind the base's tag; a tag and a digest that stand there go, as they would win.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub tag_suffix: Option<String>,
}

/// An entry of a kustomization's `replicas`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Replicas {
    /// The workload's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The wanted number of replicas.
    pub count: u32,
}

/// A patch of an overlay: a strategic merge or a JSON patch, inline or in a file, in any of the lists that hold patches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Patch {
    /// What it patches.
    #[serde(default, skip_serializing_if = "PatchTarget::is_empty")]
    pub target: PatchTarget,
    /// The patch file as the kustomization names it; alone, the file is listed if it is not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub path: Option<String>,
    /// Dotted path in the patched object to wanted value: changed where a patch sets it, else written into the one
    /// strategic merge patch of the target, else into a new one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Dotted paths to take out of the patch, so that the base's value counts again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub remove: Vec<String>,
    /// Operations of the target's JSON patch: one with the same `op` and `path` gets the value, others are appended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub json_patch: Vec<JsonOp>,
}

/// What a patch is for; each field is compared with what the kustomization says, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PatchTarget {
    /// The API group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub group: Option<String>,
    /// The API version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub version: Option<String>,
    /// The kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub kind: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub name: Option<String>,
    /// The namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub namespace: Option<String>,
    /// The label selector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub label_selector: Option<String>,
    /// The annotation selector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub annotation_selector: Option<String>,
}

impl PatchTarget {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_none())
    }

    /// The fields by the names that a kustomization gives them, in its order.
    pub fn fields(&self) -> [(&'static str, Option<&str>); 7] {
        [
            ("group", self.group.as_deref()),
            ("version", self.version.as_deref()),
            ("kind", self.kind.as_deref()),
            ("name", self.name.as_deref()),
            ("namespace", self.namespace.as_deref()),
            ("labelSelector", self.label_selector.as_deref()),
            ("annotationSelector", self.annotation_selector.as_deref()),
        ]
    }
}

/// One operation of a JSON patch (RFC 6902).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JsonOp {
    /// What it does.
    pub op: JsonOpKind,
    /// The JSON pointer of what is copied or moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub from: Option<String>,
    /// The JSON pointer of the place.
    #[schemars(length(max = 1024))]
    pub path: String,
    /// The value; an explicit `null` is one.
    #[serde(default, deserialize_with = "super::edit::present", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// What an operation of a JSON patch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JsonOpKind {
    /// Writes a value, or puts it into a list.
    Add,
    /// Takes a value away.
    Remove,
    /// Writes a value in the place of one.
    Replace,
    /// Copies a value.
    Copy,
    /// Moves a value.
    Move,
    /// Demands a value.
    Test,
}

/// Entries that come and go of a list of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Entries that are to be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub add: Vec<String>,
    /// Entries that go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub remove: Vec<String>,
}

impl Listed {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// Keys that get a value or go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pairs {
    /// Key to wanted value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Keys that go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub remove: Vec<String>,
}

impl Pairs {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

/// Literals of a generator. There is no such word for secrets: their plain text has no place in a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Generator {
    /// The generator's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace, where several have the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub namespace: Option<String>,
    /// What a new entry does with a generator of the base; without it, the entry must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behavior: Option<Behavior>,
    /// `KEY=value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub literals: Vec<String>,
    /// Keys whose literals go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub remove: Vec<String>,
}

/// What a generator does with one of the same name in the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Behavior {
    /// There is none in the base.
    Create,
    /// Its keys are added to those of the base.
    Merge,
    /// It takes the place of the one in the base.
    Replace,
}

/// The version of a Helm chart that an overlay inflates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HelmChart {
    /// The chart's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The release's name, where several have the chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub release_name: Option<String>,
    /// The wanted version.
    #[schemars(length(min = 1, max = 128))]
    pub version: String,
}
