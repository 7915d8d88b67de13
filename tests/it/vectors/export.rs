//! Exports of a log: how much verifies, or which entry is the first bad one.

use super::published;
use countersign::domain::attest::Signer;
use countersign::domain::audit::{
    Checkpoint, Entry, Event, GENESIS, Leaf, Manifest, Place, Verifier, Want, append, origin, root,
};
use countersign::domain::canon;
use countersign::domain::ids::{Digest, TenantId, Time};
use serde_json::{Value, json};

fn signer(n: u8) -> Signer {
    Signer::from_seed(&[n; 32])
}

/// A log of some entries; `twist` changes one of them before everything after it is made.
struct Log {
    tenant: TenantId,
    lines: Vec<String>,
    hashes: Vec<Digest>,
}

fn log(tenant: &str, count: u64, twist: Option<u64>) -> Log {
    log_of(tenant, count, twist, &|_, event| event)
}

/// A log whose events were changed before they were appended.
fn log_of(tenant: &str, count: u64, twist: Option<u64>, change: &dyn Fn(u64, Event) -> Event) -> Log {
    let mut log = Log { tenant: tenant.parse().unwrap(), lines: Vec::new(), hashes: Vec::new() };
    let kinds = ["log.created", "push.intent", "push.result", "redaction.applied", "merge.intent", "merge.result"];
    for seq in 0..count {
        let payload = json!({"n": if twist == Some(seq) { 999 } else { seq }});
        let kind = kinds[usize::try_from(seq).unwrap() % kinds.len()];
        let event = change(seq, Event { proposal: Some("0190-a".into()), ..Event::note(kind, payload) });
        let prev = log.hashes.last().copied().unwrap_or(GENESIS);
        let at = Time(1_767_600_000_000_000 + i64::try_from(seq).unwrap() * 1_000_000);
        let place = Place { origin: origin("bot.example", &log.tenant), tenant: log.tenant.clone(), seq, prev, at };
        let appended = append(&event, &place, b"key", [u8::try_from(seq).unwrap(); 32]);
        log.hashes.push(appended.hash);
        log.lines.push(serde_json::to_string(&Entry::of(seq, &appended)).unwrap());
    }
    log
}

impl Log {
    fn manifest(&self) -> Value {
        let manifest = Manifest {
            v: 1,
            origin: origin("bot.example", &self.tenant),
            tenant: self.tenant.clone(),
            size: self.hashes.len() as u64,
            root: root(&self.hashes),
            parts: Vec::new(),
            only: None,
            pruned: None,
        };
        serde_json::to_value(manifest).unwrap()
    }

    fn note(&self, by: &Signer) -> String {
        let (origin, size) = (origin("bot.example", &self.tenant), self.hashes.len() as u64);
        Checkpoint { origin, size, root: root(&self.hashes) }.sign(by)
    }
}

/// What a verifier with the log's key says.
fn judged(manifest: &Value, lines: &[String], kept: Option<&str>) -> Result<&'static str, (Option<u64>, String)> {
    let whole = |reason: String| (None, reason);
    let key = signer(7).public();
    let kept = kept.map(|note| Checkpoint::open(note, &key)).transpose().map_err(whole)?;
    let manifest: Manifest = serde_json::from_value(manifest.clone()).map_err(|error| whole(error.to_string()))?;
    let broken = |broken: countersign::domain::audit::Broken| (broken.index, broken.reason);
    let mut verifier = Verifier::new(manifest, Want { kept, own: false }).map_err(broken)?;
    lines.iter().try_for_each(|line| verifier.line(line)).map_err(broken)?;
    let report = verifier.finish().map_err(broken)?;
    Ok(match report.mode {
        countersign::domain::audit::Mode::Consistent => "consistent",
        countersign::domain::audit::Mode::Signed => "signed",
        countersign::domain::audit::Mode::Checkpoint => "checkpoint",
    })
}

struct Cases(Vec<Value>);

impl Cases {
    fn add(&mut self, name: &str, manifest: Value, lines: Vec<String>, kept: Option<String>) {
        let mut case = match judged(&manifest, &lines, kept.as_deref()) {
            Ok(mode) => json!({"name": name, "verdict": "proven", "mode": mode}),
            Err((index, reason)) => json!({"name": name, "verdict": "refused", "index": index, "reason": reason}),
        };
        (case["manifest"], case["entries"]) = (manifest, json!(lines));
        if let Some(note) = kept {
            case["checkpoint"] = json!(note);
        }
        self.0.push(case);
    }

    fn tampered(&mut self, log: &Log) {
        let other = self::log("rival", 6, None);
        type Change<'a> = &'a dyn Fn(&mut Vec<String>);
        let cases: [(&str, Change<'_>); 8] = [
            ("deleted", &|lines| drop(lines.remove(2))),
            ("twice", &|lines| lines.insert(2, lines[2].clone())),
            ("swapped", &|lines| lines.swap(2, 3)),
            ("the first one gone", &|lines| drop(lines.remove(0))),
            ("the last one gone", &|lines| drop(lines.pop())),
            ("spliced from another tenant", &|lines| lines[2].clone_from(&other.lines[2])),
            ("a line that is no JSON", &|lines| lines[2].truncate(40)),
            ("an empty line", &|lines| lines.insert(2, String::new())),
        ];
        for (name, change) in cases {
            let mut lines = log.lines.clone();
            change(&mut lines);
            self.add(name, log.manifest(), lines, None);
        }
        for (name, from, to) in [
            ("another index", "\"index\":2", "\"index\":3"),
            ("a member more", "{\"index\"", "{\"x\":1,\"index\""),
            ("a member twice", "{\"index\"", "{\"index\":2,\"index\""),
            ("the readable copy changed", "\"type\":\"push.result\"", "\"type\":\"push.lost\""),
            ("another nonce", "\"nonce\":\"02", "\"nonce\":\"12"),
            ("a nonce of 31 bytes", "\"nonce\":\"02", "\"nonce\":\""),
            ("a redaction of what is there", "\"redacted_by\":null", "\"redacted_by\":3"),
            ("no nonce", &format!("\"nonce\":\"{}\"", "02".repeat(32)), "\"nonce\":null"),
        ] {
            let mut lines = log.lines.clone();
            lines[2] = lines[2].replacen(from, to, 1);
            assert_ne!(lines, log.lines, "{name}");
            self.add(name, log.manifest(), lines, None);
        }
    }

    /// The leaf of one entry changed, with all that only repeats it.
    fn relaid(&mut self, log: &Log) {
        type Change<'a> = &'a dyn Fn(&mut Value);
        let cases: [(&str, Change<'_>); 14] = [
            ("another actor", &|leaf| leaf["actor_ref"] = json!("0".repeat(32))),
            ("another decision", &|leaf| leaf["decision"] = json!("allow")),
            ("a decision that is none", &|leaf| leaf["decision"] = json!("maybe")),
            ("another origin", &|leaf| leaf["origin"] = json!("bot.example/t/rival")),
            ("another tenant in the leaf", &|leaf| leaf["tenant"] = json!("rival")),
            ("another sequence", &|leaf| leaf["seq"] = json!(3)),
            ("the clock set back", &|leaf| leaf["time_us"] = json!(1_767_599_000_000_000_i64)),
            ("the time of the one before", &|leaf| leaf["time_us"] = json!(1_767_600_001_000_000_i64)),
            ("another version", &|leaf| leaf["v"] = json!(2)),
            ("a hash that is null", &|leaf| leaf["prev"] = Value::Null),
            ("a hash in upper case", &|leaf| leaf["prev"] = json!(leaf["prev"].as_str().unwrap().to_uppercase())),
            ("no hash", &|leaf| drop(leaf.as_object_mut().unwrap().remove("prev"))),
            ("a field more", &|leaf| leaf["hash_alg"] = json!("md5")),
            ("another length of the payload", &|leaf| leaf["payload_len"] = json!(1)),
        ];
        for (name, change) in cases {
            let mut lines = log.lines.clone();
            let mut entry: Entry = serde_json::from_str(&lines[2]).unwrap();
            let mut leaf = entry.leaf.clone();
            change(&mut leaf);
            let bytes = canon::canonical(&leaf);
            entry =
                Entry { payload_b64: entry.payload_b64, nonce: entry.nonce, ..Entry::stored(2, &bytes, None, None) };
            lines[2] = serde_json::to_string(&entry).unwrap();
            self.add(&format!("a leaf with {name}"), log.manifest(), lines, None);
        }
        let _: Leaf = serde_json::from_value(serde_json::from_str::<Entry>(&log.lines[2]).unwrap().leaf).unwrap();
    }

    fn redacted(&mut self, log: &Log) {
        let without = |line: &str, by: &str| {
            let at = line.find("\"payload_b64\"").unwrap();
            format!("{}\"payload_b64\":null,\"nonce\":null,\"redacted_by\":{by}}}", &line[..at])
        };
        for (name, by) in [
            ("redacted by a later entry", "3"),
            ("a payload that is missing", "null"),
            ("redacted by an earlier entry", "1"),
            ("redacted by itself", "2"),
            ("redacted by an entry that is no redaction", "4"),
            ("redacted by an entry that is not there", "99"),
        ] {
            let mut lines = log.lines.clone();
            lines[2] = without(&lines[2], by);
            self.add(name, log.manifest(), lines, None);
        }
        let mut lines: Vec<String> = log.lines.iter().map(|line| without(line, "null")).collect();
        lines[2].clone_from(&log.lines[2]);
        let mut manifest = log.manifest();
        manifest["only"] = json!(["push.result"]);
        self.add("a copy with some payloads", manifest.clone(), lines.clone(), None);
        lines[2] = without(&lines[2], "null");
        self.add("a copy that lacks a payload it should have", manifest, lines, None);
    }

    /// A log of six whose first three are gone, as the fifth says.
    fn pruned(&mut self) {
        let says = |seq: u64, event: Event| match seq {
            4 => Event { kind: "log.pruned", reason_code: "before:3".into(), ..event },
            _ => event,
        };
        let (log, silent) = (log_of("acme", 6, None, &says), self::log("acme", 6, None));
        let roots = |log: &Log| vec![root(&log.hashes[..2]), log.hashes[2]];
        let with = |log: &Log, before: u64, roots: Vec<Digest>| {
            let mut manifest = log.manifest();
            manifest["pruned"] = json!({"before": before, "roots": roots});
            manifest
        };
        let (left, key) = (log.lines[3..].to_vec(), signer(7));
        let good = with(&log, 3, roots(&log));
        let note = |count: usize| {
            let (origin, size) = (origin("bot.example", &log.tenant), count as u64);
            Some(Checkpoint { origin, size, root: root(&log.hashes[..count]) }.sign(&key))
        };
        self.add("the first three pruned", good.clone(), left.clone(), None);
        self.add("the first three pruned, and a checkpoint of then", good.clone(), left.clone(), note(3));
        self.add("the first three pruned, and a later checkpoint", good.clone(), left.clone(), note(5));
        self.add("the first three pruned, and an older checkpoint", good.clone(), left.clone(), note(2));
        self.add("the first four gone, three of them pruned", good.clone(), log.lines[4..].to_vec(), None);
        self.add("all there, and said to be pruned", good, log.lines.clone(), None);
        self.add("pruned, and the manifest does not say so", log.manifest(), left.clone(), None);
        self.add("pruned, and no entry says so", with(&silent, 3, roots(&silent)), silent.lines[3..].to_vec(), None);
        self.add(
            "more pruned than an entry says",
            with(&log, 4, vec![root(&log.hashes[..4])]),
            log.lines[4..].to_vec(),
            None,
        );
        self.add(
            "another root of what was pruned",
            with(&log, 3, vec![Digest([1; 32]), log.hashes[2]]),
            left.clone(),
            None,
        );
        self.add("a root too few of what was pruned", with(&log, 3, vec![root(&log.hashes[..3])]), left.clone(), None);
        self.add(
            "everything pruned",
            with(&log, 6, vec![root(&log.hashes[..4]), root(&log.hashes[4..])]),
            Vec::new(),
            None,
        );
    }

    fn manifests(&mut self, log: &Log) {
        for (name, member, value) in [
            ("a larger size", "size", json!(7)),
            ("a smaller size", "size", json!(5)),
            ("another root", "root", json!("0".repeat(64))),
            ("another origin", "origin", json!("bot.example/t/rival")),
            ("another tenant", "tenant", json!("rival")),
            ("another version", "v", json!(2)),
            ("a member more", "note", json!("x")),
        ] {
            let mut manifest = log.manifest();
            manifest[member] = value;
            self.add(&format!("a manifest of {name}"), manifest, log.lines.clone(), None);
        }
    }

    fn checkpoints(&mut self, log: &Log) {
        let (early, key) = (self::log("acme", 4, None), signer(7));
        let add = |cases: &mut Cases, name: &str, log: &Log, note: String| {
            cases.add(name, log.manifest(), log.lines.clone(), Some(note))
        };
        add(self, "a checkpoint of now", log, log.note(&key));
        add(self, "a checkpoint of before", log, early.note(&key));
        add(self, "a checkpoint of the empty log", log, self::log("acme", 0, None).note(&key));
        add(self, "a log cut back behind the checkpoint", &early, log.note(&key));
        add(self, "a log written anew behind the checkpoint", &self::log("acme", 6, Some(1)), log.note(&key));
        add(self, "a log written anew after the checkpoint", &self::log("acme", 6, Some(5)), early.note(&key));
        add(self, "a log begun anew", &self::log("acme", 6, Some(0)), early.note(&key));
        add(self, "a checkpoint by another key", log, log.note(&signer(8)));
        add(self, "a checkpoint of another tenant", log, self::log("rival", 6, None).note(&key));
        add(self, "a checkpoint whose size was changed", log, log.note(&key).replace("\n6\n", "\n5\n"));
        add(
            self,
            "a checkpoint with any text for a signature",
            log,
            format!("{}\n\n\u{2014} bot.example/t/acme any\n", log.note(&key).split("\n\n").next().unwrap()),
        );
        add(self, "a checkpoint without a signature", log, log.note(&key).split("\n\n").next().unwrap().to_owned());
    }
}

#[test]
fn exports() {
    let mut cases = Cases(Vec::new());
    let whole = log("acme", 6, None);
    cases.add("as it was written", whole.manifest(), whole.lines.clone(), None);
    let empty = log("acme", 0, None);
    cases.add("an empty log", empty.manifest(), Vec::new(), None);
    cases.add("no entries of a log that has some", whole.manifest(), Vec::new(), None);
    cases.add("entries of a log that has none", empty.manifest(), whole.lines.clone(), None);
    let twisted = log("acme", 6, Some(2));
    cases.add("written anew from an entry on, nothing kept", twisted.manifest(), twisted.lines, None);
    cases.tampered(&whole);
    cases.relaid(&whole);
    cases.redacted(&whole);
    cases.manifests(&whole);
    cases.checkpoints(&whole);
    cases.pruned();
    let pem = countersign::config::public_pem(&signer(7)).unwrap();
    let made = json!({"kind": "countersign.vectors.export/v1", "key": pem, "cases": cases.0});
    let cases = published("export", &made);
    let proven = cases.iter().filter(|case| case["verdict"] == "proven").count();
    assert!(cases.len() >= 50 && (8..18).contains(&proven), "{} cases, {proven} proven", cases.len());
    println!("{} export vectors, {proven} of them proven", cases.len());
}
