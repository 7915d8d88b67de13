//! What branches demand, and the one document of GraphQL that is known.

use super::git::commit_object;
use super::hub::{At, Said, ok, refusal};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use countersign::domain::ids::Oid;
use serde_json::{Value, json};

/// The exact document; any other is refused.
const UPDATE_REFS: &str = "mutation($repository: ID!, $updates: [RefUpdate!]!) { updateRefs(input: {repositoryId: $repository, refUpdates: $updates}) { clientMutationId } }";

pub async fn of_branch(State(hub): At, Path(branch): Path<String>, headers: HeaderMap) -> Said {
    hub.may(&headers, "metadata", "read")?;
    let Some(rules) = hub.rules(&branch).await else {
        return Err(refusal(403, "Resource not accessible by integration"));
    };
    let from = json!({"ruleset_source_type": "Repository", "ruleset_source": hub.mood().name, "ruleset_id": 42});
    let rule = |kind: &str, parameters: Value| {
        let mut rule = from.clone();
        rule["type"] = kind.into();
        rule["parameters"] = parameters;
        rule
    };
    let mut all = Vec::new();
    if !rules.checks.is_empty() || rules.strict {
        let checks: Vec<Value> = rules
            .checks
            .iter()
            .map(|(name, app)| match app {
                Some(app) => json!({"context": name, "integration_id": app}),
                None => json!({"context": name}),
            })
            .collect();
        let parameters =
            json!({"required_status_checks": checks, "strict_required_status_checks_policy": rules.strict});
        all.push(rule("required_status_checks", parameters));
    }
    if rules.approvals > 0 {
        let parameters = json!({
            "required_approving_review_count": rules.approvals, "dismiss_stale_reviews_on_push": false,
            "require_code_owner_review": false, "require_last_push_approval": false,
            "required_review_thread_resolution": false
        });
        all.push(rule("pull_request", parameters));
    }
    if rules.queue {
        let parameters = json!({
            "check_response_timeout_minutes": 60, "grouping_strategy": "ALLGREEN", "max_entries_to_build": 5,
            "max_entries_to_merge": 5, "merge_method": "SQUASH", "min_entries_to_merge": 1,
            "min_entries_to_merge_wait_minutes": 5
        });
        all.push(rule("merge_queue", parameters));
    }
    ok(all.into())
}

pub async fn branch(State(hub): At, Path(branch): Path<String>, headers: HeaderMap) -> Said {
    hub.may(&headers, "contents", "read")?;
    let Ok(Some(tip)) = hub.bare().reference(&format!("refs/heads/{branch}")) else {
        return Err(refusal(404, "Branch not found"));
    };
    let at = hub.api(&format!("/branches/{branch}"));
    ok(json!({
        "name": branch, "commit": commit_object(&hub, git2::Oid::from_str(tip.as_str()).unwrap()),
        "_links": {"self": at, "html": hub.html(&format!("/tree/{branch}"))}, "protected": false,
        "protection": {
            "enabled": false,
            "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []}
        },
        "protection_url": format!("{at}/protection")
    }))
}

fn mistake(kind: &str, message: &str) -> Said {
    ok(json!({"data": {"updateRefs": null}, "errors": [{"type": kind, "path": ["updateRefs"], "message": message}]}))
}

/// All updates or none; a status of 200 even where nothing is done.
pub async fn graphql(State(hub): At, headers: HeaderMap, Json(body): Json<Value>) -> Said {
    hub.may(&headers, "contents", "write")?;
    if body["query"] != UPDATE_REFS {
        return ok(json!({"errors": [{"message": "this document is not known"}]}));
    }
    let variables = &body["variables"];
    if variables["repository"] != format!("R_{}", hub.place.id) {
        return mistake("NOT_FOUND", "Could not resolve to a node with the global id");
    }
    for update in variables["updates"].as_array().into_iter().flatten() {
        let known = ["name", "beforeOid", "afterOid", "force"];
        if update.as_object().is_none_or(|it| it.keys().any(|key| !known.contains(&key.as_str()))) {
            return mistake("UNPROCESSABLE", "an update has unknown fields");
        }
        let text = |field: &str| update[field].as_str().unwrap_or_default().to_owned();
        let oid = |text: String| text.parse::<Oid>().ok().filter(|_| text.bytes().any(|digit| digit != b'0'));
        let (name, old, new) = (text("name"), oid(text("beforeOid")), oid(text("afterOid")));
        if new.as_ref().is_some_and(|new| !hub.bare().has(new).unwrap()) {
            return mistake("UNPROCESSABLE", "the object does not exist");
        }
        match hub.bare().move_reference(&name, old.as_ref(), new.as_ref()) {
            Ok(true) => {}
            _ => return mistake("UNPROCESSABLE", "Reference cannot be updated: it is not where it was expected"),
        }
    }
    ok(json!({"data": {"updateRefs": {"clientMutationId": null}}}))
}
