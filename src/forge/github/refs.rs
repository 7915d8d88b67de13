//! The repository itself, and its branches.
//!
//! Must not move a branch that is not where it was expected.

use super::GithubForge;
use super::route::path;
use super::shape::{Ref, Repo};
use super::talk::Verb;
use crate::domain::facts::Repository;
use crate::domain::ids::Oid;
use crate::forge::{ForgeError, Pushed};
use serde_json::json;

impl GithubForge {
    /// The repository as GitHub has it now; another number than ours is not ours.
    pub(super) async fn repo(&self) -> Result<Repo, ForgeError> {
        let repo: Repo = self.talk.get("the repository", &self.talk.at("")).await?;
        if repo.id == self.place.id {
            return Ok(repo);
        }
        let said = format!("asked for repository {}, GitHub answers with {}", self.place.id, repo.id);
        Err(ForgeError::NotFound(said))
    }

    pub(super) async fn read_repository(&self) -> Result<Repository, ForgeError> {
        let (repo, bot) = (self.repo().await?, self.talk.bot().await?);
        let (id, name, default_branch) = (repo.id, repo.full_name, repo.default_branch);
        Ok(Repository { id, name, default_branch, archived: repo.archived || repo.disabled, bot })
    }

    /// Where a branch stands, as the API says.
    pub(super) async fn branch_tip(&self, branch: &str) -> Result<Option<Oid>, ForgeError> {
        let (what, route) = (format!("the branch {branch}"), self.talk.at(&format!("/git/ref/heads/{}", path(branch))));
        let Some(found) = self.talk.get_if::<Ref>(&what, &route).await? else { return Ok(None) };
        if found.name != format!("refs/heads/{branch}") || found.object.kind != "commit" {
            return Err(ForgeError::Transient(format!("{what}: GitHub answers with {}", found.name)));
        }
        Ok(Some(found.object.sha))
    }

    /// Puts a branch at a commit, if it stands at `old`.
    pub(super) async fn put_branch(&self, branch: &str, old: Option<&Oid>, new: &Oid) -> Result<Pushed, ForgeError> {
        let done = match old {
            Some(old) => self.swap(branch, old, Some(new)).await?,
            None => self.make_branch(branch, new).await?,
        };
        if done { Ok(Pushed::Done(new.clone())) } else { self.not_moved(branch, new).await }
    }

    /// What a move that was not done means: somebody else was there, or it was done after all.
    async fn not_moved(&self, branch: &str, new: &Oid) -> Result<Pushed, ForgeError> {
        let now = self.branch_tip(branch).await?;
        if now.as_ref() == Some(new) { Ok(Pushed::Done(new.clone())) } else { Ok(Pushed::Moved(now)) }
    }

    /// Makes a branch; false if there is one already.
    async fn make_branch(&self, branch: &str, at: &Oid) -> Result<bool, ForgeError> {
        let what = format!("the new branch {branch}");
        let body = json!({"ref": format!("refs/heads/{branch}"), "sha": at.as_str()});
        let answer = self.talk.ask(&what, Verb::Post, &self.talk.at("/git/refs"), Some(&body)).await?;
        if answer.status == 422 && super::error::sentence(&answer).contains("already exists") {
            return Ok(false);
        }
        self.talk.wanted(&what, &answer, &[201])?;
        Ok(true)
    }

    pub(super) async fn remove_ref(&self, branch: &str, at: &Oid) -> Result<(), ForgeError> {
        match self.branch_tip(branch).await? {
            None => return Ok(()),
            Some(now) if now != *at => return Err(elsewhere(branch, &now, at)),
            Some(_) => {}
        }
        if self.swap(branch, at, None).await? {
            return Ok(());
        }
        match self.branch_tip(branch).await? {
            None => Ok(()),
            Some(now) if now != *at => Err(elsewhere(branch, &now, at)),
            Some(_) => Err(ForgeError::Rejected(format!("GitHub does not remove the branch {branch}"))),
        }
    }
}

fn elsewhere(branch: &str, now: &Oid, at: &Oid) -> ForgeError {
    ForgeError::Rejected(format!("the branch {branch} is at {now}, not at {at}"))
}
