mod proofs;
mod sweep;

use super::*;
use crate::domain::attest::Signer;

/// RFC 8032, TEST 1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

fn signer() -> Signer {
    let mut seed = [0; 32];
    hex::decode_to_slice(SEED, &mut seed).expect("hex");
    Signer::from_seed(&seed)
}

fn known_leaves() -> Vec<Digest> {
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        .iter()
        .map(|leaf| leaf_hash(&hex::decode(leaf).expect("hex")))
        .collect()
}

#[test]
fn roots_are_those_of_rfc_6962() {
    let wanted = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let leaves = known_leaves();
    for (size, wanted) in wanted.iter().enumerate() {
        assert_eq!(root(&leaves[..size]).to_string(), *wanted, "{size}");
    }
}

#[test]
fn the_checkpoint_is_the_published_one() {
    let checkpoint = Checkpoint { origin: "bot.example/t/acme".into(), size: 8, root: root(&known_leaves()) };
    let note = checkpoint.sign(&signer());
    assert_eq!(
        verifier_key("bot.example/t/acme", &signer().public()),
        "bot.example/t/acme+a40f0857+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
    );
    assert!(
        note.contains("pA8IV1uG9Xp7289r5F3wvz6PMzMUXPl1mMNV37bIRpxKXC2q6XvJS3Bwg9gNyMQdGuZ9gCPAkD6GvEq3IzvUCOl+cQw=")
    );
    assert_eq!(Checkpoint::open(&note, &signer().public()).expect("opens"), checkpoint);
}

#[test]
fn l4_l5_forged_checkpoints_are_refused() {
    let checkpoint = Checkpoint { origin: "bot.example/t/acme".into(), size: 8, root: root(&known_leaves()) };
    let note = checkpoint.sign(&signer());
    let key = signer().public();
    let (text, _) = note.split_once("\u{2014}").expect("a signature");
    for forged in [
        format!("{text}\u{2014} bot.example/t/acme anything\n"),
        text.to_owned(),
        note.replace("\n8\n", "\n9\n"),
        note.replace("/t/acme", "/t/other"),
    ] {
        assert!(Checkpoint::open(&forged, &key).is_err(), "{forged}");
    }
    assert!(Checkpoint::open(&note, &Signer::from_seed(&[7; 32]).public()).is_err());
}

/// A log that grows, and what its export shows of it.
#[derive(Clone)]
struct Log {
    tenant: TenantId,
    prev: Digest,
    hashes: Vec<Digest>,
    lines: Vec<String>,
}

impl Log {
    fn new(tenant: &str) -> Log {
        Log { tenant: tenant.parse().expect("a tenant"), prev: GENESIS, hashes: Vec::new(), lines: Vec::new() }
    }

    fn push(&mut self, event: &Event) {
        let seq = self.hashes.len() as u64;
        let at = Time(1_767_600_000_000_000 + i64::try_from(seq).expect("small"));
        self.push_at(event, at);
    }

    fn push_at(&mut self, event: &Event, at: Time) {
        let (seq, tenant) = (self.hashes.len() as u64, self.tenant.clone());
        let place = Place { origin: origin("bot.example", &tenant), tenant, seq, prev: self.prev, at };
        let appended = append(event, &place, b"key", [u8::try_from(seq % 251).expect("small"); 32]);
        self.prev = appended.hash;
        self.hashes.push(self.prev);
        self.lines.push(serde_json::to_string(&Entry::of(seq, &appended)).expect("prints"));
    }

    fn manifest(&self) -> Manifest {
        Manifest {
            v: 1,
            origin: origin("bot.example", &self.tenant),
            tenant: self.tenant.clone(),
            size: self.hashes.len() as u64,
            root: root(&self.hashes),
            parts: Vec::new(),
            only: None,
            pruned: None,
        }
    }

    fn checkpoint(&self) -> Checkpoint {
        let Manifest { origin, size, root, .. } = self.manifest();
        Checkpoint { origin, size, root }
    }
}

fn event_of(seq: u64) -> Event {
    let kind = if seq == 2 { "redaction.applied" } else { "proposal.received" };
    Event { proposal: Some(format!("p-{seq}")), ..Event::note(kind, serde_json::json!({"n": seq})) }
}

/// A log of this many entries.
fn grown(count: u64) -> Log {
    let mut log = Log::new("acme");
    (0..count).for_each(|seq| log.push(&event_of(seq)));
    log
}

/// The same as an export.
fn exported(count: u64) -> (Manifest, Vec<String>) {
    let log = grown(count);
    (log.manifest(), log.lines)
}

/// Whether the long form of a test was asked for.
fn full() -> bool {
    std::env::var_os("COUNTERSIGN_FULL").is_some()
}

fn verify(manifest: &Manifest, lines: &[String], want: Want) -> Result<Report, Broken> {
    let mut verifier = Verifier::new(manifest.clone(), want)?;
    lines.iter().try_for_each(|line| verifier.line(line))?;
    verifier.finish()
}

#[test]
fn l3_truncation_is_found_by_a_kept_checkpoint_only() {
    let (whole, lines) = exported(20);
    let kept = Checkpoint { origin: whole.origin.clone(), size: 20, root: whole.root };
    let (short, _) = exported(12);
    let want = || Want { kept: Some(kept.clone()), own: false };
    assert_eq!(verify(&short, &lines[..12], Want::default()).expect("consistent").mode, Mode::Consistent);
    assert!(verify(&short, &lines[..12], want()).expect_err("short").reason.contains("20 entries"));
    assert_eq!(verify(&whole, &lines, want()).expect("whole").mode, Mode::Checkpoint);
}

#[test]
fn l7_an_empty_log_verifies_and_an_empty_export_does_not() {
    let (empty, _) = exported(0);
    assert!(verify(&empty, &[], Want::default()).is_ok());
    let (manifest, _) = exported(3);
    assert!(verify(&manifest, &[], Want::default()).is_err());
}

#[test]
fn l17_payloads_are_committed_to() {
    let (manifest, lines) = exported(3);
    let mut missing: Vec<serde_json::Value> = lines.iter().map(|l| serde_json::from_str(l).expect("json")).collect();
    missing[1]["payload_b64"] = serde_json::Value::Null;
    missing[1]["nonce"] = serde_json::Value::Null;
    let print = |values: &[serde_json::Value]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(
        verify(&manifest, &print(&missing), Want::default())
            .expect_err("missing")
            .to_string()
            .contains("entry 1: the payload is missing")
    );
    missing[1]["redacted_by"] = 0.into();
    assert!(verify(&manifest, &print(&missing), Want::default()).is_err(), "no entry redacts a later one");
    for itself in [0, 1] {
        missing[1]["redacted_by"] = itself.into();
        let fault = verify(&manifest, &print(&missing), Want::default()).expect_err("not later").to_string();
        assert!(fault.contains("entry 1: the payload is missing"), "{fault}");
    }
    missing[1]["redacted_by"] = 2.into();
    assert_eq!(verify(&manifest, &print(&missing), Want::default()).expect("redacted").redacted, 1);
    let edited: Vec<String> =
        lines.iter().map(|l| l.replacen("\"payload_b64\":\"e", "\"payload_b64\":\"f", 1)).collect();
    assert!(verify(&manifest, &edited, Want::default()).is_err());
}

#[test]
fn the_leaf_form_is_frozen() {
    let mut log = Log::new("acme");
    log.push_at(&Event::note("proposal.received", serde_json::json!({"n": 0})), Time(1_000));
    let lines = log.lines;
    let entry: Entry = serde_json::from_str(&lines[0]).expect("reads");
    assert_eq!(
        entry.leaf.to_string(),
        concat!(
            r#"{"actor_ref":"80546e3db878b0721978e1972c1d61b9","class":"","decision":"note","origin":"bot.example/t/acme","#,
            r#""payload_commit":"6b2fef6b5b48496802b53d724e241d52e7b7aecc027d83b52702b1fda4be5edc","payload_len":29,"pr":0,"#,
            r#""prev":"0000000000000000000000000000000000000000000000000000000000000000","proposal":"","reason_code":"","#,
            r#""seq":0,"tenant":"acme","time_us":1000,"type":"proposal.received","v":1}"#
        )
    );
}

#[test]
fn an_entry_is_later_than_the_one_before_and_a_nonce_has_one_spelling() {
    let mut log = Log::new("acme");
    log.push_at(&event_of(0), Time(1_000));
    log.push_at(&event_of(1), Time(1_001));
    assert!(verify(&log.manifest(), &log.lines, Want::default()).is_ok());
    let nonce = |change: &dyn Fn(&str) -> String| {
        let mut line: serde_json::Value = serde_json::from_str(&log.lines[1]).expect("json");
        line["nonce"] = change(line["nonce"].as_str().expect("a nonce")).into();
        let lines = [log.lines[0].clone(), line.to_string()];
        verify(&log.manifest(), &lines, Want::default()).map_err(|fault| fault.to_string())
    };
    let as_hex = |byte: u8| hex::encode([byte; 32]);
    assert!(nonce(&str::to_owned).is_ok());
    for other in [as_hex(1)[2..].to_owned(), format!("{}01", as_hex(1)), as_hex(0xab).to_uppercase(), "zz".repeat(32)] {
        let fault = nonce(&|_| other.clone()).expect_err("another spelling");
        assert!(fault.contains("32 bytes of lowercase hex"), "{other}: {fault}");
    }
    log.push_at(&event_of(2), Time(1_001));
    let fault = verify(&log.manifest(), &log.lines, Want::default()).expect_err("not later").to_string();
    assert!(fault.contains("entry 2: the leaf is not later"), "{fault}");
}

#[test]
fn what_is_said_to_be_pruned_is_some_of_it_and_not_all() {
    let (whole, _) = exported(4);
    let hashes = grown(4).hashes;
    let begins = |before: u64| {
        let roots: Vec<Digest> = match before {
            0 => Vec::new(),
            3 => vec![root(&hashes[..2]), hashes[2]],
            _ => vec![root(&hashes[..usize::try_from(before.min(4)).expect("small")])],
        };
        let manifest = Manifest { pruned: Some(Pruned { before, roots }), ..whole.clone() };
        Verifier::new(manifest, Want::default()).map(|_| ()).map_err(|fault| fault.to_string())
    };
    assert_eq!([begins(1), begins(2), begins(3)], [Ok(()), Ok(()), Ok(())]);
    for before in [0, 4, 8] {
        assert!(begins(before).is_err_and(|fault| fault.contains("does not fit its size")), "{before}");
    }
}
