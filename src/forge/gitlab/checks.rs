//! Checks of a head commit: jobs of GitLab's own pipelines, and statuses that others posted.
//!
//! A check's `app` is `0` for GitLab's own jobs, and the number of the user who posted it for a status from outside.
//! The newest pipeline of the head is one more check, `pipeline`, of app `0`.
//!
//! Must not count what belongs to another commit, and must not let one kind pass for the other.

use super::answers::{Commit, Job, MergeRequest, Pipeline, Status};
use super::{GitlabForge, built};
use crate::domain::facts::{Check, Conclusion};
use crate::domain::ids::Oid;
use crate::forge::ForgeError;
use gitlab::api::projects::merge_requests::pipelines::MergeRequestPipelines;
use gitlab::api::projects::pipelines::PipelineJobs;
use gitlab::api::projects::repository::commits::{self, CommitStatuses};
use std::collections::BTreeMap;

/// The number under which GitLab's own jobs stand.
pub(super) const CI: u64 = 0;
/// The name of the check for the whole pipeline.
pub(super) const PIPELINE: &str = "pipeline";
/// The most pipelines, newest first, and the most jobs or statuses of one commit.
const PIPELINES: usize = 100;
pub(super) const JOBS: usize = 2_000;

impl GitlabForge {
    /// What was said about the head of a merge request.
    pub(super) async fn checks(&self, request: &MergeRequest, head: &Oid) -> Result<Vec<Check>, ForgeError> {
        let mut pipelines = self.pipelines(request, head).await?;
        pipelines.sort_by_key(|pipeline| pipeline.id);
        let mut checks = Vec::new();
        for pipeline in &pipelines {
            let endpoint = built(PipelineJobs::builder().project(self.project).pipeline(pipeline.id).build())?;
            let jobs: Vec<Job> = self.whole(endpoint, JOBS).await?;
            checks.extend(jobs.iter().map(|job| of_job(job, head)));
        }
        let posted = posted(self.statuses(head).await?, head);
        let bot = self.bot().await?.id;
        let whole = match pipelines.last() {
            Some(newest) => Some(conclusion(&newest.status)),
            None => worst(posted.iter().filter(|check| check.app != bot)),
        };
        let pipeline = |conclusion| Check { name: PIPELINE.to_owned(), app: CI, head: head.clone(), conclusion };
        checks.extend(posted);
        checks.extend(whole.map(pipeline));
        Ok(checks)
    }

    /// Every status of a commit, the latest of each name.
    pub(super) async fn statuses(&self, head: &Oid) -> Result<Vec<Status>, ForgeError> {
        let endpoint = built(CommitStatuses::builder().project(self.project).commit(head.as_str()).build())?;
        self.whole(endpoint, JOBS).await
    }

    /// The newest pipeline of each ref that ran on the head itself, or on its merge with the base.
    async fn pipelines(&self, request: &MergeRequest, head: &Oid) -> Result<Vec<Pipeline>, ForgeError> {
        let endpoint =
            built(MergeRequestPipelines::builder().project(self.project).merge_request(request.iid).build())?;
        let all: Vec<Pipeline> = self.list(endpoint, PIPELINES).await?;
        let merged = format!("refs/merge-requests/{}/merge", request.iid);
        let refs = [request.source_branch.clone(), format!("refs/merge-requests/{}/head", request.iid), merged.clone()];
        let mut newest: BTreeMap<String, Pipeline> = BTreeMap::new();
        for pipeline in all {
            // Statuses from outside make a pipeline too; children are jobs of their parents.
            let own = !matches!(pipeline.source.as_str(), "external" | "parent_pipeline");
            if own && refs.contains(&pipeline.reference) && (pipeline.reference == merged || pipeline.sha == *head) {
                let kept = newest.entry(pipeline.reference.clone()).or_insert_with(|| pipeline.clone());
                if kept.id < pipeline.id {
                    *kept = pipeline;
                }
            }
        }
        if let Some(pipeline) = newest.get(&merged)
            && !self.merges(&pipeline.sha, head).await?
        {
            newest.remove(&merged);
        }
        Ok(newest.into_values().collect())
    }

    /// Whether a commit is a merge of this head.
    async fn merges(&self, commit: &Oid, head: &Oid) -> Result<bool, ForgeError> {
        let endpoint = built(commits::Commit::builder().project(self.project).commit(commit.as_str()).build())?;
        let read: Option<Commit> = super::found(self.one(endpoint).await)?;
        Ok(read.is_some_and(|read| read.parent_ids.get(1) == Some(head)))
    }
}

fn of_job(job: &Job, head: &Oid) -> Check {
    let said = conclusion(&job.status);
    // A job that may fail says neither yes nor no when it does.
    let conclusion = if said == Conclusion::Failure && job.allow_failure { Conclusion::Neutral } else { said };
    Check { name: job.name.clone(), app: CI, head: head.clone(), conclusion }
}

/// The newest status of each name and user, without those that are jobs: a job's address ends with its own number.
pub(super) fn posted(statuses: Vec<Status>, head: &Oid) -> Vec<Check> {
    let mut newest: BTreeMap<(String, u64), Status> = BTreeMap::new();
    for status in statuses.into_iter().filter(|status| status.sha == *head && !is_job(status)) {
        let Some(author) = &status.author else { continue };
        let key = (status.name.clone(), author.id);
        if newest.get(&key).is_none_or(|kept| kept.id < status.id) {
            newest.insert(key, status);
        }
    }
    let check = |((name, app), status): ((String, u64), Status)| Check {
        name,
        app,
        head: head.clone(),
        conclusion: conclusion(&status.status),
    };
    newest.into_iter().map(check).collect()
}

pub(super) fn is_job(status: &Status) -> bool {
    let address = status.target_url.as_deref().unwrap_or_default();
    [format!("/jobs/{}", status.id), format!("/builds/{}", status.id)].iter().any(|end| address.ends_with(end.as_str()))
}

/// What a word of GitLab says; one that is not known is not done.
pub(super) fn conclusion(word: &str) -> Conclusion {
    match word {
        "success" => Conclusion::Success,
        "failed" => Conclusion::Failure,
        "canceled" | "canceling" => Conclusion::Cancelled,
        "skipped" => Conclusion::Skipped,
        "manual" => Conclusion::ActionRequired,
        // created, pending, running, preparing, scheduled, waiting_for_resource, waiting_for_callback, ...
        _ => Conclusion::Pending,
    }
}

/// The worst of all; none if there are none.
fn worst<'a>(checks: impl Iterator<Item = &'a Check>) -> Option<Conclusion> {
    let rank = |conclusion: &Conclusion| match conclusion {
        Conclusion::Failure => 6,
        Conclusion::Cancelled => 5,
        Conclusion::ActionRequired => 4,
        Conclusion::Pending => 3,
        Conclusion::Skipped => 2,
        Conclusion::Neutral => 1,
        Conclusion::Success => 0,
    };
    checks.map(|check| check.conclusion).max_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Oid {
        "a".repeat(40).parse().unwrap()
    }

    fn status(id: u64, name: &str, word: &str, author: u64, url: &str) -> Status {
        let text = format!(
            r#"{{"id":{id},"name":"{name}","status":"{word}","sha":"{}","author":{{"id":{author}}},"target_url":"{url}"}}"#,
            head()
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn f54_only_success_is_success() {
        for word in ["created", "pending", "running", "preparing", "scheduled", "waiting_for_resource", "", "Success"] {
            assert_eq!(conclusion(word), Conclusion::Pending, "{word}");
        }
        assert_eq!(conclusion("success"), Conclusion::Success);
        assert_eq!(conclusion("failed"), Conclusion::Failure);
        assert_eq!(conclusion("canceling"), Conclusion::Cancelled);
        assert_eq!(conclusion("skipped"), Conclusion::Skipped);
        assert_eq!(conclusion("manual"), Conclusion::ActionRequired);
        let job = |allow| Job { name: "lint".into(), status: "failed".into(), allow_failure: allow };
        assert_eq!(of_job(&job(true), &head()).conclusion, Conclusion::Neutral);
        assert_eq!(of_job(&job(false), &head()).conclusion, Conclusion::Failure);
    }

    #[test]
    fn f53_a_status_stands_under_the_number_of_who_posted_it() {
        let all = vec![
            status(1, "ci", "success", 7, ""),
            status(2, "ci", "failed", 9, ""),
            status(3, "ci", "pending", 7, ""),
            status(91, "build", "success", 7, "https://gitlab.example/a/b/-/jobs/91"),
        ];
        let found: Vec<_> = posted(all, &head()).into_iter().map(|c| (c.name, c.app, c.conclusion)).collect();
        assert_eq!(found, [("ci".into(), 7, Conclusion::Pending), ("ci".into(), 9, Conclusion::Failure)]);
    }

    #[test]
    fn f51_a_status_of_another_commit_is_not_counted() {
        let mut other = status(1, "ci", "success", 7, "");
        other.sha = "b".repeat(40).parse().unwrap();
        assert!(posted(vec![other], &head()).is_empty());
    }

    #[test]
    fn the_worst_status_speaks_for_all() {
        let checks = posted(vec![status(1, "a", "success", 7, ""), status(2, "b", "running", 7, "")], &head());
        assert_eq!(worst(checks.iter()), Some(Conclusion::Pending));
        assert_eq!(worst([].iter()), None);
    }
}
