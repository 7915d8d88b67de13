//! The people who may approve, and the public keys that speak for them.
//!
//! Must not hold a private key.

use super::Refused;
use crate::domain::attest::KeyId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a key's algorithm is written in a token's header; pinned for each key, compared, never chosen by a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alg {
    /// `EdDSA`, RFC 8037.
    #[default]
    EdDSA,
    /// `Ed25519`, RFC 9864.
    Ed25519,
}

impl Alg {
    /// The word in the header.
    pub fn word(self) -> &'static str {
        match self {
            Alg::EdDSA => "EdDSA",
            Alg::Ed25519 => "Ed25519",
        }
    }
}

/// Somebody who may approve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// The id, as tokens name it in `sub`.
    pub id: String,
    /// What tokens name in `iss`.
    pub issuer: String,
    /// The person behind the id; several ids may be one person.
    pub person: String,
    /// The same person at a forge, `github:1234`.
    pub forge_user: Option<String>,
    /// Principals of the API that are the same person.
    pub principals: Vec<String>,
    /// How the algorithm is written in this approver's tokens.
    pub alg: Alg,
    /// Whether nothing of this approver counts any more.
    pub revoked: bool,
    /// The public keys.
    pub keys: Vec<(KeyId, VerifyingKey)>,
    /// Keys that are listed, and whose key set cannot be had now: nothing is verified with them, and nothing ends by it.
    pub awaited: Vec<KeyId>,
}

impl Approver {
    /// Whether two ids are one person.
    pub fn is_same_person(&self, other: &Approver) -> bool {
        let forge = self.forge_user.is_some() && self.forge_user == other.forge_user;
        self.id == other.id || self.person == other.person || forge
    }

    /// Whether this is who sends under a principal of the API.
    pub fn is_principal(&self, principal: &str) -> bool {
        let bare = principal.strip_prefix("person:").unwrap_or(principal);
        let named = [Some(&self.id), Some(&self.person), self.forge_user.as_ref()];
        named.into_iter().flatten().any(|name| name == bare || name == principal)
            || self.principals.iter().any(|mine| mine == principal)
    }
}

/// Reads the one public key of a JWK; what it needs is `kty`, `crv` and `x`, and a private part is refused.
fn jwk(members: &BTreeMap<String, String>) -> Result<(KeyId, VerifyingKey), String> {
    let member = |key: &str| members.get(key).map(String::as_str);
    if member("kty") != Some("OKP") || member("crv") != Some("Ed25519") {
        return Err("jwk must be {kty = \"OKP\", crv = \"Ed25519\", x = \"...\"}".into());
    }
    if members.contains_key("d") {
        return Err("jwk holds a private key (`d`): take it out, make a new key, and give only the public half".into());
    }
    if let Some(other) = members.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(format!("jwk has the member `{other}`, which is not understood: leave it out"));
    }
    if member("use").is_some_and(|purpose| purpose != "sig") {
        return Err("jwk is not for signatures: its `use` must be `sig`".into());
    }
    let text = member("x").unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| URL_SAFE_NO_PAD.encode(bytes) == text);
    let bytes: [u8; 32] = bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("jwk: `x` must be 32 bytes as 43 characters of base64url")?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_| "jwk: `x` is not a point of the curve".to_owned())?;
    if key.is_weak() {
        return Err("jwk: this key verifies signatures of anybody: make another".into());
    }
    let id = KeyId::of(&key);
    if !id.is_plain() {
        return Err(format!(
            "jwk: the thumbprint {id} reads like a secret and would be taken out of texts: make another key"
        ));
    }
    if member("kid").is_some_and(|kid| kid != id.as_str()) {
        return Err(format!("jwk: `kid` is not the key's thumbprint {id} (RFC 7638): leave it out"));
    }
    Ok((id, key))
}

/// Members of a JWK that are understood.
const KNOWN: [&str; 6] = ["kty", "crv", "x", "kid", "use", "alg"];

/// Everybody who may approve for one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approvers(Vec<Approver>);

impl Approvers {
    /// A list in which every id stands once and every key belongs to one id.
    pub fn new(list: Vec<Approver>) -> Result<Approvers, String> {
        let (mut ids, mut keys) = (BTreeSet::new(), BTreeMap::new());
        for approver in &list {
            if !ids.insert((&approver.issuer, &approver.id)) {
                return Err(format!("approver `{}` stands twice", approver.id));
            }
            for kid in approver.keys.iter().map(|(kid, _)| kid).chain(&approver.awaited) {
                if let Some(other) = keys.insert(kid, &approver.id) {
                    return Err(format!(
                        "the key {kid} belongs to `{other}` and to `{}`: a key has one owner",
                        approver.id
                    ));
                }
            }
        }
        Ok(Approvers(list))
    }

    /// Reads a JWK's public key.
    pub fn key(members: &BTreeMap<String, String>) -> Result<(KeyId, VerifyingKey), String> {
        jwk(members)
    }

    /// Whether nobody may approve.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everybody.
    pub fn iter(&self) -> impl Iterator<Item = &Approver> {
        self.0.iter()
    }

    /// Whose key this is, if that person may still approve.
    pub fn find(&self, kid: &str) -> Result<(&Approver, &VerifyingKey), Refused> {
        let mut keys = self.0.iter().flat_map(|approver| approver.keys.iter().map(move |key| (approver, key)));
        let Some((approver, (_, key))) = keys.find(|(_, (id, _))| id.as_str() == kid) else {
            return Err(self.missing(kid));
        };
        if approver.revoked {
            return Err(Refused::new("token.key_revoked", format!("approver `{}` was revoked", approver.id)));
        }
        Ok((approver, key))
    }

    /// Whose key this would be, if the key set could be had.
    pub fn awaits(&self, kid: &str) -> Option<&Approver> {
        self.0.iter().find(|approver| approver.awaited.iter().any(|id| id.as_str() == kid))
    }

    fn missing(&self, kid: &str) -> Refused {
        match self.awaits(kid) {
            Some(approver) => {
                let sentence = format!("the key set of approver `{}` cannot be had now: try again later", approver.id);
                Refused::new("token.key_unavailable", sentence)
            }
            None => Refused::new("token.key_unknown", "no approver of this tenant has the key `kid` names"),
        }
    }
}
