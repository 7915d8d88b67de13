//! Merging a pull request of the local forge.
//!
//! Must not move the base before the merge is on record: a crash in between is recognised by what is on the base.

use super::ledger::{Ledger, TRIES, head};
use super::record::{Landing, PullRecord, Rules};
use super::view::conflict;
use crate::domain::facts::{Conclusion, MergeMethod, Opinion, User};
use crate::domain::ids::Oid;
use crate::forge::{ForgeError, Merge};
use crate::git::{Merged, NewCommit, Replayed, repository};
use std::collections::BTreeMap;

/// Who merges what, and how.
pub(super) struct Order<'a> {
    pub(super) number: u64,
    pub(super) head: &'a Oid,
    pub(super) method: MergeMethod,
    pub(super) message: String,
    pub(super) by: &'a User,
}

impl Ledger {
    pub(super) fn merge(&self, order: &Order<'_>) -> Result<Merge, ForgeError> {
        for _ in 0..TRIES {
            if let Some(answer) = self.try_merge(order)? {
                return Ok(answer);
            }
        }
        Ok(Merge::NotReady("others keep writing to the base branch".to_owned()))
    }

    /// One try; none if somebody else wrote meanwhile.
    fn try_merge(&self, order: &Order<'_>) -> Result<Option<Merge>, ForgeError> {
        let (at, record) = self.record(order.number)?;
        if let Some(landing) = self.landing(&record)? {
            return self.again(order, landing).map(Some);
        }
        let Some(base) = self.tip(&record.base_ref)? else {
            return Ok(Some(Merge::Refused(format!("there is no branch {}", record.base_ref))));
        };
        if let Some(answer) = self.hindrance(&record, order, &base)? {
            return Ok(Some(answer));
        }
        let commit = match self.join(&base, order)? {
            Ok(commit) => commit,
            Err(paths) => return Ok(Some(Merge::NotReady(conflict(&paths)))),
        };
        let (head_oid, base_ref) = (order.head.clone(), record.base_ref.clone());
        let landing = Landing { commit, base_ref, head: head_oid, by: order.by.clone(), at: self.now() };
        let mut next = PullRecord::clone(&record);
        next.head.clone_from(order.head);
        next.landings.push(landing.clone());
        if !self.replace(&at, &next, order.by, "begin to merge")? {
            return Ok(None);
        }
        if !self.bare.move_reference(&head(&landing.base_ref), Some(&base), Some(&landing.commit))? {
            return Ok(None);
        }
        self.again(order, landing).map(Some)
    }

    /// Puts a merge that happened on record; the answer is the same however often it is asked for.
    fn again(&self, order: &Order<'_>, landing: Landing) -> Result<Merge, ForgeError> {
        self.amend(order.number, order.by, "merge", |record| {
            record.merged.get_or_insert_with(|| landing.clone());
            Ok(())
        })?;
        if landing.head == *order.head {
            return Ok(Merge::Merged(landing.commit));
        }
        Ok(Merge::Refused(format!("it was merged already, with the head {}", landing.head)))
    }

    /// Why it cannot be merged, before any merge is tried.
    fn hindrance(&self, record: &PullRecord, order: &Order<'_>, base: &Oid) -> Result<Option<Merge>, ForgeError> {
        if record.closed.is_some() {
            return Ok(Some(Merge::Refused("it is closed".to_owned())));
        }
        let live =
            if record.head_repository == self.repository { self.live_head(record)? } else { Some(record.head.clone()) };
        let Some(live) = live else {
            return Ok(Some(Merge::NotReady(format!("its branch {} is gone", record.head_ref))));
        };
        if live != *order.head {
            return Ok(Some(Merge::NotReady(format!("the head moved: it is {live}, not {}", order.head))));
        }
        if record.draft {
            return Ok(Some(Merge::NotReady("it is a draft".to_owned())));
        }
        let Some(rules) = self.rules(&record.base_ref)? else {
            return Ok(Some(Merge::Refused(format!("the rules of {} cannot be read", record.base_ref))));
        };
        if !rules.methods.is_empty() && !rules.methods.contains(&order.method) {
            return Ok(Some(Merge::Refused(format!("{} does not take this method of merging", record.base_ref))));
        }
        Ok(self.forbidden(record, order.head, base, &rules)?.map(Merge::Refused))
    }

    fn forbidden(
        &self,
        record: &PullRecord,
        head: &Oid,
        base: &Oid,
        rules: &Rules,
    ) -> Result<Option<String>, ForgeError> {
        if rules.queue {
            return Ok(Some(format!("{} is merged into through a queue only", record.base_ref)));
        }
        let checks = self.checks(head)?;
        for wanted in &rules.checks {
            let fits = |name: &str, app: u64| name == wanted.name && wanted.app.is_none_or(|number| number == app);
            let mut said = checks.iter().filter(|check| fits(&check.name, check.app)).peekable();
            if said.peek().is_none() || said.any(|check| !passes(check.conclusion)) {
                return Ok(Some(format!("the required check {} has not passed", wanted.name)));
            }
        }
        if rules.strict && !self.bare.descends(head, base)? {
            return Ok(Some(format!("the head is behind {}", record.base_ref)));
        }
        let (approvals, changes) = opinions(record);
        if changes && rules.approvals > 0 {
            return Ok(Some("changes are requested".to_owned()));
        }
        let short = approvals < rules.approvals;
        Ok(short.then(|| format!("{approvals} of {} approvals", rules.approvals)))
    }

    /// Makes the commit for the base; the paths that do not go together, if any.
    fn join(&self, base: &Oid, order: &Order<'_>) -> Result<Result<Oid, Vec<String>>, ForgeError> {
        let (name, email) = repository::identity(order.by);
        if order.method == MergeMethod::Rebase {
            return Ok(match self.bare.replay(base, order.head, (&name, &email), self.now())? {
                Replayed::Done(commit) => Ok(commit),
                Replayed::Conflict(paths) => Err(paths),
            });
        }
        let tree = match self.bare.merge(base, order.head)? {
            Merged::Clean(tree) => tree,
            Merged::Conflict(paths) => return Ok(Err(paths)),
        };
        let mut parents = vec![base.clone()];
        parents.extend((order.method == MergeMethod::Merge).then(|| order.head.clone()));
        let message = order.message.clone();
        let new = NewCommit { tree, parents, author_name: name, author_email: email, at: self.now(), message };
        Ok(Ok(self.bare.make_commit(&new)?))
    }
}

/// What GitHub lets pass as a required check.
fn passes(conclusion: Conclusion) -> bool {
    match conclusion {
        Conclusion::Success | Conclusion::Neutral | Conclusion::Skipped => true,
        Conclusion::Pending | Conclusion::Failure | Conclusion::Cancelled | Conclusion::ActionRequired => false,
    }
}

/// How many people who may write approve, and whether one of them requests changes; the latest opinion counts.
fn opinions(record: &PullRecord) -> (u32, bool) {
    let mut latest = BTreeMap::new();
    for review in record.reviews.iter().filter(|review| review.can_write && review.by.id != record.author.id) {
        if review.opinion != Opinion::Comment {
            latest.insert(review.by.id, review.opinion);
        }
    }
    let approvals = latest.values().filter(|opinion| **opinion == Opinion::Approve).count();
    (u32::try_from(approvals).unwrap_or(u32::MAX), latest.values().any(|opinion| *opinion == Opinion::RequestChanges))
}
