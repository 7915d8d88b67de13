//! Notes: what people and bots wrote, and what GitLab tells that they did.

use super::shape::{self, moment};
use super::state::{Edited, State, trouble};
use super::{Answer, body, invalid, ok, page, query, quick, refuse, text};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as With};
use axum::http::HeaderMap;
use countersign::domain::facts::{Opinion, User};
use countersign::domain::ids::Time;
use countersign::forge::local::Comment;
use serde_json::{Value, json};
use std::sync::Arc;

/// A note's number at the instance: that of the comment, made unique.
fn number(iid: u64, comment: u64) -> u64 {
    iid * 10_000 + comment
}

struct Said<'a> {
    id: u64,
    by: &'a User,
    text: &'a str,
    at: Time,
    saved: Time,
    system: bool,
}

fn object(state: &State, iid: u64, said: &Said<'_>) -> Value {
    json!({
        "id": said.id, "type": null, "body": said.text, "author": shape::user(state, said.by),
        "created_at": moment(said.at), "updated_at": moment(said.saved), "system": said.system,
        "noteable_id": 4_000 + iid, "noteable_type": "MergeRequest", "project_id": state.place.id, "resolvable": false,
        "confidential": false, "internal": false, "imported": false, "imported_from": "none", "noteable_iid": iid,
        "commands_changes": {}
    })
}

fn written(state: &State, iid: u64, comment: &Comment) -> Value {
    let edited = state.edits.lock().unwrap().get(&(iid, comment.id)).cloned();
    let text = edited.as_ref().map_or(&comment.text, |edited| &edited.text);
    let saved = edited.as_ref().map_or(comment.edited.unwrap_or(comment.at), |edited| edited.at);
    let id = number(iid, comment.id);
    object(state, iid, &Said { id, by: &comment.by, text, at: comment.at, saved, system: false })
}

pub async fn list(
    With(state): With<Arc<State>>,
    Path((id, iid)): Path<(String, u64)>,
    raw: RawQuery,
    headers: HeaderMap,
) -> Answer {
    state.enter(&headers, &id, false)?;
    let (query, record) = (query(&raw), state.record(iid)?);
    let mut all: Vec<Value> = record.comments.iter().map(|comment| written(&state, iid, comment)).collect();
    for (place, review) in record.reviews.iter().enumerate() {
        let text = match review.opinion {
            Opinion::Approve => "approved this merge request",
            Opinion::RequestChanges => "requested changes",
            Opinion::Dismissed => "unapproved this merge request",
            Opinion::Comment => "left review comments",
        };
        let id = number(iid, 5_000 + u64::try_from(place).unwrap());
        all.push(object(
            &state,
            iid,
            &Said { id, by: &review.by, text, at: review.at, saved: review.at, system: true },
        ));
    }
    for (user, at) in &record.touched {
        let by = shape::known(*user).unwrap_or(User { id: *user, login: format!("user{user}") });
        let (id, text) = (number(iid, 8_000 + user % 1_000), "added 1 commit");
        all.push(object(&state, iid, &Said { id, by: &by, text, at: *at, saved: *at, system: true }));
    }
    all.sort_by_key(|note| (note["created_at"].to_string(), note["id"].as_u64()));
    if text(&query, "sort").as_deref() != Some("asc") {
        all.reverse();
    }
    Ok(page(all, &query))
}

pub async fn create(
    With(state): With<Arc<State>>,
    Path((id, iid)): Path<(String, u64)>,
    headers: HeaderMap,
    sent: Bytes,
) -> Answer {
    let who = state.enter(&headers, &id, true)?.user;
    state.record(iid)?;
    let said = text(&body(&headers, &sent)?, "body").ok_or_else(|| invalid("body is missing"))?;
    let (kept, commands) = quick::extract(&said);
    let ran = !commands.is_empty();
    state.obey(who.id, commands);
    if kept.is_empty() {
        return match ran {
            true => Ok(ok(202, json!({"commands_changes": {}, "summary": ["Commands applied"]}))),
            false => Err(refuse(400, json!({"note": ["can't be blank"]}))),
        };
    }
    let number = state.person(&who).comment(iid, &kept).await.map_err(trouble)?;
    let record = state.record(iid)?;
    let comment = record.comments.iter().find(|comment| comment.id == number).unwrap();
    Ok(ok(201, written(&state, iid, comment)))
}

pub async fn edit(
    With(state): With<Arc<State>>,
    Path((id, iid, note)): Path<(String, u64, u64)>,
    headers: HeaderMap,
    sent: Bytes,
) -> Answer {
    let who = state.enter(&headers, &id, true)?.user;
    let said = text(&body(&headers, &sent)?, "body").ok_or_else(|| invalid("body is missing"))?;
    let record = state.record(iid)?;
    let fits = |comment: &&Comment| number(iid, comment.id) == note;
    let comment = record.comments.iter().find(fits).ok_or_else(|| refuse(404, "404 Note Not Found"))?;
    if comment.by.id != who.id && who.id == super::bot().id {
        return Err(refuse(403, "403 Forbidden"));
    }
    let (kept, commands) = quick::extract(&said);
    state.obey(who.id, commands);
    let edited = Edited { text: kept, at: state.now() };
    state.edits.lock().unwrap().insert((iid, comment.id), edited);
    Ok(ok(200, written(&state, iid, comment)))
}
