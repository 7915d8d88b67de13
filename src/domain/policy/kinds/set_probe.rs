//! `SetProbe`: other probes.
//!
//! Must not touch what a container runs beside its probes.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::SetProbe, narrow: true, files: super::YAML, objects: super::PODS, fits };

fn fits(leaf: &Leaf) -> bool {
    leaf.keys.iter().any(|key| key.ends_with("Probe"))
}
