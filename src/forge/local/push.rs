//! Moving branches of the local forge.
//!
//! Must not move a branch that is not where it was expected.

use super::Desk;
use super::ledger::{Ledger, TRIES, busy, head};
use crate::domain::facts::User;
use crate::domain::ids::Oid;
use crate::forge::{ForgeError, Push, Pushed};
use crate::git::{NewCommit, repository};

impl Desk {
    pub(super) fn push(&self, push: &Push) -> Result<Pushed, ForgeError> {
        let (ledger, mirror) = (self.ledger()?, self.mirror()?);
        let now = ledger.tip(&push.branch)?;
        let (author_name, author_email) = repository::identity(&self.bot);
        let commit = mirror.make_commit(&NewCommit {
            tree: push.tree.clone(),
            parents: vec![push.parent.clone()],
            author_name,
            author_email,
            at: push.at,
            message: push.message.clone(),
        })?;
        if now.as_ref() == Some(&commit) {
            return Ok(Pushed::Done(commit));
        }
        if now != push.old {
            return Ok(Pushed::Moved(now));
        }
        mirror.copy_objects(ledger.bare.path(), &commit)?;
        if !ledger.bare.move_reference(&head(&push.branch), push.old.as_ref(), Some(&commit))? {
            return Ok(Pushed::Moved(ledger.tip(&push.branch)?));
        }
        ledger.follow(&push.branch, &self.bot)?;
        Ok(Pushed::Done(commit))
    }
}

impl Ledger {
    /// Notes the tip of a branch as the head of its open pull requests, with the act of this user.
    pub(super) fn follow(&self, branch: &str, by: &User) -> Result<(), ForgeError> {
        let at = self.now();
        for number in self.numbers()? {
            let (_, record) = self.record(number)?;
            if record.head_ref != branch || record.merged.is_some() {
                continue;
            }
            self.amend(number, by, "push", |record| {
                if let Some(head) = self.live_head(record)?.filter(|head| *head != record.head) {
                    record.head = head;
                    record.touched.insert(by.id, at);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Moves a branch to what `make` makes of its tip, again if somebody else moved it first.
    pub(super) fn shift(
        &self,
        branch: &str,
        by: &User,
        make: impl Fn(Option<&Oid>) -> Result<Oid, ForgeError>,
    ) -> Result<Oid, ForgeError> {
        for _ in 0..TRIES {
            let old = self.tip(branch)?;
            let new = make(old.as_ref())?;
            if self.bare.move_reference(&head(branch), old.as_ref(), Some(&new))? {
                self.follow(branch, by)?;
                return Ok(new);
            }
        }
        Err(busy(branch))
    }

    /// Removes a branch that is at this commit; one that is gone is fine.
    pub(super) fn remove_branch(&self, branch: &str, at: &Oid) -> Result<(), ForgeError> {
        if self.bare.move_reference(&head(branch), Some(at), None)? {
            return Ok(());
        }
        match self.tip(branch)? {
            None => Ok(()),
            Some(now) => Err(ForgeError::Rejected(format!("the branch {branch} is at {now}, not at {at}"))),
        }
    }
}
