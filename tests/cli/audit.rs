//! `audit`: an export that proves itself, and every way to break one.

use crate::demo::kept;
use crate::folders::{copy, put};
use crate::run::{Ran, countersign, text};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

fn verify(export: &Path, more: &[&str]) -> Ran {
    let export = text(export);
    let mut arguments = vec!["audit", "verify", "--output", "json", &export];
    arguments.extend(more);
    countersign(arguments)
}

/// The kept export with its lines changed, in a new folder.
fn with_lines(change: impl FnOnce(&mut Vec<String>)) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&kept().home.join("export"), folder.path());
    let path = folder.path().join("entries.ndjson");
    let mut lines: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    change(&mut lines);
    std::fs::write(path, lines.join("\n") + "\n").unwrap();
    folder
}

#[test]
fn an_export_is_consistent_with_itself() {
    let kept = kept();
    let answer = verify(&kept.home.join("export"), &[]).code(0).json();
    assert_eq!(answer["verified"], true);
    assert_eq!(answer["report"]["mode"], "consistent");
    assert_eq!(answer["report"]["size"], kept.report["audit_entries"]);
    assert_eq!(answer["report"]["root"], kept.report["audit_root"]);
    let words = countersign(["audit", "verify", &text(kept.home.join("export"))]).code(0).out;
    assert!(words.contains("internally consistent"), "{words}");
}

#[test]
fn a_kept_checkpoint_proves_more() {
    let export = kept().home.join("export");
    let answer = verify(&export, &["--require", "checkpoint"]).code(4).json();
    assert!(answer["reason"].as_str().unwrap().contains("--checkpoint"), "{answer}");
    let (checkpoint, key) = (text(export.join("checkpoint")), text(export.join("log.pem")));
    let kept = ["--require", "checkpoint", "--checkpoint", &checkpoint, "--key", &key];
    assert_eq!(verify(&export, &kept).code(0).json()["report"]["mode"], "checkpoint");
    let other = text(crate::demo::kept().key());
    verify(&export, &["--checkpoint", &checkpoint, "--key", &other]).code(4);
    verify(&export, &["--checkpoint", &checkpoint]).code(2);
    // A checkpoint that came with the export is not one that was kept.
    let own = verify(&export, &["--key", &key]).code(0).json();
    assert_eq!(own["report"]["mode"], "signed");
    verify(&export, &["--key", &key, "--require", "checkpoint"]).code(4);
    verify(&export, &["--checkpoint", "/nowhere/checkpoint", "--key", &key]).fails_with(&["/nowhere/checkpoint"]);
}

#[test]
fn a_log_that_was_begun_anew_does_not_fit_the_kept_checkpoint() {
    let export = kept().home.join("export");
    let (checkpoint, key) = (text(export.join("checkpoint")), text(export.join("log.pem")));
    let folder = with_lines(|lines| lines.truncate(100));
    forge_manifest(folder.path(), 100);
    let answer = verify(folder.path(), &["--checkpoint", &checkpoint, "--key", &key]).code(4).json();
    assert!(answer["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{answer}");
}

/// A manifest that agrees with a shorter file in all but the root.
fn forge_manifest(folder: &Path, size: u64) {
    let path = folder.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    manifest["size"] = size.into();
    put(folder, "manifest.json", manifest.to_string());
}

#[test]
fn the_first_bad_entry_is_named() {
    type Change = fn(&mut Vec<String>);
    let cases: [(&str, Change, u64); 7] = [
        ("removed", |lines| drop(lines.remove(40)), 40),
        ("twice", |lines| lines.insert(41, lines[40].clone()), 41),
        ("swapped", |lines| lines.swap(40, 41), 40),
        ("payload of another", |lines| lines[40] = payload_of(&lines[40], &lines[42]), 40),
        ("another index", |lines| lines[40] = lines[40].replacen("\"index\":40", "\"index\":41", 1), 40),
        ("no JSON", |lines| lines[40].truncate(100), 40),
        ("the last one gone", |lines| drop(lines.pop()), kept().report["audit_entries"].as_u64().unwrap() - 1),
    ];
    for (name, change, index) in cases {
        let answer = verify(with_lines(change).path(), &[]).code(4).json();
        let reason = answer["reason"].as_str().unwrap();
        assert!(reason.starts_with(&format!("entry {index}: ")), "{name}: {reason}");
    }
}

/// A line with the payload of another.
fn payload_of(line: &str, other: &str) -> String {
    let mut entry: Value = serde_json::from_str(line).unwrap();
    let other: Value = serde_json::from_str(other).unwrap();
    for member in ["payload_b64", "nonce"] {
        entry[member] = other[member].clone();
    }
    entry.to_string()
}

#[test]
fn one_changed_byte_anywhere_is_found() {
    let size = std::fs::metadata(kept().home.join("export/entries.ndjson")).unwrap().len();
    let folder = with_lines(|_| {});
    let path = folder.path().join("entries.ndjson");
    let bytes = std::fs::read(&path).unwrap();
    for n in 0..24_usize {
        let at = usize::try_from(size).unwrap() / 24 * n + 7 * n;
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        let answer = verify(folder.path(), &[]).code(4).json();
        assert_eq!(answer["verified"], false, "byte {at}");
    }
}

#[test]
fn the_text_for_people_says_what_the_leaf_says() {
    let folder = with_lines(|lines| lines[40] = lines[40].replacen("\"decision\":\"", "\"decision\":\"x", 1));
    let answer = verify(folder.path(), &[]).code(4).json();
    assert!(answer["reason"].as_str().unwrap().contains("readable copy"), "{answer}");
}

#[test]
fn an_export_is_written_from_the_database_once() {
    let home = kept().copy();
    let settings = text(home.path().join("settings.toml"));
    let to = text(home.path().join("export"));
    let export = || countersign(["--config", &settings, "audit", "export", &to, "--tenant", "acme"]);
    export().code(0);
    assert_eq!(verify(Path::new(&to), &[]).code(0).json()["report"]["root"], kept().report["audit_root"]);
    export().fails_with(&[&to, "name a folder that does not exist"]);
    let other = countersign(["--config", &settings, "audit", "export", "/nowhere/x", "--tenant", "umbrella"]);
    other.fails_with(&["umbrella"]);
}
