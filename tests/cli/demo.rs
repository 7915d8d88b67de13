//! `demo`, played once for all tests that look at what it leaves.

use crate::folders::{copy, put};
use crate::run::{countersign, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// What the demo left: the folder it was told to keep, and what it printed.
pub(crate) struct Kept {
    pub(crate) home: PathBuf,
    pub(crate) report: Value,
}

/// The demo, played once.
pub(crate) fn kept() -> &'static Kept {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    KEPT.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo-of-the-cli-tests");
        if home.exists() {
            std::fs::remove_dir_all(&home).unwrap();
        }
        let ran = countersign(["demo", "--output", "json", "--keep", &text(&home)]).code(0);
        Kept { report: ran.json(), home }
    })
}

impl Kept {
    /// A copy of the folder that may be changed.
    pub(crate) fn copy(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for part in ["data", "repos"] {
            copy(&self.home.join(part), &folder.path().join(part));
        }
        std::fs::copy(self.home.join("settings.toml"), folder.path().join("settings.toml")).unwrap();
        folder
    }

    /// A proposal by its name, as the report tells of it.
    pub(crate) fn proposal(&self, name: &str) -> &Value {
        let all = self.report["proposals"].as_array().unwrap();
        all.iter().find(|proposal| proposal["name"] == name).unwrap_or_else(|| panic!("no proposal {name}"))
    }

    /// The body of the pull request of a proposal.
    pub(crate) fn body(&self, name: &str) -> PathBuf {
        self.home.join(format!("pulls/{}.md", self.proposal(name)["pull"]))
    }

    /// The moment at which a proposal was attested.
    pub(crate) fn attested(&self, name: &str) -> String {
        self.proposal(name)["attested"].as_str().unwrap().to_owned()
    }

    /// The public key that attestations are verified with.
    pub(crate) fn key(&self) -> PathBuf {
        self.home.join("keys/attestation.pem")
    }

    /// The statement of an attestation that verifies.
    pub(crate) fn statement(&self, name: &str) -> Value {
        let (body, key, at) = (text(self.body(name)), text(self.key()), self.attested(name));
        let ran = countersign(["verify", "--output", "json", "--body", &body, "--key", &key, "--at", &at]);
        ran.code(0).json()["statement"].clone()
    }
}

#[test]
fn one_json_object_tells_everything() {
    let report = &kept().report;
    let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    let documented = [
        "proposals",
        "merges",
        "refusals",
        "left_to_people",
        "attestations_verified",
        "replayed",
        "audit_verified",
        "audit_entries",
        "audit_root",
    ];
    assert_eq!(keys, documented);
    let merges = report["merges"].as_array().unwrap();
    let alone: Vec<&Value> = merges.iter().filter(|merge| merge["auto"] == true).collect();
    let names: Vec<&str> = alone.iter().map(|merge| merge["proposal"].as_str().unwrap()).collect();
    assert_eq!(names, ["by-itself", "turned-bad"], "these merged by themselves");
    let proposals = report["proposals"].as_array().unwrap();
    let at = proposals.iter().position(|proposal| proposal["name"] == "turned-bad").unwrap();
    let (bad, back) = (&proposals[at], &proposals[at + 1]);
    assert_eq!((bad["outcome"].as_str(), bad["reason"]["code"].as_str()), (Some("bad"), Some("reported_bad")));
    assert!(back["name"].as_str().unwrap().starts_with("turned-bad-revert-"), "{back}");
    assert_eq!((back["stage"].as_str(), back["auto"].as_bool()), (Some("open"), Some(false)), "a person merges it");
    assert_eq!(report["replayed"], json!(merges.len()));
    assert_eq!(report["audit_verified"], true);
    let left: Vec<&str> =
        report["left_to_people"].as_array().unwrap().iter().map(|l| l["proposal"].as_str().unwrap()).collect();
    assert_eq!(left, ["body-edited", "branch-pushed"]);
    let codes: Vec<&str> = report["refusals"].as_array().unwrap().iter().map(|r| r["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["proposer_mismatch", "protected_namespace"]);
}

#[test]
fn the_kept_folder_has_all_of_it() {
    let kept = kept();
    let written: Value = serde_json::from_slice(&std::fs::read(kept.home.join("demo.json")).unwrap()).unwrap();
    assert_eq!(written, kept.report, "demo.json is what was printed");
    assert!(kept.home.join("repos/shop.git/HEAD").is_file());
    let pem = std::fs::read_to_string(kept.key()).unwrap();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{pem}");
    for name in ["entries.ndjson", "manifest.json", "checkpoint", "log.pem", "log.vkey"] {
        assert!(kept.home.join("export").join(name).is_file(), "{name}");
    }
    for proposal in kept.report["proposals"].as_array().unwrap() {
        if let Some(number) = proposal["pull"].as_u64() {
            let body = std::fs::read_to_string(kept.home.join(format!("pulls/{number}.md"))).unwrap();
            assert!(body.contains("\n-----BEGIN COUNTERSIGN ATTESTATION-----\n"), "{number}");
        }
        let document = kept.home.join(format!("proposals/{}.json", proposal["name"].as_str().unwrap()));
        let digest = countersign(["digest", "--output", "json", &text(document)]).code(0).json();
        assert_eq!(digest["digest"], proposal["digest"]);
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = put(folder.path(), "mine.txt", "mine");
    let place = text(folder.path());
    countersign(["demo", "--keep", &place]).fails_with(&[&place, "is not empty", "name a new folder"]);
    assert_eq!(std::fs::read(file).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
