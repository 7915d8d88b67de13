//! Approvers whose keys are fetched.

use super::*;
use crate::domain::approval::Approvers;
use crate::domain::attest::KeyId;
use crate::domain::ids::Time;

const URL: &str = "https://id.example/keys";
/// The thumbprint of a key that begins as somebody's token does.
const SECRETIVE_KID: &str = "sk-y2slCoR0oTIfYxg5t9yx5Ejoe_WPz9hk774tjLxs";

fn kid(x: &str) -> String {
    let members = [("kty", "OKP"), ("crv", "Ed25519"), ("x", x)].map(|(name, value)| (name.into(), value.into()));
    Approvers::key(&members.into()).expect("a key").0.to_string()
}

fn remote(thumbprints: &[String]) -> String {
    format!("jwks_url = \"{URL}\"\nthumbprints = {thumbprints:?}")
}

/// A key as providers publish it: with a name of their own and members that are not asked for.
fn published(x: &str, more: &str) -> String {
    format!(r#"{{"kty": "OKP", "crv": "Ed25519", "x": "{x}", "kid": "2026-a", "alg": "EdDSA", "x5t": "q"{more}}}"#)
}

fn set(keys: &[String]) -> String {
    format!(r#"{{"keys": [{}]}}"#, keys.join(", "))
}

fn at(seconds: i64) -> Time {
    Time(0).plus_seconds(seconds)
}

fn code(roster: &Roster, kid: &str, now: Time) -> Result<String, &'static str> {
    let approvers = roster.approvers(&"acme".parse().expect("a tenant"), now);
    approvers.find(kid).map(|(approver, _)| approver.id.clone()).map_err(|refused| refused.code)
}

#[test]
fn an_address_stands_with_the_thumbprints_that_count() {
    let (one, other) = (kid(X), kid(OTHER_X));
    let many: Vec<String> = (0..17).map(|_| one.clone()).collect();
    let owned = format!("{}\n[[tenant.approver]]\nid = \"kim\"\n{}", remote(std::slice::from_ref(&one)), jwk(X));
    let named = format!("{owned}\n[[tenant.approver]]\nid = \"lee\"\n{}", remote(std::slice::from_ref(&other)));
    let cases = [
        (format!("jwks_url = \"{URL}\""), "thumbprints of the keys that count"),
        (remote(&[]), "thumbprints of the keys that count"),
        (remote(&many), "1 to 16"),
        (remote(&["short".into()]), "`short` is no thumbprint"),
        (remote(&[SECRETIVE_KID.into()]), "make another key"),
        (remote(&[one.replace(&one[..1], "=")]), "is no thumbprint"),
        (format!("{}\nthumbprints = [\"{one}\"]", jwk(X)), "belong to a jwks_url"),
        (format!("{}\n{}", jwk(X), remote(std::slice::from_ref(&one))), "either jwk or jwks_file"),
        (remote(std::slice::from_ref(&one)).replace("https", "http"), "write https"),
        (remote(std::slice::from_ref(&one)).replace("id.example", "169.254.169.254"), "metadata"),
        (owned, "one owner"),
        (named, "one owner"),
    ];
    for (text, wanted) in cases {
        let error = format!("{:#}", load(&with_approver(&text)).expect_err(wanted));
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
}

#[test]
fn only_listed_keys_of_a_fresh_set_count() {
    let (one, other) = (kid(X), kid(OTHER_X));
    let settings = load(&with_approver(&remote(std::slice::from_ref(&one)))).expect("good");
    let roster = Roster::of(&settings).expect("good");
    assert_eq!(roster.addresses().into_iter().collect::<Vec<_>>(), [URL]);
    assert_eq!(code(&roster, &one, at(0)), Err("token.key_unavailable"), "it was never fetched");
    let rsa = r#"{"kty": "RSA", "n": "AQAB", "e": "AQAB", "key_ops": ["verify"], "x5c": ["q"]}"#.to_owned();
    let both = set(&[rsa.clone(), published(OTHER_X, ""), published(X, "")]);
    assert_eq!(roster.take(URL, both.as_bytes(), at(0)), Ok(Vec::new()));
    assert_eq!(code(&roster, &one, at(0)).as_deref(), Ok("dana"));
    assert_eq!(code(&roster, &other, at(0)), Err("token.key_unknown"), "whoever writes the set cannot add a key");
    // What is no set leaves what was found before, and that grows old.
    for bad in ["", "[]", "{}", "{\"keys\": [7]}", "<html>"] {
        assert!(roster.take(URL, bad.as_bytes(), at(60)).is_err(), "{bad}");
    }
    assert!(roster.take(URL, format!("{both}{}", " ".repeat(64 * 1024)).as_bytes(), at(60)).is_err());
    assert_eq!(code(&roster, &one, at(STALE - 1)).as_deref(), Ok("dana"));
    assert_eq!(code(&roster, &one, at(STALE)), Err("token.key_unavailable"));
    // A key that is not in the set any more, is for something else, or shows its private half was withdrawn.
    let (secret, sealing) = (published(X, ", \"d\": \"AAAA\""), published(X, ", \"use\": \"enc\""));
    for gone in [vec![], vec![rsa], vec![published(OTHER_X, "")], vec![secret], vec![sealing]] {
        roster.take(URL, both.as_bytes(), at(STALE)).expect("a set");
        let missing = roster.take(URL, set(&gone).as_bytes(), at(STALE)).expect("a set");
        assert_eq!(missing, [("dana".to_owned(), KeyId::read(&one).expect("a thumbprint"))]);
        assert_eq!(code(&roster, &one, at(STALE)), Err("token.key_unknown"), "{gone:?}");
    }
    assert_eq!(roster.approvers(&"other".parse().expect("a tenant"), at(0)), Approvers::default());
}

#[test]
fn a_strangers_list_of_approvers_names_no_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("approvers.toml");
    let text = format!("[[approver]]\nid = \"dana\"\n{}\n", remote(&[kid(X)]));
    std::fs::write(&path, text).expect("written");
    let error = format!("{:#}", approvers_of(&path).expect_err("an address"));
    assert!(error.contains("jwks_file") && error.contains("dana"), "{error}");
}
