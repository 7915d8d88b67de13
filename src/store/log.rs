//! The audit log: appends under the head row's lock, and reads what was appended.
//!
//! Must not change or renumber a leaf; only a payload may go, and only with a leaf that says so.

use super::db::{Tx, row, rows, run};
use super::error::{Result, StoreError};
use super::insist::insist;
use super::proofs::TILE;
use super::{Store, count, number};
use crate::domain::audit::{self, Decision, Event, Frontier, GENESIS, Leaf, Place};
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::redact::Redactor;

/// How long a tenant's log is, what it comes to, and when it last grew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many leaves.
    pub size: u64,
    /// Their root.
    pub root: Digest,
    /// The time of the newest leaf.
    pub at: Time,
    /// The log's name.
    pub origin: String,
    /// The first entry that is there: those before it were pruned.
    pub first: u64,
}

/// A leaf as it lies, with its payload and nonce where they were not redacted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLeaf {
    /// The index.
    pub seq: u64,
    /// The leaf's bytes.
    pub bytes: Vec<u8>,
    /// The payload and its nonce.
    pub payload: Option<(Vec<u8>, Vec<u8>)>,
    /// The index of the leaf that says why they are gone.
    pub redacted_by: Option<u64>,
}

/// What happened, for people.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Happened {
    /// The leaf's index.
    pub index: u64,
    /// When.
    pub at: Time,
    /// What.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who; none when redacted.
    pub actor: Option<String>,
    /// The proposal, or empty.
    pub proposal: String,
    /// The pull request, or 0.
    pub pr: u64,
    /// What was decided.
    pub decision: Decision,
    /// A stable code, or empty.
    pub reason_code: String,
    /// What else is known; none when redacted.
    pub payload: Option<serde_json::Value>,
}

/// A tenant's head row, locked by the transaction that read it.
pub(super) struct Locked {
    origin: String,
    actor_key: Vec<u8>,
    last: Digest,
    at: Time,
    frontier: Frontier,
    redactor: Redactor,
}

impl Locked {
    /// The same, where this is taken out of what is appended.
    pub(super) fn redacting(self, redactor: Redactor) -> Locked {
        Locked { redactor, ..self }
    }

    /// The index of the next leaf.
    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The time of the next leaf: now, or just after the newest one where the clock was set back.
    pub(super) fn next(&self, now: Time) -> Time {
        now.max(Time(self.at.0.saturating_add(1)))
    }
}

const HEAD: &str = "SELECT origin, actor_key, last, at, frontier FROM audit_head WHERE tenant = $1";
/// Not `FOR UPDATE`: that would also stop rows which only refer to the tenant, such as deliveries.
const HEAD_LOCKED: &str =
    "SELECT origin, actor_key, last, at, frontier FROM audit_head WHERE tenant = $1 FOR NO KEY UPDATE";

/// Locks a tenant's head row: everything this tenant writes happens one after the other.
pub(super) async fn lock(tx: &mut Tx, tenant: &TenantId) -> Result<Locked> {
    let sql = tx.pick(HEAD, HEAD_LOCKED);
    let found = row!(tx, (String, Vec<u8>, String, i64, String), sql, tenant.as_str())?;
    let (origin, actor_key, last, at, frontier) =
        found.ok_or_else(|| StoreError::NotFound(format!("tenant `{tenant}`")))?;
    let last = last.parse().map_err(|error| StoreError::damaged("the head of the log", error))?;
    let frontier =
        serde_json::from_str(&frontier).map_err(|error| StoreError::damaged("the head of the log", error))?;
    Ok(Locked { origin, actor_key, last, at: Time(at), frontier, redactor: Redactor::default() })
}

/// Appends events under a lock that is held; the index and hash of each.
pub(super) async fn append(
    tx: &mut Tx,
    head: &mut Locked,
    tenant: &TenantId,
    events: &[Event],
    now: Time,
) -> Result<Vec<(u64, Digest)>> {
    let before = head.size();
    let mut places = Vec::with_capacity(events.len());
    for event in events {
        places.push(append_one(tx, head, tenant, event, now).await?);
    }
    let sql = "UPDATE audit_head SET size = $1, last = $2, at = $3, frontier = $4 WHERE tenant = $5 AND size = $6";
    let (size, last, frontier) = (count(head.size())?, head.last.to_string(), json(&head.frontier)?);
    match run!(tx, sql, size, last.as_str(), head.at.0, frontier.as_str(), tenant.as_str(), count(before)?)? {
        1 => Ok(places),
        _ => Err(StoreError::Conflict(format!("the log of tenant `{tenant}`"))),
    }
}

async fn append_one(
    tx: &mut Tx,
    head: &mut Locked,
    tenant: &TenantId,
    event: &Event,
    now: Time,
) -> Result<(u64, Digest)> {
    let (seq, at) = (head.size(), head.next(now));
    let place = Place { origin: head.origin.clone(), tenant: tenant.clone(), seq, prev: head.last, at };
    // Whatever a text of it holds: what is in the log once stays there.
    let event = &Event { payload: head.redactor.value(event.payload.clone(), None), ..event.clone() };
    let leaf = audit::append(event, &place, &head.actor_key, nonce()?);
    let sql = "INSERT INTO audit_leaf (tenant, seq, prev, hash, proposal, bytes) VALUES ($1, $2, $3, $4, $5, $6)";
    let (prev, hash) = (place.prev.to_string(), leaf.hash.to_string());
    let proposal = event.proposal.as_deref().unwrap_or_default();
    run!(tx, sql, tenant.as_str(), count(seq)?, prev.as_str(), hash.as_str(), proposal, leaf.bytes.as_slice())?;
    let sql = "INSERT INTO audit_payload (tenant, seq, payload, nonce) VALUES ($1, $2, $3, $4)";
    run!(tx, sql, tenant.as_str(), count(seq)?, leaf.payload.as_slice(), leaf.nonce.as_slice())?;
    let mut tiles = Vec::new();
    head.frontier.grow(leaf.hash, |level, root| tiles.push((level, root)));
    for (level, root) in tiles.into_iter().filter(|(level, _)| level % TILE == 0) {
        let sql = "INSERT INTO audit_tile (tenant, level, seq, hash) VALUES ($1, $2, $3, $4)";
        let (at, root) = (count(seq >> level)?, root.to_string());
        run!(tx, sql, tenant.as_str(), i64::from(level), at, root.as_str())?;
    }
    (head.last, head.at) = (leaf.hash, at);
    Ok((seq, leaf.hash))
}

/// Refuses where a hold was placed at or behind an entry, and not lifted.
pub(super) async fn unheld(tx: &mut Tx, tenant: &TenantId, seen: u64) -> Result<()> {
    let sql = "SELECT bytes FROM audit_leaf WHERE tenant = $1 AND seq >= $2 ORDER BY seq DESC";
    for (bytes,) in rows!(tx, (Vec<u8>,), sql, tenant.as_str(), count(seen)?)? {
        let leaf: Leaf =
            serde_json::from_slice(&bytes).map_err(|error| StoreError::damaged("a leaf of the log", error))?;
        match leaf.kind.as_str() {
            "hold.lifted" => return Ok(()),
            "hold.placed" => {
                let index = leaf.seq;
                let reason = format!("the log was put on hold meanwhile, by entry {index}: nothing was taken out");
                return Err(StoreError::Invalid(reason));
            }
            _ => {}
        }
    }
    Ok(())
}

fn nonce() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| StoreError::Other("no random bytes".into()))?;
    Ok(bytes)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Other(error.to_string()))
}

impl Store {
    /// Makes a tenant's log with its first leaf; true for the one caller that made it.
    ///
    /// `random` becomes the key under which the log names actors.
    pub async fn ensure_tenant(&self, tenant: &TenantId, now: Time, random: [u8; 32]) -> Result<bool> {
        let origin = audit::origin(&self.instance, tenant);
        if let Some(head) = self.try_head(tenant).await? {
            return self.same_origin(&head.origin, &origin);
        }
        let mut tx = self.db.write().await?;
        let sql = "INSERT INTO audit_head (tenant, origin, actor_key, size, last, at, frontier) \
                   VALUES ($1, $2, $3, 0, $4, $5, $6) ON CONFLICT (tenant) DO NOTHING";
        let (zeros, empty) = (GENESIS.to_string(), json(&Frontier::default())?);
        let before = now.0.saturating_sub(1);
        let made =
            run!(&mut tx, sql, tenant.as_str(), origin.as_str(), &random[..], zeros.as_str(), before, empty.as_str())?;
        let mut head = self.lock(&mut tx, tenant).await?;
        if made == 0 {
            return self.same_origin(&head.origin, &origin);
        }
        let payload = serde_json::json!({"instance": &*self.instance, "tenant": tenant, "time_us": now});
        append(&mut tx, &mut head, tenant, &[Event::note("log.created", payload)], now).await?;
        run!(&mut tx, "INSERT INTO served (tenant, last) VALUES ($1, 0)", tenant.as_str())?;
        tx.commit().await.map(|()| true)
    }

    fn same_origin(&self, found: &str, wanted: &str) -> Result<bool> {
        if found == wanted {
            return Ok(false);
        }
        Err(StoreError::Invalid(format!(
            "the database holds the log `{found}`, the settings ask for `{wanted}`: set `instance` back to what it \
             was, or use a new database"
        )))
    }

    /// Appends events that belong to no stage of a proposal; the index and hash of each.
    pub async fn append(&self, tenant: &TenantId, events: &[Event], now: Time) -> Result<Vec<(u64, Digest)>> {
        if events.is_empty() {
            return Err(StoreError::Invalid("nothing was given to append to the log".into()));
        }
        insist(|| self.append_once(tenant, events, now)).await
    }

    async fn append_once(&self, tenant: &TenantId, events: &[Event], now: Time) -> Result<Vec<(u64, Digest)>> {
        let mut tx = self.db.write().await?;
        let mut head = self.lock(&mut tx, tenant).await?;
        let places = append(&mut tx, &mut head, tenant, events, now).await?;
        tx.commit().await.map(|()| places)
    }

    /// Erases the payloads of these leaves and appends the event that says so; the index of its leaf.
    ///
    /// What was erased before, and what is not there, stays as it is. Before the entry `seen` the caller looked for a
    /// hold; one that was placed since refuses it.
    pub async fn redact(&self, tenant: &TenantId, indexes: &[u64], event: Event, seen: u64, now: Time) -> Result<u64> {
        let mut tx = self.db.write().await?;
        let mut head = self.lock(&mut tx, tenant).await?;
        unheld(&mut tx, tenant, seen).await?;
        let by = head.size();
        append(&mut tx, &mut head, tenant, &[event], now).await?;
        let sql = "UPDATE audit_payload SET payload = NULL, nonce = NULL, redacted_by = $1 \
                   WHERE tenant = $2 AND seq = $3 AND seq < $1 AND redacted_by IS NULL";
        for index in indexes {
            run!(&mut tx, sql, count(by)?, tenant.as_str(), count(*index)?)?;
        }
        tx.commit().await.map(|()| by)
    }

    /// How long the log is and what it comes to.
    pub async fn head(&self, tenant: &TenantId) -> Result<Head> {
        let head = self.try_head(tenant).await?;
        head.ok_or_else(|| StoreError::NotFound(format!("tenant `{tenant}`")))
    }

    async fn try_head(&self, tenant: &TenantId) -> Result<Option<Head>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT origin, at, first, frontier FROM audit_head WHERE tenant = $1";
        let found = row!(&mut tx, (String, i64, i64, String), sql, tenant.as_str())?;
        let Some((origin, at, first, frontier)) = found else {
            return Ok(None);
        };
        let frontier: Frontier =
            serde_json::from_str(&frontier).map_err(|error| StoreError::damaged("the head of the log", error))?;
        Ok(Some(Head { size: frontier.size(), root: frontier.root(), at: Time(at), origin, first: number(first) }))
    }

    /// The leaves from an index on, in order.
    ///
    /// Leaves never change, so those below a size read earlier are the log as it was then.
    pub async fn leaves(&self, tenant: &TenantId, from: u64, limit: u32) -> Result<Vec<StoredLeaf>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT l.seq, l.bytes, p.payload, p.nonce, p.redacted_by FROM audit_leaf l \
                   LEFT JOIN audit_payload p ON p.tenant = l.tenant AND p.seq = l.seq \
                   WHERE l.tenant = $1 AND l.seq >= $2 ORDER BY l.seq LIMIT $3";
        let found = rows!(&mut tx, LeafRow, sql, tenant.as_str(), count(from)?, i64::from(limit))?;
        Ok(found.into_iter().map(stored).collect())
    }

    /// What happened to a proposal, oldest first.
    pub async fn events(&self, tenant: &TenantId, proposal: &str) -> Result<Vec<Happened>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT l.seq, l.bytes, p.payload, p.nonce, p.redacted_by FROM audit_leaf l \
                   LEFT JOIN audit_payload p ON p.tenant = l.tenant AND p.seq = l.seq \
                   WHERE l.tenant = $1 AND l.proposal = $2 ORDER BY l.seq";
        let found = rows!(&mut tx, LeafRow, sql, tenant.as_str(), proposal)?;
        found.into_iter().map(|leaf| stored(leaf).happened()).collect()
    }
}

type LeafRow = (i64, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Option<i64>);

fn stored((seq, bytes, payload, nonce, redacted_by): LeafRow) -> StoredLeaf {
    StoredLeaf { seq: number(seq), bytes, payload: payload.zip(nonce), redacted_by: redacted_by.map(number) }
}

impl StoredLeaf {
    /// The leaf for people.
    pub fn happened(&self) -> Result<Happened> {
        let leaf: Leaf =
            serde_json::from_slice(&self.bytes).map_err(|error| StoreError::damaged("a leaf of the log", error))?;
        let payload: Option<serde_json::Value> =
            self.payload.as_ref().and_then(|(payload, _)| serde_json::from_slice(payload).ok());
        let actor = payload.as_ref().and_then(|payload| Some(payload.get("actor")?.as_str()?.to_owned()));
        Ok(Happened {
            index: leaf.seq,
            at: Time(leaf.time_us),
            kind: leaf.kind,
            actor,
            proposal: leaf.proposal,
            pr: leaf.pr,
            decision: leaf.decision,
            reason_code: leaf.reason_code,
            payload,
        })
    }
}
