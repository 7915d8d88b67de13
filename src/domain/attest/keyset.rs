//! The published list of keys: a signed document with a version that only grows and an end.
//!
//! Must not take a list from a signer that the reader did not pin, nor an older list than one it has seen.

use super::envelope::{strict, unwrap, wrap};
use super::keys::verify;
use super::{Fault, KeyId, KeySet, KeyState, PublicKey, Purpose, Signer, pae, statement};
use crate::domain::canon;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

/// The type of the signed document.
pub const KEYSET_TYPE: &str = "application/vnd.countersign.keyset+json";
/// The most bytes a signed list may have.
const MOST: usize = 64 * 1024;

/// The list of keys as it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// The form's version, 1.
    pub v: u32,
    /// Whose keys they are.
    pub instance: String,
    /// Grows by one with each change.
    pub version: u64,
    /// When it was signed, RFC 3339.
    pub issued: String,
    /// From when on it says nothing any more.
    pub expires: String,
    /// The keys, of all purposes but the list's own.
    pub keys: Vec<ListedKey>,
}

/// One key of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedKey {
    /// Its thumbprint.
    pub kid: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The key, base64url.
    pub x: String,
    /// Its state.
    pub state: KeyState,
    /// When it was retired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<String>,
    /// When and why it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Revocation>,
}

/// When and why a key was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// When, RFC 3339.
    pub at: String,
    /// Why, one line.
    pub reason: String,
}

impl Listing {
    /// Signs the list.
    pub fn seal(&self, signer: &Signer) -> Vec<u8> {
        wrap(KEYSET_TYPE, &canon::canonical(self), signer)
    }

    /// Opens a signed list with the key that the reader pinned; `seen` is the newest version the reader knows.
    pub fn open(bytes: &[u8], pinned: &VerifyingKey, seen: Option<u64>) -> Result<Listing, Fault> {
        let opened = unwrap(bytes, KEYSET_TYPE, MOST).map_err(|fault| Fault::new("keyset.malformed", fault.reason))?;
        let fits = verify(pinned, &pae(KEYSET_TYPE, &opened.payload), &opened.signature);
        if opened.keyid != KeyId::of(pinned).as_str() || !fits {
            return Err(Fault::new("keyset.signature", "the key set is not signed by the key that is pinned for it"));
        }
        let malformed = |reason: String| Fault::new("keyset.malformed", reason);
        let listing: Listing = strict(&opened.payload).map_err(|fault| malformed(fault.reason))?;
        if listing.v != 1 || canon::canonical(&listing) != opened.payload {
            return Err(malformed("a key set of another version or form".into()));
        }
        match seen {
            Some(seen) if listing.version < seen => {
                let reason = format!("version {} is older than version {seen}, which was seen before", listing.version);
                Err(Fault::new("keyset.rolled_back", reason))
            }
            Some(seen) if listing.version > seen + 1 => {
                let reason = format!("version {} does not follow version {seen}: fetch those between", listing.version);
                Err(Fault::new("keyset.skipped", reason))
            }
            Some(_) | None => Ok(listing),
        }
    }

    /// The keys of one purpose, with their states.
    pub fn keys(&self, purpose: Purpose) -> Result<KeySet, Fault> {
        let listed = self.keys.iter().filter(|key| key.purpose == purpose);
        let keys = listed.map(ListedKey::read).collect::<Result<Vec<_>, _>>()?;
        Ok(KeySet { version: self.version, keys, expires: Some(statement::time(&self.expires)?) })
    }
}

impl ListedKey {
    fn read(&self) -> Result<PublicKey, Fault> {
        let fault = |why: &str| Fault::new("keyset.malformed", format!("key {}: {why}", self.kid));
        let bytes = URL_SAFE_NO_PAD.decode(&self.x).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let key = bytes.and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
        let key = key.filter(|key| !key.is_weak()).ok_or_else(|| fault("`x` is not an Ed25519 key"))?;
        let id = KeyId::of(&key);
        if id.as_str() != self.kid {
            return Err(fault("`kid` is not the thumbprint of `x`"));
        }
        if self.state == KeyState::Retired && self.retired.is_none() {
            return Err(fault("it is retired and does not say since when"));
        }
        let retired = self.retired.as_deref().map(statement::time).transpose()?;
        Ok(PublicKey { id, key, state: self.state, retired })
    }
}
