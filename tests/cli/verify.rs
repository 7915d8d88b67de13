//! `verify` and `replay`: what a stranger can prove with a body, a key and a clone.

use crate::demo::kept;
use crate::folders::put;
use crate::run::{Ran, binary, countersign, finish, text};
use serde_json::Value;
use std::path::Path;

fn verify(body: &Path, key: &Path, at: Option<&str>) -> Ran {
    let mut arguments = vec!["verify".to_owned(), "--output".into(), "json".into()];
    arguments.extend(["--body".to_owned(), text(body), "--key".into(), text(key)]);
    arguments.extend(at.into_iter().flat_map(|at| ["--at".to_owned(), at.to_owned()]));
    countersign(arguments)
}

#[track_caller]
fn refutes(ran: Ran, code: &str) {
    let answer = ran.code(4).json();
    assert_eq!(answer["verified"], false);
    assert_eq!(answer["code"], code, "{answer}");
    assert!(answer["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{answer}");
}

#[test]
fn a_body_verifies_with_its_key_at_its_time() {
    let kept = kept();
    let at = kept.attested("by-itself");
    let answer = verify(&kept.body("by-itself"), &kept.key(), Some(&at)).code(0).json();
    assert_eq!(answer["verified"], true);
    let predicate = &answer["statement"]["predicate"];
    let proposal = kept.proposal("by-itself");
    assert_eq!(predicate["binding"]["proposal"]["digest"], proposal["digest"]);
    assert_eq!(predicate["binding"]["pr"]["number"], proposal["pull"]);
    assert_eq!(predicate["trust"]["good"], 73);
    assert_eq!(predicate["issuedAt"], at);
    let (body, key) = (text(kept.body("by-itself")), text(kept.key()));
    let words = countersign(["verify", "--body", &body, "--key", &key, "--at", &at]).code(0).out;
    assert!(words.starts_with("verified: signed by key "), "{words}");
}

#[test]
fn a_body_that_a_web_page_saved_again_verifies_and_standard_input_works() {
    let kept = kept();
    let at = kept.attested("by-itself");
    let body = std::fs::read_to_string(kept.body("by-itself")).unwrap().replace('\n', "\r\n");
    let mut command = binary();
    command.args(["verify", "--body", "-", "--key", &text(kept.key()), "--at", &at]);
    finish(command, body.into_bytes()).code(0);
}

#[test]
fn an_edited_body_is_not_proven() {
    let kept = kept();
    let at = kept.attested("body-edited");
    refutes(verify(&kept.body("body-edited"), &kept.key(), Some(&at)), "body_changed");
    let folder = tempfile::tempdir().unwrap();
    let body = std::fs::read_to_string(kept.body("by-itself")).unwrap();
    let at = kept.attested("by-itself");
    let cases = [
        ("signed-text", body.replace("`\"2.0\"`", "`\"2.1\"`"), "body_changed"),
        ("no-block", body.split("-----BEGIN").next().unwrap().to_owned(), "attestation.missing"),
        ("two-blocks", format!("{body}\n{body}"), "attestation.ambiguous"),
        ("cut", body.replace("-----END COUNTERSIGN ATTESTATION-----", ""), "attestation.malformed"),
        ("empty", String::new(), "attestation.missing"),
    ];
    for (name, changed, code) in cases {
        assert_ne!(changed, body, "{name}");
        refutes(verify(&put(folder.path(), name, changed), &kept.key(), Some(&at)), code);
    }
    refutes(verify(&put(folder.path(), "binary", [0xff, 0xfe, 0]), &kept.key(), Some(&at)), "attestation.malformed");
}

#[test]
fn another_key_or_another_time_is_not_enough() {
    let kept = kept();
    let (body, at) = (kept.body("by-itself"), kept.attested("by-itself"));
    let folder = tempfile::tempdir().unwrap();
    countersign(["keys", "generate", "--directory", &text(folder.path())]).code(0);
    refutes(verify(&body, &folder.path().join("attestation.pem"), Some(&at)), "key.unknown");
    refutes(verify(&body, &kept.key(), Some("2026-03-12T10:00:00Z")), "attestation.expired");
    refutes(verify(&body, &kept.key(), None), "attestation.expired");
    refutes(verify(&body, &kept.key(), Some("2026-03-01T00:00:00Z")), "attestation.not_yet");
}

#[test]
fn what_cannot_be_read_is_an_error_that_names_it() {
    let kept = kept();
    let (body, at) = (kept.body("by-itself"), kept.attested("by-itself"));
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no.pem");
    verify(&body, &missing, Some(&at)).fails_with(&[&text(&missing), "cannot read the key"]);
    let noise = put(folder.path(), "noise.pem", "not a key");
    verify(&body, &noise, Some(&at)).fails_with(&[&text(&noise)]);
    verify(&missing, &kept.key(), Some(&at)).fails_with(&[&text(&missing)]);
    verify(&body, &kept.key(), Some("yesterday")).fails_with(&["--at", "yesterday"]);
}

/// The commit names of an attestation.
fn commits(statement: &Value) -> (String, String) {
    let sha = |side: &str| statement["predicate"]["binding"][side]["sha"].as_str().unwrap().to_owned();
    (sha("base"), sha("head"))
}

fn replay(repository: &Path, document: &Path, base: &str, head: &str) -> Ran {
    let (repository, document) = (text(repository), text(document));
    let mut arguments = vec!["replay", "--output", "json", "--proposal", &document, "--repository", &repository];
    arguments.extend(["--base", base, "--head", head]);
    countersign(arguments)
}

#[test]
fn a_replay_gives_the_attested_head() {
    let kept = kept();
    let (repository, document) = (kept.home.join("repos/shop.git"), kept.home.join("proposals/by-itself.json"));
    let statement = kept.statement("by-itself");
    let (base, head) = commits(&statement);
    let answer = replay(&repository, &document, &base, &head).code(0).json();
    assert_eq!(answer["equal"], true);
    assert_eq!(answer["replayed"], answer["head"]);
    assert_eq!(answer["changeset"], statement["predicate"]["binding"]["change"]["changeset"]);
    assert_eq!(answer["replayed"], statement["predicate"]["binding"]["merge"]["tree"]);
}

#[test]
fn a_replay_finds_another_head() {
    let kept = kept();
    let (repository, document) = (kept.home.join("repos/shop.git"), kept.home.join("proposals/by-itself.json"));
    let (base, head) = commits(&kept.statement("by-itself"));
    let (_, other) = commits(&kept.statement("in-production"));
    let answer = replay(&repository, &document, &base, &other).code(4).json();
    assert_eq!(answer["code"], "replay.mismatch", "{answer}");
    let answer = replay(&repository, &kept.home.join("proposals/in-production.json"), &base, &head).code(4).json();
    assert_eq!(answer["code"], "replay.mismatch", "{answer}");
}

#[test]
fn a_replay_writes_nothing_and_names_what_is_not_there() {
    let kept = kept();
    let folder = kept.copy();
    let repository = folder.path().join("repos/shop.git");
    let document = kept.home.join("proposals/in-production.json");
    let (base, head) = commits(&kept.statement("in-production"));
    let before = crate::folders::snapshot(&repository);
    replay(&repository, &document, &base, &head).code(0);
    assert_eq!(crate::folders::snapshot(&repository), before, "a replay adds no object");
    let nowhere = "0123456789012345678901234567890123456789";
    replay(&repository, &document, nowhere, &head).fails_with(&[nowhere]);
    replay(&repository, &document, "main", &head).fails_with(&["--base", "main"]);
    let missing = folder.path().join("nothing.git");
    replay(&missing, &document, &base, &head).fails_with(&[&text(&missing)]);
}

#[test]
fn a_replay_with_a_body_asks_for_its_signature() {
    let kept = kept();
    let (repository, document) =
        (text(kept.home.join("repos/shop.git")), text(kept.home.join("proposals/by-itself.json")));
    let (base, head) = commits(&kept.statement("by-itself"));
    let key = text(kept.key());
    let with = |body: &str| {
        let mut arguments = vec!["replay", "--output", "json", "--proposal", &document, "--repository", &repository];
        arguments.extend(["--base", &base, "--head", &head, "--body", body, "--key", &key]);
        countersign(arguments)
    };
    with(&text(kept.body("by-itself"))).code(0);
    refutes(with(&text(kept.body("body-edited"))), "body_changed");
    refutes(with(&text(kept.body("in-production"))), "proposal.digest");
}
