//! GitHub and GitHub Enterprise Server, as an App: one installation's token, narrowed to one repository.
//!
//! Must not trust a name where there is a number, must not send a token to any other address, and must not believe what
//! it did not read in this very turn.

mod answer;
mod app;
mod checks;
mod clients;
mod comments;
mod commits;
mod deliveries;
mod error;
mod graph;
mod jwt;
mod merge;
mod mirror;
mod people;
mod pulls;
mod refs;
mod route;
mod rules;
mod send;
mod session;
mod shape;
mod signals;
mod talk;
#[cfg(test)]
mod tests;

pub use app::App;

use super::{Forge, ForgeError, Merge, MergeOrder, NewPull, Push, Pushed, Report};
use crate::domain::facts::{Check, Comment, Protection, Pull, Repository, Right, User};
use crate::domain::ids::Oid;
use crate::git::Mirror;
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use talk::Talk;

/// How commits come to GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Through the API; GitHub signs them in the App's name.
    Api,
    /// With git, unsigned.
    Push,
}

/// Where a repository of GitHub is.
#[derive(Clone, Debug)]
pub struct GithubPlace {
    /// Its number; the name may change, this does not.
    pub id: u64,
    /// The installation that may work there.
    pub installation: u64,
    /// Where its mirror lies; made when it is first needed.
    pub mirror: PathBuf,
    /// How commits are made.
    pub commits: Commits,
}

/// One repository of GitHub, as the App sees it.
pub struct GithubForge {
    talk: Talk,
    deployments: Talk,
    place: GithubPlace,
    mirror: Mutex<Option<Mirror>>,
}

impl GithubForge {
    /// The forge of the repository at this place. Nothing is asked yet.
    pub fn new(app: Arc<App>, place: GithubPlace) -> GithubForge {
        let talk = Talk::new(app.clone(), place.installation, place.id);
        let deployments = Talk::about_deployments(app, place.installation, place.id);
        GithubForge { talk, deployments, place, mirror: Mutex::default() }
    }
}

#[async_trait]
impl Forge for GithubForge {
    async fn repository(&self) -> Result<Repository, ForgeError> {
        self.read_repository().await
    }

    async fn sync(&self) -> Result<Mirror, ForgeError> {
        self.bring_up_to_date().await
    }

    async fn tip(&self, branch: &str) -> Result<Option<Oid>, ForgeError> {
        self.tip_with_objects(branch).await
    }

    async fn protection(&self, branch: &str) -> Result<Option<Protection>, ForgeError> {
        self.read_protection(branch).await
    }

    async fn push(&self, push: &Push) -> Result<Pushed, ForgeError> {
        self.commit_and_move(push).await
    }

    async fn find(&self, head_ref: &str) -> Result<Vec<Pull>, ForgeError> {
        self.find_pulls(head_ref).await
    }

    async fn open(&self, new: &NewPull) -> Result<u64, ForgeError> {
        self.open_pull(new).await
    }

    async fn complete(&self, number: u64, new: &NewPull) -> Result<(), ForgeError> {
        self.dress(number, new).await;
        Ok(())
    }

    async fn pull(&self, number: u64) -> Result<Pull, ForgeError> {
        self.read_pull(number).await
    }

    async fn signals(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        self.signals_of(commit).await
    }

    async fn deployments(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        self.deployments_of(commit).await
    }

    async fn set_body(&self, number: u64, body: &str) -> Result<(), ForgeError> {
        self.write_body(number, body).await
    }

    async fn report(&self, head: &Oid, report: &Report) -> Result<(), ForgeError> {
        self.set_check_run(head, report).await
    }

    async fn comment(&self, number: u64, key: &str, text: &str) -> Result<(), ForgeError> {
        self.write_comment(number, key, text).await
    }

    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        self.read_comments(number).await
    }

    async fn right(&self, user: &User) -> Result<Right, ForgeError> {
        self.right_of(user).await
    }

    async fn merge(&self, number: u64, order: &MergeOrder) -> Result<Merge, ForgeError> {
        self.merge_pull(number, order).await
    }

    async fn close(&self, number: u64) -> Result<(), ForgeError> {
        self.close_pull(number).await
    }

    async fn remove_branch(&self, branch: &str, at: &Oid) -> Result<(), ForgeError> {
        self.remove_ref(branch, at).await
    }
}
