//! Proposals: taken in once, read by id, listed, with the bytes beside them.
//!
//! Must not change a record; `commit` does.

use super::commit::{self, Columns};
use super::db::{Tx, row, rows, run};
use super::error::{Result, StoreError};
use super::insist::insist;
use super::record::parse;
use super::{Store, approvals as tokens, bell, log, number};
use crate::domain::audit::Event;
use crate::domain::ids::{TenantId, Time};
use crate::domain::lifecycle::{Record, Stage};

/// What became of a proposal that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is kept now.
    New,
    /// It is the proposal with this id, which is kept already.
    Known(String),
}

/// A proposal as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// The proposal's bytes.
    pub bytes: Vec<u8>,
    /// Grows by one with each commit.
    pub version: u64,
}

/// Which proposals to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those in this stage.
    pub stage: Option<Stage>,
    /// Only those of this repository, by its key.
    pub repository: Option<String>,
    /// Only those older than this id.
    pub before: Option<String>,
    /// How many at most; 0 stands for 50.
    pub limit: u32,
}

impl Store {
    /// Takes a proposal in, once for each digest, and makes it due.
    ///
    /// `approvals` are the tokens that the record says were redeemed; they are used up in the same transaction. A known
    /// proposal stays as it is. A `name` that stands for another digest is a `Duplicate`.
    pub async fn receive(
        &self,
        record: &Record,
        bytes: &[u8],
        approvals: &[String],
        events: Vec<Event>,
        now: Time,
    ) -> Result<Received> {
        self.receive_due(record, bytes, approvals, events, now, now).await
    }

    /// The same, made due at a later time: for a proposal that brings more with it.
    pub async fn receive_due(
        &self,
        record: &Record,
        bytes: &[u8],
        approvals: &[String],
        events: Vec<Event>,
        now: Time,
        due: Time,
    ) -> Result<Received> {
        insist(|| self.receive_once(record, bytes, approvals, &events, now, due)).await
    }

    async fn receive_once(
        &self,
        record: &Record,
        bytes: &[u8],
        approvals: &[String],
        events: &[Event],
        now: Time,
        due: Time,
    ) -> Result<Received> {
        if record.stage != Stage::Received || events.is_empty() {
            let reason = "a proposal is taken in as `received` and with at least one event";
            return Err(StoreError::Invalid(reason.into()));
        }
        let tenant = &record.binding.tenant;
        let mut tx = self.db.write().await?;
        let mut head = self.lock(&mut tx, tenant).await?;
        if let Some(id) = known(&mut tx, record).await? {
            return Ok(Received::Known(id));
        }
        insert(&mut tx, record, bytes, head.next(now)).await?;
        log::append(&mut tx, &mut head, tenant, &commit::about(record, events.to_vec()), now).await?;
        super::due::insert(&mut tx, tenant, &record.id, due).await?;
        tokens::consume(&mut tx, record, now).await?;
        for token in approvals {
            tokens::keep(&mut tx, record, token, now).await?;
        }
        bell::notify(&mut tx).await?;
        tx.commit().await?;
        self.rope.pull();
        Ok(Received::New)
    }

    /// The record and bytes of a proposal, by the service's id or the sender's name for it.
    pub async fn record(&self, tenant: &TenantId, id: &str) -> Result<Option<(Record, Vec<u8>)>> {
        Ok(self.stored(tenant, id).await?.map(|stored| (stored.record, stored.bytes)))
    }

    /// The same with the version that `commit_seen` asks for.
    pub async fn stored(&self, tenant: &TenantId, id: &str) -> Result<Option<Stored>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT record, bytes, version FROM proposal WHERE tenant = $1 AND (id = $2 OR name = $2) \
                   ORDER BY CASE WHEN id = $2 THEN 0 ELSE 1 END LIMIT 1";
        let Some((text, bytes, version)) = row!(&mut tx, (String, Vec<u8>, i64), sql, tenant.as_str(), id)? else {
            return Ok(None);
        };
        Ok(Some(Stored { record: parse(&text)?, bytes, version: number(version) }))
    }

    /// The records of a tenant, newest first.
    pub async fn list(&self, tenant: &TenantId, filter: &Filter) -> Result<Vec<Record>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT record FROM proposal WHERE tenant = $1 AND ($2 IS NULL OR stage = $2) \
                   AND ($3 IS NULL OR repository = $3) AND ($4 IS NULL OR id < $4) ORDER BY id DESC LIMIT $5";
        let stage = filter.stage.map(Stage::name);
        let (repository, before) = (filter.repository.as_deref(), filter.before.as_deref());
        let limit = i64::from(if filter.limit == 0 { 50 } else { filter.limit });
        let found = rows!(&mut tx, (String,), sql, tenant.as_str(), stage, repository, before, limit)?;
        found.iter().map(|(text,)| parse(text)).collect()
    }

    /// Bytes kept beside a record, by name.
    pub async fn artifact(&self, tenant: &TenantId, id: &str, name: &str) -> Result<Option<Vec<u8>>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT bytes FROM artifact WHERE tenant = $1 AND proposal = $2 AND name = $3";
        Ok(row!(&mut tx, (Vec<u8>,), sql, tenant.as_str(), id, name)?.map(|(bytes,)| bytes))
    }

    /// The names and sizes in bytes of what is kept beside a record.
    pub async fn artifacts(&self, tenant: &TenantId, id: &str) -> Result<Vec<(String, u64)>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT name, CAST(LENGTH(bytes) AS BIGINT) FROM artifact WHERE tenant = $1 AND proposal = $2 \
                   ORDER BY name";
        let found = rows!(&mut tx, (String, i64), sql, tenant.as_str(), id)?;
        Ok(found.into_iter().map(|(name, size)| (name, number(size))).collect())
    }
}

/// The id under which this digest is kept; an error when the name is taken by another digest.
async fn known(tx: &mut Tx, record: &Record) -> Result<Option<String>> {
    let (tenant, digest) = (record.binding.tenant.as_str(), record.digest.to_string());
    let sql = "SELECT id FROM proposal WHERE tenant = $1 AND digest = $2";
    if let Some((id,)) = row!(tx, (String,), sql, tenant, digest.as_str())? {
        return Ok(Some(id));
    }
    let sql = "SELECT id FROM proposal WHERE tenant = $1 AND name = $2";
    match row!(tx, (String,), sql, tenant, record.name.as_deref())? {
        Some((existing,)) => Err(StoreError::Duplicate { existing }),
        None => Ok(None),
    }
}

async fn insert(tx: &mut Tx, record: &Record, bytes: &[u8], at: Time) -> Result<()> {
    let columns = Columns::of(record)?;
    let sql = "INSERT INTO proposal (tenant, id, name, digest, repository, target, stage, merging, auto, updated, \
               version, record, bytes, incident) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, 0, $9, $10, $11)";
    run!(
        tx,
        sql,
        record.binding.tenant.as_str(),
        record.id.as_str(),
        record.name.as_deref(),
        columns.digest.as_str(),
        columns.repository.as_str(),
        columns.target.as_str(),
        record.stage.name(),
        at.0,
        columns.record.as_str(),
        bytes,
        record.incident.map(|incident| incident.to_string()),
    )?;
    Ok(())
}
