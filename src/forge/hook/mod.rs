//! Events of forges: HMAC-SHA256 over the raw bytes, as `sha256=<64 lowercase hex digits>`, and where they say to look.
//!
//! Must not parse a body before it is proven, and must not believe it afterwards: it only says where to look.

mod fields;
mod hint;
pub mod on_github;
pub mod on_gitlab;

pub use fields::Unreadable;
pub use hint::{Hint, Look, Scope, Told};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The header with the signature.
pub const SIGNATURE: &str = "X-Countersign-Signature-256";

/// The header with the kind of event.
pub const EVENT: &str = "X-Countersign-Event";

/// The header with the id of the delivery.
pub const DELIVERY: &str = "X-Countersign-Delivery";

const PREFIX: &str = "sha256=";

/// The signature of a body; none if the secret is empty.
pub fn sign(secret: &SecretString, body: &[u8]) -> Option<String> {
    mac(secret, body).map(|mac| format!("{PREFIX}{}", hex::encode(mac)))
}

/// Whether one of the secrets signed these bytes; all are tried, in constant time. Empty secrets sign nothing, and a
/// header of another form, upper-case hex among them, proves nothing.
pub fn verify(secrets: &[SecretString], header: Option<&str>, body: &[u8]) -> bool {
    let Some(claimed) = header.and_then(read) else { return false };
    let mut proven = subtle::Choice::from(0);
    for secret in secrets {
        if let Some(mac) = mac(secret, body) {
            proven |= mac.as_slice().ct_eq(&claimed);
        }
    }
    proven.into()
}

fn mac(secret: &SecretString, body: &[u8]) -> Option<[u8; 32]> {
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok().filter(|_| !key.is_empty())?;
    mac.update(body);
    Some(mac.finalize().into_bytes().into())
}

fn read(header: &str) -> Option<[u8; 32]> {
    let text = header.strip_prefix(PREFIX).filter(|text| text.len() == 64)?;
    let lower = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok().filter(|()| lower)?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from(*text)).collect()
    }

    /// The example of GitHub's documentation for webhook signatures.
    const BODY: &[u8] = b"Hello, World!";
    const SECRET: &str = "It's a Secret to Everybody";
    const HEADER: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn f1_the_published_example_verifies() {
        assert_eq!(sign(&SECRET.into(), BODY).as_deref(), Some(HEADER));
        assert!(verify(&secrets(&[SECRET]), Some(HEADER), BODY));
    }

    #[test]
    fn f3_other_bytes_of_the_same_json_are_refused() {
        let header = sign(&SECRET.into(), br#"{"a":1}"#);
        assert!(!verify(&secrets(&[SECRET]), header.as_deref(), br#"{"a": 1}"#));
    }

    #[test]
    fn f4_malformed_headers_are_refused() {
        let upper = HEADER.to_uppercase().replace("SHA256=", "sha256=");
        let sha1 = format!("sha1={}", "a".repeat(40));
        let bad = [None, Some(""), Some("sha256="), Some(&HEADER[..70]), Some(&HEADER[7..]), Some(&upper), Some(&sha1)];
        for header in bad {
            assert!(!verify(&secrets(&[SECRET]), header, BODY), "{header:?}");
        }
        assert!(!verify(&secrets(&[SECRET]), Some(&format!("{HEADER} ")), BODY));
        assert!(!verify(&secrets(&[SECRET]), Some(&format!("sha256={}é", "a".repeat(62))), BODY));
    }

    #[test]
    fn f5_a_rotated_secret_is_good_until_it_is_taken_away() {
        let old = sign(&"old".into(), BODY);
        assert!(verify(&secrets(&["new", "old"]), old.as_deref(), BODY));
        assert!(verify(&secrets(&["old", "new"]), old.as_deref(), BODY));
        assert!(!verify(&secrets(&["new"]), old.as_deref(), BODY));
    }

    #[test]
    fn empty_secrets_prove_nothing() {
        assert_eq!(sign(&"".into(), BODY), None);
        let mut mac = Hmac::<Sha256>::new_from_slice(b"").expect("any length");
        mac.update(BODY);
        let forged = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        assert!(!verify(&secrets(&[""]), Some(&forged), BODY));
        assert!(!verify(&[], Some(HEADER), BODY));
    }
}
