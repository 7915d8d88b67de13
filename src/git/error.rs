//! What goes wrong with repositories, by what callers do about it.
//!
//! Must not carry the contents of files.

/// What kept a repository from doing as asked; every message names the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The repository, object or path is not there.
    #[error("{0}")]
    NotFound(String),
    /// Over the limit; nothing of it was loaded.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit: bytes, files or levels, as the text says.
        limit: String,
    },
    /// A symlink or a submodule stands where a file or directory was wanted.
    #[error("{0} is a symlink or a submodule")]
    Link(String),
    /// Another process holds the lock.
    #[error("{0} is locked by another process")]
    Busy(String),
    /// The other side does not take a push: a hook, a rule, or somebody was faster.
    #[error("{0}")]
    Refused(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What libgit2 said, with the place it spoke of.
pub(super) fn said(place: &str, error: &git2::Error) -> GitError {
    match error.code() {
        git2::ErrorCode::NotFound => GitError::NotFound(format!("{place}: {}", error.message())),
        git2::ErrorCode::Locked => GitError::Busy(place.to_owned()),
        _ => GitError::Other(format!("{place}: {}", error.message())),
    }
}
