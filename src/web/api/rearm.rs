//! A person's wish to give a class its autonomy back.
//!
//! Must not unlock anything: a class that is re-armed still has to pass its gates.

use super::trust::one;
use crate::config::Role;
use crate::domain::audit::Event;
use crate::domain::canon;
use crate::domain::trust::Rearm;
use crate::web::answers::{BadBody, Clash, Guarded, Missing};
use crate::web::auth::Caller;
use crate::web::problem::Problem;
use crate::web::{Shared, edge};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;

/// Why a class may be trusted again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RearmWish)]
pub(in crate::web) struct Wish {
    /// One sentence, 1 to 1000 characters; it stands in the audit log.
    reason: String,
}

/// What the wish came to.
#[derive(Serialize, ToSchema)]
#[schema(as = Rearmed)]
pub(in crate::web) struct Rearmed {
    /// The class's key.
    class: String,
    /// `lifted`, or `asked`: after a severe failure another person has to ask as well.
    state: &'static str,
}

/// Lifts a demotion, 24 hours after it at the earliest; after a severe failure two persons have to ask.
#[utoipa::path(post, path = "/v1/trust/{class}/rearm", tag = "trust", security(("token" = [])),
    params(("class" = String, Path, description = "The class's key, or its first 12 digits or more.")),
    request_body = Wish,
    responses((status = 200, body = Rearmed), Guarded, Missing, Clash, BadBody))]
pub(in crate::web) async fn rearm(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    Path(key): Path<String>,
    request: Request,
) -> Result<Json<Rearmed>, Problem> {
    caller.demand(Role::Admin)?;
    let bytes = edge::body(request).await?;
    let wish: Wish = canon::parse(&bytes).and_then(canon::typed).map_err(|error| Problem::malformed(&error))?;
    if !(1..=1000).contains(&wish.reason.trim().chars().count()) {
        return Err(Problem::malformed(&canon::Malformed::at("reason", "1 to 1000 characters: say why")));
    }
    let (class, track) = one(&shared, &caller.tenant, &key).await?;
    let refused =
        |detail: String| Problem::new(StatusCode::CONFLICT, "not_rearmed", "The class cannot be re-armed now", detail);
    if track.demotion.is_none() {
        return Err(refused("the class is not demoted: there is nothing to lift".into()));
    }
    let key = class.key.parse().map_err(Problem::internal)?;
    let event = Event {
        actor: caller.principal.clone(),
        ..Event::note(
            "trust.rearmed",
            json!({"reason": wish.reason.trim(), "severe": track.demotion.is_some_and(|d| d.severe)}),
        )
    };
    match shared.store().rearm(&caller.tenant, key, event, shared.now()).await? {
        Ok(done) => {
            let state = match done {
                Rearm::First => "asked",
                Rearm::Lifted => "lifted",
            };
            Ok(Json(Rearmed { class: class.key, state }))
        }
        Err(reason) => Err(refused(reason)),
    }
}
