//! Proofs about a log: made from the database, and verified from files.
//!
//! Must not open a checkpoint with a key that came with the proof.

use super::{noted, public};
use crate::cli::paint::{Ink, paint, wanted};
use crate::cli::{Output, Status, print_json, read_input};
use crate::domain::attest::Signer;
use crate::domain::audit::{Broken, Checkpoint, Letter, is_fork};
use crate::domain::ids::{TenantId, Time};
use crate::store::Store;
use crate::web::{Ask, letter};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Prints the proof of an entry, or of how the log grew.
pub(super) async fn prove(
    store: &Store,
    signer: &Signer,
    tenant: &TenantId,
    (index, old, size): (Option<u64>, Option<u64>, Option<u64>),
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let ask = match (index, old) {
        (Some(index), _) => Ask::Entry(index),
        (None, Some(old)) => Ask::Growth(old),
        (None, None) => anyhow::bail!("say which entry with --index, or which earlier size with --old"),
    };
    let made = letter(store, signer, tenant, ask, size).await?;
    match output {
        Output::Json => print_json(out, &json!({"proof": made.to_string()}))?,
        Output::Text => write!(out, "{made}")?,
    }
    Ok(Status::Done)
}

/// Verifies a proof.
pub(super) fn verify(
    file: &Path,
    key: &Path,
    kept: Option<&Path>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let text = String::from_utf8(read_input(file)?);
    let kept = kept.map(|path| noted(path, key)).transpose()?;
    let public = public(key)?;
    let proven = match text {
        Ok(text) => proven(&text, &public, kept),
        Err(_) => Err(Broken::whole("the proof is not UTF-8")),
    };
    answer(proven, output, out)
}

/// What a proof proves, as a sentence and as data.
fn proven(
    text: &str,
    key: &ed25519_dalek::VerifyingKey,
    kept: Option<Result<Checkpoint, String>>,
) -> Result<(String, Value), Broken> {
    let letter = Letter::read(text)?;
    let checkpoint = letter.checkpoint(key)?;
    let (origin, size, root) = (&checkpoint.origin, checkpoint.size, checkpoint.root);
    match &letter {
        Letter::Included { index, .. } => {
            let leaf = letter.prove_entry(&checkpoint)?;
            let at = Time(leaf.time_us);
            let words = format!("entry {index} ({}, {at}) stands in {origin} of {size} entries", leaf.kind);
            Ok((words, json!({"origin": origin, "size": size, "root": root, "index": index, "leaf": leaf})))
        }
        Letter::Grown { old, .. } => {
            let reason = "this proves how a log grew: give the earlier checkpoint with --checkpoint";
            let kept = kept.ok_or_else(|| Broken::whole(reason))?.map_err(Broken::whole)?;
            letter.prove_growth(&kept, &checkpoint)?;
            let words = format!("{origin} of {old} entries is the beginning of that of {size}");
            Ok((words, json!({"origin": origin, "old": old, "size": size, "root": root})))
        }
    }
}

/// What is compared.
pub(super) struct Compared {
    pub(super) one: PathBuf,
    pub(super) other: PathBuf,
    pub(super) proof: Option<PathBuf>,
    pub(super) evidence: Option<PathBuf>,
}

/// Whether two checkpoints can both be true.
pub(super) fn compare(files: &Compared, key: &Path, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let pair = match (noted(&files.one, key)?, noted(&files.other, key)?) {
        (Ok(one), Ok(other)) => (one, other),
        (Err(reason), _) | (_, Err(reason)) => return answer(Err(Broken::whole(reason)), output, out),
    };
    let (early, late) = if pair.0.size <= pair.1.size { (&pair.0, &pair.1) } else { (&pair.1, &pair.0) };
    if is_fork(early, late) {
        let told = evidence(files, key, early)?;
        let reason = format!("two histories: {} signed two roots for {} entries{told}", early.origin, early.size);
        return answer(Err(Broken::whole(reason)), output, out);
    }
    let grown = match &files.proof {
        _ if early == late => Ok(()),
        Some(path) => {
            let text = String::from_utf8(read_input(path)?).context("the proof is not UTF-8")?;
            Letter::read(&text).and_then(|letter| {
                let signed = letter.checkpoint(&public(key).map_err(|error| Broken::whole(format!("{error:#}")))?)?;
                match signed == *late {
                    true => letter.prove_growth(early, late),
                    false => Err(Broken::whole("the proof is about another checkpoint than the later of the two")),
                }
            })
        }
        None => Err(Broken::whole(format!(
            "they have {} and {} entries: fetch /v1/audit/proof?old={}&size={} and give it with --proof",
            early.size, late.size, early.size, late.size
        ))),
    };
    let words = format!("{}: both can be true, {} entries and {}", late.origin, early.size, late.size);
    let data = json!({"origin": late.origin, "old": early.size, "size": late.size});
    answer(grown.map(|()| (words, data)), output, out)
}

/// Writes both notes and the key into one file that proves the fork by itself; the end of a sentence.
fn evidence(files: &Compared, key: &Path, at: &Checkpoint) -> anyhow::Result<String> {
    let Some(path) = &files.evidence else { return Ok(String::new()) };
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let document = json!({
        "kind": "countersign.fork/v1", "origin": at.origin, "size": at.size,
        "checkpoints": [read(&files.one)?, read(&files.other)?], "key": read(key)?,
    });
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written
        .with_context(|| format!("cannot write the evidence {}: name a file that does not exist", path.display()))?;
    Ok(format!("; the evidence is in {}", path.display()))
}

fn answer(proven: Result<(String, Value), Broken>, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match (&proven, output) {
        (Ok((_, data)), Output::Json) => print_json(out, &json!({"verified": true, "proof": data}))?,
        (Ok((words, _)), Output::Text) => writeln!(out, "{} {words}", paint(wanted(), Ink::Good, "verified:"))?,
        (Err(broken), Output::Json) => {
            print_json(out, &json!({"verified": false, "index": broken.index, "reason": broken.to_string()}))?;
        }
        (Err(broken), Output::Text) => writeln!(out, "{} {broken}", paint(wanted(), Ink::Bad, "not proven:"))?,
    }
    Ok(if proven.is_ok() { Status::Done } else { Status::NotProven })
}
