//! What other tools emit, sent straight to us: translated, and then taken in like every proposal.
//!
//! Must not take a shortcut: the translated proposal passes the same door, in the name of the token that sent it.

use crate::config::Role;
use crate::domain::canon;
use crate::domain::ids::ForgeKind;
use crate::domain::proposal::adapt::{self, Runbook, Unfit};
use crate::web::answers::{BadBody, BadQuery, Clash, Guarded, Missing};
use crate::web::auth::{Caller, Identity};
use crate::web::intake::{Accepted, Refused};
use crate::web::problem::{Document, Problem};
use crate::web::{Shared, edge};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Which repository an action is about.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Where {
    /// The repository, `github:owner/name`.
    repository: String,
    /// The branch to change; the default branch when left out.
    base: Option<String>,
}

/// A document that became a proposal.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Adapted)]
pub(in crate::web) struct Adapted {
    /// The proposal's id.
    proposal: String,
    /// Its name, made of the tool's own.
    name: Option<String>,
    /// Where it is.
    stage: &'static str,
    /// Whether it was not kept before.
    new: bool,
}

/// What became of one alert.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertAdapted)]
pub(in crate::web) struct OfAlert {
    /// The alert's fingerprint.
    fingerprint: String,
    /// `proposed`, `known`, `resolved` or `refused`.
    state: &'static str,
    /// The proposal's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposal: Option<String>,
    /// Why nothing was proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Document>,
}

/// What became of a notification, alert by alert.
#[derive(Serialize, ToSchema)]
#[schema(as = Alerts)]
pub(in crate::web) struct OfAlerts {
    /// The alerts, in order.
    alerts: Vec<OfAlert>,
}

/// Takes in Srenix's `AIProposedAction`.
#[utoipa::path(post, path = "/v1/adapters/srenix", tag = "adapters", security(("token" = [])), params(Where),
    request_body(content = Object),
    responses((status = 201, body = Adapted), (status = 200, description = "Kept already.", body = Adapted), Guarded, Missing, Clash, BadQuery, BadBody))]
pub(in crate::web) async fn srenix(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    place: Result<Query<Where>, QueryRejection>,
    request: Request,
) -> Result<(StatusCode, Json<Adapted>), Problem> {
    caller.demand(Role::Propose)?;
    let Where { repository, base } = super::query(place)?;
    let repository = named(&repository, base)?;
    let document = read(request).await?;
    let proposal = adapt::srenix(&document, &repository, &caller.principal, shared.now())?;
    one(&shared, &caller, &proposal).await
}

/// Takes in Kubernaut's `RemediationApprovalRequest`, joined with the tenant's runbook for its workflow.
#[utoipa::path(post, path = "/v1/adapters/kubernaut", tag = "adapters", security(("token" = [])),
    request_body(content = Object),
    responses((status = 201, body = Adapted), (status = 200, description = "Kept already.", body = Adapted), Guarded, Missing, Clash, BadBody))]
pub(in crate::web) async fn kubernaut(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    request: Request,
) -> Result<(StatusCode, Json<Adapted>), Problem> {
    caller.demand(Role::Propose)?;
    let document = read(request).await?;
    let proposal = adapt::kubernaut(&document, runbooks(&shared, &caller), &caller.principal, shared.now())?;
    one(&shared, &caller, &proposal).await
}

/// Takes in Alertmanager's webhook, each firing alert joined with the tenant's runbook for its labels.
///
/// The answer is 200 also where an alert has no runbook, so that Alertmanager does not send the others again.
#[utoipa::path(post, path = "/v1/adapters/alertmanager", tag = "adapters", security(("token" = [])),
    request_body(content = Object), responses((status = 200, body = OfAlerts), Guarded, BadBody))]
pub(in crate::web) async fn alertmanager(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Json<OfAlerts>, Problem> {
    caller.demand(Role::Propose)?;
    let document = read(request).await?;
    let mut alerts = Vec::new();
    for alerted in adapt::alertmanager(&document, runbooks(&shared, &caller), &caller.principal)? {
        let fingerprint = alerted.fingerprint;
        let nothing = |state| OfAlert { fingerprint: fingerprint.clone(), state, proposal: None, problem: None };
        let refused = |problem: Problem| OfAlert { problem: Some(problem.document(None)), ..nothing("refused") };
        alerts.push(match alerted.proposal {
            None => nothing("resolved"),
            Some(Err(unfit)) => refused(unfit.into()),
            Some(Ok(proposal)) => match take(&shared, &caller, &proposal).await {
                Ok((id, true)) => OfAlert { proposal: Some(id), ..nothing("proposed") },
                Ok((id, false)) => OfAlert { proposal: Some(id), ..nothing("known") },
                // A database that does not work is a reason to send everything again.
                Err(Refused::Store(error)) => return Err(error.into()),
                Err(other) => refused(other.into()),
            },
        });
    }
    Ok(Json(OfAlerts { alerts }))
}

async fn read(request: Request) -> Result<Value, Problem> {
    let bytes = edge::body(request).await?;
    // Another tool's document: numbers as it writes them, and members that are not known.
    serde_json::from_slice(&bytes)
        .map_err(|error| Problem::malformed(&canon::Malformed::at("", format!("this is not JSON: {error}"))))
}

/// The repository of a locator; whether it is listed is asked at the door.
fn named(text: &str, base: Option<String>) -> Result<Value, Problem> {
    let (forge, name) = locator(text)?;
    let mut repository = json!({"forge": forge, "name": name});
    if let (Some(base), Value::Object(map)) = (base, &mut repository) {
        map.insert("base".into(), json!(base));
    }
    Ok(repository)
}

/// The forge and the name of `github:owner/name`.
pub(super) fn locator(text: &str) -> Result<(ForgeKind, &str), Problem> {
    let kinds = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Local];
    let found = text
        .split_once(':')
        .and_then(|(kind, name)| Some((kinds.into_iter().find(|known| known.to_string() == kind)?, name)));
    found.ok_or_else(|| Problem::bad("repository", "repository: write it as `github:owner/name`"))
}

fn runbooks<'a>(shared: &'a Shared, caller: &Identity) -> &'a [Runbook] {
    shared.runbooks.get(&caller.tenant).map(Vec::as_slice).unwrap_or_default()
}

async fn accept(shared: &Shared, caller: &Identity, proposal: &Value) -> Result<Accepted, Refused> {
    let bytes = proposal.to_string();
    shared.site.intake().receive(&caller.tenant, &caller.principal, bytes.as_bytes(), shared.now()).await
}

/// The id of the proposal, and whether it is new; what a tool says again in other words is the same incident.
async fn take(shared: &Shared, caller: &Identity, proposal: &Value) -> Result<(String, bool), Refused> {
    match accept(shared, caller, proposal).await {
        Ok(accepted) => Ok((accepted.id, accepted.new)),
        Err(Refused::NameTaken { existing, .. }) => Ok((existing, false)),
        Err(other) => Err(other),
    }
}

async fn one(shared: &Shared, caller: &Identity, proposal: &Value) -> Result<(StatusCode, Json<Adapted>), Problem> {
    let Accepted { id, name, stage, new, .. } = accept(shared, caller, proposal).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(Adapted { proposal: id, name, stage: stage.name(), new })))
}

impl From<Unfit> for Problem {
    fn from(unfit: Unfit) -> Problem {
        let Unfit { code, path, reason } = unfit;
        let title = "The document does not become a proposal";
        Problem { path: Some(path), ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, title, reason) }
    }
}
