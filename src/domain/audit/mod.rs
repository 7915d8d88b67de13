//! The record: one append-only log for each tenant, a hash chain whose proofs are RFC 6962 trees.
//!
//! Must not re-serialise what was stored: leaves are bytes, hashed as they lie.

mod export;
mod letter;
mod note;
mod pairs;
mod proof;
mod pruned;
mod quick;
mod tree;

pub use export::{Broken, Entry, Manifest, Mode, Part, Report, Verifier, Want};
pub use letter::{INCLUSION, Letter, is_fork};
pub use note::{Checkpoint, KeyHash, verifier_key};
pub use pairs::Pairs;
pub use proof::{Node, consistency_path, inclusion_path, is_beginning, is_included, join, perfect};
pub use pruned::Pruned;
pub use tree::{Frontier, leaf_hash, root};

use super::canon;
use super::ids::{Digest, TenantId, Time};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The version of the leaf's form.
pub const LEAF_VERSION: u32 = 1;
/// The name under which the log over all tenants' logs is kept; no tenant may have it.
pub const INSTANCE: &str = "countersign-instance";
/// `prev` of the first leaf.
pub const GENESIS: Digest = Digest([0; 32]);

/// Something that happened, before it has a place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened, `push.intent`.
    pub kind: &'static str,
    /// Who did it: a principal, `forge:user/7`, or `countersign`.
    pub actor: String,
    /// The proposal it is about.
    pub proposal: Option<String>,
    /// The pull request it is about.
    pub pr: Option<u64>,
    /// The class it is about.
    pub class: Option<Digest>,
    /// `allow`, `wait`, `refuse` or `note`.
    pub decision: Decision,
    /// A stable code; empty where there is nothing to say.
    pub reason_code: String,
    /// What else is known; kept apart from the leaf, so that it can be redacted.
    pub payload: serde_json::Value,
}

impl Event {
    /// An event of ours that decides nothing.
    pub fn note(kind: &'static str, payload: serde_json::Value) -> Event {
        Event {
            kind,
            actor: "countersign".into(),
            proposal: None,
            pr: None,
            class: None,
            decision: Decision::Note,
            reason_code: String::new(),
            payload,
        }
    }
}

/// What an event decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It may go on.
    Allow,
    /// Not yet.
    Wait,
    /// It may not.
    Refuse,
    /// Nothing is decided.
    Note,
}

/// A leaf: integers and short strings only; serialised once, stored and hashed as bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// The form's version.
    pub v: u32,
    /// The log, `<instance>/t/<tenant>`.
    pub origin: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The index, from 0.
    pub seq: u64,
    /// The leaf hash before; zeros at the first.
    pub prev: Digest,
    /// When, microseconds; grows with the index.
    pub time_us: i64,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who, as a keyed hash.
    pub actor_ref: String,
    /// The proposal's id, or empty.
    pub proposal: String,
    /// The pull request's number, or 0.
    pub pr: u64,
    /// The class's key, or empty.
    pub class: String,
    /// What it decides.
    pub decision: Decision,
    /// A stable code, or empty.
    pub reason_code: String,
    /// SHA-256 of `payload-v1`, NUL, nonce and payload.
    pub payload_commit: Digest,
    /// The payload's length in bytes.
    pub payload_len: u64,
}

/// Where the next leaf goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The log.
    pub origin: String,
    /// The tenant.
    pub tenant: TenantId,
    /// The index.
    pub seq: u64,
    /// The leaf hash before.
    pub prev: Digest,
    /// When; later than the leaf before.
    pub at: Time,
}

/// A leaf's bytes, its hash and the payload that is kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The leaf's bytes.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub hash: Digest,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The payload's nonce.
    pub nonce: [u8; 32],
}

/// The name of a tenant's log.
pub fn origin(instance: &str, tenant: &TenantId) -> String {
    format!("{instance}/t/{tenant}")
}

/// Gives an event its place; `actor_key` is the tenant's, `nonce` 32 random bytes.
pub fn append(event: &Event, place: &Place, actor_key: &[u8], nonce: [u8; 32]) -> Appended {
    let mut payload = event.payload.clone();
    if let serde_json::Value::Object(map) = &mut payload {
        map.insert("actor".into(), event.actor.clone().into());
    }
    let payload = canon::canonical(&payload);
    let leaf = Leaf {
        v: LEAF_VERSION,
        origin: place.origin.clone(),
        tenant: place.tenant.clone(),
        seq: place.seq,
        prev: place.prev,
        time_us: place.at.0,
        kind: event.kind.to_owned(),
        actor_ref: actor_ref(actor_key, &event.actor),
        proposal: event.proposal.clone().unwrap_or_default(),
        pr: event.pr.unwrap_or_default(),
        class: event.class.map(|class| class.to_string()).unwrap_or_default(),
        decision: event.decision,
        reason_code: event.reason_code.clone(),
        payload_commit: commitment(&nonce, &payload),
        payload_len: payload.len() as u64,
    };
    let bytes = canon::canonical(&leaf);
    let hash = leaf_hash(&bytes);
    Appended { bytes, hash, payload, nonce }
}

/// What a leaf says of its payload.
pub fn commitment(nonce: &[u8], payload: &[u8]) -> Digest {
    Digest::of(&[b"payload-v1\0", nonce, payload].concat())
}

/// Who, so that only a holder of the tenant's key can tell: 16 bytes of HMAC-SHA-256, hex.
fn actor_ref(key: &[u8], actor: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(actor.as_bytes());
    hex::encode(&mac.finalize().into_bytes()[..16])
}

#[cfg(test)]
mod tests;
