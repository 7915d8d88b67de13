//! What is left on the base branch of a change that landed there.
//!
//! Must not say what that means for an outcome: the lifecycle does.

use super::User;
use crate::domain::edit::{Refusal, Remains};
use crate::domain::ids::Oid;
use serde::{Deserialize, Serialize};

/// What is left of a landed change on the base branch as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// What stands at the places that it changed.
    pub remains: Remains,
    /// The newest commit that took any of them back, where one was found.
    pub undone: Option<Undone>,
    /// How many files taking it back would change; asked only where a revert is owed.
    pub way_back: Option<Result<usize, Refusal>>,
}

/// The commit that took a change back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// The commit, on the base branch.
    pub commit: Oid,
    /// Its author's name, as the commit says; never decides anything.
    pub author: String,
    /// Who that is at the forge, where the forge tells.
    pub by: Option<User>,
}
