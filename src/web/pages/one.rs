//! The page of one proposal.
//!
//! Must not ask the store for anything: what is shown is handed in.

use super::parts::{Diff, Fact, diff};
use super::{Event, gated, moment, staged};
use crate::domain::facts::FileSummary;
use crate::domain::ids::Time;
use crate::domain::lifecycle::{Owner, Record, Relations};
use crate::domain::policy::verdict::Verdict;
use crate::domain::proposal::{Evidence, Proposal as Asked, Sealed};
use crate::domain::trust::Judgement;
use crate::store::Happened;
use serde::Serialize;

/// Characters of a value in the table of changes.
const WIDTH: usize = 400;

/// What is kept beside a record.
pub(super) struct Beside {
    pub(super) events: Vec<Happened>,
    pub(super) diff: Option<Vec<u8>>,
    pub(super) trouble: Option<(u64, Option<String>, Time)>,
}

/// Everything the page shows.
#[derive(Debug, Serialize)]
pub(super) struct Proposal {
    tenant: String,
    id: String,
    headline: String,
    stage: &'static str,
    tone: &'static str,
    outcome: Option<Word>,
    lead: String,
    reason: Option<Said>,
    trouble: Option<Trouble>,
    approvable: bool,
    facts: Vec<Fact>,
    related: Vec<Fact>,
    why: Why,
    changes: Vec<Change>,
    diff: Option<Diff>,
    verdict: Option<Vec<Gate>>,
    attestation: Option<Vec<Fact>>,
    events: Vec<Event>,
}

#[derive(Debug, Serialize)]
struct Word {
    word: &'static str,
    tone: &'static str,
}

#[derive(Debug, Serialize)]
struct Said {
    code: String,
    sentence: String,
}

#[derive(Debug, Serialize)]
struct Trouble {
    attempts: u64,
    error: String,
    next: String,
}

#[derive(Debug, Default, Serialize)]
struct Why {
    reason: String,
    facts: Vec<Fact>,
    evidence: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Change {
    file: String,
    path: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Debug, Serialize)]
struct Gate {
    state: &'static str,
    tone: &'static str,
    gate: String,
    code: String,
    sentence: String,
    children: Vec<Gate>,
}

impl Proposal {
    pub(super) fn of(record: &Record, bytes: &[u8], beside: Beside) -> Proposal {
        let reason = record.reason.as_ref();
        Proposal {
            tenant: record.binding.tenant.to_string(),
            id: record.id.clone(),
            headline: format!("{} {}", record.action_kind.name(), record.target),
            stage: record.stage.name(),
            tone: staged(record),
            outcome: record.outcome.map(outcome),
            lead: lead(record),
            reason: reason.map(|reason| Said { code: reason.code.clone(), sentence: reason.sentence.clone() }),
            trouble: trouble(beside.trouble),
            approvable: super::approve::waits(record),
            facts: facts(record),
            related: related(record),
            why: Sealed::stored(bytes).map(|sealed| why(&sealed.proposal)).unwrap_or_default(),
            changes: record.summary.iter().flat_map(changes).collect(),
            diff: beside.diff.as_deref().map(diff),
            verdict: record.verdict.as_ref().map(|verdict| vec![gate(verdict)]),
            attestation: attestation(record),
            events: beside.events.into_iter().map(Event::of).collect(),
        }
    }
}

fn outcome(result: Judgement) -> Word {
    let tone = match result {
        Judgement::Good => "good",
        Judgement::Bad => "bad",
        Judgement::Neutral => "wait",
    };
    Word { word: crate::web::view::judgement(result), tone }
}

fn lead(record: &Record) -> String {
    let place = match record.pull {
        Some(number) => format!("Pull request #{number} on {}", record.binding),
        None => format!("On {}, no pull request", record.binding),
    };
    let who = match (record.owner, record.auto) {
        (Owner::Person, _) => ", left to people",
        (Owner::Bot, true) => ", merged without a person",
        (Owner::Bot, false) => "",
    };
    format!("{place}{who}, received {}", moment(&record.received.to_string()))
}

fn trouble(found: Option<(u64, Option<String>, Time)>) -> Option<Trouble> {
    let (attempts, error, next) = found.filter(|(attempts, ..)| *attempts > 0)?;
    Some(Trouble { attempts, error: error.unwrap_or_default(), next: moment(&next.to_string()) })
}

/// Other proposals, by their ids.
fn related(record: &Record) -> Vec<Fact> {
    let Relations { duplicate_of, superseded_by, supersedes, refused_with, reverts, reverted_by } =
        record.relations.clone();
    let one = [
        ("Duplicate of", duplicate_of),
        ("Superseded by", superseded_by),
        ("Refused with", refused_with),
        ("Takes back", reverts),
        ("Taken back by", reverted_by),
    ];
    let one = one.into_iter().filter_map(|(name, id)| Some((name, id?)));
    one.chain(supersedes.into_iter().map(|id| ("Supersedes", id))).collect()
}

fn facts(record: &Record) -> Vec<Fact> {
    let mut facts: Vec<Fact> = vec![("Id", record.id.clone())];
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    add("Sender's name", record.name.clone());
    add("Repository", Some(record.binding.to_string()));
    add("Environment", record.environment.clone().filter(|name| !name.is_empty()));
    add("Mode", record.mode.map(|mode| mode.to_string()));
    add("Class", record.class.as_ref().map(ToString::to_string));
    add(
        "Track record",
        record.standing.as_ref().map(|standing| {
            format!("{} of {} good, lower bound {:.3}", standing.good, standing.total, standing.lower_bound)
        }),
    );
    add("Approvals", approvals(record));
    add("Branch", record.branch.clone());
    add("Base", record.base.clone());
    add("Head", record.head.as_ref().map(ToString::to_string));
    add(
        "Landed",
        record.landed.as_ref().map(|landed| {
            let fits = match record.landed_as_attested {
                Some(true) => ", as attested",
                Some(false) => ", not as attested",
                None => "",
            };
            format!("{} at {}{fits}", landed.commit, moment(&landed.at.to_string()))
        }),
    );
    add("Digest", Some(record.digest.to_string()));
    add("Stands until", Some(moment(&record.expires.to_string())));
    facts
}

/// `1 of 2 needed: dana`; nothing where none is needed and none was given.
fn approvals(record: &Record) -> Option<String> {
    let names: Vec<&str> = record.approvals.iter().map(|approval| approval.approver.as_str()).collect();
    let needed = record.needed.filter(|needed| *needed > 0 || !names.is_empty())?;
    Some(format!("{needed} needed, given by {}", if names.is_empty() { "nobody yet".into() } else { names.join(", ") }))
}

fn why(asked: &Asked) -> Why {
    let mut facts = vec![("Rollback", asked.rollback.description.clone())];
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    add("Confidence", asked.confidence.clone());
    if let Some(radius) = &asked.blast_radius {
        let objects = radius.objects.iter().map(ToString::to_string);
        let all: Vec<String> = radius.environments.iter().cloned().chain(objects).collect();
        add("Blast radius", Some(all.join(", ")).filter(|text| !text.is_empty()));
    }
    let proposer = &asked.proposer;
    let named =
        proposer.display.as_ref().map_or_else(|| proposer.id.clone(), |name| format!("{name} ({})", proposer.id));
    add("Proposer", Some(named));
    add("Fingerprint", asked.fingerprint.clone());
    add("Plan", asked.plan.as_ref().map(|plan| format!("{}, step {}", plan.id, plan.step)));
    Why { reason: asked.reason.clone(), facts, evidence: asked.evidence.iter().map(shown).collect() }
}

/// Evidence is text: nobody is sent to an address that a proposer chose.
fn shown(evidence: &Evidence) -> String {
    let parts = [Some(&evidence.title), evidence.url.as_ref(), evidence.digest.as_ref()];
    parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" · ")
}

fn changes(file: &FileSummary) -> Vec<Change> {
    let cut = |value: &Option<String>| value.as_ref().map(|text| shortened(text));
    let row = |touch: &crate::domain::facts::Touch| Change {
        file: file.path.clone(),
        path: touch.path.clone(),
        before: cut(&touch.before),
        after: cut(&touch.after),
    };
    file.touched.iter().map(row).collect()
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}

fn gate(verdict: &Verdict) -> Gate {
    Gate {
        state: verdict.state.word(),
        tone: gated(verdict.state),
        gate: verdict.gate.clone(),
        code: verdict.code.clone(),
        sentence: verdict.sentence.clone(),
        children: verdict.children.iter().map(gate).collect(),
    }
}

fn attestation(record: &Record) -> Option<Vec<Fact>> {
    let issued = record.issued.as_ref()?;
    Some(vec![
        ("Envelope, SHA-256", issued.envelope.to_string()),
        ("Signed text, SHA-256", issued.text.to_string()),
        ("Head", issued.head.to_string()),
        ("Base", issued.base.to_string()),
        ("Signed at", moment(&issued.issued.to_string())),
        ("Valid until", moment(&issued.not_after.to_string())),
    ])
}
