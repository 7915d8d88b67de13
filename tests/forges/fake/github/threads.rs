//! What is said on a pull request: reviews, comments, labels, requests for review.

use super::bot;
use super::checks::page;
use super::hub::{At, Hub, Said, created, custom, not_found, ok, refusal, told};
use super::objects::date;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use countersign::domain::facts::{Opinion, PullState};
use countersign::forge::Forge as _;
use countersign::forge::local::Comment;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Comments have numbers of the whole repository.
const EACH: u64 = 100_000;

pub async fn reviews(
    State(hub): At,
    Path(number): Path<u64>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Said {
    hub.may(&headers, "pull_requests", "read")?;
    let (pull, _) = hub.pull(number).await?;
    let at = hub.api(&format!("/pulls/{number}"));
    let all = pull.reviews.iter().zip(1_u64..).map(|(review, id)| {
        let state = match review.opinion {
            Opinion::Approve => "APPROVED",
            Opinion::RequestChanges => "CHANGES_REQUESTED",
            Opinion::Comment => "COMMENTED",
            Opinion::Dismissed => "DISMISSED",
        };
        let html = hub.html(&format!("/pull/{number}#pullrequestreview-{id}"));
        json!({
            "id": id, "node_id": format!("PRR_{id}"), "user": hub.user(&review.by), "body": "", "state": state,
            "html_url": html, "pull_request_url": at, "submitted_at": date(review.at),
            "commit_id": review.head.as_str(), "author_association": "MEMBER",
            "_links": {"html": {"href": html}, "pull_request": {"href": at}}
        })
    });
    ok(page(all.collect(), &query).into())
}

pub async fn request_review(
    State(hub): At,
    Path(number): Path<u64>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Said {
    hub.may(&headers, "pull_requests", "write")?;
    let (pull, comments) = hub.pull(number).await?;
    for login in body["reviewers"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let known = hub.mood().people.iter().any(|(name, _, level)| name == login && *level != "none");
        if !known {
            return Err(refusal(
                422,
                "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the repository.",
            ));
        }
        if pull.author.login == login {
            return Err(refusal(422, "Review cannot be requested from pull request author."));
        }
        hub.extra().reviewers.entry(number).or_default().push(login.to_owned());
    }
    if body["team_reviewers"].as_array().is_some_and(|teams| !teams.is_empty()) {
        return Err(refusal(422, "Could not resolve to a node with the global id of a team."));
    }
    created(super::pulls::whole(&hub, &pull, &comments))
}

pub async fn label(State(hub): At, Path(number): Path<u64>, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "pull_requests", "write")?;
    let names: Vec<String> = serde_json::from_value(body["labels"].clone()).map_err(|_| refusal(422, "labels"))?;
    hub.bot().label(number, names, Vec::new()).await.map_err(told)?;
    let (pull, comments) = hub.pull(number).await?;
    ok(super::pulls::whole(&hub, &pull, &comments)["labels"].clone())
}

pub async fn issue(State(hub): At, Path(number): Path<u64>, headers: HeaderMap) -> Said {
    hub.may(&headers, "pull_requests", "read")?;
    let (pull, comments) = hub.pull(number).await?;
    let mut all = super::pulls::whole(&hub, &pull, &comments);
    all["closed_by"] = match pull.state {
        PullState::Open => Value::Null,
        PullState::Closed => pull.closed_by.map_or(Value::Null, |by| hub.user(&by)),
        PullState::Merged => pull.merged.map_or(Value::Null, |it| hub.user(&it.by)),
    };
    ok(all)
}

fn comment_object(hub: &Hub, number: u64, said: &Comment) -> Value {
    let id = number * EACH + said.id;
    json!({
        "id": id, "node_id": format!("IC_{id}"), "url": hub.api(&format!("/issues/comments/{id}")),
        "html_url": hub.html(&format!("/pull/{number}#issuecomment-{id}")),
        "issue_url": hub.api(&format!("/issues/{number}")), "body": said.text, "user": hub.user(&said.by),
        "created_at": date(said.at), "updated_at": date(said.edited.unwrap_or(said.at)),
        "author_association": "MEMBER", "performed_via_github_app": null
    })
}

pub async fn comments(
    State(hub): At,
    Path(number): Path<u64>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Said {
    hub.may(&headers, "pull_requests", "read")?;
    let (_, comments) = hub.pull(number).await?;
    let all = comments.iter().map(|said| comment_object(&hub, number, said)).collect();
    ok(page(all, &query).into())
}

pub async fn say(State(hub): At, Path(number): Path<u64>, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "pull_requests", "write")?;
    let text = body["body"].as_str().ok_or_else(|| custom("IssueComment", "body is missing"))?;
    let (_, before) = hub.pull(number).await?;
    hub.local.comment(number, &format!("api-{}", before.len()), text).await.map_err(told)?;
    let (_, after) = hub.pull(number).await?;
    created(comment_object(&hub, number, after.last().unwrap()))
}

pub async fn edit(State(hub): At, Path(comment): Path<u64>, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "pull_requests", "write")?;
    let (number, id) = (comment / EACH, comment % EACH);
    let (_, all) = hub.pull(number).await?;
    let said = all.into_iter().find(|said| said.id == id).ok_or_else(not_found)?;
    let key = said.key.filter(|_| said.by.id == bot().id).ok_or_else(|| refusal(403, "Forbidden"))?;
    let text = body["body"].as_str().ok_or_else(|| custom("IssueComment", "body is missing"))?;
    hub.local.comment(number, &key, text).await.map_err(told)?;
    let (_, all) = hub.pull(number).await?;
    let said = all.iter().find(|said| said.id == id).unwrap();
    ok(comment_object(&hub, number, said))
}
