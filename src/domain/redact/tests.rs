use super::*;
use proptest::prelude::*;

/// Built from pieces, so that no scanner takes this file for a leak.
fn secrets() -> Vec<String> {
    let long = "Ab3".repeat(16);
    let jwt = format!("eyJ{}.eyJ{}.{}", "hbGciOiJIUzI1NiJ9", "zdWIiOiIxIn0", "sig_-nature123");
    let pem = format!("-----BEGIN {0} PRIVATE KEY-----\nMIIC{1}\n-----END {0} PRIVATE KEY-----", "EC", long);
    let mut secrets = vec![jwt, pem];
    for begin in ["ghp_", "github_pat_", "glpat-", "xoxb-", "hvs.", "npm_", "AKIA", "cs_", "sk-proj-"] {
        secrets.push(format!("{begin}{long}"));
    }
    secrets
}

#[test]
fn known_shapes_are_taken_out_wherever_they_stand() {
    for secret in secrets() {
        for around in ["{}", "see {} there", "({})", "\"{}\"", "x={}&y", "line\n{}\nline", "ü{}ü"] {
            let text = around.replace("{}", &secret);
            let cleaned = owned(text.clone());
            assert!(!cleaned.contains(&secret) && cleaned.contains(MARK), "{text} -> {cleaned}");
            assert_eq!(owned(cleaned.clone()), cleaned, "twice is once");
        }
    }
}

#[test]
fn addresses_lose_who_asks_and_keep_the_rest() {
    let cases = [
        ("https://user:pa55@git.example/x?y", "https://[redacted]@git.example/x?y"),
        ("postgres://cs@db:5432/x", "postgres://[redacted]@db:5432/x"),
        ("at https://git.example/@team and https://a:b@c", "at https://git.example/@team and https://[redacted]@c"),
        ("password=hunter22 and more", "password=[redacted] and more"),
        ("?access_token=abcdefgh&page=2", "?access_token=[redacted]&page=2"),
        ("Authorization: Bearer abcdefghijklmnopqrst", "Authorization: Bearer [redacted]"),
        ("DB_PASSWORD=correct-horse", "DB_PASSWORD=[redacted]"),
    ];
    for (before, after) in cases {
        assert_eq!(text(before), after);
    }
}

#[test]
fn ordinary_text_and_our_own_stay_as_they_are() {
    let ours = [
        "OOMKilled 14 times in 30 min; working set peaks at 840Mi",
        "https://grafana.example/d/errors?from=now-1h",
        "the token is not known: send one that `countersign token create` made",
        "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
        "0190a0f2-7b3c-7d11-8c2e-0123456789ab",
        "the basic idea and the bearer of it",
        "secret=${VALUE_DB} and token=<yours>",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "eyJub3QiOiJhIGp3dCJ9",
        "sk-learn and cs_acme_read, AKIA too short",
        "ghcr.io/acme/web:2.0 with 3 replicas, user@example.com",
    ];
    for text in ours {
        assert_eq!(super::text(text), text);
        assert!(matches!(super::text(text), Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn a_tenants_patterns_are_about_words_and_environments() {
    let only = ["production".to_owned()];
    let redactor = Redactor::default().with("corp-[0-9][0-9][0-9]*", &[]).and_then(|r| r.with("prod?key*", &only));
    let redactor = redactor.expect("patterns");
    let clean = |text: &str, environment| redactor.clean(text.to_owned(), environment);
    assert_eq!(clean("card corp-123456, and corp-x", None), "card [redacted], and corp-x");
    assert_eq!(clean("id=corp-999;", Some("staging")), "id=[redacted];");
    assert_eq!(clean("prod-key-1", Some("staging")), "prod-key-1");
    assert_eq!(clean("prod-key-1", Some("production")), MARK);
    assert_eq!(clean("prod-key-1", None), MARK, "an environment that is not known may be that one");
    assert!(redactor.finds("x corp-123", None) && !redactor.finds("x corp", None));
    for bad in ["*", "a*", "[z-a]abc", &"x".repeat(201)] {
        assert!(Redactor::default().with(bad, &[]).is_err(), "{bad}");
    }
}

#[test]
fn every_text_of_a_document_is_cleaned_and_nothing_else() {
    let secret = &secrets()[0];
    let document = serde_json::json!({"a": [secret, 1, {"b": format!("x {secret}")}], "c": null, "d": true});
    let cleaned = value(document);
    assert_eq!(cleaned, serde_json::json!({"a": [MARK, 1, {"b": format!("x {MARK}")}], "c": null, "d": true}));
}

proptest! {
    #[test]
    fn any_text_is_cleaned_once_and_for_all(text in "\\PC{0,80}", secret in 0_usize..11) {
        let secret = &secrets()[secret];
        let cleaned = owned(format!("{text} {secret} {text}"));
        prop_assert!(!cleaned.contains(secret.as_str()));
        prop_assert_eq!(owned(cleaned.clone()), cleaned);
    }

    #[test]
    fn bytes_of_any_sort_are_survived(text in any::<String>()) {
        let once = owned(text);
        prop_assert_eq!(owned(once.clone()), once);
    }
}

/// Each of these was read once for every beginning in it, which takes minutes; a proposal may be a megabyte.
#[test]
fn a_long_text_of_beginnings_is_read_through_once() {
    for piece in
        ["eyJ", "-eyJ", "x.eyJ", "AKIA", "-AKIA", "xsk-", "bearer ", "basic ", "=x", "token=[", "://", "-----BEGIN "]
    {
        let long = format!("x{}", piece.repeat((1 << 20) / piece.len()));
        let cleaned = text(&long);
        assert!(cleaned == long.as_str() || cleaned.contains(MARK), "{piece}");
    }
    // What is a secret is found behind them all the same.
    let secret = format!("ghp_{}", "Ab3".repeat(16));
    for piece in ["eyJ", "AKIA", "bearer ", "=x"] {
        let long = format!("x{} {secret}", piece.repeat(1_000));
        assert!(!text(&long).contains(&secret), "{piece}");
    }
}
