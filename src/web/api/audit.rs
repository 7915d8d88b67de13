//! The log, read: entries for people, checkpoints and exports for verifiers.
//!
//! Must not re-serialise a leaf: what verifies is what lies in the database.

use super::proposals::{find, query};
use crate::web::answers::{BadQuery, Guarded, Missing};
use crate::web::auth::Reader;
use crate::web::problem::Problem;
use crate::web::view::EventView;
use crate::web::{Ask, Export, Shared, letter};
use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

/// The most entries in one answer.
const MOST: u32 = 1000;
/// How many bytes of an export wait for a slow reader.
const PIPE: usize = 256 * 1024;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Which {
    /// Only those about this proposal, by the service's id or the sender's own name.
    proposal: Option<String>,
    /// From this index on; 0 when left out.
    from: Option<u64>,
    /// How many, 1 to 1000; 100 when left out.
    limit: Option<u32>,
}

/// Entries of the log, oldest first.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Events {
    /// The entries.
    events: Vec<EventView>,
    /// What to send as `from` for those that follow; none at the end.
    next: Option<u64>,
}

/// Lists what happened, oldest first.
#[utoipa::path(get, path = "/v1/audit/events", tag = "audit", security(("token" = []), ("browser" = [])), params(Which),
    responses((status = 200, body = Events), Guarded, Missing, BadQuery))]
pub(in crate::web) async fn events(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Events>, Problem> {
    let Which { proposal, from, limit } = query(which)?;
    let (from, limit) = (from.unwrap_or_default(), limit.unwrap_or(100));
    if !(1..=MOST).contains(&limit) || i64::try_from(from).is_err() {
        return Err(Problem::bad("limit", format!("limit: write 1 to {MOST}; from: write an index of the log")));
    }
    let keep = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found: Vec<EventView> = match proposal {
        Some(proposal) => about(&shared, &reader, &proposal, from).await?,
        None => {
            let leaves = shared.store().leaves(&reader.0.tenant, from, limit.saturating_add(1)).await?;
            leaves.iter().map(|leaf| Ok(leaf.happened()?.into())).collect::<Result<_, Problem>>()?
        }
    };
    let next = found.get(keep).map(EventView::index);
    found.truncate(keep);
    Ok(Json(Events { events: found, next }))
}

async fn about(shared: &Shared, reader: &Reader, proposal: &str, from: u64) -> Result<Vec<EventView>, Problem> {
    let (record, _) = find(shared, reader, proposal).await?;
    let all = shared.store().events(&reader.0.tenant, &record.id).await?;
    Ok(all.into_iter().filter(|happened| happened.index >= from).map(EventView::from).collect())
}

/// Gives the log's size and root, signed, as a C2SP checkpoint.
#[utoipa::path(get, path = "/v1/audit/checkpoint", tag = "audit", security(("token" = []), ("browser" = [])),
    responses((status = 200, content_type = "text/plain", body = String), Guarded))]
pub(in crate::web) async fn checkpoint(State(shared): State<Arc<Shared>>, reader: Reader) -> Result<Response, Problem> {
    let export = Export::begin(shared.store(), &reader.0.tenant).await?;
    let note = export.checkpoint(&shared.site.log_signer);
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

/// What is to be proven: an entry, or an earlier log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Asked {
    /// That this entry stands in the log.
    index: Option<u64>,
    /// That the log of this size is the beginning of the one of now.
    old: Option<u64>,
    /// In the log of this size; of now when left out.
    size: Option<u64>,
}

/// Proves that an entry stands in the log (a C2SP `tlog-proof`), or that an earlier log is the beginning of this one.
#[utoipa::path(get, path = "/v1/audit/proof", tag = "audit", security(("token" = []), ("browser" = [])), params(Asked),
    responses((status = 200, content_type = "text/plain", body = String), Guarded, Missing, BadQuery))]
pub(in crate::web) async fn proof(
    State(shared): State<Arc<Shared>>,
    reader: Reader,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let ask = match query(asked)? {
        Asked { index: Some(index), old: None, size } => (Ask::Entry(index), size),
        Asked { index: None, old: Some(old), size } => (Ask::Growth(old), size),
        Asked { .. } => {
            return Err(Problem::bad("index", "say which entry with `index`, or which earlier size with `old`"));
        }
    };
    let made = letter(shared.store(), &shared.site.log_signer, &reader.0.tenant, ask.0, ask.1).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], made.to_string()).into_response())
}

/// Gives every entry of the log as it is now, one JSON document to a line; the headers say its size and root.
#[utoipa::path(get, path = "/v1/audit/export", tag = "audit", security(("token" = []), ("browser" = [])),
    responses((status = 200, content_type = "application/x-ndjson", body = String, headers(
        ("Countersign-Log-Origin" = String, description = "The log's name."),
        ("Countersign-Log-Size" = u64, description = "How many entries."),
        ("Countersign-Log-Root" = String, description = "Their RFC 6962 root, hex."),
    )), Guarded))]
pub(in crate::web) async fn export(State(shared): State<Arc<Shared>>, reader: Reader) -> Result<Response, Problem> {
    let export = Export::begin(shared.store(), &reader.0.tenant).await?;
    let manifest = export.manifest();
    let (write, read) = tokio::io::duplex(PIPE);
    tokio::spawn(async move {
        // A reader that goes away ends the export; one that sees fewer lines than the size knows that it is cut.
        if let Err(cause) = pour(export, write).await {
            tracing::info!("an export broke off: {cause:#}");
        }
    });
    let headers = [
        ("content-type", "application/x-ndjson".to_owned()),
        ("countersign-log-origin", manifest.origin),
        ("countersign-log-size", manifest.size.to_string()),
        ("countersign-log-root", manifest.root.to_string()),
    ];
    Ok((headers.map(|(name, value)| (name, value)), Body::from_stream(ReaderStream::new(read))).into_response())
}

async fn pour(mut export: Export, mut write: DuplexStream) -> anyhow::Result<()> {
    while let Some(entries) = export.batch().await? {
        for entry in entries {
            let mut line = serde_json::to_vec(&entry)?;
            line.push(b'\n');
            write.write_all(&line).await?;
        }
    }
    Ok(write.shutdown().await?)
}
