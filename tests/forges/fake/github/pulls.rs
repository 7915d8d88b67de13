//! Pull requests and their merge.

use super::checks::page;
use super::hub::{At, Hub, Said, created, custom, invalid, ok, refusal, told};
use super::objects::{LONG_AGO, date};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use countersign::domain::facts::{MergeMethod, Mergeable, Pull, PullState, User};
use countersign::forge::local::Comment;
use countersign::forge::{Forge, ForgeError, Merge, MergeOrder, NewPull};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most characters of a body.
const BODY: usize = 65_536;

fn label(hub: &Hub, name: &str) -> Value {
    json!({
        "id": 1, "node_id": "L_1", "url": hub.api(&format!("/labels/{name}")), "name": name,
        "description": null, "color": "ededed", "default": false
    })
}

fn side(hub: &Hub, name: &str, sha: &str, repository: u64) -> Value {
    let owner = hub.owner();
    let mut repo = hub.repository();
    if repository != hub.place.id {
        repo["id"] = repository.into();
        repo["full_name"] = "stranger/fork".into();
        repo["fork"] = true.into();
    }
    json!({"label": format!("{}:{name}", owner.login), "ref": name, "sha": sha, "user": hub.user(&owner), "repo": repo})
}

/// A pull request as lists show it.
fn short(hub: &Hub, pull: &Pull) -> Value {
    let (n, at) = (pull.number, hub.api(&format!("/pulls/{}", pull.number)));
    let issue = hub.api(&format!("/issues/{n}"));
    let link = |href: &str| json!({"href": href});
    let merged = pull.merged.as_ref();
    let statuses = hub.api(&format!("/statuses/{}", pull.head));
    let ended = match pull.state {
        PullState::Open => Value::Null,
        PullState::Closed | PullState::Merged => merged.map_or(LONG_AGO.to_owned(), |it| date(it.at)).into(),
    };
    let reviewers: Vec<Value> = hub
        .extra()
        .reviewers
        .get(&n)
        .cloned()
        .unwrap_or_default()
        .into_iter()
        .map(|login| hub.user(&User { id: 7, login }))
        .collect();
    let armed = hub.mood().armed.map(|(login, id)| {
        let by = hub.user(&User { id, login: login.to_owned() });
        json!({"enabled_by": by, "merge_method": "squash", "commit_title": "soon", "commit_message": ""})
    });
    json!({
        "url": at, "id": 10_000 + n, "node_id": format!("PR_{n}"), "html_url": hub.html(&format!("/pull/{n}")),
        "diff_url": hub.html(&format!("/pull/{n}.diff")), "patch_url": hub.html(&format!("/pull/{n}.patch")),
        "issue_url": issue, "commits_url": format!("{at}/commits"), "review_comments_url": format!("{at}/comments"),
        "review_comment_url": hub.api("/pulls/comments{/number}"), "comments_url": format!("{issue}/comments"),
        "statuses_url": statuses, "number": n, "state": if pull.state == PullState::Open { "open" } else { "closed" },
        "locked": pull.locked, "title": pull.title, "user": hub.user(&pull.author), "body": pull.body,
        "labels": pull.labels.iter().map(|name| label(hub, name)).collect::<Vec<_>>(), "milestone": null,
        "created_at": LONG_AGO, "updated_at": LONG_AGO, "closed_at": ended,
        "merged_at": merged.map(|it| date(it.at)), "merge_commit_sha": merged.map(|it| it.commit.as_str().to_owned()),
        "assignee": null, "assignees": [], "requested_reviewers": reviewers, "requested_teams": [],
        "head": side(hub, &pull.head_ref, pull.head.as_str(), pull.head_repository),
        "base": side(hub, &pull.base_ref, pull.head.as_str(), hub.place.id),
        "_links": {
            "self": link(&at), "html": link(&hub.html(&format!("/pull/{n}"))), "issue": link(&issue),
            "comments": link(&format!("{issue}/comments")), "review_comments": link(&format!("{at}/comments")),
            "review_comment": link(&hub.api("/pulls/comments{/number}")), "commits": link(&format!("{at}/commits")),
            "statuses": link(&statuses)
        },
        "author_association": "CONTRIBUTOR", "auto_merge": armed, "draft": pull.draft, "active_lock_reason": null
    })
}

/// A pull request by itself.
pub fn whole(hub: &Hub, pull: &Pull, comments: &[Comment]) -> Value {
    let (mergeable, state) = match (pull.state, &pull.mergeable) {
        (PullState::Closed | PullState::Merged, _) => (None, "unknown"),
        (PullState::Open, Mergeable::No(_)) => (Some(false), "dirty"),
        (PullState::Open, _) if pull.draft => (Some(true), "draft"),
        (PullState::Open, Mergeable::Yes) => (Some(true), "clean"),
        (PullState::Open, Mergeable::Unknown) => (None, "unknown"),
    };
    let (mergeable, state) = hub.mood().mergeable.unwrap_or((mergeable, state));
    let mut all = short(hub, pull);
    let more = json!({
        "merged": pull.state == PullState::Merged, "mergeable": mergeable, "rebaseable": mergeable,
        "mergeable_state": state, "merged_by": pull.merged.as_ref().map(|it| hub.user(&it.by)),
        "comments": comments.len(), "review_comments": 0, "maintainer_can_modify": false, "commits": 1,
        "additions": 1, "deletions": 1, "changed_files": 1
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

pub async fn list(State(hub): At, Query(query): Query<BTreeMap<String, String>>, headers: HeaderMap) -> Said {
    hub.may(&headers, "pull_requests", "read")?;
    let mut pulls = hub.bot().list().await.map_err(told)?;
    let owner = hub.owner().login;
    pulls.retain(|pull| query.get("head").is_none_or(|head| *head == format!("{owner}:{}", pull.head_ref)));
    match query.get("state").map(String::as_str) {
        Some("all") => {}
        Some("closed") => pulls.retain(|pull| pull.state != PullState::Open),
        _ => pulls.retain(|pull| pull.state == PullState::Open),
    }
    ok(page(pulls.iter().map(|pull| short(&hub, pull)).collect(), &query).into())
}

pub async fn one(State(hub): At, Path(number): Path<u64>, headers: HeaderMap) -> Said {
    hub.may(&headers, "pull_requests", "read")?;
    let (pull, comments) = hub.pull(number).await?;
    ok(whole(&hub, &pull, &comments))
}

fn fits(body: &str) -> Result<(), Response> {
    if body.chars().count() <= BODY {
        return Ok(());
    }
    Err(custom("PullRequest", &format!("body is too long (maximum is {BODY} characters)")))
}

pub async fn open(State(hub): At, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "pull_requests", "write")?;
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    fits(&text("body"))?;
    let new = NewPull {
        head_ref: text("head"),
        base_ref: text("base"),
        title: text("title"),
        body: text("body"),
        labels: Vec::new(),
        reviewers: Vec::new(),
    };
    let bare = hub.bare();
    for (field, branch) in [("head", &new.head_ref), ("base", &new.base_ref)] {
        if !matches!(bare.reference(&format!("refs/heads/{branch}")), Ok(Some(_))) {
            return Err(invalid(json!({"resource": "PullRequest", "field": field, "code": "invalid"})));
        }
    }
    match hub.bot().open(new.clone()).await {
        Ok(number) => {
            let (pull, comments) = hub.pull(number).await?;
            created(whole(&hub, &pull, &comments))
        }
        Err(ForgeError::Rejected(why)) if why.contains("already") => {
            let owner = hub.owner().login;
            Err(custom("PullRequest", &format!("A pull request already exists for {owner}:{}.", new.head_ref)))
        }
        Err(ForgeError::Rejected(_)) => {
            Err(custom("PullRequest", &format!("No commits between {} and {}", new.base_ref, new.head_ref)))
        }
        Err(other) => Err(told(other)),
    }
}

pub async fn change(State(hub): At, Path(number): Path<u64>, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "pull_requests", "write")?;
    hub.pull(number).await?;
    if let Some(text) = body["body"].as_str() {
        fits(text)?;
        hub.local.set_body(number, text).await.map_err(told)?;
    }
    match body["state"].as_str() {
        Some("closed") => hub.local.close(number).await.map_err(told)?,
        Some(_) => return Err(custom("PullRequest", "state cannot be changed")),
        None => {}
    }
    let (pull, comments) = hub.pull(number).await?;
    ok(whole(&hub, &pull, &comments))
}

pub async fn merge(State(hub): At, Path(number): Path<u64>, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "contents", "write")?;
    hub.may(&headers, "pull_requests", "read")?;
    let (pull, _) = hub.pull(number).await?;
    if pull.state != PullState::Open {
        return Err(refusal(405, "Pull Request is not mergeable"));
    }
    if body["sha"].as_str().is_some_and(|sha| sha != pull.head.as_str()) {
        return Err(refusal(409, "Head branch was modified. Review and try the merge again."));
    }
    let method = match body["merge_method"].as_str() {
        None | Some("merge") => MergeMethod::Merge,
        Some("squash") => MergeMethod::Squash,
        Some("rebase") => MergeMethod::Rebase,
        Some(_) => return Err(custom("PullRequest", "merge_method is not valid")),
    };
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let (title, message) = (text("commit_title"), text("commit_message"));
    let order = MergeOrder { head: pull.head.clone(), method, title, message };
    match hub.local.merge(number, &order).await.map_err(told)? {
        Merge::Merged(commit) => {
            ok(json!({"sha": commit.as_str(), "merged": true, "message": "Pull Request successfully merged"}))
        }
        Merge::NotReady(why) if why.contains("head moved") => {
            Err(refusal(409, "Head branch was modified. Review and try the merge again."))
        }
        Merge::NotReady(why) | Merge::Refused(why) => Err(refusal(405, &worded(&why))),
    }
}

/// GitHub's sentence for the local forge's.
fn worded(why: &str) -> String {
    let between = |before: &str, after: &str| why.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    if why.contains("queue") {
        return "Changes must be made through the merge queue".into();
    }
    if let Some(check) = between("the required check ", " has not passed") {
        return format!("Required status check \"{check}\" is expected.");
    }
    if why.contains("approvals") {
        return "At least 1 approving review is required by reviewers with write access.".into();
    }
    if why.contains("method") {
        return "Squash merges are not allowed on this repository.".into();
    }
    if why.contains("draft") {
        return "Pull Request is still a draft".into();
    }
    if why.contains("others keep writing") {
        return "Base branch was modified. Review and try the merge again.".into();
    }
    "Pull Request is not mergeable".into()
}
