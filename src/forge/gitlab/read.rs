//! Reads the project, branches and merge requests.
//!
//! Must not keep an answer: what decides is read afresh.

use super::answers::{Branch, MergeRequest, Project};
use super::{GitlabForge, built, found};
use crate::domain::facts::{Pull, Repository, User};
use crate::forge::ForgeError;
use gitlab::api::common::SortOrder;
use gitlab::api::projects::merge_requests::{self, MergeRequestOrderBy, MergeRequests};
use gitlab::api::projects::repository::branches;
use std::sync::PoisonError;

/// The most merge requests of one branch that are looked at, newest first.
const OF_BRANCH: usize = 20;

impl GitlabForge {
    /// The project, by its number.
    pub(super) async fn project(&self) -> Result<Project, ForgeError> {
        let endpoint = built(gitlab::api::projects::Project::builder().project(self.project).build())?;
        let project: Project = self.one(endpoint).await?;
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = Some(project.path_with_namespace.clone());
        Ok(project)
    }

    /// What the project is called; a turn reads the project before it works with git.
    pub(super) async fn name(&self) -> Result<String, ForgeError> {
        let known = self.name.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(name) => Ok(name),
            None => Ok(self.project().await?.path_with_namespace),
        }
    }

    pub(super) async fn read_repository(&self) -> Result<Repository, ForgeError> {
        let project = self.project().await?;
        let name = project.path_with_namespace;
        let Some(default_branch) = project.default_branch.filter(|_| !project.empty_repo) else {
            return Err(ForgeError::Rejected(format!("{name}: it is empty: push a first commit")));
        };
        let bot = self.bot().await?;
        Ok(Repository {
            id: project.id,
            name,
            default_branch,
            archived: project.archived || project.marked_for_deletion_at.is_some(),
            bot: User { id: bot.id, login: bot.username.clone() },
        })
    }

    /// A branch; none if there is no such branch.
    pub(super) async fn branch(&self, name: &str) -> Result<Option<Branch>, ForgeError> {
        let endpoint = built(branches::Branch::builder().project(self.project).branch(name).build())?;
        found(self.one(endpoint).await)
    }

    /// A merge request, by its number in the project.
    pub(super) async fn merge_request(&self, number: u64) -> Result<MergeRequest, ForgeError> {
        let endpoint =
            built(merge_requests::MergeRequest::builder().project(self.project).merge_request(number).build())?;
        Ok(self.one(endpoint).await?)
    }

    /// The merge requests from a branch of this project, newest first, closed ones too.
    pub(super) async fn of_branch(&self, branch: &str) -> Result<Vec<MergeRequest>, ForgeError> {
        let mut builder = MergeRequests::builder();
        builder.project(self.project).source_branch(branch);
        builder.order_by(MergeRequestOrderBy::CreatedAt).sort(SortOrder::Descending);
        let mut all: Vec<MergeRequest> = self.list(built(builder.build())?, OF_BRANCH).await?;
        all.retain(|request| request.source_branch == branch && request.source_project_id == Some(self.project));
        all.sort_by_key(|request| std::cmp::Reverse(request.iid));
        Ok(all)
    }

    pub(super) async fn find_from(&self, branch: &str) -> Result<Vec<Pull>, ForgeError> {
        let mut pulls = Vec::new();
        for listed in self.of_branch(branch).await? {
            // A list may show what was; the merge request itself is the truth.
            let request = self.merge_request(listed.iid).await?;
            pulls.push(self.view(request).await?);
        }
        Ok(pulls)
    }
}
