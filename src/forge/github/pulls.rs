//! Pull requests: found, opened, read, rewritten, closed.
//!
//! Must not take a pull request for ours by its branch's name: a fork has branches of the same names.

use super::GithubForge;
use super::route::segment;
use super::shape::{Bot, IssueAnswer, PullAnswer, ghost};
use super::talk::Verb;
use crate::domain::facts::{Comment, Landed, Mergeable, Pull, PullState, Review, User};
use crate::domain::ids::{Oid, Time};
use crate::forge::{ForgeError, NewPull};
use serde_json::{Value, json};
use tracing::warn;

/// Pull requests of one branch that are read.
const FOUND: usize = 20;

impl GithubForge {
    pub(super) async fn find_pulls(&self, head_ref: &str) -> Result<Vec<Pull>, ForgeError> {
        let mut pulls = Vec::new();
        for found in self.pulls_of(head_ref).await?.into_iter().take(FOUND) {
            pulls.push(self.whole(found.number).await?);
        }
        Ok(pulls)
    }

    /// The pull requests of a branch of this repository, newest first.
    async fn pulls_of(&self, head_ref: &str) -> Result<Vec<PullAnswer>, ForgeError> {
        let name = self.repo().await?.full_name;
        let owner = name.split('/').next().unwrap_or_default();
        let head = segment(&format!("{owner}:{head_ref}"));
        let route = self.talk.at(&format!("/pulls?state=all&head={head}&sort=created&direction=desc"));
        let what = format!("the pull requests of {head_ref}");
        let mut found: Vec<PullAnswer> = self.talk.list(&what, &route, |page: Vec<PullAnswer>| page).await?;
        let here = |pull: &PullAnswer| pull.head.repo.as_ref().is_some_and(|repo| repo.id == self.place.id);
        found.retain(|pull| pull.head.name == head_ref && here(pull));
        found.sort_by_key(|pull| std::cmp::Reverse(pull.number));
        Ok(found)
    }

    pub(super) async fn open_pull(&self, new: &NewPull) -> Result<u64, ForgeError> {
        let what = format!("a pull request of {}", new.head_ref);
        let body = json!({
            "title": new.title, "head": new.head_ref, "base": new.base_ref, "body": new.body,
            "draft": false, "maintainer_can_modify": false
        });
        let answer = self.talk.ask(&what, Verb::Post, &self.talk.at("/pulls"), Some(&body)).await?;
        if answer.status == 422 {
            let said = super::error::sentence(&answer);
            if said.contains("already exists") {
                return self.adopted(new, said).await;
            }
            // The branch may not be visible yet where pull requests are made.
            if said.contains("head is invalid") {
                return Err(ForgeError::Transient(format!("{what}: {said}")));
            }
        }
        self.talk.wanted(&what, &answer, &[201])?;
        let made: PullAnswer = answer.read(&what)?;
        self.dress(made.number, new).await;
        Ok(made.number)
    }

    /// The open pull request of ours that stands there already.
    async fn adopted(&self, new: &NewPull, said: String) -> Result<u64, ForgeError> {
        let bot = self.talk.bot().await?;
        let ours = |pull: &PullAnswer| {
            pull.state == "open"
                && pull.base.name == new.base_ref
                && pull.user.as_ref().is_some_and(|user| user.id == bot.id)
        };
        let found = self.pulls_of(&new.head_ref).await?.into_iter().find(ours);
        let pull = found.ok_or(ForgeError::Rejected(said))?;
        if !new.labels.iter().all(|name| pull.labels.iter().any(|label| label.name == *name)) {
            self.dress(pull.number, new).await;
        }
        Ok(pull.number)
    }

    /// Reviewers and labels, the labels last: where they stand, nothing was left out. A pull request without them is
    /// better than none.
    pub(super) async fn dress(&self, number: u64, new: &NewPull) {
        for reviewer in &new.reviewers {
            let name = reviewer.trim_start_matches('@');
            let body = match name.split_once('/') {
                Some((_, team)) => json!({"team_reviewers": [team]}),
                None => json!({"reviewers": [name]}),
            };
            let what = format!("the review by {name}");
            let route = self.talk.at(&format!("/pulls/{number}/requested_reviewers"));
            if let Err(error) = self.talk.write::<Value>(&what, Verb::Post, &route, &body).await {
                warn!(%error, number, "a reviewer was not asked");
            }
        }
        if !new.labels.is_empty() {
            let (what, route) = (format!("the labels of #{number}"), self.talk.at(&format!("/issues/{number}/labels")));
            let body = json!({"labels": new.labels});
            if let Err(error) = self.talk.write::<Value>(&what, Verb::Post, &route, &body).await {
                warn!(%error, number, "the pull request has no labels");
            }
        }
    }

    pub(super) async fn read_pull(&self, number: u64) -> Result<Pull, ForgeError> {
        self.whole(number).await
    }

    /// The bare answer about a pull request.
    pub(super) async fn pull_answer(&self, number: u64) -> Result<PullAnswer, ForgeError> {
        self.talk.get(&format!("pull request #{number}"), &self.talk.at(&format!("/pulls/{number}"))).await
    }

    /// A pull request with its reviews, its checks and what others did to it.
    async fn whole(&self, number: u64) -> Result<Pull, ForgeError> {
        let found = self.pull_answer(number).await?;
        let head = found.head.sha.clone();
        let reviews = self.reviews(number, &head).await?;
        let checks = self.checks(&head).await?;
        let touched_by_others = self.touched(number, &head, &reviews).await?;
        let closed = found.state != "open";
        let merged = landed(&found)?;
        if let Some(landed) = &merged {
            self.fetch_landed(&found.base.name, landed).await?;
        }
        let closed_by = if closed && !found.merged { self.closed_by(number).await? } else { None };
        Ok(Pull {
            number: found.number,
            repository: found.base.repo.as_ref().map_or(0, |repo| repo.id),
            state: match (found.merged, closed) {
                (true, _) => PullState::Merged,
                (false, true) => PullState::Closed,
                (false, false) => PullState::Open,
            },
            draft: found.draft,
            locked: found.locked,
            mergeable: mergeable(&found),
            merged,
            title: found.title,
            body: found.body.unwrap_or_default(),
            author: found.user.map_or_else(ghost, Bot::user),
            base_ref: found.base.name,
            head_ref: found.head.name,
            head_repository: found.head.repo.map_or(0, |repo| repo.id),
            labels: found.labels.into_iter().map(|label| label.name).collect(),
            reviews,
            checks,
            touched_by_others,
            closed_by,
            head,
        })
    }

    /// What landed, on whatever branch: it is looked at even where that is not the one we know. One that cannot be
    /// fetched, because the branch is gone, is left to whoever looks.
    async fn fetch_landed(&self, base: &str, landed: &Landed) -> Result<(), ForgeError> {
        match self.obtain(base, &landed.commit).await {
            Ok(()) => Ok(()),
            Err(limited @ ForgeError::RateLimited(_)) => Err(limited),
            Err(error) => {
                warn!(%error, base, commit = %landed.commit, "what landed could not be fetched");
                Ok(())
            }
        }
    }

    /// The last push, comment or review by anybody but us.
    async fn touched(&self, number: u64, head: &Oid, reviews: &[Review]) -> Result<Option<Time>, ForgeError> {
        let bot = self.talk.bot().await?;
        let comments = self.read_comments(number).await?;
        let said = comments.iter().filter(|comment| comment.by.id != bot.id).map(last_said);
        let seen = reviews.iter().filter(|review| review.by.id != bot.id).map(|review| review.at);
        let commit = self.owned_commit(head).await?;
        let theirs = commit.filter(|commit| commit.author.as_ref().and_then(|author| author.id) != Some(bot.id));
        let pushed = theirs.and_then(|commit| Some(commit.commit.committer?.date?.0));
        Ok(said.chain(seen).chain(pushed).max())
    }

    async fn closed_by(&self, number: u64) -> Result<Option<User>, ForgeError> {
        let route = self.talk.at(&format!("/issues/{number}"));
        let issue: IssueAnswer = self.talk.get(&format!("who closed #{number}"), &route).await?;
        Ok(issue.closed_by.map(Bot::user))
    }

    pub(super) async fn write_body(&self, number: u64, body: &str) -> Result<(), ForgeError> {
        let (what, route) = (format!("the body of #{number}"), self.talk.at(&format!("/pulls/{number}")));
        self.talk.write::<Value>(&what, Verb::Patch, &route, &json!({"body": body})).await.map(|_| ())
    }

    pub(super) async fn close_pull(&self, number: u64) -> Result<(), ForgeError> {
        if self.pull_answer(number).await?.state != "open" {
            return Ok(());
        }
        let (what, route) = (format!("closing #{number}"), self.talk.at(&format!("/pulls/{number}")));
        self.talk.write::<Value>(&what, Verb::Patch, &route, &json!({"state": "closed"})).await.map(|_| ())
    }
}

fn last_said(comment: &Comment) -> Time {
    comment.edited.unwrap_or(comment.at)
}

/// GitHub's hint. `blocked` and `behind` are no conflicts: what is missing is judged by itself, and GitHub judges again
/// when it is told to merge. A word we do not know is no yes.
fn mergeable(pull: &PullAnswer) -> Mergeable {
    if let Some(armed) = &pull.auto_merge {
        let by = armed.enabled_by.as_ref().map_or("somebody", |by| by.login.as_str());
        let by = super::error::plain(by);
        let why = format!("{by} told GitHub to merge it as soon as it may: take that back, and it goes on here");
        return Mergeable::No(why);
    }
    match (pull.mergeable, pull.mergeable_state.as_str()) {
        (Some(false), _) | (_, "dirty") => Mergeable::No("it conflicts with its base".into()),
        (Some(true), "clean" | "has_hooks" | "unstable" | "blocked" | "behind" | "draft") => Mergeable::Yes,
        (Some(true), other) => {
            if other != "unknown" {
                warn!(state = %super::error::plain(other), "GitHub has a new word for whether it can merge");
            }
            Mergeable::Unknown
        }
        (None, _) => Mergeable::Unknown,
    }
}

/// How it was merged; a merge without its commit cannot be judged.
fn landed(pull: &PullAnswer) -> Result<Option<Landed>, ForgeError> {
    if !pull.merged {
        return Ok(None);
    }
    match (&pull.merge_commit_sha, pull.merged_at) {
        (Some(commit), Some(at)) => {
            let by = pull.merged_by.clone().map_or_else(ghost, Bot::user);
            Ok(Some(Landed { commit: commit.clone(), by, at: at.0 }))
        }
        _ => Err(ForgeError::Transient(format!("#{} is merged, and GitHub does not say as what", pull.number))),
    }
}
