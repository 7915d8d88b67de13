//! A deployment that is set up wrong: each fault names its place and what to do, and nothing panics.

use crate::folders::put;
use crate::run::{countersign, text};
use crate::site::{Site, set_image};
use countersign::cli::demo::shop;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn a_port_in_use() {
    let site = Site::set();
    let _taken = TcpListener::bind(("127.0.0.1", site.port)).unwrap();
    site.serve_in_vain().fails_with(&[&format!("127.0.0.1:{}", site.port), "free the port or set `listen`"]);
}

#[test]
fn keys_that_others_may_read() {
    let site = Site::set();
    for name in ["data/keys/attestation.key", "data/keys/log.key", "webhook.secret"] {
        let path = site.path(name);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        site.serve_in_vain().fails_with(&[&text(&path), "644", "chmod 600"]);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn keys_that_are_not_there_or_no_keys() {
    let site = Site::with(&shop());
    site.serve_in_vain().fails_with(&[&text(site.path("data/keys")), "countersign keys generate"]);
    site.run(&["keys", "generate"]).code(0);
    let key = site.path("data/keys/log.key");
    let good = std::fs::read(&key).unwrap();
    std::fs::write(&key, "no key").unwrap();
    site.serve_in_vain().fails_with(&[&text(&key), "PEM"]);
    std::fs::copy(site.path("data/keys/attestation.key"), &key).unwrap();
    site.serve_in_vain().fails_with(&["log.key", "keys.json"]);
    std::fs::remove_file(&key).unwrap();
    site.serve_in_vain().fails_with(&[&text(&key)]);
    std::fs::write(&key, good).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    put(&site.path("data/keys"), "keys.json", "{}");
    site.serve_in_vain().fails_with(&["keys.json"]);
}

#[test]
fn settings_with_a_fault() {
    let cases = [
        ("instance = \"cli.tests\"", "instanse = \"cli.tests\"", "instanse"),
        ("data = \"data\"", "data = 7", "data"),
        ("id = 101", "id = 0", "acme/shop"),
        ("webhook_secret_file = \"webhook.secret\"", "webhook_secret_file = \"gone.secret\"", "gone.secret"),
        ("[[tenant.repository]]", "[[tenant.repository]]\ncolour = \"red\"", "colour"),
    ];
    for (from, to, word) in cases {
        let site = Site::set();
        site.change_settings(from, to);
        site.serve_in_vain().fails_with(&[word]);
    }
    let site = Site::set();
    let settings = std::fs::read_to_string(site.settings()).unwrap();
    let again = settings.split("[[tenant.repository]]").nth(1).unwrap();
    std::fs::write(site.settings(), format!("{settings}\n[[tenant.repository]]{again}")).unwrap();
    site.serve_in_vain().fails_with(&["acme/shop", "stands twice", &text(site.settings())]);
    let missing = text(site.path("none.toml"));
    countersign(["serve", "--config", &missing]).fails_with(&[&missing, "--config"]);
    countersign(["serve"]).fails_with(&["--config", "COUNTERSIGN_CONFIG"]);
}

#[test]
fn the_environment_overrides_and_is_checked() {
    let site = Site::set();
    let cases = [("COUNTERSIGN_LISTEN", "nowhere", "listen"), ("COUNTERSIGN_STOP", "maybe", "COUNTERSIGN_STOP")];
    for (name, value, word) in cases {
        let mut command = site.command(&["serve"]);
        command.env(name, value);
        crate::run::finish(command, Vec::new()).fails_with(&[word, value]);
    }
}

#[test]
fn a_repository_that_is_not_there_or_not_bare() {
    let site = Site::set();
    let path = site.path("repos/shop.git");
    let gone = site.path("repos/gone.git");
    std::fs::rename(&path, &gone).unwrap();
    site.serve_in_vain().fails_with(&["acme/shop", &text(&path), "bare"]);
    std::fs::create_dir_all(&path).unwrap();
    site.serve_in_vain().fails_with(&["acme/shop", &text(&path), "bare"]);
    std::fs::remove_dir(&path).unwrap();
    std::fs::create_dir_all(path.join("work")).unwrap();
    std::fs::rename(&gone, path.join(".git")).unwrap();
    let config = path.join(".git/config");
    let made = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, made.replace("bare = true", "bare = false")).unwrap();
    site.serve_in_vain().fails_with(&["acme/shop", &text(&path), "bare"]);
}

/// Sends one proposal and waits until it is over; what was decided.
fn ends(site: &Site, document: &Value) -> Value {
    let server = site.start();
    let id = site.propose(document);
    let over = site.wait_for(&id, &["dropped"]);
    assert!(site.pulls().is_empty(), "nothing was pushed");
    assert_eq!(server.terminate().0, 0);
    over
}

#[track_caller]
fn dropped(over: &Value, code: &str, words: &[&str]) {
    assert_eq!(over["reason"]["code"], code, "{over}");
    let sentence = over["reason"]["sentence"].as_str().unwrap();
    for word in words {
        assert!(sentence.contains(word), "`{word}` is not named: {sentence}");
    }
}

#[test]
fn a_base_branch_that_is_not_there() {
    let site = Site::set();
    let mut document = set_image("elsewhere", "web", "1.1");
    document["repository"]["base"] = "release".into();
    dropped(&ends(&site, &document), "failed", &["base branch", "create it"]);
}

#[test]
fn a_repository_without_a_config() {
    let mut files = shop();
    files.remove(".github/countersign.yaml");
    let site = Site::with(&files);
    site.run(&["keys", "generate"]).code(0);
    dropped(&ends(&site, &set_image("no-config", "web", "1.1")), "not_enabled", &["countersign.yaml"]);
}

#[test]
fn a_repository_without_a_commit() {
    let site = Site::set();
    std::fs::remove_dir_all(site.path("repos/shop.git")).unwrap();
    countersign::git::repository::init(&site.path("repos/shop.git"), "main").unwrap();
    let server = site.start();
    let id = site.propose(&set_image("empty", "web", "1.1"));
    let trouble = crate::run::until("the trouble to be told", || {
        let found = site.get(&format!("/v1/proposals/{id}")).json();
        Some(found["trouble"].clone()).filter(|trouble| !trouble.is_null())
    });
    assert!(trouble.to_string().contains("it is empty: push a first commit"), "{trouble}");
    assert_eq!(server.terminate().0, 0);
}

#[test]
fn a_change_that_cannot_be_made() {
    let site = Site::set();
    let mut document = set_image("nothing-there", "web", "1.1");
    document["changes"][0]["kustomize"]["directory"] = "apps/nothing/staging".into();
    let over = ends(&site, &document);
    assert!(
        over["reason"]["sentence"].as_str().is_some_and(|sentence| sentence.contains("apps/nothing/staging")),
        "{over}"
    );
    let same = set_image("done-already", "web", "1.0");
    dropped(&ends(&site, &same), "satisfied", &[]);
}

#[test]
fn a_config_that_cannot_be_read() {
    let mut files: BTreeMap<_, _> = shop();
    files.insert(".github/countersign.yaml".into(), b"version: 1\nenvironment: {}\n".to_vec());
    let site = Site::with(&files);
    site.run(&["keys", "generate"]).code(0);
    let server = site.start();
    let id = site.propose(&set_image("bad-config", "web", "1.1"));
    let seen = crate::run::until("a verdict", || {
        let found = site.get(&format!("/v1/proposals/{id}")).json();
        (!found["verdict"].is_null()).then_some(found)
    });
    let said = seen["verdict"].to_string();
    assert!(said.contains(".github/countersign.yaml") && said.contains("environment"), "{said}");
    assert!(site.pulls().is_empty());
    assert_eq!(server.terminate().0, 0);
}
