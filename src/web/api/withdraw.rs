//! A sender's wish to take a proposal back.
//!
//! Must not close anything: the worker does, at its next look.

use crate::config::Role;
use crate::domain::audit::{Decision, Event};
use crate::domain::canon::{self, Malformed};
use crate::domain::lifecycle::{Owner, Reason, Record, Stage, Transition};
use crate::store::Stored;
use crate::web::answers::{BadBody, Clash, Guarded, Missing};
use crate::web::auth::{Caller, Identity};
use crate::web::problem::Problem;
use crate::web::view::Item;
use crate::web::{Shared, edge};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;

/// Why a proposal is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Withdrawal)]
pub(in crate::web) struct Wish {
    /// One sentence, 1 to 1000 characters.
    reason: String,
}

/// Takes a proposal back, by its sender or an admin, as long as it is not merged; an open pull request is closed.
#[utoipa::path(post, path = "/v1/proposals/{id}/withdrawal", tag = "proposals", security(("token" = [])),
    params(("id" = String, Path, description = "The service's id, or the sender's own name.")),
    request_body = Wish,
    responses((status = 202, description = "Taken down; it ends at the next look.", body = Item), Guarded, Missing, Clash, BadBody))]
pub(in crate::web) async fn withdraw(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<Item>), Problem> {
    caller.demand(Role::Propose)?;
    let bytes = edge::body(request).await?;
    let wish: Wish = canon::parse(&bytes).and_then(canon::typed).map_err(|error| Problem::malformed(&error))?;
    let reason = wish.reason.trim();
    if !(1..=1000).contains(&reason.chars().count()) {
        return Err(Problem::malformed(&Malformed::at("reason", "1 to 1000 characters: say why")));
    }
    // What can be no id is not looked for.
    super::proposals::get(&shared, &caller.tenant, &id).await?;
    let stored = shared.store().stored(&caller.tenant, &id).await?;
    let Stored { record, version, .. } = stored.ok_or_else(|| Problem::missing("proposal"))?;
    may(&caller, &record)?;
    if record.commands.ending.is_none() {
        let reason = shared.store().cleaned(&caller.tenant, reason.to_owned(), record.environment.as_deref());
        let transition = taken_back(&caller, &record, &reason, shared.now());
        shared.store().commit_seen(&transition, version, shared.now()).await?;
        shared.store().wake(&caller.tenant, crate::store::WakeBy::Id(&record.id), shared.now()).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(Item::of(&record))))
}

fn may(caller: &Identity, record: &Record) -> Result<(), Problem> {
    if caller.principal != record.principal && caller.demand(Role::Admin).is_err() {
        return Err(Problem::forbidden("another principal sent it: its sender or an admin may take it back"));
    }
    let clash =
        |detail: &str| Problem::new(StatusCode::CONFLICT, "not_withdrawn", "The proposal cannot be taken back", detail);
    match (record.stage, record.owner) {
        (Stage::Merged | Stage::Settled, _) => Err(clash("it is merged: propose a revert")),
        (Stage::Dropped, _) => Err(clash("it is over already")),
        (Stage::Received | Stage::Pushed | Stage::Open, Owner::Person) => {
            Err(clash("its pull request was left to people: close it there"))
        }
        (Stage::Received | Stage::Pushed | Stage::Open, Owner::Bot) => Ok(()),
    }
}

fn taken_back(caller: &Identity, record: &Record, reason: &str, now: crate::domain::ids::Time) -> Transition {
    let sentence = format!("{} took it back: {reason}", caller.principal);
    let mut next = record.clone();
    next.commands.ending = Some(Reason::new("withdrawn", sentence));
    let event = Event {
        actor: caller.principal.clone(),
        proposal: Some(record.id.clone()),
        pr: record.pull,
        decision: Decision::Refuse,
        reason_code: "withdrawn".into(),
        ..Event::note("proposal.withdrawn", json!({"reason": reason}))
    };
    Transition {
        from: record.stage,
        record: next,
        events: vec![event],
        outcome: None,
        demote: false,
        halt: None,
        due: Some(now),
        artifacts: Vec::new(),
    }
}
