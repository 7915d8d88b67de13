//! The token's form: a compact JWS in its one spelling, and how an approver makes one.
//!
//! Must not decide whether a token holds: it is only taken apart here.

use super::{Alg, Refused, Says};
use crate::domain::attest::Signer;
use crate::domain::canon;
use crate::domain::ids::{Digest, TenantId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The `typ` of every token.
pub const TYPE: &str = "remediation-approval+jwt";
/// The most bytes a token may have.
pub const MAX_TOKEN: usize = 8 * 1024;
/// The most characters a reason may have.
pub const MAX_REASON: usize = 500;

/// The header, exactly these members.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: String,
    pub(super) typ: String,
}

/// What an approver states; every time is in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issues it: the approver's `issuer` in the settings.
    pub iss: String,
    /// For whom: `<instance>/<tenant>`.
    pub aud: String,
    /// The approver's id.
    pub sub: String,
    /// When it was made.
    pub iat: u64,
    /// From when it may be used.
    pub nbf: u64,
    /// Until when it may be used.
    pub exp: u64,
    /// Its own id: a UUID or ULID in canonical text.
    pub jti: String,
    /// The tenant.
    pub tnt: TenantId,
    /// The proposal: the service's id or the sender's name for it.
    pub prp: String,
    /// SHA-256 of the proposal's canonical bytes.
    pub dig: Digest,
    /// The action kind.
    pub act: String,
    /// The class's key.
    pub cls: Digest,
    /// The tier.
    pub tier: u8,
    /// What it says.
    pub dec: Says,
    /// Why, of a rejection and of nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsn: Option<String>,
    /// The plan the proposal is a step of, and which step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// How the approver's identity was proven; not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amr: Option<Vec<String>>,
}

/// The plan and step of a proposal.
pub type PlanClaim<'a> = Option<(&'a str, u32)>;

/// A token taken apart; nothing of it is proven yet.
pub(super) struct Parts<'a> {
    pub(super) header: Header,
    pub(super) signed: &'a [u8],
    pub(super) payload: Vec<u8>,
    pub(super) signature: [u8; 64],
}

/// Makes a token in its canonical form.
pub fn mint(claims: &Claims, alg: Alg, signer: &Signer) -> String {
    let header = Header { alg: alg.word().into(), kid: signer.id().to_string(), typ: TYPE.into() };
    let part = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!("{}.{}", part(canon::canonical(&header)), part(canon::canonical(claims)));
    let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// Takes a token apart: three parts of canonical base64url, a header of exactly three members.
pub(super) fn parts(token: &str) -> Result<Parts<'_>, Refused> {
    let form = |reason: &str| Refused::new("token.form", reason);
    if token.len() > MAX_TOKEN {
        return Err(Refused::new("token.too_large", format!("a token may have {MAX_TOKEN} bytes")));
    }
    let mut segments = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(form("not a compact JWS of three parts"));
    };
    let signed = token.len() - signature.len() - 1;
    let header: Header = strict(&decode(header)?, "token.header")?;
    if header.typ != TYPE {
        return Err(Refused::new("token.type", format!("`typ` must be `{TYPE}`")));
    }
    let signature = decode(signature)?.try_into().map_err(|_| form("the signature does not have 64 bytes"))?;
    Ok(Parts { header, signed: &token.as_bytes()[..signed], payload: decode(payload)?, signature })
}

/// Reads the claims of a payload whose signature was verified.
pub(super) fn claims(payload: &[u8]) -> Result<Claims, Refused> {
    strict(payload, "token.claims")
}

/// Strict JSON of known members; the sentence names the place and repeats nothing of what was sent.
fn strict<T: DeserializeOwned>(bytes: &[u8], code: &'static str) -> Result<T, Refused> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refused::new(code, "not UTF-8"))?;
    if !text.starts_with('{') || !text.ends_with('}') {
        return Err(Refused::new(code, "not a JSON object"));
    }
    let value = canon::parse_json(text).and_then(canon::typed);
    value.map_err(|error| Refused::new(code, error.to_string().chars().take(200).collect::<String>()))
}

/// Base64url in its one form: no padding, no other alphabet, no bits left over.
fn decode(text: &str) -> Result<Vec<u8>, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| URL_SAFE_NO_PAD.encode(bytes) == text);
    bytes.ok_or_else(|| Refused::new("token.form", "base64url that is not in its one form"))
}

/// Whether a text is a UUID in lowercase or a ULID in uppercase, of 128 bits.
pub(super) fn is_id(text: &str) -> bool {
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let uuid = text.len() == 36
        && text.bytes().enumerate().all(|(n, b)| if matches!(n, 8 | 13 | 18 | 23) { b == b'-' } else { hex(b) });
    let crockford =
        |b: u8| matches!(b, b'0'..=b'9' | b'A'..=b'H' | b'J' | b'K' | b'M' | b'N' | b'P'..=b'T' | b'V'..=b'Z');
    let ulid = text.len() == 26 && text.bytes().all(crockford) && text.as_bytes().first().is_some_and(|b| *b <= b'7');
    uuid || ulid
}

/// Whether a text has the form of a thumbprint.
pub(super) fn is_kid(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

impl Claims {
    /// What `aud` must be for a tenant of an instance.
    pub fn audience(instance: &str, tenant: &TenantId) -> String {
        format!("{instance}/{tenant}")
    }

    /// The plan claims, both or none.
    pub(super) fn plan(&self) -> Result<PlanClaim<'_>, Refused> {
        match (self.plan.as_deref(), self.step) {
            (Some(plan), Some(step)) => Ok(Some((plan, step))),
            (None, None) => Ok(None),
            _ => Err(Refused::new("token.plan", "`plan` and `step` stand together or not at all")),
        }
    }
}
