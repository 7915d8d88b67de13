//! Sending proposals and reading what became of them.
//!
//! Must not change a record: sending is the only write.

use crate::config::Role;
use crate::domain::ids::TenantId;
use crate::domain::lifecycle::{Record, Stage};
use crate::store::Filter;
use crate::web::answers::{BadBody, BadQuery, Clash, Guarded, Missing};
use crate::web::auth::{Caller, Reader};
use crate::web::problem::Problem;
use crate::web::view::{Detail, Item, List, Trouble};
use crate::web::{Shared, edge};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The most proposals in one answer.
const MOST: u32 = 200;

/// A proposal that is kept.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Kept {
    /// The service's id, a version 7 UUID.
    id: String,
    /// The sender's own name for it.
    name: Option<String>,
    /// SHA-256 of the proposal's canonical bytes.
    digest: String,
    /// Where it is.
    stage: &'static str,
    /// How many of the approvals it brought are redeemed; the log says why others are not.
    approvals: u32,
    /// The members from which something with the shape of a secret was taken out; `digest` is of what is kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redacted: Vec<String>,
}

/// Takes a proposal in; the same digest again is the same proposal.
#[utoipa::path(post, path = "/v1/proposals", tag = "proposals", security(("token" = [])),
    request_body(content((ref("#/components/schemas/SentProposal") = "application/json"), (ref("#/components/schemas/SentProposal") = "application/yaml"))),
    responses(
        (status = 201, description = "Taken in.", body = Kept, headers(("Location" = String, description = "The proposal."))),
        (status = 200, description = "Kept already.", body = Kept, headers(("Location" = String, description = "The proposal."))),
        Guarded, Missing, Clash, BadBody,
    ))]
pub(in crate::web) async fn send(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    request: Request,
) -> Result<Response, Problem> {
    caller.demand(Role::Propose)?;
    let bytes = edge::body(request).await?;
    let accepted = shared.site.intake().receive(&caller.tenant, &caller.principal, &bytes, shared.now()).await?;
    let status = if accepted.new { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/v1/proposals/{}", accepted.id);
    let kept = Kept {
        id: accepted.id,
        name: accepted.name,
        digest: accepted.digest.to_string(),
        stage: accepted.stage.name(),
        approvals: accepted.approvals,
        redacted: accepted.redacted,
    };
    Ok((status, [(header::LOCATION, location)], Json(kept)).into_response())
}

/// Which proposals.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Which {
    /// `received`, `pushed`, `open`, `merged`, `settled` or `dropped`.
    #[param(value_type = Option<String>)]
    pub(in crate::web) stage: Option<Stage>,
    /// The repository, `local:owner/name`.
    pub(in crate::web) repository: Option<String>,
    /// Those older than this id.
    pub(in crate::web) before: Option<String>,
    /// How many, 1 to 200; 50 when left out.
    pub(in crate::web) limit: Option<u32>,
}

impl Which {
    /// The records asked for, and the id to go on with where there are more.
    pub(in crate::web) async fn find(
        self,
        shared: &Shared,
        reader: &Reader,
    ) -> Result<(Vec<Record>, Option<String>), Problem> {
        let tenant = &reader.0.tenant;
        let limit = self.limit.unwrap_or(50);
        if !(1..=MOST).contains(&limit) {
            return Err(Problem::bad("limit", format!("limit: write 1 to {MOST}")));
        }
        if self.before.as_deref().is_some_and(|id| !plausible(id)) {
            return Err(Problem::bad("before", "before: write the `next` of the answer before"));
        }
        let repository = match self.repository.as_deref() {
            None => None,
            Some(locator) => Some(key(shared, reader, locator)?),
        };
        let filter = Filter { stage: self.stage, repository, before: self.before, limit: limit.saturating_add(1) };
        let mut records = shared.store().list(tenant, &filter).await?;
        let keep = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = records.len() > keep;
        records.truncate(keep);
        let next = records.last().filter(|_| more).map(|record| record.id.clone());
        Ok((records, next))
    }
}

/// The key of a repository of the reader's tenant.
fn key(shared: &Shared, reader: &Reader, locator: &str) -> Result<String, Problem> {
    let tenant = shared.site.settings.tenant(&reader.0.tenant);
    let mut bindings = tenant.into_iter().flat_map(|tenant| tenant.repositories.iter().map(|r| r.binding(&tenant.id)));
    let found = bindings.find(|binding| binding.to_string() == locator);
    found.map(|binding| binding.key()).ok_or_else(|| Problem::missing("repository"))
}

/// Lists proposals, newest first.
#[utoipa::path(get, path = "/v1/proposals", tag = "proposals", security(("token" = []), ("browser" = [])), params(Which),
    responses((status = 200, body = List), Guarded, Missing, BadQuery))]
pub(in crate::web) async fn list(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<List>, Problem> {
    let (records, next) = query(which)?.find(&shared, &reader).await?;
    Ok(Json(List { proposals: records.iter().map(Item::of).collect(), next }))
}

/// A query that was understood.
pub(in crate::web) fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    query.map(|Query(query)| query).map_err(|error| Problem::bad("query", error.body_text()))
}

/// Shows a proposal, by the service's id or the sender's own name for it.
#[utoipa::path(get, path = "/v1/proposals/{id}", tag = "proposals", security(("token" = []), ("browser" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    responses((status = 200, body = Detail), Guarded, Missing))]
pub(in crate::web) async fn one(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Json<Detail>, Problem> {
    let (record, bytes) = find(&shared, &reader, &id).await?;
    let tenant = &reader.0.tenant;
    let kept = shared.store().artifacts(tenant, &record.id).await?;
    let trouble = Trouble::of(shared.store().trouble(tenant, &record.id).await?);
    Ok(Json(Detail::of(&record, &bytes, &kept, trouble)))
}

/// A proposal of the reader's tenant.
pub(in crate::web) async fn find(shared: &Shared, reader: &Reader, id: &str) -> Result<(Record, Vec<u8>), Problem> {
    get(shared, &reader.0.tenant, id).await
}

/// A proposal of a tenant; what can be no id is not looked for.
pub(in crate::web) async fn get(shared: &Shared, tenant: &TenantId, id: &str) -> Result<(Record, Vec<u8>), Problem> {
    let found = if plausible(id) { shared.store().record(tenant, id).await? } else { None };
    found.ok_or_else(|| Problem::missing("proposal"))
}

fn plausible(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic())
}

/// Gives the change as a unified diff.
#[utoipa::path(get, path = "/v1/proposals/{id}/diff", tag = "proposals", security(("token" = []), ("browser" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    responses((status = 200, content_type = "text/plain", body = String), Guarded, Missing))]
pub(in crate::web) async fn diff(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let bytes = artifact(&shared, &reader, &id, "diff").await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], bytes).into_response())
}

/// Gives the newest attestation's DSSE envelope.
#[utoipa::path(get, path = "/v1/proposals/{id}/attestation", tag = "proposals", security(("token" = []), ("browser" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    responses((status = 200, content_type = "application/json", body = Object), Guarded, Missing))]
pub(in crate::web) async fn attestation(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let bytes = artifact(&shared, &reader, &id, "envelope").await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

async fn artifact(shared: &Shared, reader: &Reader, id: &str, name: &str) -> Result<Vec<u8>, Problem> {
    let (record, _) = find(shared, reader, id).await?;
    let found = shared.store().artifact(&reader.0.tenant, &record.id, name).await?;
    found.ok_or_else(|| Problem::missing(if name == "diff" { "diff yet" } else { "attestation yet" }))
}
