//! The tokens of two approvers, good and spoiled.

mod budgets;
mod claims;
mod counting;
mod form;
mod oracle;

use super::*;
use crate::domain::attest::Signer;
use crate::domain::canon;
use crate::domain::ids::TenantId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const AUDIENCE: &str = "bot.example/acme";
/// 2026-01-05T08:00:00Z.
const NOW: i64 = 1_767_600_000;

fn now() -> Time {
    Time(NOW * 1_000_000)
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

fn signer(n: u8) -> Signer {
    Signer::from_seed(&[n; 32])
}

fn approver(id: &str, n: u8) -> Approver {
    let key = signer(n).public();
    Approver {
        id: id.into(),
        issuer: "https://id.example".into(),
        person: id.into(),
        forge_user: None,
        principals: Vec::new(),
        alg: Alg::EdDSA,
        revoked: false,
        keys: vec![(KeyId::of(&key), key)],
        awaited: Vec::new(),
    }
}

fn approvers() -> Approvers {
    Approvers::new(vec![approver("dana", 1), approver("kim", 2), approver("lee", 3)]).unwrap()
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// What a good token of dana says, as JSON that a test can spoil.
fn good() -> Value {
    json!({
        "iss": "https://id.example", "aud": AUDIENCE, "sub": "dana", "iat": NOW, "nbf": NOW, "exp": NOW + 600,
        "jti": "01890a5d-ac96-774b-bcce-b302099a8057", "tnt": "acme", "prp": "0190-a", "dig": digest("proposal"),
        "act": "SetImage", "cls": digest("class"), "tier": 2, "dec": "approve",
    })
}

fn with(claim: &str, value: impl Into<Value>) -> Value {
    let mut claims = good();
    claims[claim] = value.into();
    claims
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn header(n: u8) -> Value {
    json!({"alg": "EdDSA", "kid": signer(n).id(), "typ": TYPE})
}

/// Signs any header over any payload.
fn signed(header: &[u8], payload: &[u8], n: u8) -> String {
    let text = format!("{}.{}", part(header), part(payload));
    let signature = part(signer(n).sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn token(claims: &Value) -> String {
    signed(&canon::canonical(&header(1)), claims.to_string().as_bytes(), 1)
}

fn expected<'a>(tenant: &'a TenantId) -> Expected<'a> {
    Expected {
        audience: AUDIENCE,
        tenant,
        proposal: "0190-a",
        name: Some("fix-1"),
        digest: digest("proposal"),
        action_kind: "SetImage",
        class: Some((digest("class"), 2)),
        plan: None,
        proposer: "agent:sample",
        says: Says::Approve,
        now: now(),
    }
}

fn judged(token: &str) -> Result<Spoken, Refused> {
    let tenant = tenant();
    verify(token, &approvers(), &expected(&tenant))
}

/// The code of the refusal; a token that is taken fails the test.
#[track_caller]
fn code(token: &str) -> &'static str {
    judged(token).expect_err("refused").code
}

#[track_caller]
fn refuses(claims: &Value, wanted: &str) {
    assert_eq!(code(&token(claims)), wanted, "{claims}");
}

#[test]
fn a_good_token_is_taken_and_its_parts_are_kept() {
    let text = token(&good());
    let spoken = judged(&text).expect("good");
    assert_eq!(spoken.redeemed.approver, "dana");
    assert_eq!(spoken.redeemed.kid, *signer(1).id());
    assert_eq!(spoken.redeemed.token, Digest::of(text.as_bytes()));
    assert_eq!((spoken.redeemed.class, spoken.redeemed.tier, spoken.redeemed.at), (digest("class"), 2, now()));
    assert_eq!(spoken.expires, now().plus_seconds(600));
    assert!(judged(&token(&with("prp", "fix-1"))).is_ok(), "the sender's name stands for it too");
    assert!(judged(&token(&with("jti", "01ARZ3NDEKTSV4RRFFQ69G5FAV"))).is_ok(), "a ULID");
}

#[test]
fn a_minted_token_is_canonical_and_taken() {
    let claims: Claims = serde_json::from_value(good()).unwrap();
    let text = mint(&claims, Alg::EdDSA, &signer(1));
    assert_eq!(text, signed(&canon::canonical(&header(1)), &canon::canonical(&good()), 1));
    assert!(judged(&text).is_ok());
}

/// Every bit of a token counts.
#[test]
fn no_flipped_bit_is_taken() {
    let text = token(&good());
    let mut tried = 0;
    for at in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(other) = String::from_utf8(bytes) else { continue };
            assert!(judged(&other).is_err(), "byte {at} bit {bit}");
            tried += 1;
        }
    }
    assert!(tried > 7 * text.len() / 2, "{tried} flips");
}
