//! The objects that GitLab answers with, whole.

use super::state::{PEOPLE, State};
use super::{Settings, bot};
use countersign::domain::facts::{Conclusion, MergeMethod, Mergeable, Opinion, Pull, PullState, User};
use countersign::domain::ids::{Oid, Time};
use countersign::forge::local::PullRecord;
use countersign::git::Commit;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A moment with milliseconds.
pub fn moment(at: Time) -> String {
    format!("{:.3}", at.timestamp())
}

pub fn user(state: &State, user: &User) -> Value {
    json!({
        "id": user.id, "username": user.login, "public_email": null, "name": user.login, "state": "active",
        "locked": false, "avatar_url": null, "web_url": format!("{}/{}", state.url(), user.login)
    })
}

/// A user asked for alone.
pub fn profile(state: &State, who: &User) -> Value {
    let mut profile = user(state, who);
    let more = json!({
        "created_at": "2025-01-01T00:00:00.000Z", "bio": "", "location": "", "organization": "", "job_title": "",
        "bot": who.id == bot().id, "work_information": null, "followers": 0, "following": 0
    });
    profile.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    profile
}

/// Everybody whose number is known.
pub fn known(id: u64) -> Option<User> {
    let bot = bot();
    if id == bot.id {
        return Some(bot);
    }
    PEOPLE.iter().find(|(number, ..)| *number == id).map(|(id, login, _)| User { id: *id, login: (*login).into() })
}

pub fn project(state: &State, settings: &Settings) -> Value {
    let (id, name, url) = (state.place.id, &settings.name, state.url());
    let rules = state.rules("main").unwrap_or_default();
    let forbids = |method| !rules.methods.is_empty() && !rules.methods.contains(&method);
    json!({
        "id": id, "description": null, "name": name.rsplit('/').next(), "name_with_namespace": name.replace('/', " / "),
        "path": name.rsplit('/').next(), "path_with_namespace": name, "created_at": "2025-01-01T00:00:00.000Z",
        "default_branch": "main", "tag_list": [], "topics": [],
        "ssh_url_to_repo": format!("git@gitlab.test:{name}.git"), "http_url_to_repo": format!("{url}/{name}.git"),
        "web_url": format!("{url}/{name}"), "readme_url": null, "forks_count": 0, "avatar_url": null, "star_count": 0,
        "last_activity_at": moment(state.now()),
        "namespace": {"id": 2, "name": "acme", "path": "acme", "kind": "group", "full_path": "acme", "parent_id": null},
        "_links": {"self": format!("{url}/api/v4/projects/{id}")},
        "empty_repo": false, "archived": settings.archived, "visibility": "private", "marked_for_deletion_at": null,
        "issues_enabled": true, "merge_requests_enabled": true, "jobs_enabled": true, "can_create_merge_request_in": true,
        "merge_method": if forbids(MergeMethod::Merge) { "ff" } else if rules.strict { "rebase_merge" } else { settings.merge_method.as_str() },
        "squash_option": if forbids(MergeMethod::Squash) { "never" } else { settings.squash_option.as_str() },
        "only_allow_merge_if_pipeline_succeeds": !rules.checks.is_empty(), "allow_merge_on_skipped_pipeline": false,
        "only_allow_merge_if_all_discussions_are_resolved": false, "remove_source_branch_after_merge": true,
        "merge_pipelines_enabled": rules.queue, "merge_trains_enabled": rules.queue, "autoclose_referenced_issues": true,
        "permissions": {"project_access": {"access_level": 40, "notification_level": 3}, "group_access": null}
    })
}

pub fn commit(state: &State, id: &Oid, commit: &Commit) -> Value {
    let message = commit.message.clone();
    json!({
        "id": id, "short_id": id.short(), "created_at": moment(commit.time), "parent_ids": commit.parents,
        "title": message.lines().next(), "message": message, "author_name": commit.author_name,
        "author_email": commit.author_email, "authored_date": moment(commit.time),
        "committer_name": commit.author_name, "committer_email": commit.author_email,
        "committed_date": moment(commit.time), "trailers": {}, "extended_trailers": {},
        "web_url": format!("{}/{}/-/commit/{id}", state.url(), state.settings().name)
    })
}

/// The one word for what keeps a merge request from being merged.
pub fn merge_status(state: &State, pull: &Pull, record: &PullRecord) -> String {
    if let Some(word) = state.settings().merge_status {
        return word;
    }
    let rules = state.rules(&pull.base_ref).unwrap_or_default();
    let opinions = latest(record);
    let approvals = opinions.values().filter(|it| **it == Opinion::Approve).count();
    let pipeline = super::statuses::pipeline_word(&state.checks(&pull.head));
    let behind = || {
        let base = state.tip(&pull.base_ref);
        base.is_some_and(|base| !state.bare.descends(&pull.head, &base).unwrap_or(false))
    };
    let word = match &pull.mergeable {
        _ if pull.state != PullState::Open => "not_open",
        _ if pull.draft => "draft_status",
        Mergeable::Unknown => "checking",
        Mergeable::No(_) => "conflict",
        Mergeable::Yes if opinions.values().any(|it| *it == Opinion::RequestChanges) => "requested_changes",
        Mergeable::Yes if approvals < usize::try_from(rules.approvals).unwrap() => "not_approved",
        Mergeable::Yes if !rules.checks.is_empty() && pipeline == Some("running") => "ci_still_running",
        Mergeable::Yes if !rules.checks.is_empty() && pipeline != Some("success") => "ci_must_pass",
        Mergeable::Yes if rules.strict && behind() => "need_rebase",
        Mergeable::Yes => "mergeable",
    };
    word.to_owned()
}

/// The opinion that each person holds now; the author's own does not count.
pub fn latest(record: &PullRecord) -> BTreeMap<u64, Opinion> {
    let mut latest = BTreeMap::new();
    for review in record.reviews.iter().filter(|review| review.by.id != record.author.id) {
        if review.opinion != Opinion::Comment {
            latest.insert(review.by.id, review.opinion);
        }
    }
    latest
}

pub fn merge_request(state: &State, pull: &Pull, record: &PullRecord) -> Value {
    let (name, url, iid) = (state.settings().name, state.url(), pull.number);
    let word = merge_status(state, pull, record);
    let (now, author) = (moment(record.opened), user(state, &pull.author));
    let landed = pull.merged.as_ref();
    let closed = record.closed.as_ref().filter(|_| pull.state == PullState::Closed);
    let fork = pull.head_repository != pull.repository;
    let reviewers: Vec<Value> = record.reviewers.iter().map(|name| person(state, name)).collect();
    let base = state.tip(&pull.base_ref);
    json!({
        "id": 4_000 + iid, "iid": iid, "project_id": pull.repository, "title": pull.title, "description": pull.body,
        "state": match pull.state { PullState::Open => "opened", PullState::Closed => "closed", PullState::Merged => "merged" },
        "created_at": now, "updated_at": now,
        "merged_by": landed.map(|landed| user(state, &landed.by)), "merge_user": landed.map(|landed| user(state, &landed.by)),
        "merged_at": landed.map(|landed| moment(landed.at)),
        "closed_by": closed.map(|closed| user(state, &closed.by)), "closed_at": closed.map(|closed| moment(closed.at)),
        "target_branch": pull.base_ref, "source_branch": pull.head_ref, "user_notes_count": record.comments.len(),
        "upvotes": 0, "downvotes": 0, "author": author, "assignees": [], "assignee": null, "reviewers": reviewers,
        "source_project_id": pull.head_repository, "target_project_id": pull.repository, "labels": pull.labels,
        "draft": pull.draft, "imported": false, "imported_from": "none", "work_in_progress": pull.draft, "milestone": null,
        "merge_when_pipeline_succeeds": state.settings().armed && pull.state == PullState::Open,
        "merge_status": if word == "conflict" { "cannot_be_merged" } else { "can_be_merged" },
        "detailed_merge_status": word, "merge_after": null, "sha": pull.head,
        "merge_commit_sha": landed.map(|landed| &landed.commit), "squash_commit_sha": null,
        "discussion_locked": if pull.locked { Value::Bool(true) } else { Value::Null },
        "should_remove_source_branch": null, "force_remove_source_branch": false, "prepared_at": now,
        "allow_collaboration": fork, "reference": format!("!{iid}"),
        "references": {"short": format!("!{iid}"), "relative": format!("!{iid}"), "full": format!("{name}!{iid}")},
        "web_url": format!("{url}/{name}/-/merge_requests/{iid}"),
        "time_stats": {"time_estimate": 0, "total_time_spent": 0, "human_time_estimate": null, "human_total_time_spent": null},
        "squash": false, "squash_on_merge": false, "task_completion_status": {"count": 0, "completed_count": 0},
        "has_conflicts": word == "conflict", "blocking_discussions_resolved": true, "subscribed": true,
        "changes_count": "1", "latest_build_started_at": null, "latest_build_finished_at": null,
        "first_deployed_to_production_at": null, "pipeline": null, "head_pipeline": null,
        "diff_refs": {"base_sha": base, "head_sha": pull.head, "start_sha": base}, "merge_error": null,
        "first_contribution": false, "user": {"can_merge": true}
    })
}

fn person(state: &State, name: &str) -> Value {
    let found = PEOPLE.iter().find(|(_, login, _)| *login == name);
    let (id, login, _) = found.unwrap_or(&(0, "ghost", 0));
    user(state, &User { id: *id, login: (*login).into() })
}

/// What a check says, as the state of a job or status.
pub fn word(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Pending => "running",
        Conclusion::Success => "success",
        Conclusion::Failure => "failed",
        Conclusion::Neutral | Conclusion::Skipped => "skipped",
        Conclusion::Cancelled => "canceled",
        Conclusion::ActionRequired => "manual",
    }
}
