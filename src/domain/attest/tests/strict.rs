//! Statements that our own key signed and that are not as we write them.

use super::super::envelope::wrap;
use super::*;
use crate::domain::canon;
use serde_json::{Value, json};

fn statement() -> Value {
    serde_json::to_value(Statement::new(binding(), issue())).unwrap()
}

/// Signs these bytes as they are and opens them again.
fn opened(payload: &[u8]) -> Result<(Statement, Digest), Fault> {
    open(&wrap(PAYLOAD_TYPE, payload, &signer()), &keys())
}

fn refused(change: impl Fn(&mut Value)) -> String {
    let mut changed = statement();
    change(&mut changed);
    assert_ne!(changed, statement());
    opened(&canon::canonical(&changed)).expect_err("refused").code
}

#[test]
fn tm28_a_key_in_the_statement_that_is_not_the_one_of_the_envelope() {
    assert!(opened(&canon::canonical(&statement())).is_ok());
    let other = Signer::from_seed(&[8; 32]).id().to_string();
    assert_eq!(refused(|s| s["predicate"]["key"]["kid"] = json!(other)), "key.mismatch");
}

#[test]
fn tm29_an_unknown_key_is_unknown_whatever_it_calls_itself() {
    let payload = canon::canonical(&statement());
    let envelope = wrap(PAYLOAD_TYPE, &payload, &Signer::from_seed(&[8; 32]));
    assert_eq!(open(&envelope, &keys()).expect_err("unknown").code, "key.unknown");
    let text = String::from_utf8(envelope).unwrap();
    let renamed = text.replace(Signer::from_seed(&[8; 32]).id().as_str(), signer().id().as_str());
    assert_eq!(open(renamed.as_bytes(), &keys()).expect_err("forged").code, "attestation.signature");
    let path = text.replace(Signer::from_seed(&[8; 32]).id().as_str(), "https://evil.example/key.pem");
    assert_eq!(open(path.as_bytes(), &keys()).expect_err("fetched from nowhere").code, "key.unknown");
}

#[test]
fn tm32_only_one_payload_type_is_signed_or_taken() {
    let payload = canon::canonical(&statement());
    for kind in ["application/json", "application/vnd.in-toto+JSON", "", "application/vnd.in-toto+json ", KEYSET_TYPE] {
        let envelope = wrap(kind, &payload, &signer());
        assert_eq!(open(&envelope, &keys()).expect_err(kind).code, "attestation.malformed");
    }
}

#[test]
fn tm35_a_field_more_or_less_at_any_depth_is_refused() {
    let paths = [
        "",
        "/predicate",
        "/predicate/binding",
        "/predicate/trust",
        "/predicate/key",
        "/predicate/audit",
        "/subject/0",
        "/subject/0/digest",
        "/predicate/binding/forge",
        "/predicate/binding/pr",
        "/predicate/binding/base",
        "/predicate/binding/head",
        "/predicate/binding/merge",
        "/predicate/binding/change",
        "/predicate/binding/proposal",
        "/predicate/binding/policy",
        "/predicate/binding/body",
        "/predicate/binding/rollback",
    ];
    for path in paths {
        let more = refused(|s| s.pointer_mut(path).unwrap()["zzz"] = json!(1));
        assert_eq!(more, "attestation.malformed", "{path}");
        let members: Vec<String> = statement().pointer(path).unwrap().as_object().unwrap().keys().cloned().collect();
        for member in members {
            let less = refused(|s| drop(s.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(&member)));
            assert_eq!(less, "attestation.malformed", "{path}/{member}");
        }
    }
}

#[test]
fn tm34_tm36_keys_that_stand_twice_and_numbers_of_other_forms_are_refused_under_a_signature() {
    let text = String::from_utf8(canon::canonical(&statement())).unwrap();
    let tenant = "\"tenant\":\"acme\"";
    for twice in [format!("\"tenant\":\"rival\",{tenant}"), format!("{tenant},\"tenant\":\"rival\"")] {
        let payload = text.replacen(tenant, &twice, 1);
        assert_eq!(opened(payload.as_bytes()).expect_err("twice").code, "attestation.malformed");
    }
    for number in ["12.0", "1.2e1", "-12", "9007199254740992", "012", "\"12\"", "null", "12 "] {
        let payload = text.replacen("\"number\":12", &format!("\"number\":{number}"), 1);
        assert_ne!(payload, text);
        let result = opened(payload.as_bytes());
        assert!(result.is_err() || number == "12 ", "{number}");
    }
}

#[test]
fn tm37_what_is_too_deep_or_too_large_is_refused() {
    let deep = format!("{}1{}", "{\"a\":".repeat(1_500), "}".repeat(1_500));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    let nested = "[".repeat(10_000);
    for payload in [deep, long, nested] {
        let envelope = wrap(PAYLOAD_TYPE, payload.as_bytes(), &signer());
        assert_eq!(open(&envelope, &keys()).expect_err("refused").code, "attestation.malformed");
    }
}

#[test]
fn tm38_subjects_are_exactly_the_three() {
    let head = json!({"name": "head", "digest": {"gitCommit": "d".repeat(40)}});
    assert_eq!(refused(|s| s["subject"].as_array_mut().unwrap().push(head.clone())), "attestation.malformed");
    assert_eq!(refused(|s| s["subject"][0] = head.clone()), "attestation.malformed");
    assert_eq!(refused(|s| drop(s["subject"].as_array_mut().unwrap().pop())), "attestation.malformed");
    assert_eq!(refused(|s| s["subject"].as_array_mut().unwrap().swap(0, 1)), "attestation.malformed");
    assert_eq!(refused(|s| s["subject"][0]["name"] = json!("HEAD")), "attestation.malformed");
}

#[test]
fn tm39_a_subject_has_one_digest() {
    for subject in 0..3 {
        for (kind, digest) in [("gitCommit", "d".repeat(40)), ("gitTree", "d".repeat(40)), ("sha256", "d".repeat(64))] {
            let both = |s: &mut Value| {
                let digests = s["subject"][subject]["digest"].as_object_mut().unwrap();
                let (own, _) = digests.iter().next().unwrap();
                let other = if own == kind { "sha512" } else { kind };
                digests.insert(other.to_owned(), json!(digest));
            };
            assert_eq!(refused(both), "attestation.malformed", "{kind} beside subject {subject}'s own digest");
        }
    }
}

/// The reader takes every form of the same text that a forge may send back, and none that says something else.
#[test]
fn the_signed_text_verifies_with_either_line_end_and_every_kept_blank() {
    let plain = body();
    for shown in [
        plain.replace('\n', "\r\n"),
        plain.replace(".  \n", ".\n"),
        plain.replace("\n\n", "\n \n"),
        format!("\u{feff}{plain}"),
    ] {
        let code = proves(&shown);
        assert!(code == "proven" || shown.starts_with('\u{feff}') && code == "body_changed", "{code}");
    }
    let half: String = plain
        .split_inclusive('\n')
        .enumerate()
        .map(|(n, line)| if n % 2 == 0 { line.replace('\n', "\r\n") } else { line.to_owned() })
        .collect();
    assert_eq!(proves(&half), "proven", "a body of both line ends");
    assert_eq!(proves(&plain.replace("One file", "One  file")), "body_changed");
    assert_eq!(proves(&plain.replace("One file", "One\u{a0}file")), "body_changed");
}

#[test]
fn every_flipped_bit_of_an_envelope_is_refused() {
    let mut bytes = extract(&body()).unwrap().envelope;
    let (keys, every) = (keys(), if std::env::var_os("COUNTERSIGN_FULL").is_some() { 1 } else { 3 });
    let mut tried = 0;
    for place in (0..bytes.len()).step_by(every) {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            assert!(open(&bytes, &keys).is_err(), "byte {place} bit {bit}");
            bytes[place] ^= 1 << bit;
            tried += 1;
        }
    }
    assert!(tried > 5_000, "{tried}");
    println!("{tried} flips of one bit: none accepted");
}
