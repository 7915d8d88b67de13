//! What is kept: proposals, the audit log, due items, track records and deliveries, in SQLite or PostgreSQL.
//!
//! Must not decide anything, ask the clock, or change a proposal outside `commit`.

mod approvals;
mod bell;
mod commit;
mod db;
mod due;
mod erase;
mod error;
mod gates;
mod halts;
mod inbox;
mod insist;
mod instance;
mod log;
mod proofs;
mod proposals;
mod prune;
mod record;
mod sinks;
mod tokens;
mod track;
mod wal;

pub use bell::Bell;
pub use due::{Claim, WakeBy};
pub use error::{Result, StoreError};
pub use gates::Neighbour;
pub use inbox::Delivery;
pub use log::{Happened, Head, StoredLeaf};
pub use proposals::{Filter, Received, Stored};
pub use prune::BLOCK;
pub use sinks::{Carry, Cursor};
pub use tokens::KeptToken;
pub use track::{Counts, Tracked};

use crate::domain::ids::TenantId;
use crate::domain::redact::{self, Redactor};
use db::Db;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The database; cheap to clone, and the same for every clone.
#[derive(Clone, Debug)]
pub struct Store {
    db: Db,
    instance: Arc<str>,
    rope: bell::Rope,
    redactors: Arc<BTreeMap<TenantId, Redactor>>,
}

impl Store {
    /// Opens `sqlite:PATH` or `postgres://...` and brings its schema up to date.
    ///
    /// `instance` is part of the name of every log that is made.
    pub async fn open(url: &str, instance: &str) -> Result<Store> {
        let db = Db::open(url, db::PATIENCE).await?;
        Ok(Store::over(db, instance))
    }

    /// A database in memory, gone with its last clone.
    pub async fn memory() -> Result<Store> {
        Ok(Store::over(Db::memory().await?, "countersign.local"))
    }

    fn over(db: Db, instance: &str) -> Store {
        Store { db, instance: instance.into(), rope: bell::Rope::default(), redactors: Arc::default() }
    }

    /// The same, where what these tenants never want kept does not come into their logs.
    #[must_use]
    pub fn redacting(self, redactors: BTreeMap<TenantId, Redactor>) -> Store {
        Store { redactors: Arc::new(redactors), ..self }
    }

    /// A text without what its tenant never wants kept or said; where the environment is not known, anywhere.
    pub fn cleaned(&self, tenant: &TenantId, text: String, environment: Option<&str>) -> String {
        match self.redactors.get(tenant) {
            Some(redactor) => redactor.clean(text, environment),
            None => redact::owned(text),
        }
    }

    /// The lock on a tenant's log.
    async fn lock(&self, tx: &mut db::Tx, tenant: &TenantId) -> Result<log::Locked> {
        let redactor = self.redactors.get(tenant).cloned().unwrap_or_default();
        log::lock(tx, tenant).await.map(|head| head.redacting(redactor))
    }

    /// Answers when the database can be read; for readiness.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.db.read().await?;
        db::row!(&mut tx, (i64,), "SELECT COUNT(*) FROM audit_head").map(|_| ())
    }

    /// Waits until all that was read is on the disk: what is signed or sent elsewhere must outlast a loss of power.
    pub async fn lasts(&self) -> Result<()> {
        self.db.last().await
    }

    /// Closes every connection; what is under way ends first.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

/// A number for a column.
fn count(value: u64) -> Result<i64> {
    i64::try_from(value)
        .map_err(|_| StoreError::Invalid(format!("{value} is too large to be kept: send less than 2^63")))
}

/// A number from a column that never holds a negative one.
fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
