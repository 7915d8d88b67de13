//! What Argo CD, Flux and Alertmanager send of their own accord, kept beside the changes that it may be about.
//!
//! Must not judge: whether a revision holds a change is looked for in git when the next turn is taken.

use super::adapters::locator;
use super::outcome::keep;
use crate::domain::facts::HealthReport;
use crate::domain::lifecycle::{Record, Stage};
use crate::domain::proposal::Sealed;
use crate::domain::proposal::adapt::Unfit;
use crate::domain::proposal::adapt::said::{About, Alert, Folders, Said, alerts, argocd, flux};
use crate::store::Filter;
use crate::web::Shared;
use crate::web::answers::{BadBody, BadQuery, Guarded};
use crate::web::auth::Identity;
use crate::web::problem::Problem;
use crate::web::reporter::{Proven, proven};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Proposals that are read from the store at once.
const PAGE: u32 = 100;

/// Which changes a report may be about; what is left out is not asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Where {
    /// Those of this repository only, `github:owner/name`.
    repository: Option<String>,
    /// Those in this environment only.
    environment: Option<String>,
    /// Those that change a file in this folder only.
    path: Option<String>,
}

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReportsKept)]
pub(in crate::web) struct Kept {
    /// How many good or bad words it holds.
    said: usize,
    /// How many were kept, each beside one proposal.
    kept: usize,
    /// The proposals.
    proposals: BTreeSet<String>,
}

/// Keeps what an application of Argo CD shows.
#[utoipa::path(post, path = "/v1/reports/argocd", tag = "reports", security(("token" = []), ()), params(Where),
    request_body(content = Object, description = "The document of the template in docs/outcomes.md."),
    responses((status = 202, description = "Kept beside every change that it may be about; none is an answer too.", body = Kept), Guarded, BadQuery, BadBody))]
pub(in crate::web) async fn of_argocd(
    State(shared): State<Arc<Shared>>,
    place: Result<Query<Where>, QueryRejection>,
    request: Request,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    take(&shared, place, request, argocd).await
}

/// Keeps an event of Flux.
#[utoipa::path(post, path = "/v1/reports/flux", tag = "reports", security(("token" = []), ()),
    params(Where, ("X-Signature" = Option<String>, Header, description = "Instead of a token: `sha256=` and the HMAC-SHA256 of the body, lower-case hex; what `generic-hmac` sends.")),
    request_body(content = Object, description = "The event as the notification controller sends it."),
    responses((status = 202, description = "Kept beside every change that it may be about; none is an answer too.", body = Kept), Guarded, BadQuery, BadBody))]
pub(in crate::web) async fn of_flux(
    State(shared): State<Arc<Shared>>,
    place: Result<Query<Where>, QueryRejection>,
    request: Request,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    take(&shared, place, request, flux).await
}

/// Keeps alerts that fire anew on what a change was meant to mend.
#[utoipa::path(post, path = "/v1/reports/alertmanager", tag = "reports", security(("token" = []), ()), params(Where),
    request_body(content = Object, description = "The webhook of a receiver, version 4."),
    responses((status = 202, description = "Kept beside every change that it may be about; none is an answer too.", body = Kept), Guarded, BadQuery, BadBody))]
pub(in crate::web) async fn of_alertmanager(
    State(shared): State<Arc<Shared>>,
    place: Result<Query<Where>, QueryRejection>,
    request: Request,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    take(&shared, place, request, alerts).await
}

async fn take(
    shared: &Shared,
    place: Result<Query<Where>, QueryRejection>,
    request: Request,
    read: fn(&[u8]) -> Result<Vec<Said>, Unfit>,
) -> Result<(StatusCode, Json<Kept>), Problem> {
    let Proven { caller, body, .. } = proven(shared, request).await?;
    if !caller.reporter {
        let detail = "only a registered reporter ([[tenant.reporter]]) may send these; a token reports one by one to \
                      /v1/proposals/{id}/outcome";
        return Err(Problem::new(StatusCode::FORBIDDEN, "reporter_required", "The token may not do this", detail));
    }
    let place = super::query(place)?;
    let all = read(&body).map_err(unread)?;
    let mut kept = Kept { said: all.len(), kept: 0, proposals: BTreeSet::new() };
    if all.is_empty() {
        return Ok((StatusCode::ACCEPTED, Json(kept)));
    }
    let narrow = folders(&place)?;
    for record in candidates(shared, &caller, &place).await? {
        for said in &all {
            if narrow.hold(files(&record)) && concerns(shared, &record, said).await? {
                keep(shared, &caller, &record, report(&caller, said, shared)).await?;
                kept.kept += 1;
                kept.proposals.insert(record.id.clone());
            }
        }
    }
    metrics::counter!("countersign_outcomes_total", "result" => "reported").increment(kept.kept as u64);
    Ok((StatusCode::ACCEPTED, Json(kept)))
}

fn unread(unfit: Unfit) -> Problem {
    let Unfit { code, path, reason } = unfit;
    let path = Some(path).filter(|path| !path.is_empty());
    Problem { path, ..Problem::new(StatusCode::BAD_REQUEST, code, "The report is not understood", reason) }
}

fn folders(place: &Where) -> Result<Folders, Problem> {
    let Some(path) = &place.path else { return Ok(Folders::default()) };
    Folders::one(path).ok_or_else(|| Problem::bad("path", "path: it leads out of the repository"))
}

fn files(record: &Record) -> impl Iterator<Item = &str> {
    record.summary.iter().map(|file| file.path.as_str())
}

/// The changes of the tenant whose outcome is not known: merged ones, and open ones, which may be merged at the forge.
async fn candidates(shared: &Shared, caller: &Identity, place: &Where) -> Result<Vec<Record>, Problem> {
    let repository = match &place.repository {
        Some(text) => Some(listed(shared, caller, text)?),
        None => None,
    };
    let here =
        |record: &Record| place.environment.as_ref().is_none_or(|wanted| record.environment.as_ref() == Some(wanted));
    // One that is merged in between is found as merged.
    let mut found = BTreeMap::new();
    for stage in [Stage::Open, Stage::Merged] {
        let mut before = None;
        loop {
            let filter = Filter { stage: Some(stage), repository: repository.clone(), before, limit: PAGE };
            let page = shared.store().list(&caller.tenant, &filter).await?;
            let more = page.len() == PAGE as usize;
            before = page.last().map(|record| record.id.clone());
            found.extend(page.into_iter().filter(|record| here(record)).map(|record| (record.id.clone(), record)));
            if !more {
                break;
            }
        }
    }
    Ok(found.into_values().collect())
}

fn listed(shared: &Shared, caller: &Identity, text: &str) -> Result<String, Problem> {
    let (forge, name) = locator(text)?;
    let tenant = shared.site.settings.tenant(&caller.tenant);
    let repository = tenant.and_then(|tenant| Some(tenant.repository(forge, name)?.binding(&tenant.id).key()));
    repository.ok_or_else(|| Problem::bad("repository", "repository: the settings of this tenant do not list it"))
}

/// Whether a word may be about a change, as far as that can be said without git.
async fn concerns(shared: &Shared, record: &Record, said: &Said) -> Result<bool, Problem> {
    match &said.about {
        About::Commit(_, folders) => Ok(folders.hold(files(record))),
        About::Alert(alert) => named(shared, record, alert).await,
    }
}

async fn named(shared: &Shared, record: &Record, alert: &Alert) -> Result<bool, Problem> {
    let Some((_, bytes)) = shared.store().record(&record.binding.tenant, &record.id).await? else { return Ok(false) };
    let sealed = Sealed::stored(&bytes).map_err(Problem::internal)?;
    Ok(alert.names(&sealed.proposal.target, sealed.proposal.fingerprint.as_deref()))
}

fn report(caller: &Identity, said: &Said, shared: &Shared) -> HealthReport {
    let (revision, since) = match &said.about {
        About::Commit(commit, _) => (Some(commit.clone()), None),
        About::Alert(alert) => (None, Some(alert.since)),
    };
    HealthReport {
        reporter: caller.principal.clone(),
        result: said.result,
        revision,
        note: said.note.clone(),
        at: shared.now(),
        severe: false,
        since,
    }
}
