//! What people ask for in comments, and what one of them stopped.
//!
//! Must not say what a comment means: that is read from its text by the lifecycle.

use super::{Comment, Right, User};
use crate::domain::ids::Time;
use serde::{Deserialize, Serialize};

/// A comment that asks for something and was not answered yet, read again from the forge by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The comment.
    pub comment: Comment,
    /// What its writer may do in the repository, asked of the forge by number.
    pub right: Right,
    /// The principals its writer is known as, `github:1234` first.
    pub principals: Vec<String>,
}

/// A person's order to leave a repository alone, until an admin takes it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Who.
    pub by: User,
    /// When.
    pub at: Time,
    /// On which proposal's pull request it was said.
    pub proposal: String,
}

/// What becomes of a repository's halt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HaltOrder {
    /// Nothing is pushed or merged from here on.
    Stop(Halt),
    /// It goes on.
    Lift,
}
