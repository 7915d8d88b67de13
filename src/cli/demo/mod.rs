//! `demo`: plays the whole path on a sample repository and proves it, without a network.
//!
//! Must not write a tally, an outcome or a stage: everything goes through intake, turns and reports.

mod proofs;
mod script;
mod stage;

pub use stage::{CI, HandClock, PROPOSER, REPORTER, REPOSITORY, Stage, TENANT, shop};

use super::paint::{Ink, paint, wanted};
use super::{Output, Status};
use anyhow::Context as _;
use clap::Args;
use proofs::Proofs;
use script::{HISTORY, Play};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// When the demo's clock begins.
const START: &str = "2026-01-05T08:00:00Z";

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Keeps repositories, bodies, keys, export and report in this folder, which must be new or empty.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub(super) async fn run(args: DemoArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let scratch =
        tempfile::Builder::new().prefix("countersign-demo-").tempdir().context("cannot make a temporary folder")?;
    let home = match &args.keep {
        Some(path) => empty(path)?,
        None => scratch.path().to_owned(),
    };
    let mut silent = std::io::sink();
    let talk: &mut dyn Write = if output == Output::Text { &mut *out } else { &mut silent };
    let (play, proofs) = play(&home, args.keep.is_some(), talk).await?;
    let report = report(&play, &proofs);
    if args.keep.is_some() {
        std::fs::write(home.join("demo.json"), serde_json::to_vec_pretty(&report)?)?;
    }
    if output == Output::Json {
        super::print_json(out, &report)?;
    }
    Ok(Status::Done)
}

fn empty(path: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
    let mut inside = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(inside.next().is_none(), "{} is not empty: name a new folder", path.display());
    path.canonicalize().with_context(|| format!("cannot open {}", path.display()))
}

async fn play(home: &Path, kept: bool, out: &mut dyn Write) -> anyhow::Result<(Play, Proofs)> {
    let on = wanted();
    let started = Instant::now();
    let start = START.parse().map_err(|reason: String| anyhow::anyhow!(reason))?;
    let stage = Stage::set(home, &shop(), start).await?;
    writeln!(
        out,
        "{}",
        paint(on, Ink::Strong, "countersign demo: a sample GitOps repository, a local forge, a clock moved by hand")
    )?;
    let mut play = Play::default();
    write!(out, "\n{HISTORY} proposals over 12 targets and 60 days; CI passes, dana merges, argocd finds them good:")?;
    out.flush()?;
    play.history(&stage, out).await?;
    writeln!(out, "\n")?;
    play.automatic(&stage).await?;
    play.waiting(&stage).await?;
    play.tampered(&stage).await?;
    play.refused(&stage).await?;
    play.failing(&stage).await?;
    let proofs = proofs::prove_all(&stage, &play, home).await?;
    stage.parts.store.close().await;
    tell(&stage, &play, &proofs, out, on)?;
    writeln!(out, "\n{}", paint(on, Ink::Faint, &format!("played in {:.1} s", started.elapsed().as_secs_f64())))?;
    hints(home, kept, &proofs, out)?;
    Ok((play, proofs))
}

/// What became of each proposal, and what was proven.
fn tell(stage: &Stage, play: &Play, proofs: &Proofs, out: &mut dyn Write, on: bool) -> anyhow::Result<()> {
    let text = |value: &Value, key: &str| {
        value.get(key).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).unwrap_or_default()
    };
    for proposal in proofs.proposals.iter().skip(usize::try_from(HISTORY)?) {
        let stage = text(proposal, "stage");
        let ink = match stage.as_str() {
            "settled" | "merged" if text(proposal, "outcome") == "bad" => Ink::Bad,
            "settled" | "merged" => Ink::Good,
            _ => Ink::Note,
        };
        let name: String = text(proposal, "name").chars().take(16).collect();
        let pull = proposal.get("pull").and_then(Value::as_u64).map(|n| format!("#{n}")).unwrap_or_default();
        let stage = paint(on, ink, &format!("{stage:<9}"));
        writeln!(out, "  {:<16} {stage} {pull:<5} {}", name, text(proposal, "story"))?;
    }
    for (name, reason) in &proofs.left {
        writeln!(out, "  {} {name}: left to people, {reason}", paint(on, Ink::Bad, "!"))?;
    }
    for refusal in &play.refusals {
        writeln!(
            out,
            "  {} {}: refused, {}: {}",
            paint(on, Ink::Bad, "x"),
            refusal.proposal,
            refusal.code,
            refusal.reason
        )?;
    }
    let good = paint(on, Ink::Good, "proven");
    let pulls = proofs.verified + proofs.broken.len() as u64;
    writeln!(
        out,
        "\n{good} {} of {pulls} attestations hold; every landed change was replayed: {} of {}",
        proofs.verified,
        proofs.replayed,
        proofs.merges.len()
    )?;
    for (number, fault) in &proofs.broken {
        writeln!(out, "       #{number} does not, as it should not: {fault}")?;
    }
    writeln!(out, "{good} the log of {} entries, root {}", proofs.log.size, proofs.log.root.short(16))?;
    writeln!(out, "       on {} simulated time", stage.clock.now())?;
    Ok(())
}

fn hints(home: &Path, kept: bool, proofs: &Proofs, out: &mut dyn Write) -> anyhow::Result<()> {
    if !kept {
        writeln!(out, "\nKeep everything to look at it:\n  countersign demo --keep /tmp/countersign-demo")?;
        return Ok(());
    }
    let home = home.display();
    let itself = proofs.merges.iter().find(|merge| merge.get("auto") == Some(&json!(true)));
    let number = itself.and_then(|merge| merge.get("pull")).and_then(Value::as_u64).unwrap_or(1);
    let named = |proposal: &&Value| proposal.get("pull").and_then(Value::as_u64) == Some(number);
    let at =
        proofs.proposals.iter().find(named).and_then(|p| p.get("attested")).and_then(Value::as_str).unwrap_or_default();
    writeln!(
        out,
        "\nKept in {home}: repos/*.git, pulls/<n>.md, proposals/<name>.json, keys/attestation.pem, export/, demo.json, settings.toml. Try next:"
    )?;
    writeln!(out, "  countersign verify --body {home}/pulls/{number}.md --key {home}/keys/attestation.pem --at {at}")?;
    writeln!(out, "  countersign audit verify {home}/export")?;
    writeln!(out, "  countersign --config {home}/settings.toml pull list local:{REPOSITORY}")?;
    writeln!(out, "  git -C {home}/repos/shop.git log --oneline main")?;
    Ok(())
}

fn report(play: &Play, proofs: &Proofs) -> Value {
    let refusals: Vec<Value> =
        play.refusals.iter().map(|r| json!({"proposal": r.proposal, "code": r.code, "reason": r.reason})).collect();
    let left: Vec<Value> =
        proofs.left.iter().map(|(name, reason)| json!({"proposal": name, "reason": reason})).collect();
    json!({
        "proposals": proofs.proposals, "merges": proofs.merges, "refusals": refusals, "left_to_people": left,
        "attestations_verified": proofs.verified, "replayed": proofs.replayed, "audit_verified": true,
        "audit_entries": proofs.log.size, "audit_root": proofs.log.root,
    })
}
