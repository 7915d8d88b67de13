//! The `local` forge: a bare repository on this machine that keeps its pull requests itself.
//!
//! `refs/countersign/pulls/<number>` holds a pull request as `pull.json`, `refs/countersign/checks/<commit>` the checks of
//! a commit as `checks.json`, `refs/countersign/protection` the rules of all branches as `protection.json`. Each change is
//! a commit by whoever made it. Whoever may write to the directory may write all of it; `receive.hideRefs =
//! refs/countersign` keeps out those who may only push.
//!
//! Must not need a network, and must not hold anything outside of the bare repository.

mod act;
mod diff;
mod edit;
mod event;
mod faults;
mod ledger;
mod merge;
mod person;
mod push;
mod record;
#[cfg(test)]
mod tests;
mod view;

pub use edit::Edit;
pub use event::{Event, Hook};
pub use faults::{Act, Fault, FaultKind, Faults};
pub use ledger::TEXT;
pub use person::{FileChange, Person};
pub use record::Who;
pub use record::{CheckRecord, Closed, Comment, Landing, PullRecord, RequiredCheck, Rules};

use crate::domain::facts::{self, Protection, Pull, Repository, Right, User};
use crate::domain::ids::{Clock, Oid};
use crate::forge::{Forge, ForgeError, Merge, MergeOrder, NewPull, Push, Pushed, Report};
use crate::git::Mirror;
use async_trait::async_trait;
use ledger::Ledger;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Where a local repository is, and what it is called.
#[derive(Clone, Debug)]
pub struct LocalPlace {
    /// The bare repository.
    pub path: PathBuf,
    /// Its number.
    pub id: u64,
    /// Its name, `owner/name`.
    pub name: String,
    /// Where the acts of people are told.
    pub hook: Option<Hook>,
}

/// One local repository, as the bot sees it.
pub struct LocalForge {
    desk: Arc<Desk>,
    faults: Faults,
    last: Mutex<Last>,
}

/// What works on the repository; shared with blocking threads.
struct Desk {
    place: LocalPlace,
    mirror_path: PathBuf,
    bot: User,
    clock: Clock,
    opened: Mutex<Option<Ledger>>,
    mirror: Mutex<Option<Mirror>>,
}

/// What was answered the last time, for stale reads.
#[derive(Default)]
struct Last {
    pulls: BTreeMap<u64, Pull>,
    tips: BTreeMap<String, Option<Oid>>,
}

impl LocalForge {
    /// The forge of the repository at this place; `mirror` is made when it is first needed. Nothing is opened yet.
    pub fn new(place: LocalPlace, mirror: &Path, bot: User, clock: Clock, faults: Faults) -> LocalForge {
        let (opened, copy) = (Mutex::new(None), Mutex::new(None));
        let desk = Desk { place, mirror_path: mirror.to_owned(), bot, clock, opened, mirror: copy };
        LocalForge { desk: Arc::new(desk), faults, last: Mutex::default() }
    }

    /// Does the work on a blocking thread, with the faults that are planned for the operation.
    async fn act<T, F>(&self, operation: &'static str, work: F) -> Result<T, ForgeError>
    where
        T: Send + 'static,
        F: FnOnce(&Desk) -> Result<T, ForgeError> + Send + 'static,
    {
        let faults = self.faults.strike(operation);
        self.suffer(faults, work).await
    }

    async fn suffer<T, F>(&self, faults: Vec<FaultKind>, work: F) -> Result<T, ForgeError>
    where
        T: Send + 'static,
        F: FnOnce(&Desk) -> Result<T, ForgeError> + Send + 'static,
    {
        let mut after = None;
        for fault in faults {
            match fault {
                FaultKind::Delay(milliseconds) => tokio::time::sleep(Duration::from_millis(milliseconds)).await,
                FaultKind::Meanwhile(act) => act().await,
                FaultKind::FailBefore(error) => return Err(error),
                FaultKind::FailAfter(error) => after = Some(error),
                FaultKind::StaleRead | FaultKind::Alter(_) => {}
            }
        }
        let desk = self.desk.clone();
        let result = blocking(move || work(&desk)).await;
        after.map_or(result, Err)
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs work that blocks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ForgeError> + Send + 'static,
) -> Result<T, ForgeError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(ForgeError::Transient(format!("the work on the repository broke off: {e}"))))
}

fn stale(faults: &[FaultKind]) -> bool {
    faults.iter().any(|fault| matches!(fault, FaultKind::StaleRead))
}

#[async_trait]
impl Forge for LocalForge {
    async fn repository(&self) -> Result<Repository, ForgeError> {
        self.act("repository", Desk::repository).await
    }

    async fn sync(&self) -> Result<Mirror, ForgeError> {
        self.act("sync", Desk::mirror).await
    }

    async fn tip(&self, branch: &str) -> Result<Option<Oid>, ForgeError> {
        let faults = self.faults.strike("tip");
        let old = self.last().tips.get(branch).cloned().filter(|_| stale(&faults));
        let name = branch.to_owned();
        let now = self.suffer(faults, move |desk| desk.ledger()?.tip(&name)).await?;
        let answer = old.unwrap_or(now);
        self.last().tips.insert(branch.to_owned(), answer.clone());
        Ok(answer)
    }

    async fn protection(&self, branch: &str) -> Result<Option<Protection>, ForgeError> {
        let branch = branch.to_owned();
        self.act("protection", move |desk| desk.protection(&branch)).await
    }

    async fn push(&self, push: &Push) -> Result<Pushed, ForgeError> {
        let push = push.clone();
        self.act("push", move |desk| desk.push(&push)).await
    }

    async fn find(&self, head_ref: &str) -> Result<Vec<Pull>, ForgeError> {
        let head_ref = head_ref.to_owned();
        self.act("find", move |desk| desk.find(&head_ref)).await
    }

    async fn open(&self, new: &NewPull) -> Result<u64, ForgeError> {
        let new = new.clone();
        let open = move |desk: &Desk| {
            let ledger = desk.ledger()?;
            match ledger.standing(&new)? {
                // Opened before, by an order whose answer was lost.
                Some((number, author)) if author.id == desk.bot.id => Ok(number),
                Some(_) | None => ledger.open_pull(&new, &desk.bot),
            }
        };
        self.act("open", open).await
    }

    async fn pull(&self, number: u64) -> Result<Pull, ForgeError> {
        let faults = self.faults.strike("pull");
        let old = self.last().pulls.get(&number).cloned().filter(|_| stale(&faults));
        let alterations: Vec<_> = faults
            .iter()
            .filter_map(|fault| if let FaultKind::Alter(change) = fault { Some(change.clone()) } else { None })
            .collect();
        let now = self.suffer(faults, move |desk| desk.pull(number)).await?;
        let mut answer = old.unwrap_or(now);
        self.last().pulls.insert(number, answer.clone());
        alterations.iter().for_each(|change| change(&mut answer));
        Ok(answer)
    }

    async fn signals(&self, commit: &Oid) -> Result<Vec<facts::Check>, ForgeError> {
        let commit = commit.clone();
        self.act("signals", move |desk| desk.signals(&commit)).await
    }

    /// Nothing is deployed from here.
    async fn deployments(&self, _commit: &Oid) -> Result<Vec<facts::Check>, ForgeError> {
        self.act("deployments", |_| Ok(Vec::new())).await
    }

    async fn set_body(&self, number: u64, body: &str) -> Result<(), ForgeError> {
        let body = body.to_owned();
        self.act("set_body", move |desk| desk.set_body(number, &body)).await
    }

    async fn report(&self, head: &Oid, report: &Report) -> Result<(), ForgeError> {
        let (head, report) = (head.clone(), report.clone());
        self.act("report", move |desk| desk.report(&head, &report)).await
    }

    async fn comment(&self, number: u64, key: &str, text: &str) -> Result<(), ForgeError> {
        let (key, text) = (key.to_owned(), text.to_owned());
        self.act("comment", move |desk| desk.comment(number, &key, &text)).await
    }

    async fn comments(&self, number: u64) -> Result<Vec<facts::Comment>, ForgeError> {
        self.act("comments", move |desk| desk.comments(number)).await
    }

    async fn right(&self, user: &User) -> Result<Right, ForgeError> {
        let id = user.id;
        self.act("right", move |desk| desk.right(id)).await
    }

    async fn merge(&self, number: u64, order: &MergeOrder) -> Result<Merge, ForgeError> {
        let order = order.clone();
        self.act("merge", move |desk| desk.merge(number, &order)).await
    }

    async fn close(&self, number: u64) -> Result<(), ForgeError> {
        self.act("close", move |desk| desk.ledger()?.close_pull(number, &desk.bot)).await
    }

    async fn remove_branch(&self, branch: &str, at: &Oid) -> Result<(), ForgeError> {
        let (branch, at) = (branch.to_owned(), at.clone());
        self.act("remove_branch", move |desk| desk.ledger()?.remove_branch(&branch, &at)).await
    }
}
