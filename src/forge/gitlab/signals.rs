//! What others say of a landed commit: jobs, statuses and pipelines, and its newest deployment to each environment.
//!
//! Must not count what our own user posted; a job of a pipeline is the project's, whoever's merge made it run.

use super::answers::{Pipeline, Status};
use super::checks::{CI, JOBS, PIPELINE, conclusion, is_job, posted};
use super::{GitlabForge, built};
use crate::domain::facts::{Check, Conclusion};
use crate::domain::ids::Oid;
use crate::forge::ForgeError;
use gitlab::api::common::SortOrder;
use gitlab::api::projects::deployments::{DeploymentOrderBy, Deployments};
use gitlab::api::projects::pipelines::Pipelines;
use gitlab::api::{Endpoint, Pageable, QueryParams};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How many of the project's newest deployments are looked at: GitLab cannot be asked for those of a commit.
const NEWEST: usize = 200;

#[derive(Clone, Debug, Deserialize)]
struct Deployment {
    id: u64,
    sha: Oid,
    status: String,
    environment: Environment,
}

#[derive(Clone, Debug, Deserialize)]
struct Environment {
    name: String,
}

/// Deployments, page by page.
struct Newest<'a>(Deployments<'a>);

impl Endpoint for Newest<'_> {
    fn method(&self) -> http::Method {
        self.0.method()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.0.endpoint()
    }

    fn parameters(&self) -> QueryParams<'_> {
        self.0.parameters()
    }
}

impl Pageable for Newest<'_> {}

impl GitlabForge {
    /// Jobs, statuses and the newest pipeline of a commit, without what we posted.
    pub(super) async fn signals_of(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        let statuses = self.statuses(commit).await?;
        let bot = self.bot().await?.id;
        let mut checks = jobs(&statuses, commit);
        checks.extend(posted(statuses, commit).into_iter().filter(|check| check.app != bot));
        let endpoint = built(Pipelines::builder().project(self.project).sha(commit.as_str()).build())?;
        let pipelines: Vec<Pipeline> = self.whole(endpoint, JOBS).await?;
        // Statuses from outside make a pipeline too, ours among them.
        let own = |it: &&Pipeline| it.sha == *commit && !matches!(it.source.as_str(), "external" | "parent_pipeline");
        let newest = pipelines.iter().filter(own).max_by_key(|pipeline| pipeline.id);
        checks.extend(newest.map(|it| check(PIPELINE, commit, conclusion(&it.status))));
        Ok(checks)
    }

    /// The newest deployment of a commit to each environment.
    pub(super) async fn deployments_of(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        let mut asked = Deployments::builder();
        asked.project(self.project).order_by(DeploymentOrderBy::Id).sort(SortOrder::Descending);
        let all: Vec<Deployment> = self.list(Newest(built(asked.build())?), NEWEST).await?;
        let mut newest: BTreeMap<&str, &Deployment> = BTreeMap::new();
        for deployment in all.iter().filter(|deployment| deployment.sha == *commit) {
            let kept = newest.entry(&deployment.environment.name).or_insert(deployment);
            if kept.id < deployment.id {
                *kept = deployment;
            }
        }
        Ok(newest.into_iter().map(|(name, it)| check(name, commit, conclusion(&it.status))).collect())
    }
}

fn check(name: &str, commit: &Oid, conclusion: Conclusion) -> Check {
    Check { name: name.to_owned(), app: CI, head: commit.clone(), conclusion }
}

/// The newest job of each name; one that may fail says nothing when it does.
fn jobs(statuses: &[Status], commit: &Oid) -> Vec<Check> {
    let mut newest: BTreeMap<&str, &Status> = BTreeMap::new();
    for status in statuses.iter().filter(|status| status.sha == *commit && is_job(status)) {
        let kept = newest.entry(&status.name).or_insert(status);
        if kept.id < status.id {
            *kept = status;
        }
    }
    let said = |status: &Status| match conclusion(&status.status) {
        Conclusion::Failure if status.allow_failure => Conclusion::Neutral,
        other => other,
    };
    newest.into_iter().map(|(name, status)| check(name, commit, said(status))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(id: u64, word: &str, allow: bool, url: &str) -> Status {
        let sha = "a".repeat(40);
        serde_json::from_str(&format!(
            r#"{{"id":{id},"name":"deploy","status":"{word}","sha":"{sha}","allow_failure":{allow},"author":{{"id":4}},"target_url":"{url}"}}"#
        ))
        .unwrap()
    }

    #[test]
    fn f54_a_job_speaks_for_itself_and_the_newest_one() {
        let commit: Oid = "a".repeat(40).parse().unwrap();
        let said = |all: &[Status]| jobs(all, &commit).iter().map(|it| it.conclusion).collect::<Vec<_>>();
        let url = |id: u64| format!("https://gitlab.example/a/b/-/jobs/{id}");
        let first = status(91, "failed", false, &url(91));
        assert_eq!(said(std::slice::from_ref(&first)), [Conclusion::Failure]);
        assert_eq!(said(&[status(92, "success", false, &url(92)), first]), [Conclusion::Success], "it was run again");
        assert_eq!(said(&[status(93, "failed", true, &url(93))]), [Conclusion::Neutral]);
        assert!(said(&[status(94, "failed", false, "")]).is_empty(), "what was posted is no job");
        assert!(jobs(&[status(95, "failed", false, &url(95))], &"b".repeat(40).parse().unwrap()).is_empty());
    }
}
