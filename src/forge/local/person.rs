//! What people do with pull requests of a local repository.
//!
//! Must not be used by the bot: each act here counts as somebody else's, and tells the hook.

use super::act::message;
use super::edit::{Edit, no_branch};
use super::event::{Event, Number, Place};
use super::ledger::{Ledger, fits, head};
use super::merge::Order;
use super::record::{CheckRecord, Comment, Rules, Who};
use super::{LocalPlace, blocking};
use crate::domain::facts::{Conclusion, MergeMethod, Opinion, Pull, PullState};
use crate::domain::ids::{Clock, Oid, Time};
use crate::forge::{ForgeError, Merge, NewPull};
use crate::git::{NewCommit, repository};
use std::sync::{Arc, Mutex, PoisonError};

/// A person at a local repository.
#[derive(Clone)]
pub struct Person {
    place: LocalPlace,
    who: Who,
    clock: Clock,
    warnings: Arc<Mutex<Vec<String>>>,
}

/// A file of a push, by its path: new bytes, or none to delete it.
pub type FileChange = (String, Option<Vec<u8>>);

impl Person {
    /// The person at this place.
    pub fn new(place: LocalPlace, who: Who, clock: Clock) -> Person {
        Person { place, who, clock, warnings: Arc::default() }
    }

    /// The person's number.
    pub fn id(&self) -> u64 {
        self.who.user.id
    }

    /// Takes the warnings so far: events that did not arrive.
    pub fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All pull requests, newest first.
    pub async fn list(&self) -> Result<Vec<Pull>, ForgeError> {
        self.act(|ledger, who| {
            let numbers = ledger.numbers()?;
            numbers.into_iter().map(|number| ledger.view(&ledger.record(number)?.1, who.user.id)).collect()
        })
        .await
    }

    /// One pull request and its comments.
    pub async fn show(&self, number: u64) -> Result<(Pull, Vec<Comment>), ForgeError> {
        self.act(move |ledger, who| {
            let (_, record) = ledger.record(number)?;
            Ok((ledger.view(&record, who.user.id)?, record.comments.clone()))
        })
        .await
    }

    /// Its change as a unified diff.
    pub async fn diff(&self, number: u64) -> Result<String, ForgeError> {
        self.act(move |ledger, _| ledger.diff(number)).await
    }

    /// Opens a pull request.
    pub async fn open(&self, new: NewPull) -> Result<u64, ForgeError> {
        let number = self.act(move |ledger, who| ledger.open_pull(&new, &who.user)).await?;
        self.tell("pull", "opened", Some(number), None).await;
        Ok(number)
    }

    /// Opens a pull request whose head is in another repository: a fork, whose commit stands for its branch.
    pub async fn open_fork(&self, new: NewPull, repository: u64, head: Oid) -> Result<u64, ForgeError> {
        let opened = move |ledger: &Ledger, who: &Who| {
            ledger.bare.commit(&head)?;
            let mut record = ledger.new_record(&new, &who.user, head);
            record.head_repository = repository;
            ledger.add(&who.user, record)
        };
        let number = self.act(opened).await?;
        self.tell("pull", "opened", Some(number), None).await;
        Ok(number)
    }

    /// Writes a comment; answers its number.
    pub async fn comment(&self, number: u64, text: &str) -> Result<u64, ForgeError> {
        fits(text)?;
        let text = text.to_owned();
        let said = move |ledger: &Ledger, who: &Who| {
            let now = ledger.now();
            ledger.amend(number, &who.user, "comment", |record| {
                record.say(&who.user, who.can_write, None, &text, now);
                record.touched.insert(who.user.id, now);
                Ok(record.comments.last().map_or(0, |comment| comment.id))
            })
        };
        let id = self.act(said).await?;
        self.tell("comment", "created", Some(number), None).await;
        Ok(id)
    }

    /// Edits a comment of this person.
    pub async fn edit_comment(&self, number: u64, id: u64, text: &str) -> Result<(), ForgeError> {
        fits(text)?;
        let text = text.to_owned();
        let edited = move |ledger: &Ledger, who: &Who| {
            let now = ledger.now();
            ledger.amend(number, &who.user, "edit a comment", |record| {
                let own = record.comments.iter_mut().find(|said| said.id == id && said.by.id == who.user.id);
                let said = own.ok_or_else(|| ForgeError::NotFound(format!("comment {id} of {}", who.user.login)))?;
                said.text.clone_from(&text);
                said.edited = Some(now);
                Ok(())
            })
        };
        self.act(edited).await?;
        self.tell("comment", "edited", Some(number), None).await;
        Ok(())
    }

    /// Reviews the head as it is now.
    pub async fn review(&self, number: u64, opinion: Opinion) -> Result<(), ForgeError> {
        let by = self.who.clone();
        self.act(move |ledger, who| ledger.add_review(number, who, &by.user, by.can_write, opinion)).await?;
        self.tell("review", "submitted", Some(number), None).await;
        Ok(())
    }

    /// Takes back the opinion of the reviewer with this number.
    pub async fn dismiss(&self, number: u64, reviewer: u64) -> Result<(), ForgeError> {
        let dismissed = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            let (_, record) = ledger.record(number)?;
            let last = record.reviews.iter().rev().find(|review| review.by.id == reviewer);
            let last = last.ok_or_else(|| ForgeError::NotFound(format!("a review by user {reviewer}")))?;
            ledger.add_review(number, who, &last.by, last.can_write, Opinion::Dismissed)
        };
        self.act(dismissed).await?;
        self.tell("review", "dismissed", Some(number), None).await;
        Ok(())
    }

    /// Sets a check of the head, written by the app with this number.
    pub async fn check(&self, number: u64, name: &str, conclusion: Conclusion, app: u64) -> Result<(), ForgeError> {
        let name = name.to_owned();
        let checked = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            let (_, record) = ledger.record(number)?;
            let commit = ledger.head_of(&record, ledger.landing(&record)?.as_ref())?;
            ledger.set_check(&commit, &who.user, &plain_check(&name, app, conclusion, ledger))
        };
        self.act(checked).await?;
        self.tell("check", "completed", Some(number), None).await;
        Ok(())
    }

    /// Sets a check of any commit.
    pub async fn check_commit(
        &self,
        commit: &Oid,
        name: &str,
        conclusion: Conclusion,
        app: u64,
    ) -> Result<(), ForgeError> {
        let (name, commit) = (name.to_owned(), commit.clone());
        let checked = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            ledger.set_check(&commit, &who.user, &plain_check(&name, app, conclusion, ledger))
        };
        self.act(checked).await?;
        self.tell("check", "completed", None, None).await;
        Ok(())
    }

    /// Puts labels on and takes labels off.
    pub async fn label(&self, number: u64, add: Vec<String>, remove: Vec<String>) -> Result<(), ForgeError> {
        let labelled = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            ledger.amend(number, &who.user, "label", |record| {
                record.labels.retain(|label| !remove.contains(label) && !add.contains(label));
                record.labels.extend(add.iter().cloned());
                Ok(())
            })
        };
        self.act(labelled).await?;
        self.tell("pull", "labeled", Some(number), None).await;
        Ok(())
    }

    /// Edits a pull request.
    pub async fn edit(&self, number: u64, edit: Edit) -> Result<(), ForgeError> {
        let edited = move |ledger: &Ledger, who: &Who| ledger.edit_pull(number, who, &edit);
        self.act(edited).await?;
        self.tell("pull", "edited", Some(number), None).await;
        Ok(())
    }

    /// Pushes one commit with these files to the branch of a pull request; answers the new head.
    pub async fn push(&self, number: u64, files: Vec<FileChange>, text: &str) -> Result<Oid, ForgeError> {
        let branch = self.branch_of(number).await?;
        self.commit(&branch, files, text).await
    }

    /// Replaces the head of a pull request by a commit of the same tree and parents, written by this person now.
    pub async fn amend(&self, number: u64) -> Result<Oid, ForgeError> {
        let branch = self.branch_of(number).await?;
        let moved = branch.clone();
        let amended = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            ledger.shift(&moved, &who.user, |old| {
                let old = ledger.bare.commit(old.ok_or_else(|| no_branch(&moved))?)?;
                let at = ledger.now().max(old.time.plus_seconds(1));
                sealed(ledger, who, (old.tree, old.parents), old.message, at)
            })
        };
        let head = self.act(amended).await?;
        self.tell("push", "forced", Some(number), Some(&branch)).await;
        Ok(head)
    }

    /// Pushes one commit with these files to any branch; answers the new tip.
    pub async fn commit(&self, branch: &str, files: Vec<FileChange>, text: &str) -> Result<Oid, ForgeError> {
        let (moved, text) = (branch.to_owned(), message(text, ""));
        let pushed = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            ledger.shift(&moved, &who.user, |old| {
                let old = old.ok_or_else(|| no_branch(&moved))?;
                let tree = ledger.bare.write(&ledger.bare.tree(old)?, &files)?;
                sealed(ledger, who, (tree, vec![old.clone()]), text.clone(), ledger.now())
            })
        };
        let tip = self.act(pushed).await?;
        self.tell("push", "pushed", None, Some(branch)).await;
        Ok(tip)
    }

    /// Puts a branch at a commit, wherever it was; makes it if need be.
    pub async fn reset(&self, branch: &str, to: &Oid) -> Result<(), ForgeError> {
        let (moved, to) = (branch.to_owned(), to.clone());
        let put = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            ledger.bare.commit(&to)?;
            ledger.shift(&moved, &who.user, |_| Ok(to.clone()))
        };
        self.act(put).await?;
        self.tell("push", "forced", None, Some(branch)).await;
        Ok(())
    }

    /// Removes a branch.
    pub async fn delete_branch(&self, branch: &str) -> Result<(), ForgeError> {
        let gone = branch.to_owned();
        let removed = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            ledger.follow(&gone, &who.user)?;
            let at = ledger.tip(&gone)?.ok_or_else(|| no_branch(&gone))?;
            ledger.remove_branch(&gone, &at)
        };
        self.act(removed).await?;
        self.tell("push", "deleted", None, Some(branch)).await;
        Ok(())
    }

    /// Merges the head as it is now; people obey the rules of the branch as well.
    pub async fn merge(&self, number: u64, method: MergeMethod) -> Result<Merge, ForgeError> {
        let merged = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            let (_, record) = ledger.record(number)?;
            let head = ledger.head_of(&record, ledger.landing(&record)?.as_ref())?;
            let message = message(&format!("{} (#{number})", record.title), "");
            ledger.merge(&Order { number, head: &head, method, message, by: &who.user })
        };
        let merge = self.act(merged).await?;
        if matches!(merge, Merge::Merged(_)) {
            self.tell("pull", "merged", Some(number), None).await;
        }
        Ok(merge)
    }

    /// Closes a pull request.
    pub async fn close(&self, number: u64) -> Result<(), ForgeError> {
        self.act(move |ledger, who| ledger.close_pull(number, &who.user)).await?;
        self.tell("pull", "closed", Some(number), None).await;
        Ok(())
    }

    /// Opens a closed pull request again.
    pub async fn reopen(&self, number: u64) -> Result<(), ForgeError> {
        self.act(move |ledger, who| ledger.reopen_pull(number, &who.user)).await?;
        self.tell("pull", "reopened", Some(number), None).await;
        Ok(())
    }

    /// Sets what a branch demands; none makes the rules unreadable.
    pub async fn protect(&self, branch: &str, rules: Option<Rules>) -> Result<(), ForgeError> {
        let name = branch.to_owned();
        let ruled = move |ledger: &Ledger, who: &Who| {
            may_write(who)?;
            ledger.set_rules(&name, &who.user, rules.as_ref())
        };
        self.act(ruled).await?;
        self.tell("protection", "edited", None, Some(branch)).await;
        Ok(())
    }

    async fn branch_of(&self, number: u64) -> Result<String, ForgeError> {
        let branch = move |ledger: &Ledger, _: &Who| {
            let (_, record) = ledger.record(number)?;
            if record.head_repository == ledger.repository && ledger.view(&record, 0)?.state == PullState::Open {
                return Ok(record.head_ref.clone());
            }
            Err(ForgeError::Rejected(format!("#{number} has no branch here that it still follows")))
        };
        self.act(branch).await
    }

    async fn act<T, F>(&self, work: F) -> Result<T, ForgeError>
    where
        T: Send + 'static,
        F: FnOnce(&Ledger, &Who) -> Result<T, ForgeError> + Send + 'static,
    {
        let (place, who, clock) = (self.place.clone(), self.who.clone(), self.clock.clone());
        blocking(move || work(&Ledger::open(&place, clock)?, &who)).await
    }

    async fn tell(&self, event: &'static str, action: &'static str, number: Option<u64>, branch: Option<&str>) {
        let Some(hook) = &self.place.hook else { return };
        let event = Event {
            event,
            action,
            repository: Place { id: self.place.id, name: self.place.name.clone() },
            pull: number.map(|number| Number { number }),
            reference: branch.map(head),
            sender: self.who.user.clone(),
            delivery: uuid::Uuid::now_v7().to_string(),
        };
        if let Err(warning) = hook.tell(&event).await {
            self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
        }
    }
}

fn may_write(who: &Who) -> Result<(), ForgeError> {
    if who.can_write {
        return Ok(());
    }
    Err(ForgeError::Denied(format!("{} may not write to the repository", who.user.login)))
}

fn plain_check(name: &str, app: u64, conclusion: Conclusion, ledger: &Ledger) -> CheckRecord {
    let (title, summary) = (String::new(), String::new());
    CheckRecord { name: name.to_owned(), app, conclusion, title, summary, at: ledger.now() }
}

/// A commit of this person with this tree and these parents.
fn sealed(ledger: &Ledger, who: &Who, of: (Oid, Vec<Oid>), message: String, at: Time) -> Result<Oid, ForgeError> {
    let (author_name, author_email) = repository::identity(&who.user);
    let (tree, parents) = of;
    Ok(ledger.bare.make_commit(&NewCommit { tree, parents, author_name, author_email, at, message })?)
}
