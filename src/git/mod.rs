//! Git repositories as stores of objects and refs.
//!
//! Must not have a working tree, and must not run or obey anything that the files, the attributes, the hooks or
//! the configuration of a repository ask for. All functions block; callers put them on a blocking thread.

mod copy;
mod diff;
mod error;
mod merge;
mod read;
mod refs;
pub mod repository;
#[cfg(test)]
mod tests;
mod tidy;
mod transport;
mod write;

pub use diff::PathChange;
pub use error::GitError;
pub use merge::{Merged, Replayed};
pub use read::{Commit, Node};
pub use tidy::Tidied;
pub use transport::{Speech, Wire};
pub use write::NewCommit;

use crate::domain::ids::Oid;
use error::said;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How many directories deep a tree may be before it is refused.
const DEPTH: usize = 512;

/// How many open handles a mirror keeps between calls.
const IDLE: usize = 4;

/// A bare repository on this machine; cheap to clone and to share between threads.
#[derive(Clone)]
pub struct Mirror(Arc<Inner>);

struct Inner {
    path: PathBuf,
    objects_from: Option<PathBuf>,
    idle: Mutex<Vec<git2::Repository>>,
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Mirror({})", self.0.path.display())
    }
}

impl Mirror {
    /// Opens the bare repository at this path, or makes it; `objects_from` is another bare repository whose objects
    /// are read as if they were here, without a trace on disk.
    pub fn open(path: &Path, objects_from: Option<&Path>) -> Result<Mirror, GitError> {
        if matches!(open_bare(path), Err(GitError::NotFound(_))) {
            repository::init(path, "main")?;
        }
        Mirror::existing_with(path, objects_from)
    }

    /// Opens the bare repository at this path; an error if there is none.
    pub fn existing(path: &Path) -> Result<Mirror, GitError> {
        Mirror::existing_with(path, None)
    }

    fn existing_with(path: &Path, objects_from: Option<&Path>) -> Result<Mirror, GitError> {
        let whole = |path: &Path| {
            std::fs::canonicalize(path).map_err(|e| GitError::NotFound(format!("{}: {e}", path.display())))
        };
        let inner = Inner {
            path: whole(path)?,
            objects_from: objects_from.map(whole).transpose()?,
            idle: Mutex::new(Vec::new()),
        };
        let mirror = Mirror(Arc::new(inner));
        mirror.with(|_| Ok(()))?;
        Ok(mirror)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Lends an open handle to the work; handles are kept, for their caches, and never shared between two threads.
    fn with<T>(&self, work: impl FnOnce(&git2::Repository) -> Result<T, GitError>) -> Result<T, GitError> {
        let kept = self.idle().pop();
        let repo = kept.map_or_else(|| self.handle(), Ok)?;
        let result = work(&repo);
        let mut idle = self.idle();
        if idle.len() < IDLE {
            idle.push(repo);
        }
        result
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<git2::Repository>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self) -> Result<git2::Repository, GitError> {
        let repo = open_bare(&self.0.path)?;
        if let Some(other) = &self.0.objects_from {
            let objects = other.join("objects");
            let place = objects.display().to_string();
            let text = objects.to_str().ok_or_else(|| GitError::Other(format!("{place}: the path is not UTF-8")))?;
            repo.odb().and_then(|odb| odb.add_disk_alternate(text)).map_err(|e| said(&place, &e))?;
        }
        Ok(repo)
    }
}

/// Opens a bare repository, and nothing else.
fn open_bare(path: &Path) -> Result<git2::Repository, GitError> {
    let place = path.display().to_string();
    if !path.exists() {
        return Err(GitError::NotFound(format!("{place}: there is no such directory")));
    }
    if path.join(".git").exists() {
        return Err(GitError::Other(format!("{place} is not a bare repository: it has a working tree")));
    }
    let repo = git2::Repository::open_bare(path).map_err(|e| match e.code() {
        git2::ErrorCode::NotFound => GitError::NotFound(format!("{place}: there is no bare git repository")),
        git2::ErrorCode::Owner => GitError::Other(format!(
            "{place} belongs to another user of this machine: give it to ours, or name it as safe.directory in our git configuration"
        )),
        _ => said(&place, &e),
    })?;
    if repo.is_bare() { Ok(repo) } else { Err(GitError::Other(format!("{place} is not a bare repository"))) }
}

/// Our id as libgit2 has it.
fn raw(oid: &Oid) -> Result<git2::Oid, GitError> {
    git2::Oid::from_str(oid.as_str()).map_err(|_| GitError::Other(format!("{oid} is not an id of a SHA-1 repository")))
}

/// An id of libgit2 as ours.
fn ours(oid: git2::Oid) -> Result<Oid, GitError> {
    oid.to_string().parse().map_err(GitError::Other)
}

/// Whether these bytes may stand in a name given to libgit2's C strings.
fn plain(text: &str) -> bool {
    !text.contains('\0')
}
