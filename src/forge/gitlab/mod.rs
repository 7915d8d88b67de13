//! GitLab, as a bot user with the access token of a project or a group.
//!
//! Every project is asked for by its number, so that a rename changes nothing and a new project under an old name is
//! never written to. Commits come by `git push`, which compares and swaps. GitLab has no check runs: ours are commit
//! statuses, and their text is a note.
//!
//! Must not arm GitLab's own auto-merge, and must not write text that a quick action can be in.

mod act;
mod answers;
mod carry;
mod checks;
mod merge;
mod notes;
mod people;
mod protection;
mod quiet;
mod read;
mod report;
mod reviews;
mod signals;
mod view;
mod wire;

pub use wire::TokenSource;

use super::{Forge, ForgeError, Merge, MergeOrder, NewPull, Push, Pushed, Report};
use crate::domain::facts::{Check, Comment, Protection, Pull, Repository, Right, User};
use crate::domain::ids::{Clock, Oid};
use crate::git::Mirror;
use answers::Profile;
use async_trait::async_trait;
use gitlab::api::{self, AsyncQuery as _, Endpoint, Pageable, Pagination};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tokio::sync::OnceCell;
use wire::{Failure, Wire};

/// Where a GitLab project is, and how we get there.
#[derive(Clone)]
pub struct GitlabPlace {
    /// The address of the instance.
    pub url: String,
    /// The project's number.
    pub project: u64,
    /// Reads the token that speaks for us; asked again when the forge does not take it any more.
    pub token: TokenSource,
}

/// One project at GitLab, as the bot sees it.
pub struct GitlabForge {
    project: u64,
    wire: Wire,
    carrier: reqwest::Client,
    mirror_path: PathBuf,
    mirror: Mutex<Option<Mirror>>,
    bot: OnceCell<Profile>,
    /// What the project was last called; git knows it by that.
    name: Mutex<Option<String>>,
    /// Which users are bots, by number, as far as they were asked for.
    bots: Mutex<BTreeMap<u64, bool>>,
}

impl GitlabForge {
    /// The forge of the project at this place; `mirror` is made when it is first needed. Nothing is asked yet.
    pub fn new(place: &GitlabPlace, mirror: &Path, clock: Clock) -> Result<GitlabForge, String> {
        Ok(GitlabForge {
            project: place.project,
            wire: Wire::new(&place.url, place.token.clone(), clock)?,
            carrier: carry::client()?,
            mirror_path: mirror.to_owned(),
            mirror: Mutex::default(),
            bot: OnceCell::new(),
            name: Mutex::default(),
            bots: Mutex::default(),
        })
    }

    /// Asks for one thing.
    async fn one<T: DeserializeOwned + 'static>(&self, endpoint: impl Endpoint + Sync) -> Result<T, Failure> {
        endpoint.query_async(&self.wire).await
    }

    /// Asks for a list, up to so many of it.
    async fn list<T>(&self, endpoint: impl Endpoint + Pageable + Sync, most: usize) -> Result<Vec<T>, Failure>
    where
        T: DeserializeOwned + Send + 'static,
    {
        api::paged(endpoint, Pagination::Limit(most)).query_async(&self.wire).await
    }

    /// Asks for a list that has to be whole: one that is longer is an error, never cut.
    async fn whole<T>(&self, endpoint: impl Endpoint + Pageable + Sync, most: usize) -> Result<Vec<T>, ForgeError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        let what = endpoint.endpoint().into_owned();
        let found = self.list(endpoint, most).await?;
        if found.len() >= most {
            return Err(ForgeError::Rejected(format!("{what} has {most} entries or more, too many to judge")));
        }
        Ok(found)
    }

    /// Who we are there; asked once.
    async fn bot(&self) -> Result<&Profile, ForgeError> {
        let asked = self.bot.get_or_try_init(|| async {
            let endpoint = built(api::users::CurrentUser::builder().build())?;
            Ok::<_, ForgeError>(self.one(endpoint).await?)
        });
        asked.await
    }
}

/// An endpoint that the crate does not have: what stands at a path below `/api/v4`.
struct Get(String);

impl Endpoint for Get {
    fn method(&self) -> http::Method {
        http::Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.0.clone().into()
    }
}

impl Pageable for Get {}

/// An endpoint with all that it needs.
fn built<T, E: std::fmt::Display>(endpoint: Result<T, E>) -> Result<T, ForgeError> {
    endpoint.map_err(|error| ForgeError::Rejected(format!("the request cannot be made: {error}")))
}

/// None where the forge says that it is not there.
fn found<T>(answer: Result<T, Failure>) -> Result<Option<T>, ForgeError> {
    match answer {
        Ok(there) => Ok(Some(there)),
        Err(failure) if matches!(wire::status(&failure), Some((404, _))) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

#[async_trait]
impl Forge for GitlabForge {
    async fn repository(&self) -> Result<Repository, ForgeError> {
        self.read_repository().await
    }

    async fn sync(&self) -> Result<Mirror, ForgeError> {
        self.fetch().await
    }

    async fn tip(&self, branch: &str) -> Result<Option<Oid>, ForgeError> {
        Ok(self.branch(branch).await?.map(|branch| branch.commit.id))
    }

    async fn protection(&self, branch: &str) -> Result<Option<Protection>, ForgeError> {
        self.rules(branch).await
    }

    async fn push(&self, push: &Push) -> Result<Pushed, ForgeError> {
        self.push_commit(push).await
    }

    async fn find(&self, head_ref: &str) -> Result<Vec<Pull>, ForgeError> {
        self.find_from(head_ref).await
    }

    async fn open(&self, new: &NewPull) -> Result<u64, ForgeError> {
        self.open_pull(new).await
    }

    async fn pull(&self, number: u64) -> Result<Pull, ForgeError> {
        let request = self.merge_request(number).await?;
        self.view(request).await
    }

    async fn signals(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        self.signals_of(commit).await
    }

    async fn deployments(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        self.deployments_of(commit).await
    }

    async fn set_body(&self, number: u64, body: &str) -> Result<(), ForgeError> {
        self.describe(number, body).await
    }

    async fn report(&self, head: &Oid, report: &Report) -> Result<(), ForgeError> {
        self.set_status(head, report).await
    }

    async fn comment(&self, number: u64, key: &str, text: &str) -> Result<(), ForgeError> {
        self.say(number, key, text).await.map(|_| ())
    }

    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        self.said(number).await
    }

    async fn right(&self, user: &User) -> Result<Right, ForgeError> {
        self.right_of(user.id).await
    }

    async fn merge(&self, number: u64, order: &MergeOrder) -> Result<Merge, ForgeError> {
        self.accept(number, order).await
    }

    async fn close(&self, number: u64) -> Result<(), ForgeError> {
        self.close_pull(number).await
    }

    async fn remove_branch(&self, branch: &str, at: &Oid) -> Result<(), ForgeError> {
        self.remove(branch, at).await
    }
}
