//! `trust backtest`: replays the outcomes of a service, or of a file, under several thresholds.
//!
//! Must not change anything: a replay is a question.

use super::read;
use crate::cli::paint::{Ink, paint, wanted};
use crate::cli::remote::{Server, refused};
use crate::cli::{Output, Status, print_json, read_input};
use crate::domain::ids::Time;
use crate::domain::policy::rules::Span;
use crate::domain::trust::{Backtest, Demand, Judgement, Outcome, Threshold, backtest as replayed};
use anyhow::Context as _;
use clap::Args;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(in crate::cli) struct BacktestArgs {
    /// Outcomes, one JSON object a line: class, target, at, result, and where known merged, auto, maker, epoch, severe;
    /// `-` is standard input. Left out: the recorded outcomes of the service.
    #[arg(long, value_name = "FILE")]
    outcomes: Option<PathBuf>,
    /// The wanted lower bounds, 0.80 to 0.999.
    #[arg(long, value_delimiter = ',', default_values = ["0.80", "0.90", "0.95", "0.975", "0.99"])]
    threshold: Vec<String>,
    /// How many of the newest outcomes count.
    #[arg(long, default_value_t = 200)]
    last: u64,
    /// How old an outcome may be.
    #[arg(long, default_value = "180d")]
    within: String,
    /// Distinct targets that are needed.
    #[arg(long, default_value_t = 5)]
    targets: u64,
    /// Distinct days that are needed.
    #[arg(long, default_value_t = 5)]
    days: u64,
    /// How long after a merge its outcome is known.
    #[arg(long, default_value = "72h")]
    soak: String,
    /// A person re-arms the class a day after each failure; otherwise the first failure ends its autonomy.
    #[arg(long)]
    rearmed: bool,
    #[command(flatten)]
    server: Server,
}

/// One line of a file of outcomes, or one outcome as the service shows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    class: String,
    target: String,
    at: String,
    result: Judgement,
    #[serde(default)]
    merged: Option<String>,
    #[serde(default)]
    auto: bool,
    #[serde(default)]
    maker: String,
    #[serde(default)]
    epoch: String,
    #[serde(default)]
    severe: bool,
    #[serde(default)]
    evidence: String,
}

/// Outcomes by the name of their class.
type Records = BTreeMap<String, Vec<Outcome>>;

impl Line {
    fn keep(self, records: &mut Records) -> Result<(), String> {
        let Line { class, target, at, result, merged, auto, maker, epoch, severe, evidence } = self;
        let (at, merged): (Time, Option<Time>) = (at.parse()?, merged.map(|at| at.parse()).transpose()?);
        let outcome = Outcome { target, at, result, auto, merged, maker, epoch, severe, evidence };
        records.entry(class).or_default().push(outcome);
        Ok(())
    }
}

pub(super) async fn backtest(args: BacktestArgs, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let mut records = match &args.outcomes {
        Some(file) => lines(&String::from_utf8(read_input(file)?).context("the file is not UTF-8")?)?,
        None => match recorded(&args.server).await? {
            Ok(records) => records,
            Err(why) => return refused(&why, output, out),
        },
    };
    for outcomes in records.values_mut() {
        outcomes.sort_by_key(|outcome| outcome.at);
    }
    let demands = args.threshold.iter().map(|text| demand(&args, read(text)?)).collect::<anyhow::Result<Vec<_>>>()?;
    let classes = records.iter().map(|(class, outcomes)| {
        let runs = demands.iter().map(|demand| (demand.threshold, replayed(outcomes, demand, args.rearmed)));
        (class.as_str(), runs.collect())
    });
    let classes: Vec<(&str, Vec<(Threshold, Backtest)>)> = classes.collect();
    print(&classes, args.rearmed, output, out)
}

fn demand(args: &BacktestArgs, threshold: Threshold) -> anyhow::Result<Demand> {
    let span = |text: &str| text.parse::<Span>().map_err(|reason| anyhow::anyhow!(reason));
    Ok(Demand {
        threshold,
        last: args.last,
        within: span(&args.within)?.0,
        targets: args.targets,
        days: args.days,
        soak: span(&args.soak)?.0,
    })
}

fn lines(text: &str) -> anyhow::Result<Records> {
    let mut records = Records::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let read: Line = serde_json::from_str(line).with_context(|| format!("line {} is no outcome", n + 1))?;
        read.keep(&mut records).map_err(|reason| anyhow::anyhow!("line {}: {reason}", n + 1))?;
    }
    anyhow::ensure!(!records.is_empty(), "there is no outcome to replay");
    Ok(records)
}

/// The recorded outcomes of every class, from the service.
async fn recorded(server: &Server) -> anyhow::Result<Result<Records, String>> {
    let list = match server.ask(Method::GET, "/v1/trust", None).await? {
        Ok(list) => list,
        Err(why) => return Ok(Err(why)),
    };
    let mut records = Records::new();
    for class in list.get("classes").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| class.get(key).and_then(Value::as_str).unwrap_or_default();
        let key = text("key");
        let history = match server.ask(Method::GET, &format!("/v1/trust/{key}"), None).await? {
            Ok(history) => history,
            Err(why) => return Ok(Err(why)),
        };
        let tier = class.get("tier").and_then(Value::as_u64).unwrap_or_default();
        let short = key.get(..12).unwrap_or(key);
        let name = format!("{} in {}, tier {tier} ({short})", text("actionKind"), text("environment"));
        for outcome in history.get("outcomes").and_then(Value::as_array).into_iter().flatten() {
            let read: Line =
                serde_json::from_value(outcome.clone()).context("the service shows outcomes in another form")?;
            Line { class: name.clone(), ..read }.keep(&mut records).map_err(|reason| anyhow::anyhow!(reason))?;
        }
    }
    Ok(Ok(records))
}

fn print(
    classes: &[(&str, Vec<(Threshold, Backtest)>)],
    rearmed: bool,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    if output == Output::Json {
        let run = |(threshold, run): &(Threshold, Backtest)| json!({"threshold": threshold, "replay": run});
        let class = |(name, runs): &(&str, Vec<(Threshold, Backtest)>)| json!({"class": name, "runs": runs.iter().map(run).collect::<Vec<_>>()});
        let classes: Vec<Value> = classes.iter().map(class).collect();
        return print_json(out, &json!({"rearmed": rearmed, "classes": classes})).map(|()| Status::Done);
    }
    if classes.is_empty() {
        writeln!(out, "no outcome is recorded yet")?;
    }
    for (name, runs) in classes {
        let outcomes = runs.first().map_or(0, |(_, run)| run.outcomes);
        let name = if name.is_empty() { "(no class)" } else { name };
        writeln!(out, "{}, {outcomes} outcomes", paint(wanted(), Ink::Strong, name))?;
        runs.iter().try_for_each(|(threshold, run)| writeln!(out, "  {threshold:<5}  {}", sentence(run)))?;
    }
    Ok(Status::Done)
}

fn sentence(run: &Backtest) -> String {
    let (Some(after), Some(at)) = (run.unlocked_after, run.unlocked_at) else {
        let end = if run.earned_at_the_end { "enough at the end, with nothing left to merge" } else { "never enough" };
        return end.to_owned();
    };
    format!(
        "unlocked after {after} outcomes, at {at}: {} merged unattended, {} of them bad, {} unknown, {} demotions",
        run.unattended, run.failures, run.unknown, run.demotions
    )
}
