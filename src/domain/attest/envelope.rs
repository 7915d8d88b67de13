//! DSSE v1 over exact bytes: verify first, parse after.

use super::keys::verify;
use super::{Fault, KeySet, KeyState, Signer, Statement, statement};
use crate::domain::canon;
use crate::domain::ids::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The only payload type that is signed or accepted.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The most bytes an envelope may have.
pub(super) const MAX_ENVELOPE: usize = 16 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<Signed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    keyid: String,
    sig: String,
}

/// DSSE's pre-authentication encoding.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// Signs a statement; gives the envelope's bytes.
pub fn seal(statement: &Statement, signer: &Signer) -> Vec<u8> {
    wrap(PAYLOAD_TYPE, &canon::canonical(statement), signer)
}

/// Signs a payload of another type than a statement's; gives the envelope's bytes.
pub fn seal_as(payload_type: &str, payload: &[u8], signer: &Signer) -> Vec<u8> {
    wrap(payload_type, payload, signer)
}

pub(super) fn wrap(payload_type: &str, payload: &[u8], signer: &Signer) -> Vec<u8> {
    let signature = signer.sign(&pae(payload_type, payload));
    canon::canonical(&Envelope {
        payload: STANDARD.encode(payload),
        payload_type: payload_type.to_owned(),
        signatures: vec![Signed { keyid: signer.id().to_string(), sig: STANDARD.encode(signature) }],
    })
}

/// An envelope taken apart; nothing of it is proven yet.
pub(super) struct Opened {
    pub(super) keyid: String,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// Takes an envelope apart: its one form, this type, exactly one signature.
pub(super) fn unwrap(bytes: &[u8], payload_type: &str, most: usize) -> Result<Opened, Fault> {
    let malformed = |reason: String| Fault::new("attestation.malformed", reason);
    if bytes.len() > most {
        return Err(malformed(format!("{} bytes; an envelope may have {most}", bytes.len())));
    }
    let envelope: Envelope = strict(bytes)?;
    if canon::canonical(&envelope) != bytes {
        return Err(malformed("the envelope is not in its one form".into()));
    }
    if envelope.payload_type != payload_type {
        return Err(malformed(format!("payload type `{}` is not `{payload_type}`", envelope.payload_type)));
    }
    let [signed] = envelope.signatures.as_slice() else {
        return Err(malformed(format!("{} signatures; exactly one is accepted", envelope.signatures.len())));
    };
    let (payload, signature) = (decode(&envelope.payload)?, decode(&signed.sig)?);
    Ok(Opened { keyid: signed.keyid.clone(), payload, signature })
}

/// Verifies an envelope's exact bytes against the key set and reads its statement.
pub fn open(bytes: &[u8], keys: &KeySet) -> Result<(Statement, Digest), Fault> {
    let opened = unwrap(bytes, PAYLOAD_TYPE, MAX_ENVELOPE)?;
    let key = keys.find(&opened.keyid)?;
    if !verify(&key.key, &pae(PAYLOAD_TYPE, &opened.payload), &opened.signature) {
        return Err(Fault::new("attestation.signature", "the signature does not fit these bytes and this key"));
    }
    let statement: Statement = strict(&opened.payload)?;
    statement.check_form()?;
    if statement.predicate.key.kid != opened.keyid {
        return Err(Fault::new("key.mismatch", "the statement names another key than the envelope"));
    }
    if let (KeyState::Retired, Some(retired)) = (key.state, key.retired)
        && statement::time(&statement.predicate.issued_at)? > retired
    {
        return Err(Fault::new(
            "key.retired",
            format!("key {} was retired at {retired}, before this was issued", key.id),
        ));
    }
    Ok((statement, Digest::of(bytes)))
}

pub(super) fn strict<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    let malformed = |reason: String| Fault::new("attestation.malformed", reason);
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("not UTF-8".into()))?;
    let value = canon::parse_json(text).map_err(|error| malformed(error.to_string()))?;
    canon::typed(value).map_err(|error| malformed(error.to_string()))
}

/// Base64 with no slack: encoding the result again gives the same text.
fn decode(text: &str) -> Result<Vec<u8>, Fault> {
    let bytes = STANDARD.decode(text).ok().filter(|bytes| STANDARD.encode(bytes) == text);
    bytes.ok_or_else(|| Fault::new("attestation.malformed", "base64 that is not in its one form"))
}
