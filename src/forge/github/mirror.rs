//! The local copy: a bare repository that is filled by git fetch over HTTP when the API names a commit it lacks.
//!
//! Must not write a token to its configuration, and must not fetch what nobody asked for.

use super::GithubForge;
use crate::domain::ids::Oid;
use crate::forge::ForgeError;
use crate::forge::wire::HttpWire;
use crate::git::{GitError, Mirror};
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, PoisonError};

/// More bytes in one fetch are an error.
const FETCH: u64 = 2 << 30;

impl GithubForge {
    /// The mirror as it is; made at the first need.
    pub(super) async fn mirror(&self) -> Result<Mirror, ForgeError> {
        let known = self.mirror.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(mirror) = known {
            return Ok(mirror);
        }
        let path = self.place.mirror.clone();
        let made = blocking(move || {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)
                    .map_err(|e| GitError::Other(format!("cannot make {}: {e}", parent.display())))?;
            }
            Mirror::open(&path, None)
        })
        .await?;
        *self.mirror.lock().unwrap_or_else(PoisonError::into_inner) = Some(made.clone());
        Ok(made)
    }

    /// The mirror with the default branch's tip.
    pub(super) async fn bring_up_to_date(&self) -> Result<Mirror, ForgeError> {
        let branch = self.repo().await?.default_branch;
        self.tip_with_objects(&branch).await?;
        self.mirror().await
    }

    /// Where a branch stands; its commit is in the mirror then.
    pub(super) async fn tip_with_objects(&self, branch: &str) -> Result<Option<Oid>, ForgeError> {
        let tip = self.branch_tip(branch).await?;
        if let Some(tip) = &tip {
            self.obtain(branch, tip).await?;
        }
        Ok(tip)
    }

    /// Fetches a branch if this commit of it is not here.
    pub(super) async fn obtain(&self, branch: &str, commit: &Oid) -> Result<(), ForgeError> {
        let mirror = self.mirror().await?;
        if has(&mirror, commit).await? {
            return Ok(());
        }
        let wire = self.wire().await?;
        let (line, copy) = (wire.clone(), mirror.clone());
        let refs = [(format!("refs/heads/{branch}"), format!("refs/remotes/origin/{branch}"))];
        let fetched = blocking(move || copy.fetch(line, &refs, FETCH)).await;
        if let Err(trouble) = fetched {
            let trouble = wire.trouble().unwrap_or(trouble);
            if matches!(trouble, ForgeError::Denied(_)) {
                self.talk.distrust().await;
            }
            return Err(trouble);
        }
        if has(&mirror, commit).await? {
            return Ok(());
        }
        Err(ForgeError::Transient(format!("the branch {branch} moved while it was fetched, or git shows it later")))
    }

    /// The way git goes, with the token of this moment, to the repository's name of this moment.
    pub(super) async fn wire(&self) -> Result<Arc<HttpWire>, ForgeError> {
        let app = &self.talk.app;
        let address = format!("{}/{}.git", app.web(), self.repo().await?.full_name);
        let token = SecretString::from(self.talk.token().await?.expose_secret().to_owned());
        Ok(Arc::new(HttpWire::new(app.client.clone(), address, ("x-access-token", token), FETCH, self.talk.now())))
    }
}

async fn has(mirror: &Mirror, commit: &Oid) -> Result<bool, ForgeError> {
    let (mirror, commit) = (mirror.clone(), commit.clone());
    blocking(move || mirror.has(&commit)).await
}

/// Runs what blocks on its own thread.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, GitError> + Send + 'static,
) -> Result<T, ForgeError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|e| ForgeError::Transient(format!("the work on the mirror broke off: {e}")))?;
    done.map_err(ForgeError::from)
}
