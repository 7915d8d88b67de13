//! Commits to and from GitLab by git over HTTP, with the same token.
//!
//! Must not move a branch that is not where it was expected: the other side compares, and what it then shows is read.

use super::GitlabForge;
use crate::domain::facts::Pushed;
use crate::domain::ids::Oid;
use crate::forge::wire::HttpWire;
use crate::forge::{ForgeError, Push};
use crate::git::{GitError, Mirror, NewCommit};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// The most bytes of objects in one answer.
const MOST: u64 = 2 << 30;
/// How long one exchange with git may take.
const EXCHANGE: Duration = Duration::from_secs(600);
/// The name that GitLab takes with any access token.
const USER: &str = "oauth2";
/// How often, and milliseconds apart, a branch is read until it shows what was just done to it.
const LOOKS: u64 = 4;
const APART: u64 = 150;

/// The client that carries git.
pub(super) fn client() -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("git/2.0 (countersign ", env!("CARGO_PKG_VERSION"), ")"))
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(crate::forge::resolve::Guarded)
        .connect_timeout(Duration::from_secs(10))
        .timeout(EXCHANGE);
    builder.build().map_err(|error| error.to_string())
}

impl GitlabForge {
    /// Brings the branches of the project into the mirror.
    pub(super) async fn fetch(&self) -> Result<Mirror, ForgeError> {
        let mirror = self.mirror().await?;
        let all = [("refs/heads/*".to_owned(), "refs/heads/*".to_owned())];
        self.over(&mirror, move |mirror, wire| {
            let first = mirror.fetch(wire.clone(), &all, MOST);
            if !matches!(first, Err(GitError::Other(_))) || wire.met_trouble() {
                return first;
            }
            // A branch `a` that is gone keeps out a new `a/b`. Objects stay; only names are forgotten.
            for (name, at) in mirror.references("refs/heads/")? {
                mirror.move_reference(&name, Some(&at), None)?;
            }
            mirror.fetch(wire, &all, MOST)
        })
        .await?;
        Ok(mirror)
    }

    /// Makes the commit and pushes it, only if the branch is where it is expected.
    pub(super) async fn push_commit(&self, push: &Push) -> Result<Pushed, ForgeError> {
        let mirror = self.mirror().await?;
        let new = self.commit_of(push).await?;
        let commit = self.over(&mirror, move |mirror, _| mirror.make_commit(&new)).await?;
        let now = self.tip_of(&push.branch).await?;
        if now.as_ref() == Some(&commit) {
            return Ok(Pushed::Done(commit));
        }
        if now != push.old {
            return Ok(Pushed::Moved(now));
        }
        let (name, old, sent) = (format!("refs/heads/{}", push.branch), push.old.clone(), commit.clone());
        let sent = self.over(&mirror, move |mirror, wire| mirror.send(wire, &name, old.as_ref(), Some(&sent))).await;
        let unclear = match sent {
            Ok(true) => None,
            Ok(false) => return Ok(Pushed::Moved(self.tip_of(&push.branch).await?)),
            // The answer was lost, or the other side refused: what the branch shows tells which.
            Err(error @ (ForgeError::Transient(_) | ForgeError::Rejected(_))) => Some(error),
            Err(error) => return Err(error),
        };
        match (self.settle(&push.branch, push.old.as_ref()).await?, unclear) {
            (Some(tip), _) if tip == commit => Ok(Pushed::Done(commit)),
            (tip, Some(error)) if tip == push.old => Err(error),
            (tip, Some(_) | None) => Ok(Pushed::Moved(tip)),
        }
    }

    /// Removes a branch that is at this commit; one that is gone is fine.
    pub(super) async fn remove(&self, branch: &str, at: &Oid) -> Result<(), ForgeError> {
        let elsewhere = |now: Oid| ForgeError::Rejected(format!("the branch {branch} is at {now}, not at {at}"));
        match self.tip_of(branch).await? {
            None => return Ok(()),
            Some(now) if now != *at => return Err(elsewhere(now)),
            Some(_) => {}
        }
        let mirror = self.mirror().await?;
        let (name, old) = (format!("refs/heads/{branch}"), at.clone());
        let moved = self.over(&mirror, move |mirror, wire| mirror.send(wire, &name, Some(&old), None)).await?;
        match self.settle(branch, Some(at)).await? {
            None => Ok(()),
            Some(now) if now == *at && moved => {
                Err(ForgeError::Transient(format!("{branch} still shows at {now} after it was removed")))
            }
            Some(now) => Err(elsewhere(now)),
        }
    }

    /// Reads a branch until it is not where it was any more; what was pushed may show a moment later.
    async fn settle(&self, branch: &str, old: Option<&Oid>) -> Result<Option<Oid>, ForgeError> {
        let mut tip = self.tip_of(branch).await?;
        for look in 1..LOOKS {
            if tip.as_ref() != old {
                return Ok(tip);
            }
            tokio::time::sleep(Duration::from_millis(APART * look)).await;
            tip = self.tip_of(branch).await?;
        }
        Ok(tip)
    }

    async fn tip_of(&self, branch: &str) -> Result<Option<Oid>, ForgeError> {
        Ok(self.branch(branch).await?.map(|branch| branch.commit.id))
    }

    /// The commit by our user, with the address that GitLab knows it by.
    async fn commit_of(&self, push: &Push) -> Result<NewCommit, ForgeError> {
        let bot = self.bot().await?;
        let given = [&bot.commit_email, &bot.email].into_iter().flatten().find(|email| email.contains('@'));
        let plain =
            |text: &str| text.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')).collect::<String>();
        let name = if bot.name.trim().is_empty() { &bot.username } else { &bot.name };
        Ok(NewCommit {
            tree: push.tree.clone(),
            parents: vec![push.parent.clone()],
            author_name: plain(name),
            author_email: given.map_or_else(|| format!("{}@users.noreply.gitlab", bot.username), |email| plain(email)),
            at: push.at,
            message: push.message.clone(),
        })
    }

    /// The mirror, opened once.
    async fn mirror(&self) -> Result<Mirror, ForgeError> {
        if let Some(mirror) = self.mirror.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            return Ok(mirror.clone());
        }
        let path = self.mirror_path.clone();
        let opened = blocking(move || Ok(Mirror::open(&path, None)?)).await?;
        let mut kept = self.mirror.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(kept.get_or_insert(opened).clone())
    }

    /// Works with the mirror and a wire to the project, on a blocking thread. What the wire met goes before what
    /// libgit2 makes of it.
    async fn over<T: Send + 'static>(
        &self,
        mirror: &Mirror,
        work: impl FnOnce(&Mirror, Arc<HttpWire>) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, ForgeError> {
        let address = self.wire.git_url(&self.name().await?);
        let secret = (USER, self.wire.token()?);
        let wire = Arc::new(HttpWire::new(self.carrier.clone(), address, secret, MOST, self.wire.now()));
        let mirror = mirror.clone();
        blocking(move || work(&mirror, wire.clone()).map_err(|error| wire.trouble().unwrap_or_else(|| error.into())))
            .await
    }
}

/// Runs work that blocks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ForgeError> + Send + 'static,
) -> Result<T, ForgeError> {
    let done = Handle::current().spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(ForgeError::Transient(format!("the work on the repository broke off: {e}"))))
}
