//! The published vectors in `fixtures/vectors`: made with test keys, the same bytes every time, and judged by the
//! verifier they are meant for. `COUNTERSIGN_WRITE_VECTORS=1` writes them anew.

mod attestation;
mod export;
mod token;

use serde_json::Value;
use std::path::PathBuf;

/// The file of a set of vectors.
fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors").join(format!("{name}.json"))
}

/// Compares what was made with what is published, or publishes it; the published cases.
fn published(name: &str, made: &Value) -> Vec<Value> {
    let text = format!("{}\n", serde_json::to_string_pretty(made).unwrap());
    let path = place(name);
    if std::env::var_os("COUNTERSIGN_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(found == text, "{} is not what is made now: write it with COUNTERSIGN_WRITE_VECTORS=1", path.display());
    let cases = serde_json::from_str::<Value>(&found).unwrap()["cases"].as_array().unwrap().clone();
    let names: std::collections::BTreeSet<&str> = cases.iter().map(|case| case["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), cases.len(), "{name}: each case has a name of its own");
    cases
}

/// A verdict and a reason code as a vector says them.
fn verdict(result: Result<(), String>) -> (&'static str, String) {
    match result {
        Ok(()) => ("proven", String::new()),
        Err(code) => ("refused", code),
    }
}

/// `deploy/verify`'s verifiers, written apart from countersign, come to the published verdicts and reasons.
#[test]
fn the_python_verifiers_agree() {
    let asked = std::process::Command::new("python3").args(["-c", "import cryptography"]).output();
    if !asked.is_ok_and(|answer| answer.status.success()) {
        println!("skipped: python3 with the package `cryptography` is not installed");
        return;
    }
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/verify/check_vectors.py");
    let mut command = std::process::Command::new("python3");
    command.arg(script).arg(place("token").parent().unwrap()).env("PYTHONDONTWRITEBYTECODE", "1");
    let ran = command.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    for name in ["token", "export"] {
        let cases: Value = serde_json::from_str(&std::fs::read_to_string(place(name)).unwrap()).unwrap();
        let count = cases["cases"].as_array().unwrap().len();
        assert!(said.contains(&format!("{count} {name} vectors")), "{said}");
    }
}
