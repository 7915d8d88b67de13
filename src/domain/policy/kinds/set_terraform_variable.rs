//! `SetTerraformVariable`: a value in a `.tfvars` file, or the default of a `variable` block.
//!
//! Must not touch any other block.

use super::Kind;
use crate::domain::policy::leaves::Leaf;
use crate::domain::proposal::ActionKind;

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::SetTerraformVariable, narrow: false, files: super::TERRAFORM, objects: &[], fits };

fn fits(leaf: &Leaf) -> bool {
    leaf.keys.first().is_none_or(|block| !super::BLOCKS.contains(&block.as_str()) || block == "variable")
}
