//! `keys`: makes, lists, rotates, revokes and publishes the keys of this deployment.
//!
//! Must not print a secret key.

use super::admin::Load;
use super::paint::{Ink, paint, wanted};
use super::{Output, Status, print_json};
use crate::app::system_clock;
use crate::config::{Keys, Listed, Rotated, generate_approver, listed, publish, revoke, rotate};
use crate::domain::attest::{KeyState, Purpose};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Makes the keys for attestations, the log and the key set, or an approver's own key.
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
    /// Makes the next key, and 24 hours later lets it sign; run it twice, publish and restart after each.
    Rotate {
        /// Where; the settings' data folder when left out.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
        /// Whose next key.
        #[arg(long, value_enum, default_value = "attestation")]
        purpose: For,
        /// Does not wait until everybody has fetched the list with the next key.
        #[arg(long)]
        at_once: bool,
    },
    /// Revokes a key that was lost: nothing it ever signed is merged any more.
    Revoke {
        /// The key, as `keys list` names it; one of 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        /// Why, one line; it is published.
        #[arg(long)]
        reason: String,
        /// Where; the settings' data folder when left out.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Signs the list of keys, for `/.well-known/countersign/keyset.json`.
    Publish {
        /// How long the list is good for; a verifier refuses an older one.
        #[arg(long, default_value_t = 90)]
        days: u32,
        /// Whose keys; the settings' `instance` when left out.
        #[arg(long)]
        instance: Option<String>,
        /// Where; the settings' data folder when left out.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    /// Signs attestations.
    Attestation,
    /// Signs checkpoints of the log.
    Log,
    /// Signs the list of keys.
    Keyset,
}

impl For {
    fn purpose(self) -> Purpose {
        match self {
            For::Attestation => Purpose::Attestation,
            For::Log => Purpose::Log,
            For::Keyset => Purpose::Keyset,
        }
    }
}

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
    let now = system_clock()();
    match &args.command {
        KeysCommand::Generate { directory, approver: Some(id) } => {
            approver_key(directory.as_deref().unwrap_or(Path::new(".")), id, output, out)
        }
        KeysCommand::Generate { directory, approver: None } => {
            let directory = place(directory)?;
            Keys::generate(&directory, now)?;
            show(&directory, output, out)
        }
        KeysCommand::List { directory } => show(&place(directory)?, output, out),
        KeysCommand::Rotate { directory, purpose, at_once } => {
            let directory = place(directory)?;
            let (key, words) = match rotate(&directory, purpose.purpose(), *at_once, now)? {
                Rotated::Prepared(key, from) => (key, format!("made; rotate again after {from} to let it sign")),
                Rotated::Activated(key) => (key, "signs from the next start on; the one before verifies".to_owned()),
            };
            changed(&key, &words, output, out)
        }
        KeysCommand::Revoke { kid, reason, directory } => {
            let key = revoke(&place(directory)?, kid, reason, now)?;
            changed(&key, "revoked: restart the service at once", output, out)
        }
        KeysCommand::Publish { days, instance, directory } => {
            let instance = match instance {
                Some(instance) => instance.clone(),
                None => settings()?.instance,
            };
            let listing = publish(&place(directory)?, &instance, *days, now)?;
            match output {
                Output::Json => print_json(out, &listing)?,
                Output::Text => writeln!(
                    out,
                    "{} key set version {} of {}, good until {}; restart the service to serve it",
                    paint(wanted(), Ink::Good, "signed:"),
                    listing.version,
                    listing.instance,
                    listing.expires
                )?,
            }
            Ok(Status::Done)
        }
    }
}

fn told(key: &Listed) -> Value {
    json!({
        "kid": key.kid, "purpose": key.purpose, "state": key.state, "created": key.created.to_string(),
        "retired": key.retired.map(|at| at.to_string()), "revoked": key.revoked,
    })
}

fn changed(key: &Listed, words: &str, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match output {
        Output::Json => print_json(out, &told(key))?,
        Output::Text => writeln!(
            out,
            "{} key {} {words}\nnow run `countersign keys publish` and restart the service",
            key.purpose.word(),
            key.kid
        )?,
    }
    Ok(Status::Done)
}

fn show(directory: &Path, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let (version, all) = listed(directory)?;
    let keys = Keys::load(directory)?;
    match output {
        Output::Json => print_json(
            out,
            &json!({
                "directory": directory, "version": version,
                "attestation": keys.set.keys.iter().map(|key| json!({"kid": key.id, "state": key.state})).collect::<Vec<_>>(),
                "log": keys.log.id(), "keys": all.iter().map(told).collect::<Vec<_>>(),
            }),
        )?,
        Output::Text => {
            writeln!(out, "{} version {version}", directory.display())?;
            for key in &all {
                writeln!(out, "{:<12} {}  {:?}", key.purpose.word(), key.kid, key.state)?;
            }
            let active = all.iter().find(|key| key.purpose == Purpose::Attestation && key.state == KeyState::Active);
            let file = active.map_or("attestation.key", |key| key.file.as_str());
            writeln!(out, "people verify with {}", directory.join(file).with_extension("pem").display())?;
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
