//! `config`: checks the service's settings and repositories' configs, and says what they mean.
//!
//! Must not reach the network: it reads files on this machine alone.

use super::paint::{Ink, paint, wanted};
use super::{Output, Status, print_json, read_input};
use crate::config::Settings;
use crate::domain::policy::consequences::{consequences, lines, meaning, summary};
use crate::domain::policy::defaults::Defaults;
use crate::domain::policy::rules::Loaded;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Checks the service's settings (`.toml`) or a repository's config (`.yaml`), and says what it means.
    Check(CheckArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// The file.
    file: PathBuf,
    /// Another config to compare with: what becomes looser, what tighter.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Under the defaults of this tenant of the settings named with --config.
    #[arg(long, value_name = "ID")]
    tenant: Option<String>,
}

pub(super) fn config(
    args: &ConfigArgs,
    settings: &super::admin::Load<'_>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let ConfigCommand::Check(args) = &args.command;
    if args.file.extension().is_some_and(|extension| extension == "toml") {
        // A file that is not there is an error, and no refusal.
        read_input(&args.file)?;
        return check_settings(&args.file, output, out);
    }
    let defaults = args.tenant.as_deref().map(|tenant| defaults(tenant, settings)).transpose()?.flatten();
    let read =
        |path: &Path| anyhow::Ok(Loaded::read(&path.display().to_string(), &read_input(path)?, defaults.as_ref()));
    let loaded = match read(&args.file)? {
        Ok(loaded) => loaded,
        Err(error) => {
            match output {
                Output::Json => print_json(out, &json!({"valid": false, "path": error.path, "reason": error.reason}))?,
                Output::Text => {
                    writeln!(out, "{} {}: {error}", paint(wanted(), Ink::Bad, "refused:"), args.file.display())?;
                }
            }
            return Ok(Status::Refused);
        }
    };
    match &args.against {
        None => means(&loaded, output, out)?,
        Some(path) => {
            let old = read(path)?.map_err(|fault| anyhow::anyhow!("{}: {fault}", path.display()))?;
            compared(&old, &loaded, output, out)?;
        }
    }
    Ok(Status::Done)
}

fn defaults(tenant: &str, settings: &super::admin::Load<'_>) -> anyhow::Result<Option<Defaults>> {
    let settings = settings()?;
    let id = tenant.parse().map_err(|reason: String| anyhow::anyhow!("--tenant: {reason}"))?;
    settings.tenant(&id).with_context(|| format!("the settings list no tenant `{tenant}`"))?.rules()
}

fn means(loaded: &Loaded, output: Output, out: &mut dyn Write) -> anyhow::Result<()> {
    let (rules, means) = (&loaded.rules, meaning(&loaded.rules));
    if output == Output::Json {
        let clean = rules.auto_merge.wilson_lower_bound.clean_outcomes();
        let said = json!({
            "valid": true, "cleanOutcomes": clean, "digest": loaded.digest, "rules": rules, "meaning": means,
            "tightened": loaded.tightened,
        });
        return print_json(out, &said);
    }
    writeln!(out, "{} version {}", paint(wanted(), Ink::Good, "good:"), rules.version)?;
    for line in means.iter().chain(&loaded.tightened) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn compared(old: &Loaded, new: &Loaded, output: Output, out: &mut dyn Write) -> anyhow::Result<()> {
    let found = consequences(&old.rules, &new.rules);
    if output == Output::Json {
        return print_json(out, &json!({"valid": true, "consequences": found, "tightened": new.tightened}));
    }
    writeln!(out, "{} {}", paint(wanted(), Ink::Good, "good:"), summary(&found))?;
    for line in lines(&found).iter().chain(&new.tightened) {
        writeln!(out, "{line}")?;
    }
    Ok(())
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
