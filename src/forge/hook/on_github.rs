//! GitHub's events: which repository and which pull request they are about.
//!
//! Must not read more than numbers: what happened is asked of GitHub itself.

use super::fields::{Fields, Unreadable};
use super::hint::{Look, Scope, Told};

/// The header with the signature; other forges send it as well, so it proves nothing but the secret.
pub const SIGNATURE: &str = "X-Hub-Signature-256";

/// The header with the name of the event.
pub const EVENT: &str = "X-GitHub-Event";

/// The header with the id of the delivery, the same when it is delivered again.
pub const DELIVERY: &str = "X-GitHub-Delivery";

/// Reads where a proven event says to look.
pub fn read(event: &str, body: &[u8]) -> Result<Told, Unreadable> {
    let fields = Fields::read(body)?;
    let scope = match (fields.number(&["repository", "id"]), fields.number(&["installation", "id"])) {
        (Some(id), _) => Scope::Repository(id),
        (None, Some(id)) => Scope::Installation(id),
        (None, None) => Scope::Nowhere,
    };
    Ok(Told { event: event.to_owned(), scope, look: look(event, &fields) })
}

fn look(event: &str, fields: &Fields<'_>) -> Look {
    match event {
        "pull_request" | "pull_request_review" | "pull_request_review_thread" => {
            fields.number(&["pull_request", "number"]).map_or(Look::Everywhere, Look::Pull)
        }
        "pull_request_review_comment" => {
            fields.number(&["pull_request", "number"]).map_or(Look::Everywhere, Look::Comment)
        }
        "issue_comment" if fields.has_object(&["issue", "pull_request"]) => {
            fields.number(&["issue", "number"]).map_or(Look::Everywhere, Look::Comment)
        }
        "issue_comment" => Look::Nowhere,
        "check_run" | "check_suite" | "workflow_run" => pulls(event, fields),
        "status"
        | "push"
        | "create"
        | "delete"
        | "deployment_status"
        | "merge_group"
        | "repository"
        | "repository_ruleset"
        | "branch_protection_rule"
        | "branch_protection_configuration"
        | "installation"
        | "installation_repositories"
        | "installation_target"
        | "member"
        | "public" => Look::Everywhere,
        _ => Look::Nowhere,
    }
}

/// The one pull request that a check names; for none or several, everything is looked at.
fn pulls(event: &str, fields: &Fields<'_>) -> Look {
    match fields.numbers(&[event, "pull_requests"], "number").as_slice() {
        [number] => Look::Pull(*number),
        _ => Look::Everywhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &str, body: &str) -> (Scope, Look) {
        let told = read(event, body.as_bytes()).expect("readable");
        (told.scope, told.look)
    }

    #[test]
    fn f1_f9_only_numbers_are_read() {
        let ours = Scope::Repository(9);
        let cases = [
            ("pull_request", r#"{"repository":{"id":9},"pull_request":{"number":4,"body":null}}"#, ours, Look::Pull(4)),
            ("pull_request", r#"{"repository":{"id":9},"pull_request":"gone"}"#, ours, Look::Everywhere),
            (
                "issue_comment",
                r#"{"repository":{"id":9},"issue":{"number":4,"pull_request":{}}}"#,
                ours,
                Look::Comment(4),
            ),
            ("issue_comment", r#"{"repository":{"id":9},"issue":{"number":4}}"#, ours, Look::Nowhere),
            (
                "check_run",
                r#"{"repository":{"id":9},"check_run":{"pull_requests":[{"number":2}]}}"#,
                ours,
                Look::Pull(2),
            ),
            ("check_run", r#"{"repository":{"id":9},"check_run":{"pull_requests":[]}}"#, ours, Look::Everywhere),
            ("push", r#"{"repository":{"id":9,"created_at":1622},"ref":"refs/heads/main"}"#, ours, Look::Everywhere),
            (
                "installation",
                r#"{"action":"suspend","installation":{"id":5}}"#,
                Scope::Installation(5),
                Look::Everywhere,
            ),
            ("ping", r#"{"zen":"x"}"#, Scope::Nowhere, Look::Nowhere),
            ("something_new", r#"{"repository":{"id":9}}"#, ours, Look::Nowhere),
        ];
        for (event, body, scope, look) in cases {
            assert_eq!(told(event, body), (scope, look), "{event} {body}");
        }
    }
}
