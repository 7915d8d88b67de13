//! The words of the Helm engine.
//!
//! Must not read a file: it only says what is wanted.

use super::{Edit, Select};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A change of a Helm values file, of a `Chart.yaml`, or of both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Helm {
    /// The values file, relative to the repository's root; left out, `values.yaml` of the chart.
    #[serde(default, alias = "file", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub values: Option<String>,
    /// The chart's folder; left out, the folder of the values file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub chart: Option<String>,
    /// The dependency, by name or alias, whose values `set`, `remove` and `images` speak of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub subchart: Option<String>,
    /// Dotted path to wanted value; a missing key is added. A dot inside a key is written `\.`, or the key in quotes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// Dotted paths to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub remove: Vec<String>,
    /// Images in the values, whichever of the usual shapes they have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub images: Vec<ChartImage>,
    /// The chart's own version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub version: Option<String>,
    /// The version of what the chart installs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub app_version: Option<String>,
    /// Versions of the chart's dependencies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub dependencies: Vec<Dependency>,
    /// What becomes of `Chart.lock` when a dependency's version changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// Which document of the values file; left out, the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
    /// Format-level steps of the values file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
}

impl Helm {
    /// Whether something is asked of the values file.
    pub fn is_of_values(&self) -> bool {
        !self.set.is_empty() || !self.remove.is_empty() || !self.images.is_empty() || !self.edits.is_empty()
    }

    /// Whether something is asked of the chart itself.
    pub fn is_of_chart(&self) -> bool {
        self.version.is_some() || self.app_version.is_some() || !self.dependencies.is_empty()
    }
}

/// An image in a values file: a map with `repository` and `tag`, or one text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChartImage {
    /// Dotted path of the image, `image` or `web.image`.
    #[schemars(length(min = 1, max = 512))]
    pub path: String,
    /// The registry's host, where the values have a key for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub registry: Option<String>,
    /// The repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub repository: Option<String>,
    /// The tag; a digest that stands there is emptied, as it would win.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub tag: Option<String>,
    /// The digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 160))]
    pub digest: Option<String>,
}

/// A dependency of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Dependency {
    /// Its name or alias.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The wanted version.
    #[schemars(length(min = 1, max = 128))]
    pub version: String,
    /// The wanted repository; left out, it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub repository: Option<String>,
}

/// What becomes of a lock file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lock {
    /// Its version and digest are brought in step; refused where they cannot be known.
    Update,
    /// It stays as it is, as do vendored charts: somebody else runs `helm dependency update`.
    Keep,
}
