//! Accepting a merge request, with the refusals in GitLab's order: right, mergeable, then the head.

use super::shape;
use super::state::{State, trouble};
use super::{Answer, body, flag, ok, query, refuse, text};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State as With};
use axum::http::HeaderMap;
use countersign::domain::facts::{MergeMethod, PullState};
use countersign::forge::{Forge as _, Merge, MergeOrder};
use std::sync::Arc;

pub async fn merge(
    With(state): With<Arc<State>>,
    Path((id, iid)): Path<(String, u64)>,
    raw: RawQuery,
    headers: HeaderMap,
    sent: Bytes,
) -> Answer {
    let who = state.enter(&headers, &id, true)?.user;
    // Parameters may stand in the address as well.
    let mut fields = query(&raw);
    fields.extend(body(&headers, &sent)?);
    let (pull, record) = (state.view(iid).await?, state.record(iid)?);
    let word = shape::merge_status(&state, &pull, &record);
    if pull.state != PullState::Open || pull.draft || matches!(word.as_str(), "ci_must_pass" | "ci_still_running") {
        return Err(refuse(405, "405 Method Not Allowed"));
    }
    if word != "mergeable" {
        return Err(refuse(422, "Branch cannot be merged"));
    }
    let head = pull.head.clone();
    if text(&fields, "sha").is_some_and(|sha| sha != head.as_str()) {
        return Err(refuse(409, format!("SHA does not match HEAD of source branch: {head}")));
    }
    let project = state.settings().merge_method;
    let squash = flag(&fields, "squash");
    let (method, given) = match (project.as_str(), squash) {
        ("ff", true) => (MergeMethod::Squash, "squash_commit_message"),
        ("ff", false) => (MergeMethod::Rebase, "merge_commit_message"),
        _ => (MergeMethod::Merge, "merge_commit_message"),
    };
    let message = text(&fields, given).unwrap_or_else(|| format!("Merge branch '{}'\n", pull.head_ref));
    let (title, rest) = message.split_once('\n').unwrap_or((&message, ""));
    let order = MergeOrder { head, method, title: title.to_owned(), message: rest.trim().to_owned() };
    // Whoever the token speaks for merges; only countersign's user names a head and a message.
    let answer = if who.id == super::bot().id {
        state.bot.merge(iid, &order).await
    } else {
        state.person(&who).merge(iid, method).await
    };
    match answer.map_err(trouble)? {
        Merge::Merged(_) => {
            if flag(&fields, "should_remove_source_branch") {
                let _ = state.person(&who).delete_branch(&pull.head_ref).await;
            }
            Ok(ok(200, shape::merge_request(&state, &state.view(iid).await?, &state.record(iid)?)))
        }
        Merge::NotReady(_) => Err(refuse(422, "Branch cannot be merged")),
        Merge::Refused(_) => Err(refuse(405, "405 Method Not Allowed")),
    }
}
