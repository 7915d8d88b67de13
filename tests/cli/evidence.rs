//! Proofs about the log, redaction, holds and a tenant's end, through the binary.

use crate::demo::kept;
use crate::folders::put;
use crate::run::{Ran, countersign, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A copy of the demo's data, and the settings to use it with.
fn home() -> (TempDir, String) {
    let home = kept().copy();
    let settings = text(home.path().join("settings.toml"));
    (home, settings)
}

fn audit(settings: &str, arguments: &[&str]) -> Ran {
    let all = [&["--output", "json", "--config", settings, "audit"][..], arguments].concat();
    countersign(all)
}

fn log_key() -> String {
    text(kept().home.join("export/log.pem"))
}

fn saved(home: &TempDir, name: &str, ran: Ran) -> PathBuf {
    put(home.path(), name, ran.code(0).json()["proof"].as_str().unwrap())
}

fn export(home: &TempDir, settings: &str, name: &str) -> PathBuf {
    let to = home.path().join(name);
    audit(settings, &["export", &text(&to), "--tenant", "acme"]).code(0);
    to
}

const DECIDED: [&str; 6] = ["--reason", "art. 17 request", "--by", "dana", "--by", "kim"];

#[test]
fn l23_a_proof_of_an_entry_is_verified_with_the_logs_key() {
    let (home, settings) = home();
    let key = log_key();
    let proof = saved(&home, "entry.proof", audit(&settings, &["prove", "--tenant", "acme", "--index", "40"]));
    let answer = audit(&settings, &["verify-proof", &text(&proof), "--key", &key]).code(0).json();
    assert_eq!((answer["proof"]["index"].clone(), answer["proof"]["leaf"]["seq"].clone()), (json!(40), json!(40)));
    assert_eq!(answer["proof"]["root"], kept().report["audit_root"]);
    let written = std::fs::read_to_string(&proof).unwrap();
    for (name, bad) in [
        ("index", written.replace("index 40", "index 41")),
        ("leaf", written.replacen("extra ey", "extra ez", 1)),
        ("empty", String::new()),
    ] {
        let bad = put(home.path(), name, bad);
        audit(&settings, &["verify-proof", &text(&bad), "--key", &key]).code(4);
    }
    let other = text(kept().key());
    audit(&settings, &["verify-proof", &text(&proof), "--key", &other]).code(4);
    audit(&settings, &["prove", "--tenant", "acme", "--index", "99999"]).fails_with(&["entry 99999"]);
    audit(&settings, &["prove", "--tenant", "acme"]).code(2);
}

#[test]
fn l3_each_earlier_log_is_the_beginning_of_this_one() {
    let (home, settings) = home();
    let key = log_key();
    let size = kept().report["audit_entries"].as_u64().unwrap();
    for old in [1, 2, 255, 256, 257, size - 1, size] {
        let of = old.to_string();
        // A letter about the last entry of a smaller log carries that log's checkpoint.
        let last = (old - 1).to_string();
        let early =
            saved(&home, "early", audit(&settings, &["prove", "--tenant", "acme", "--index", &last, "--size", &of]));
        let note = std::fs::read_to_string(early).unwrap().split_once("\n\n").unwrap().1.to_owned();
        let kept = text(put(home.path(), "kept", note));
        let proof = saved(&home, "growth", audit(&settings, &["prove", "--tenant", "acme", "--old", &of]));
        let proven = audit(&settings, &["verify-proof", &text(&proof), "--key", &key, "--checkpoint", &kept]);
        assert_eq!(proven.code(0).json()["proof"]["old"], json!(old));
        audit(&settings, &["verify-proof", &text(&proof), "--key", &key]).code(4);
        let now = text(home.path().join("now"));
        std::fs::copy(crate::demo::kept().home.join("export/checkpoint"), &now).unwrap();
        let compared = ["compare", &kept, &now, "--key", &key, "--proof", &text(&proof)];
        audit(&settings, &compared).code(0);
        if old != size {
            let told = audit(&settings, &compared[..5]).code(4).json();
            assert!(told["reason"].as_str().unwrap().contains("/v1/audit/proof?old="), "{told}");
        }
    }
}

/// The same key over another history: what a stolen key, or a database that was set back, looks like.
#[test]
fn l6_two_histories_are_evidence_in_one_file() {
    let (home, settings) = home();
    let key = log_key();
    let (ours, theirs) = (kept().home.join("export/checkpoint"), home.path().join("theirs"));
    let note = std::fs::read_to_string(&ours).unwrap();
    let signer = countersign::config::Keys::load(&home.path().join("data/keys")).unwrap().log;
    let opened = countersign::domain::audit::Checkpoint::open(&note, &signer.public()).unwrap();
    let forged = countersign::domain::audit::Checkpoint { root: countersign::domain::ids::Digest([1; 32]), ..opened };
    std::fs::write(&theirs, forged.sign(&signer)).unwrap();
    let evidence = home.path().join("fork.json");
    let arguments = ["compare", &text(&ours), &text(&theirs), "--key", &key, "--evidence", &text(&evidence)];
    let told = audit(&settings, &arguments).code(4).json();
    assert!(told["reason"].as_str().unwrap().contains("two histories"), "{told}");
    let file: Value = serde_json::from_slice(&std::fs::read(&evidence).unwrap()).unwrap();
    assert_eq!(file["checkpoints"][0], json!(note));
    assert_eq!(file["checkpoints"].as_array().unwrap().len(), 2);
    audit(&settings, &arguments).fails_with(&["name a file that does not exist"]);
}

#[test]
fn l21_l25_an_export_twice_is_the_same_bytes_and_every_effect_is_paired() {
    let (home, settings) = home();
    let (one, two) = (export(&home, &settings, "one"), export(&home, &settings, "two"));
    for name in ["entries.ndjson", "manifest.json", "checkpoint", "log.pem", "log.vkey"] {
        assert_eq!(std::fs::read(one.join(name)).unwrap(), std::fs::read(two.join(name)).unwrap(), "{name}");
    }
    let answer = countersign(["audit", "verify", "--output", "json", "--require", "pairs", &text(&one)]).code(0).json();
    let effects = &answer["report"]["effects"];
    assert!(effects["announced"].as_u64().unwrap() > 100, "{effects}");
    assert_eq!(effects["announced"], effects["answered"]);
}

#[test]
fn l22_a_copy_with_some_payloads_still_verifies() {
    let (home, settings) = home();
    let to = text(home.path().join("some"));
    audit(&settings, &["export", &to, "--tenant", "acme", "--only", "merge.result,log.created"]).code(0);
    let key = log_key();
    let answer = countersign(["audit", "verify", "--output", "json", "--key", &key, &to]).code(0).json();
    assert_eq!(answer["report"]["root"], kept().report["audit_root"]);
    assert_eq!(answer["report"]["left_out"].as_u64().unwrap() + 3, kept().report["audit_entries"].as_u64().unwrap());
}

#[test]
fn l17_l19_what_is_redacted_is_gone_and_a_hold_forbids_it() {
    let (home, settings) = home();
    let redact =
        |more: &[&str]| audit(&settings, &[&["redact", "--tenant", "acme", "--index", "1,2"][..], more].concat());
    redact(&["--reason", "x", "--by", "dana"]).fails_with(&["--by", "2 people"]);
    audit(&settings, &["hold", "--tenant", "acme", "--reason", "litigation", "--by", "dana"]).code(0);
    let refused = redact(&DECIDED).code(3).json();
    assert!(refused["refused"].as_str().unwrap().contains("on hold"), "{refused}");
    audit(&settings, &["hold", "--tenant", "acme", "--lift", "--reason", "over", "--by", "dana"])
        .fails_with(&["2 people"]);
    audit(&settings, &[&["hold", "--tenant", "acme", "--lift"][..], &DECIDED].concat()).code(0);
    assert_eq!(redact(&DECIDED).code(0).json()["redacted"], 2);
    let out = export(&home, &settings, "redacted");
    let answer = countersign(["audit", "verify", "--output", "json", &text(&out)]).code(0).json();
    assert_eq!(answer["report"]["redacted"], 2);
    let entries = std::fs::read_to_string(out.join("entries.ndjson")).unwrap();
    let refusal = entries.lines().filter(|line| line.contains("\"type\":\"redaction.refused\"")).count();
    assert_eq!(refusal, 1, "the refusal is an entry");
    let gone: Vec<&str> = entries.lines().filter(|line| line.contains("\"payload_b64\":null")).collect();
    assert_eq!(gone.len(), 2);
    let old =
        audit(&settings, &[&["redact", "--tenant", "acme", "--older-than", "1"][..], &DECIDED].concat()).code(0).json();
    assert!(old["redacted"].as_u64().unwrap() > 800, "{old}");
    countersign(["audit", "verify", &text(export(&home, &settings, "old"))]).code(0);
    audit(&settings, &[&["redact", "--tenant", "acme", "--index", "99999"][..], &DECIDED].concat())
        .fails_with(&["no entry 99999"]);
}

#[test]
fn l19_a_hold_refuses_erasure_and_pruning_and_every_refusal_is_an_entry() {
    let (home, settings) = home();
    audit(&settings, &["hold", "--tenant", "acme", "--reason", "litigation", "--by", "dana"]).code(0);
    let tries: [&[&str]; 4] = [
        &["redact", "--tenant", "acme", "--index", "1"],
        &["redact", "--tenant", "acme", "--older-than", "1"],
        &["prune", "--tenant", "acme", "--before", "256"],
        &["prune", "--tenant", "acme", "--older-than", "1"],
    ];
    for arguments in tries {
        let refused = audit(&settings, &[arguments, &DECIDED].concat()).code(3).json();
        assert!(refused["refused"].as_str().unwrap().contains("on hold"), "{refused}");
    }
    let out = export(&home, &settings, "held");
    let entries = std::fs::read_to_string(out.join("entries.ndjson")).unwrap();
    let last: Vec<Value> = entries.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last: Vec<_> = last[last.len() - 5..]
        .iter()
        .map(|entry| {
            (entry["leaf"]["type"].clone(), entry["leaf"]["decision"].clone(), entry["leaf"]["reason_code"].clone())
        })
        .collect();
    let of = |kind: &str| (json!(kind), json!("refuse"), json!("hold"));
    assert_eq!(last[1..], [of("redaction.refused"), of("redaction.refused"), of("prune.refused"), of("prune.refused")]);
    assert!(!entries.contains("\"payload_b64\":null"), "nothing was taken out");
    let answer = countersign(["audit", "verify", "--output", "json", &text(&out)]).code(0).json();
    assert_eq!((&answer["report"]["redacted"], &answer["report"]["pruned"]), (&json!(0), &json!(0)));
}

#[test]
fn l20_a_pruned_log_is_exported_verified_and_proven_from_its_new_beginning() {
    let (home, settings) = home();
    let (key, kept_before) = (log_key(), text(kept().home.join("export/checkpoint")));
    let prune = |more: &[&str]| audit(&settings, &[&["prune", "--tenant", "acme"][..], more, &DECIDED].concat());
    prune(&["--before", "300"]).fails_with(&["multiple"]);
    let by = prune(&["--before", "512"]).code(0).json()["by"].as_u64().unwrap();
    assert_eq!(by, kept().report["audit_entries"].as_u64().unwrap());
    let out = text(export(&home, &settings, "pruned"));
    let strict = ["verify", &out, "--require", "checkpoint", "--checkpoint", &kept_before, "--key", &key];
    let report = audit(&settings, &strict).code(0).json()["report"].clone();
    assert_eq!((&report["pruned"], &report["size"]), (&json!(512), &json!(by + 1)));
    assert_eq!(report["effects"]["unannounced"], json!([]), "what was announced before is not missed");
    let words = countersign(["audit", "verify", &out]).code(0).out;
    assert!(words.contains("the entries before 512 were pruned"), "{words}");
    audit(&settings, &["prove", "--tenant", "acme", "--index", "40"]).fails_with(&["before 512 were pruned"]);
    let proof = text(saved(&home, "entry.proof", audit(&settings, &["prove", "--tenant", "acme", "--index", "700"])));
    audit(&settings, &["verify-proof", &proof, "--key", &key]).code(0);
    let grown =
        text(saved(&home, "growth", audit(&settings, &["prove", "--tenant", "acme", "--old", &by.to_string()])));
    audit(&settings, &["verify-proof", &grown, "--key", &key, "--checkpoint", &kept_before]).code(0);
    audit(&settings, &[&["redact", "--tenant", "acme", "--index", "3"][..], &DECIDED].concat())
        .fails_with(&["entry 3 was pruned"]);
    let told = prune(&["--older-than", "1"]).code(0).json();
    assert!(told["before"].as_u64().unwrap() >= 512, "{told}");
    countersign(["audit", "verify", &text(export(&home, &settings, "again"))]).code(0);
}

/// How far it is stands on standard error, exactly; a verification that ends leaves nothing behind.
#[test]
fn l26_a_verification_says_how_far_it_is() {
    let (home, _) = home();
    let (export, state) = (text(kept().home.join("export")), text(home.path().join("state")));
    let ran = countersign(["audit", "verify", "--progress", "--resume", &state, &export]).code(0);
    let all = kept().report["audit_entries"].as_u64().unwrap();
    assert!(ran.err.contains(&format!("100 % ({all} of {all} entries)")), "{}", ran.err);
    assert!(ran.err.contains(&format!("50 % ({} of {all} entries)", all.div_ceil(2))), "{}", ran.err);
    assert!(!Path::new(&state).exists());
}

#[test]
fn a_tenant_is_deleted_with_a_signed_receipt() {
    let (home, settings) = home();
    let receipt = home.path().join("acme.receipt");
    let delete = |confirm: &str| {
        let arguments =
            ["--output", "json", "--config", &settings, "tenant", "delete", "acme", "--confirm", confirm, "--receipt"];
        countersign(arguments.into_iter().map(str::to_owned).chain([text(&receipt)]))
    };
    delete("acme").fails_with(&["still list"]);
    let path = Path::new(&settings);
    let listed = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, listed.split("[[tenant]]").next().unwrap()).unwrap();
    delete("amce").fails_with(&["--confirm"]);
    let told = delete("acme").code(0).json();
    assert_eq!(told["rows"]["audit_leaf"], kept().report["audit_entries"]);
    let envelope: Value = serde_json::from_slice(&std::fs::read(&receipt).unwrap()).unwrap();
    assert_eq!(envelope["payloadType"], "application/vnd.countersign.deletion+json");
    let keys = countersign::config::Keys::load(&home.path().join("data/keys")).unwrap();
    let note = told["checkpoint"].as_str().unwrap();
    let last = countersign::domain::audit::Checkpoint::open(note, &keys.log.public()).unwrap();
    assert_eq!(json!(last.root), kept().report["audit_root"]);
    delete("acme").fails_with(&["acme"]);
    std::fs::write(path, listed).unwrap();
    let fresh = export(&home, &settings, "fresh");
    let entries = std::fs::read_to_string(fresh.join("entries.ndjson")).unwrap();
    assert_eq!(entries.lines().count(), 1, "a tenant of that name begins anew");
}

#[test]
fn the_bench_measures() {
    let answer = countersign(["audit", "bench", "--output", "json", "--entries", "3000"]).code(0).json();
    assert_eq!(answer["entries"], 3_000);
    assert!(answer["entriesPerSecond"].as_f64().unwrap() > 0.0, "{answer}");
    countersign(["audit", "bench", "--entries", "0"]).fails_with(&["--entries"]);
}
