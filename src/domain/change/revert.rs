//! The words of the revert engine.
//!
//! Must not read history: it only says what is to be taken back.

use crate::domain::ids::Oid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Takes back a commit of the base branch; exactly one of the two names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revert {
    /// The commit, 40 hex digits; a merge is taken back against its first parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9a-f]{40}$"))]
    pub commit: Option<Oid>,
    /// The proposal whose merge is taken back, by the id that countersign gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub proposal: Option<String>,
}

impl Revert {
    /// What is to be taken back, if exactly one is named.
    pub fn what(&self) -> Option<Landed<'_>> {
        match (&self.commit, &self.proposal) {
            (Some(commit), None) => Some(Landed::Commit(commit)),
            (None, Some(proposal)) => Some(Landed::Proposal(proposal)),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

/// A way to name a commit that landed on the base branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landed<'a> {
    /// By its id.
    Commit(&'a Oid),
    /// By the proposal that it carries out.
    Proposal(&'a str),
}
