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

#[test]
fn addresses_follow_from_the_api() {
    let key = SecretString::from("no key");
    let refused = App::new(1, &key, "https://api.github.com", Arc::new(now)).unwrap_err();
    assert!(refused.contains("private key"), "{refused}");
}
