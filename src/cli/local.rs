//! `plan`, `apply` and `digest`: what a proposal does to the files of this machine.

use super::folder::Folder;
use super::paint::{Ink, diff, paint, wanted};
use super::words::words;
use super::{Output, Status, print_json, read_at_most, read_input};
use crate::domain::canon;
use crate::domain::change::Change;
use crate::domain::edit::{Applied, Code, Inverse, Refusal, apply as apply_changes};
use crate::domain::ids::Digest;
use crate::domain::policy::effect::Effect;
use crate::domain::proposal::{MAX_BYTES, Sealed};
use crate::render::visible;
use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The folder with the repository's files.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repository: PathBuf,
    #[command(flatten)]
    what: What,
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The folder with the repository's files; they are edited in place.
    #[arg(long, value_name = "DIR")]
    repository: PathBuf,
    #[command(flatten)]
    what: What,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A proposal, JSON or YAML; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    proposal: Option<PathBuf>,
    /// Only the `changes` list of a proposal.
    #[arg(long, value_name = "FILE")]
    changes: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct DigestArgs {
    /// A proposal, JSON or YAML; `-` is standard input.
    proposal: PathBuf,
}

impl What {
    fn read(&self) -> anyhow::Result<Result<Vec<Change>, Refusal>> {
        let path = self.proposal.as_ref().or(self.changes.as_ref()).context("name a proposal or a list of changes")?;
        let Some(bytes) = read_at_most(path, MAX_BYTES)? else {
            let reason = format!("{} has more than the {MAX_BYTES} bytes a proposal may have", path.display());
            return Ok(Err(Refusal::of(Code::TooLarge, reason)));
        };
        let changes = match &self.proposal {
            Some(_) => Sealed::read(&bytes).map(|sealed| sealed.proposal.changes),
            None => canon::parse(&bytes).and_then(canon::typed),
        };
        Ok(changes.map_err(|error| Refusal::of(Code::Parse, error.reason.clone()).at(&error.path)))
    }
}

/// Applies the changes in memory.
fn work(folder: &Folder, what: &What) -> anyhow::Result<Result<Applied, Refusal>> {
    Ok(what.read()?.and_then(|changes| apply_changes(folder, &changes)))
}

pub(super) fn plan(args: &PlanArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let folder = Folder::open(&args.repository)?;
    let applied = match work(&folder, &args.what)? {
        Ok(applied) => applied,
        Err(refusal) => return refused(&refusal, output, out),
    };
    let effect = Effect::of(&applied);
    if output == Output::Json {
        let hazards: Vec<_> = effect
            .hazards
            .iter()
            .map(|h| json!({"name": h.name, "place": h.place, "approvals": h.approvals, "tier": h.tier}))
            .collect();
        let answer = json!({
            "files": effect.summary, "words": words(&applied, &effect), "edits": applied.steps, "hazards": hazards,
            "namespaces": effect.namespaces, "diff": applied.unified_diff(),
            "inverse": {"sha256": Digest::of(&Inverse::of(&applied.files).bytes())},
        });
        print_json(out, &answer)?;
        return Ok(Status::Done);
    }
    let on = wanted();
    if applied.files.is_empty() {
        writeln!(out, "nothing to do: everything asked for stands already")?;
    }
    write!(out, "{}", diff(on, &applied.unified_diff()))?;
    for line in words(&applied, &effect) {
        writeln!(out, "{line}")?;
    }
    for hazard in &effect.hazards {
        writeln!(out, "{} {} at {}", paint(on, Ink::Note, "danger:"), hazard.name, visible(&hazard.place))?;
    }
    Ok(Status::Done)
}

pub(super) fn apply(args: &ApplyArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let folder = Folder::open(&args.repository)?;
    let applied = match work(&folder, &args.what)? {
        Ok(applied) => applied,
        Err(refusal) => return refused(&refusal, output, out),
    };
    folder.write(&applied)?;
    let summary = Effect::of(&applied).summary;
    match output {
        Output::Json => {
            let files: Vec<_> =
                summary.iter().map(|f| json!({"path": f.path, "added": f.added, "removed": f.removed})).collect();
            print_json(out, &json!({ "files": files }))?;
        }
        Output::Text if summary.is_empty() => writeln!(out, "nothing to do: everything asked for stands already")?,
        Output::Text => {
            for file in &summary {
                writeln!(out, "{}: {} lines added, {} removed", file.path, file.added, file.removed)?;
            }
        }
    }
    Ok(Status::Done)
}

fn refused(refusal: &Refusal, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match output {
        Output::Json => print_json(out, &json!({ "refusal": refusal }))?,
        Output::Text => writeln!(out, "{} {refusal}\nnothing was changed", paint(wanted(), Ink::Bad, "refused:"))?,
    }
    Ok(Status::Refused)
}

pub(super) fn digest(args: &DigestArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let path = args.proposal.display();
    let sealed = Sealed::read(&read_input(&args.proposal)?).map_err(|error| anyhow::anyhow!("{path}: {error}"))?;
    match output {
        Output::Json => print_json(out, &json!({"digest": sealed.digest, "bytes": sealed.bytes.len()}))?,
        Output::Text => writeln!(out, "sha256:{}", sealed.digest)?,
    }
    Ok(Status::Done)
}
