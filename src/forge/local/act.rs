//! The acts of the bot on a local repository; all of them block.
//!
//! Must not do anything that a person could not see in the refs.

use super::Desk;
use super::ledger::{Ledger, fits};
use super::merge::Order;
use super::record::{CheckRecord, Closed, Comment, PullRecord};
use crate::domain::facts::{self, Protection, Pull, Repository, Right, User};
use crate::domain::ids::Oid;
use crate::forge::{ForgeError, Merge, MergeOrder, NewPull, Report};
use crate::git::Mirror;
use std::collections::BTreeMap;
use std::sync::PoisonError;

impl Desk {
    /// The open book; opened once, at the first need.
    pub(super) fn ledger(&self) -> Result<Ledger, ForgeError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ledger) = opened.as_ref() {
            return Ok(ledger.clone());
        }
        let ledger = Ledger::open(&self.place, self.clock.clone())?;
        *opened = Some(ledger.clone());
        Ok(ledger)
    }

    pub(super) fn mirror(&self) -> Result<Mirror, ForgeError> {
        let bare = self.ledger()?.bare;
        let mut mirror = self.mirror.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mirror) = mirror.as_ref() {
            return Ok(mirror.clone());
        }
        let made = Mirror::open(&self.mirror_path, Some(bare.path()))?;
        *mirror = Some(made.clone());
        Ok(made)
    }

    pub(super) fn repository(&self) -> Result<Repository, ForgeError> {
        let ledger = self.ledger()?;
        let place = self.place.path.display();
        let branch = ledger.bare.default_branch()?;
        let default_branch =
            branch.ok_or_else(|| ForgeError::Rejected(format!("{place}: HEAD does not name a branch")))?;
        if ledger.tip(&default_branch)?.is_none() {
            let empty = ledger.bare.references("refs/heads/")?.is_empty();
            let why = if empty { "it is empty: push a first commit" } else { "HEAD names a branch that is not there" };
            return Err(ForgeError::Rejected(format!("{place}: {why} ({default_branch})")));
        }
        let (id, name, bot) = (self.place.id, self.place.name.clone(), self.bot.clone());
        Ok(Repository { id, name, default_branch, archived: false, bot })
    }

    pub(super) fn protection(&self, branch: &str) -> Result<Option<Protection>, ForgeError> {
        let rules = self.ledger()?.rules(branch)?;
        Ok(rules.map(|rules| Protection {
            checks: rules.checks.into_iter().map(|check| (check.name, check.app)).collect(),
            strict: rules.strict,
            queue: rules.queue,
            approvals: rules.approvals,
        }))
    }

    /// Checks of a commit that others wrote.
    pub(super) fn signals(&self, commit: &Oid) -> Result<Vec<facts::Check>, ForgeError> {
        let all = self.ledger()?.checks(commit)?;
        Ok(all.into_iter().filter(|check| check.app != self.bot.id).map(|check| check.fact(commit)).collect())
    }

    pub(super) fn find(&self, head_ref: &str) -> Result<Vec<Pull>, ForgeError> {
        let ledger = self.ledger()?;
        let mut found = Vec::new();
        for number in ledger.numbers()? {
            let (_, record) = ledger.record(number)?;
            if record.head_ref == head_ref && record.head_repository == ledger.repository {
                found.push(ledger.view(&record, self.bot.id)?);
            }
        }
        Ok(found)
    }

    pub(super) fn pull(&self, number: u64) -> Result<Pull, ForgeError> {
        let ledger = self.ledger()?;
        let (_, record) = ledger.record(number)?;
        ledger.view(&record, self.bot.id)
    }

    pub(super) fn set_body(&self, number: u64, body: &str) -> Result<(), ForgeError> {
        fits(body)?;
        self.ledger()?.amend(number, &self.bot, "edit the body", |record| {
            body.clone_into(&mut record.body);
            Ok(())
        })
    }

    pub(super) fn report(&self, head: &Oid, report: &Report) -> Result<(), ForgeError> {
        let ledger = self.ledger()?;
        let check = CheckRecord {
            name: report.name.clone(),
            app: self.bot.id,
            conclusion: report.conclusion,
            title: report.title.clone(),
            summary: report.summary.clone(),
            at: ledger.now(),
        };
        ledger.set_check(head, &self.bot, &check)
    }

    pub(super) fn comment(&self, number: u64, key: &str, text: &str) -> Result<(), ForgeError> {
        let ledger = self.ledger()?;
        fits(text)?;
        let now = ledger.now();
        ledger.amend(number, &self.bot, "comment", |record| {
            let ours = |old: &&mut Comment| old.by.id == self.bot.id && old.key.as_deref() == Some(key);
            match record.comments.iter_mut().find(ours) {
                Some(old) if old.text == text => {}
                Some(old) => {
                    text.clone_into(&mut old.text);
                    old.edited = Some(now);
                }
                None => record.say(&self.bot, true, Some(key), text, now),
            }
            Ok(())
        })
    }

    pub(super) fn comments(&self, number: u64) -> Result<Vec<facts::Comment>, ForgeError> {
        let (_, record) = self.ledger()?.record(number)?;
        let fact = |said: &Comment| facts::Comment {
            id: said.id,
            by: said.by.clone(),
            bot: said.by.id == self.bot.id,
            text: said.text.clone(),
            at: said.at,
            edited: said.edited,
        };
        Ok(record.comments.iter().map(fact).collect())
    }

    /// People come from the command line, each act with its own right: the one that a user last had counts. Whoever may
    /// write here may write all of it, the rules too, and so is an admin.
    pub(super) fn right(&self, user: u64) -> Result<Right, ForgeError> {
        if user == self.bot.id {
            return Ok(Right::Write);
        }
        let ledger = self.ledger()?;
        let mut last = None;
        for number in ledger.numbers()? {
            let (_, record) = ledger.record(number)?;
            let said = record.comments.iter().filter(|it| it.by.id == user).map(|it| (it.at, it.can_write));
            let reviewed = record.reviews.iter().filter(|it| it.by.id == user).map(|it| (it.at, it.can_write));
            last = said.chain(reviewed).chain(last).max();
        }
        Ok(match last {
            Some((_, true)) => Right::Admin,
            Some((_, false)) => Right::Read,
            None => Right::None,
        })
    }

    pub(super) fn merge(&self, number: u64, order: &MergeOrder) -> Result<Merge, ForgeError> {
        let message = message(&order.title, &order.message);
        self.ledger()?.merge(&Order { number, head: &order.head, method: order.method, message, by: &self.bot })
    }
}

/// A commit message of a first line and a rest.
pub(super) fn message(title: &str, rest: &str) -> String {
    if rest.trim().is_empty() { format!("{title}\n") } else { format!("{title}\n\n{}\n", rest.trim_end()) }
}

impl PullRecord {
    /// Adds a comment.
    pub(super) fn say(
        &mut self,
        by: &User,
        can_write: bool,
        key: Option<&str>,
        text: &str,
        at: crate::domain::ids::Time,
    ) {
        let id = self.comments.last().map_or(1, |last| last.id.saturating_add(1));
        let (by, key, text) = (by.clone(), key.map(str::to_owned), text.to_owned());
        self.comments.push(Comment { id, by, can_write, key, text, at, edited: None });
    }
}

impl Ledger {
    /// Opens a pull request of a branch of this repository.
    pub(super) fn open_pull(&self, new: &NewPull, by: &User) -> Result<u64, ForgeError> {
        fits(&new.body)?;
        let missing = |branch: &str| ForgeError::Rejected(format!("there is no branch {branch}"));
        let head = self.tip(&new.head_ref)?.ok_or_else(|| missing(&new.head_ref))?;
        let base = self.tip(&new.base_ref)?.ok_or_else(|| missing(&new.base_ref))?;
        if self.bare.descends(&base, &head)? {
            return Err(ForgeError::Rejected(format!("nothing is in {} that {} lacks", new.head_ref, new.base_ref)));
        }
        if let Some((number, _)) = self.standing(new)? {
            let reason = format!("there is a pull request of {} already: #{number}", new.head_ref);
            return Err(ForgeError::Rejected(reason));
        }
        self.add(by, self.new_record(new, by, head))
    }

    /// The open pull request of the same branches, with its author.
    pub(super) fn standing(&self, new: &NewPull) -> Result<Option<(u64, User)>, ForgeError> {
        for number in self.numbers()? {
            let (_, other) = self.record(number)?;
            let same = other.head_ref == new.head_ref && other.base_ref == new.base_ref;
            let open = other.closed.is_none() && other.head_repository == self.repository;
            if same && open && self.landing(&other)?.is_none() {
                return Ok(Some((number, other.author.clone())));
            }
        }
        Ok(None)
    }

    pub(super) fn new_record(&self, new: &NewPull, by: &User, head: Oid) -> PullRecord {
        let opened = self.now();
        PullRecord {
            number: 0,
            title: new.title.clone(),
            body: new.body.clone(),
            author: by.clone(),
            base_ref: new.base_ref.clone(),
            head_ref: new.head_ref.clone(),
            head_repository: self.repository,
            head,
            labels: new.labels.clone(),
            reviewers: new.reviewers.clone(),
            draft: false,
            locked: false,
            opened,
            closed: None,
            landings: Vec::new(),
            merged: None,
            reviews: Vec::new(),
            comments: Vec::new(),
            touched: BTreeMap::from([(by.id, opened)]),
        }
    }

    /// Closes a pull request; one that is not open stays as it is.
    pub(super) fn close_pull(&self, number: u64, by: &User) -> Result<(), ForgeError> {
        let at = self.now();
        self.amend(number, by, "close", |record| {
            if record.closed.is_none() && self.landing(record)?.is_none() {
                record.head = self.head_of(record, None)?;
                record.closed = Some(Closed { by: by.clone(), at });
                record.touched.insert(by.id, at);
            }
            Ok(())
        })
    }
}
