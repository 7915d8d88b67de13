//! A forge at which users have other rights than the local one gives, and some of them are bots.

use async_trait::async_trait;
use countersign::domain::facts::{Check, Comment, Protection, Pull, Repository, Right, User};
use countersign::domain::ids::Oid;
use countersign::forge::{Forge, ForgeError, Merge, MergeOrder, NewPull, Push, Pushed, Report};
use countersign::git::Mirror;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct Hall {
    inner: Arc<dyn Forge>,
    rights: BTreeMap<u64, Right>,
    bots: BTreeSet<u64>,
    shown: Arc<AtomicBool>,
}

impl Hall {
    /// The same forge, which does not show comments yet.
    pub fn late(inner: Arc<dyn Forge>, shown: Arc<AtomicBool>) -> Arc<dyn Forge> {
        Arc::new(Hall { inner, rights: BTreeMap::new(), bots: BTreeSet::new(), shown })
    }

    /// The same forge with these rights, by user number.
    pub fn rights(inner: Arc<dyn Forge>, rights: &[(u64, Right)]) -> Arc<dyn Forge> {
        Arc::new(Hall { inner, rights: rights.iter().copied().collect(), bots: BTreeSet::new(), shown: shown() })
    }

    /// The same forge where these users are bots.
    pub fn bots(inner: Arc<dyn Forge>, bots: &[u64]) -> Arc<dyn Forge> {
        Arc::new(Hall { inner, rights: BTreeMap::new(), bots: bots.iter().copied().collect(), shown: shown() })
    }
}

fn shown() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(true))
}

#[async_trait]
impl Forge for Hall {
    async fn repository(&self) -> Result<Repository, ForgeError> {
        self.inner.repository().await
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
        self.inner.push(push).await
    }

    async fn find(&self, head_ref: &str) -> Result<Vec<Pull>, ForgeError> {
        self.inner.find(head_ref).await
    }

    async fn open(&self, new: &NewPull) -> Result<u64, ForgeError> {
        self.inner.open(new).await
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
        self.inner.set_body(number, body).await
    }

    async fn report(&self, head: &Oid, report: &Report) -> Result<(), ForgeError> {
        self.inner.report(head, report).await
    }

    async fn comment(&self, number: u64, key: &str, text: &str) -> Result<(), ForgeError> {
        self.inner.comment(number, key, text).await
    }

    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        let mut comments = self.inner.comments(number).await?;
        comments.retain(|_| self.shown.load(Ordering::SeqCst));
        comments.iter_mut().for_each(|comment| comment.bot |= self.bots.contains(&comment.by.id));
        Ok(comments)
    }

    async fn right(&self, user: &User) -> Result<Right, ForgeError> {
        match self.rights.get(&user.id) {
            Some(right) => Ok(*right),
            None => self.inner.right(user).await,
        }
    }

    async fn merge(&self, number: u64, order: &MergeOrder) -> Result<Merge, ForgeError> {
        self.inner.merge(number, order).await
    }

    async fn close(&self, number: u64) -> Result<(), ForgeError> {
        self.inner.close(number).await
    }

    async fn remove_branch(&self, branch: &str, at: &Oid) -> Result<(), ForgeError> {
        self.inner.remove_branch(branch, at).await
    }
}
