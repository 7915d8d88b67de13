//! Users, their permissions, the App itself and its deliveries.

use super::hub::{At, Said, not_found, ok};
use super::{APP, bot};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use countersign::domain::facts::User;
use serde_json::{Value, json};

pub async fn app(State(hub): At, headers: HeaderMap) -> Said {
    hub.app(&headers)?;
    ok(hub.app_object(APP))
}

pub async fn user(State(hub): At, Path(login): Path<String>, headers: HeaderMap) -> Said {
    hub.may(&headers, "metadata", "read")?;
    if login == bot().login {
        return ok(hub.user(&bot()));
    }
    let found = hub.mood().people.iter().find(|(name, ..)| *name == login).map(|(_, id, _)| *id);
    let id = found.ok_or_else(not_found)?;
    ok(hub.user(&User { id, login }))
}

pub async fn permission(State(hub): At, Path(login): Path<String>, headers: HeaderMap) -> Said {
    hub.may(&headers, "metadata", "read")?;
    // Logins do not differ by case at GitHub; the answer carries the true one.
    let same = |name: &str| name.eq_ignore_ascii_case(&login);
    let found = hub.mood().people.iter().find(|(name, ..)| same(name)).cloned();
    let (name, id, level) = found.ok_or_else(not_found)?;
    let mut user = hub.user(&User { id, login: name });
    user["role_name"] = level.into();
    user["permissions"] =
        json!({"pull": level != "none", "push": level == "write", "admin": false, "triage": false, "maintain": false});
    ok(json!({"permission": level, "role_name": level, "user": user}))
}

pub async fn deliveries(State(hub): At, headers: HeaderMap) -> Said {
    hub.app(&headers)?;
    let now = hub.seconds();
    let all: Vec<Value> = hub
        .mood()
        .deliveries
        .iter()
        .map(|(id, guid, status, ago)| {
            json!({
                "id": id, "guid": guid, "delivered_at": jiff::Timestamp::from_second(now - ago).unwrap().to_string(),
                "redelivery": false, "duration": 0.1, "status": if *status == 200 { "OK" } else { "Invalid HTTP Response" },
                "status_code": status, "event": "pull_request", "action": "edited", "installation_id": 987,
                "repository_id": hub.place.id, "throttled_at": null
            })
        })
        .collect();
    ok(all.into())
}

pub async fn redeliver(State(hub): At, Path(delivery): Path<u64>, headers: HeaderMap) -> Said {
    hub.app(&headers)?;
    if !hub.mood().deliveries.iter().any(|(id, ..)| *id == delivery) {
        return Err(not_found());
    }
    hub.extra().redelivered.push(delivery);
    Ok((StatusCode::ACCEPTED, axum::Json(json!({}))).into_response())
}
