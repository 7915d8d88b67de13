//! Reviews and edits of pull requests by people.
//!
//! Must not touch branches.

use super::ledger::{Ledger, fits};
use super::record::Who;
use crate::domain::facts::{Opinion, Review, User};
use crate::forge::ForgeError;

/// What to change of a pull request; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The title.
    pub title: Option<String>,
    /// The body.
    pub body: Option<String>,
    /// The base branch.
    pub base: Option<String>,
    /// Draft or ready.
    pub draft: Option<bool>,
    /// Locked or not.
    pub locked: Option<bool>,
}

impl Ledger {
    pub(super) fn add_review(
        &self,
        number: u64,
        actor: &Who,
        by: &User,
        can_write: bool,
        opinion: Opinion,
    ) -> Result<(), ForgeError> {
        let at = self.now();
        self.amend(number, &actor.user, "review", |record| {
            let head = self.head_of(record, self.landing(record)?.as_ref())?;
            record.reviews.push(Review { by: by.clone(), can_write, opinion, head, at });
            record.touched.insert(actor.user.id, at);
            Ok(())
        })
    }

    pub(super) fn edit_pull(&self, number: u64, who: &Who, edit: &Edit) -> Result<(), ForgeError> {
        if let Some(base) = &edit.base
            && self.tip(base)?.is_none()
        {
            return Err(no_branch(base));
        }
        fits(edit.body.as_deref().unwrap_or_default())?;
        let at = self.now();
        self.amend(number, &who.user, "edit", |record| {
            if !who.can_write && record.author.id != who.user.id {
                return Err(ForgeError::Denied(format!("{} may not edit #{number}", who.user.login)));
            }
            let fields = [&mut record.title, &mut record.body, &mut record.base_ref];
            for (old, new) in fields.into_iter().zip([&edit.title, &edit.body, &edit.base]) {
                old.clone_from(new.as_ref().unwrap_or(&old.clone()));
            }
            record.draft = edit.draft.unwrap_or(record.draft);
            record.locked = edit.locked.unwrap_or(record.locked);
            record.touched.insert(who.user.id, at);
            Ok(())
        })
    }

    pub(super) fn reopen_pull(&self, number: u64, by: &User) -> Result<(), ForgeError> {
        let at = self.now();
        self.amend(number, by, "reopen", |record| {
            if self.landing(record)?.is_some() {
                return Err(ForgeError::Rejected(format!("#{number} is merged")));
            }
            if self.tip(&record.head_ref)?.is_none() {
                return Err(no_branch(&record.head_ref));
            }
            record.closed = None;
            record.touched.insert(by.id, at);
            Ok(())
        })
    }
}

/// The answer where a branch is missing.
pub(super) fn no_branch(branch: &str) -> ForgeError {
    ForgeError::Rejected(format!("there is no branch {branch}"))
}
