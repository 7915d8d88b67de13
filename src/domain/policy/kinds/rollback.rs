//! `Rollback`: the inverse of an earlier change, or of a commit.
//!
//! Must not be anything but a `revert`.

use super::Kind;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::Rollback, narrow: false, files: super::ANY, objects: &[], fits: super::every };
