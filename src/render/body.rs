//! The pull request's body, its check runs and its commit messages.

use super::neutral::{code, fence, line};
use crate::domain::approval::Redeemed;
use crate::domain::attest::{FIRST_LINE, render_block};
use crate::domain::facts::{Conclusion, FileSummary};
use crate::domain::ids::Time;
use crate::domain::lifecycle::{Case, Owner, Reason, Record, class_standing, counted};
use crate::domain::policy::rules::AutoMerge;
use crate::domain::policy::verdict::{State, Verdict};
use minijinja::{Environment, UndefinedBehavior, context};
use std::fmt::Write as _;

/// The most characters a body may have.
const MOST: usize = 60_000;
/// Characters kept for the attestation and its frame.
const BLOCK: usize = 20_000;
/// Rows of the table of changes.
const ROWS: usize = 60;
/// What a template may spend.
const FUEL: u64 = 200_000;

/// A template that could not be rendered; nothing was written.
#[derive(Debug, thiserror::Error)]
#[error("the text cannot be rendered: {0}")]
pub struct RenderError(String);

/// One check run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckText {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub conclusion: Conclusion,
    /// One line.
    pub title: String,
    /// Markdown.
    pub summary: String,
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
}

pub(super) fn render(template: &str, values: minijinja::Value) -> Result<String, RenderError> {
    environment().render_str(template, values).map_err(|error| RenderError(format!("{error:#}")))
}

/// The text that is signed: everything above the attestation.
pub fn body_text(case: &Case<'_>, at: Time) -> Result<String, RenderError> {
    let proposal = case.proposal;
    let evidence: Vec<String> = proposal
        .evidence
        .iter()
        .map(|evidence| {
            let url = evidence.url.as_deref().map(|url| format!(" at {}", code(url, 300))).unwrap_or_default();
            format!("{}{url}", code(&evidence.title, 200))
        })
        .collect();
    let radius: Vec<String> = proposal
        .blast_radius
        .iter()
        .flat_map(|radius| {
            let environments = radius.environments.iter().map(|name| format!("environment {}", code(name, 80)));
            environments.chain(radius.objects.iter().map(|object| code(&object.to_string(), 200)))
        })
        .collect();
    let values = context! {
        first_line => FIRST_LINE,
        at => at.to_string(),
        action_kind => proposal.action_kind.name(),
        target => code(&proposal.target.to_string(), 200),
        environment => environment_name(case),
        rows => rows(case.judged.map(|judged| judged.effect.summary.as_slice()).unwrap_or_default()),
        reason => fence(&proposal.reason, 4000),
        evidence => evidence,
        radius => radius,
        rollback => code(&proposal.rollback.description, 500),
        proposer => code(&proposal.proposer.id, 128),
        display => proposal.proposer.display.as_deref().map(|name| code(name, 128)),
        approvals => approvals(case),
        trust => trust(case),
        controls => controls(case),
        id => case.record.id.clone(),
        digest => case.record.digest.to_string(),
        class => case.judged.map(|judged| judged.class.to_string()),
    };
    let text = render(include_str!("../../templates/pr/body.md"), values)?;
    if text.chars().count() > MOST - BLOCK {
        return Err(RenderError(format!("the body has more than {} characters before the attestation", MOST - BLOCK)));
    }
    Ok(text)
}

fn environment_name(case: &Case<'_>) -> String {
    match case.judged.map(|judged| judged.place.environment.as_str()) {
        None | Some("") => "no environment of the config".to_owned(),
        Some(name) => code(name, 128),
    }
}

fn rows(summary: &[FileSummary]) -> Vec<String> {
    let cell = |value: &Option<String>| value.as_deref().map_or("—".to_owned(), |text| code(text, 120));
    let mut rows: Vec<String> = summary
        .iter()
        .flat_map(|file| file.touched.iter().map(move |touch| (file, touch)))
        .map(|(file, touch)| {
            format!(
                "| {} | {} | {} | {} |",
                code(&file.path, 200),
                code(&touch.path, 200),
                cell(&touch.before),
                cell(&touch.after)
            )
        })
        .collect();
    if rows.len() > ROWS {
        let more = rows.len() - ROWS;
        rows.truncate(ROWS);
        rows.push(format!("| … | {more} more places | | |"));
    }
    rows
}

/// Who approved, with what; or that nobody had to.
fn approvals(case: &Case<'_>) -> Vec<String> {
    let line = |approval: &Redeemed| {
        let (who, at, kid) = (code(&approval.approver, 128), approval.at, approval.kid.as_str());
        format!("{who} at {at}, key `{kid}`, token `sha256:{}`", approval.token)
    };
    counted(case).into_iter().map(line).collect()
}

fn trust(case: &Case<'_>) -> String {
    let Some(loaded) = case.rules.loaded() else { return "no config, no auto-merge".to_owned() };
    let auto = &loaded.rules.auto_merge;
    snapshot(case, auto)
}

/// `73 of 73 good, lower bound 0.950, needed 0.95; score 3.010, needed 2.996; earned`.
fn snapshot(case: &Case<'_>, auto: &AutoMerge) -> String {
    let standing = class_standing(case, auto);
    let gaps =
        if standing.unlocked() { "earned".to_owned() } else { format!("not earned yet: {}", standing.gaps.join("; ")) };
    format!("{}; {gaps}", standing.arithmetic())
}

fn controls(case: &Case<'_>) -> Vec<String> {
    let Some(loaded) = case.rules.loaded() else { return Vec::new() };
    let auto = &loaded.rules.auto_merge;
    let mode = case.judged.map(|judged| judged.place.mode.to_string()).unwrap_or_default();
    vec![
        format!("mode `{mode}`, config {} at `{}`", code(&loaded.path, 80), loaded.digest.short(12)),
        format!("soak {}, quiet period {}", auto.soak, auto.quiet_period),
        "to hold it: the label `countersign:hold`; to refuse it: close the pull request".to_owned(),
    ]
}

/// The whole of our part of a body: text, attestation, end of the frame.
pub fn attested_body(text: &str, envelope: &[u8]) -> String {
    format!("{}\n{}\n```\n\n</details>\n", text.trim_end(), render_block(envelope))
}

/// The pull request's title.
pub fn pull_title(case: &Case<'_>) -> String {
    headline(case.record)
}

fn headline(record: &Record) -> String {
    format!("fix({}): {}", record.action_kind.name(), line(&record.target, 100))
}

/// The message of the one commit on the branch.
pub fn commit_message(record: &Record) -> String {
    format!("{}\n\nCountersign-Proposal: {} {}\n", headline(record), record.id, record.digest)
}

/// First line and rest of the message of the merge.
pub fn merge_message(record: &Record) -> (String, String) {
    let title = match record.pull {
        Some(number) => format!("{} ({number})", headline(record)),
        None => headline(record),
    };
    let mut rest = format!("Proposal: {} {}\n", record.id, record.digest);
    if let Some(issued) = &record.issued {
        // Writing to a string cannot fail.
        let _ = writeln!(rest, "Attestation: sha256:{}", issued.envelope);
    }
    for approval in &record.approvals {
        let _ = writeln!(rest, "Approved-by: {}", line(&approval.approver, 128));
    }
    (title, rest)
}

/// What a comment says when a pull request is left to people or dropped.
pub fn notice(reason: &Reason) -> String {
    format!(
        "countersign leaves this pull request to people.\n\nReason {}: {}\n",
        code(&reason.code, 80),
        code(&reason.sentence, 1000)
    )
}

/// The comment on a landed change whose outcome is bad and that another proposal takes back.
pub fn redressed(record: &Record, revert: &str) -> String {
    format!(
        "{}countersign proposes to take this change back: proposal {}. Its pull request is merged by a person, or closed.\n",
        outcome(record),
        code(revert, 80)
    )
}

/// The comment on a landed change whose outcome is bad and that only a person can take back.
pub fn unredressed(record: &Record, reason: &Reason) -> String {
    format!("{}No pull request that takes it back was opened: {}\n", outcome(record), code(&reason.sentence, 1000))
}

fn outcome(record: &Record) -> String {
    let why = record.reason.as_ref().map(|reason| format!(" {}", code(&reason.sentence, 1000))).unwrap_or_default();
    format!("The outcome of this change is bad.{why}\n\n")
}

/// Our two check runs.
pub fn check_texts(record: &Record, verdict: &Verdict) -> Vec<CheckText> {
    vec![attestation_check(record, verdict), gate_check(record, verdict)]
}

fn attestation_check(record: &Record, verdict: &Verdict) -> CheckText {
    let part = |name: &str| verdict.children.iter().find(|child| child.gate == name);
    let proof = part("attestation");
    let (conclusion, title) = match (record.owner, proof) {
        (Owner::Person, _) => (Conclusion::ActionRequired, "left to people".to_owned()),
        (Owner::Bot, Some(proof)) if proof.passes() => match part("replay") {
            Some(replay) if !replay.passes() => (Conclusion::Failure, replay.sentence.clone()),
            Some(_) | None => (Conclusion::Success, proof.sentence.clone()),
        },
        (Owner::Bot, Some(proof)) => (Conclusion::Failure, proof.sentence.clone()),
        (Owner::Bot, None) => (Conclusion::Failure, "not proven".to_owned()),
    };
    let shown = Verdict::all(
        "proof",
        ["ours", "head", "attestation", "replay"].iter().filter_map(|n| part(n)).cloned().collect(),
    );
    CheckText { name: "countersign/attestation", conclusion, title: line(&title, 200), summary: tree(&shown) }
}

fn gate_check(record: &Record, verdict: &Verdict) -> CheckText {
    let (conclusion, title) = match (verdict.state, record.owner) {
        (State::Pass, Owner::Bot) => (Conclusion::Success, "every gate passes: merging".to_owned()),
        (State::Wait | State::Refuse, _) | (State::Pass, Owner::Person) => {
            (Conclusion::Neutral, verdict.sentence.clone())
        }
    };
    CheckText { name: "countersign/gate", conclusion, title: line(&title, 200), summary: tree(verdict) }
}

/// A verdict as a fenced tree.
fn tree(verdict: &Verdict) -> String {
    fence(&verdict.text(), 20_000)
}

#[cfg(test)]
mod tests;
