//! Runs what blocks beside the worker's own thread.
//!
//! Must not start anything that outlives its answer.

use super::Trouble;
use crate::git::GitError;

/// Runs what blocks on its own thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GitError> + Send + 'static,
) -> Result<T, Trouble> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(|error| Trouble::Git(GitError::Other(error.to_string())))??)
}
