//! `keys`, `token`, `config`, `schema`, `digest` and `trust bound`: small tools, exact answers.

use crate::demo::kept;
use crate::folders::put;
use crate::run::{binary, countersign, finish, text};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn trust_bound_is_exact() {
    let ran = countersign("trust bound --good 73 --total 73 --threshold 0.95 --output json".split(' ')).code(0);
    assert_eq!(
        ran.out,
        "{\"lower_bound\":0.950006,\"wilson\":true,\"score\":3010666,\"score_pass\":true,\"unlocked\":true}\n"
    );
    let locked = countersign("trust bound --good 72 --total 72 --output json".split(' ')).code(0).json();
    assert_eq!(locked["unlocked"], false);
    let words = countersign("trust bound --good 73 --total 73".split(' ')).code(0).out;
    assert!(words.ends_with("\nunlocked\n"), "{words}");
    countersign("trust bound --good 74 --total 73".split(' ')).fails_with(&[]);
    countersign("trust bound --good 1 --total 1 --threshold 0.5".split(' ')).fails_with(&["0.80"]);
}

#[test]
fn usage_is_told_apart_from_errors() {
    for arguments in
        ["", "bogus", "trust bound", "verify --body x", "apply --repository .", "--output xml schema config"]
    {
        let ran = countersign(arguments.split_whitespace()).code(2);
        assert!(ran.err.contains("Usage:") || ran.err.contains("possible values"), "{arguments}: {}", ran.err);
    }
    countersign(["--version"]).code(0);
    assert!(
        countersign(["--help"]).code(0).out.contains("Exit codes: 0 done, 1 error, 2 usage, 3 refused, 4 not proven")
    );
}

#[test]
fn keys_are_made_once_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let place = text(folder.path().join("keys"));
    let made = countersign(["keys", "generate", "--output", "json", "--directory", &place]).code(0).json();
    for name in ["attestation.key", "log.key"] {
        let mode = std::fs::metadata(folder.path().join("keys").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let listed = countersign(["keys", "list", "--output", "json", "--directory", &place]).code(0).json();
    assert_eq!(made, listed);
    assert_ne!(made["attestation"][0]["kid"], made["log"]);
    countersign(["keys", "generate", "--directory", &place]).fails_with(&["exists already", &place]);
    let empty = text(folder.path());
    countersign(["keys", "list", "--directory", &empty]).fails_with(&[&empty, "countersign keys generate"]);
}

#[test]
fn a_token_is_shown_once_with_its_settings() {
    let roles = ["token", "create", "--principal", "agent:x", "--role", "propose,admin", "--output", "json"];
    let made = countersign(roles).code(0).json();
    let (token, digest) = (made["token"].as_str().unwrap(), made["sha256"].as_str().unwrap());
    assert!(token.starts_with("cs_") && token.len() > 40, "{token}");
    let settings = made["settings"].as_str().unwrap();
    assert!(settings.contains(digest) && !settings.contains(token), "{settings}");
    assert!(settings.contains("roles = [\"propose\", \"admin\"]"), "{settings}");
    assert_ne!(countersign(roles).code(0).json()["token"], made["token"]);
    let reporter = countersign(["token", "create", "--principal", "argocd", "--reporter"]).code(0).out;
    assert!(reporter.contains("[[tenant.reporter]]") && reporter.contains("kind = \"bearer\""), "{reporter}");
    countersign(["token", "create", "--principal", "a\"b"]).fails_with(&["--principal"]);
}

#[test]
fn a_digest_does_not_depend_on_the_spelling() {
    let document = std::fs::read_to_string(kept().home.join("proposals/by-itself.json")).unwrap();
    let parsed: Value = serde_json::from_str(&document).unwrap();
    let digest = |text: &str| {
        let mut command = binary();
        command.args(["digest", "-", "--output", "json"]);
        finish(command, text.as_bytes().to_vec()).code(0).json()["digest"].clone()
    };
    let wanted = &kept().proposal("by-itself")["digest"];
    assert_eq!(digest(&document), *wanted);
    assert_eq!(digest(&serde_json::to_string_pretty(&parsed).unwrap()), *wanted);
    assert_eq!(digest(&as_yaml(&parsed)), *wanted);
    let bad = put(tempfile::tempdir().unwrap().path(), "p.json", "{}");
    countersign(["digest", &text(&bad)]).fails_with(&[&text(&bad)]);
}

/// A document in YAML: JSON strings and numbers are YAML too.
fn as_yaml(document: &Value) -> String {
    let members = document.as_object().unwrap().iter();
    members.map(|(key, value)| format!("{key}: {value}\n")).collect()
}

#[test]
fn settings_are_checked_with_the_place_of_the_fault() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text_: &str| {
        let path = text(put(folder.path(), name, text_));
        countersign(["config", "check", "--output", "json", &path])
    };
    let good = std::fs::read_to_string(kept().home.join("settings.toml")).unwrap();
    assert_eq!(check("good.toml", &good).code(0).json(), json!({"valid": true, "tenants": 1, "repositories": 1}));
    let cases = [
        ("unknown.toml", good.replacen("listen =", "lisen =", 1), "lisen"),
        ("address.toml", good.replacen("127.0.0.1:8080", "everywhere", 1), "everywhere"),
        (
            "twice.toml",
            format!(
                "{good}\n[[tenant.repository]]\nforge = \"local\"\nname = \"acme/other\"\nid = 101\npath = \"o.git\"\n"
            ),
            "stands twice",
        ),
        ("github.toml", good.replacen("forge = \"local\"", "forge = \"github\"", 1), "acme/shop"),
        ("instance.toml", good.replacen("demo.countersign", "a b", 1), "instance"),
        ("broken.toml", "instance = ".to_owned(), "broken.toml"),
        ("empty.toml", String::new(), "instance"),
    ];
    for (name, text, word) in cases {
        let answer = check(name, &text).code(3).json();
        assert_eq!(answer["valid"], false, "{name}");
        assert!(answer["reason"].as_str().unwrap().contains(word), "{name}: {answer}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_and_no_refusal() {
    for name in ["/nowhere/settings.toml", "/nowhere/countersign.yaml"] {
        countersign(["config", "check", name]).fails_with(&["cannot read", name]);
    }
}

#[test]
fn a_repositorys_config_is_checked_with_the_path_of_the_fault() {
    let folder = tempfile::tempdir().unwrap();
    let shop = countersign::cli::demo::shop();
    let good = String::from_utf8(shop[".github/countersign.yaml"].clone()).unwrap();
    let check = |text_: &str| {
        let path = text(put(folder.path(), "countersign.yaml", text_));
        countersign(["config", "check", "--output", "json", &path])
    };
    let answer = check(&good).code(0).json();
    assert_eq!(answer["cleanOutcomes"], 73);
    let words = countersign(["config", "check", &text(folder.path().join("countersign.yaml"))]).code(0).out;
    assert!(
        words.contains("after 73 clean outcomes") && words.contains("environment staging: mode automate"),
        "{words}"
    );
    let cases = [
        (good.replacen("soak: 72h", "sock: 72h", 1), "autoMerge"),
        (good.replacen("mode: automate", "mode: always", 1), "environments.staging.mode"),
        (good.replacen("\"0.95\"", "\"0.5\"", 1), "autoMerge.wilsonLowerBound"),
        (good.replacen("version: 1", "version: 2", 1), "version"),
        (good.replacen("lines: 50", "lines: many", 1), "limits.lines"),
    ];
    for (text, path) in cases {
        let answer = check(&text).code(3).json();
        let at = format!("{} {}", answer["path"], answer["reason"]);
        assert!(at.contains(path), "{path}: {answer}");
    }
}

#[test]
fn the_schemas_take_what_the_service_takes() {
    let schema = |which: &str| {
        let document = countersign(["schema", which]).code(0).json();
        jsonschema::validator_for(&document).expect("a schema")
    };
    let proposal: Value =
        serde_json::from_slice(&std::fs::read(kept().home.join("proposals/by-itself.json")).unwrap()).unwrap();
    let proposals = schema("proposal");
    assert!(
        proposals.is_valid(&proposal),
        "{:?}",
        proposals.iter_errors(&proposal).map(|e| e.to_string()).collect::<Vec<_>>()
    );
    for member in ["actionKind", "changes", "reason", "rollback", "proposer", "target"] {
        let mut without = proposal.clone();
        without.as_object_mut().unwrap().remove(member);
        assert!(!proposals.is_valid(&without), "without {member}");
    }
    let mut more = proposal.clone();
    more["surprise"] = json!(1);
    assert!(!proposals.is_valid(&more), "an unknown key");
    let configs = schema("config");
    let config = json!({"version": 1, "environments": {"staging": {"paths": ["apps/*/staging/**"], "mode": "automate"}},
        "autoMerge": {"wilsonLowerBound": "0.95", "soak": "72h", "requiredChecks": [{"name": "ci/*", "app": 15368}], "actionKinds": ["SetImage"]}});
    assert!(configs.is_valid(&config), "{:?}", configs.iter_errors(&config).map(|e| e.to_string()).collect::<Vec<_>>());
    assert!(!configs.is_valid(&json!({"version": 1, "environment": {}})), "an unknown key");
}
