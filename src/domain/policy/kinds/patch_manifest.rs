//! `PatchManifest`: any field of one object.
//!
//! Must not touch another object than the target.

use super::Kind;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::PatchManifest, narrow: false, files: super::YAML, objects: &[], fits: super::every };
