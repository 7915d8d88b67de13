//! `PatchKustomization`: any field of a kustomization and of the patches it names.
//!
//! Must not touch an object that is not the target.

use super::Kind;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::PatchKustomization, narrow: false, files: super::YAML, objects: &[], fits: super::every };
