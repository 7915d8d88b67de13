//! `token` and `schema`: what an operator sets up once.

use super::{Output, Status, print_json, tokens};
use crate::config::{NewToken, Role, Settings};
use crate::domain::policy::rules::Rules;
use crate::domain::proposal::Proposal;
use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::io::Write;

/// Reads the settings when they are needed.
pub(super) type Load<'a> = dyn Fn() -> anyhow::Result<Settings> + 'a;

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Asks a running service for a token that ends by itself and can be revoked.
    Issue(tokens::IssueArgs),
    /// Lists a tenant's tokens, without the tokens themselves.
    List(tokens::ListArgs),
    /// Revokes a token of a running service at once.
    Revoke(tokens::RevokeArgs),
    /// Makes a token, prints it once and prints what to put into the settings.
    Create {
        /// Who will use it: `agent:kubernaut`, `person:dana`.
        #[arg(long)]
        principal: String,
        /// What for.
        #[arg(long, value_enum, value_delimiter = ',', default_values = ["propose", "read"])]
        role: Vec<Role>,
        /// Makes it the token of a reporter of outcomes.
        #[arg(long, conflicts_with = "role")]
        reporter: bool,
    },
}

pub(super) async fn token(args: &TokenArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match &args.command {
        TokenCommand::Issue(args) => tokens::issue(args, output, out).await,
        TokenCommand::List(args) => tokens::list(args, output, out).await,
        TokenCommand::Revoke(args) => tokens::revoke(args, output, out).await,
        TokenCommand::Create { principal, role, reporter } => create(principal, role, *reporter, output, out),
    }
}

/// Makes a token for the settings.
fn create(
    principal: &str,
    role: &[Role],
    reporter: bool,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    anyhow::ensure!(
        !principal.contains(char::is_control) && !principal.contains('"'),
        "--principal must be plain text on one line"
    );
    let made = NewToken::make()?;
    let roles: Vec<String> = role.iter().map(|role| format!("\"{}\"", format!("{role:?}").to_lowercase())).collect();
    let settings = if reporter {
        format!("[[tenant.reporter]]\nid = \"{principal}\"\nkind = \"bearer\"\nsha256 = \"{}\"\n", made.sha256)
    } else {
        format!(
            "[[tenant.token]]\nprincipal = \"{principal}\"\nroles = [{}]\nsha256 = \"{}\"\n",
            roles.join(", "),
            made.sha256
        )
    };
    match output {
        Output::Json => print_json(
            out,
            &json!({"token": made.secret.expose_secret(), "sha256": made.sha256, "settings": settings}),
        )?,
        Output::Text => {
            writeln!(
                out,
                "token (shown once): {}\n\nput this below the tenant in the settings:\n\n{settings}",
                made.secret.expose_secret()
            )?;
        }
    }
    Ok(Status::Done)
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Which one.
    #[arg(value_enum)]
    which: Which,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// The proposal.
    Proposal,
    /// The repository's config.
    Config,
}

pub(super) fn schema(args: &SchemaArgs, out: &mut dyn Write) -> anyhow::Result<Status> {
    let schema = match args.which {
        Which::Proposal => schemars::schema_for!(Proposal),
        Which::Config => schemars::schema_for!(Rules),
    };
    writeln!(out, "{}", serde_json::to_string_pretty(&schema)?)?;
    Ok(Status::Done)
}
