//! `deploy/verify/verify.py`, written apart from countersign, comes to the same verdicts with the same reasons.

use crate::demo::kept;
use crate::folders::put;
use crate::run::{Ran, countersign, finish, text};
use std::path::Path;
use std::process::Command;

/// Whether Python and the one package are there; says so if not.
pub(crate) fn python() -> bool {
    let asked = Command::new("python3").args(["-c", "import cryptography"]).output();
    let there = asked.is_ok_and(|answer| answer.status.success());
    if !there {
        eprintln!("skipped: python3 with the package `cryptography` is not installed");
    }
    there
}

pub(crate) fn script(body: &Path, key: &Path, at: &str) -> Ran {
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/verify/verify.py")).arg(body).arg(key).arg(at);
    finish(command, Vec::new())
}

fn ours(body: &Path, key: &Path, at: &str) -> (i32, String) {
    let ran = countersign(["verify", "--output", "json", "--body", &text(body), "--key", &text(key), "--at", at]);
    let code = ran.json()["code"].as_str().unwrap_or_default().to_owned();
    (ran.code, code)
}

/// Bodies that differ from a good one in one way each.
fn variants(body: &str) -> Vec<(String, String)> {
    let begin = body.find("-----BEGIN").unwrap();
    let armor = begin + body[begin..].find('\n').unwrap() + 1;
    let end = body.find("-----END").unwrap();
    let mut all = vec![
        ("as it is".to_owned(), body.to_owned()),
        ("saved again".into(), body.replace('\n', "\r\n")),
        ("text in front and behind".into(), format!("hello\n\n{body}\n\nbye\n")),
        ("blanks at line ends".into(), body.replace("\n\n", "  \n\t\n")),
        ("twice".into(), format!("{body}\n{body}")),
        ("nothing".into(), String::new()),
        ("no end".into(), body.replace("-----END", "----END")),
        ("no begin".into(), body.replace("-----BEGIN", "----BEGIN")),
        ("a blank before the end".into(), body.replace("-----END", " -----END")),
        ("a lone carriage return".into(), body.replacen("the ", "the\r", 1)),
        ("first line twice".into(), format!("### countersign: attested remediation\n{body}")),
        ("no first line".into(), body.replace("### countersign: attested remediation", "### other")),
        ("padded".into(), format!("{}=\n{}", &body[..end - 1], &body[end..])),
        ("a line too short".into(), format!("{}\n{}", &body[..armor + 10], &body[armor + 10..])),
        ("cut armor".into(), format!("{}{}", &body[..armor], &body[end..])),
    ];
    for n in (0..end - 1 - armor).step_by(389) {
        let at = armor + n;
        let other = if body.as_bytes()[at] == b'A' { "B" } else { "A" };
        if body.as_bytes()[at] != b'\n' {
            all.push((format!("armor character {n}"), format!("{}{other}{}", &body[..at], &body[at + 1..])));
        }
    }
    all
}

#[test]
fn the_python_verifier_comes_to_the_same() {
    if !python() {
        return;
    }
    let kept = kept();
    let folder = tempfile::tempdir().unwrap();
    let (key, at) = (kept.key(), kept.attested("by-itself"));
    let body = std::fs::read_to_string(kept.body("by-itself")).unwrap();
    let mut good = 0;
    for (name, changed) in variants(&body) {
        let file = put(folder.path(), "body.md", changed);
        let (theirs, (code, reason)) = (script(&file, &key, &at), ours(&file, &key, &at));
        assert_eq!(theirs.code, code, "{name}: {} against {reason}", theirs.out);
        match code {
            0 => good += 1,
            _ => assert!(theirs.out.starts_with(&format!("{reason}:")), "{name}: {} against {reason}", theirs.out),
        }
    }
    assert!(good >= 4, "{good} of the bodies are good");
    for time in ["2026-03-01T00:00:00Z", "2026-03-12T10:00:00Z"] {
        let file = kept.body("by-itself");
        let (theirs, (code, reason)) = (script(&file, &key, time), ours(&file, &key, time));
        assert_eq!((theirs.code, code), (4, 4));
        assert!(theirs.out.starts_with(&format!("{reason}:")), "{time}: {} against {reason}", theirs.out);
    }
}

fn proves(export: &Path, more: &[&Path]) -> Ran {
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/verify/verify_export.py")).arg(export).args(more);
    finish(command, Vec::new())
}

#[test]
fn the_python_verifier_of_exports_reads_the_files_themselves() {
    if !python() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(kept().home.join("export")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), home.path().join(entry.file_name())).unwrap();
    }
    let (export, key) = (home.path().to_owned(), home.path().join("log.pem"));
    let root = kept().report["audit_root"].as_str().unwrap();
    let told = proves(&export, &[]).code(0).out;
    assert!(told.contains("internally consistent") && told.contains(root), "{told}");
    let told = proves(&export, &[&key, &export.join("checkpoint")]).code(0).out;
    assert!(told.contains("consistent with the checkpoint"), "{told}");
    proves(&export, &[&kept().key()]).code(4);
    let entries = export.join("entries.ndjson");
    let text = std::fs::read_to_string(&entries).unwrap();
    for (name, changed) in [
        ("a line more", format!("{text}\n")),
        ("the last line gone", text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n"),
        ("a type", text.replacen("push.intent", "push.result", 1)),
        ("a blank", text.replacen("{\"index\"", "{ \"index\"", 1)),
        ("nothing", String::new()),
    ] {
        std::fs::write(&entries, changed).unwrap();
        let theirs = proves(&export, &[]);
        let ours = countersign(["audit", "verify", &crate::run::text(&export)]);
        assert_eq!((theirs.code, ours.code), (4, 4), "{name}: {} {}", theirs.out, ours.out);
    }
}
