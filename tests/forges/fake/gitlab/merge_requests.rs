//! Merge requests: list, open, read, change; their heads, approvals and reviewers.

use super::project::existing;
use super::shape::{self, latest, moment};
use super::state::{PEOPLE, State, trouble};
use super::{Answer, body, flag, invalid, ok, page, query, quick, refuse, text};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as With};
use axum::http::HeaderMap;
use axum::response::Response;
use countersign::domain::facts::{Opinion, PullState};
use countersign::domain::ids::{Oid, Time};
use countersign::forge::NewPull;
use countersign::forge::local::{Edit, PullRecord};
use serde_json::{Map, Value, json};
use std::sync::Arc;

async fn object(state: &State, iid: u64) -> Result<Value, Response> {
    Ok(shape::merge_request(state, &state.view(iid).await?, &state.record(iid)?))
}

/// The numbers of all of them, newest first.
async fn numbers(state: &State) -> Vec<u64> {
    let all = state.person(&super::bot()).list().await.unwrap();
    let mut numbers: Vec<u64> = all.iter().map(|pull| pull.number).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers
}

pub async fn list(With(state): With<Arc<State>>, Path(id): Path<String>, raw: RawQuery, headers: HeaderMap) -> Answer {
    state.enter(&headers, &id, false)?;
    let query = query(&raw);
    let mut all = Vec::new();
    for iid in numbers(&state).await {
        let request = object(&state, iid).await?;
        let fits = |name: &str| text(&query, name).is_none_or(|wanted| wanted == "all" || request[name] == wanted);
        if ["source_branch", "target_branch", "state"].into_iter().all(fits) {
            all.push(request);
        }
    }
    if text(&query, "sort").as_deref() == Some("asc") {
        all.reverse();
    }
    Ok(page(all, &query))
}

pub async fn of_commit(
    With(state): With<Arc<State>>,
    Path((id, sha)): Path<(String, String)>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let oid = existing(&state, &sha)?;
    let mut all = Vec::new();
    for iid in numbers(&state).await {
        let request = object(&state, iid).await?;
        if request["sha"] == oid.as_str() {
            all.push(request);
        }
    }
    Ok(page(all, &query(&raw)))
}

pub async fn show(With(state): With<Arc<State>>, Path((id, iid)): Path<(String, u64)>, headers: HeaderMap) -> Answer {
    state.enter(&headers, &id, false)?;
    Ok(ok(200, object(&state, iid).await?))
}

pub async fn create(With(state): With<Arc<State>>, Path(id): Path<String>, headers: HeaderMap, sent: Bytes) -> Answer {
    let who = state.enter(&headers, &id, true)?.user;
    let fields = body(&headers, &sent)?;
    let needed = ["source_branch", "target_branch", "title"];
    let missing: Vec<String> =
        needed.iter().filter(|name| text(&fields, name).is_none()).map(|name| format!("{name} is missing")).collect();
    if !missing.is_empty() {
        return Err(invalid(&missing.join(", ")));
    }
    let field = |name: &str| text(&fields, name).unwrap_or_default();
    let (source, target) = (field("source_branch"), field("target_branch"));
    refusals(&state, &source, &target, &fields).await?;
    let (description, commands) = quick::extract(&field("description"));
    state.obey(who.id, commands);
    let title = field("title");
    let new = NewPull {
        head_ref: source,
        base_ref: target,
        title: title.trim_start_matches("Draft: ").to_owned(),
        body: description,
        labels: labels(&fields, "labels").unwrap_or_default(),
        reviewers: reviewer_names(&fields),
    };
    let person = state.person(&who);
    let iid = person.open(new).await.map_err(trouble)?;
    if title.starts_with("Draft: ") {
        person.edit(iid, Edit { draft: Some(true), ..Edit::default() }).await.map_err(trouble)?;
    }
    Ok(ok(201, object(&state, iid).await?))
}

/// What GitLab finds wrong with a new merge request.
async fn refusals(state: &State, source: &str, target: &str, fields: &Map<String, Value>) -> Result<(), Response> {
    if text(fields, "title").is_some_and(|title| title.chars().count() > 255) {
        return Err(refuse(400, json!({"title": ["is too long (maximum is 255 characters)"]})));
    }
    if source == target {
        return Err(refuse(422, json!(["You can't use same project/branch for source and target"])));
    }
    for (name, branch) in [("source_branch", source), ("target_branch", target)] {
        if state.tip(branch).is_none() {
            return Err(refuse(400, json!([format!("{name} \"{branch}\" does not exist")])));
        }
    }
    for pull in state.person(&super::bot()).list().await.map_err(trouble)? {
        if pull.state == PullState::Open && pull.head_ref == source && pull.base_ref == target {
            let said = format!("Another open merge request already exists for this source branch: !{}", pull.number);
            return Err(refuse(409, json!([said])));
        }
    }
    Ok(())
}

pub async fn update(
    With(state): With<Arc<State>>,
    Path((id, iid)): Path<(String, u64)>,
    headers: HeaderMap,
    sent: Bytes,
) -> Answer {
    let who = state.enter(&headers, &id, true)?.user;
    let fields = body(&headers, &sent)?;
    if fields.is_empty() {
        return Err(invalid(
            "title, description, state_event, labels and others are missing, at least one must be provided",
        ));
    }
    let record = state.record(iid)?;
    let person = state.person(&who);
    let description = text(&fields, "description").map(|description| {
        let (kept, commands) = quick::extract(&description);
        state.obey(who.id, commands);
        kept
    });
    let title = text(&fields, "title");
    let draft = title.as_ref().map(|title| title.starts_with("Draft: ")).filter(|draft| *draft != record.draft);
    let edit = Edit {
        title: title.map(|title| title.trim_start_matches("Draft: ").to_owned()),
        body: description,
        base: text(&fields, "target_branch"),
        draft,
        locked: fields.contains_key("discussion_locked").then(|| flag(&fields, "discussion_locked")),
    };
    if edit != Edit::default() {
        person.edit(iid, edit).await.map_err(trouble)?;
    }
    let add = labels(&fields, "add_labels").or_else(|| labels(&fields, "labels")).unwrap_or_default();
    let old = if fields.contains_key("labels") { record.labels.clone() } else { Vec::new() };
    let remove = labels(&fields, "remove_labels").unwrap_or(old);
    if !add.is_empty() || !remove.is_empty() {
        person.label(iid, add, remove).await.map_err(trouble)?;
    }
    match text(&fields, "state_event").as_deref() {
        Some("close") => person.close(iid).await.map_err(trouble)?,
        Some("reopen") => person.reopen(iid).await.map_err(trouble)?,
        Some(_) => return Err(invalid("state_event does not have a valid value")),
        None => {}
    }
    Ok(ok(200, object(&state, iid).await?))
}

/// Labels, comma-separated or as a list.
fn labels(fields: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let split = |text: &str| text.split(',').map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
    match fields.get(name)? {
        Value::Array(all) => Some(all.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        Value::String(text) => Some(split(text)),
        _ => None,
    }
}

/// The logins of the reviewers by number; numbers that nobody has are left out without a word.
fn reviewer_names(fields: &Map<String, Value>) -> Vec<String> {
    let list = fields.get("reviewer_ids").and_then(Value::as_array).cloned().unwrap_or_default();
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let named = |id: u64| PEOPLE.iter().find(|(number, ..)| *number == id).map(|(_, login, _)| (*login).to_owned());
    list.iter().filter_map(number).filter_map(named).collect()
}

/// When the review at this place of the list was given: each a little after the one before.
fn given(at: Time, place: usize) -> Time {
    Time(at.0 + i64::try_from(2 * place + 1).unwrap() * 1_000)
}

pub async fn versions(
    With(state): With<Arc<State>>,
    Path((id, iid)): Path<(String, u64)>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let (record, pull) = (state.record(iid)?, state.view(iid).await?);
    let mut heads: Vec<(Oid, Time)> = Vec::new();
    let mut add = |head: &Oid, at: Time| {
        if heads.iter().all(|(old, _)| old != head) {
            let at = if heads.is_empty() { record.opened } else { at };
            heads.push((head.clone(), at));
        }
    };
    for (place, review) in record.reviews.iter().enumerate() {
        add(&review.head, Time(given(review.at, place).0 - 1_000));
    }
    let written = state.bare.commit(&pull.head).unwrap().time;
    let last = record.reviews.last().map(|review| Time(given(review.at, record.reviews.len()).0 - 1_000));
    add(&pull.head, last.map_or(written, |last| last.max(written)));
    let version = |(place, (head, at)): (usize, &(Oid, Time))| {
        json!({
            "id": 100 + place, "head_commit_sha": head, "base_commit_sha": null, "start_commit_sha": null,
            "created_at": moment(*at), "merge_request_id": 4_000 + iid, "state": "collected", "real_size": "1"
        })
    };
    let mut all: Vec<Value> = heads.iter().enumerate().map(version).collect();
    all.reverse();
    Ok(page(all, &query(&raw)))
}

pub async fn approvals(
    With(state): With<Arc<State>>,
    Path((id, iid)): Path<(String, u64)>,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let record = state.record(iid)?;
    let approving = approving(&record);
    let by: Vec<Value> = approving
        .iter()
        .map(|place| {
            let review = &record.reviews[*place];
            json!({"user": shape::user(&state, &review.by), "approved_at": moment(given(review.at, *place))})
        })
        .collect();
    Ok(ok(
        200,
        json!({"user_has_approved": false, "user_can_approve": false, "approved": !by.is_empty(), "approved_by": by}),
    ))
}

/// The places of the approvals that stand.
fn approving(record: &PullRecord) -> Vec<usize> {
    let latest = latest(record);
    let stands = latest.iter().filter(|(_, opinion)| **opinion == Opinion::Approve);
    stands
        .filter_map(|(id, _)| record.reviews.iter().rposition(|it| it.by.id == *id && it.opinion == Opinion::Approve))
        .collect()
}

pub async fn reviewers(
    With(state): With<Arc<State>>,
    Path((id, iid)): Path<(String, u64)>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let record = state.record(iid)?;
    let opened = moment(record.opened);
    let mut all = Vec::new();
    let latest = latest(&record);
    for (id, opinion) in &latest {
        let by = &record.reviews.iter().find(|review| review.by.id == *id).unwrap().by;
        let word = match opinion {
            Opinion::Approve => "approved",
            Opinion::RequestChanges => "requested_changes",
            Opinion::Dismissed => "unapproved",
            Opinion::Comment => "reviewed",
        };
        all.push(json!({"user": shape::user(&state, by), "state": word, "created_at": opened}));
    }
    for (id, login, _) in
        PEOPLE.iter().filter(|(id, login, _)| record.reviewers.iter().any(|it| it == login) && !latest.contains_key(id))
    {
        let user = countersign::domain::facts::User { id: *id, login: (*login).into() };
        all.push(json!({"user": shape::user(&state, &user), "state": "unreviewed", "created_at": opened}));
    }
    Ok(page(all, &query(&raw)))
}
