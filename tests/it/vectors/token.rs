//! Approval tokens: taken, or refused with a reason code.

use super::{published, verdict};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign::domain::approval::{Alg, Approver, Approvers, Expected, Says, TYPE, verify};
use countersign::domain::attest::{KeyId, Signer};
use countersign::domain::canon;
use countersign::domain::ids::{Digest, TenantId, Time};
use serde_json::{Value, json};

const AUDIENCE: &str = "countersign.acme.internal/acme";
/// 2026-01-05T08:00:00Z.
const NOW: i64 = 1_767_600_000;

fn signer(n: u8) -> Signer {
    Signer::from_seed(&[n; 32])
}

fn approver(id: &str, n: u8, alg: Alg, revoked: bool) -> Approver {
    let key = signer(n).public();
    Approver {
        id: id.into(),
        issuer: "https://id.example".into(),
        person: id.into(),
        forge_user: None,
        principals: Vec::new(),
        alg,
        revoked,
        keys: vec![(KeyId::of(&key), key)],
        awaited: Vec::new(),
    }
}

fn approvers() -> Vec<Approver> {
    vec![
        approver("dana", 1, Alg::EdDSA, false),
        approver("kim", 2, Alg::Ed25519, false),
        approver("lee", 3, Alg::EdDSA, true),
        approver("agent", 4, Alg::EdDSA, false),
    ]
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": AUDIENCE, "sub": "dana", "iat": NOW, "nbf": NOW, "exp": NOW + 600,
        "jti": "01890a5d-ac96-774b-bcce-b302099a8057", "tnt": "acme", "prp": "0190-a",
        "dig": Digest::of(b"proposal"), "act": "SetImage", "cls": Digest::of(b"class"), "tier": 2, "dec": "approve",
    })
}

fn header(n: u8) -> Value {
    json!({"alg": "EdDSA", "kid": signer(n).id(), "typ": TYPE})
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn signed(header: &[u8], payload: &[u8], n: u8) -> String {
    let text = format!("{}.{}", part(header), part(payload));
    let signature = part(signer(n).sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn token(claims: &Value) -> String {
    signed(&canon::canonical(&header(1)), &canon::canonical(claims), 1)
}

fn with(claim: &str, value: impl Into<Value>) -> String {
    let mut claims = claims();
    claims[claim] = value.into();
    token(&claims)
}

fn headed(change: impl Fn(&mut Value)) -> String {
    let mut header = header(1);
    change(&mut header);
    signed(&canon::canonical(&header), &canon::canonical(&claims()), 1)
}

struct Cases(Vec<Value>);

impl Cases {
    fn at(&mut self, name: &str, token: String, says: Says, now: i64) {
        let tenant: TenantId = "acme".parse().unwrap();
        let expected = Expected {
            audience: AUDIENCE,
            tenant: &tenant,
            proposal: "0190-a",
            name: Some("fix-1"),
            digest: Digest::of(b"proposal"),
            action_kind: "SetImage",
            class: Some((Digest::of(b"class"), 2)),
            plan: None,
            proposer: "agent:sample",
            says,
            now: Time(now * 1_000_000),
        };
        let taken = verify(&token, &Approvers::new(approvers()).unwrap(), &expected);
        let (verdict, code) = verdict(taken.map(drop).map_err(|refused| refused.code.to_owned()));
        self.0.push(
            json!({"name": name, "now": now, "says": says.word(), "verdict": verdict, "code": code, "token": token}),
        );
    }

    fn add(&mut self, name: &str, token: String) {
        self.at(name, token, Says::Approve, NOW);
    }

    fn forms(&mut self) {
        let good = token(&claims());
        let pieces: Vec<&str> = good.split('.').collect();
        let (head, body, sig) = (pieces[0], pieces[1], pieces[2]);
        let last = sig.chars().last().unwrap();
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let slack = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
        let json_form = json!({"payload": body, "protected": head, "signature": sig}).to_string();
        self.add("good", good.clone());
        for (name, token) in [
            ("padded", format!("{good}=")),
            ("a blank in front", format!(" {good}")),
            ("a line end behind", format!("{good}\n")),
            ("four parts", format!("{good}.x")),
            ("two parts", format!("{head}.{body}")),
            ("no signature", format!("{head}.{body}.")),
            ("as JSON", json_form),
            ("empty", String::new()),
            ("slack bits in the signature", format!("{head}.{body}.{}{slack}", &sig[..sig.len() - 1])),
            ("a signature of 63 bytes", format!("{head}.{body}.{}", part([7; 63]))),
            ("a signature of 65 bytes", format!("{head}.{body}.{}", part([7; 65]))),
            ("a signature of zeros", format!("{head}.{body}.{}", part([0; 64]))),
            ("the claims of another token", format!("{head}.{}.{sig}", part(canon::canonical(&json!({"x": 1}))))),
            ("too large", with("prp", "x".repeat(9_000))),
            (
                "a claim twice",
                signed(
                    &canon::canonical(&header(1)),
                    format!("{{\"sub\":\"dana\",{}", &claims().to_string()[1..]).as_bytes(),
                    1,
                ),
            ),
            ("claims that are no object", signed(&canon::canonical(&header(1)), b"[]", 1)),
        ] {
            self.add(name, token);
        }
    }

    fn headers(&mut self) {
        for alg in ["none", "HS256", "ES256", "eddsa", "Ed25519", ""] {
            self.add(&format!("alg `{alg}`"), headed(|h| h["alg"] = json!(alg)));
        }
        self.add("no alg", headed(|h| drop(h.as_object_mut().unwrap().remove("alg"))));
        for (member, value) in [
            ("jwk", json!({})),
            ("jku", json!("https://evil.example")),
            ("crit", json!(["exp"])),
            ("b64", json!(false)),
            ("x5u", json!("x")),
            ("zip", json!("DEF")),
            ("cty", json!("JWT")),
        ] {
            self.add(&format!("a header `{member}`"), headed(|h| h[member] = value.clone()));
        }
        self.add("typ JWT", headed(|h| h["typ"] = json!("JWT")));
        self.add("no typ", headed(|h| drop(h.as_object_mut().unwrap().remove("typ"))));
        for (name, kid) in [
            ("unknown", signer(99).id().to_string()),
            ("empty", String::new()),
            ("path-like", "../../etc/passwd".into()),
            ("of 4 KiB", "k".repeat(4_096)),
        ] {
            self.add(&format!("a kid that is {name}"), headed(|h| h["kid"] = json!(kid)));
        }
        self.add("signed by another approver", signed(&canon::canonical(&header(1)), &canon::canonical(&claims()), 2));
        let mut kim = claims();
        kim["sub"] = json!("kim");
        let pinned = json!({"alg": "Ed25519", "kid": signer(2).id(), "typ": TYPE});
        self.add("the name that is pinned for the key", signed(&canon::canonical(&pinned), &canon::canonical(&kim), 2));
        let mut lee = claims();
        lee["sub"] = json!("lee");
        self.add("a revoked approver", signed(&canon::canonical(&header(3)), &canon::canonical(&lee), 3));
    }

    fn claims(&mut self) {
        for claim in ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "tnt", "prp", "dig", "act", "cls", "tier", "dec"]
        {
            let mut less = claims();
            less.as_object_mut().unwrap().remove(claim);
            self.add(&format!("without `{claim}`"), token(&less));
        }
        self.add("a claim more", with("adm", true));
        for (name, claim, value) in [
            ("an audience that is a list", "aud", json!([AUDIENCE])),
            ("another tenant's audience", "aud", json!("countersign.acme.internal/rival")),
            ("the beginning of the audience", "aud", json!("countersign.acme.internal")),
            ("an issuer with a slash more", "iss", json!("https://id.example/")),
            ("another subject", "sub", json!("kim")),
            ("another tenant", "tnt", json!("rival")),
            ("an id of another form", "jti", json!("1")),
            ("an id in upper case", "jti", json!("01890A5D-AC96-774B-BCCE-B302099A8057")),
            ("an id that is a ULID", "jti", json!("01ARZ3NDEKTSV4RRFFQ69G5FAV")),
            ("another proposal", "prp", json!("0190-b")),
            ("the sender's name for the proposal", "prp", json!("fix-1")),
            ("another digest", "dig", json!(Digest::of(b"proposal!"))),
            ("another action kind", "act", json!("PatchManifest")),
            ("another class", "cls", json!(Digest::of(b"other"))),
            ("a lower tier", "tier", json!(1)),
            ("a tier that is none", "tier", json!(4)),
            ("a rejection where an approval belongs", "dec", json!("reject")),
            ("an approval with a reason", "rsn", json!("because")),
            ("a plan without its step", "plan", json!("plan-7")),
            ("an end as text", "exp", json!("1767600600")),
            ("an end with a fraction", "exp", json!(1_767_600_600.5)),
            ("a negative end", "exp", json!(-1)),
            ("an end beyond 2^53", "exp", json!(1_u64 << 53)),
            ("a life of more than 15 minutes", "exp", json!(NOW + 901)),
            ("a life of 15 minutes", "exp", json!(NOW + 900)),
            ("valid a minute from now", "nbf", json!(NOW + 60)),
            ("valid later than a minute from now", "nbf", json!(NOW + 61)),
            ("made later than a minute from now", "iat", json!(NOW + 61)),
        ] {
            self.add(name, with(claim, value));
        }
        self.at("used at its end", token(&claims()), Says::Approve, NOW + 600);
        self.at("used a second before its end", token(&claims()), Says::Approve, NOW + 599);
        self.at("an approval where a rejection belongs", token(&claims()), Says::Reject, NOW);
        let mut no = claims();
        (no["dec"], no["rsn"]) = (json!("reject"), json!("the peak is over"));
        self.at("a rejection with its reason", token(&no), Says::Reject, NOW);
        no["rsn"] = json!("two\nlines");
        self.at("a rejection with a reason of two lines", token(&no), Says::Reject, NOW);
        no.as_object_mut().unwrap().remove("rsn");
        self.at("a rejection without a reason", token(&no), Says::Reject, NOW);
    }
}

#[test]
fn tokens() {
    let mut cases = Cases(Vec::new());
    cases.forms();
    cases.headers();
    cases.claims();
    let keys: Vec<Value> = approvers()
        .iter()
        .map(|a| {
            json!({
                "id": a.id, "issuer": a.issuer, "alg": a.alg.word(), "revoked": a.revoked, "kid": a.keys[0].0,
                "x": part(a.keys[0].1.as_bytes()),
            })
        })
        .collect();
    let made = json!({
        "kind": "countersign.vectors.token/v1", "approvers": keys,
        "expected": {
            "audience": AUDIENCE, "tenant": "acme", "proposal": "0190-a", "name": "fix-1", "digest": Digest::of(b"proposal"),
            "actionKind": "SetImage", "class": Digest::of(b"class"), "tier": 2, "proposer": "agent:sample",
        },
        "cases": cases.0,
    });
    let cases = published("token", &made);
    let proven = cases.iter().filter(|case| case["verdict"] == "proven").count();
    assert!(cases.len() >= 50 && (7..14).contains(&proven), "{} cases, {proven} taken", cases.len());
    println!("{} token vectors, {proven} of them taken", cases.len());
}
