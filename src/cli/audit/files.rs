//! An export's files: written from the database, verified line by line.
//!
//! Must not hold an export in memory.

use super::Require;
use super::resume::Journey;
use crate::cli::paint::{Ink, paint, wanted};
use crate::cli::{Output, Status, print_json};
use crate::domain::attest::{KeySet, Signer};
use crate::domain::audit::{Broken, Checkpoint, Manifest, Mode, Pairs, Part, Report, Want, verifier_key};
use crate::domain::ids::{Digest, TenantId};
use crate::store::Store;
use crate::web::Export;
use anyhow::Context as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const ENTRIES: &str = "entries.ndjson";

/// Says what was written.
pub(super) fn written(
    manifest: &Manifest,
    directory: &Path,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    match output {
        Output::Json => print_json(out, manifest)?,
        Output::Text => writeln!(out, "{} entries of {} in {}", manifest.size, manifest.origin, directory.display())?,
    }
    Ok(Status::Done)
}

/// Verifies an export against a kept checkpoint, where there is one, and says how much that proves.
pub(super) fn judge(
    directory: &Path,
    kept: Option<Result<Checkpoint, String>>,
    own: bool,
    require: &[Require],
    mut journey: Journey,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let proof = kept
        .transpose()
        .map_err(Broken::whole)
        .and_then(|kept| verify_on(directory, Want { kept, own }, &mut journey))
        .and_then(|report| strong_enough(report, require));
    answer(proof, output, out)
}

fn strong_enough(report: Report, require: &[Require]) -> Result<Report, Broken> {
    if require.contains(&Require::Checkpoint) && report.mode < Mode::Checkpoint {
        let reason =
            "the export is consistent with itself only: give the log's --key as you kept it, and a kept --checkpoint";
        return Err(Broken::whole(reason));
    }
    if require.contains(&Require::Pairs) {
        let Pairs { open, unannounced, .. } = &report.effects;
        if let Some(index) = unannounced.first() {
            return Err(Broken { index: Some(*index), reason: "an effect that no entry before it announced".into() });
        }
        if let Some(index) = open.first() {
            return Err(Broken {
                index: Some(*index),
                reason: "an announced effect that no later entry answers".into(),
            });
        }
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
            let Pairs { announced, answered, open, unannounced } = &report.effects;
            writeln!(out, "{announced} effects announced, {answered} answered, {} open", open.len())?;
            if report.pruned > 0 {
                writeln!(out, "the entries before {} were pruned, as one of the others says", report.pruned)?;
            }
            for (count, words) in [(report.redacted, "redacted"), (report.left_out, "left out of this copy")] {
                if count > 0 {
                    writeln!(out, "{count} payloads {words}")?;
                }
            }
            if let Some(index) = unannounced.first() {
                let words = "entries tell of an effect that was not announced, the first of them";
                writeln!(out, "{} {} {words} {index}", paint(wanted(), Ink::Bad, "note:"), unannounced.len())?;
            }
        }
        (Err(broken), Output::Json) => {
            print_json(out, &json!({"verified": false, "index": broken.index, "reason": broken.to_string()}))?
        }
        (Err(broken), Output::Text) => writeln!(out, "{} {broken}", paint(wanted(), Ink::Bad, "not proven:"))?,
    }
    Ok(if proof.is_ok() { Status::Done } else { Status::NotProven })
}

/// Writes an export: a prefix of the log that does not change while it is written.
pub(in crate::cli) async fn export(
    store: &Store,
    tenant: &TenantId,
    signer: &Signer,
    only: Option<Vec<String>>,
    directory: &Path,
) -> anyhow::Result<Manifest> {
    std::fs::create_dir(directory)
        .with_context(|| format!("cannot make {}: name a folder that does not exist", directory.display()))?;
    let mut export = Export::begin(store, tenant).await?;
    if let Some(types) = only {
        export = export.only(types);
    }
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
pub(in crate::cli) fn verify(directory: &Path, want: Want) -> Result<Report, Broken> {
    verify_on(directory, want, &mut Journey::new(None, false))
}

/// The same, which may go on where it was broken off.
fn verify_on(directory: &Path, want: Want, journey: &mut Journey) -> Result<Report, Broken> {
    let manifest = read_manifest(directory)?;
    let expected = match manifest.parts.as_slice() {
        [part] if part.name == ENTRIES => part.sha256,
        _ => return Err(Broken::whole(format!("manifest.json: the parts are not the one file {ENTRIES}"))),
    };
    own_checkpoint(directory, &manifest)?;
    let path = directory.join(ENTRIES);
    let fault = |what: &dyn std::fmt::Display| Broken::whole(format!("{}: {what}", path.display()));
    let file = File::open(&path).map_err(|error| fault(&error))?;
    let (mut verifier, mut lines) = journey.begin(file, manifest, want).map_err(Broken::whole)?;
    while let Some(line) = lines.next().map_err(|error| fault(&error))? {
        if let Err(broken) = verifier.take(line) {
            journey.end();
            return Err(broken);
        }
        journey.went(&verifier, &lines).map_err(|error| fault(&error))?;
    }
    journey.end();
    let report = verifier.finish()?;
    if lines.digest() != expected {
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
