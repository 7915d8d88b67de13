//! The strict verifier of approval tokens: pure, and without a choice the token could make.
//!
//! Must not use a JWT library, read a claim before the signature is verified, or be lenient about a time but `nbf` and `iat`.

use super::people::Approver;
use super::token::{Claims, MAX_REASON, PlanClaim, claims, is_id, is_kid, parts};
use super::{Approvers, Redeemed, Refused, Says};
use crate::domain::attest::KeyId;
use crate::domain::ids::{Digest, TenantId, Time};
use ed25519_dalek::Signature;

/// How long a token may live, seconds.
pub const LIFE: u64 = 15 * 60;
/// The same for tier 3.
pub const LIFE_TIER_3: u64 = 4 * 3_600;
/// How far an approver's clock may be ahead, seconds.
const SKEW: i64 = 60;

/// What a token must be about: taken from the record, never from the token.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `<instance>/<tenant>`.
    pub audience: &'a str,
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The service's id of the proposal.
    pub proposal: &'a str,
    /// The sender's name for it.
    pub name: Option<&'a str>,
    /// The proposal's digest.
    pub digest: Digest,
    /// Its action kind.
    pub action_kind: &'a str,
    /// Its class and tier as computed from the effect; none until they were.
    pub class: Option<(Digest, u8)>,
    /// Its plan and step.
    pub plan: PlanClaim<'a>,
    /// Whose token sent the proposal.
    pub proposer: &'a str,
    /// What the route takes.
    pub says: Says,
    /// When the token came.
    pub now: Time,
}

/// A token that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// What is kept of it.
    pub redeemed: Redeemed,
    /// Why, of a rejection.
    pub reason: Option<String>,
    /// Until when it may be used.
    pub expires: Time,
}

/// Verifies a token against the registered keys and against what it must be about.
pub fn verify(token: &str, approvers: &Approvers, expected: &Expected<'_>) -> Result<Spoken, Refused> {
    let parts = parts(token)?;
    if !is_kid(&parts.header.kid) {
        return Err(Refused::new("token.key_unknown", "`kid` is not an RFC 7638 thumbprint"));
    }
    let (approver, key) = approvers.find(&parts.header.kid)?;
    if parts.header.alg != approver.alg.word() {
        let sentence = format!("`alg` must be `{}`, as the settings pin it for this key", approver.alg.word());
        return Err(Refused::new("token.alg", sentence));
    }
    let signature = Signature::from_bytes(&parts.signature);
    if key.verify_strict(parts.signed, &signature).is_err() {
        return Err(Refused::new("token.signature", "the signature does not fit these bytes and this key"));
    }
    let claims = claims(&parts.payload)?;
    identity(&claims, approver, expected)?;
    subject(&claims, expected)?;
    times(&claims, expected.now)?;
    if expected.says == Says::Approve && approver.is_principal(expected.proposer) {
        return Err(Refused::new("approval.own", "nobody approves what they proposed themselves"));
    }
    let kid = KeyId::of(key);
    let redeemed = Redeemed {
        approver: approver.id.clone(),
        person: approver.person.clone(),
        issuer: claims.iss,
        jti: claims.jti,
        kid,
        token: Digest::of(token.as_bytes()),
        class: claims.cls,
        tier: claims.tier,
        at: expected.now,
    };
    Ok(Spoken { redeemed, reason: claims.rsn, expires: Time(0).plus_seconds(seconds(claims.exp)) })
}

fn row(holds: bool, code: &'static str, sentence: &str) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(Refused::new(code, sentence)) }
}

/// Who speaks, to whom.
fn identity(claims: &Claims, approver: &Approver, expected: &Expected<'_>) -> Result<(), Refused> {
    row(claims.iss == approver.issuer, "token.issuer", "`iss` is not the issuer of the key that signed")?;
    row(claims.sub == approver.id, "token.subject", "`sub` is not the approver whose key signed")?;
    row(claims.aud == expected.audience, "token.audience", "`aud` is not this service and tenant")?;
    row(claims.tnt == *expected.tenant, "token.tenant", "`tnt` is not this tenant")?;
    row(is_id(&claims.jti), "token.id", "`jti` is neither a UUID nor a ULID in canonical text")?;
    let amr = claims.amr.as_deref().unwrap_or_default();
    row(amr.len() <= 8 && amr.iter().all(|word| word.len() <= 64), "token.claims", "`amr` is too long")
}

/// What it is about.
fn subject(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refused> {
    row(claims.dec == expected.says, "token.decision", "`dec` is not what this route takes")?;
    let named = claims.prp == expected.proposal || Some(claims.prp.as_str()) == expected.name;
    row(named, "token.proposal", "`prp` is another proposal")?;
    row(claims.dig == expected.digest, "token.digest", "`dig` is not the digest of this proposal")?;
    row(claims.act == expected.action_kind, "token.action", "`act` is not the action kind of this proposal")?;
    row((1..=3).contains(&claims.tier), "token.tier", "`tier` is not 1, 2 or 3")?;
    if let Some((class, tier)) = expected.class {
        row(claims.tier == tier, "token.tier", "`tier` is not the tier that was computed")?;
        row(claims.cls == class, "token.class", "`cls` is not the class that was computed")?;
    }
    row(claims.plan()? == expected.plan, "token.plan", "`plan` and `step` are not those of this proposal")?;
    reason(claims)
}

fn reason(claims: &Claims) -> Result<(), Refused> {
    let plain = |text: &String| {
        !text.trim().is_empty() && text.chars().count() <= MAX_REASON && !text.contains(char::is_control)
    };
    match (claims.dec, &claims.rsn) {
        (Says::Approve, None) => Ok(()),
        (Says::Reject, Some(text)) if plain(text) => Ok(()),
        (Says::Approve, Some(_)) => Err(Refused::new("token.reason", "an approval carries no `rsn`")),
        (Says::Reject, _) => {
            let sentence = format!("a rejection carries a reason, `rsn`, of one line and 1 to {MAX_REASON} characters");
            Err(Refused::new("token.reason", sentence))
        }
    }
}

/// `exp` has no leeway; `nbf` and `iat` may be a minute ahead.
fn times(claims: &Claims, now: Time) -> Result<(), Refused> {
    let life = if claims.tier == 3 { LIFE_TIER_3 } else { LIFE };
    let moment = |at: u64| Time(0).plus_seconds(seconds(at));
    row(claims.exp > claims.iat && claims.exp > claims.nbf, "token.times", "it ends before it begins")?;
    row(claims.exp - claims.iat <= life, "token.life", "it lives longer than a token of its tier may")?;
    row(moment(claims.exp) > now, "token.expired", "it has expired: mint another")?;
    row(
        moment(claims.nbf) <= now.plus_seconds(SKEW),
        "token.not_yet",
        "it is not valid yet: set the approver's clock",
    )?;
    row(
        moment(claims.iat) <= now.plus_seconds(SKEW),
        "token.not_yet",
        "it was made later than now: set the approver's clock",
    )
}

fn seconds(at: u64) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}
