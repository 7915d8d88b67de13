//! `SetHelmValue`: values of a Helm chart, in a values file or in the object that installs the chart.
//!
//! Must not touch an object that is no installation of a chart.

use super::Kind;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind = Kind {
    kind: ActionKind::SetHelmValue,
    narrow: false,
    files: super::YAML,
    objects: &["HelmRelease", "HelmChart", "Application", "ApplicationSet", "Kustomization"],
    fits: super::every,
};
