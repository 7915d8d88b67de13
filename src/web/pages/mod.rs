//! Pages for people; the only thing that can be sent from one is an approver's token.
//!
//! Must not hold a script, or show more than the API shows the same caller.

pub(super) mod approve;
mod class;
mod lists;
mod one;
mod parts;
mod plot;

use super::Shared;
use super::answers::{BadQuery, Guarded, Missing};
use super::api::{Which, all, find, one as one_class, query};
use super::auth::Reader;
use super::problem::Problem;
use crate::domain::audit::Decision;
use crate::domain::lifecycle::{Record, Stage};
use crate::domain::policy::verdict::State as Gate;
use crate::domain::trust::Judgement;
use crate::render::page::{Page, STYLE};
use crate::store::Happened;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::IntoParams;

/// Entries of the log on a page.
const ENTRIES: u32 = 100;

/// Gives the stylesheet of the pages.
#[utoipa::path(get, path = "/style.css", tag = "pages", responses((status = 200, content_type = "text/css", body = String)))]
pub(super) async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=300")];
    (headers, STYLE).into_response()
}

/// Lists proposals, newest first.
#[utoipa::path(get, path = "/", tag = "pages", security(("token" = []), ("browser" = [])), params(Which),
    responses((status = 200, content_type = "text/html", body = String), Guarded, Missing, BadQuery))]
pub(super) async fn proposals(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Html<String>, Problem> {
    let which = query(which)?;
    let (records, next) = which.clone().find(&shared, &reader).await?;
    page(&shared, Page::Proposals, &lists::Proposals::of(&reader, &which, &records, next.as_deref()))
}

/// Shows one proposal.
#[utoipa::path(get, path = "/proposals/{id}", tag = "pages", security(("token" = []), ("browser" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    responses((status = 200, content_type = "text/html", body = String), Guarded, Missing))]
pub(super) async fn proposal(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Html<String>, Problem> {
    let (record, bytes) = find(&shared, &reader, &id).await?;
    let (store, tenant) = (shared.store(), &reader.0.tenant);
    let beside = one::Beside {
        events: store.events(tenant, &record.id).await?,
        diff: store.artifact(tenant, &record.id, "diff").await?,
        trouble: store.trouble(tenant, &record.id).await?,
    };
    page(&shared, Page::Proposal, &one::Proposal::of(&record, &bytes, beside))
}

/// Shows what classes of changes have earned.
#[utoipa::path(get, path = "/classes", tag = "pages", security(("token" = []), ("browser" = [])),
    responses((status = 200, content_type = "text/html", body = String), Guarded))]
pub(super) async fn classes(State(shared): State<Arc<Shared>>, reader: Reader) -> Result<Html<String>, Problem> {
    let classes = all(&shared, &reader).await?;
    page(&shared, Page::Classes, &lists::Classes::of(&shared.site.settings, &reader, classes))
}

/// Shows one class: where it stands and how its bound moved.
#[utoipa::path(get, path = "/classes/{class}", tag = "pages", security(("token" = []), ("browser" = [])),
    params(("class" = String, Path, description = "The class's key, or its first 12 digits or more.")),
    responses((status = 200, content_type = "text/html", body = String), Guarded, Missing))]
pub(super) async fn class(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    Path(key): Path<String>,
) -> Result<Html<String>, Problem> {
    let (class, track) = one_class(&shared, &reader.0.tenant, &key).await?;
    page(&shared, Page::Class, &class::Class::of(&shared.site.settings, &reader, class, &track, shared.now()))
}

/// Which entries of the log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Until {
    /// Those older than this index.
    before: Option<u64>,
}

/// Shows the newest entries of the log.
#[utoipa::path(get, path = "/audit", tag = "pages", security(("token" = []), ("browser" = [])), params(Until),
    responses((status = 200, content_type = "text/html", body = String), Guarded, BadQuery))]
pub(super) async fn audit(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    until: Result<Query<Until>, QueryRejection>,
) -> Result<Html<String>, Problem> {
    let Until { before } = query(until)?;
    let (store, tenant) = (shared.store(), &reader.0.tenant);
    let head = store.head(tenant).await?;
    let end = before.unwrap_or(head.size).min(head.size);
    let start = end.saturating_sub(u64::from(ENTRIES)).max(head.first.min(end));
    let limit = u32::try_from(end - start).unwrap_or(ENTRIES);
    let leaves = store.leaves(tenant, start, limit).await?;
    let events: Vec<Event> =
        leaves.iter().rev().map(|leaf| Ok(Event::of(leaf.happened()?))).collect::<Result<_, Problem>>()?;
    let older = (start > head.first).then(|| format!("/audit?before={start}"));
    page(&shared, Page::Audit, &lists::Audit::of(&reader, &head, events, end == head.size, older))
}

fn page(shared: &Shared, page: Page, values: &impl Serialize) -> Result<Html<String>, Problem> {
    shared.pages.render(page, values).map(Html).map_err(Problem::internal)
}

/// An entry of the log, as a row.
#[derive(Debug, Serialize)]
struct Event {
    index: u64,
    time: String,
    time_text: String,
    kind: String,
    decision: &'static str,
    tone: &'static str,
    reason: String,
    proposal: String,
    proposal_short: String,
    actor: String,
}

impl Event {
    fn of(happened: Happened) -> Event {
        Event {
            index: happened.index,
            time: happened.at.to_string(),
            time_text: moment(&happened.at.to_string()),
            kind: happened.kind,
            decision: super::view::decision(happened.decision),
            tone: decided(happened.decision),
            reason: happened.reason_code,
            proposal_short: tail(&happened.proposal).to_owned(),
            proposal: happened.proposal,
            actor: happened.actor.unwrap_or_else(|| "redacted".to_owned()),
        }
    }
}

/// The last twelve characters of an id, where its random part is.
fn tail(id: &str) -> &str {
    id.get(id.len().saturating_sub(12)..).unwrap_or(id)
}

/// `2026-12-04T10:00:00Z` for people: absolute, and its zone said.
fn moment(rfc3339: &str) -> String {
    rfc3339.replace('T', " ").replace('Z', " UTC")
}

/// The colour that goes with a word; never the only sign.
fn decided(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "good",
        Decision::Wait => "wait",
        Decision::Refuse => "bad",
        Decision::Note => "",
    }
}

fn gated(state: Gate) -> &'static str {
    match state {
        Gate::Pass => "good",
        Gate::Wait => "wait",
        Gate::Refuse => "bad",
    }
}

fn judged(result: Judgement) -> &'static str {
    match result {
        Judgement::Good => "good",
        Judgement::Bad => "bad",
        Judgement::Neutral => "wait",
    }
}

fn staged(record: &Record) -> &'static str {
    match (record.stage, record.outcome) {
        (_, Some(Judgement::Bad)) | (Stage::Dropped, _) => "bad",
        (Stage::Open, _) | (_, Some(Judgement::Neutral)) => "wait",
        (Stage::Merged | Stage::Settled, _) => "good",
        (Stage::Received | Stage::Pushed, _) => "",
    }
}
