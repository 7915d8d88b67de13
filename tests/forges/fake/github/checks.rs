//! Check runs and statuses of a commit.

use super::APP;
use super::hub::{At, Hub, Said, created, custom, not_found, ok, refusal};
use super::objects::date;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use countersign::domain::facts::Conclusion;
use countersign::domain::ids::Oid;
use countersign::forge::Report;
use countersign::forge::local::CheckRecord;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn run_object(hub: &Hub, commit: &str, check: &CheckRecord) -> Value {
    let id = hub.run(commit, &check.name, check.app);
    let conclusion = match check.conclusion {
        Conclusion::Pending => Value::Null,
        Conclusion::Success => "success".into(),
        Conclusion::Failure => "failure".into(),
        Conclusion::Neutral => "neutral".into(),
        Conclusion::Skipped => "skipped".into(),
        Conclusion::Cancelled => "cancelled".into(),
        Conclusion::ActionRequired => "action_required".into(),
    };
    let key = (commit.to_owned(), check.name.clone());
    let output = hub.extra().outputs.get(&key).filter(|_| check.app == APP).cloned();
    let (title, summary) = output.map_or((Value::Null, Value::Null), |(a, b)| (a.into(), b.into()));
    let status = if conclusion.is_null() { "in_progress" } else { "completed" };
    let done = if conclusion.is_null() { Value::Null } else { date(check.at).into() };
    json!({
        "id": id, "node_id": format!("CR_{id}"), "name": check.name, "head_sha": commit, "external_id": "",
        "url": hub.api(&format!("/check-runs/{id}")), "html_url": hub.html(&format!("/runs/{id}")),
        "details_url": "https://example.com", "status": status, "conclusion": conclusion,
        "started_at": date(check.at), "completed_at": done, "check_suite": {"id": check.app}, "pull_requests": [],
        "app": hub.app_object(check.app),
        "output": {
            "title": title, "summary": summary, "text": null, "annotations_count": 0,
            "annotations_url": hub.api(&format!("/check-runs/{id}/annotations"))
        }
    })
}

pub async fn list(
    State(hub): At,
    Path(sha): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Said {
    hub.may(&headers, "checks", "read")?;
    // What has no App is a status.
    let mut checks = hub.checks(&sha);
    checks.retain(|check| check.app != 0);
    checks.retain(|check| query.get("check_name").is_none_or(|name| *name == check.name));
    checks.retain(|check| query.get("app_id").is_none_or(|app| *app == check.app.to_string()));
    let runs: Vec<Value> = checks.iter().map(|check| run_object(&hub, &sha, check)).collect();
    let runs = page(runs, &query);
    ok(json!({"total_count": checks.len(), "check_runs": runs}))
}

/// One page of a list.
pub fn page(all: Vec<Value>, query: &BTreeMap<String, String>) -> Vec<Value> {
    let number = |name: &str, other: usize| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(other);
    let size = number("per_page", 30).clamp(1, 100);
    all.into_iter().skip((number("page", 1).max(1) - 1) * size).take(size).collect()
}

fn status_object(hub: &Hub, commit: &str, place: usize, check: &CheckRecord) -> Value {
    json!({
        "url": hub.api(&format!("/statuses/{commit}")), "avatar_url": format!("{}/avatars/0", hub.url),
        "id": 70_000 + place, "node_id": format!("SC_{place}"), "state": state(check.conclusion), "description": check.title,
        "target_url": null, "context": check.name, "created_at": date(check.at), "updated_at": date(check.at)
    })
}

/// A status knows four words.
fn state(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Success => "success",
        Conclusion::Pending => "pending",
        Conclusion::Failure => "failure",
        Conclusion::Neutral | Conclusion::Skipped | Conclusion::Cancelled | Conclusion::ActionRequired => "error",
    }
}

/// One word for all: without any it is pending.
fn combined(all: &[CheckRecord]) -> &'static str {
    let has = |word: &str| all.iter().any(|check| state(check.conclusion) == word);
    match (has("failure") || has("error"), has("pending") || all.is_empty()) {
        (true, _) => "failure",
        (false, true) => "pending",
        (false, false) => "success",
    }
}

pub async fn statuses(
    State(hub): At,
    Path(sha): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Said {
    hub.may(&headers, "statuses", "read")?;
    let mut all = hub.checks(&sha);
    all.retain(|check| check.app == 0);
    let shown = all.iter().enumerate().map(|(place, check)| status_object(&hub, &sha, place, check)).collect();
    let at = hub.api(&format!("/commits/{sha}"));
    ok(json!({
        "state": combined(&all), "statuses": page(shown, &query), "sha": sha, "total_count": all.len(), "repository": hub.repository(),
        "commit_url": at, "url": format!("{at}/status")
    }))
}

fn conclusion(body: &Value) -> Option<Conclusion> {
    match (body["status"].as_str(), body["conclusion"].as_str()) {
        (Some("queued" | "in_progress"), None) => Some(Conclusion::Pending),
        (_, Some("success")) => Some(Conclusion::Success),
        (_, Some("failure")) => Some(Conclusion::Failure),
        (_, Some("neutral")) => Some(Conclusion::Neutral),
        (_, Some("skipped")) => Some(Conclusion::Skipped),
        (_, Some("cancelled" | "timed_out")) => Some(Conclusion::Cancelled),
        (_, Some("action_required")) => Some(Conclusion::ActionRequired),
        _ => None,
    }
}

async fn write(hub: &Hub, commit: &str, name: &str, body: &Value) -> Result<Value, axum::response::Response> {
    let said = conclusion(body).ok_or_else(|| custom("CheckRun", "a completed run needs a conclusion"))?;
    let text = |field: &str| body["output"][field].as_str().unwrap_or_default().to_owned();
    let output = (text("title"), text("summary"));
    if output.1.chars().count() > 65_535 {
        return Err(custom("CheckRun", "summary is too long (maximum is 65535 characters)"));
    }
    let head: Oid = commit.parse().map_err(|_| refusal(422, "No commit found for SHA"))?;
    let report = Report { name: name.into(), conclusion: said, title: output.0.clone(), summary: output.1.clone() };
    // The record is made by the App, whose number is not its user's.
    if !hub.bare().has(&head).unwrap() {
        return Err(refusal(422, &format!("No commit found for SHA: {commit}")));
    }
    hub.set_check(&head, &report.name, report.conclusion).await;
    hub.extra().outputs.insert((commit.to_owned(), name.to_owned()), output);
    let checks = hub.checks(commit);
    let check = checks.iter().find(|check| check.name == name && check.app == APP).unwrap();
    Ok(run_object(hub, commit, check))
}

pub async fn make(State(hub): At, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "checks", "write")?;
    let (Some(name), Some(commit)) = (body["name"].as_str(), body["head_sha"].as_str()) else {
        return Err(refusal(422, "name and head_sha are needed"));
    };
    hub.extra().runs.push((commit.to_owned(), name.to_owned(), APP));
    created(write(&hub, commit, name, &body).await?)
}

pub async fn change(State(hub): At, Path(run): Path<u64>, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "checks", "write")?;
    let known = run.checked_sub(1).and_then(|at| hub.extra().runs.get(usize::try_from(at).unwrap()).cloned());
    let (commit, name, app) = known.ok_or_else(not_found)?;
    if app != APP {
        return Err(refusal(
            403,
            &format!("Invalid app_id `{APP}` - check run can only be modified by the GitHub App that created it."),
        ));
    }
    ok(write(&hub, &commit, &name, &body).await?)
}
