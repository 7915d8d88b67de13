//! Blocks, envelopes and statements at their limits.

use super::super::envelope::{unwrap, wrap};
use super::*;
use crate::domain::canon;
use serde_json::{Value, json};

fn armored(lines: &[&str]) -> Result<Block, String> {
    let body = [&[BEGIN], lines, &[END]].concat().join("\n");
    extract(&body).map_err(|fault| format!("{}: {}", fault.code, fault.reason))
}

#[test]
fn markers_stand_alone_and_in_their_order() {
    let one = body();
    let marked = |from: &str, to: &str| proves(&one.replace(from, to));
    for spoilt in [format!("> {BEGIN}"), format!("{BEGIN} "), format!("{BEGIN}{END}")] {
        assert_ne!(marked(BEGIN, &spoilt), "proven", "{spoilt}");
    }
    assert_eq!(marked(BEGIN, &format!("> {BEGIN}")), "attestation.malformed");
    assert_eq!(marked(END, &format!("{END} ")), "attestation.malformed");
    let swapped = one.replace(BEGIN, "\u{1}").replace(END, BEGIN).replace('\u{1}', END);
    assert_eq!(proves(&swapped), "attestation.malformed");
    assert_eq!(proves(&format!("{BEGIN}{END}")), "attestation.malformed");
    // The text comes first.
    let late = format!("{}\n{FIRST_LINE}\n", one.replace(FIRST_LINE, "above"));
    assert_eq!(region_digest(&late).map_err(|fault| fault.code), Err("body_changed".to_owned()));
    assert!(region_digest(&late).unwrap_err().reason.contains("does not stand before"));
    assert!(region_digest(&one.replace(FIRST_LINE, "above")).unwrap_err().reason.contains("does not stand before"));
}

#[test]
fn lines_of_armor_are_full_but_the_last_which_is_not_empty() {
    let full = "A".repeat(64);
    assert_eq!(armored(&[&full]).unwrap().envelope, vec![0; 48]);
    assert_eq!(armored(&[&full, "AAAA"]).unwrap().envelope, vec![0; 51]);
    assert!(armored(&[]).unwrap_err().contains("empty"));
    for lines in [vec![&full[..], ""], vec![&full[..60], "AAAA"], vec!["", &full[..]], vec![&full[..], "", &full[..]]] {
        assert!(armored(&lines).unwrap_err().contains("64 characters"), "{lines:?}");
    }
    let long = "A".repeat(68);
    assert!(armored(&[&long]).unwrap_err().contains("64 characters"));
    assert!(armored(&[&full, &long]).unwrap_err().contains("64 characters"));
}

#[test]
fn an_envelope_has_sixteen_kibibytes_at_most() {
    let of = |bytes: usize| extract(&render_block(&vec![7; bytes])).map(|block| block.envelope.len());
    assert_eq!(of(16_384), Ok(16_384));
    for bytes in [16_385, 16_386, 20_000] {
        assert!(of(bytes).unwrap_err().reason.contains("too large"), "{bytes}");
    }
    let envelope = seal_as("text/plain", b"said", &signer());
    let opened = unwrap(&envelope, "text/plain", envelope.len()).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!((opened.payload.as_slice(), opened.keyid.as_str()), (&b"said"[..], signer().id().as_str()));
    let refused = unwrap(&envelope, "text/plain", envelope.len() - 1).err().expect("too large");
    assert!(refused.to_string().starts_with("attestation.malformed: ") && refused.reason.contains("may have"));
}

#[test]
fn times_hold_to_the_second() {
    let at_time = |time: &str| prove(&body(), &keys(), at(time)).map_err(|fault| fault.code);
    assert_eq!(at_time(NOW).unwrap().not_after(), at("2026-01-08T08:00:00Z"));
    assert!(at_time("2026-01-05T07:59:00Z").is_ok(), "a minute before it was issued");
    let mut retired = keys();
    (retired.keys[0].state, retired.keys[0].retired) = (KeyState::Retired, Some(at(NOW)));
    assert!(prove(&body(), &retired, at(NOW)).is_ok(), "issued in the second in which the key was retired");
    retired.keys[0].retired = Some(at("2026-01-05T07:59:59Z"));
    assert_eq!(prove(&body(), &retired, at(NOW)).unwrap_err().code, "key.retired");
}

#[test]
fn a_statement_has_one_form() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut statement = serde_json::to_value(Statement::new(binding(), issue())).unwrap();
        change(&mut statement);
        let envelope = wrap(PAYLOAD_TYPE, &canon::canonical(&statement), &signer());
        open(&envelope, &keys()).expect_err("refused").reason
    };
    assert!(refused(&|s| s["_type"] = json!("other")).contains("in-toto"));
    assert!(refused(&|s| s["predicateType"] = json!("other")).contains("this version"));
    assert!(refused(&|s| s["predicate"]["v"] = json!(2)).contains("this version"));
    for nonce in ["0".repeat(31), "0".repeat(33), "g".repeat(32), "A".repeat(32), String::new()] {
        assert!(refused(&|s| s["predicate"]["nonce"] = json!(nonce)).contains("32 hex digits"), "{nonce}");
    }
    for ends in [NOW, "2026-01-05T07:59:59Z"] {
        assert!(refused(&|s| s["predicate"]["notAfter"] = json!(ends)).contains("ends before"), "{ends}");
    }
}

#[test]
fn a_list_of_keys_has_one_form_and_one_version_of_it() {
    let sealed = |version: u32, around: &str| {
        let listing =
            json!({"v": version, "instance": "bot.example", "version": 3, "issued": NOW, "expires": NOW, "keys": []});
        let payload = [canon::canonical(&listing), around.as_bytes().to_vec()].concat();
        let opened = Listing::open(&wrap(KEYSET_TYPE, &payload, &signer()), &signer().public(), None);
        opened.map(|listing| listing.version).map_err(|fault| fault.code)
    };
    assert_eq!(sealed(1, ""), Ok(3));
    assert_eq!(sealed(2, ""), Err("keyset.malformed".to_owned()));
    assert_eq!(sealed(1, "\n"), Err("keyset.malformed".to_owned()));
    // 64 KiB in its envelope, no more.
    assert_eq!(sealed_of(40_000), Ok(3));
    assert!(sealed_of(50_000).is_err_and(|reason| reason.contains("may have 65536")), "{:?}", sealed_of(50_000));
}

fn sealed_of(characters: usize) -> Result<u64, String> {
    let (instance, keys) = ("x".repeat(characters), Vec::new());
    let listing = Listing { v: 1, instance, version: 3, issued: NOW.into(), expires: NOW.into(), keys };
    let opened = Listing::open(&listing.seal(&signer()), &signer().public(), None);
    opened.map(|listing| listing.version).map_err(|fault| fault.reason)
}

#[test]
fn thumbprints_have_one_spelling_and_signers_show_no_key() {
    let id = signer().id().to_string();
    assert_eq!(KeyId::read(&id).as_ref(), Some(signer().id()));
    let slack = format!("{}{}", &id[..42], if id.ends_with('A') { 'B' } else { 'A' });
    for other in [&id[..42], &format!("{id}A"), "", &"A".repeat(44), &"A".repeat(42), &"=".repeat(43)] {
        assert_eq!(KeyId::read(other), None, "{other}");
    }
    assert!(KeyId::read(&slack).is_none_or(|read| read.as_str() == slack));
    assert_eq!(KeyId::read(&format!("{}B", "A".repeat(42))), None, "bits that are left over");
    for (purpose, word) in [(Purpose::Attestation, "attestation"), (Purpose::Log, "log"), (Purpose::Keyset, "keyset")] {
        assert_eq!((purpose.word(), serde_json::to_value(purpose).unwrap()), (word, json!(word)));
    }
    let shown = format!("{:?}", signer());
    assert!(shown.contains(&id) && !shown.contains("7, 7"), "{shown}");
}

#[test]
fn what_people_wrote_around_our_text_stays() {
    let one = body();
    assert_eq!(replace_region("Only mine.\n", "NEW\n"), "NEW\n");
    assert_eq!(replace_region(&one, "NEW\n"), "NEW\n");
    let around = format!("Before.\n\n{one}\nAfter.\n");
    assert_eq!(replace_region(&around, "NEW\n"), "Before.\n\nNEW\n\nAfter.\n");
    assert_eq!(replace_region(&around.replace('\n', "\r\n"), "NEW"), "Before.\n\nNEW\n\nAfter.\n");
    // Without its end, all below our first line goes.
    assert_eq!(replace_region(&around.replace(END, "gone"), "NEW"), "Before.\n\nNEW\n");
    assert_eq!(replace_region(&around.replace("</details>", "gone"), "NEW"), "Before.\n\nNEW\n");
    assert_eq!(
        replace_region(&format!("{END}\n</details>\n\n{FIRST_LINE}\ntext\n"), "NEW"),
        format!("{END}\n</details>\n\nNEW\n")
    );
    // A second block of somebody's below it is the end that counts.
    let far = format!("{FIRST_LINE}\n{END}\n1\n2\n3\n4\n</details>\nAfter.\n");
    assert_eq!(replace_region(&far, "NEW"), "NEW\n");
    let near = format!("{FIRST_LINE}\n{END}\n1\n2\n3\n</details>\nAfter.\n");
    assert_eq!(replace_region(&near, "NEW"), "NEW\n\nAfter.\n");
}
