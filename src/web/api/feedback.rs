//! What became of proposals, as a feed that a proposer reads on from where it stopped.
//!
//! Must not tell of a proposal of another tenant, nor of another's to a token that only proposes.

use super::proposals::query;
use crate::config::Role;
use crate::domain::ids::TenantId;
use crate::domain::lifecycle::Record;
use crate::store::Happened;
use crate::web::Shared;
use crate::web::answers::{BadQuery, Guarded};
use crate::web::auth::Caller;
use crate::web::problem::Problem;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The most items in one answer.
const MOST: u32 = 200;
/// The most entries of the log that are looked through for one answer.
const LOOKED: u64 = 5_000;
/// Entries that are read at once.
const BATCH: u32 = 500;

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::web) struct Since {
    /// The `next` of the answer before; everything from the beginning when left out.
    after: Option<u64>,
    /// How many, 1 to 200; 100 when left out.
    limit: Option<u32>,
}

/// Something that a proposer may want to act on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FeedbackItem)]
pub(in crate::web) struct Item {
    /// When.
    time: String,
    /// The proposal.
    proposal: String,
    /// The sender's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whose token sent it.
    principal: String,
    /// `opened`, `merged`, `settled`, `dropped`, `rejected`, `leftToPeople`, `asked` or `reverting`.
    what: &'static str,
    /// A stable code: why it was dropped or left to people, the command, or the outcome.
    code: String,
    /// Why, in one sentence; none where there is nothing to say or it was redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Who said so; none when redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// The pull request's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pull: Option<u64>,
    /// A proposal to look at instead: the successor, the one that came first, or the one that was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    see: Option<String>,
}

/// What became of proposals, oldest first.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Feedback {
    /// The items; none means that nothing happened since.
    items: Vec<Item>,
    /// What to send as `after` next time.
    next: u64,
    /// Whether there is more to read at once.
    more: bool,
}

/// Tells what became of proposals: rejections with their reasons, successors, merges, outcomes.
///
/// A token with the role `read` reads of the whole tenant; one that only proposes reads of its own proposals.
#[utoipa::path(get, path = "/v1/feedback", tag = "proposals", security(("token" = [])), params(Since),
    responses((status = 200, body = Feedback), Guarded, BadQuery))]
pub(in crate::web) async fn feedback(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Json<Feedback>, Problem> {
    let whole = caller.demand(Role::Read).is_ok();
    if !whole {
        caller.demand(Role::Propose)?;
    }
    let Since { after, limit } = query(since)?;
    let (from, limit) = (after.unwrap_or_default(), limit.unwrap_or(100));
    if !(1..=MOST).contains(&limit) || i64::try_from(from).is_err() {
        return Err(Problem::bad("limit", format!("limit: write 1 to {MOST}; after: write the `next` of an answer")));
    }
    let own = (!whole).then_some(caller.principal.as_str());
    read(&shared, &caller.tenant, own, from, usize::try_from(limit).unwrap_or(usize::MAX)).await.map(Json)
}

async fn read(
    shared: &Shared,
    tenant: &TenantId,
    own: Option<&str>,
    from: u64,
    limit: usize,
) -> Result<Feedback, Problem> {
    // What was pruned is not looked for.
    let from = from.max(shared.store().head(tenant).await?.first);
    let (mut items, mut next, mut known) = (Vec::new(), from, BTreeMap::new());
    loop {
        let leaves = shared.store().leaves(tenant, next, BATCH).await?;
        if leaves.is_empty() {
            return Ok(Feedback { items, next, more: false });
        }
        for leaf in &leaves {
            if items.len() >= limit || leaf.seq.saturating_sub(from) >= LOOKED {
                return Ok(Feedback { items, next, more: true });
            }
            next = leaf.seq.saturating_add(1);
            let happened = leaf.happened()?;
            let Some(what) = what(&happened.kind) else { continue };
            if let Some(record) = record(shared, tenant, &happened.proposal, &mut known).await?
                && own.is_none_or(|own| record.principal == own)
            {
                items.push(Item::of(what, happened, record));
            }
        }
    }
}

/// The record of a proposal, read once for an answer.
async fn record<'a>(
    shared: &Shared,
    tenant: &TenantId,
    id: &str,
    known: &'a mut BTreeMap<String, Option<Record>>,
) -> Result<Option<&'a Record>, Problem> {
    if !known.contains_key(id) {
        let found = shared.store().record(tenant, id).await?.map(|(record, _)| record);
        known.insert(id.to_owned(), found);
    }
    Ok(known.get(id).and_then(Option::as_ref))
}

/// The word for an event that a proposer may want to act on.
fn what(kind: &str) -> Option<&'static str> {
    match kind {
        "pr.opened" => Some("opened"),
        "merge.result" | "merge.by_person" | "merge.mismatch" => Some("merged"),
        "outcome.recorded" | "outcome.withdrawn" => Some("settled"),
        "proposal.dropped" => Some("dropped"),
        "approval.rejected" => Some("rejected"),
        "pr.left_to_people" => Some("leftToPeople"),
        "command.taken" => Some("asked"),
        "revert.proposed" => Some("reverting"),
        _ => None,
    }
}

impl Item {
    fn of(what: &'static str, happened: Happened, record: &Record) -> Item {
        let said = |name: &str| {
            let value = happened.payload.as_ref().and_then(|payload| payload.get(name));
            value.and_then(Value::as_str).map(str::to_owned)
        };
        let code = match what {
            "settled" => said("outcome").unwrap_or_else(|| happened.reason_code.clone()),
            _ => happened.reason_code.clone(),
        };
        let related = &record.relations;
        let other = || related.duplicate_of.clone().or(related.superseded_by.clone()).or(related.refused_with.clone());
        Item {
            time: happened.at.to_string(),
            proposal: record.id.clone(),
            name: record.name.clone(),
            principal: record.principal.clone(),
            what,
            code,
            reason: said("reason").or_else(|| said("answer")),
            see: said("successor").or_else(|| other().filter(|_| what == "dropped")),
            by: happened.actor,
            pull: Some(happened.pr).filter(|number| *number > 0),
        }
    }
}
