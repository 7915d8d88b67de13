use super::app::App;
use super::error::{limited, trouble};
use super::talk::Answer;
use crate::domain::ids::Time;
use crate::forge::ForgeError;
use reqwest::header::{HeaderMap, HeaderName};
use secrecy::SecretString;
use std::sync::Arc;

fn now() -> Time {
    "2026-01-05T08:00:00Z".parse().unwrap()
}

fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
    Answer { status, headers: HeaderMap::from_iter(headers), body: body.as_bytes().to_vec() }
}

#[test]
fn f78_limits_are_told_from_denials() {
    let at = |seconds| Some(now().plus_seconds(seconds));
    let table = [
        (answer(403, &[("retry-after", "30")], "{}"), at(30)),
        (answer(429, &[("retry-after", "Mon, 05 Jan 2026 08:02:00 GMT")], "{}"), at(120)),
        (answer(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1767600600")], "{}"), at(600)),
        (answer(429, &[], "<html>"), at(60)),
        (answer(403, &[], r#"{"message":"You have exceeded a secondary rate limit."}"#), at(60)),
        (answer(403, &[("x-ratelimit-remaining", "17")], r#"{"message":"Resource not accessible"}"#), None),
        (answer(500, &[("retry-after", "30")], "{}"), None),
    ];
    for (answer, expected) in table {
        assert_eq!(limited(&answer, now()), expected, "{answer:?}");
    }
}

#[test]
fn f88_answers_of_other_kinds_are_classified() {
    let kinds = |status| trouble("reading", &answer(status, &[], "<html>Unicorn!</html>"), now());
    assert!(matches!(kinds(502), ForgeError::Transient(_)));
    assert!(matches!(kinds(404), ForgeError::NotFound(_)));
    assert!(matches!(kinds(403), ForgeError::Denied(_)));
    assert!(matches!(kinds(422), ForgeError::Rejected(_)));
    assert!(matches!(kinds(302), ForgeError::Denied(_)));
    let read: Result<Vec<u64>, _> = answer(200, &[], "").read("a list");
    assert!(matches!(read, Err(ForgeError::Transient(_))));
}

#[test]
fn sentences_are_gathered_from_all_places() {
    let body = r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","code":"custom","message":"No commits"},"plain",{"field":"head","code":"invalid"},7]}"#;
    assert_eq!(
        super::error::sentence(&answer(422, &[], body)),
        "Validation Failed: No commits: plain: head is invalid"
    );
}

fn key() -> SecretString {
    use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use base64::Engine as _;
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
    SecretString::from(format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
}

#[test]
fn addresses_follow_from_the_api() {
    let key = key();
    for (api, web, graphql) in [
        ("https://api.github.com", "https://github.com", "https://api.github.com/"),
        ("https://git.acme.example/api/v3", "https://git.acme.example", "https://git.acme.example/api"),
        ("http://127.0.0.1:8080/api/v3/", "http://127.0.0.1:8080", "http://127.0.0.1:8080/api"),
    ] {
        let app = App::new(1, &key, api, Arc::new(now)).unwrap();
        assert_eq!((app.web().as_str(), app.graphql().as_str()), (web, graphql));
    }
}

#[test]
fn what_is_no_app_is_refused_at_the_start() {
    let clock: crate::domain::ids::Clock = Arc::new(now);
    let refused = App::new(1, &SecretString::from("no key"), "https://api.github.com", clock.clone()).unwrap_err();
    assert!(refused.contains("private key"), "{refused}");
    for api in ["api.github.com", "ftp://api.github.com", ""] {
        assert!(App::new(1, &key(), api, clock.clone()).unwrap_err().contains("address"), "{api}");
    }
}

#[test]
fn f82_the_apps_own_token_is_short_and_dated_back() {
    use secrecy::ExposeSecret as _;
    let pem = key();
    let signer = jsonwebtoken::EncodingKey::from_rsa_pem(pem.expose_secret().as_bytes()).unwrap();
    let token = super::jwt::sign(17, &signer, now()).unwrap();
    let claims = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(token.expose_secret()).unwrap().claims;
    let (from, to) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!(claims["iss"], "17");
    assert!(from <= now().seconds() - 60 && to - from <= 600, "good with a clock that is a minute off either way");
}
