//! `trust`: what counts come to, where classes stand, what a record would have allowed, and how often chance unlocks.
//!
//! Must not judge anything itself: the arithmetic is the domain's.

mod replay;
mod show;

use super::paint::{Ink, paint, wanted};
use super::remote::Server;
use super::{Output, Status, print_json};
use crate::domain::trust::{Bound, PASS, Simulation, Threshold, simulate};
use clap::{Args, Subcommand};
use serde_json::json;
use std::io::Write;

#[derive(Debug, Args)]
pub(super) struct TrustArgs {
    #[command(subcommand)]
    command: TrustCommand,
}

#[derive(Debug, Subcommand)]
enum TrustCommand {
    /// What given counts come to, offline.
    Bound {
        /// Good outcomes.
        #[arg(long)]
        good: u64,
        /// All outcomes.
        #[arg(long)]
        total: u64,
        /// The wanted lower bound, 0.80 to 0.999.
        #[arg(long, default_value = "0.95")]
        threshold: String,
    },
    /// The classes of the tenant, where they stand and what is missing.
    Show {
        /// Only this class, with its outcomes: its key, or 12 digits of it or more.
        class: Option<String>,
        #[command(flatten)]
        server: Server,
    },
    /// Replays recorded outcomes: when would each class have unlocked, what would have gone wrong after that.
    Backtest(replay::BacktestArgs),
    /// Simulates classes of a true rate and counts how many each gate ever lets through, offline.
    Simulate {
        /// The true share of good outcomes, 0 to 1.
        #[arg(long, default_value_t = 0.95)]
        rate: f64,
        /// How many classes.
        #[arg(long, default_value_t = 20_000)]
        paths: u64,
        /// Outcomes of each; the gates are asked after every one.
        #[arg(long, default_value_t = 5_000)]
        looks: u64,
        /// The wanted lower bound, 0.80 to 0.999.
        #[arg(long, default_value = "0.95")]
        threshold: String,
        /// Where the generator starts; the same seed gives the same answer everywhere.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Gives a demoted class its autonomy back, for an admin; it still has to pass its gates.
    Rearm {
        /// The class's key, or 12 digits of it or more.
        class: String,
        /// Why it may be trusted again; it stands in the audit log.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        server: Server,
    },
}

pub(super) async fn trust(args: TrustArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match args.command {
        TrustCommand::Bound { good, total, threshold } => bound(good, total, read(&threshold)?, output, out),
        TrustCommand::Show { class, server } => show::show(class.as_deref(), &server, output, out).await,
        TrustCommand::Backtest(args) => replay::backtest(args, output, out).await,
        TrustCommand::Simulate { rate, paths, looks, threshold, seed } => {
            let simulation = Simulation { rate, paths, looks, threshold: read(&threshold)?, seed };
            simulated(&simulation, output, out)
        }
        TrustCommand::Rearm { class, reason, server } => show::rearm(&class, &reason, &server, output, out).await,
    }
}

fn read(threshold: &str) -> anyhow::Result<Threshold> {
    threshold.parse().map_err(|reason: String| anyhow::anyhow!(reason))
}

fn bound(good: u64, total: u64, threshold: Threshold, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let bound = Bound::of(threshold, good, total).map_err(|reason| anyhow::anyhow!(reason))?;
    if output == Output::Json {
        return print_json(out, &bound).map(|()| Status::Done);
    }
    let word = |pass| if pass { "passes" } else { "does not pass" };
    writeln!(out, "{good} of {total} good: lower bound {:.6}, {} {threshold}", bound.lower_bound, word(bound.wilson))?;
    writeln!(out, "score {} micro-nats, {} {PASS}", bound.score, word(bound.score_pass))?;
    writeln!(out, "{}", if bound.unlocked { "unlocked" } else { "locked" })?;
    Ok(Status::Done)
}

fn simulated(simulation: &Simulation, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let found = simulate(simulation).map_err(|reason| anyhow::anyhow!(reason))?;
    let Simulation { rate, paths, looks, threshold, seed } = *simulation;
    if output == Output::Json {
        let asked = json!({"rate": rate, "paths": paths, "looks": looks, "threshold": threshold, "seed": seed});
        print_json(out, &json!({"simulation": asked, "result": found}))?;
        return Ok(Status::Done);
    }
    writeln!(out, "{paths} classes with a true rate of {rate}, {looks} outcomes each, asked after every one")?;
    let line = |share: f64, error: f64| format!("{:6.2} %  (standard error {:.2})", share * 100.0, error * 100.0);
    writeln!(out, "bound alone ever reaches {threshold}  {}", line(found.wilson_alone, found.wilson_alone_error))?;
    let both = line(found.both, found.both_error);
    writeln!(out, "bound and score together   {}", paint(wanted(), Ink::Strong, &both))?;
    Ok(Status::Done)
}
