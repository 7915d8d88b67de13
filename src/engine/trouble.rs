//! What kept a turn from ending well, by what the worker does about it.

use crate::domain::canon::Malformed;
use crate::forge::ForgeError;
use crate::git::GitError;
use crate::render::RenderError;
use crate::store::StoreError;

/// What kept a turn from ending well.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The forge.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// Git.
    #[error("git: {0}")]
    Git(#[from] GitError),
    /// The database.
    #[error("database: {0}")]
    Store(#[from] StoreError),
    /// The text.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// What is stored cannot be read any more.
    #[error("the stored proposal cannot be read: {0}")]
    Stored(#[from] Malformed),
    /// The settings do not name the repository any more.
    #[error("the settings do not list the repository {0} any more: add it, and it goes on")]
    Unconfigured(String),
    /// The forge answered with something else.
    #[error("{0}: nothing is done until it answers right")]
    Foreign(String),
    /// A mistake of ours.
    #[error("a mistake in this program, please report it: {0}")]
    Program(&'static str),
}
