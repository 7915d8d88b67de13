//! `verify pr`: what a forge says now, git, and people, against what was attested.

use crate::demo::kept;
use crate::folders::put;
use crate::run::{Ran, countersign, text};
use serde_json::{Value, json};

fn attempt(more: &[&str]) -> Ran {
    let all = [&["verify", "pr", "--output", "json"][..], more].concat();
    countersign(all)
}

#[track_caller]
fn refutes(ran: Ran, code: &str) {
    let answer = ran.code(4).json();
    assert_eq!(answer["code"], code, "{answer}");
}

/// An open pull request of the demo, its key and the moment it was attested; nothing of it is changed.
fn open() -> (String, u64, String, String) {
    let kept = kept();
    let all = kept.report["proposals"].as_array().unwrap();
    let left = all.iter().find(|proposal| proposal["name"] == "branch-pushed").unwrap();
    let settings = text(kept.home.join("settings.toml"));
    (settings, left["pull"].as_u64().unwrap(), text(kept.key()), left["attested"].as_str().unwrap().to_owned())
}

#[test]
fn a_local_pull_request_is_asked_for_and_what_was_pushed_is_seen() {
    let (settings, number, key, at) = open();
    let locator = format!("local:acme/shop#{number}");
    refutes(attempt(&[&locator, "--config", &settings, "--key", &key, "--at", &at]), "head.sha");
    let edited = kept().proposal("body-edited");
    let locator = format!("local:acme/shop#{}", edited["pull"]);
    refutes(
        attempt(&[&locator, "--config", &settings, "--key", &key, "--at", edited["attested"].as_str().unwrap()]),
        "body_changed",
    );
    attempt(&["local:acme/shop", "--config", &settings, "--key", &key]).fails_with(&["local:name#12"]);
    attempt(&["svn:acme#1", "--key", &key, "--pull", &settings]).fails_with(&["svn:acme#1"]);
}

/// What GitHub would say of a pull request that carries a body of the vectors.
fn answer() -> (Value, String) {
    let vectors = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors/attestation.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(vectors).unwrap()).unwrap();
    let good = vectors["cases"].as_array().unwrap().iter().find(|case| case["name"] == "as it was signed").unwrap();
    let answer = json!({
        "number": 12, "state": "open", "body": good["body"],
        "base": {"ref": "main", "repo": {"id": 101}},
        "head": {"ref": "countersign/set-image/web-0123456789ab", "sha": "b".repeat(40), "repo": {"id": 101}},
    });
    (answer, vectors["key"].as_str().unwrap().to_owned())
}

#[test]
fn every_row_that_a_forge_can_speak_to_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (good, key) = answer();
    let key = text(put(folder.path(), "key.pem", key));
    let at = ["--at", "2026-01-06T00:00:00Z"];
    let judge = |answer: &Value, locator: &str| {
        let pull = text(put(folder.path(), "pull.json", answer.to_string()));
        attempt(&[&[locator, "--key", &key, "--pull", &pull][..], &at].concat())
    };
    let locator = "github:acme/shop#12";
    assert_eq!(judge(&good, locator).code(0).json()["verified"], true);
    for (path, value, code) in [
        ("/number", json!(13), "pr.mismatch"),
        ("/state", json!("closed"), "pr.closed"),
        ("/base/ref", json!("release"), "base.ref"),
        ("/base/repo/id", json!(102), "repository.mismatch"),
        ("/head/ref", json!("countersign/other"), "head.ref"),
        ("/head/sha", json!("d".repeat(40)), "head.sha"),
        ("/head/repo/id", json!(102), "head.repository"),
        ("/head/repo", Value::Null, "head.repository"),
        ("/body", Value::Null, "attestation.missing"),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(path).unwrap() = value;
        refutes(judge(&changed, locator), code);
    }
    let gitlab = json!({
        "iid": 12, "state": "opened", "description": good["body"], "target_project_id": 101, "source_project_id": 101,
        "target_branch": "main", "source_branch": "countersign/set-image/web-0123456789ab", "sha": "b".repeat(40),
    });
    refutes(judge(&gitlab, "gitlab:acme/shop#12"), "forge.mismatch");
    judge(&json!({"message": "Not Found"}), locator).fails_with(&["a member is missing"]);
    let people = text(put(
        folder.path(),
        "people.toml",
        "[[approver]]\nid = \"dana\"\njwk = {kty = \"OKP\", crv = \"Ed25519\", x = \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}\n",
    ));
    let tokens = text(put(folder.path(), "tokens", ""));
    let pull = text(put(folder.path(), "pull.json", good.to_string()));
    let all =
        [&[locator, "--key", &key, "--pull", &pull, "--approvers", &people, "--tokens", &tokens][..], &at].concat();
    refutes(attempt(&all), "approvals.short");
    let tokens = put(folder.path(), "tokens", "eyJhbGciOiJub25lIn0.e30.\n");
    assert!(tokens.exists());
    refutes(attempt(&all), "approvals.mismatch");
}
