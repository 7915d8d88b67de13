//! Taking a proposal in: read strictly, judged by what can be known at the door, kept once.
//!
//! Must not know HTTP, nor look into a repository: whether the change can be made is decided later.

use super::booth::{Booth, Unheard};
use crate::config::{Repository, Roster, Settings};
use crate::domain::approval::Says;
use crate::domain::audit::{Decision, Event};
use crate::domain::canon::Malformed;
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::{Record, Stage};
use crate::domain::proposal::{ActionKind, MAX_BYTES, OWN, Sealed};
use crate::domain::redact::Redactor;
use crate::store::{Received, Store, StoreError, WakeBy};
use serde_json::json;
use std::sync::Mutex;
use uuid::{ContextV7, Timestamp, Uuid};

/// Seconds in which the approvals that a proposal brings are heard before anybody looks at it.
const HEARING: i64 = 5;

/// A proposal that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The id the service gave it.
    pub id: String,
    /// The sender's own name for it.
    pub name: Option<String>,
    /// The digest of its canonical bytes.
    pub digest: Digest,
    /// Where it is.
    pub stage: Stage,
    /// What sort of remediation it is.
    pub action_kind: ActionKind,
    /// Whether it was not kept before.
    pub new: bool,
    /// How many of the approvals it brought were redeemed, now or before.
    pub approvals: u32,
    /// The members from which a secret was taken out.
    pub redacted: Vec<String>,
}

/// Why a proposal was not taken in; every sentence says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// More bytes than a proposal may have.
    #[error("a proposal may have {MAX_BYTES} bytes: split it, or refer to evidence by address")]
    TooLarge,
    /// Not a proposal.
    #[error("{0}")]
    Malformed(Malformed),
    /// It claims another tenant.
    #[error("`tenant` is not the tenant of the token: leave it out, or use that tenant's token")]
    ForeignTenant,
    /// It claims another proposer.
    #[error("`proposer.id` is not the principal of the token: write the name the token was made for")]
    ForeignProposer,
    /// It comes in our own name.
    #[error("the principal `{OWN}` is the service's own: make a token for another name")]
    OwnName,
    /// The repository is not listed for the tenant.
    #[error("repository `{0}` is not listed for this tenant: add a [[tenant.repository]] to the settings")]
    UnknownRepository(String),
    /// It was over before it came.
    #[error("`expiresAt` is {0}, which is past: send it with a later time")]
    Expired(Time),
    /// Its name stands for other content.
    #[error("the id `{name}` already stands for proposal {existing} with other content: choose another, or send none")]
    NameTaken {
        /// The name.
        name: String,
        /// The service's id of the proposal it stands for.
        existing: String,
    },
    /// The database did not take it.
    #[error(transparent)]
    Store(StoreError),
}

impl Refused {
    /// The stable code, as in problems, metrics and the audit log.
    pub fn code(&self) -> &'static str {
        match self {
            Refused::TooLarge => "too_large",
            Refused::Malformed(_) => "malformed",
            Refused::ForeignTenant => "tenant_mismatch",
            Refused::ForeignProposer => "proposer_mismatch",
            Refused::OwnName => "proposer_reserved",
            Refused::UnknownRepository(_) => "repository_unknown",
            Refused::Expired(_) => "expired",
            Refused::NameTaken { .. } => "name_taken",
            Refused::Store(_) => "store",
        }
    }
}

/// What proposals are taken in with.
#[derive(Clone, Copy, Debug)]
pub struct Intake<'a> {
    /// The database.
    pub store: &'a Store,
    /// The service's settings.
    pub settings: &'a Settings,
    /// Who may approve.
    pub roster: &'a Roster,
}

impl Intake<'_> {
    /// Takes a proposal in for a tenant, in the name of a principal; what is refused is audited with its code.
    ///
    /// The same digest twice is the same proposal.
    pub async fn receive(
        &self,
        tenant: &TenantId,
        principal: &str,
        bytes: &[u8],
        now: Time,
    ) -> Result<Accepted, Refused> {
        let outcome = match judge(self.settings, tenant, principal, bytes, now) {
            Ok((sealed, repository)) => {
                let fresh = Record::received(new_id(now), repository.binding(tenant), &sealed, principal, now);
                match keep(self.store, &sealed, fresh, now).await {
                    Ok(accepted) => self.bring(tenant, principal, &sealed, accepted, now).await,
                    Err(refused) => Err(refused),
                }
            }
            Err(refused) => Err(refused),
        };
        let kind = outcome.as_ref().map_or_else(|_| "unknown".to_owned(), |accepted| accepted.action_kind.name());
        count(&kind, &outcome);
        if let Err(refused) = &outcome {
            audit(self.store, tenant, principal, bytes, refused, now).await?;
        }
        outcome
    }

    /// Hears the approvals that a proposal brings, each by itself; one that is not taken is written down and keeps
    /// nothing.
    async fn bring(
        &self,
        tenant: &TenantId,
        principal: &str,
        sealed: &Sealed,
        mut accepted: Accepted,
        now: Time,
    ) -> Result<Accepted, Refused> {
        if sealed.approvals.is_empty() {
            return Ok(accepted);
        }
        let (store, instance) = (self.store, &self.settings.instance);
        let approvers = &self.roster.approvers(tenant, now);
        let booth = Booth { store, instance, approvers, tenant, principal };
        let (record, _) = known(store, tenant, &accepted.id).await?;
        for token in &sealed.approvals {
            let digest = Digest::of(token.as_bytes());
            if record.approvals.iter().any(|old| old.token == digest) {
                accepted.approvals += 1;
                continue;
            }
            match booth.hear(&accepted.id, Says::Approve, token, now).await {
                Ok(_) => accepted.approvals += 1,
                Err(Unheard::Refused(_) | Unheard::Spent(_)) => {}
                Err(Unheard::Store(error)) => return Err(Refused::Store(error)),
            }
        }
        store.wake(tenant, WakeBy::Id(&accepted.id), now).await.map_err(Refused::Store)?;
        Ok(accepted)
    }
}

/// What is taken out of a tenant's texts.
fn redactor(settings: &Settings, tenant: &TenantId) -> Result<Redactor, Refused> {
    let found = settings.tenant(tenant).map(|tenant| tenant.redactor()).transpose();
    let fault = |fault: anyhow::Error| Refused::Store(StoreError::Invalid(format!("{fault:#}")));
    Ok(found.map_err(fault)?.unwrap_or_default())
}

/// What can be known without the database.
fn judge<'a>(
    settings: &'a Settings,
    tenant: &TenantId,
    principal: &str,
    bytes: &[u8],
    now: Time,
) -> Result<(Sealed, &'a Repository), Refused> {
    if bytes.len() > MAX_BYTES {
        return Err(Refused::TooLarge);
    }
    let sealed = Sealed::under(bytes, &redactor(settings, tenant)?).map_err(Refused::Malformed)?;
    let proposal = &sealed.proposal;
    if proposal.tenant.as_ref().is_some_and(|claimed| claimed != tenant) {
        return Err(Refused::ForeignTenant);
    }
    if proposal.proposer.id != principal {
        return Err(Refused::ForeignProposer);
    }
    if proposal.is_own() {
        return Err(Refused::OwnName);
    }
    let wanted = &proposal.repository;
    let listed = settings.tenant(tenant).and_then(|tenant| tenant.repository(wanted.forge, &wanted.name));
    let Some(repository) = listed else {
        return Err(Refused::UnknownRepository(format!("{}:{}", wanted.forge, wanted.name)));
    };
    let expires = proposal.expires(now);
    if expires <= now { Err(Refused::Expired(expires)) } else { Ok((sealed, repository)) }
}

async fn keep(store: &Store, sealed: &Sealed, record: Record, now: Time) -> Result<Accepted, Refused> {
    let payload = json!({
        "digest": record.digest,
        "name": record.name,
        "repository": record.binding.to_string(),
        "actionKind": record.action_kind,
        "target": record.target,
    });
    let event = Event { actor: record.principal.clone(), ..Event::note("proposal.received", payload) };
    // Nobody looks at it before its approvals were heard, or the process that hears them is gone.
    let due = if sealed.approvals.is_empty() { now } else { now.plus_seconds(HEARING) };
    let taken = store.receive_due(&record, &sealed.bytes, &[], vec![event], now, due).await;
    let (id, new) = match taken {
        Ok(Received::New) => (record.id, true),
        Ok(Received::Known(id)) => (id, false),
        Err(StoreError::Duplicate { existing }) => {
            return Err(Refused::NameTaken { name: record.name.unwrap_or_default(), existing });
        }
        Err(error) => return Err(Refused::Store(error)),
    };
    let stage = match new {
        true => Stage::Received,
        false => known(store, &record.binding.tenant, &id).await?.0.stage,
    };
    let Record { name, digest, action_kind, .. } = record;
    let redacted = sealed.redacted.clone();
    Ok(Accepted { id, name, digest, stage, action_kind, new, approvals: 0, redacted })
}

async fn known(store: &Store, tenant: &TenantId, id: &str) -> Result<(Record, Vec<u8>), Refused> {
    let found = store.record(tenant, id).await.map_err(Refused::Store)?;
    found.ok_or_else(|| Refused::Store(StoreError::NotFound(format!("proposal {id}"))))
}

/// Writes a refusal down; a database that does not work is not a refusal.
async fn audit(
    store: &Store,
    tenant: &TenantId,
    principal: &str,
    bytes: &[u8],
    refused: &Refused,
    now: Time,
) -> Result<(), Refused> {
    if matches!(refused, Refused::Store(_)) {
        return Ok(());
    }
    let sentence: String = refused.to_string().chars().take(500).collect();
    let payload = json!({"reason": sentence, "bytes": bytes.len(), "sha256": Digest::of(bytes)});
    let event = Event {
        actor: principal.to_owned(),
        decision: Decision::Refuse,
        reason_code: refused.code().to_owned(),
        ..Event::note("proposal.refused", payload)
    };
    store.append(tenant, &[event], now).await.map(|_| ()).map_err(Refused::Store)
}

fn count(kind: &str, outcome: &Result<Accepted, Refused>) {
    let result = match outcome {
        Ok(Accepted { new: true, .. }) => "received",
        Ok(Accepted { new: false, .. }) => "known",
        Err(refused) => refused.code(),
    };
    metrics::counter!("countersign_proposals_total", "action_kind" => kind.to_owned(), "result" => result).increment(1);
}

/// Ids of one process grow, also within a millisecond.
static ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());

fn new_id(now: Time) -> String {
    let micros = u64::try_from(now.0).unwrap_or_default();
    let nanos = u32::try_from(micros % 1_000_000).unwrap_or_default() * 1_000;
    Uuid::new_v7(Timestamp::from_unix(&ORDER, micros / 1_000_000, nanos)).to_string()
}
