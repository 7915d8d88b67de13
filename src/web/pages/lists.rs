//! The pages that are tables: proposals, classes, the log.
//!
//! Must not ask the store for anything: what is shown is handed in.

use super::{Event, moment, staged};
use crate::config::Settings;
use crate::domain::ids::TenantId;
use crate::domain::lifecycle::{Owner, Record, Stage};
use crate::domain::trust::shown;
use crate::store::Head;
use crate::web::api::{ClassView, Which};
use crate::web::auth::Reader;
use crate::web::view::judgement;
use serde::Serialize;

/// The list of proposals.
#[derive(Debug, Serialize)]
pub(super) struct Proposals {
    tenant: String,
    filters: Vec<Filter>,
    rows: Vec<Row>,
    first: bool,
    newest: String,
    older: Option<String>,
}

#[derive(Debug, Serialize)]
struct Filter {
    name: &'static str,
    href: String,
    here: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    name: String,
    action_kind: String,
    stage: &'static str,
    tone: &'static str,
    note: String,
    target: String,
    environment: String,
    repository: String,
    pull: Option<u64>,
    received: String,
    received_text: String,
}

impl Proposals {
    pub(super) fn of(reader: &Reader, which: &Which, records: &[Record], next: Option<&str>) -> Proposals {
        let link = |stage: Option<Stage>, before: Option<&str>| href(stage, before, which);
        let mut filters = vec![Filter { name: "all", href: link(None, None), here: which.stage.is_none() }];
        filters.extend(Stage::ALL.iter().map(|stage| Filter {
            name: stage.name(),
            href: link(Some(*stage), None),
            here: which.stage == Some(*stage),
        }));
        Proposals {
            tenant: reader.0.tenant.to_string(),
            filters,
            rows: records.iter().map(Row::of).collect(),
            first: which.before.is_none(),
            newest: link(which.stage, None),
            older: next.map(|id| link(which.stage, Some(id))),
        }
    }
}

/// The address of a list; repository and limit stay as they are.
fn href(stage: Option<Stage>, before: Option<&str>, which: &Which) -> String {
    let mut parts = Vec::new();
    parts.extend(stage.map(|stage| format!("stage={}", stage.name())));
    parts.extend(which.repository.as_deref().map(|repository| format!("repository={}", encoded(repository))));
    parts.extend(before.map(|id| format!("before={}", encoded(id))));
    parts.extend(which.limit.map(|limit| format!("limit={limit}")));
    if parts.is_empty() { "/".to_owned() } else { format!("/?{}", parts.join("&")) }
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

impl Row {
    fn of(record: &Record) -> Row {
        let received = record.received.to_string();
        let reason = record.reason.as_ref().map(|reason| reason.code.clone());
        let note = match (record.outcome, record.owner) {
            (Some(result), _) => judgement(result).to_owned(),
            (None, Owner::Person) => "left to people".to_owned(),
            (None, Owner::Bot) => reason.unwrap_or_default(),
        };
        Row {
            id: record.id.clone(),
            name: record.name.clone().unwrap_or_else(|| format!("…{}", super::tail(&record.id))),
            action_kind: record.action_kind.name(),
            stage: record.stage.name(),
            tone: staged(record),
            note,
            target: record.target.clone(),
            environment: record.environment.clone().unwrap_or_default(),
            repository: record.binding.to_string(),
            pull: record.pull,
            received_text: moment(&received),
            received,
        }
    }
}

/// The track records.
#[derive(Debug, Serialize)]
pub(super) struct Classes {
    tenant: String,
    rows: Vec<ClassRow>,
}

#[derive(Debug, Serialize)]
struct ClassRow {
    href: String,
    action_kind: String,
    environment: String,
    repository: String,
    tier: u8,
    word: &'static str,
    tone: &'static str,
    good: u64,
    total: u64,
    neutral: u64,
    bound: String,
    needed: String,
    score: String,
    pass: String,
    gaps: Vec<String>,
}

impl Classes {
    pub(super) fn of(settings: &Settings, reader: &Reader, classes: Vec<ClassView>) -> Classes {
        let tenant = &reader.0.tenant;
        let row = |class: ClassView| ClassRow::of(named(settings, tenant, &class.repository), class);
        Classes { tenant: tenant.to_string(), rows: classes.into_iter().map(row).collect() }
    }
}

impl ClassRow {
    fn of(repository: String, class: ClassView) -> ClassRow {
        let (word, tone) = stands(&class);
        let standing = class.standing;
        ClassRow {
            href: format!("/classes/{}", class.key.get(..16).unwrap_or(&class.key)),
            action_kind: class.action_kind,
            environment: if class.environment.is_empty() { "no environment".into() } else { class.environment },
            repository,
            tier: class.tier,
            word,
            tone,
            good: standing.good,
            total: standing.total,
            neutral: standing.neutral,
            bound: shown(standing.lower_bound),
            needed: class.needed,
            score: nats(standing.score),
            pass: nats(standing.pass),
            gaps: standing.gaps,
        }
    }
}

/// A repository's name; its key when the settings do not list it any more.
pub(super) fn named(settings: &Settings, tenant: &TenantId, key: &str) -> String {
    let mut bindings =
        settings.tenant(tenant).into_iter().flat_map(|t| t.repositories.iter().map(|r| r.binding(&t.id)));
    bindings.find(|binding| binding.key() == key).map_or_else(|| key.to_owned(), |binding| binding.to_string())
}

/// Where a class stands in a word, and its colour.
pub(super) fn stands(class: &ClassView) -> (&'static str, &'static str) {
    match (class.demoted, class.unlocked) {
        (true, _) => ("demoted", "bad"),
        (false, true) => ("unlocked", "good"),
        (false, false) => ("not earned yet", "wait"),
    }
}

/// Micro-nats as nats, for people.
pub(super) fn nats(score: i64) -> String {
    format!("{:.2}", score as f64 / 1e6)
}

/// The log.
#[derive(Debug, Serialize)]
pub(super) struct Audit {
    tenant: String,
    origin: String,
    size: u64,
    root: String,
    events: Vec<Event>,
    first: bool,
    older: Option<String>,
}

impl Audit {
    pub(super) fn of(reader: &Reader, head: &Head, events: Vec<Event>, first: bool, older: Option<String>) -> Audit {
        Audit {
            tenant: reader.0.tenant.to_string(),
            origin: head.origin.clone(),
            size: head.size,
            root: head.root.to_string(),
            events,
            first,
            older,
        }
    }
}
