//! What is announced before it is done, and what was issued: an effect that was announced can be found again.
//!
//! Must not perform anything.

use crate::domain::ids::{Digest, Oid, Time};
use serde::{Deserialize, Serialize};

/// A push, announced before it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushIntent {
    /// The branch.
    pub branch: String,
    /// Where it was.
    pub old: Option<Oid>,
    /// The new commit's parent.
    pub parent: Oid,
    /// The new commit's tree.
    pub tree: Oid,
    /// The new commit's time.
    pub at: Time,
}

/// An attestation, announced before it is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// 128 random bits, hex.
    pub nonce: String,
    /// The digest of the binding.
    pub binding: Digest,
    /// The index of the log entry that announced it.
    pub index: u64,
    /// That entry's leaf hash.
    pub leaf: Digest,
}

/// An attestation that was signed and written into the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Its nonce.
    pub nonce: String,
    /// SHA-256 of its envelope.
    pub envelope: Digest,
    /// SHA-256 of the signed text above it.
    pub text: Digest,
    /// The base commit it names.
    pub base: Oid,
    /// The head commit it names.
    pub head: Oid,
    /// When it was signed.
    pub issued: Time,
    /// When it ends.
    pub not_after: Time,
}

/// A merge, announced before it is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeIntent {
    /// The head commit that was checked.
    pub head: Oid,
    /// The base commit that was checked.
    pub base: Oid,
    /// The tree the merge must give.
    pub tree: Oid,
    /// When.
    pub at: Time,
}
