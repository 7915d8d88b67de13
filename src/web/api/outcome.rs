//! Reports about merged changes.
//!
//! Must not judge: a report is kept, and the proposal is looked at again.

use super::proposals::get;
use crate::domain::audit::Event;
use crate::domain::facts::HealthReport;
use crate::domain::ids::Oid;
use crate::domain::lifecycle::{Record, withdrawn};
use crate::domain::trust::Judgement;
use crate::domain::{canon, lifecycle::Stage};
use crate::store::{StoreError, WakeBy};
use crate::web::answers::{BadBody, Clash, Guarded, Missing};
use crate::web::auth::Identity;
use crate::web::problem::Problem;
use crate::web::reporter::{Proven, proven};
use crate::web::{Shared, view};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;

/// How often a bad report after the soak is written down again when a turn was faster.
const ATTEMPTS: usize = 8;

/// What a reporter found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Report {
    /// Which proposal it is about, as in the path; needed where the body is signed.
    #[serde(default)]
    proposal: Option<String>,
    /// `good` (registered reporters only), `bad` or `neutral`.
    #[schema(value_type = String)]
    result: Judgement,
    /// The revision it looked at: the landed commit, or a later one; it counts while it holds the change still.
    #[schema(value_type = String)]
    revision: Oid,
    /// One sentence, at most 1000 characters.
    #[serde(default)]
    note: String,
    /// With `bad`: an incident or a loss. The class begins anew and only observes until two persons re-arm it.
    #[serde(default)]
    severe: bool,
}

/// A report that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = ReportKept)]
pub(in crate::web) struct Noted {
    /// The proposal it is about.
    proposal: String,
    /// What it says.
    result: &'static str,
}

/// Keeps a report about a merged change; the outcome is decided when its soak ends.
#[utoipa::path(post, path = "/v1/proposals/{id}/outcome", tag = "proposals", security(("token" = []), ()),
    params(("id" = String, Path, description = "The service's id, or the sender's own name."),
        ("X-Signature" = Option<String>, Header, description = "Instead of a token: `sha256=` and the HMAC-SHA256 of the body, lower-case hex."),
        ("X-Countersign-Signature-Ed25519" = Option<String>, Header, description = "Instead of a token: the Ed25519 signature of the body, base64.")),
    request_body = Report,
    responses((status = 202, description = "Kept.", body = Noted), Guarded, Missing, Clash, BadBody))]
pub(in crate::web) async fn report(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<Noted>), Problem> {
    let Proven { caller, body, signed } = proven(&shared, request).await?;
    let sent: Report = canon::parse(&body).and_then(canon::typed).map_err(|error| Problem::malformed(&error))?;
    let (record, _) = get(&shared, &caller.tenant, &id).await?;
    about(&record, &sent, signed)?;
    check(&caller, &record, &sent)?;
    let result = sent.result;
    let report = HealthReport {
        reporter: caller.principal.clone(),
        result,
        revision: Some(sent.revision),
        note: sent.note,
        at: shared.now(),
        severe: sent.severe,
        since: None,
    };
    let report = keep(&shared, &caller, &record, report).await?;
    // After the soak nobody looks at it any more: what was counted is taken back here and now.
    take_back(&shared, &caller, &record.id, &report).await?;
    let word = view::judgement(result);
    metrics::counter!("countersign_outcomes_total", "result" => word).increment(1);
    Ok((StatusCode::ACCEPTED, Json(Noted { proposal: record.id, result: word })))
}

/// Takes back what was counted; what a turn or another report wrote meanwhile is read again and not written over.
async fn take_back(shared: &Shared, caller: &Identity, id: &str, report: &HealthReport) -> Result<(), Problem> {
    let (store, mut again) = (shared.store(), ATTEMPTS);
    loop {
        let found = store.stored(&caller.tenant, id).await?.ok_or_else(|| Problem::missing("proposal"))?;
        // Whether a later revision holds the change is looked for in git while it soaks, and not any more.
        let landed = found.record.landed.as_ref().map(|landed| &landed.commit);
        let taken = withdrawn(&found.record, report, shared.now()).filter(|_| landed == report.revision.as_ref());
        let Some(transition) = taken else { return Ok(()) };
        match store.commit_seen(&transition, found.version, shared.now()).await {
            Err(StoreError::Conflict(_)) if again > 1 => again -= 1,
            Err(error) => return Err(error.into()),
            Ok(_) => break,
        }
    }
    store.wake(&caller.tenant, WakeBy::Id(id), shared.now()).await?;
    Ok(())
}

/// A signed body says nothing of the path that it is sent to, so it has to name the proposal itself.
fn about(record: &Record, sent: &Report, signed: bool) -> Result<(), Problem> {
    let fits = |named: &String| *named == record.id || record.name.as_ref() == Some(named);
    match &sent.proposal {
        Some(named) if fits(named) => Ok(()),
        None if !signed => Ok(()),
        Some(_) => Err(Problem::unprocessable("proposal_differs", "proposal: it is not the one in the path")),
        None => Err(Problem::malformed(&canon::Malformed::at("proposal", "a signed report has to name its proposal"))),
    }
}

fn check(caller: &Identity, record: &Record, sent: &Report) -> Result<(), Problem> {
    if sent.result == Judgement::Good && !caller.reporter {
        let detail =
            "only a registered reporter ([[tenant.reporter]]) may call an outcome good: a token may say bad or neutral";
        return Err(Problem::new(StatusCode::FORBIDDEN, "reporter_required", "The token may not do this", detail));
    }
    let conflict = |code, detail: &str| {
        Problem::new(StatusCode::CONFLICT, code, "The proposal does not wait for an outcome", detail)
    };
    let landed = match (&record.landed, record.stage) {
        (_, Stage::Dropped) => return Err(conflict("settled", "it was dropped: no outcome is expected")),
        (_, Stage::Settled) if sent.result != Judgement::Bad || record.outcome == Some(Judgement::Bad) => {
            return Err(conflict(
                "settled",
                "its outcome is recorded already: only a good or unknown one can be taken back, by `bad`",
            ));
        }
        (None, _) => return Err(conflict("not_merged", "it is not merged: report when it is")),
        (Some(landed), _) => landed,
    };
    // A later one is looked for in git when the next turn is taken; of what is settled none is.
    if record.stage == Stage::Settled && sent.revision != landed.commit {
        let detail = format!("revision must be the landed commit {}: the soak is over", landed.commit);
        return Err(Problem::unprocessable("revision_not_landed", detail));
    }
    if sent.severe && sent.result != Judgement::Bad {
        return Err(Problem::malformed(&canon::Malformed::at("severe", "only a bad outcome is severe")));
    }
    if sent.note.chars().count() > 1000 {
        return Err(Problem::malformed(&canon::Malformed::at("note", "at most 1000 characters")));
    }
    Ok(())
}

/// Keeps a report and writes it down; the very same report of the same reporter changes nothing.
pub(super) async fn keep(
    shared: &Shared,
    caller: &Identity,
    record: &Record,
    report: HealthReport,
) -> Result<HealthReport, Problem> {
    let (store, now) = (shared.store(), shared.now());
    let note = store.cleaned(&caller.tenant, report.note, record.environment.as_deref());
    let report = HealthReport { note, ..report };
    let same = |kept: &HealthReport| *kept == HealthReport { at: kept.at, ..report.clone() };
    if store.reports(&caller.tenant, &record.id).await?.iter().any(same) {
        return Ok(report);
    }
    let mut payload =
        json!({"result": report.result, "note": report.note, "severe": report.severe, "registered": caller.reporter});
    if let Some(revision) = &report.revision {
        payload["revision"] = json!(revision);
    }
    if let Some(since) = report.since {
        payload["since"] = json!(since.to_string());
    }
    let event = Event {
        actor: caller.principal.clone(),
        proposal: Some(record.id.clone()),
        pr: record.pull,
        class: record.class.as_ref().map(crate::domain::trust::Class::key),
        ..Event::note("outcome.reported", payload)
    };
    // The log first: a report that is kept is always written down.
    store.append(&caller.tenant, &[event], now).await?;
    store.report(&caller.tenant, &record.id, &report).await?;
    Ok(report)
}
