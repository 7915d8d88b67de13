//! `audit`: writes an export of a tenant's log and verifies one, offline.

use super::admin::Load;
use super::paint::{Ink, paint, wanted};
use super::{Output, Status, print_json};
use crate::app::{open_store, system_clock};
use crate::config::Keys;
use crate::domain::attest::{KeySet, Signer};
use crate::domain::audit::{Broken, Checkpoint, Manifest, Mode, Part, Report, Verifier, Want, verifier_key};
use crate::domain::ids::{Digest, TenantId};
use crate::store::Store;
use crate::web::Export;
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

const ENTRIES: &str = "entries.ndjson";
/// The longest line of an export: a leaf and a payload of at most a megabyte, in base64 and in words.
const LINE: u64 = 8 << 20;

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Writes a tenant's log into a new folder: entries, manifest, checkpoint, log key.
    Export {
        /// The folder; it must not exist.
        directory: PathBuf,
        /// The tenant.
        #[arg(long)]
        tenant: TenantId,
    },
    /// Verifies an export; exit code 4 names the first bad entry.
    Verify {
        /// The export.
        directory: PathBuf,
        /// What must be proven beside consistency.
        #[arg(long, value_enum)]
        require: Option<Require>,
        /// A checkpoint that was kept from an earlier export; the export's own when only --key is given.
        #[arg(long, value_name = "FILE", requires = "key")]
        checkpoint: Option<PathBuf>,
        /// The log's public key as it was kept elsewhere, PEM.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Require {
    /// Consistent with a kept checkpoint.
    Checkpoint,
}

pub(super) async fn run(
    args: AuditArgs,
    settings: &Load<'_>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    match args.command {
        AuditCommand::Export { directory, tenant } => {
            let settings = settings()?;
            anyhow::ensure!(settings.tenant(&tenant).is_some(), "the settings list no tenant `{tenant}`");
            let keys = Keys::load(&settings.data.join("keys"))?;
            let store = open_store(&settings, &system_clock()).await?;
            let manifest = export(&store, &tenant, &keys.log, &directory).await?;
            store.close().await;
            match output {
                Output::Json => print_json(out, &manifest)?,
                Output::Text => {
                    writeln!(out, "{} entries of {} in {}", manifest.size, manifest.origin, directory.display())?
                }
            }
            Ok(Status::Done)
        }
        AuditCommand::Verify { directory, require, checkpoint, key } => {
            let own = checkpoint.is_none();
            let kept = match (checkpoint, key) {
                (Some(path), key) => kept(&path, key.as_deref())?,
                // The export's own checkpoint proves something only under a key that was kept elsewhere.
                (None, Some(key)) => kept(&directory.join("checkpoint"), Some(&key))?,
                (None, None) => Ok(None),
            };
            let proof = kept
                .and_then(|kept| verify(&directory, Want { kept, own }))
                .and_then(|report| strong_enough(report, require));
            answer(proof, output, out)
        }
    }
}

fn strong_enough(report: Report, require: Option<Require>) -> Result<Report, Broken> {
    if require == Some(Require::Checkpoint) && report.mode < Mode::Checkpoint {
        let reason =
            "the export is consistent with itself only: give the log's --key as you kept it, and a kept --checkpoint";
        return Err(Broken::whole(reason));
    }
    Ok(report)
}

fn answer(proof: Result<Report, Broken>, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match (&proof, output) {
        (Ok(report), Output::Json) => print_json(out, &json!({"verified": true, "report": report}))?,
        (Ok(report), Output::Text) => {
            let mode = match report.mode {
                Mode::Consistent => "internally consistent",
                Mode::Signed => "consistent with its own checkpoint, signed by the key you gave",
                Mode::Checkpoint => "consistent with the kept checkpoint",
            };
            writeln!(
                out,
                "{} {} entries of {}, {mode}",
                paint(wanted(), Ink::Good, "verified:"),
                report.size,
                report.origin
            )?;
            writeln!(out, "root {}", report.root)?;
        }
        (Err(broken), Output::Json) => {
            print_json(out, &json!({"verified": false, "index": broken.index, "reason": broken.to_string()}))?
        }
        (Err(broken), Output::Text) => writeln!(out, "{} {broken}", paint(wanted(), Ink::Bad, "not proven:"))?,
    }
    Ok(if proof.is_ok() { Status::Done } else { Status::NotProven })
}

fn kept(path: &Path, key: Option<&Path>) -> anyhow::Result<Result<Option<Checkpoint>, Broken>> {
    let note =
        std::fs::read_to_string(path).with_context(|| format!("cannot read the checkpoint {}", path.display()))?;
    let key =
        key.context("give the log's public key with --key, as it was kept: the one in the export proves nothing")?;
    let pem = std::fs::read_to_string(key).with_context(|| format!("cannot read the key {}", key.display()))?;
    let set = KeySet::from_pem(&pem).map_err(|fault| anyhow::anyhow!("{}: {}", key.display(), fault.reason))?;
    let public = set.keys.first().context("no key")?;
    let opened = Checkpoint::open(&note, &public.key);
    Ok(opened.map(Some).map_err(|reason| Broken::whole(format!("{}: {reason}", path.display()))))
}

/// Writes an export: a prefix of the log that does not change while it is written.
pub(super) async fn export(
    store: &Store,
    tenant: &TenantId,
    signer: &Signer,
    directory: &Path,
) -> anyhow::Result<Manifest> {
    std::fs::create_dir(directory)
        .with_context(|| format!("cannot make {}: name a folder that does not exist", directory.display()))?;
    let mut export = Export::begin(store, tenant).await?;
    let path = directory.join(ENTRIES);
    let mut file = BufWriter::new(File::create(&path).with_context(|| format!("cannot write {}", path.display()))?);
    let mut hash = Sha256::new();
    while let Some(entries) = export.batch().await? {
        for entry in entries {
            let line = format!("{}\n", serde_json::to_string(&entry)?);
            hash.update(line.as_bytes());
            file.write_all(line.as_bytes())?;
        }
    }
    file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
    let mut manifest = export.manifest();
    manifest.parts.push(Part { name: ENTRIES.into(), sha256: Digest(hash.finalize().into()) });
    std::fs::write(directory.join("manifest.json"), serde_json::to_vec_pretty(&manifest)?)?;
    std::fs::write(directory.join("checkpoint"), export.checkpoint(signer))?;
    std::fs::write(directory.join("log.pem"), crate::config::public_pem(signer)?)?;
    std::fs::write(directory.join("log.vkey"), verifier_key(&manifest.origin, &signer.public()) + "\n")?;
    Ok(manifest)
}

/// Verifies an export's files, one line at a time.
pub(super) fn verify(directory: &Path, want: Want) -> Result<Report, Broken> {
    let manifest = read_manifest(directory)?;
    let expected = match manifest.parts.as_slice() {
        [part] if part.name == ENTRIES => part.sha256,
        _ => return Err(Broken::whole(format!("manifest.json: the parts are not the one file {ENTRIES}"))),
    };
    own_checkpoint(directory, &manifest)?;
    let mut verifier = Verifier::new(manifest, want)?;
    let path = directory.join(ENTRIES);
    let fault = |what: &dyn std::fmt::Display| Broken::whole(format!("{}: {what}", path.display()));
    let mut reader = BufReader::new(File::open(&path).map_err(|error| fault(&error))?);
    let (mut hash, mut line) = (Sha256::new(), Vec::new());
    loop {
        line.clear();
        let length =
            std::io::Read::take(&mut reader, LINE).read_until(b'\n', &mut line).map_err(|error| fault(&error))?;
        if length == 0 {
            break;
        }
        hash.update(&line);
        let text = std::str::from_utf8(line.strip_suffix(b"\n").unwrap_or(&line));
        verifier.line(text.map_err(|_| fault(&"a line is not UTF-8"))?)?;
    }
    let report = verifier.finish()?;
    if Digest(hash.finalize().into()) != expected {
        return Err(fault(&"this is not the file that the manifest names"));
    }
    Ok(report)
}

fn read_manifest(directory: &Path) -> Result<Manifest, Broken> {
    let path = directory.join("manifest.json");
    let bytes =
        std::fs::read(&path).map_err(|error| Broken::whole(format!("cannot read {}: {error}", path.display())))?;
    serde_json::from_slice(&bytes).map_err(|error| Broken::whole(format!("{}: {error}", path.display())))
}

/// The export's own checkpoint, under its own key, must at least agree with its manifest.
fn own_checkpoint(directory: &Path, manifest: &Manifest) -> Result<(), Broken> {
    let read = |name: &str| std::fs::read_to_string(directory.join(name));
    let (Ok(note), Ok(pem)) = (read("checkpoint"), read("log.pem")) else { return Ok(()) };
    let fault = |reason: String| Broken::whole(format!("{}: {reason}", directory.join("checkpoint").display()));
    let set = KeySet::from_pem(&pem).map_err(|error| fault(error.reason))?;
    let Some(public) = set.keys.first() else { return Ok(()) };
    let own = Checkpoint::open(&note, &public.key).map_err(fault)?;
    let same = own.origin == manifest.origin && own.size == manifest.size && own.root == manifest.root;
    if same { Ok(()) } else { Err(fault("it is not of the log that the manifest names".into())) }
}
