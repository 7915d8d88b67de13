//! What others say of a landed commit: checks and statuses, and its newest deployment to each environment.
//!
//! Must not count what our own App wrote, nor take a deployment that is not over for one that went well.

use super::GithubForge;
use crate::domain::facts::{Check, Conclusion};
use crate::domain::ids::Oid;
use crate::forge::ForgeError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The most environments of one commit.
const ENVIRONMENTS: usize = 30;

#[derive(Clone, Debug, Deserialize)]
struct Deployment {
    id: u64,
    sha: Oid,
    environment: String,
}

#[derive(Debug, Deserialize)]
struct Status {
    id: u64,
    state: String,
}

impl GithubForge {
    /// Checks and statuses of a commit, without our own.
    pub(super) async fn signals_of(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        let (mut checks, us) = (self.checks(commit).await?, self.talk.app.id);
        checks.retain(|check| check.app != us);
        Ok(checks)
    }

    /// The newest deployment of a commit to each environment.
    pub(super) async fn deployments_of(&self, commit: &Oid) -> Result<Vec<Check>, ForgeError> {
        let what = format!("the deployments of {commit}");
        let route = self.deployments.at(&format!("/deployments?sha={commit}"));
        let all: Vec<Deployment> = self.deployments.list(&what, &route, |page: Vec<Deployment>| page).await?;
        let mut newest: BTreeMap<String, Deployment> = BTreeMap::new();
        for deployment in all.into_iter().filter(|deployment| deployment.sha == *commit) {
            let kept = newest.entry(deployment.environment.clone()).or_insert_with(|| deployment.clone());
            if kept.id < deployment.id {
                *kept = deployment;
            }
        }
        if newest.len() > ENVIRONMENTS {
            return Err(ForgeError::Rejected(format!("{what} go to more than {ENVIRONMENTS} environments")));
        }
        let mut found = Vec::with_capacity(newest.len());
        for (name, deployment) in newest {
            let route = self.deployments.at(&format!("/deployments/{}/statuses", deployment.id));
            let statuses: Vec<Status> = self.deployments.list(&what, &route, |page: Vec<Status>| page).await?;
            found.push(Check { name, app: 0, head: commit.clone(), conclusion: conclusion(&statuses) });
        }
        Ok(found)
    }
}

/// What a deployment came to: its newest status, before it gave way to another deployment.
fn conclusion(statuses: &[Status]) -> Conclusion {
    let lasting = statuses.iter().filter(|status| status.state != "inactive");
    match lasting.max_by_key(|status| status.id).map(|status| status.state.as_str()) {
        Some("success") => Conclusion::Success,
        Some("failure" | "error") => Conclusion::Failure,
        // pending, queued, in_progress, and words that are not known.
        Some(_) | None => Conclusion::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f54_only_a_deployment_that_ended_well_is_a_success() {
        let said = |words: &[&str]| {
            let status = |(id, word): (u64, &&str)| Status { id, state: (*word).to_owned() };
            conclusion(&(1..).zip(words).map(status).collect::<Vec<_>>())
        };
        assert_eq!(said(&[]), Conclusion::Pending);
        assert_eq!(said(&["queued", "in_progress"]), Conclusion::Pending);
        assert_eq!(said(&["in_progress", "success"]), Conclusion::Success);
        assert_eq!(said(&["in_progress", "success", "inactive"]), Conclusion::Success, "another one took its place");
        assert_eq!(said(&["success", "failure"]), Conclusion::Failure);
        assert_eq!(said(&["error"]), Conclusion::Failure);
        assert_eq!(said(&["inactive"]), Conclusion::Pending);
        assert_eq!(said(&["SUCCESS"]), Conclusion::Pending);
    }
}
