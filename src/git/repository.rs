//! New bare repositories, for mirrors, the demo and tests.
//!
//! Must not copy templates or hooks into them.

use super::error::said;
use super::{GitError, Mirror, NewCommit, open_bare};
use crate::domain::facts::User;
use crate::domain::ids::{Oid, Time};
use std::collections::BTreeMap;
use std::path::Path;

/// The end of the addresses of local users in commits.
pub const DOMAIN: &str = "@users.local";

/// Makes an empty bare repository whose `HEAD` names this branch.
pub fn init(path: &Path, branch: &str) -> Result<(), GitError> {
    let mut options = git2::RepositoryInitOptions::new();
    options.bare(true).mkpath(true).external_template(false).initial_head(branch);
    git2::Repository::init_opts(path, &options).map(|_| ()).map_err(|e| said(&path.display().to_string(), &e))
}

/// Lets nobody move the refs of the local forge with `git push`.
fn hide(path: &Path) -> Result<(), GitError> {
    let lost = |e: git2::Error| said(&path.display().to_string(), &e);
    let mut config = open_bare(path)?.config().map_err(lost)?;
    config.set_str("receive.hideRefs", "refs/countersign").map_err(lost)
}

/// Makes a bare repository with these files in one first commit on this branch; answers the commit.
pub fn create_bare(
    path: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    branch: &str,
    author: &User,
    at: Time,
) -> Result<Oid, GitError> {
    init(path, branch)?;
    hide(path)?;
    let made = Mirror::existing(path)?;
    let (author_name, author_email) = identity(author);
    let commit = made.make_commit(&NewCommit {
        tree: made.write_new(files)?,
        parents: Vec::new(),
        author_name,
        author_email,
        at,
        message: "first commit\n".to_owned(),
    })?;
    if made.move_reference(&format!("refs/heads/{branch}"), None, Some(&commit))? {
        Ok(commit)
    } else {
        Err(GitError::Other(format!("{}: there is a branch {branch} already", path.display())))
    }
}

/// The name and address of a local user in a commit: the number stands in the address. Characters that a commit
/// cannot hold are left out.
pub fn identity(user: &User) -> (String, String) {
    let login: String = user.login.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect();
    let address: String = login.chars().filter(|c| !c.is_whitespace()).collect();
    let name = if login.trim().is_empty() { "nobody".to_owned() } else { login };
    (name, format!("{}+{address}{DOMAIN}", user.id))
}
