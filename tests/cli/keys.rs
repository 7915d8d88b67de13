//! The life of a key through the binary: next, active, retired, revoked, published.

use crate::demo::kept;
use crate::run::{Ran, countersign, text};
use serde_json::{Value, json};
use std::path::Path;

fn keys(folder: &Path, arguments: &[&str]) -> Ran {
    let place = text(folder);
    let all = [&["--output", "json", "keys"][..], arguments, &["--directory", &place]].concat();
    countersign(all)
}

fn states(folder: &Path, purpose: &str) -> Vec<String> {
    let listed = keys(folder, &["list"]).code(0).json();
    let all = listed["keys"].as_array().unwrap().iter().filter(|key| key["purpose"] == purpose);
    all.map(|key| key["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn tm26_a_key_is_prepared_then_signs_and_the_one_before_only_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("keys");
    keys(&place, &["generate"]).code(0);
    assert_eq!(states(&place, "attestation"), ["active"]);
    assert_eq!(
        (states(&place, "log"), states(&place, "keyset")),
        (vec!["active".to_owned()], vec!["active".to_owned()])
    );
    let made = keys(&place, &["rotate"]).code(0).json();
    assert_eq!(made["state"], "next");
    assert_eq!(states(&place, "attestation"), ["active", "next"]);
    keys(&place, &["rotate"]).fails_with(&["less than 24 hours ago", "--at-once"]);
    assert_eq!(states(&place, "attestation"), ["active", "next"], "nothing half done");
    let active = keys(&place, &["rotate", "--at-once"]).code(0).json();
    assert_eq!((active["kid"].clone(), active["state"].clone()), (made["kid"].clone(), json!("active")));
    assert_eq!(states(&place, "attestation"), ["retired", "active"]);
    assert_eq!(keys(&place, &["list"]).code(0).json()["version"], 3);
}

#[test]
fn tm27_a_revoked_key_has_another_in_its_place_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("keys");
    keys(&place, &["generate"]).code(0);
    let kid = keys(&place, &["list"]).code(0).json()["attestation"][0]["kid"].as_str().unwrap().to_owned();
    // A thumbprint is base64url: one of 64 begins with a hyphen.
    for stranger in ["nobody", "-A2b7", "-hA9", "--x"] {
        keys(&place, &["revoke", stranger, "--reason", "x"]).fails_with(&[stranger, "keys list"]);
    }
    keys(&place, &["revoke", &kid, "--reason", "two\nlines"]).fails_with(&["--reason"]);
    let gone = keys(&place, &["revoke", &kid, "--reason", "laptop stolen"]).code(0).json();
    assert_eq!(gone["revoked"]["reason"], "laptop stolen");
    assert_eq!(states(&place, "attestation"), ["revoked", "active"]);
    keys(&place, &["revoke", &kid, "--reason", "again"]).fails_with(&["before"]);
}

#[test]
fn tm40_a_published_list_verifies_bodies_until_it_expires_or_names_the_key_revoked() {
    let kept = kept();
    let home = kept.copy();
    let place = home.path().join("data/keys");
    let (body, at) = (text(kept.body("by-itself")), kept.attested("by-itself"));
    let (root, list) = (text(place.join("keyset.pem")), text(place.join("keyset.json")));
    let publish = || keys(&place, &["publish", "--instance", "demo.countersign", "--days", "30"]).code(0).json();
    let verify = |at: &str| {
        countersign(["verify", "--output", "json", "--body", &body, "--key", &list, "--root", &root, "--at", at])
    };
    let listing = publish();
    assert_eq!((listing["instance"].clone(), listing["version"].clone()), (json!("demo.countersign"), json!(1)));
    verify(&at).code(0);
    let late = verify("2036-01-01T00:00:00Z").code(4).json();
    assert_eq!(late["code"], "keyset.expired", "an old list may hide a revocation");
    let log = text(place.join("log.pem"));
    countersign(["verify", "--body", &body, "--key", &list, "--root", &log, "--at", &at]).fails_with(&["pinned"]);
    let kid = listing["keys"][0]["kid"].as_str().unwrap().to_owned();
    keys(&place, &["revoke", &kid, "--reason", "lost"]).code(0);
    verify(&at).code(0);
    assert_eq!(publish()["version"], 2);
    assert_eq!(verify(&at).code(4).json()["code"], "key.revoked");
    let secret: Vec<Value> = publish()["keys"].as_array().unwrap().clone();
    assert!(secret.iter().all(|key| key.get("d").is_none() && key["purpose"] != "keyset"));
}
