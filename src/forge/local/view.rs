//! A pull request as it is now: the record, joined with what git says.
//!
//! Must not write.

use super::ledger::Ledger;
use super::record::{Landing, PullRecord};
use crate::domain::facts::{Landed, Mergeable, Pull, PullState, User};
use crate::domain::ids::{Oid, Time};
use crate::forge::ForgeError;
use crate::git::{Merged, repository};

impl Ledger {
    /// The pull request, seen by the user with this number.
    pub(super) fn view(&self, record: &PullRecord, me: u64) -> Result<Pull, ForgeError> {
        let landing = self.landing(record)?;
        let state = match (&landing, &record.closed) {
            (Some(_), _) => PullState::Merged,
            (None, Some(_)) => PullState::Closed,
            (None, None) => PullState::Open,
        };
        let head = self.head_of(record, landing.as_ref())?;
        let checks = self.checks(&head)?.into_iter().map(|check| check.fact(&head)).collect();
        let mergeable = match state {
            PullState::Open => self.mergeable(&record.base_ref, &head)?,
            PullState::Closed | PullState::Merged => Mergeable::Unknown,
        };
        Ok(Pull {
            number: record.number,
            repository: self.repository,
            state,
            draft: record.draft,
            locked: record.locked,
            title: record.title.clone(),
            body: record.body.clone(),
            author: record.author.clone(),
            base_ref: record.base_ref.clone(),
            head_ref: record.head_ref.clone(),
            head_repository: record.head_repository,
            labels: record.labels.clone(),
            reviews: record.reviews.clone(),
            checks,
            touched_by_others: self.touched(record, &head, me)?,
            mergeable,
            merged: landing.map(|landing| Landed { commit: landing.commit, by: landing.by, at: landing.at }),
            closed_by: record.closed.as_ref().map(|closed| closed.by.clone()),
            head,
        })
    }

    /// Who made a commit, where its address is that of a local user.
    pub(super) fn author(&self, commit: &Oid) -> Result<Option<User>, ForgeError> {
        let commit = self.bare.commit(commit)?;
        let address = commit.author_email.strip_suffix(repository::DOMAIN).and_then(|local| local.split_once('+'));
        let id = address.and_then(|(id, _)| id.parse().ok());
        Ok(id.map(|id| User { id, login: commit.author_name }))
    }

    /// The merge that happened: the one on record, or one that was begun and whose commit is on its base.
    pub(super) fn landing(&self, record: &PullRecord) -> Result<Option<Landing>, ForgeError> {
        if record.merged.is_some() {
            return Ok(record.merged.clone());
        }
        for landing in &record.landings {
            let tip = self.tip(&landing.base_ref)?;
            if let Some(tip) = tip
                && self.bare.has(&landing.commit)?
                && self.bare.descends(&tip, &landing.commit)?
            {
                return Ok(Some(landing.clone()));
            }
        }
        Ok(None)
    }

    /// The head: that of the merge, or of the branch while open, or as it was last seen.
    pub(super) fn head_of(&self, record: &PullRecord, landing: Option<&Landing>) -> Result<Oid, ForgeError> {
        if let Some(landing) = landing {
            return Ok(landing.head.clone());
        }
        Ok(self.live_head(record)?.unwrap_or_else(|| record.head.clone()))
    }

    /// The tip of the branch of an open pull request; none if it is gone, elsewhere or no longer followed.
    pub(super) fn live_head(&self, record: &PullRecord) -> Result<Option<Oid>, ForgeError> {
        if record.closed.is_some() || record.head_repository != self.repository {
            return Ok(None);
        }
        self.tip(&record.head_ref)
    }

    fn mergeable(&self, base_ref: &str, head: &Oid) -> Result<Mergeable, ForgeError> {
        let Some(base) = self.tip(base_ref)? else {
            return Ok(Mergeable::No(format!("there is no branch {base_ref}")));
        };
        Ok(match self.bare.merge(&base, head)? {
            Merged::Clean(_) => Mergeable::Yes,
            Merged::Conflict(paths) => Mergeable::No(conflict(&paths)),
        })
    }

    /// The last act of anybody else: as recorded, or by the head commit where it was pushed with git alone.
    fn touched(&self, record: &PullRecord, head: &Oid, me: u64) -> Result<Option<Time>, ForgeError> {
        let others = record.touched.iter().filter(|(who, _)| **who != me).map(|(_, at)| *at);
        let commit = self.bare.commit(head)?;
        let mine =
            commit.author_email.starts_with(&format!("{me}+")) && commit.author_email.ends_with(repository::DOMAIN);
        Ok(others.chain((!mine).then_some(commit.time)).max())
    }
}

/// The sentence for paths that do not go together.
pub(super) fn conflict(paths: &[String]) -> String {
    let shown: Vec<&str> = paths.iter().take(5).map(String::as_str).collect();
    let more = if paths.len() > shown.len() { ", ..." } else { "" };
    format!("conflicts with the base in {}{more}", shown.join(", "))
}
