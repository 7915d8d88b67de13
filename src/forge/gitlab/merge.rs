//! Accepting a merge request whose head is exactly the one named.
//!
//! Must not repeat an order: an answer that leaves open whether it merged is an error, and the next reading tells.

use super::answers::{MergeRequest, Project};
use super::view::{landed, mergeable};
use super::wire::{Failure, status};
use super::{GitlabForge, built};
use crate::domain::facts::{MergeMethod, Mergeable, PullState};
use crate::domain::ids::Oid;
use crate::forge::{ForgeError, Merge, MergeOrder};
use gitlab::api::projects::merge_requests::MergeMergeRequest;

impl GitlabForge {
    pub(super) async fn accept(&self, number: u64, order: &MergeOrder) -> Result<Merge, ForgeError> {
        let project = self.project().await?;
        if let Some(why) = unfit(&project, order.method) {
            return Ok(Merge::Refused(why));
        }
        let message = match order.message.trim() {
            "" => order.title.clone(),
            rest => format!("{}\n\n{rest}\n", order.title),
        };
        let mut builder = MergeMergeRequest::builder();
        builder.project(self.project).merge_request(number).sha(order.head.as_str());
        builder.squash(order.method == MergeMethod::Squash).should_remove_source_branch(false);
        builder.merge_commit_message(message.clone()).squash_commit_message(message);
        match self.one::<MergeRequest>(built(builder.build())?).await {
            Ok(request) => Ok(after(&request, &order.head, "GitLab took the order and did not merge")),
            Err(failure) => self.denied(number, order, failure).await,
        }
    }

    /// What a refusal means; a merge request that is merged already, with this head, is merged.
    async fn denied(&self, number: u64, order: &MergeOrder, failure: Failure) -> Result<Merge, ForgeError> {
        let Some((code, said)) = status(&failure) else { return Err(failure.into()) };
        match code {
            // 405 and 422: not mergeable, or not known yet; 406 and 409: the head moved, or it conflicts.
            405 | 406 | 409 | 422 => {
                let request = self.merge_request(number).await?;
                Ok(after(&request, &order.head, said))
            }
            401 | 403 => Ok(Merge::Refused(format!("our user may not merge into this branch: {said}"))),
            400 => Ok(Merge::Refused(said.to_owned())),
            _ => Err(failure.into()),
        }
    }
}

/// What the merge request shows after the order.
fn after(request: &MergeRequest, head: &Oid, said: &str) -> Merge {
    let shown = request.sha.as_ref();
    match request.state.as_str() {
        "merged" if shown == Some(head) => match landed(request, PullState::Merged, head) {
            Some(landed) => Merge::Merged(landed.commit),
            None => Merge::NotReady(said.to_owned()),
        },
        "merged" => Merge::Refused("it was merged already, with another head".to_owned()),
        "closed" => Merge::Refused("it is closed".to_owned()),
        _ if shown != Some(head) => {
            let now = shown.map_or("gone", Oid::as_str);
            Merge::NotReady(format!("the head moved: it is {now}, not {head}"))
        }
        _ => hindered(request, said),
    }
}

/// Why an open merge request with the right head was not merged: what passes by itself is not ready, what the
/// project's rules demand is a refusal.
fn hindered(request: &MergeRequest, said: &str) -> Merge {
    let said = request.merge_error.as_deref().unwrap_or(said);
    match (mergeable(request), request.detailed_merge_status.as_deref().unwrap_or_default()) {
        (Mergeable::Yes | Mergeable::Unknown, _) => Merge::NotReady(format!("asked again later: {said}")),
        (
            Mergeable::No(why),
            "conflict" | "broken_status" | "need_rebase" | "draft_status" | "ci_still_running" | "not_open"
            | "commits_status" | "merge_time" | "locked_paths" | "locked_lfs_files",
        ) => Merge::NotReady(why),
        (Mergeable::No(why), _) => Merge::Refused(why),
    }
}

/// Why the project does not take a method. A method is never exchanged for another one.
fn unfit(project: &Project, method: MergeMethod) -> Option<String> {
    let own = project.merge_method.as_deref().unwrap_or_default();
    let squash = project.squash_option.as_deref().unwrap_or_default();
    let why = match (method, own, squash) {
        _ if project.merge_trains_enabled == Some(true) => "the project merges through a merge train only",
        (MergeMethod::Squash, _, "never") => "the project does not take squashing",
        (MergeMethod::Merge | MergeMethod::Rebase, _, "always") => "the project always squashes: set `method: squash`",
        (MergeMethod::Merge, "ff", _) => "the project takes no merge commits: set `method: squash` or `rebase`",
        (MergeMethod::Rebase, "merge" | "rebase_merge", _) => {
            "the project makes merge commits: set `method: squash` or `merge`"
        }
        (MergeMethod::Squash | MergeMethod::Merge | MergeMethod::Rebase, _, _) => return None,
    };
    Some(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(c: &str) -> Oid {
        c.repeat(40).parse().unwrap()
    }

    fn request(state: &str, head: &str, word: &str) -> MergeRequest {
        let text = format!(
            r#"{{"iid":1,"project_id":2,"title":"t","author":{{"id":3}},"source_branch":"a","target_branch":"b",
                "state":"{state}","sha":"{}","detailed_merge_status":"{word}","merge_commit_sha":"{}"}}"#,
            oid(head),
            oid("f")
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn f68_merged_already_with_this_head_is_merged() {
        assert_eq!(after(&request("merged", "a", ""), &oid("a"), ""), Merge::Merged(oid("f")));
        assert!(matches!(after(&request("merged", "b", ""), &oid("a"), ""), Merge::Refused(_)));
    }

    #[test]
    fn f62_another_head_is_not_ready() {
        let answer = after(&request("opened", "b", "mergeable"), &oid("a"), "SHA does not match");
        assert!(matches!(&answer, Merge::NotReady(why) if why.contains("the head moved")), "{answer:?}");
    }

    #[test]
    fn a_405_of_a_mergeable_request_is_asked_again() {
        for word in ["mergeable", "checking", "unchecked", "preparing"] {
            let answer = after(&request("opened", "a", word), &oid("a"), "405 Method Not Allowed");
            assert!(matches!(answer, Merge::NotReady(_)), "{word}: {answer:?}");
        }
    }

    #[test]
    fn f66_f67_what_passes_is_not_ready_and_rules_are_refusals() {
        for word in ["conflict", "draft_status", "need_rebase", "ci_still_running"] {
            let answer = after(&request("opened", "a", word), &oid("a"), "");
            assert!(matches!(answer, Merge::NotReady(_)), "{word}: {answer:?}");
        }
        for word in ["not_approved", "ci_must_pass", "policies_denied", "a_word_of_tomorrow"] {
            let answer = after(&request("opened", "a", word), &oid("a"), "");
            assert!(matches!(answer, Merge::Refused(_)), "{word}: {answer:?}");
        }
        assert!(matches!(after(&request("closed", "a", ""), &oid("a"), ""), Merge::Refused(_)));
    }

    #[test]
    fn f72_a_method_the_project_does_not_take_is_refused() {
        let project = |method: &str, squash: &str| -> Project {
            let text = format!(
                r#"{{"id":1,"path_with_namespace":"a/b","merge_method":"{method}","squash_option":"{squash}"}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let fits = |method, own, squash| unfit(&project(own, squash), method).is_none();
        assert!(fits(MergeMethod::Squash, "merge", "default_on") && fits(MergeMethod::Squash, "ff", "always"));
        assert!(!fits(MergeMethod::Squash, "merge", "never"));
        assert!(fits(MergeMethod::Merge, "merge", "never") && !fits(MergeMethod::Merge, "ff", "never"));
        assert!(fits(MergeMethod::Rebase, "ff", "default_off") && !fits(MergeMethod::Rebase, "merge", "never"));
        assert!(!fits(MergeMethod::Merge, "merge", "always"));
    }

    #[test]
    fn f73_a_merge_train_is_refused() {
        let text = r#"{"id":1,"path_with_namespace":"a/b","merge_trains_enabled":true}"#;
        assert!(unfit(&serde_json::from_str(text).unwrap(), MergeMethod::Squash).is_some());
    }
}
