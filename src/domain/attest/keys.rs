//! Public keys with their states, and the one key that signs.

use super::Fault;
use crate::domain::ids::{Digest, Time};
use crate::domain::redact;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::DecodePublicKey;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// RFC 7638 thumbprint of an Ed25519 key: 43 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The thumbprint of a key.
    pub fn of(key: &VerifyingKey) -> KeyId {
        let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        KeyId(URL_SAFE_NO_PAD.encode(Digest::of(members.as_bytes()).0))
    }

    /// A thumbprint as somebody wrote it: 32 bytes in 43 characters of base64url.
    pub fn read(text: &str) -> Option<KeyId> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 32)?;
        (URL_SAFE_NO_PAD.encode(bytes) == text).then(|| KeyId(text.to_owned()))
    }

    /// Whether texts keep it as it is: a few read like tokens of somebody's, which are taken out.
    pub fn is_plain(&self) -> bool {
        redact::text(&self.0) == self.0
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What a key is for; one key serves one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Signs attestations.
    Attestation,
    /// Signs checkpoints of the audit log.
    Log,
    /// Signs the published list of keys; may lie offline.
    Keyset,
}

impl Purpose {
    /// The word in lists and file names.
    pub fn word(self) -> &'static str {
        match self {
            Purpose::Attestation => "attestation",
            Purpose::Log => "log",
            Purpose::Keyset => "keyset",
        }
    }
}

/// What a key may be used for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Published, not used yet.
    Next,
    /// Signs and verifies.
    Active,
    /// Verifies what it signed while it was active.
    Retired,
    /// Verifies nothing.
    Revoked,
}

/// A public key and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its thumbprint.
    pub id: KeyId,
    /// The key.
    pub key: VerifyingKey,
    /// Its state.
    pub state: KeyState,
    /// When it was retired.
    pub retired: Option<Time>,
}

/// The keys that attestations are verified with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    /// The set's version; grows by one with each change.
    pub version: u64,
    /// The keys.
    pub keys: Vec<PublicKey>,
    /// From when on this list says nothing any more; never, for one that is not published.
    pub expires: Option<Time>,
}

impl KeySet {
    /// A set of one active key.
    pub fn single(key: VerifyingKey) -> KeySet {
        let public = PublicKey { id: KeyId::of(&key), key, state: KeyState::Active, retired: None };
        KeySet { version: 1, keys: vec![public], expires: None }
    }

    /// Reads one public key in PEM form.
    pub fn from_pem(pem: &str) -> Result<KeySet, Fault> {
        let key = VerifyingKey::from_public_key_pem(pem).map_err(|_| {
            Fault::new("key.unreadable", "not an Ed25519 public key in PEM form (-----BEGIN PUBLIC KEY-----)")
        })?;
        if key.is_weak() {
            return Err(Fault::new("key.weak", "this key verifies signatures of anybody"));
        }
        Ok(KeySet::single(key))
    }

    /// Refuses a list that has expired: it may be an old one that hides a revocation.
    pub fn fresh(&self, now: Time) -> Result<(), Fault> {
        match self.expires {
            Some(expires) if expires <= now => {
                let reason = format!("the key set was valid until {expires}: fetch or publish a newer one");
                Err(Fault::new("keyset.expired", reason))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The key of this id, if it may verify anything at all.
    pub fn find(&self, id: &str) -> Result<&PublicKey, Fault> {
        let known = self.keys.iter().find(|key| key.id.as_str() == id);
        let key = known.ok_or_else(|| Fault::new("key.unknown", format!("no key {id} in the key set")))?;
        match key.state {
            KeyState::Active | KeyState::Retired => Ok(key),
            KeyState::Next => Err(Fault::new("key.not_active", format!("key {id} is not in use yet"))),
            KeyState::Revoked => Err(Fault::new("key.revoked", format!("key {id} was revoked"))),
        }
    }
}

/// A secret key that signs for one purpose; never printed.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    id: KeyId,
}

impl Signer {
    /// Makes a signer from a secret seed.
    pub fn from_seed(seed: &[u8; 32]) -> Signer {
        let key = SigningKey::from_bytes(seed);
        let id = KeyId::of(&key.verifying_key());
        Signer { key, id }
    }

    /// The key's thumbprint.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The public half.
    pub fn public(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// Signs these bytes.
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer({})", self.id)
    }
}

/// Verifies a signature strictly: no small-order keys, no second form of a signature.
pub fn verify(key: &VerifyingKey, bytes: &[u8], signature: &[u8]) -> bool {
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    key.verify_strict(bytes, &signature).is_ok()
}
