//! `serve` over a real port: proposals, the signed webhook, people, outcomes, the log, and two ways to end.

use crate::folders::put;
use crate::http::As;
use crate::run::{countersign, text, until};
use crate::site::{REPOSITORY, Site, set_image};
use serde_json::{Value, json};

/// The locator of a proposal's pull request.
fn locator(proposal: &Value) -> String {
    format!("local:{REPOSITORY}#{}", proposal["pull"])
}

#[test]
fn a_proposal_from_the_door_to_its_outcome() {
    let site = Site::set();
    let server = site.start();
    let document = set_image("bump-web", "web", "1.1");
    let id = site.propose(&document);
    assert_eq!(site.propose(&document), id, "sent twice is the same proposal");
    let open = attested(&site, &id);
    let pulls = site.pulls();
    assert_eq!(pulls.len(), 1);
    assert_eq!(pulls[0]["head"], open["head"]);
    deliveries_are_signed(&site, &open);
    let landed = merged_by_a_person(&site, &id, &open);
    outcome(&site, &id, &landed);
    explained(&site);
    log_verifies(&site);
    let (code, log) = server.terminate();
    assert_eq!(code, 0, "{log}");
    assert!(log.lines().last().is_some_and(|line| line.contains("stopped")), "{log}");
    assert!(!log.contains('\u{1b}'), "colours in a log that is no terminal: {log}");
    for secret in [&site.token, &site.reporter] {
        assert!(!log.contains(secret.as_str()), "a token in the log");
    }
}

/// The proposal once its pull request is open and holds its attestation, which verifies offline.
fn attested(site: &Site, id: &str) -> Value {
    let open = site.wait_for(id, &["open"]);
    let key = text(site.path("data/keys/attestation.pem"));
    until("a body that verifies", || {
        let shown = site.run(&["pull", "show", &locator(&open)]).code(0).json();
        let body = text(put(&site.path("."), "body.md", shown["body"].as_str().unwrap()));
        (countersign(["verify", "--body", &body, "--key", &key]).code == 0).then_some(())
    });
    open
}

/// A comment reaches the server as an event; one with another signature does not.
fn deliveries_are_signed(site: &Site, open: &Value) {
    let told = site.run(&["pull", "comment", &locator(open), "--body", "looks right"]).code(0);
    assert!(told.err.is_empty(), "the event arrived: {}", told.err);
    let forged = json!({"event": "pull", "delivery": "d-1", "repository": {"id": 101}}).to_string();
    let answer = site.ask("POST", "/webhooks/local", As::Nobody, Some(&forged)).unwrap();
    assert_eq!(answer.status, 401);
    let metrics = site.ask("GET", "/metrics", As::Nobody, None).unwrap().body;
    assert!(metrics.contains("countersign_webhook_deliveries_total{result=\"kept\"} "), "{metrics}");
}

/// CI passes, dana merges, and the server sees both; the landed commit.
fn merged_by_a_person(site: &Site, id: &str, open: &Value) -> String {
    site.run(&["pull", "check", &locator(open), "ci/build", "success", "--as", "ci:15368"]).code(0);
    let merge = site.run(&["pull", "merge", &locator(open), "--as", "dana:7"]).code(0).json();
    let merged = site.wait_for(id, &["merged"]);
    assert_eq!(merged["landed"]["commit"], merge["commit"]);
    assert_eq!(merged["auto"], false);
    merge["commit"].as_str().unwrap().to_owned()
}

/// The reporter finds it bad, which is an outcome at once; the proposer may not call it good.
fn outcome(site: &Site, id: &str, landed: &str) {
    let path = format!("/v1/proposals/{id}/outcome");
    let report = |result: &str| json!({"result": result, "revision": landed, "note": "seen"}).to_string();
    assert_eq!(site.ask("POST", &path, As::Nobody, Some(&report("good"))).unwrap().status, 401);
    assert_eq!(site.ask("POST", &path, As::Bearer(&site.token), Some(&report("good"))).unwrap().status, 403);
    let kept = site.ask("POST", &path, As::Bearer(&site.reporter), Some(&report("bad"))).unwrap();
    assert_eq!(kept.status, 202, "{}", kept.body);
    let settled = site.wait_for(id, &["settled"]);
    assert_eq!(settled["outcome"], "bad");
}

fn explained(site: &Site) {
    let told = site.run(&["explain", "bump-web"]).code(0).json();
    assert_eq!(told["stage"], "settled");
    let unknown = site.run(&["explain", "no-such-proposal"]).code(3);
    assert!(unknown.out.contains("404"), "{}", unknown.out);
    let classes = site.run(&["trust", "show"]).code(0).json();
    // The revert that the bad outcome owes may have a class by now.
    let classes = classes["classes"].as_array().unwrap();
    let class = classes.iter().find(|class| class["actionKind"] == "SetImage").unwrap();
    assert_eq!(
        (&class["environment"], &class["bad"], &class["good"]),
        (&json!("staging"), &json!(1), &json!(0)),
        "{classes:?}"
    );
    let key = class["key"].as_str().unwrap();
    let one = site.run(&["trust", "show", &key[..12]]).code(0).json();
    assert_eq!((&one["outcomes"][0]["result"], &one["outcomes"][0]["auto"]), (&json!("bad"), &json!(false)), "{one}");
    let words = site.say(&["trust", "show"]).code(0).out;
    assert!(words.contains("0 of 1 good, lower bound 0.000, needed 0.95; score -1.610, needed 2.996"), "{words}");
    assert!(words.contains("missing: 0 distinct targets of the 5 needed"), "{words}");
    let replayed = site.run(&["trust", "backtest", "--threshold", "0.95"]).code(0).json();
    let outcomes = |class: &Value| class["runs"][0]["replay"]["outcomes"] == 1;
    assert!(replayed["classes"].as_array().unwrap().iter().any(outcomes), "{replayed}");
    let refused = site.run(&["trust", "rearm", &key[..12], "--reason", "mended"]).code(3);
    assert!(refused.out.contains("40"), "{}", refused.out);
    site.run(&["trust", "show", "nonsense"]).fails_with(&["`nonsense` is not the key of a class"]);
}

/// The log can be exported while the server runs, and is the one the server signs.
fn log_verifies(site: &Site) {
    let export = text(site.path("export"));
    site.run(&["audit", "export", &export, "--tenant", "acme"]).code(0);
    let (checkpoint, key) = (format!("{export}/checkpoint"), format!("{export}/log.pem"));
    let strict = ["audit", "verify", &export, "--require", "checkpoint", "--checkpoint", &checkpoint, "--key", &key];
    site.run(&strict).code(0);
    let entries = std::fs::read_to_string(format!("{export}/entries.ndjson")).unwrap();
    let types: Vec<String> = entries
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["leaf"]["type"].as_str().unwrap().to_owned())
        .collect();
    for wanted in ["proposal.received", "push.intent", "attestation.intent", "attestation.issued"] {
        assert!(types.iter().any(|found| found == wanted), "{wanted} is missing: {types:?}");
    }
}

#[test]
fn machines_and_browsers_are_answered() {
    let site = Site::set();
    let server = site.start();
    let id = site.propose(&set_image("for-a-browser", "web", "1.1"));
    assert_eq!(site.ask("GET", "/healthz", As::Nobody, None).unwrap().body, "ok\n");
    assert_eq!(site.ask("GET", "/readyz", As::Nobody, None).unwrap().json()["ready"], true);
    assert!(site.ask("GET", "/metrics", As::Nobody, None).unwrap().body.contains("countersign_proposals_total"));
    let openapi = site.ask("GET", "/openapi.json", As::Nobody, None).unwrap().json();
    assert!(openapi["paths"]["/v1/proposals/{id}"].is_object());
    let keys = site.ask("GET", "/.well-known/jwks.json", As::Nobody, None).unwrap().json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
    let nobody = site.ask("GET", "/v1/proposals", As::Nobody, None).unwrap();
    assert_eq!(nobody.status, 401);
    assert!(nobody.head.contains("application/problem+json"), "{}", nobody.head);
    assert_eq!(site.get("/v1/proposals").json()["proposals"][0]["id"], json!(id));
    for page in ["/".to_owned(), format!("/proposals/{id}"), "/classes".into(), "/audit".into()] {
        let shown = site.ask("GET", &page, As::Basic(&site.token), None).unwrap();
        assert_eq!(shown.status, 200, "{page}: {}", shown.body);
        assert!(shown.head.contains("text/html"), "{page}: {}", shown.head);
        assert_eq!(site.ask("GET", &page, As::Basic("wrong"), None).unwrap().status, 401, "{page}");
    }
    assert_eq!(server.terminate().0, 0);
}

#[test]
fn refusals_reach_the_command_line() {
    let site = Site::set();
    let _server = site.start();
    let send = |document: &Value| {
        let file = text(put(&site.path("."), "p.json", document.to_string()));
        site.run(&["propose", &file]).code(3).json()["refused"].as_str().unwrap().to_owned()
    };
    let mut foreign = set_image("foreign", "web", "1.1");
    foreign["proposer"]["id"] = json!("person:dana");
    assert!(send(&foreign).contains("`proposer.id`"));
    let mut elsewhere = set_image("elsewhere", "web", "1.1");
    elsewhere["repository"]["name"] = json!("acme/other");
    assert!(send(&elsewhere).contains("local:acme/other"));
    let mut unknown = set_image("unknown", "web", "1.1");
    unknown["surprise"] = json!(true);
    assert!(send(&unknown).contains("surprise"));
    site.propose(&set_image("taken", "web", "1.1"));
    assert!(send(&set_image("taken", "web", "1.2")).contains("`taken`"));
    let mut command = site.command(&["trust", "show"]);
    command.env("COUNTERSIGN_TOKEN", "wrong-token");
    let refused = crate::run::finish(command, Vec::new()).code(3);
    assert!(refused.out.contains("401"), "{}", refused.out);
}

#[test]
fn after_a_kill_at_any_moment_there_is_one_pull_request() {
    let site = Site::set();
    for (n, stage) in ["", "pushed", "open"].into_iter().enumerate() {
        let server = site.start();
        let app = ["web", "search", "ledger"][n];
        let id = site.propose(&set_image(&format!("killed-{n}"), app, "1.1"));
        if !stage.is_empty() {
            site.wait_for(&id, &[stage, "open"]);
        }
        server.kill();
        site.end_leases();
        let server = site.start();
        let open = attested(&site, &id);
        assert_eq!(site.pulls().len(), n + 1, "one pull request each");
        assert_eq!(site.pulls().iter().filter(|pull| pull["head"] == open["head"]).count(), 1);
        assert_eq!(server.terminate().0, 0);
    }
    log_verifies(&site);
}
