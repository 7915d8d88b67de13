//! Approvals: signed, expiring, one-time statements of people about one proposal digest, and which of them count.
//!
//! Must not ask the clock, the settings or the database: times, keys and what was redeemed before come in as values.

mod budget;
mod count;
mod people;
mod token;
mod verify;

pub use budget::{Bucket, bucket_key};
pub use count::{GAP, LAPSE, Short, awaited, deadline, may_join, standing, suffices};
pub use people::{Alg, Approver, Approvers};
pub use token::{Claims, MAX_REASON, MAX_TOKEN, PlanClaim, TYPE, mint};
pub use verify::{Expected, LIFE, LIFE_TIER_3, Spoken, verify};

use super::attest::KeyId;
use super::ids::{Digest, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Says {
    /// It may go on.
    Approve,
    /// It must not.
    Reject,
}

impl Says {
    /// The word in the token.
    pub fn word(self) -> &'static str {
        match self {
            Says::Approve => "approve",
            Says::Reject => "reject",
        }
    }
}

/// Why a token is not taken: a stable code for the log and a sentence for the person who looks there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The code, `token.expired`.
    pub code: &'static str,
    /// One sentence.
    pub sentence: String,
}

impl Refused {
    /// Makes a refusal.
    pub fn new(code: &'static str, sentence: impl Into<String>) -> Refused {
        Refused { code, sentence: sentence.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.sentence)
    }
}

impl std::error::Error for Refused {}

/// A token that was used up: who said it, with which key, and when it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeemed {
    /// The approver's id in the settings.
    pub approver: String,
    /// The person behind it.
    pub person: String,
    /// The issuer the token names.
    pub issuer: String,
    /// The token's own id.
    pub jti: String,
    /// The key.
    pub kid: KeyId,
    /// SHA-256 of the token.
    pub token: Digest,
    /// The class the approver agreed to.
    pub class: Digest,
    /// The tier the approver agreed to.
    pub tier: u8,
    /// When it came, by the server's clock.
    pub at: Time,
}

/// A no, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// The token that says it.
    pub by: Redeemed,
    /// Why, for the proposer.
    pub reason: String,
}

#[cfg(test)]
mod tests;
