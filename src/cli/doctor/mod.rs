//! `doctor`: looks at everything that has to fit before a proposal can become a pull request.
//!
//! Must not change anything at a forge, nor show a secret.

mod forges;
mod here;

use super::paint::{Ink, paint, wanted};
use super::{Output, Status, print_json};
use crate::app::{Looked, look_at_key_sets, system_clock};
use crate::config::{Roster, Settings};
use crate::domain::ids::Clock;
use crate::forge::inspect::{Finding, Level};
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Looks at this machine alone, without the network.
    #[arg(long)]
    offline: bool,
}

/// A finding with what it is about: `settings`, `github github.com`, `local:acme/shop`.
type Row = (String, Finding);

pub(super) async fn run(
    args: &DoctorArgs,
    settings: &super::admin::Load<'_>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let rows = match settings() {
        Ok(settings) => {
            let count = settings.tenants.iter().map(|tenant| tenant.repositories.len()).sum::<usize>();
            let sentence = format!("{} tenants, {count} repositories", settings.tenants.len());
            let mut rows = vec![("settings".to_owned(), Finding::good("settings", sentence))];
            rows.extend(look(&settings, args.offline).await);
            rows
        }
        Err(error) => vec![("settings".to_owned(), Finding::bad("settings", format!("{error:#}")))],
    };
    let worst = rows.iter().map(|(_, finding)| finding.level).max().unwrap_or(Level::Good);
    match output {
        Output::Json => {
            let listed: Vec<Value> = rows.iter().map(|(about, finding)| with(about, finding)).collect();
            print_json(out, &json!({"healthy": worst != Level::Bad, "findings": listed}))?;
        }
        Output::Text => {
            lines(rows.iter().map(|(about, finding)| (about.as_str(), finding)), out)?;
            let of = |level| rows.iter().filter(|(_, finding)| finding.level == level).count();
            writeln!(out, "{} good, {} to look at, {} bad", of(Level::Good), of(Level::Warn), of(Level::Bad))?;
        }
    }
    Ok(if worst == Level::Bad { Status::Refused } else { Status::Done })
}

async fn look(settings: &Settings, offline: bool) -> Vec<Row> {
    let clock = system_clock();
    let mut rows = here::look(settings, &clock).await;
    rows.extend(forges::secrets(settings));
    if !offline {
        rows.extend(forges::hosts(settings, clock()).await);
        rows.extend(key_sets(settings, &clock).await);
    }
    rows.extend(forges::repositories(settings, &clock, offline).await);
    rows
}

/// The key sets of approvers that are fetched.
async fn key_sets(settings: &Settings, clock: &Clock) -> Vec<Row> {
    let roster = match Roster::of(settings) {
        Ok(roster) => roster,
        Err(error) => return vec![("approvers".to_owned(), Finding::bad("key set", format!("{error:#}")))],
    };
    let told = |looked: Looked| {
        let finding = match looked.faults.as_slice() {
            [] => Finding::good("key set", format!("{} holds every listed key", looked.url)),
            faults => {
                let then = if looked.had { "" } else { "; approvals wait until it can be had" };
                Finding::warn("key set", format!("{}: {}{then}", looked.url, faults.join("; ")))
            }
        };
        ("approvers".to_owned(), finding)
    };
    look_at_key_sets(&roster, clock).await.into_iter().map(told).collect()
}

/// A finding as JSON.
pub(super) fn row(finding: &Finding) -> Value {
    json!({"check": finding.check, "level": word(finding.level), "sentence": finding.sentence})
}

fn with(about: &str, finding: &Finding) -> Value {
    let mut row = row(finding);
    row["about"] = json!(about);
    row
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Good => "good",
        Level::Warn => "warn",
        Level::Bad => "bad",
    }
}

/// One line each.
pub(super) fn lines<'a>(rows: impl Iterator<Item = (&'a str, &'a Finding)>, out: &mut dyn Write) -> anyhow::Result<()> {
    for (about, finding) in rows {
        let ink = match finding.level {
            Level::Good => Ink::Good,
            Level::Warn => Ink::Note,
            Level::Bad => Ink::Bad,
        };
        let about = if about.is_empty() || about == finding.check { String::new() } else { format!("{about}: ") };
        let sentence = finding.sentence.replace(char::is_control, " ");
        writeln!(out, "{:4} {about}{}: {sentence}", paint(wanted(), ink, word(finding.level)), finding.check)?;
    }
    Ok(())
}
