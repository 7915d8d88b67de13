//! What the documents tell people without countersign to do, done as it is written there.

use crate::demo::kept;
use crate::folders::put;
use crate::run::{Ran, countersign, finish, installed, text};
use std::path::{Path, PathBuf};
use std::process::Command;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The shell parts of a document, in order.
fn recipes(name: &str, fence: &str) -> Vec<String> {
    let text = document(name);
    let parts = text.split(fence).skip(1).map(|part| part.split("```").next().unwrap().to_owned());
    parts.collect()
}

/// Runs a recipe in a folder with the body and the key where the document says they are.
fn follow(recipe: &str, folder: &Path, files: &[(&str, PathBuf)]) -> Ran {
    for (name, from) in files {
        let to = folder.join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
    let mut command = Command::new("sh");
    command.current_dir(folder).args(["-e", "-c", recipe]);
    finish(command, Vec::new())
}

#[test]
fn openssl_and_jq_come_to_the_same_as_the_documents_say() {
    if !installed(&["openssl", "jq", "base64", "sed", "git"]) {
        return;
    }
    let kept = kept();
    let [proof, change] = recipes("docs/verify.md", "```sh\n").try_into().unwrap();
    let readme = recipes("README.md", "```\n").into_iter().find(|part| part.contains("openssl pkeyutl")).unwrap();
    let readme = readme.replace("pulls/74.md", "body.md").replace("keys/attestation.pem", "attestation.pem");
    let other = tempfile::tempdir().unwrap();
    countersign(["keys", "generate", "--directory", &text(other.path())]).code(0);
    for recipe in [&proof, &readme] {
        let folder = tempfile::tempdir().unwrap();
        let good = [("body.md", kept.body("by-itself")), ("attestation.pem", kept.key())];
        follow(recipe, folder.path(), &good).code(0);
        let payload: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("payload.json")).unwrap()).unwrap();
        assert_eq!(payload, kept.statement("by-itself"));
        let bad = [("body.md", kept.body("by-itself")), ("attestation.pem", other.path().join("attestation.pem"))];
        assert_ne!(follow(recipe, tempfile::tempdir().unwrap().path(), &bad).code, 0);
    }
    // The change set, from git alone.
    let folder = tempfile::tempdir().unwrap();
    let files = [("body.md", kept.body("by-itself")), ("attestation.pem", kept.key())];
    let git = format!("export GIT_DIR='{}'\n", text(kept.home.join("repos/shop.git")));
    follow(&format!("{proof}{git}{change}"), folder.path(), &files).code(0);
    let wrong = format!("{proof}{git}{}", change.replace("head.sha payload.json)^", "base.sha payload.json)^"));
    assert_ne!(follow(&wrong, tempfile::tempdir().unwrap().path(), &files).code, 0);
}

/// The workflow takes its key, its approvers and itself from the base branch, and runs nothing of the head.
#[test]
fn tm42_the_required_check_reads_nothing_of_the_pull_requests_branch() {
    let text = document("deploy/verify/github-required-check.yml");
    let plain: String = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    assert!(plain.contains("pull_request_target:") && !plain.contains("pull_request:"));
    assert!(plain.contains("ref: ${{ github.event.pull_request.base.sha }}"));
    assert_eq!(plain.matches("actions/checkout").count(), 1, "the head is fetched, never checked out");
    for word in ["git checkout", "git switch", "contents: write", "secrets."] {
        assert!(!plain.contains(word), "{word}");
    }
    // No text of the pull request is put into a script.
    let script = plain.split("run: |").nth(1).unwrap();
    assert!(!script.contains("${{"), "{script}");
    assert!(script.contains("countersign verify pr \"$LOCATOR\" --key .github/countersign/attestation.pem"));
    let tools = document("docs/verify.md");
    assert!(tools.contains("deploy/verify/github-required-check.yml"));
}

#[test]
fn the_python_verifier_says_what_the_vectors_say() {
    if !crate::python::python() {
        return;
    }
    let vectors: serde_json::Value = serde_json::from_str(&document("fixtures/vectors/attestation.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = put(folder.path(), "key.pem", vectors["key"].as_str().unwrap());
    let (mut judged, mut left) = (0, 0);
    for case in vectors["cases"].as_array().unwrap() {
        if case["typesOnly"] == true {
            left += 1;
            continue;
        }
        let body = put(folder.path(), "body.md", case["body"].as_str().unwrap());
        let ran = crate::python::script(&body, &key, case["at"].as_str().unwrap());
        let (name, code) = (case["name"].as_str().unwrap(), case["code"].as_str().unwrap());
        if case["verdict"] == "proven" {
            assert_eq!(ran.code, 0, "{name}: {}", ran.out);
        } else {
            assert_eq!(ran.code, 4, "{name}: {}", ran.out);
            assert!(ran.out.starts_with(&format!("{code}:")), "{name}: {code} against {}", ran.out);
        }
        judged += 1;
    }
    assert!(judged > 90, "{judged} cases, {left} left out");
}
