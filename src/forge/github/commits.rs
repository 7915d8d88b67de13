//! One commit on one branch: through the API, where GitHub signs it, or with git.
//!
//! Must not name an author to the API: a commit with a custom author is not signed.

use super::route::segment;
use super::shape::{Made, MadeCommit, OwnedCommit};
use super::talk::Verb;
use super::{Commits, GithubForge};
use crate::domain::facts::User;
use crate::domain::ids::Oid;
use crate::forge::{ForgeError, Push, Pushed};
use crate::git::{GitError, Mirror, NewCommit, PathChange};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tracing::warn;

/// A file over so many bytes is not sent.
const FILE: u64 = 8 << 20;

impl GithubForge {
    pub(super) async fn commit_and_move(&self, push: &Push) -> Result<Pushed, ForgeError> {
        let now = self.branch_tip(&push.branch).await?;
        if now != push.old {
            return match now {
                Some(now) if self.is_ours(&now, push).await? => Ok(Pushed::Done(now)),
                other => Ok(Pushed::Moved(other)),
            };
        }
        match self.place.commits {
            Commits::Api => {
                let commit = self.commit_by_api(push).await?;
                self.put_branch(&push.branch, push.old.as_ref(), &commit).await
            }
            Commits::Push => self.commit_by_git(push).await,
        }
    }

    /// Whether a commit is the one that would be pushed: made by us before an answer was lost.
    async fn is_ours(&self, commit: &Oid, push: &Push) -> Result<bool, ForgeError> {
        let bot = self.talk.bot().await?;
        let Some(found) = self.owned_commit(commit).await? else { return Ok(false) };
        let parents: Vec<&Oid> = found.parents.iter().map(|parent| &parent.sha).collect();
        Ok(found.author.and_then(|author| author.id) == Some(bot.id)
            && found.commit.tree.sha == push.tree
            && parents == [&push.parent]
            && found.commit.message.trim_end() == push.message.trim_end())
    }

    /// A commit with the people GitHub knows it by.
    pub(super) async fn owned_commit(&self, commit: &Oid) -> Result<Option<OwnedCommit>, ForgeError> {
        let route = self.talk.at(&format!("/commits/{}", segment(commit.as_str())));
        self.talk.get_if(&format!("commit {commit}"), &route).await
    }

    async fn commit_by_api(&self, push: &Push) -> Result<Oid, ForgeError> {
        let mirror = self.mirror().await?;
        let (parent, tree) = (push.parent.clone(), push.tree.clone());
        let (base, files) = super::mirror::blocking(move || {
            let base = mirror.tree(&parent)?;
            Ok((base.clone(), files(&mirror, &base, &tree)?))
        })
        .await?;
        self.send_files(&files).await?;
        let entries: Vec<Value> = files.iter().map(|(change, _)| entry(change)).collect();
        let what = "the new tree";
        let body = json!({"base_tree": base.as_str(), "tree": entries});
        let made: Made = self.talk.write(what, Verb::Post, &self.talk.at("/git/trees"), &body).await?;
        if made.sha != push.tree {
            return Err(ForgeError::Rejected(format!("{what}: GitHub made {}, not {}", made.sha, push.tree)));
        }
        let what = "the new commit";
        let body = json!({"message": push.message, "tree": push.tree.as_str(), "parents": [push.parent.as_str()]});
        let made: MadeCommit = self.talk.write(what, Verb::Post, &self.talk.at("/git/commits"), &body).await?;
        if made.tree.sha != push.tree || made.parents.iter().map(|parent| &parent.sha).ne([&push.parent]) {
            return Err(ForgeError::Rejected(format!("{what}: GitHub made {} of another tree or parent", made.sha)));
        }
        if !made.verification.verified {
            warn!(commit = %made.sha, reason = %made.verification.reason, "GitHub did not sign our commit");
        }
        Ok(made.sha)
    }

    async fn send_files(&self, files: &[Sent]) -> Result<(), ForgeError> {
        let mut sent = BTreeSet::new();
        for (change, bytes) in files {
            let (Some(bytes), Some((_, oid))) = (bytes, &change.new) else { continue };
            if !sent.insert(oid.clone()) {
                continue;
            }
            let what = format!("the file {}", change.path);
            let body = json!({"content": STANDARD.encode(bytes), "encoding": "base64"});
            let made: Made = self.talk.write(&what, Verb::Post, &self.talk.at("/git/blobs"), &body).await?;
            if made.sha != *oid {
                return Err(ForgeError::Rejected(format!("{what}: GitHub made {}, not {oid}", made.sha)));
            }
        }
        Ok(())
    }

    async fn commit_by_git(&self, push: &Push) -> Result<Pushed, ForgeError> {
        let (mirror, bot, order) = (self.mirror().await?, self.talk.bot().await?, push.clone());
        let wire = self.wire().await?;
        let line = wire.clone();
        let sent = super::mirror::blocking(move || {
            let (author_name, author_email) = signature(&bot);
            let commit = mirror.make_commit(&NewCommit {
                tree: order.tree,
                parents: vec![order.parent],
                author_name,
                author_email,
                at: order.at,
                message: order.message,
            })?;
            let name = format!("refs/heads/{}", order.branch);
            Ok(mirror.send(line, &name, order.old.as_ref(), Some(&commit))?.then_some(commit))
        })
        .await;
        match (sent, wire.trouble()) {
            (Err(_), Some(trouble)) => Err(trouble),
            (Err(trouble), None) => Err(trouble),
            (Ok(Some(commit)), _) => Ok(Pushed::Done(commit)),
            (Ok(None), _) => Ok(Pushed::Moved(self.branch_tip(&push.branch).await?)),
        }
    }
}

/// A changed file, with its bytes unless it is deleted.
type Sent = (PathChange, Option<Vec<u8>>);

/// The changed files, with the bytes of those that are not deleted.
fn files(mirror: &Mirror, from: &Oid, to: &Oid) -> Result<Vec<Sent>, GitError> {
    let read = |change: PathChange| {
        let bytes = change.new.as_ref().map(|(_, oid)| mirror.read(oid, FILE)).transpose()?;
        Ok((change, bytes))
    };
    mirror.changes(from, to)?.into_iter().map(read).collect()
}

fn entry(change: &PathChange) -> Value {
    let mode = change.new.as_ref().or(change.old.as_ref()).map_or(0o100_644, |(mode, _)| *mode);
    let sha = change.new.as_ref().map(|(_, oid)| oid.as_str());
    json!({"path": change.path, "mode": format!("{mode:06o}"), "type": "blob", "sha": sha})
}

/// The name and address under which GitHub knows a bot's commits.
fn signature(bot: &User) -> (String, String) {
    (bot.login.clone(), format!("{}+{}@users.noreply.github.com", bot.id, bot.login))
}
