//! An approver's key, and what it signs.

use crate::fake::Fake;
use crate::http::As;
use crate::run::{Ran, binary, countersign, finish, text};
use crate::site::{Site, set_image};
use countersign::domain::approval::{Approvers, Expected, Says, verify};
use countersign::domain::ids::{Digest, Time};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

fn key(folder: &Path, id: &str) -> Value {
    let arguments = ["keys", "generate", "--output", "json", "--approver", id, "--directory"];
    countersign(arguments.into_iter().map(str::to_owned).chain([text(folder)])).code(0).json()
}

/// Runs `approve` without a service.
fn offline(arguments: &[&str]) -> Ran {
    let mut command = binary();
    command.args(["--output", "json", "approve"]).args(arguments);
    finish(command, Vec::new())
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Time(i64::try_from(since.as_micros()).unwrap())
}

#[test]
fn an_approvers_key_is_their_own_and_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let made = key(folder.path(), "dana");
    let file = made["file"].as_str().unwrap();
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(made["settings"].as_str().unwrap().starts_with("[[tenant.approver]]\nid = \"dana\"\njwk = {kty"));
    let again = ["keys", "generate", "--approver", "dana", "--directory", &text(folder.path())];
    countersign(again).fails_with(&["exists already"]);
    countersign(["keys", "generate", "--approver", "../x"]).fails_with(&["--approver"]);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let digest = format!("sha256:{}", Digest::of(b"x"));
    let open = ["--digest", &digest, "--proposal", "a", "--audience", "a/b", "--action", "SetImage", "--class"];
    let class = Digest::of(b"c").to_string();
    let rest = [class.as_str(), "--tier", "1", "--approver", "dana", "--key", file];
    offline(&[&open[..], &rest[..]].concat()).fails_with(&["chmod 600"]);
}

#[test]
fn a_token_is_minted_without_a_service_and_holds() {
    let folder = tempfile::tempdir().unwrap();
    let made = key(folder.path(), "dana");
    let file = text(crate::folders::put(folder.path(), "proposal.json", set_image("fix-1", "web", "2.0").to_string()));
    let digest = countersign(["digest", &file]).code(0).out.trim().to_owned();
    let class = Digest::of(b"class");
    let hex = class.to_string();
    let rest = ["--audience", "bot.example/acme", "--class", &hex, "--tier", "2", "--approver", "dana", "--key"];
    let pem = made["file"].as_str().unwrap();
    let by_file = offline(&[&[file.as_str()][..], &rest[..], &[pem]].concat()).code(0).json();
    let named = ["--digest", digest.as_str(), "--proposal", "fix-1", "--action", "SetImage"];
    let reject = ["--reject", "not during the sale"];
    let by_digest = offline(&[&named[..], &rest[..], &[pem], &reject[..]].concat()).code(0).json();
    let tenant = "acme".parse().unwrap();
    let jwk = serde_json::from_value(made["jwk"].clone()).unwrap();
    let approver = countersign::domain::approval::Approver {
        id: "dana".into(),
        issuer: "dana".into(),
        person: "dana".into(),
        forge_user: None,
        principals: Vec::new(),
        alg: Default::default(),
        revoked: false,
        keys: vec![Approvers::key(&jwk).unwrap()],
        awaited: Vec::new(),
    };
    let approvers = Approvers::new(vec![approver]).unwrap();
    let judge = |token: &Value, says| {
        let expected = Expected {
            audience: "bot.example/acme",
            tenant: &tenant,
            proposal: "0190",
            name: Some("fix-1"),
            digest: digest.strip_prefix("sha256:").unwrap().parse().unwrap(),
            action_kind: "SetImage",
            class: Some((class, 2)),
            plan: None,
            proposer: "agent:sample",
            says,
            now: now(),
        };
        verify(token["token"].as_str().unwrap(), &approvers, &expected)
    };
    assert!(judge(&by_file, Says::Approve).is_ok());
    assert_eq!(judge(&by_digest, Says::Reject).unwrap().reason.as_deref(), Some("not during the sale"));
    assert_ne!(by_file["claims"]["jti"], by_digest["claims"]["jti"]);
    offline(&[&[file.as_str()][..], &rest[..], &[pem, "--life", "901"]].concat()).fails_with(&["--life", "900"]);
    offline(&["--key", pem, "--approver", "dana"]).code(2);
}

#[test]
fn a_danger_goes_on_when_it_is_approved_and_ends_when_it_is_rejected() {
    let site = Site::set();
    let made = key(&site.path("."), "dana");
    let pem = made["file"].as_str().unwrap().to_owned();
    let settings = format!("{}\n[[tenant.repository]]", made["settings"].as_str().unwrap());
    site.change_settings("[[tenant.repository]]", &settings);
    let server = site.start();
    let danger = |name: &str, app: &str| {
        let mut asked = set_image(name, app, "2.0");
        asked["actionKind"] = json!("SetReplicas");
        asked["changes"] = json!([{"kustomize": {"directory": format!("apps/{app}/staging"), "replicas": [{"name": app, "count": 0}]}}]);
        asked
    };
    let judged = |id: &str| {
        crate::run::until("the effect to be computed", || {
            let found = site.get(&format!("/v1/proposals/{id}/approvals")).json();
            (!found["class"].is_null()).then_some(found)
        })
    };
    let id = site.propose(&danger("stop-web", "web"));
    let found = judged(&id);
    assert_eq!((&found["needed"], &found["audience"]), (&json!(1), &json!("cli.tests/acme")));
    let file = text(site.path("proposal.json"));
    let sent = site.run(&["approve", &file, "--approver", "dana", "--key", &pem, "--send"]).code(0).json();
    assert_eq!(sent["approvals"][0]["approver"], "dana");
    site.wait_for(&id, &["open"]);
    // What the service has is not what was read: nothing is signed.
    let other = site.propose(&danger("stop-search", "search"));
    judged(&other);
    let mut edited = danger("stop-search", "search");
    edited["reason"] = json!("another reason");
    let file = text(crate::folders::put(&site.path("."), "edited.json", edited.to_string()));
    let ran = site.run(&["approve", &file, "--approver", "dana", "--key", &pem, "--send"]).code(3);
    assert!(ran.out.contains("digest"), "{}", ran.out);
    let digest = format!("sha256:{}", site.get(&format!("/v1/proposals/{other}")).json()["digest"].as_str().unwrap());
    let reject = ["approve", "--digest", &digest, "--proposal", &other, "--approver", "dana", "--key", &pem];
    let sent = site.run(&[&reject[..], &["--reject", "not now", "--send"]].concat()).code(0).json();
    assert_eq!(sent["rejection"]["reason"], "not now");
    let dropped = site.wait_for(&other, &["dropped"]);
    assert_eq!(dropped["reason"]["sentence"], "dana rejected it: not now");
    let page = site.ask("GET", &format!("/proposals/{id}/approve"), As::Bearer(&site.token), None).unwrap();
    assert_eq!(page.status, 200);
    server.terminate();
}

#[test]
fn a_key_set_is_fetched_and_counts_by_its_thumbprints() {
    let site = Site::set();
    let (dana, mallory) = (key(&site.path("."), "dana"), key(&site.path("."), "mallory"));
    let provider = Fake::start(vec![("/keys", 200, json!({"keys": [mallory["jwk"], dana["jwk"]]}))]);
    let settings = format!(
        "[[tenant.approver]]\nid = \"dana\"\njwks_url = \"{}/keys\"\nthumbprints = [\"{}\"]\n\n[[tenant.repository]]",
        provider.url,
        dana["kid"].as_str().unwrap()
    );
    site.change_settings("[[tenant.repository]]", &settings);
    let found = site.run(&["doctor", "--output", "json"]).json();
    let of = |found: &Value| {
        let all = found["findings"].as_array().unwrap();
        let one = all.iter().find(|one| one["check"] == "key set").unwrap();
        (one["level"].as_str().unwrap().to_owned(), one["sentence"].as_str().unwrap().to_owned())
    };
    assert_eq!(of(&found).0, "good", "{found}");
    let server = site.start();
    let mut asked = set_image("stop-web", "web", "2.0");
    asked["actionKind"] = json!("SetReplicas");
    asked["changes"] =
        json!([{"kustomize": {"directory": "apps/web/staging", "replicas": [{"name": "web", "count": 0}]}}]);
    let id = site.propose(&asked);
    crate::run::until("the effect to be computed", || {
        let found = site.get(&format!("/v1/proposals/{id}/approvals")).json();
        (!found["class"].is_null()).then_some(())
    });
    let file = text(site.path("proposal.json"));
    let approve = |made: &Value| {
        site.run(&["approve", &file, "--approver", "dana", "--key", made["file"].as_str().unwrap(), "--send"])
    };
    approve(&mallory).code(3);
    let sent = crate::run::until("the set to be fetched", || {
        let ran = approve(&dana);
        (ran.code == 0).then(|| ran.json())
    });
    assert_eq!(sent["approvals"][0]["approver"], "dana");
    site.wait_for(&id, &["open"]);
    assert!(provider.asked().iter().all(|head| !head.to_lowercase().contains("authorization")));
    server.terminate();
    site.change_settings("/keys\"", "/elsewhere\"");
    let (level, sentence) = of(&site.run(&["doctor", "--output", "json"]).json());
    assert!(level == "warn" && sentence.contains("404") && sentence.contains("approvals wait"), "{sentence}");
}
