//! `token`, `config` and `schema`: what an operator sets up once.

use super::paint::{Ink, paint, wanted};
use super::{Output, Status, print_json, read_input, tokens};
use crate::app::system_clock;
use crate::config::{NewToken, Role, Settings};
use crate::domain::policy::rules::Rules;
use crate::domain::proposal::Proposal;
use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

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
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Checks the service's settings (`.toml`) or a repository's config (`.yaml`).
    Check {
        /// The file.
        file: PathBuf,
    },
}

pub(super) fn config(args: &ConfigArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let ConfigCommand::Check { file } = &args.command;
    let bytes = read_input(file)?;
    if file.extension().is_some_and(|extension| extension == "toml") {
        return check_settings(file, output, out);
    }
    match Rules::read(&bytes) {
        Ok(rules) => {
            consequences(&rules, output, out)?;
            Ok(Status::Done)
        }
        Err(error) => {
            match output {
                Output::Json => print_json(out, &json!({"valid": false, "path": error.path, "reason": error.reason}))?,
                Output::Text => writeln!(out, "{} {}: {error}", paint(wanted(), Ink::Bad, "refused:"), file.display())?,
            }
            Ok(Status::Refused)
        }
    }
}

fn check_settings(file: &std::path::Path, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match Settings::load(file, &|name| std::env::var(name).ok()) {
        Ok(settings) => {
            let repositories: usize = settings.tenants.iter().map(|tenant| tenant.repositories.len()).sum();
            match output {
                Output::Json => print_json(
                    out,
                    &json!({"valid": true, "tenants": settings.tenants.len(), "repositories": repositories}),
                )?,
                Output::Text => writeln!(
                    out,
                    "{} {} tenants, {repositories} repositories",
                    paint(wanted(), Ink::Good, "good:"),
                    settings.tenants.len()
                )?,
            }
            Ok(Status::Done)
        }
        Err(error) => {
            match output {
                Output::Json => print_json(out, &json!({"valid": false, "path": "", "reason": format!("{error:#}")}))?,
                Output::Text => writeln!(out, "{} {error:#}", paint(wanted(), Ink::Bad, "refused:"))?,
            }
            Ok(Status::Refused)
        }
    }
}

fn consequences(rules: &Rules, output: Output, out: &mut dyn Write) -> anyhow::Result<()> {
    let auto = &rules.auto_merge;
    let clean = auto.wilson_lower_bound.clean_outcomes();
    if output == Output::Json {
        return print_json(out, &json!({"valid": true, "cleanOutcomes": clean, "rules": rules}));
    }
    writeln!(out, "{} version {}", paint(wanted(), Ink::Good, "good:"), rules.version)?;
    for (name, environment) in &rules.environments {
        let production = if environment.is_production(name) { ", production" } else { "" };
        writeln!(out, "environment {name}: mode {}{production}, {}", environment.mode, environment.paths.join(" "))?;
    }
    let kinds: Vec<String> = auto.action_kinds.iter().map(|kind| kind.name()).collect();
    match kinds.as_slice() {
        [] => writeln!(out, "auto-merge: no action kind is listed, so nothing merges by itself")?,
        kinds => writeln!(
            out,
            "auto-merge: {} after {clean} clean outcomes (lower bound {}), over {} targets and {} days, soak {}",
            kinds.join(", "),
            auto.wilson_lower_bound,
            auto.spread.targets,
            auto.spread.days,
            auto.soak
        )?,
    }
    Ok(())
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
