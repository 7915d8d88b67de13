//! The merge call.
//!
//! Must not leave out the head that was checked, must not ask twice, and must not use GitHub's deferred merge.

use super::GithubForge;
use super::error::{sentence, trouble};
use super::shape::MergeResult;
use super::talk::{Answer, Verb};
use crate::domain::facts::MergeMethod;
use crate::forge::{ForgeError, Merge, MergeOrder};
use serde_json::json;

/// Sentences of a 405 that time or another request alone does not change.
const FINAL: [&str; 6] = [
    "merge queue",
    "not allowed on this repository",
    "approving review",
    "not authorized",
    "must not contain",
    "linear",
];

impl GithubForge {
    pub(super) async fn merge_pull(&self, number: u64, order: &MergeOrder) -> Result<Merge, ForgeError> {
        let method = match order.method {
            MergeMethod::Merge => "merge",
            MergeMethod::Squash => "squash",
            MergeMethod::Rebase => "rebase",
        };
        let body = json!({
            "sha": order.head.as_str(), "merge_method": method,
            "commit_title": order.title, "commit_message": order.message
        });
        let (what, route) = (format!("merging #{number}"), self.talk.at(&format!("/pulls/{number}/merge")));
        let answer = self.talk.ask(&what, Verb::Put, &route, Some(&body)).await?;
        match answer.status {
            200 => merged(&what, &answer),
            405 | 409 | 422 => self.not_merged(number, order, &answer).await,
            _ => Err(trouble(&what, &answer, self.talk.now())),
        }
    }

    /// What a refusal means: perhaps it was merged before.
    async fn not_merged(&self, number: u64, order: &MergeOrder, answer: &Answer) -> Result<Merge, ForgeError> {
        let said = sentence(answer);
        let now = self.pull_answer(number).await?;
        if now.merged {
            return Ok(match now.merge_commit_sha {
                Some(commit) if now.head.sha == order.head => Merge::Merged(commit),
                _ => Merge::Refused(format!("it was merged already, with the head {}", now.head.sha)),
            });
        }
        if now.state != "open" {
            return Ok(Merge::Refused("it is closed".to_owned()));
        }
        let last = answer.status == 422 || FINAL.iter().any(|part| said.to_lowercase().contains(part));
        Ok(if last { Merge::Refused(said) } else { Merge::NotReady(said) })
    }
}

fn merged(what: &str, answer: &Answer) -> Result<Merge, ForgeError> {
    let result: MergeResult = answer.read(what)?;
    match (result.merged, result.sha) {
        (true, Some(commit)) => Ok(Merge::Merged(commit)),
        _ => Err(ForgeError::Transient(format!("{what}: GitHub answers 200 and does not say what was merged"))),
    }
}
