//! `pull`: a person at work on the pull requests of a local repository.

use crate::demo::kept;
use crate::folders::put;
use crate::run::{Ran, countersign, text};
use serde_json::Value;
use tempfile::TempDir;

/// A home of its own and the number of the pull request that waits for a person.
struct Desk {
    home: TempDir,
    locator: String,
}

impl Desk {
    fn set() -> Desk {
        let number = kept().proposal("in-production")["pull"].clone();
        Desk { home: kept().copy(), locator: format!("local:acme/shop#{number}") }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let settings = text(self.home.path().join("settings.toml"));
        let all = ["--config", &settings, "--output", "json", "pull"].into_iter().chain(arguments.iter().copied());
        countersign(all)
    }

    /// A verb on the pull request as somebody.
    fn act(&self, who: &str, verb: &str, more: &[&str]) -> Ran {
        let head = [verb, "--as", who, self.locator.as_str()];
        self.run(&head.into_iter().chain(more.iter().copied()).collect::<Vec<_>>())
    }

    fn show(&self) -> Value {
        self.run(&["show", &self.locator]).code(0).json()
    }

    fn list(&self, more: &[&str]) -> usize {
        let arguments: Vec<&str> = ["list", "local:acme/shop"].into_iter().chain(more.iter().copied()).collect();
        self.run(&arguments).code(0).json().as_array().unwrap().len()
    }
}

#[test]
fn lists_shows_and_diffs() {
    let desk = Desk::set();
    assert_eq!(desk.list(&[]), 4, "the open ones");
    assert_eq!(desk.list(&["--all"]), 79);
    let shown = desk.show();
    assert_eq!(shown["state"], "open");
    assert!(shown["body"].as_str().unwrap().starts_with("### countersign: attested remediation\n"));
    let diff = desk.run(&["diff", &desk.locator]).code(0).json();
    let diff = diff["diff"].as_str().unwrap();
    assert!(diff.contains("+++ b/apps/web/production/kustomization.yaml") && diff.contains("\n+"), "{diff}");
}

#[test]
fn people_talk_review_and_label() {
    let desk = Desk::set();
    desk.act("eve:9", "comment", &["--body", "is this wise?"]).code(0);
    desk.act("eve:9", "review", &["approve"]).code(0);
    desk.act("ivan:11", "review", &["request-changes", "--body", "not on Friday", "--read-only"]).code(0);
    desk.act("ci:15368", "check", &["ci/test", "failure"]).code(0);
    desk.act("eve:9", "label", &["--add", "hold", "--add", "sre", "--remove", "countersign"]).code(0);
    let shown = desk.show();
    let comments: Vec<&str> =
        shown["comments"].as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap()).collect();
    assert_eq!(comments, ["is this wise?", "not on Friday"]);
    let opinions: Vec<(&str, bool)> = shown["reviews"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["opinion"].as_str().unwrap(), r["can_write"].as_bool().unwrap()))
        .collect();
    assert_eq!(opinions, [("approve", true), ("request_changes", false)]);
    let check = shown["checks"].as_array().unwrap().iter().find(|check| check["name"] == "ci/test").unwrap();
    assert_eq!(check["conclusion"], "failure");
    assert_eq!(shown["labels"], serde_json::json!(["hold", "sre"]));
    desk.act("eve:9", "review", &["dismiss"]).code(0);
    desk.act("eve:9", "comment", &[]).fails_with(&["--body"]);
    desk.act("eve", "label", &["--add", "a", "--read-only"]).fails_with(&[]);
}

#[test]
fn people_edit_and_push() {
    let desk = Desk::set();
    let before = desk.show();
    desk.act("eve:9", "edit", &["--title", "another title", "--draft", "true"]).code(0);
    let file = put(desk.home.path(), "new.yaml", "kind: ConfigMap\n");
    let pushed = desk.act("eve:9", "push", &["--path", "apps/web/base/extra.yaml", "--from", &text(&file)]).code(0);
    let after = desk.show();
    assert_eq!(after["title"], "another title");
    assert_eq!(after["draft"], true);
    assert_eq!(after["head"], pushed.json()["head"]);
    assert_ne!(after["head"], before["head"]);
    let diff = desk.run(&["diff", &desk.locator]).code(0).out;
    assert!(diff.contains("apps/web/base/extra.yaml"), "{diff}");
    desk.act("eve:9", "push", &["--amend"]).code(0);
    assert_ne!(desk.show()["head"], after["head"]);
    desk.act("eve:9", "push", &["--path", "../out", "--from", &text(&file)]).fails_with(&[".."]);
}

#[test]
fn people_merge_close_and_reopen() {
    let desk = Desk::set();
    desk.act("dana:7", "close", &[]).code(0);
    assert_eq!(desk.show()["state"], "closed");
    assert_eq!(desk.list(&[]), 3);
    desk.act("dana:7", "close", &["--reopen"]).code(0);
    let merged = desk.act("dana:7", "merge", &["--method", "squash"]).code(0).json();
    let shown = desk.show();
    assert_eq!(shown["state"], "merged");
    assert_eq!(shown["merged"]["commit"], merged["commit"]);
    assert_eq!(shown["merged"]["by"]["login"], "dana");
    let again = desk.act("dana:7", "merge", &[]).code(0).json();
    assert_eq!(again["commit"], merged["commit"], "merging again changes nothing");
}

#[test]
fn what_is_not_there_is_named() {
    let desk = Desk::set();
    desk.run(&["show", "local:acme/shop#4711"]).fails_with(&["4711"]);
    desk.run(&["show", "local:acme/shop"]).fails_with(&["local:<name>#<number>"]);
    desk.run(&["show", "local:acme/nothing#1"]).fails_with(&["acme/nothing"]);
    desk.run(&["show", "github:acme/shop#1"]).fails_with(&["github:acme/shop#1"]);
    desk.run(&["show", "local:acme/shop#x"]).fails_with(&["`x` is not a number"]);
    countersign(["pull", "list", "local:acme/shop"]).fails_with(&["--config", "COUNTERSIGN_CONFIG"]);
}
