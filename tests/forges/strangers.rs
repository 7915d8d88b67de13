//! Clients that others wrote, against our servers: PyGithub and python-gitlab do what countersign does. A server that
//! only our own client understands would prove nothing.

use crate::fake::github::{Grant, Hub};
use crate::fake::gitlab::PERSON;
use crate::opening::order;
use crate::stand::{ID, Kind, Stand, playable};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The Python that has the clients: of the folder that `.ci/run` makes, or of this machine.
fn python() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/strangers/bin/python");
    if own.exists() { own } else { "python3".into() }
}

/// Whether the module can be imported; says so if not.
async fn importable(module: &str, package: &str) -> bool {
    let asked = Command::new(python()).args(["-c", &format!("import {module}")]).output().await;
    let can = asked.is_ok_and(|out| out.status.success());
    if !can {
        println!("skipped: {package} is not installed");
    }
    can
}

/// Runs a script against the server; answers the commit it says it merged.
async fn run(s: &Stand, script: &str, token: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/strangers").join(script);
    let out = Command::new(python())
        .arg(path)
        .args([&s.fake().url(), token, &ID.to_string(), "stranger"])
        .output()
        .await
        .unwrap();
    let (said, complained) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let log: Vec<String> = s.fake().log.all().iter().map(|it| it.line()).collect();
    assert!(out.status.success(), "{said}\n{complained}\n{}", log.join("\n"));
    said.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_gitlab_opens_reads_and_merges() {
    if !playable(Kind::Gitlab) || !importable("gitlab", "python-gitlab").await {
        return;
    }
    let s = Stand::start(Kind::Gitlab).await;
    s.forge().push(&order(&s, "stranger", "notes.txt", "one\n").await).await.unwrap();
    let merged = run(&s, "gitlab.py", PERSON).await;
    assert_eq!(Some(merged), s.tip("main").map(|tip| tip.to_string()));
    assert_eq!(*s.lab().obeyed.lock().unwrap(), [(7, "/merge".to_owned())], "the server runs commands, and saw one");
    s.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pygithub_opens_reads_and_merges() {
    if !playable(Kind::Github) || !importable("github", "PyGithub").await {
        return;
    }
    let s = Stand::start(Kind::Github).await;
    s.forge().push(&order(&s, "stranger", "notes.txt", "one\n").await).await.unwrap();
    let merged = run(&s, "github.py", &token(s.hub(), s.clock.now().seconds() + 3_600)).await;
    assert_eq!(Some(merged), s.tip("main").map(|tip| tip.to_string()));
    s.parts.store.close().await;
}

/// A token that nobody minted, for a script that is no App.
fn token(hub: &Hub, ends: i64) -> String {
    let permissions = ["metadata", "contents", "pull_requests", "checks", "statuses"];
    let permissions = permissions.map(|name| (name.to_owned(), "write".to_owned())).into();
    let token = "ghs_a_token_for_a_stranger_00000000000000".to_owned();
    hub.extra().tokens.insert(token.clone(), Grant { repositories: vec![ID], permissions, ends });
    token
}
