//! What machines ask of a service: health, metrics, schemas, keys.
//!
//! Must not need a token, and so must not name a tenant or anything of one.

use crate::config::key_pem;
use crate::domain::attest::KeyState;
use crate::domain::policy::rules::Rules;
use crate::domain::proposal::Proposal;
use crate::web::Shared;
use crate::web::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// Says that the process answers.
#[utoipa::path(get, path = "/healthz", tag = "service", responses((status = 200, content_type = "text/plain", body = String)))]
pub(in crate::web) async fn healthz() -> &'static str {
    "ok\n"
}

/// What readiness is made of.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Readiness {
    /// All of it.
    ready: bool,
    /// The database answers and its schema is this version's.
    database: bool,
    /// There is a key that attestations can be verified with.
    keys: bool,
    /// The rest of the service is up.
    service: bool,
}

/// Says whether the service may be sent traffic.
#[utoipa::path(get, path = "/readyz", tag = "service", responses(
    (status = 200, description = "It may.", body = Readiness),
    (status = 503, description = "It may not; the answer says why.", body = Readiness)))]
pub(in crate::web) async fn readyz(State(shared): State<Arc<Shared>>) -> (StatusCode, Json<Readiness>) {
    // Opening the store brings its schema up to date, so a store that answers is migrated.
    let database = shared.store().ping().await.is_ok();
    let keys = shared.site.keys.keys.iter().any(|key| key.state == KeyState::Active);
    let service = (shared.site.ready)();
    let ready = database && keys && service;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, database, keys, service }))
}

/// Shows the metrics in Prometheus' text form.
#[utoipa::path(get, path = "/metrics", tag = "service", responses((status = 200, content_type = "text/plain", body = String)))]
pub(in crate::web) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    refresh(&shared).await;
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], shared.site.metrics.render()).into_response()
}

/// Gauges that are read when they are asked for; without tenants, because nobody is asked for a token.
async fn refresh(shared: &Shared) {
    let now = shared.now();
    if let Ok(items) = shared.store().due_count(now).await {
        metrics::gauge!("countersign_due_items").set(items as f64);
    }
    lags(shared).await;
    let mut newest = None;
    for tenant in &shared.site.settings.tenants {
        if let Ok(head) = shared.store().head(&tenant.id).await {
            newest = newest.max(Some(head.at));
        }
    }
    if let Some(at) = newest {
        let micros = now.0.saturating_sub(at.0).max(0);
        metrics::gauge!("countersign_audit_head_age_seconds").set(micros as f64 / 1e6);
    }
}

/// How many entries each sink lacks; of several of one name the one that lacks most.
async fn lags(shared: &Shared) {
    let mut lags: BTreeMap<&str, u64> = BTreeMap::new();
    for tenant in shared.site.settings.tenants.iter().filter(|tenant| !tenant.sinks.is_empty()) {
        for cursor in shared.store().cursors(&tenant.id).await.unwrap_or_default() {
            if let Some(sink) = tenant.sinks.iter().find(|sink| sink.name == cursor.name) {
                let lag = lags.entry(&sink.name).or_default();
                *lag = (*lag).max(cursor.lag());
            }
        }
    }
    for (name, lag) in lags {
        metrics::gauge!("countersign_audit_sink_lag_entries", "sink" => name.to_owned()).set(lag as f64);
    }
}

/// Gives this document.
#[utoipa::path(get, path = "/openapi.json", tag = "service", responses((status = 200, content_type = "application/json", body = Object)))]
pub(in crate::web) async fn document(State(shared): State<Arc<Shared>>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], shared.openapi.clone()).into_response()
}

/// Gives the JSON Schema of a proposal.
#[utoipa::path(get, path = "/schema/proposal.json", tag = "service", responses((status = 200, content_type = "application/schema+json", body = Object)))]
pub(in crate::web) async fn proposal_schema() -> Result<Response, Problem> {
    schema(schemars::schema_for!(Proposal))
}

/// Gives the JSON Schema of a repository's config.
#[utoipa::path(get, path = "/schema/config.json", tag = "service", responses((status = 200, content_type = "application/schema+json", body = Object)))]
pub(in crate::web) async fn config_schema() -> Result<Response, Problem> {
    schema(schemars::schema_for!(Rules))
}

fn schema(schema: schemars::Schema) -> Result<Response, Problem> {
    let bytes = serde_json::to_vec_pretty(&schema).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], bytes).into_response())
}

/// Gives the public keys (RFC 7517): those of attestations that are not revoked, and the log's.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "service", responses((status = 200, content_type = "application/jwk-set+json", body = Object)))]
pub(in crate::web) async fn jwks(State(shared): State<Arc<Shared>>) -> Response {
    let live = shared.site.keys.keys.iter().filter(|key| key.state != KeyState::Revoked);
    let mut keys: Vec<Value> =
        live.map(|key| jwk(key.id.as_str(), &key.key, "attestation", state(key.state))).collect();
    let log = &shared.site.log_signer;
    keys.push(jwk(log.id().as_str(), &log.public(), "log", state(KeyState::Active)));
    let body = json!({"keys": keys}).to_string();
    ([(header::CONTENT_TYPE, "application/jwk-set+json")], body).into_response()
}

/// Gives the list of keys with their states, signed by the key-set key (DSSE), as it was last published.
#[utoipa::path(get, path = "/.well-known/countersign/keyset.json", tag = "service", responses(
    (status = 200, content_type = "application/json", body = Object),
    (status = 204, description = "None was published.")))]
pub(in crate::web) async fn keyset(State(shared): State<Arc<Shared>>) -> Response {
    match &shared.site.keyset {
        Some(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes.clone()).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// Gives the public key that attestations are signed with now, PEM.
#[utoipa::path(get, path = "/.well-known/countersign/attestation.pem", tag = "service", responses((status = 200, content_type = "application/x-pem-file", body = String)))]
pub(in crate::web) async fn attestation_pem(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let active = shared.site.keys.keys.iter().find(|key| key.state == KeyState::Active);
    pem(active.map(|key| &key.key))
}

/// Gives the public key that checkpoints are signed with, PEM.
#[utoipa::path(get, path = "/.well-known/countersign/log.pem", tag = "service", responses((status = 200, content_type = "application/x-pem-file", body = String)))]
pub(in crate::web) async fn log_pem(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    pem(Some(&shared.site.log_signer.public()))
}

fn pem(key: Option<&VerifyingKey>) -> Result<Response, Problem> {
    let text = key.map(key_pem).transpose().map_err(Problem::internal)?.unwrap_or_default();
    Ok(([(header::CONTENT_TYPE, "application/x-pem-file")], text).into_response())
}

fn state(state: KeyState) -> &'static str {
    match state {
        KeyState::Next => "next",
        KeyState::Active => "active",
        KeyState::Retired => "retired",
        KeyState::Revoked => "revoked",
    }
}

fn jwk(kid: &str, key: &VerifyingKey, purpose: &str, state: &str) -> Value {
    let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x, "purpose": purpose, "state": state})
}
