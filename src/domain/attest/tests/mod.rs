#![allow(clippy::unwrap_used, clippy::expect_used)]

mod golden;
mod keyset;
mod limits;
mod strict;

use super::*;
use crate::domain::ids::{ForgeKind, MergeMethod, Oid};

const NOW: &str = "2026-01-05T08:00:00Z";

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn signer() -> Signer {
    Signer::from_seed(&[7; 32])
}

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

fn binding() -> Binding {
    let digest = Digest([3; 32]);
    Binding {
        instance: "countersign.acme.internal".into(),
        tenant: "acme".parse().unwrap(),
        forge: ForgeRef { kind: ForgeKind::Local, host: "local".into(), repo_id: 101, repo: "acme/shop".into() },
        pr: PullRef { number: 12 },
        base: BaseRef { name: "main".into(), sha: oid('a') },
        head: HeadRef { name: "countersign/set-image/web-0123456789ab".into(), sha: oid('b') },
        merge: MergeRef { method: MergeMethod::Squash, tree: oid('c') },
        change: ChangeRef {
            action_kind: "SetImage".into(),
            class: digest,
            tier: 1,
            destructive: Vec::new(),
            files: vec!["apps/web/staging/kustomization.yaml".into()],
            changeset: digest,
        },
        proposal: ProposalRef { id: "019bc5d1-8000-71b7-ad4f-cd46f29e3fa8".into(), digest },
        approvals: Vec::new(),
        policy: PolicyRef { digest, decision: "automate".into() },
        body: BodyRef { sha256: digest },
        rollback: RollbackRef { sha256: digest },
        editor: EDITOR.into(),
    }
}

fn issue() -> Issue {
    Issue {
        issued: at(NOW),
        not_after: at("2026-01-08T08:00:00Z"),
        nonce: "0123456789abcdef0123456789abcdef".into(),
        trust: TrustRef { good: 73, total: 73, lower_bound: "0.950".into(), score: 3_000_000, mode: "auto".into() },
        key: KeyRef { kid: signer().id().to_string(), keyset_version: 1 },
        audit: AuditRef { origin: "countersign.acme.internal/t/acme".into(), index: 41, leaf: Digest([9; 32]) },
    }
}

const TEXT: &str =
    "### countersign: attested remediation\n\nOne file, one line.  \n\n> web does not do well\n\n<details>\n\n```\n";

fn body() -> String {
    let envelope = seal(&Statement::new(binding().with_text(draft_digest(TEXT)), issue()), &signer());
    format!("{TEXT}{}\n```\n\n</details>\n", render_block(&envelope))
}

fn keys() -> KeySet {
    KeySet::single(signer().public())
}

/// The code of the fault, or `proven`.
fn proves(body: &str) -> String {
    prove(body, &keys(), at(NOW)).map_or_else(|fault| fault.code, |_| "proven".into())
}

fn block(body: &str) -> &str {
    let (begin, end) = (body.find(BEGIN).unwrap(), body.find(END).unwrap() + END.len());
    &body[begin..end]
}

/// Flips every bit of a range; the faults that are found, or the flips that are not.
fn flips(body: &str, range: std::ops::Range<usize>) -> (usize, Vec<(usize, u8)>) {
    let (keys, now, mut tried, mut proven) = (keys(), at(NOW), 0, Vec::new());
    let mut bytes = body.as_bytes().to_vec();
    for place in range {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            tried += 1;
            // What is no UTF-8 arrives as a forge would send it.
            if prove(&String::from_utf8_lossy(&bytes), &keys, now).is_ok() {
                proven.push((place, bit));
            }
            bytes[place] ^= 1 << bit;
        }
    }
    (tried, proven)
}

#[test]
fn tm1_no_bit_between_begin_and_end_may_flip() {
    let body = body();
    assert_eq!(proves(&body), "proven");
    let begin = body.find(BEGIN).unwrap();
    let end = body.find(END).unwrap() + END.len();
    let middle = begin + (end - begin) / 2;
    let (body, ranges) = (&body, [begin..middle, middle..end]);
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> = ranges.into_iter().map(|range| scope.spawn(move || flips(body, range))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let tried: usize = done.iter().map(|(tried, _)| tried).sum();
    assert_eq!(tried, (end - begin) * 8);
    assert!(tried > 20_000, "{tried}");
    for (_, proven) in done {
        assert!(proven.is_empty(), "{proven:?}");
    }
}

#[test]
fn tm1_no_bit_of_the_signed_text_may_flip() {
    let body = body();
    let shown = body.find("One file").unwrap();
    let (_, proven) = flips(&body, shown..shown + "One file, one line.".len());
    assert!(proven.is_empty(), "{proven:?}");
}

#[test]
fn tm2_line_breaks_of_a_web_form_change_nothing() {
    assert_eq!(proves(&body().replace('\n', "\r\n")), "proven");
    assert_eq!(proves(body().trim_end()), "proven");
    assert_eq!(proves(&body().replace("One file", "One\rfile")), "attestation.malformed", "a bare CR is none");
}

#[test]
fn tm3_text_is_signed_from_our_first_line_on() {
    assert_eq!(proves(&body().replace("One file", "Two files")), "body_changed");
    assert_eq!(proves(&body().replace("one line.  ", "one line.")), "proven", "blanks at the end of a line are free");
    assert_eq!(proves(&format!("Ours is below.\n\n{}\nThanks!\n", body())), "proven");
    assert_eq!(proves(&format!("{FIRST_LINE}\n\n{}", body())), "body_changed", "two beginnings are none");
    assert_eq!(proves(&body().replace(FIRST_LINE, "### countersign")), "body_changed");
}

#[test]
fn tm4_no_block() {
    assert_eq!(proves(&body().replace(block(&body()), "")), "attestation.missing");
    assert_eq!(proves(&body().replace(END, "")), "attestation.malformed");
    assert_eq!(proves(""), "attestation.missing");
}

#[test]
fn tm5_two_blocks() {
    let one = body();
    for more in [block(&one).to_owned(), render_block(b"{}"), BEGIN.to_owned(), END.to_owned()] {
        assert_eq!(proves(&format!("{more}\n\n{one}")), "attestation.ambiguous");
        assert_eq!(proves(&format!("{one}\n{more}\n")), "attestation.ambiguous");
    }
}

#[test]
fn tm6_a_look_alike_is_no_marker() {
    let one = body();
    let fake = block(&one).replace("BEGIN", "B\u{415}GIN").replace("END", "\u{415}ND");
    assert_eq!(proves(&format!("{fake}\n\n{one}")), "proven");
    assert_eq!(proves(&one.replace(block(&one), &fake)), "attestation.missing");
}

#[test]
fn tm7_to_tm13_every_row_is_compared() {
    let live = binding();
    let differs = |change: &dyn Fn(&mut Binding)| {
        let mut other = binding();
        change(&mut other);
        other.compare(&live).expect_err("differs").code
    };
    assert_eq!(live.compare(&live), Ok(()));
    assert_eq!(differs(&|b| b.pr.number = 13), "pr.mismatch");
    assert_eq!(differs(&|b| b.forge.repo_id = 102), "repository.mismatch");
    assert_eq!(differs(&|b| b.tenant = "globex".parse().unwrap()), "tenant.mismatch");
    assert_eq!(differs(&|b| b.head.sha = oid('d')), "head.sha");
    assert_eq!(differs(&|b| b.base.name = "release".into()), "base.ref");
    assert_eq!(differs(&|b| b.merge.tree = oid('d')), "merge.tree");
    assert_eq!(differs(&|b| b.merge.method = MergeMethod::Merge), "merge.method");
    assert_eq!(differs(&|b| b.change.files.push(".github/workflows/ci.yaml".into())), "change.files");
    let mut renamed = binding();
    renamed.forge.repo = "acme/boutique".into();
    assert_eq!(renamed.compare(&live), Ok(()), "TM18: a name is for people");
}

#[test]
fn tm23_times_are_judged_without_leeway() {
    let at_time = |time: &str| prove(&body(), &keys(), at(time)).map_or_else(|fault| fault.code, |_| "proven".into());
    assert_eq!(at_time("2026-01-08T07:59:59Z"), "proven");
    assert_eq!(at_time("2026-01-08T08:00:00Z"), "attestation.expired");
    assert_eq!(at_time("2026-01-05T07:58:59Z"), "attestation.not_yet");
}

#[test]
fn tm26_to_tm29_keys_that_may_not_speak() {
    let with = |state, retired: Option<&str>| {
        let mut keys = keys();
        (keys.keys[0].state, keys.keys[0].retired) = (state, retired.map(at));
        prove(&body(), &keys, at(NOW)).map_or_else(|fault| fault.code, |_| "proven".to_owned())
    };
    assert_eq!(with(KeyState::Retired, Some("2026-01-05T07:00:00Z")), "key.retired");
    assert_eq!(with(KeyState::Retired, Some("2026-01-06T00:00:00Z")), "proven");
    assert_eq!(with(KeyState::Revoked, None), "key.revoked");
    assert_eq!(with(KeyState::Next, None), "key.not_active");
    let stranger = KeySet::single(Signer::from_seed(&[8; 32]).public());
    assert_eq!(prove(&body(), &stranger, at(NOW)).expect_err("unknown").code, "key.unknown");
    let mut issue = issue();
    issue.key.kid = Signer::from_seed(&[8; 32]).id().to_string();
    let envelope = seal(&Statement::new(binding(), issue), &signer());
    assert_eq!(open(&envelope, &keys()).expect_err("another key").code, "key.mismatch");
}

#[test]
fn tm30_and_tm32_envelopes_in_another_form() {
    let envelope = extract(&body()).unwrap().envelope;
    let text = String::from_utf8(envelope).unwrap();
    let refused = |text: String| open(text.as_bytes(), &keys()).expect_err("refused").code;
    let start = text.find("{\"keyid\"").unwrap();
    let signature = text[start..].split_once('}').unwrap().0.to_owned() + "}";
    assert_eq!(refused(text.replace(&signature, &format!("{signature},{signature}"))), "attestation.malformed");
    assert_eq!(refused(text.replace(&signature, "")), "attestation.malformed");
    assert_eq!(refused(text.replace(PAYLOAD_TYPE, "application/json")), "attestation.malformed");
    assert_eq!(refused(text.replace(PAYLOAD_TYPE, &PAYLOAD_TYPE.to_uppercase())), "attestation.malformed");
    assert_eq!(refused(format!("{text} ")), "attestation.malformed");
    assert_eq!(refused("[".repeat(10_000)), "attestation.malformed");
}

#[test]
fn tm33_the_signed_form_is_unambiguous() {
    assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    assert_eq!(pae(PAYLOAD_TYPE, b"{}"), b"DSSEv1 28 application/vnd.in-toto+json 2 {}");
    assert_ne!(pae("a 1 b", b"c"), pae("a", b"b 1 c"));
}
