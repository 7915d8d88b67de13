//! GitLab's events: the secret token or the signature that proves them, and what they are about.
//!
//! Must not read more than numbers, nor take a token for a signature or a signature for a token.

use super::fields::{Fields, Unreadable};
use super::hint::{Look, Scope, Told};
use crate::domain::ids::Time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// The header with the plain secret.
pub const TOKEN: &str = "X-Gitlab-Token";

/// The header with the id of the delivery; signed, and the same when it is delivered again.
pub const ID: &str = "webhook-id";

/// The header with the time of the delivery, whole seconds; signed.
pub const TIMESTAMP: &str = "webhook-timestamp";

/// The header with the signatures, `v1,<base64>` each.
pub const SIGNATURE: &str = "webhook-signature";

/// The header with an id that stays the same when a delivery is repeated.
pub const KEY: &str = "Idempotency-Key";

/// How every signing token begins.
pub const SIGNING: &str = "whsec_";

/// Seconds that a signed delivery may be old, or ahead of our clock.
const FRESH: i64 = 300;

/// The headers that prove a delivery; one that stands twice counts as absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    /// `X-Gitlab-Token`.
    pub token: Option<&'a str>,
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
}

/// Whether one of the secrets proves a delivery, all of them tried in constant time.
///
/// Secrets that begin with `whsec_` prove by signature, fresh ones only; the others by being sent. A delivery that
/// claims a signature is judged by it alone, wherever a signing token is known.
pub fn verify(secrets: &[SecretString], headers: &Headers<'_>, body: &[u8], now: Time) -> bool {
    let signs = |secret: &&SecretString| secret.expose_secret().starts_with(SIGNING);
    let signing: Vec<&SecretString> = secrets.iter().filter(signs).collect();
    if headers.signature.is_some() && !signing.is_empty() {
        return signed(&signing, headers, body, now);
    }
    let Some(token) = headers.token else { return false };
    let claimed = Sha256::digest(token.as_bytes());
    let mut proven = Choice::from(0);
    for secret in secrets.iter().filter(|secret| !signs(secret)) {
        let text = secret.expose_secret();
        let filled = Choice::from(u8::from(!text.is_empty()));
        // Digests have one length: how long the secret is does not show.
        proven |= Sha256::digest(text.as_bytes()).as_slice().ct_eq(claimed.as_slice()) & filled;
    }
    proven.into()
}

fn signed(secrets: &[&SecretString], headers: &Headers<'_>, body: &[u8], now: Time) -> bool {
    let (Some(id), Some(timestamp), Some(signatures)) = (headers.id, headers.timestamp, headers.signature) else {
        return false;
    };
    let plain = timestamp.bytes().all(|b| b.is_ascii_digit());
    let Some(at) = timestamp.parse::<i64>().ok().filter(|_| plain) else { return false };
    if (now.0.div_euclid(1_000_000)).saturating_sub(at).saturating_abs() > FRESH {
        return false;
    }
    let mut proven = Choice::from(0);
    for mac in secrets.iter().filter_map(|secret| mac(secret, id, timestamp, body)) {
        for claimed in signatures.split(' ').take(8).filter_map(|text| text.strip_prefix("v1,")) {
            let claimed = STANDARD.decode(claimed).unwrap_or_default();
            proven |= mac.as_slice().ct_eq(&claimed);
        }
    }
    proven.into()
}

/// The MAC of `id.timestamp.body`; none when the signing token is not `whsec_` and base64.
fn mac(secret: &SecretString, id: &str, timestamp: &str, body: &[u8]) -> Option<[u8; 32]> {
    let key = STANDARD.decode(secret.expose_secret().strip_prefix(SIGNING)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok().filter(|_| !key.is_empty())?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

/// The signature that GitLab would send; none when the signing token is not one.
pub fn sign(secret: &SecretString, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    mac(secret, id, timestamp, body).map(|mac| format!("v1,{}", STANDARD.encode(mac)))
}

/// Reads where a proven event says to look.
pub fn read(body: &[u8]) -> Result<Told, Unreadable> {
    let fields = Fields::read(body)?;
    let project = fields.number(&["project", "id"]).or_else(|| fields.number(&["project_id"]));
    let kind = fields.text(&["object_kind"]).or_else(|| fields.text(&["event_name"])).unwrap_or_default();
    let scope = project.map_or(Scope::Nowhere, Scope::Repository);
    Ok(Told { look: look(&kind, &fields), event: kind, scope })
}

fn look(kind: &str, fields: &Fields<'_>) -> Look {
    let on_merge_request =
        |look: fn(u64) -> Look, otherwise: Look| fields.number(&["merge_request", "iid"]).map_or(otherwise, look);
    match kind {
        "merge_request" => fields.number(&["object_attributes", "iid"]).map_or(Look::Everywhere, Look::Pull),
        "note" => on_merge_request(Look::Comment, Look::Nowhere),
        "emoji" => on_merge_request(Look::Pull, Look::Nowhere),
        "pipeline" => on_merge_request(Look::Pull, Look::Everywhere),
        "push" | "tag_push" | "build" | "deployment" | "access_token" | "project_rename" | "project_transfer"
        | "project_update" | "project_destroy" | "repository_update" => Look::Everywhere,
        _ => Look::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and the example of the Standard Webhooks specification's own libraries.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from(*text)).collect()
    }

    fn at(seconds: i64) -> Time {
        Time((1_614_265_330 + seconds) * 1_000_000)
    }

    fn claims() -> Headers<'static> {
        Headers { token: None, id: Some(ID), timestamp: Some(AT), signature: Some(SIGNATURE) }
    }

    #[test]
    fn the_published_example_verifies() {
        assert_eq!(sign(&KEY.into(), ID, AT, BODY).as_deref(), Some(SIGNATURE));
        assert!(verify(&secrets(&[KEY]), &claims(), BODY, at(0)));
        let several = format!("v2,abc v1,AAAA {SIGNATURE}");
        assert!(verify(
            &secrets(&["a-plain-secret", KEY]),
            &Headers { signature: Some(&several), ..claims() },
            BODY,
            at(0)
        ));
    }

    #[test]
    fn f6_a_wrong_token_or_signature_proves_nothing() {
        let plain = secrets(&["the-secret-token", KEY]);
        let token = |token| Headers { token: Some(token), ..Headers::default() };
        assert!(verify(&plain, &token("the-secret-token"), BODY, at(0)));
        for wrong in ["", "the-secret-toke", "the-secret-token ", "THE-SECRET-TOKEN", KEY] {
            assert!(!verify(&plain, &token(wrong), BODY, at(0)), "{wrong}");
        }
        assert!(!verify(&secrets(&[""]), &token(""), BODY, at(0)));
        let keys = secrets(&[KEY]);
        assert!(!verify(&keys, &claims(), b"{}", at(0)));
        assert!(!verify(&keys, &Headers { id: Some("msg_other"), ..claims() }, BODY, at(0)));
        assert!(!verify(&keys, &Headers { id: None, ..claims() }, BODY, at(0)));
        assert!(!verify(&keys, &Headers { timestamp: Some("+1614265330"), ..claims() }, BODY, at(0)));
        assert!(!verify(&keys, &Headers { signature: Some(&SIGNATURE[3..]), ..claims() }, BODY, at(0)));
        // Whoever claims a signature is not let in by the token beside it.
        assert!(!verify(&plain, &Headers { token: Some("the-secret-token"), ..claims() }, b"{}", at(0)));
    }

    #[test]
    fn tm57_f6_a_delivery_of_six_minutes_ago_is_refused() {
        let keys = secrets(&[KEY]);
        assert!(verify(&keys, &claims(), BODY, at(300)));
        assert!(verify(&keys, &claims(), BODY, at(-300)));
        assert!(!verify(&keys, &claims(), BODY, at(360)));
        assert!(!verify(&keys, &claims(), BODY, at(-360)));
    }

    #[test]
    fn f9_only_numbers_are_read() {
        let cases = [
            (r#"{"object_kind":"merge_request","project":{"id":2},"object_attributes":{"iid":3}}"#, 2, Look::Pull(3)),
            (r#"{"object_kind":"note","project_id":5,"merge_request":{"iid":1}}"#, 5, Look::Comment(1)),
            (r#"{"object_kind":"note","project_id":5,"issue":{"iid":1}}"#, 5, Look::Nowhere),
            (r#"{"object_kind":"pipeline","project":{"id":1},"merge_request":null}"#, 1, Look::Everywhere),
            (r#"{"event_name":"push","project_id":15,"ref":7}"#, 15, Look::Everywhere),
            (r#"{"object_kind":"wiki_page","project":{"id":1}}"#, 1, Look::Nowhere),
        ];
        for (body, id, look) in cases {
            let told = read(body.as_bytes()).expect("readable");
            assert_eq!((told.scope, told.look), (Scope::Repository(id), look), "{body}");
        }
        assert_eq!(read(b"{}").expect("readable").scope, Scope::Nowhere);
    }
}
