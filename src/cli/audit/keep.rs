//! `audit checkpoint`: the log's newest signed checkpoint, kept in a file or on a branch outside of the database.
//!
//! Must not replace what is kept by a checkpoint that contradicts it.

use crate::app::system_clock;
use crate::cli::paint::{Ink, paint, wanted};
use crate::cli::{Output, Status, print_json};
use crate::domain::attest::Signer;
use crate::domain::audit::Checkpoint;
use crate::domain::ids::{Oid, TenantId};
use crate::git::{Mirror, NewCommit, Node};
use crate::sink::{Kept, keep_checkpoint, read_checkpoint, write_checkpoint};
use crate::store::Store;
use anyhow::Context as _;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The most bytes of a checkpoint.
const MOST: u64 = 64 * 1024;

/// Where it is kept.
pub(super) enum Place {
    /// Nowhere: it is printed.
    Print,
    /// In a file.
    File(PathBuf),
    /// On a branch of a bare repository, in a file named after the tenant.
    Branch(PathBuf, String),
}

pub(super) async fn keep(
    store: &Store,
    signer: &Signer,
    tenant: &TenantId,
    place: &Place,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let name = format!("{tenant}.checkpoint");
    let (before, tip) = match place {
        Place::Print => (None, None),
        Place::File(path) => (read_checkpoint(path).with_context(|| format!("cannot read {}", path.display()))?, None),
        Place::Branch(path, branch) => on_branch(path, branch, &name)?,
    };
    let (kept, note) = keep_checkpoint(store, signer, tenant, None, before.as_deref()).await?;
    let checkpoint = match kept {
        Kept::Contradicted(reason) => return contradicted(&reason, output, out),
        Kept::Same(same) => same,
        Kept::New(new) => {
            match place {
                Place::Print => {}
                Place::File(path) => {
                    write_checkpoint(path, &note).with_context(|| format!("cannot write {}", path.display()))?;
                }
                Place::Branch(path, branch) => commit(path, branch, tip.as_ref(), &name, &new, &note)?,
            }
            new
        }
    };
    match output {
        Output::Json => print_json(out, &json!({"size": checkpoint.size, "root": checkpoint.root, "note": note}))?,
        Output::Text if matches!(place, Place::Print) => write!(out, "{note}")?,
        Output::Text => writeln!(
            out,
            "{} {} entries of {}",
            paint(wanted(), Ink::Good, "kept:"),
            checkpoint.size,
            checkpoint.origin
        )?,
    }
    Ok(Status::Done)
}

fn contradicted(reason: &str, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match output {
        Output::Json => print_json(out, &json!({"verified": false, "reason": reason}))?,
        Output::Text => writeln!(out, "{} {reason}", paint(wanted(), Ink::Bad, "not proven:"))?,
    }
    Ok(Status::NotProven)
}

/// The note on a branch, and the commit it stands in; nothing where the branch is new.
fn on_branch(path: &Path, branch: &str, name: &str) -> anyhow::Result<(Option<String>, Option<Oid>)> {
    let mirror = Mirror::existing(path).with_context(|| format!("{}: name a bare repository", path.display()))?;
    let Some(tip) = mirror.reference(branch)? else { return Ok((None, None)) };
    let note = match mirror.node(&mirror.tree(&tip)?, name)? {
        None => None,
        Some(Node::File { oid, .. }) => Some(String::from_utf8(mirror.read(&oid, MOST)?).context("not a checkpoint")?),
        Some(_) => anyhow::bail!("{branch}: {name} is no file"),
    };
    Ok((note, Some(tip)))
}

/// One more commit on the branch, only if it is where it was read.
fn commit(
    path: &Path,
    branch: &str,
    tip: Option<&Oid>,
    name: &str,
    new: &Checkpoint,
    note: &str,
) -> anyhow::Result<()> {
    let mirror = Mirror::existing(path)?;
    let bytes = note.as_bytes().to_vec();
    let tree = match tip {
        Some(tip) => mirror.write(&mirror.tree(tip)?, &[(name.to_owned(), Some(bytes))])?,
        None => mirror.write_new(&BTreeMap::from([(name.to_owned(), bytes)]))?,
    };
    let made = mirror.make_commit(&NewCommit {
        tree,
        parents: tip.cloned().into_iter().collect(),
        author_name: "countersign".into(),
        author_email: "countersign@localhost".into(),
        at: system_clock()().whole_second(),
        message: format!("checkpoint: {} entries of {}\n", new.size, new.origin),
    })?;
    let moved = mirror.move_reference(branch, tip, Some(&made))?;
    anyhow::ensure!(moved, "{branch} was moved meanwhile: run the command again");
    Ok(())
}
