//! `token issue`, `token list` and `token revoke`: asks a running service, with an admin's token.
//!
//! Must not write a token anywhere but to standard output, once.

use super::remote::{Server, refused};
use super::{Output, Status, print_json};
use crate::config::Role;
use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Write;

#[derive(Debug, Args)]
pub(super) struct IssueArgs {
    /// Who will use it: `agent:kubernaut`, `person:dana`.
    #[arg(long)]
    principal: String,
    /// What for.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["propose", "read"])]
    role: Vec<Role>,
    /// Until when, as 2027-01-31T00:00:00Z; 90 days when left out, 366 at most.
    #[arg(long)]
    expires: Option<String>,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    /// The token's id, as `token list` shows it.
    id: String,
    #[command(flatten)]
    server: Server,
}

pub(super) async fn issue(args: &IssueArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let wish = json!({"principal": args.principal, "roles": args.role, "expires": args.expires});
    let answer = args.server.ask(Method::POST, "/v1/tokens", Some(serde_json::to_vec(&wish)?)).await?;
    shown(answer, output, out, |made, out| {
        writeln!(out, "token (shown once): {}", text(made, "token"))?;
        line(made, out)
    })
}

pub(super) async fn list(args: &ListArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let answer = args.server.ask(Method::GET, "/v1/tokens", None).await?;
    shown(answer, output, out, |answer, out| {
        let tokens = answer.get("tokens").and_then(Value::as_array);
        tokens.into_iter().flatten().try_for_each(|token| line(token, out))
    })
}

pub(super) async fn revoke(args: &RevokeArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    anyhow::ensure!(
        args.id.chars().all(|c| c.is_ascii_hexdigit() || c == '-'),
        "`{}` is not an id of a token: see `countersign token list`",
        args.id
    );
    let answer = args.server.ask(Method::DELETE, &format!("/v1/tokens/{}", args.id), None).await?;
    shown(answer, output, out, line)
}

/// Prints an answer as JSON or by `print`; a refusal in the service's own words.
fn shown(
    answer: Result<Value, String>,
    output: Output,
    out: &mut dyn Write,
    print: impl Fn(&Value, &mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<Status> {
    match (answer, output) {
        (Err(why), _) => return refused(&why, output, out),
        (Ok(answer), Output::Json) => print_json(out, &answer)?,
        (Ok(answer), Output::Text) => print(&answer, out)?,
    }
    Ok(Status::Done)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("-")
}

fn line(token: &Value, out: &mut dyn Write) -> anyhow::Result<()> {
    let roles: Vec<&str> =
        token.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let id = token.get("id").and_then(Value::as_str).unwrap_or("(in the settings)");
    let (principal, state) = (text(token, "principal"), text(token, "state"));
    writeln!(out, "{id}  {state}  {principal}  {}  until {}", roles.join(","), text(token, "expires"))?;
    Ok(())
}
