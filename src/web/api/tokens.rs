//! Tokens of the API: made, listed and revoked by an admin of the tenant.
//!
//! Must not show a token but in the one answer that makes it, and must not make a reporter.

use crate::config::{NewToken, Role};
use crate::domain::audit::Event;
use crate::domain::canon::{self, Malformed};
use crate::domain::ids::Time;
use crate::store::KeptToken;
use crate::web::answers::{BadBody, Guarded, Missing};
use crate::web::auth::{Caller, roles_of, roles_text};
use crate::web::problem::Problem;
use crate::web::{Shared, edge};
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long a token counts when nobody says, seconds: 90 days.
const LIFE: i64 = 90 * 86_400;
/// The longest, seconds: 366 days.
const LONGEST: i64 = 366 * 86_400;

/// A token that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenWish)]
pub(in crate::web) struct Wish {
    /// Who will use it: `agent:kubernaut`, `person:dana`; 1 to 128 characters on one line.
    principal: String,
    /// What for: `propose`, `read`, `report`, `admin`.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// Until when, at most 366 days; 90 days when left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    expires: Option<String>,
}

/// A token, without the token itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub(in crate::web) struct View {
    /// Its id; none for one of the service's settings, which is taken out there.
    id: Option<String>,
    /// The name it was made for.
    principal: String,
    /// What it may be used for.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// `active`, `expired` or `revoked`.
    state: &'static str,
    /// When it was made.
    made: Option<String>,
    /// Who made it.
    made_by: Option<String>,
    /// Until when it counts; none for one of the settings.
    expires: Option<String>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = NewToken)]
pub(in crate::web) struct Made {
    /// The token; shown in this answer only.
    token: String,
    #[serde(flatten)]
    view: View,
}

/// The tokens of a tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(in crate::web) struct List {
    /// Those made over the API, newest first, and then those of the settings.
    tokens: Vec<View>,
}

/// Makes a token; the answer holds it, and nothing else ever does.
#[utoipa::path(post, path = "/v1/tokens", tag = "tokens", security(("token" = [])), request_body = Wish,
    responses((status = 201, body = Made), Guarded, BadBody))]
pub(in crate::web) async fn make(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    request: Request,
) -> Result<(StatusCode, Json<Made>), Problem> {
    caller.demand(Role::Admin)?;
    let bytes = edge::body(request).await?;
    let wish: Wish = canon::parse(&bytes).and_then(canon::typed).map_err(|error| Problem::malformed(&error))?;
    let now = shared.now();
    let (expires, roles) = (check(&wish, now)?, roles_text(&wish.roles));
    let made = NewToken::make().map_err(Problem::internal)?;
    let token = KeptToken {
        tenant: caller.tenant.clone(),
        id: Uuid::now_v7().to_string(),
        principal: wish.principal,
        roles,
        sha256: made.sha256,
        made: now,
        made_by: caller.principal.clone(),
        expires,
        revoked: None,
    };
    let payload = json!({
        "id": token.id, "principal": token.principal, "roles": token.roles, "expires": token.expires.to_string(),
    });
    let event = Event { actor: caller.principal, ..Event::note("token.created", payload) };
    shared.store().keep_token(&token, &event, now).await?;
    let view = View::of(&token, now);
    Ok((StatusCode::CREATED, Json(Made { token: made.secret.expose_secret().to_owned(), view })))
}

/// Until when the wished token counts; what is wrong with the wish.
fn check(wish: &Wish, now: Time) -> Result<Time, Problem> {
    let fault = |path: &str, reason: &str| Problem::malformed(&Malformed::at(path, reason));
    let principal = &wish.principal;
    let plain = !principal.contains(char::is_control) && principal.trim() == principal;
    if !plain || !(1..=128).contains(&principal.chars().count()) {
        return Err(fault("principal", "1 to 128 characters on one line"));
    }
    if wish.roles.is_empty() || wish.roles.len() > 4 {
        return Err(fault("roles", "1 to 4 of propose, read, report and admin"));
    }
    let expires = match &wish.expires {
        None => now.plus_seconds(LIFE),
        Some(text) => text.parse().map_err(|_| fault("expires", "write a time as 2027-01-31T00:00:00Z"))?,
    };
    if expires <= now || expires > now.plus_seconds(LONGEST) {
        return Err(fault("expires", "a time that is to come, at most 366 days from now"));
    }
    Ok(expires)
}

/// Lists the tenant's tokens, without the tokens themselves.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", security(("token" = [])),
    responses((status = 200, body = List), Guarded))]
pub(in crate::web) async fn list(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
) -> Result<Json<List>, Problem> {
    caller.demand(Role::Admin)?;
    let now = shared.now();
    let kept = shared.store().tokens(&caller.tenant).await?;
    let tenant = shared.site.settings.tenant(&caller.tenant);
    let set = tenant.into_iter().flat_map(|tenant| &tenant.tokens).map(View::set);
    Ok(Json(List { tokens: kept.iter().map(|token| View::of(token, now)).chain(set).collect() }))
}

/// Revokes a token at once, for every replica; revoking it again changes nothing.
#[utoipa::path(delete, path = "/v1/tokens/{id}", tag = "tokens", security(("token" = [])),
    params(("id" = String, Path, description = "The token's id, as the list shows it.")),
    responses((status = 200, body = View), Guarded, Missing))]
pub(in crate::web) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Caller(caller): Caller,
    Path(id): Path<String>,
) -> Result<Json<View>, Problem> {
    caller.demand(Role::Admin)?;
    let now = shared.now();
    if Uuid::parse_str(&id).is_err() {
        return Err(Problem::missing("token"));
    }
    let event = Event { actor: caller.principal.clone(), ..Event::note("token.revoked", json!({"id": id})) };
    shared.store().revoke_token(&caller.tenant, &id, &event, now).await?;
    let kept = shared.store().tokens(&caller.tenant).await?;
    let token = kept.iter().find(|token| token.id == id).ok_or_else(|| Problem::missing("token"))?;
    Ok(Json(View::of(token, now)))
}

impl View {
    fn of(token: &KeptToken, now: Time) -> View {
        let state = match (&token.revoked, token.counts(now)) {
            (Some(_), _) => "revoked",
            (None, true) => "active",
            (None, false) => "expired",
        };
        View {
            id: Some(token.id.clone()),
            principal: token.principal.clone(),
            roles: roles_of(&token.roles),
            state,
            made: Some(token.made.to_string()),
            made_by: Some(token.made_by.clone()),
            expires: Some(token.expires.to_string()),
            revoked: token.revoked.as_ref().map(|(at, _)| at.to_string()),
        }
    }

    /// A token of the service's settings.
    fn set(token: &crate::config::Token) -> View {
        View {
            id: None,
            principal: token.principal.clone(),
            roles: token.roles.clone(),
            state: "active",
            made: None,
            made_by: None,
            expires: None,
            revoked: None,
        }
    }
}
