//! `PatchTerraform`: any attribute of a Terraform block.
//!
//! Must not touch a file that is not Terraform.

use super::Kind;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::PatchTerraform, narrow: false, files: super::TERRAFORM, objects: &[], fits: super::every };
