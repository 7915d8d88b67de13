//! Something between the engine and the forge: a forge under another name, and one that dies at its n-th effect.

use async_trait::async_trait;
use countersign::domain::facts::{Check, Comment, Protection, Pull, Repository, Right, User};
use countersign::domain::ids::Oid;
use countersign::forge::{Forge, ForgeError, Merge, MergeOrder, NewPull, Push, Pushed, Report};
use countersign::git::Mirror;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

/// When the process is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before its n-th effect reaches the forge.
    Before(u64),
    /// After it happened, before its answer arrives.
    After(u64),
    /// Never.
    Never,
}

/// Counts effects and says when the process is to be gone.
pub struct Fate {
    moment: Moment,
    effects: AtomicU64,
    pub died: Notify,
    wire: Wire,
}

impl Fate {
    pub fn new(moment: Moment) -> Arc<Fate> {
        Fate::with(moment, Wire::default())
    }

    fn with(moment: Moment, wire: Wire) -> Arc<Fate> {
        Arc::new(Fate { moment, effects: AtomicU64::new(0), died: Notify::new(), wire })
    }

    async fn stall(&self) {
        if let Some(stall) = self.wire.0.get() {
            stall.moment().await;
        }
    }

    pub fn effects(&self) -> u64 {
        self.effects.load(Ordering::SeqCst)
    }

    /// Tells that it is over; nobody gets an answer any more.
    async fn meet(&self, moment: Moment) {
        if self.moment == moment {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    async fn around<T>(&self, effect: impl Future<Output = T>) -> T {
        let n = self.effects.fetch_add(1, Ordering::SeqCst) + 1;
        self.meet(Moment::Before(n)).await;
        self.stall().await;
        let answer = effect.await;
        self.stall().await;
        self.meet(Moment::After(n)).await;
        answer
    }
}

/// What may happen around an effect.
#[async_trait]
pub trait Stall: Send + Sync {
    async fn moment(&self);
}

/// A place for what happens around effects, filled once there is something.
#[derive(Clone, Default)]
pub struct Wire(Arc<OnceLock<Arc<dyn Stall>>>);

impl Wire {
    pub fn set(&self, stall: Arc<dyn Stall>) {
        assert!(self.0.set(stall).is_ok(), "it is filled once");
    }

    /// The same forge, with a moment before and after each effect.
    pub fn around(&self, inner: Arc<dyn Forge>) -> Arc<dyn Forge> {
        Arc::new(Between { inner, rename: None, fate: Fate::with(Moment::Never, self.clone()) })
    }
}

pub struct Between {
    inner: Arc<dyn Forge>,
    rename: Option<(String, u64)>,
    fate: Arc<Fate>,
}

impl Between {
    /// The same forge, whose repository has another name and number.
    pub fn renamed(inner: Arc<dyn Forge>, name: &str, id: u64) -> Arc<dyn Forge> {
        Arc::new(Between { inner, rename: Some((name.into(), id)), fate: Fate::new(Moment::Never) })
    }

    /// A place for what is to happen around effects.
    pub fn stalling() -> Wire {
        Wire::default()
    }

    /// The same forge, as long as fate lets.
    pub fn mortal(inner: Arc<dyn Forge>, fate: Arc<Fate>) -> Arc<dyn Forge> {
        Arc::new(Between { inner, rename: None, fate })
    }
}

#[async_trait]
impl Forge for Between {
    async fn repository(&self) -> Result<Repository, ForgeError> {
        let repository = self.inner.repository().await?;
        let (name, id) = self.rename.clone().unwrap_or((repository.name, repository.id));
        Ok(Repository { name, id, ..repository })
    }

    async fn sync(&self) -> Result<Mirror, ForgeError> {
        self.inner.sync().await
    }

    async fn tip(&self, branch: &str) -> Result<Option<Oid>, ForgeError> {
        self.inner.tip(branch).await
    }

    async fn protection(&self, branch: &str) -> Result<Option<Protection>, ForgeError> {
        self.inner.protection(branch).await
    }

    async fn push(&self, push: &Push) -> Result<Pushed, ForgeError> {
        self.fate.around(self.inner.push(push)).await
    }

    async fn find(&self, head_ref: &str) -> Result<Vec<Pull>, ForgeError> {
        self.inner.find(head_ref).await
    }

    async fn open(&self, new: &NewPull) -> Result<u64, ForgeError> {
        self.fate.around(self.inner.open(new)).await
    }

    async fn complete(&self, number: u64, new: &NewPull) -> Result<(), ForgeError> {
        self.inner.complete(number, new).await
    }

    async fn pull(&self, number: u64) -> Result<Pull, ForgeError> {
        self.inner.pull(number).await
    }

    async fn signals(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        self.inner.signals(commit).await
    }

    async fn deployments(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        self.inner.deployments(commit).await
    }

    async fn set_body(&self, number: u64, body: &str) -> Result<(), ForgeError> {
        self.fate.around(self.inner.set_body(number, body)).await
    }

    async fn report(&self, head: &Oid, report: &Report) -> Result<(), ForgeError> {
        self.fate.around(self.inner.report(head, report)).await
    }

    async fn comment(&self, number: u64, key: &str, text: &str) -> Result<(), ForgeError> {
        self.fate.around(self.inner.comment(number, key, text)).await
    }

    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        self.inner.comments(number).await
    }

    async fn right(&self, user: &User) -> Result<Right, ForgeError> {
        self.inner.right(user).await
    }

    async fn merge(&self, number: u64, order: &MergeOrder) -> Result<Merge, ForgeError> {
        self.fate.around(self.inner.merge(number, order)).await
    }

    async fn close(&self, number: u64) -> Result<(), ForgeError> {
        self.fate.around(self.inner.close(number)).await
    }

    async fn remove_branch(&self, branch: &str, at: &Oid) -> Result<(), ForgeError> {
        self.fate.around(self.inner.remove_branch(branch, at)).await
    }
}
