//! Bodies of pull requests: proven, or refused with a reason code.

use super::{published, verdict};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::domain::attest::{
    ApprovalRef, AuditRef, BEGIN, BaseRef, Binding, BodyRef, ChangeRef, EDITOR, END, FIRST_LINE, ForgeRef, HeadRef,
    Issue, KeyRef, KeySet, MergeRef, PAYLOAD_TYPE, PolicyRef, ProposalRef, PullRef, RollbackRef, Signer, Statement,
    TrustRef, draft_digest, pae, prove, render_block,
};
use countersign::domain::canon;
use countersign::domain::ids::{Digest, ForgeKind, MergeMethod, Oid, Time};
use serde_json::{Value, json};

const AT: &str = "2026-01-05T08:00:00Z";
const TEXT: &str =
    "### countersign: attested remediation\n\nOne file, one line.\n\n> web does not do well\n\n<details>\n\n```\n";

fn signer(n: u8) -> Signer {
    Signer::from_seed(&[n; 32])
}

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

fn binding(approvals: Vec<ApprovalRef>) -> Binding {
    let digest = Digest([3; 32]);
    Binding {
        instance: "countersign.acme.internal".into(),
        tenant: "acme".parse().unwrap(),
        forge: ForgeRef { kind: ForgeKind::Github, host: "github.com".into(), repo_id: 101, repo: "acme/shop".into() },
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
        approvals,
        policy: PolicyRef { digest, decision: "automate".into() },
        body: BodyRef { sha256: draft_digest(TEXT) },
        rollback: RollbackRef { sha256: digest },
        editor: EDITOR.into(),
    }
}

fn approval(name: &str) -> ApprovalRef {
    ApprovalRef {
        approver: name.into(),
        at: AT.into(),
        jti: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
        kid: signer(9).id().to_string(),
        sha256: Digest([4; 32]),
    }
}

fn statement(approvals: Vec<ApprovalRef>) -> Value {
    let issue = Issue {
        issued: AT.parse().unwrap(),
        not_after: "2026-01-08T08:00:00Z".parse().unwrap(),
        nonce: "0123456789abcdef0123456789abcdef".into(),
        trust: TrustRef { good: 73, total: 73, lower_bound: "0.950".into(), score: 3_000_000, mode: "auto".into() },
        key: KeyRef { kid: signer(7).id().to_string(), keyset_version: 1 },
        audit: AuditRef { origin: "countersign.acme.internal/t/acme".into(), index: 41, leaf: Digest([9; 32]) },
    };
    serde_json::to_value(Statement::new(binding(approvals), issue)).unwrap()
}

/// An envelope of any type around any bytes, by any key, under any name.
fn envelope(kind: &str, payload: &[u8], by: &Signer, keyid: &str) -> Value {
    let sig = STANDARD.encode(by.sign(&pae(kind, payload)));
    json!({"payload": STANDARD.encode(payload), "payloadType": kind, "signatures": [{"keyid": keyid, "sig": sig}]})
}

fn good_envelope(payload: &[u8]) -> Value {
    envelope(PAYLOAD_TYPE, payload, &signer(7), signer(7).id().as_str())
}

fn body_of(envelope: &[u8]) -> String {
    format!("{TEXT}{}\n```\n\n</details>\n", render_block(envelope))
}

/// A body whose statement was changed and signed again.
fn resigned(change: impl Fn(&mut Value)) -> String {
    let mut changed = statement(Vec::new());
    change(&mut changed);
    body_of(&canon::canonical(&good_envelope(&canon::canonical(&changed))))
}

struct Cases(Vec<Value>);

impl Cases {
    fn add(&mut self, name: &str, body: String, at: &str, types: bool) {
        let keys = KeySet::single(signer(7).public());
        let proven = prove(&body, &keys, at.parse::<Time>().unwrap());
        let (verdict, code) = verdict(proven.map(drop).map_err(|fault| fault.code));
        // `typesOnly`: what is wrong is the type of a value under a good signature, which not every verifier judges.
        self.0
            .push(json!({"name": name, "at": at, "verdict": verdict, "code": code, "typesOnly": types, "body": body}));
    }

    fn body(&mut self, name: &str, body: String) {
        self.add(name, body, AT, false);
    }

    /// Text around and inside the block.
    fn bodies(&mut self, good: &str) {
        let (begin, end) = (good.find(BEGIN).unwrap(), good.find(END).unwrap() + END.len());
        let block = &good[begin..end];
        let armor = begin + BEGIN.len() + 1;
        let half: String = good
            .split_inclusive('\n')
            .enumerate()
            .map(|(n, l)| if n % 2 == 0 { l.replace('\n', "\r\n") } else { l.into() })
            .collect();
        let cases: Vec<(&str, String)> = vec![
            ("as it was signed", good.into()),
            ("saved with CRLF", good.replace('\n', "\r\n")),
            ("saved with both line ends", half),
            ("without the last line end", good.trim_end().into()),
            ("text before and after", format!("Look here.\n\n{good}\nThanks!\n")),
            ("blanks at line ends", good.replace("line.\n", "line. \t \n")),
            ("blank lines before the block", good.replace("```\n-----BEGIN", "```\n\n\n-----BEGIN")),
            ("a word changed", good.replace("One file", "Two files")),
            ("a letter changed", good.replace("well", "wel1")),
            ("a line added", good.replace("One file", "New\nOne file")),
            ("a line removed", good.replace("> web does not do well\n", "")),
            ("an indented line", good.replace("One file", " One file")),
            ("a no-break space", good.replace("One file", "One\u{a0}file")),
            ("composed otherwise", good.replace("well", "we\u{301}ll")),
            ("a carriage return inside a line", good.replace("One file", "One\rfile")),
            ("no block", good.replace(block, "")),
            ("empty", String::new()),
            ("only text", TEXT.into()),
            ("only the begin", good.replace(END, "")),
            ("only the end", good.replace(BEGIN, "")),
            ("the block twice", format!("{good}\n{block}\n")),
            ("a second begin", format!("{good}\n{BEGIN}\n")),
            ("a second end", format!("{END}\n{good}")),
            ("an empty block added", format!("{good}\n{BEGIN}\nAAAA\n{END}\n")),
            ("end before begin", good.replace(BEGIN, "@").replace(END, BEGIN).replace('@', END)),
            ("the begin quoted", good.replace(BEGIN, &format!("> {BEGIN}"))),
            ("the end indented", good.replace(END, &format!(" {END}"))),
            ("text after the begin", good.replace(BEGIN, &format!("{BEGIN} x"))),
            ("the first line twice", format!("{FIRST_LINE}\n\n{good}")),
            ("the first line gone", good.replace(FIRST_LINE, "### other")),
            ("the first line indented", good.replace(FIRST_LINE, &format!(" {FIRST_LINE}"))),
            ("the first line after the block", format!("{}\n{FIRST_LINE}\n", good.replace(FIRST_LINE, "x"))),
            (
                "a look-alike marker beside the block",
                format!("{}\n\n{good}", block.replace("BEGIN", "B\u{415}GIN").replace("END", "\u{415}ND")),
            ),
            (
                "only a look-alike marker",
                good.replace(BEGIN, &BEGIN.replace("BEGIN", "B\u{415}GIN"))
                    .replace(END, &END.replace("END", "\u{415}ND")),
            ),
            ("armor with padding", good.replace(&format!("\n{END}"), &format!("=\n{END}"))),
            ("armor of the other alphabet", format!("{}+{}", &good[..armor + 5], &good[armor + 6..])),
            ("armor with a blank", format!("{} {}", &good[..armor + 5], &good[armor + 6..])),
            ("a short line of armor", format!("{}\n{}", &good[..armor + 30], &good[armor + 30..])),
            (
                "a long line of armor",
                good.replacen(&format!("{}\n", &good[armor..armor + 64]), &good[armor..armor + 64], 1),
            ),
            (
                "an empty line in the armor",
                good.replacen(
                    &format!("{}\n", &good[armor..armor + 64]),
                    &format!("{}\n\n", &good[armor..armor + 64]),
                    1,
                ),
            ),
            ("no armor", format!("{}{}", &good[..armor], &good[end - END.len()..])),
            ("armor cut short", format!("{}\n{}", &good[..armor + 64], &good[end - END.len()..])),
        ];
        for (name, body) in cases {
            self.body(name, body);
        }
        for n in [0, 77, 300, 901, 1_500] {
            let at = armor + n;
            let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
            self.body(
                &format!("character {n} of the armor changed"),
                format!("{}{other}{}", &good[..at], &good[at + 1..]),
            );
        }
    }

    fn times(&mut self, good: &str) {
        for at in [
            "2026-01-05T07:58:59Z",
            "2026-01-05T07:59:00Z",
            "2026-01-08T07:59:59Z",
            "2026-01-08T08:00:00Z",
            "2030-01-01T00:00:00Z",
            "2020-01-01T00:00:00Z",
        ] {
            self.add(&format!("judged at {at}"), good.into(), at, false);
        }
    }

    fn envelopes(&mut self) {
        let payload = canon::canonical(&statement(Vec::new()));
        let id = signer(7).id().to_string();
        let good = good_envelope(&payload);
        let with = |change: &dyn Fn(&mut Value)| {
            let mut changed = good.clone();
            change(&mut changed);
            body_of(&canon::canonical(&changed))
        };
        let text = String::from_utf8(canon::canonical(&good)).unwrap();
        let raw = |text: String| body_of(text.as_bytes());
        let slack = |value: &Value| {
            let text = value.as_str().unwrap().trim_end_matches('=').to_owned();
            let last = text.chars().last().unwrap();
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let other = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
            format!("{}{other}==", &text[..text.len() - 1])
        };
        let stranger = signer(8);
        let cases: Vec<(&str, String)> = vec![
            (
                "signed by another key",
                body_of(&canon::canonical(&envelope(PAYLOAD_TYPE, &payload, &stranger, stranger.id().as_str()))),
            ),
            (
                "signed by another key under our name",
                body_of(&canon::canonical(&envelope(PAYLOAD_TYPE, &payload, &stranger, &id))),
            ),
            ("another key's name", with(&|e| e["signatures"][0]["keyid"] = json!(stranger.id()))),
            ("a path for a key", with(&|e| e["signatures"][0]["keyid"] = json!("../../key"))),
            ("an empty key name", with(&|e| e["signatures"][0]["keyid"] = json!(""))),
            ("no signature", with(&|e| e["signatures"] = json!([]))),
            (
                "two signatures",
                with(&|e| {
                    let one = e["signatures"][0].clone();
                    e["signatures"].as_array_mut().unwrap().push(one);
                }),
            ),
            ("a signature of zeros", with(&|e| e["signatures"][0]["sig"] = json!(STANDARD.encode([0; 64])))),
            ("a signature of 63 bytes", with(&|e| e["signatures"][0]["sig"] = json!(STANDARD.encode([1; 63])))),
            (
                "slack bits in the signature",
                with(&|e| e["signatures"][0]["sig"] = json!(slack(&e["signatures"][0]["sig"]))),
            ),
            ("another payload under the signature", with(&|e| e["payload"] = json!(STANDARD.encode(b"{}")))),
            (
                "the payload type of plain JSON",
                body_of(&canon::canonical(&envelope("application/json", &payload, &signer(7), &id))),
            ),
            (
                "the payload type in upper case",
                body_of(&canon::canonical(&envelope("application/vnd.in-toto+JSON", &payload, &signer(7), &id))),
            ),
            ("the payload type not signed", with(&|e| e["payloadType"] = json!("application/json"))),
            ("a member more in the envelope", with(&|e| e["x"] = json!(1))),
            ("a member more beside the signature", with(&|e| e["signatures"][0]["cert"] = json!("x"))),
            ("a blank behind the envelope", raw(format!("{text} "))),
            ("a blank inside the envelope", raw(text.replacen(":", ": ", 1))),
            (
                "members in another order",
                raw(format!(
                    "{{{},\"payload\":{}}}",
                    &text[text.find("\"payloadType\"").unwrap()..text.len() - 1],
                    good["payload"]
                )),
            ),
            ("a member twice", raw(text.replacen("{\"payload\":", "{\"payloadType\":\"x\",\"payload\":", 1))),
            ("an envelope that is no JSON", raw("hello".into())),
            ("an envelope that is a list", raw("[]".into())),
            ("an envelope of nothing", raw("{}".into())),
            ("nested without end", raw("[".repeat(9_000))),
            ("larger than an envelope may be", raw("x".repeat(16 * 1024 + 1))),
            ("a payload that is no JSON", body_of(&canon::canonical(&good_envelope(b"hello")))),
            ("an empty statement", body_of(&canon::canonical(&good_envelope(b"{}")))),
            ("a payload that is not UTF-8", body_of(&canon::canonical(&good_envelope(&[0xff, 0xfe])))),
        ];
        for (name, body) in cases {
            self.body(name, body);
        }
        let inner = String::from_utf8(payload).unwrap();
        for (name, from, to) in [
            ("the tenant twice, good first", "\"tenant\":\"acme\"", "\"tenant\":\"acme\",\"tenant\":\"rival\""),
            ("the tenant twice, good last", "\"tenant\":\"acme\"", "\"tenant\":\"rival\",\"tenant\":\"acme\""),
            ("a number with a fraction", "\"number\":12", "\"number\":12.0"),
            ("a number with an exponent", "\"number\":12", "\"number\":1.2e1"),
        ] {
            let changed = inner.replacen(from, to, 1);
            assert_ne!(changed, inner, "{name}");
            self.body(name, body_of(&canon::canonical(&good_envelope(changed.as_bytes()))));
        }
    }

    fn statements(&mut self) {
        for path in [
            "",
            "/predicate",
            "/predicate/binding",
            "/predicate/binding/forge",
            "/predicate/binding/change",
            "/predicate/trust",
            "/predicate/key",
            "/predicate/audit",
        ] {
            let name = if path.is_empty() { "/" } else { path };
            self.body(
                &format!("an unknown row in {name}"),
                resigned(|s| s.pointer_mut(path).unwrap()["zzz"] = json!(1)),
            );
        }
        let members: Vec<String> =
            statement(Vec::new())["predicate"]["binding"].as_object().unwrap().keys().cloned().collect();
        for member in members {
            let gone = resigned(|s| drop(s["predicate"]["binding"].as_object_mut().unwrap().remove(&member)));
            self.body(&format!("without the row {member}"), gone);
        }
        let other = signer(8).id().to_string();
        let subject = json!({"name": "head", "digest": {"gitCommit": "d".repeat(40)}});
        type Change<'a> = &'a dyn Fn(&mut Value);
        let cases: [(&str, Change<'_>, bool); 22] = [
            ("another statement type", &|s| s["_type"] = json!("https://in-toto.io/Statement/v0.1"), false),
            ("another predicate type", &|s| s["predicateType"] = json!("urn:countersign:remediation:v2"), false),
            ("another predicate version", &|s| s["predicate"]["v"] = json!(2), false),
            ("a fourth subject", &|s| s["subject"].as_array_mut().unwrap().push(subject.clone()), false),
            ("two subjects", &|s| drop(s["subject"].as_array_mut().unwrap().pop()), false),
            ("subjects in another order", &|s| s["subject"].as_array_mut().unwrap().swap(0, 1), false),
            ("a subject of another commit", &|s| s["subject"][0] = subject.clone(), false),
            (
                "a second digest beside a good one",
                &|s| s["subject"][2]["digest"]["gitCommit"] = json!("d".repeat(40)),
                false,
            ),
            (
                "the head in the statement only",
                &|s| s["predicate"]["binding"]["head"]["sha"] = json!("d".repeat(40)),
                false,
            ),
            ("another key in the statement", &|s| s["predicate"]["key"]["kid"] = json!(other), false),
            (
                "another text in the statement",
                &|s| s["predicate"]["binding"]["body"]["sha256"] = json!("0".repeat(64)),
                false,
            ),
            ("it ends before it begins", &|s| s["predicate"]["notAfter"] = json!("2026-01-04T08:00:00Z"), true),
            ("a nonce in upper case", &|s| s["predicate"]["nonce"] = json!("0123456789ABCDEF0123456789ABCDEF"), true),
            ("a short nonce", &|s| s["predicate"]["nonce"] = json!("00"), true),
            ("a time with an offset", &|s| s["predicate"]["issuedAt"] = json!("2026-01-05T09:00:00+01:00"), true),
            ("a time with a fraction", &|s| s["predicate"]["issuedAt"] = json!("2026-01-05T08:00:00.5Z"), true),
            (
                "a digest in upper case",
                &|s| s["predicate"]["binding"]["proposal"]["digest"] = json!("AB".repeat(32)),
                true,
            ),
            ("a number as text", &|s| s["predicate"]["binding"]["pr"]["number"] = json!("12"), true),
            ("a negative number", &|s| s["predicate"]["binding"]["pr"]["number"] = json!(-12), true),
            ("a forge that is none", &|s| s["predicate"]["binding"]["forge"]["kind"] = json!("svn"), true),
            ("a method that is none", &|s| s["predicate"]["binding"]["merge"]["method"] = json!("octopus"), true),
            (
                "an approval of another form",
                &|s| s["predicate"]["binding"]["approvals"] = json!([{"approver": "dana"}]),
                false,
            ),
        ];
        for (name, change, types) in cases {
            self.add(name, resigned(change), AT, types);
        }
    }
}

#[test]
fn attestations() {
    let mut cases = Cases(Vec::new());
    let good = resigned(|_| ());
    cases.bodies(&good);
    cases.times(&good);
    let approved = statement(vec![approval("dana"), approval("kim")]);
    cases.body("with two approvals", body_of(&canon::canonical(&good_envelope(&canon::canonical(&approved)))));
    cases.envelopes();
    cases.statements();
    let pem = countersign::config::public_pem(&signer(7)).unwrap();
    let made =
        json!({"kind": "countersign.vectors.attestation/v1", "kid": signer(7).id(), "key": pem, "cases": cases.0});
    let cases = published("attestation", &made);
    let proven = cases.iter().filter(|case| case["verdict"] == "proven").count();
    assert!(cases.len() >= 100 && (8..20).contains(&proven), "{} cases, {proven} proven", cases.len());
    println!("{} attestation vectors, {proven} of them proven", cases.len());
}
