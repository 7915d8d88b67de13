//! `keys`, `token` and `schema`: what an operator sets up once.

use super::{Output, Status, print_json};
use crate::app::system_clock;
use crate::config::{Keys, NewToken, Role, Settings, generate_approver};
use crate::domain::policy::rules::Rules;
use crate::domain::proposal::Proposal;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret as _;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Makes the attestation key and the log key, or an approver's own key.
    Generate {
        /// Where; the settings' data folder when left out, the folder you are in for an approver.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
        /// Makes the key of this approver instead, on the approver's own machine.
        #[arg(long, value_name = "ID")]
        approver: Option<String>,
    },
    /// Lists the keys.
    List {
        /// Where; the settings' data folder when left out.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

/// Reads the settings when they are needed.
pub(super) type Load<'a> = dyn Fn() -> anyhow::Result<Settings> + 'a;

pub(super) fn keys(
    args: &KeysArgs,
    settings: &Load<'_>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let place = |directory: &Option<PathBuf>| -> anyhow::Result<PathBuf> {
        match directory {
            Some(directory) => Ok(directory.clone()),
            None => Ok(settings()?.data.join("keys")),
        }
    };
    let (directory, keys) = match &args.command {
        KeysCommand::Generate { directory, approver: Some(id) } => {
            return approver_key(directory.as_deref().unwrap_or(Path::new(".")), id, output, out);
        }
        KeysCommand::Generate { directory, approver: None } => {
            let directory = place(directory)?;
            let keys = Keys::generate(&directory, system_clock()())?;
            (directory, keys)
        }
        KeysCommand::List { directory } => {
            let directory = place(directory)?;
            let keys = Keys::load(&directory)?;
            (directory, keys)
        }
    };
    match output {
        Output::Json => print_json(
            out,
            &json!({
                "directory": directory, "version": keys.set.version,
                "attestation": keys.set.keys.iter().map(|key| json!({"kid": key.id, "state": key.state})).collect::<Vec<_>>(),
                "log": keys.log.id(),
            }),
        )?,
        Output::Text => {
            writeln!(out, "{} version {}", directory.display(), keys.set.version)?;
            for key in &keys.set.keys {
                writeln!(out, "attestation  {}  {:?}", key.id, key.state)?;
            }
            writeln!(out, "log          {}  Active", keys.log.id())?;
            writeln!(out, "people verify with {}", directory.join("attestation.pem").display())?;
        }
    }
    Ok(Status::Done)
}

/// Makes an approver's key and prints what the service's settings need of it.
fn approver_key(directory: &Path, id: &str, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    anyhow::ensure!(
        (1..=64).contains(&id.len()) && id.chars().all(plain),
        "--approver: use 1 to 64 letters, digits, `.`, `_`, `-` and `@`"
    );
    let path = directory.join(format!("approver-{id}.key"));
    let signer = generate_approver(&path)?;
    let x = URL_SAFE_NO_PAD.encode(signer.public().as_bytes());
    let settings =
        format!("[[tenant.approver]]\nid = \"{id}\"\njwk = {{kty = \"OKP\", crv = \"Ed25519\", x = \"{x}\"}}\n");
    match output {
        Output::Json => print_json(
            out,
            &json!({
                "file": path, "kid": signer.id(), "settings": settings,
                "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x},
            }),
        )?,
        Output::Text => writeln!(
            out,
            "{} key {}\n\nkeep the file to yourself; put this below the tenant in the service's settings:\n\n{settings}",
            path.display(),
            signer.id()
        )?,
    }
    Ok(Status::Done)
}

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
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

pub(super) fn token(args: &TokenArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let TokenCommand::Create { principal, role, reporter } = &args.command;
    anyhow::ensure!(
        !principal.contains(char::is_control) && !principal.contains('"'),
        "--principal must be plain text on one line"
    );
    let made = NewToken::make()?;
    let roles: Vec<String> = role.iter().map(|role| format!("\"{}\"", format!("{role:?}").to_lowercase())).collect();
    let settings = if *reporter {
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
