//! Users, the project, its branches, commits, members and rules of approvals.

use super::shape;
use super::state::{PEOPLE, State};
use super::{Answer, ok, page, query, refuse, text};
use axum::extract::{Path, RawQuery, State as With};
use axum::http::HeaderMap;
use countersign::domain::facts::User;
use countersign::domain::ids::Oid;
use serde_json::{Value, json};
use std::sync::Arc;

pub async fn me(With(state): With<Arc<State>>, headers: HeaderMap) -> Answer {
    let who = state.caller(&headers)?.user;
    let mut profile = shape::profile(&state, &who);
    let email = format!("{}@noreply.gitlab.test", who.login);
    profile["email"] = email.clone().into();
    profile["commit_email"] = email.into();
    Ok(ok(200, profile))
}

pub async fn user(With(state): With<Arc<State>>, Path(id): Path<u64>, headers: HeaderMap) -> Answer {
    state.caller(&headers)?;
    let user = shape::known(id).ok_or_else(|| refuse(404, "404 User Not Found"))?;
    Ok(ok(200, shape::profile(&state, &user)))
}

pub async fn users(With(state): With<Arc<State>>, raw: RawQuery, headers: HeaderMap) -> Answer {
    state.caller(&headers)?;
    let query = query(&raw);
    let wanted = text(&query, "username");
    let fits = |login: &str| wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(login));
    let found = PEOPLE.iter().filter(|(_, login, _)| fits(login));
    let all = found.map(|(id, login, _)| shape::user(&state, &User { id: *id, login: (*login).into() })).collect();
    Ok(page(all, &query))
}

pub async fn show(With(state): With<Arc<State>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    state.enter(&headers, &id, false)?;
    Ok(ok(200, shape::project(&state, &state.settings())))
}

pub async fn member(
    With(state): With<Arc<State>>,
    Path((id, user)): Path<(String, u64)>,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let level = match PEOPLE.iter().find(|(number, ..)| *number == user) {
        Some((.., level)) => *level,
        None if user == super::bot().id => 40,
        None => return Err(refuse(404, "404 Not found")),
    };
    let mut member = shape::user(&state, &shape::known(user).unwrap());
    member["access_level"] = level.into();
    member["created_at"] = "2025-01-01T00:00:00.000Z".into();
    member["expires_at"] = Value::Null;
    member["membership_state"] = "active".into();
    Ok(ok(200, member))
}

/// What the local forge's rules are here; unreadable ones are forbidden.
pub async fn approval_rules(
    With(state): With<Arc<State>>,
    Path(id): Path<String>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let Some(rules) = state.rules("main") else { return Err(refuse(403, "403 Forbidden")) };
    let mut all = Vec::new();
    if rules.approvals > 0 {
        all.push(json!({
            "id": 1, "name": "All Members", "rule_type": "any_approver", "eligible_approvers": [], "users": [],
            "groups": [], "contains_hidden_groups": false, "approvals_required": rules.approvals,
            "applies_to_all_protected_branches": false, "protected_branches": [{"id": 1, "name": "main"}]
        }));
    }
    Ok(page(all, &query(&raw)))
}

pub async fn branch(
    With(state): With<Arc<State>>,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let tip = state.tip(&name).ok_or_else(|| refuse(404, "404 Branch Not Found"))?;
    let read = state.bare.commit(&tip).unwrap();
    let default = name == "main";
    Ok(ok(
        200,
        json!({
            "name": name, "commit": shape::commit(&state, &tip, &read), "merged": false, "protected": default,
            "developers_can_push": false, "developers_can_merge": false, "can_push": true, "default": default,
            "web_url": format!("{}/{}/-/tree/{name}", state.url(), state.settings().name)
        }),
    ))
}

pub async fn commit(
    With(state): With<Arc<State>>,
    Path((id, sha)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let oid = existing(&state, &sha)?;
    let read = state.bare.commit(&oid).map_err(|_| refuse(404, "404 Commit Not Found"))?;
    Ok(ok(200, shape::commit(&state, &oid, &read)))
}

/// A commit that is there.
pub fn existing(state: &State, sha: &str) -> Result<Oid, axum::response::Response> {
    let oid = sha.parse::<Oid>().ok().filter(|oid| state.bare.has(oid).unwrap_or(false));
    oid.ok_or_else(|| refuse(404, "404 Commit Not Found"))
}
