//! `propose` and `explain`: asks a running service.

use super::paint::{Ink, paint, wanted};
use super::{Output, Status, print_json, read_input};
use crate::config::read_secret;
use crate::domain::proposal::Sealed;
use anyhow::Context as _;
use clap::Args;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub(super) struct Server {
    /// The service's address.
    #[arg(long, env = "COUNTERSIGN_SERVER", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    server: String,
}

impl Server {
    /// Asks the service; an answer that is no success is a refusal with the service's own words.
    pub(super) async fn ask(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> anyhow::Result<Result<Value, String>> {
        let token = read_secret("COUNTERSIGN_TOKEN", &|name| std::env::var(name).ok())?.context(
            "set COUNTERSIGN_TOKEN or COUNTERSIGN_TOKEN_FILE to the token that `countersign token create` printed",
        )?;
        let url = format!("{}{path}", self.server.trim_end_matches('/'));
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let mut request = client.request(method, &url).bearer_auth(token.trim());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("no answer from {url}: is `countersign serve` running there?"))?;
        let status = answer.status();
        let value: Value = answer.json().await.with_context(|| format!("{url} answered {status} without JSON"))?;
        if status.is_success() {
            return Ok(Ok(value));
        }
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Err(format!("{status}: {} {}", text("title"), text("detail"))))
    }
}

pub(super) fn refused(why: &str, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match output {
        Output::Json => print_json(out, &serde_json::json!({ "refused": why }))?,
        Output::Text => writeln!(out, "{} {why}", paint(wanted(), Ink::Bad, "refused:"))?,
    }
    Ok(Status::Refused)
}

#[derive(Debug, Args)]
pub(super) struct ProposeArgs {
    /// The proposal, JSON or YAML; `-` is standard input.
    proposal: PathBuf,
    #[command(flatten)]
    server: Server,
}

pub(super) async fn propose(args: ProposeArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let bytes = read_input(&args.proposal)?;
    if let Err(error) = Sealed::read(&bytes) {
        return refused(&format!("{}: {error}", args.proposal.display()), output, out);
    }
    match args.server.ask(reqwest::Method::POST, "/v1/proposals", Some(bytes)).await? {
        Err(why) => refused(&why, output, out),
        Ok(answer) => {
            match output {
                Output::Json => print_json(out, &answer)?,
                Output::Text => {
                    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
                    writeln!(
                        out,
                        "{} {} sha256:{}",
                        paint(wanted(), Ink::Good, text("stage")),
                        text("id"),
                        text("digest")
                    )?;
                }
            }
            Ok(Status::Done)
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The proposal's id, the service's or the sender's.
    id: String,
    #[command(flatten)]
    server: Server,
}

pub(super) async fn explain(args: ExplainArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    anyhow::ensure!(
        args.id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')),
        "`{}` is not an id of a proposal",
        args.id
    );
    let answer = match args.server.ask(reqwest::Method::GET, &format!("/v1/proposals/{}", args.id), None).await? {
        Ok(answer) => answer,
        Err(why) => return refused(&why, output, out),
    };
    if output == Output::Json {
        print_json(out, &answer)?;
        return Ok(Status::Done);
    }
    let record = answer.get("record").unwrap_or(&answer);
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or("-").to_owned();
    writeln!(out, "{} {} of {}", paint(wanted(), Ink::Strong, &text("stage")), text("id"), text("target"))?;
    if let Some(reason) = record.get("reason").and_then(|reason| reason.get("sentence")).and_then(Value::as_str) {
        writeln!(out, "because {reason}")?;
    }
    let verdict: Option<crate::domain::policy::verdict::Verdict> =
        record.get("verdict").and_then(|verdict| serde_json::from_value(verdict.clone()).ok());
    match verdict {
        Some(verdict) => write!(out, "{}", verdict.text())?,
        None => writeln!(out, "no turn has been taken yet")?,
    }
    Ok(Status::Done)
}
