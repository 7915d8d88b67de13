//! Checks a GitLab token, makes a webhook secret and says what to click.
//!
//! Must not ask for more than one token, nor make anything at GitLab.

use super::{address, folder};
use crate::app::system_clock;
use crate::cli::{Output, Status, print_json};
use crate::config::{Vault, random, read_file};
use crate::forge::inspect::on_gitlab::{Place, inspect};
use crate::forge::inspect::{Finding, Level};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use secrecy::SecretString;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct GitlabArgs {
    /// Where the instance answers.
    #[arg(long, default_value = "https://gitlab.com", value_parser = address)]
    url: String,
    /// A file with a project's or group's access token (scope `api`, role Developer or Maintainer), mode 0600.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The project, `group/name` or its number; checks that the token reaches it.
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    /// Where GitLab reaches the service; without it there are no webhooks, and changes are seen every 60 s.
    #[arg(long, value_name = "URL", value_parser = address)]
    service: Option<String>,
    /// Where the webhook secret is kept; `secrets` beside the settings when left out.
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(super) async fn run(
    args: GitlabArgs,
    config: Option<&Path>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let token = read_file(&args.token_file)?;
    let project = args.project.as_deref().map(|name| name.replace('/', "%2F"));
    let place = Place { url: &args.url, token: &token, project: project.as_deref() };
    let seen = inspect(&place, system_clock()()).await;
    let bad = seen.findings.iter().any(|finding| finding.level == Level::Bad);
    let secret = match (bad, &args.service) {
        (false, Some(_)) => Some(secret(&args, config)?),
        (true, _) | (false, None) => None,
    };
    let settings = settings(&args, secret.as_deref(), seen.project.as_ref())?;
    match output {
        Output::Json => {
            let rows: Vec<_> = seen.findings.iter().map(crate::cli::doctor::row).collect();
            print_json(out, &json!({"findings": rows, "secretFile": secret, "settings": (!bad).then_some(settings)}))?;
        }
        Output::Text => text(&args, &seen.findings, secret.as_deref(), &settings, bad, out)?,
    }
    Ok(if bad { Status::Refused } else { Status::Done })
}

/// Makes the secret that proves events, and the file that holds it.
fn secret(args: &GitlabArgs, config: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = folder(args.directory.as_ref(), config)?;
    let place = folder.join(format!("gitlab-{}", host(&args.url)?));
    let secret = SecretString::from(URL_SAFE_NO_PAD.encode(random::<32>()?));
    Vault::make(&folder)?.keep(&place, &[("webhook-secret", &secret)])?;
    Ok(place.join("webhook-secret"))
}

fn host(url: &str) -> anyhow::Result<String> {
    let url = url::Url::parse(url)?;
    Ok(url.host_str().context("the address has no host")?.to_owned())
}

fn settings(args: &GitlabArgs, secret: Option<&Path>, project: Option<&(u64, String)>) -> anyhow::Result<String> {
    let host = host(&args.url)?;
    let token = std::path::absolute(&args.token_file)?;
    let mut text = format!("[[gitlab]]\nhost = \"{host}\"\n");
    if args.url != format!("https://{host}") {
        text.push_str(&format!("url = {}\n", json!(args.url)));
    }
    text.push_str(&format!("token_file = {}\n", json!(token)));
    if let Some(secret) = secret {
        text.push_str(&format!("webhook_secret_files = [{}]\n", json!(secret)));
    }
    if let Some((id, name)) = project {
        text.push_str(&format!(
            "\n# below its tenant:\n[[tenant.repository]]\nforge = \"gitlab\"\nhost = \"{host}\"\nname = {}\nid = {id}\n",
            json!(name)
        ));
    }
    Ok(text)
}

fn text(
    args: &GitlabArgs,
    findings: &[Finding],
    secret: Option<&Path>,
    settings: &str,
    bad: bool,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    crate::cli::doctor::lines(findings.iter().map(|finding| ("", finding)), out)?;
    if bad {
        return Ok(());
    }
    writeln!(out, "\nput this into the settings:\n\n{settings}")?;
    match (&args.service, secret) {
        (Some(service), Some(secret)) => {
            writeln!(out, "at the project or group: Settings, Webhooks, Add new webhook:")?;
            writeln!(out, "  URL           {service}/webhooks/gitlab")?;
            writeln!(out, "  Secret token  what stands in {}", secret.display())?;
            writeln!(
                out,
                "  Trigger       Push, Comments, Merge request, Pipeline, Job, Project or group access token events"
            )?;
            writeln!(out, "  SSL           verification on")?;
            writeln!(
                out,
                "newer instances offer a signing token as well (`whsec_...`): put it into a file of its own and add"
            )?;
            writeln!(out, "that to webhook_secret_files; signed events are then taken too")?;
        }
        (None, _) | (Some(_), None) => {
            writeln!(out, "without --service there is no webhook: changes are seen every 60 s")?;
        }
    }
    Ok(())
}
