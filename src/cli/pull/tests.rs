use super::*;
use crate::domain::ids::Time;
use crate::forge::NewPull;
use crate::git::{Mirror, repository};
use clap::Parser;
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    pull: PullArgs,
}

/// A repository with one open pull request of the bot.
async fn shop() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("shop.git");
    let files = [("web.yaml".to_owned(), b"image: 1\n".to_vec())].into();
    let bot = User { id: 1, login: "countersign[bot]".to_owned() };
    repository::create_bare(&path, &files, "main", &bot, Time::default()).expect("makes");
    let who = Who { user: bot, can_write: true };
    let person = Person::new(place(dir.path()), who, clock());
    let first = Mirror::existing(&path).expect("opens").reference("refs/heads/main").expect("reads").expect("main");
    person.reset("fix", &first).await.expect("makes");
    person.commit("fix", vec![("web.yaml".to_owned(), Some(b"image: 2\n".to_vec()))], "fix").await.expect("pushes");
    let new = NewPull {
        head_ref: "fix".to_owned(),
        base_ref: "main".to_owned(),
        title: "fix: web \u{1b}[31m".to_owned(),
        body: "why\n\u{202e}not".to_owned(),
        labels: vec!["countersign".to_owned()],
        reviewers: Vec::new(),
    };
    assert_eq!(person.open(new).await.expect("opens"), 1);
    dir
}

fn place(dir: &Path) -> LocalPlace {
    LocalPlace { path: dir.join("shop.git"), id: 42, name: "acme/shop".to_owned(), hook: None }
}

fn clock() -> Clock {
    Arc::new(|| Time::default().plus_seconds(1_700_000_000))
}

async fn pull(dir: &Path, output: Output, line: &[&str]) -> anyhow::Result<String> {
    let line = Line::try_parse_from(["pull"].iter().chain(line)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let resolve = |name: &str| match name {
        "acme/shop" => Ok(place(dir)),
        other => bail!("no repository `local:{other}` in the settings"),
    };
    let mut out = Vec::new();
    run(line.pull, &resolve, clock(), output, &mut out).await?;
    Ok(String::from_utf8(out)?)
}

async fn json(dir: &Path, line: &[&str]) -> Value {
    serde_json::from_str(&pull(dir, Output::Json, line).await.expect("runs")).expect("JSON")
}

const ONE: &str = "local:acme/shop#1";

#[tokio::test]
async fn a_person_looks_reviews_and_merges() {
    let shop = shop().await;
    let dir = shop.path();
    let listed = json(dir, &["list", "local:acme/shop"]).await;
    assert_eq!(
        (&listed[0]["number"], &listed[0]["state"], &listed[0]["mergeable"]),
        (&1.into(), &"open".into(), &"yes".into())
    );
    let diff = pull(dir, Output::Text, &["diff", ONE]).await.expect("shows");
    assert!(diff.ends_with("-image: 1\n+image: 2\n"), "{diff}");
    let said = json(dir, &["comment", ONE, "--as", "dana:7", "--body", "looks good"]).await;
    assert_eq!(said, serde_json::json!({"number": 1, "done": "comment", "comment": 1}));
    json(dir, &["--as", "dana:7", "review", ONE, "request-changes"]).await;
    json(dir, &["--as", "erin:8", "review", ONE, "dismiss", "--of", "7"]).await;
    json(dir, &["review", ONE, "approve", "--as", "dana:7", "--body", "ok"]).await;
    json(dir, &["check", ONE, "ci/test", "success"]).await;
    json(dir, &["label", ONE, "--add", "hold", "--remove", "countersign"]).await;
    json(dir, &["edit", ONE, "--title", "new", "--draft", "false"]).await;
    let shown = json(dir, &["show", ONE]).await;
    assert_eq!((&shown["title"], &shown["labels"][0]), (&"new".into(), &"hold".into()));
    assert_eq!(shown["checks"][0]["app"], 15368);
    let opinions: Vec<_> = shown["reviews"].as_array().expect("a list").iter().map(|r| &r["opinion"]).collect();
    assert_eq!(opinions, ["request_changes", "dismissed", "approve"]);
    assert_eq!((&shown["comments"][1]["text"], &shown["comments"][1]["by"]["id"]), (&"ok".into(), &7.into()));
    let merged = json(dir, &["merge", ONE, "--as", "dana:7", "--method", "merge"]).await;
    assert_eq!(merged["commit"].as_str().map(str::len), Some(40));
    let landed = merged["commit"].as_str().expect("an id");
    json(dir, &["check", ONE, "argocd/web", "success", "--commit", landed]).await;
    assert_eq!(json(dir, &["show", ONE]).await["checks"].as_array().map(Vec::len), Some(1), "the head has its own");
    let unknown = ["check", ONE, "argocd/web", "success", "--commit", &"b".repeat(40)];
    let refused = pull(dir, Output::Text, &unknown).await.expect_err("no such commit");
    assert!(format!("{refused:#}").contains("commit bbbb"), "{refused:#}");
    assert_eq!(json(dir, &["list", "local:acme/shop"]).await, serde_json::json!([]));
    assert_eq!(json(dir, &["list", "local:acme/shop", "--all"]).await[0]["state"], "merged");
}

#[tokio::test]
async fn a_person_pushes_closes_and_reopens() {
    let shop = shop().await;
    let dir = shop.path();
    let file = dir.join("new.yaml");
    std::fs::write(&file, "image: 3\n").expect("writes");
    let from = file.to_str().expect("text");
    let pushed = json(dir, &["push", ONE, "--path", "web.yaml", "--from", from, "--as", "dana:7"]).await;
    assert_eq!(json(dir, &["show", ONE]).await["head"], pushed["head"]);
    let forced = json(dir, &["push", ONE, "--amend"]).await;
    assert_ne!(forced["head"], pushed["head"]);
    json(dir, &["push", ONE, "--path", "web.yaml"]).await;
    let diff = json(dir, &["diff", ONE]).await;
    assert!(diff["diff"].as_str().expect("text").contains("+++ /dev/null"));
    json(dir, &["close", ONE, "--as", "dana:7"]).await;
    assert_eq!(json(dir, &["show", ONE]).await["closed_by"]["login"], "dana");
    json(dir, &["close", ONE, "--reopen"]).await;
    assert_eq!(json(dir, &["show", ONE]).await["state"], "open");
}

#[tokio::test]
async fn text_from_others_does_not_reach_the_terminal_raw() {
    let shop = shop().await;
    for line in [["show", ONE], ["list", "local:acme/shop"]] {
        let text = pull(shop.path(), Output::Text, &line).await.expect("shows");
        assert!(text.contains("\\u{1b}[31m") && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}

#[tokio::test]
async fn mistakes_are_told_apart() {
    let shop = shop().await;
    let said =
        async |line: &[&str]| format!("{:#}", pull(shop.path(), Output::Text, line).await.expect_err("an error"));
    assert!(said(&["show", "github:a/b#1"]).await.contains("only pull requests of local repositories"));
    assert!(said(&["show", "local:other#1"]).await.contains("no repository `local:other`"));
    assert!(said(&["show", "local:acme/shop"]).await.contains("names no pull request"));
    assert!(said(&["show", "local:acme/shop#x"]).await.contains("`x` is not a number"));
    assert!(said(&["show", "local:acme/shop#9"]).await.contains("pull request #9 of acme/shop"));
    assert!(said(&["close", ONE, "--as", "dana:x"]).await.contains("`x` is not a number"));
    assert!(said(&["close", ONE, "--as", ":7"]).await.contains("LOGIN:ID"));
    assert!(said(&["comment", ONE]).await.contains("--body"));
    assert!(said(&["merge", ONE, "--read-only"]).await.contains("may not write"));
    assert!(said(&["push", ONE, "--path", ".git/config"]).await.contains(".git"));
    assert!(said(&["label", ONE]).await.contains("--add"));
}
