//! Every tamper at every place; honest logs never; forged lines of every kind.

use super::*;
use proptest::prelude::*;

/// The walk up to an entry, then these lines: what breaks, if anything.
fn continued(before: &Verifier, rest: impl Iterator<Item = String>) -> Result<Report, Broken> {
    let mut verifier = before.clone();
    for line in rest {
        verifier.line(&line)?;
    }
    verifier.finish()
}

/// The members of a line that carry weight, each changed in one place.
fn edits(line: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for member in [
        "\"leaf_b64\":\"",
        "\"payload_b64\":\"",
        "\"nonce\":\"",
        "\"prev\":\"",
        "\"payload_commit\":\"",
        "\"tenant\":\"",
    ] {
        let at = line.find(member).expect(member) + member.len();
        let other = if line.as_bytes()[at] == b'1' { "2" } else { "1" };
        found.push((format!("edit {member}"), format!("{}{other}{}", &line[..at], &line[at + 1..])));
    }
    found.push(("edit index".into(), line.replacen("\"index\":", "\"index\":1", 1)));
    found.push(("edit redacted_by".into(), line.replacen("\"redacted_by\":null", "\"redacted_by\":9999", 1)));
    found.push(("a member more".into(), line.replacen("{\"index\"", "{\"x\":1,\"index\"", 1)));
    found.push(("a member twice".into(), line.replacen("{\"index\"", "{\"redacted_by\":null,\"index\"", 1)));
    found.push(("no payload".into(), without_payload(line, "null")));
    found
}

fn without_payload(line: &str, redacted_by: &str) -> String {
    let at = line.find("\"payload_b64\"").expect("a payload");
    format!("{}\"payload_b64\":null,\"nonce\":null,\"redacted_by\":{redacted_by}}}", &line[..at])
}

/// The leaf of a line changed and everything that only repeats it made to fit again.
fn relaid(line: &str, change: impl Fn(&mut Leaf)) -> String {
    let mut entry: Entry = serde_json::from_str(line).expect("an entry");
    let mut leaf: Leaf = serde_json::from_value(entry.leaf.clone()).expect("a leaf");
    change(&mut leaf);
    let bytes = canon::canonical(&leaf);
    entry =
        Entry { payload_b64: entry.payload_b64, nonce: entry.nonce, ..Entry::stored(entry.index, &bytes, None, None) };
    serde_json::to_string(&entry).expect("prints")
}

/// The tampers of one entry: what the lines from it on become.
fn tampers(log: &Log, other: &Log, at: usize) -> Vec<(String, Vec<String>)> {
    let lines = &log.lines[at..];
    let with_first = |first: String| std::iter::once(first).chain(lines[1..].iter().cloned()).collect::<Vec<_>>();
    let mut all: Vec<(String, Vec<String>)> =
        edits(&lines[0]).into_iter().map(|(name, line)| (name, with_first(line))).collect();
    all.push(("delete".into(), lines[1..].to_vec()));
    all.push(("duplicate".into(), std::iter::once(&lines[0]).chain(lines).cloned().collect()));
    all.push(("truncate".into(), Vec::new()));
    if lines.len() > 1 {
        let mut swapped = lines.to_vec();
        swapped.swap(0, 1);
        all.push(("swap with the next".into(), swapped));
        let mut swapped = lines.to_vec();
        swapped.swap(0, lines.len() - 1);
        all.push(("swap with the last".into(), swapped));
    }
    all.push(("splice of another tenant".into(), with_first(other.lines[at].clone())));
    all.push(("splice of another place".into(), with_first(log.lines[(at + 7) % log.lines.len()].clone())));
    all.push(("edit and relay".into(), with_first(relaid(&lines[0], |leaf| leaf.actor_ref = "0".repeat(32)))));
    all.push(("clock set back".into(), with_first(relaid(&lines[0], |leaf| leaf.time_us = 1_000))));
    all
}

#[test]
fn l1_every_tamper_at_every_place_of_a_thousand_is_found() {
    let count: u64 = if full() { 1_000 } else { 150 };
    let log = grown(count);
    let mut other = Log::new("rival");
    (0..count).for_each(|seq| other.push(&event_of(seq)));
    let mut walk = Verifier::new(log.manifest(), Want::default()).expect("a manifest");
    let (mut tried, mut kinds) = (0, std::collections::BTreeSet::new());
    for at in 0..log.lines.len() {
        for (name, lines) in tampers(&log, &other, at) {
            let broken = continued(&walk, lines.into_iter());
            let error = broken.err().unwrap_or_else(|| panic!("{name} at {at} was not found"));
            // A leaf that was changed whole shows at the entry that follows it, the last one at the root; before the
            // first one there is no time to be set back behind.
            let place = match name.as_str() {
                "edit and relay" if at + 1 == log.lines.len() => None,
                "duplicate" | "edit and relay" => Some(at as u64 + 1),
                "clock set back" if at == 0 => Some(1),
                _ => Some(at as u64),
            };
            assert_eq!(error.index, place, "{name} at {at}: {error}");
            tried += 1;
            kinds.insert(name);
        }
        walk.line(&log.lines[at]).expect("an honest line");
    }
    assert_eq!(walk.finish().expect("honest").size, count);
    assert!(kinds.len() >= 20 && tried > 19 * log.lines.len(), "{tried} tampers of {} kinds", kinds.len());
    println!("{tried} tampers of {} kinds in {count} entries: all found", kinds.len());
}

#[test]
fn l1_no_bit_of_an_export_may_flip() {
    let log = grown(if full() { 24 } else { 4 });
    let mut walk = Verifier::new(log.manifest(), Want::default()).expect("a manifest");
    let mut tried = 0;
    for (at, line) in log.lines.iter().enumerate() {
        for n in 0..line.len() {
            for bit in 0..8 {
                let mut bytes = line.clone().into_bytes();
                bytes[n] ^= 1 << bit;
                let Ok(flipped) = String::from_utf8(bytes) else { continue };
                let rest = std::iter::once(flipped.clone()).chain(log.lines[at + 1..].iter().cloned());
                assert!(continued(&walk, rest).is_err(), "byte {n} bit {bit} of entry {at}: {flipped}");
                tried += 1;
            }
        }
        walk.line(line).expect("an honest line");
    }
    assert!(tried > 25_000, "{tried}");
}

/// One who holds the database makes everything after an edit fit again.
fn rewritten(log: &Log, at: u64) -> Log {
    let mut forged = Log::new("acme");
    for seq in 0..log.lines.len() as u64 {
        let event = Event { reason_code: if seq == at { "forged".into() } else { String::new() }, ..event_of(seq) };
        forged.push(&event);
    }
    forged
}

#[test]
fn l2_what_is_recomputed_is_found_by_a_signature_and_with_the_log_key_by_a_kept_checkpoint_only() {
    let log = grown(64);
    let kept = log.checkpoint();
    for at in 0..64 {
        let forged = rewritten(&log, at);
        let (manifest, lines) = (forged.manifest(), &forged.lines);
        assert_eq!(verify(&manifest, lines, Want::default()).expect("consistent").mode, Mode::Consistent);
        // The old signature does not fit the new root; without the log's key there is no other.
        let old = Want { kept: Some(kept.clone()), own: true };
        assert!(verify(&manifest, lines, old).is_err(), "{at}");
        // With the key there is: the export's own checkpoint proves no more than the key.
        let note = forged.checkpoint().sign(&signer());
        let own = Checkpoint::open(&note, &signer().public()).expect("signed with the stolen key");
        assert_eq!(verify(&manifest, lines, Want { kept: Some(own), own: true }).expect("signed").mode, Mode::Signed);
        let error = verify(&manifest, lines, Want { kept: Some(kept.clone()), own: false }).expect_err("kept");
        assert!(error.reason.contains("kept checkpoint"), "{error}");
    }
}

#[test]
fn l6_two_roots_for_one_size_are_a_fork() {
    let (log, forged) = (grown(20), rewritten(&grown(20), 3));
    assert!(is_fork(&log.checkpoint(), &forged.checkpoint()));
    assert!(!is_fork(&log.checkpoint(), &log.checkpoint()) && !is_fork(&log.checkpoint(), &grown(21).checkpoint()));
}

#[test]
fn l8_fields_of_another_form_are_refused() {
    let (manifest, lines) = exported(3);
    let refused = |line: String, why: &str| {
        let mut changed = lines.clone();
        changed[1] = line;
        let error = verify(&manifest, &changed, Want::default()).expect_err(why);
        assert_eq!(error.index, Some(1), "{why}: {error}");
    };
    let raw = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut entry: Entry = serde_json::from_str(&lines[1]).expect("an entry");
        let mut leaf = entry.leaf.clone();
        change(&mut leaf);
        let bytes = canon::canonical(&leaf);
        entry = Entry { payload_b64: entry.payload_b64, nonce: entry.nonce, ..Entry::stored(1, &bytes, None, None) };
        serde_json::to_string(&entry).expect("prints")
    };
    refused(raw(&|leaf| leaf["prev"] = serde_json::Value::Null), "a null hash");
    refused(raw(&|leaf| drop(leaf.as_object_mut().expect("an object").remove("prev"))), "a missing hash");
    refused(raw(&|leaf| leaf["prev"] = leaf["prev"].as_str().expect("text").to_uppercase().into()), "upper case");
    refused(raw(&|leaf| leaf["v"] = 2.into()), "an unknown version");
    refused(raw(&|leaf| leaf["hash_alg"] = "md5".into()), "an unknown field");
    refused(raw(&|leaf| leaf["seq"] = "1".into()), "a number as text");
    refused(raw(&|leaf| leaf["decision"] = "maybe".into()), "an unknown decision");
    let nonce = lines[1].replacen("0101", "010A", 1);
    refused(nonce.replacen("010A", "01AA", 1), "another nonce");
    let mut upper = manifest.clone();
    upper.v = 2;
    assert!(Verifier::new(upper, Want::default()).is_err(), "an unknown manifest");
    let text = serde_json::to_string(&manifest).expect("prints").replace("\"root\":\"", "\"root\":\"A");
    assert!(serde_json::from_str::<Manifest>(&text).is_err(), "a root that is no digest");
}

#[test]
fn l18_without_key_and_nonce_nobody_can_be_confirmed() {
    let person = "person4711@acme.example";
    let event = Event { actor: person.into(), ..Event::note("said", serde_json::json!({})) };
    let tenant: TenantId = "acme".parse().expect("a tenant");
    let place = Place { origin: origin("bot.example", &tenant), tenant, seq: 0, prev: GENESIS, at: Time(7) };
    let appended = append(&event, &place, &[9; 32], [8; 32]);
    let leaf: Leaf = serde_json::from_slice(&appended.bytes).expect("a leaf");
    assert_eq!(leaf.actor_ref, actor_ref(&[9; 32], person), "who holds the key can tell");
    for n in 0..if full() { 1_000_000 } else { 20_000 } {
        let guess = format!("person{n}@acme.example");
        let payload = canon::canonical(&serde_json::json!({"actor": guess}));
        assert_ne!(actor_ref(&[0; 32], &guess), leaf.actor_ref, "{guess}");
        assert_ne!(Digest::of(guess.as_bytes()).to_string()[..32], leaf.actor_ref, "{guess}");
        assert_ne!(commitment(&[0; 32], &payload), leaf.payload_commit, "{guess}");
    }
}

#[test]
fn l22_a_copy_with_some_payloads_verifies_and_one_that_lost_lines_does_not() {
    let mut log = grown(6);
    log.push(&Event::note("merge.result", serde_json::json!({"commit": "x"})));
    let manifest = Manifest { only: Some(vec!["merge.result".into()]), ..log.manifest() };
    let mut lines: Vec<String> = log.lines.iter().map(|line| without_payload(line, "null")).collect();
    lines[6].clone_from(&log.lines[6]);
    let report = verify(&manifest, &lines, Want::default()).expect("verifies");
    assert_eq!((report.left_out, report.redacted), (6, 0));
    assert!(verify(&log.manifest(), &lines, Want::default()).is_err(), "the manifest does not say so");
    lines[6] = without_payload(&lines[6], "null");
    assert!(verify(&manifest, &lines, Want::default()).is_err(), "this one was asked for");
    for change in [
        |lines: &mut Vec<String>| drop(lines.remove(3)),
        |lines: &mut Vec<String>| lines.swap(3, 4),
        |lines: &mut Vec<String>| lines[4] = lines[3].clone(),
    ] {
        let mut changed = log.lines.clone();
        change(&mut changed);
        assert!(verify(&log.manifest(), &changed, Want::default()).is_err());
    }
}

#[test]
fn l25_effects_and_their_answers_are_paired() {
    let paired = |kinds: &[(&'static str, &str)]| {
        let mut log = Log::new("acme");
        for (kind, proposal) in kinds {
            log.push(&Event { proposal: Some((*proposal).into()), ..Event::note(kind, serde_json::json!({})) });
        }
        verify(&log.manifest(), &log.lines, Want::default()).expect("verifies").effects
    };
    let all = paired(&[("push.intent", "a"), ("push.intent", "b"), ("push.result", "a"), ("push.lost", "b")]);
    assert_eq!((all.announced, all.answered, all.open, all.unannounced), (2, 2, vec![], vec![]));
    let open = paired(&[("merge.intent", "a"), ("push.result", "b"), ("merge.intent", "a")]);
    assert_eq!((open.announced, open.answered, open.open, open.unannounced), (2, 1, vec![2], vec![1]));
    let ended = paired(&[("attestation.intent", "a"), ("proposal.dropped", "a"), ("merge.by_person", "c")]);
    assert_eq!((ended.open, ended.unannounced), (vec![], vec![]));
}

/// What is quick and what is strict come to the same, whatever a line is.
#[test]
fn the_quick_reader_takes_nothing_that_the_strict_one_refuses() {
    let (manifest, lines) = exported(40);
    let strict: Vec<String> = lines.iter().map(|line| line.replacen("{\"index\"", "{ \"index\"", 1)).collect();
    let (quick, slow) = (verify(&manifest, &lines, Want::default()), verify(&manifest, &strict, Want::default()));
    assert_eq!(quick.expect("quick"), slow.expect("strict"));
    let mut walk = Verifier::new(manifest, Want::default()).expect("a manifest");
    assert!(walk.quickly(0, lines[0].as_bytes()) && !walk.clone().quickly(1, strict[1].as_bytes()));
    walk.line(&lines[1]).expect("the next");
    assert!(!walk.quickly(2, lines[2].as_bytes()), "what redacts is left to the strict one");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if full() { 10_000 } else { 300 }, ..ProptestConfig::default() })]

    #[test]
    fn honest_histories_are_never_doubted(
        steps in prop::collection::vec((0_u8..6, "[ -~é\\n]{0,12}", any::<bool>()), 0..24),
        kept in any::<prop::sample::Index>(),
    ) {
        let kinds = ["proposal.received", "push.intent", "push.result", "redaction.applied", "merge.intent", "outcome.recorded"];
        let mut log = Log::new("acme");
        let mut at = 1_767_600_000_000_000;
        for (kind, text, _) in &steps {
            at += 1 + i64::from(*kind) * 1_000_003;
            let event = Event { proposal: Some(text.clone()), actor: text.clone(), ..Event::note(kinds[usize::from(*kind)], serde_json::json!({"t": text})) };
            log.push_at(&event, Time(at));
        }
        let last = steps.iter().rposition(|(kind, ..)| *kind == 3);
        let lines: Vec<String> = log.lines.iter().enumerate().map(|(n, line)| match last {
            Some(by) if n < by && steps[n].2 => without_payload(line, &by.to_string()),
            _ => line.clone(),
        }).collect();
        let size = kept.index(log.hashes.len() + 1);
        let earlier = Checkpoint { size: size as u64, root: root(&log.hashes[..size]), ..log.checkpoint() };
        let report = verify(&log.manifest(), &lines, Want { kept: Some(earlier), own: false });
        prop_assert_eq!(report.map(|report| report.mode), Ok(Mode::Checkpoint));
    }
}
