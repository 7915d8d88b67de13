//! `init`: makes countersign known to a forge and says what to write into the settings.
//!
//! Must not change the settings, nor print a secret.

mod on_github;
mod on_gitlab;

use super::{Output, Status};
use clap::{Args, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    #[command(subcommand)]
    command: InitCommand,
}

#[derive(Debug, Subcommand)]
enum InitCommand {
    /// Registers a GitHub App: serves a page on this machine with one button.
    Github(on_github::GithubArgs),
    /// Checks a GitLab token, makes a webhook secret and says what to click.
    Gitlab(on_gitlab::GitlabArgs),
}

pub(super) async fn run(
    args: InitArgs,
    config: Option<&Path>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    match args.command {
        InitCommand::Github(args) => on_github::run(args, config, output, out).await,
        InitCommand::Gitlab(args) => on_gitlab::run(args, config, output, out).await,
    }
}

/// Where secrets go: the folder that was named, or `secrets` beside the settings.
fn folder(named: Option<&PathBuf>, config: Option<&Path>) -> anyhow::Result<PathBuf> {
    let beside = config.and_then(Path::parent).filter(|parent| !parent.as_os_str().is_empty());
    let folder = named.cloned().unwrap_or_else(|| beside.unwrap_or(Path::new(".")).join("secrets"));
    Ok(std::path::absolute(folder)?)
}

/// A host name without anything around it.
fn host(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
    match (1..=253).contains(&text.len()) && text.chars().all(plain) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("write the host alone, `github.acme.example`".into()),
    }
}

/// An address without a path that ends in a slash.
fn address(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|error| format!("write an address such as https://...: {error}"))?;
    match url.scheme() {
        "https" | "http" if url.query().is_none() && url.username().is_empty() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("write an address such as https://countersign.acme.example".into()),
    }
}
