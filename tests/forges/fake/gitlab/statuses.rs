//! Statuses of commits, pipelines and jobs: checks of the local forge. Those of app 0 are GitLab's own jobs, those of
//! another number are statuses that the user of that number posted.

use super::project::existing;
use super::shape::{self, moment, word};
use super::state::{State, trouble};
use super::{Answer, body, invalid, ok, page, query, refuse, text};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as With};
use axum::http::HeaderMap;
use countersign::domain::facts::{Conclusion, User};
use countersign::domain::ids::Oid;
use countersign::forge::local::CheckRecord;
use countersign::forge::{Forge as _, Report};
use serde_json::{Value, json};
use std::sync::Arc;

/// A job's number is its place in the list; that of a status begins at 500.
fn number(place: usize, check: &CheckRecord) -> usize {
    if check.app == 0 { 900 + place } else { 500 + place }
}

fn poster(id: u64) -> User {
    shape::known(id).unwrap_or(User { id, login: format!("user{id}") })
}

fn status(state: &State, head: &Oid, place: usize, check: &CheckRecord) -> Value {
    let id = number(place, check);
    // A job is by whoever's push made the pipeline run: countersign's user.
    let by = if check.app == 0 { super::bot() } else { poster(check.app) };
    let job = format!("{}/{}/-/jobs/{id}", state.url(), state.settings().name);
    json!({
        "id": id, "sha": head, "ref": "main", "status": word(check.conclusion), "name": check.name,
        "target_url": if check.app == 0 { job.into() } else { Value::Null }, "description": check.title,
        "created_at": moment(check.at), "started_at": null, "finished_at": moment(check.at), "allow_failure": false,
        "coverage": null, "pipeline_id": 70,
        "author": shape::user(state, &by)
    })
}

pub async fn list(
    With(state): With<Arc<State>>,
    Path((id, sha)): Path<(String, String)>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let head = existing(&state, &sha)?;
    let checks = state.checks(&head);
    let all = checks.iter().enumerate().map(|(place, check)| status(&state, &head, place, check)).collect();
    Ok(page(all, &query(&raw)))
}

pub async fn set(
    With(state): With<Arc<State>>,
    Path((id, sha)): Path<(String, String)>,
    headers: HeaderMap,
    sent: Bytes,
) -> Answer {
    let who = state.enter(&headers, &id, true)?.user;
    let fields = body(&headers, &sent)?;
    let head = existing(&state, &sha)?;
    let wanted = text(&fields, "state").ok_or_else(|| invalid("state is missing"))?;
    let conclusion = match wanted.as_str() {
        "pending" | "running" => Conclusion::Pending,
        "success" => Conclusion::Success,
        "failed" => Conclusion::Failure,
        "canceled" => Conclusion::Cancelled,
        "skipped" if state.settings().takes_skipped => Conclusion::Skipped,
        _ => return Err(invalid("state does not have a valid value")),
    };
    let title = text(&fields, "description").unwrap_or_default();
    if title.chars().count() > 255 {
        return Err(refuse(400, json!({"description": ["is too long (maximum is 255 characters)"]})));
    }
    let name = text(&fields, "name").or_else(|| text(&fields, "context")).unwrap_or_else(|| "default".to_owned());
    let mine = |check: &&CheckRecord| check.name == name && check.app == who.id;
    if conclusion == Conclusion::Pending
        && state.checks(&head).iter().find(mine).is_some_and(|old| old.conclusion == conclusion)
    {
        let said =
            "Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")";
        return Err(refuse(400, said));
    }
    if who.id == super::bot().id {
        let report = Report { name: name.clone(), conclusion, title, summary: String::new() };
        state.bot.report(&head, &report).await.map_err(trouble)?;
    } else {
        state.person(&who).check_commit(&head, &name, conclusion, who.id).await.map_err(trouble)?;
    }
    let checks = state.checks(&head);
    let place = checks.iter().position(|check| check.name == name && check.app == who.id).unwrap();
    Ok(ok(201, status(&state, &head, place, &checks[place])))
}

/// The one word for all jobs and statuses of a commit; none if there are none.
pub fn pipeline_word(checks: &[CheckRecord]) -> Option<&'static str> {
    let words: Vec<&str> = checks.iter().map(|check| word(check.conclusion)).collect();
    let worst = ["failed", "canceled", "running", "manual", "success", "skipped"];
    worst.into_iter().find(|word| words.contains(word))
}

pub async fn pipelines(
    With(state): With<Arc<State>>,
    Path((id, iid)): Path<(String, u64)>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let pull = state.view(iid).await?;
    let checks = state.checks(&pull.head);
    let jobs: Vec<CheckRecord> = checks.iter().filter(|check| check.app == 0).cloned().collect();
    let source = if jobs.is_empty() { "external" } else { "push" };
    let shown = pipeline_word(&checks).map(|status| {
        json!({
            "id": 70, "iid": 1, "project_id": state.place.id, "sha": pull.head, "ref": pull.head_ref, "status": status,
            "source": source, "created_at": moment(state.now()), "updated_at": moment(state.now()),
            "web_url": format!("{}/{}/-/pipelines/70", state.url(), state.settings().name)
        })
    });
    Ok(page(shown.into_iter().collect(), &query(&raw)))
}

/// The pipelines of a commit: one, number 71, where it has jobs or statuses.
pub async fn of_commit(
    With(state): With<Arc<State>>,
    Path(id): Path<String>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let query = query(&raw);
    let head = existing(&state, &text(&query, "sha").ok_or_else(|| invalid("sha is missing"))?)?;
    let checks = state.checks(&head);
    let source = if checks.iter().any(|check| check.app == 0) { "push" } else { "external" };
    let shown = pipeline_word(&checks).map(|status| {
        json!({
            "id": 71, "iid": 2, "project_id": state.place.id, "sha": head, "ref": "main", "status": status,
            "source": source, "created_at": moment(state.now()), "updated_at": moment(state.now()),
            "web_url": format!("{}/{}/-/pipelines/71", state.url(), state.settings().name)
        })
    });
    Ok(page(shown.into_iter().collect(), &query))
}

/// Deployments of the project, as they are asked for: the newest first.
pub async fn deployments(
    With(state): With<Arc<State>>,
    Path(id): Path<String>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let query = query(&raw);
    let all = state.deployments.lock().unwrap().clone();
    let mut shown: Vec<Value> = all
        .iter()
        .enumerate()
        .map(|(place, (commit, environment, status))| {
            json!({
                "id": 300 + place, "iid": place + 1, "ref": "main", "sha": commit, "status": status,
                "created_at": moment(state.now()), "updated_at": moment(state.now()),
                "environment": {"id": 9, "name": environment, "external_url": null}, "deployable": null,
                "user": shape::user(&state, &poster(7))
            })
        })
        .collect();
    if text(&query, "order_by").as_deref() == Some("id") && text(&query, "sort").as_deref() == Some("desc") {
        shown.reverse();
    }
    Ok(page(shown, &query))
}

/// The jobs of the newest merge request's pipeline: there is one pipeline, number 70.
pub async fn jobs(
    With(state): With<Arc<State>>,
    Path((id, pipeline)): Path<(String, u64)>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    if pipeline != 70 {
        return Err(refuse(404, "404 Not found"));
    }
    let mut all = Vec::new();
    for pull in state.person(&super::bot()).list().await.map_err(trouble)?.into_iter().take(1) {
        for (place, check) in state.checks(&pull.head).iter().enumerate().filter(|(_, check)| check.app == 0) {
            all.push(json!({
                "id": number(place, check), "name": check.name, "status": word(check.conclusion), "stage": "test",
                "ref": pull.head_ref, "tag": false, "allow_failure": false, "created_at": moment(check.at),
                "pipeline": {"id": 70, "project_id": state.place.id, "sha": pull.head, "ref": pull.head_ref},
                "web_url": format!("{}/{}/-/jobs/{}", state.url(), state.settings().name, number(place, check))
            }));
        }
    }
    Ok(page(all, &query(&raw)))
}
