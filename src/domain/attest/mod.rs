//! The signed statement of what a pull request is, and its proof.
//!
//! Must not trust anything in a body but what the signature covers, nor re-serialise what it verifies.

mod armor;
mod envelope;
mod keys;
mod keyset;
mod statement;

pub use armor::{BEGIN, Block, END, FIRST_LINE, draft_digest, extract, region_digest, render_block, replace_region};
pub use envelope::{PAYLOAD_TYPE, open, pae, seal, seal_as};
pub use keys::{KeyId, KeySet, KeyState, PublicKey, Purpose, Signer, verify};
pub use keyset::{KEYSET_TYPE, ListedKey, Listing, Revocation};
pub use statement::{
    ApprovalRef, AuditRef, BaseRef, Binding, BodyRef, ChangeRef, EDITOR, ForgeRef, HeadRef, Issue, KeyRef, MergeRef,
    PREDICATE_TYPE, PolicyRef, Predicate, ProposalRef, PullRef, RollbackRef, Statement, Subject, SubjectDigest,
    TrustRef,
};

use super::ids::{Digest, Time};
use std::fmt;

/// Why an attestation does not prove what it should: a stable code and a sentence.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The code, `attestation.missing`.
    pub code: String,
    /// One sentence for a person.
    pub reason: String,
}

impl Fault {
    /// Makes a fault.
    pub fn new(code: &str, reason: impl Into<String>) -> Fault {
        Fault { code: code.to_owned(), reason: reason.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.reason)
    }
}

impl std::error::Error for Fault {}

/// An attestation whose signature and form were proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// What it states.
    pub statement: Statement,
    /// SHA-256 of the envelope's bytes.
    pub envelope: Digest,
}

impl Proven {
    /// When it ends.
    pub fn not_after(&self) -> Time {
        statement::time(&self.statement.predicate.not_after).unwrap_or_default()
    }
}

/// Finds the one block in a body, verifies it and reads it; judges its times at `now`.
pub fn prove(body: &str, keys: &KeySet, now: Time) -> Result<Proven, Fault> {
    keys.fresh(now)?;
    let block = extract(body)?;
    let (statement, envelope) = open(&block.envelope, keys)?;
    let predicate = &statement.predicate;
    let region = region_digest(body)?;
    if predicate.binding.body.sha256 != region {
        let reason = "the text above the attestation is not the text that was signed";
        return Err(Fault::new("body_changed", reason));
    }
    let issued = statement::time(&predicate.issued_at)?;
    let ends = statement::time(&predicate.not_after)?;
    if issued > now.plus_seconds(60) {
        return Err(Fault::new("attestation.not_yet", format!("it was issued later, at {}", predicate.issued_at)));
    }
    if ends <= now {
        return Err(Fault::new("attestation.expired", format!("it was valid until {}", predicate.not_after)));
    }
    Ok(Proven { statement, envelope })
}

#[cfg(test)]
mod tests;
