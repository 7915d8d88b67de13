//! Our check runs as commit statuses, and their text as a note: GitLab has no check runs.
//!
//! A status knows no "neutral" and no "action required"; both are `skipped`, which neither passes nor blocks a
//! pipeline. An instance before 17.6 does not take `skipped`: there the note alone says it.
//!
//! Must not leave a status pending: it would keep the pipeline, and so every person, from merging.

use super::answers::{MergeRequest, Status, Written};
use super::quiet::one_line;
use super::{GitlabForge, built, wire};
use crate::domain::facts::Conclusion;
use crate::domain::ids::Oid;
use crate::forge::{ForgeError, Report};
use gitlab::api::projects::repository::commits::{self, CommitStatusState, CreateCommitStatus};

/// The most bytes of a status's description and address.
const FIELD: usize = 255;
/// The most merge requests of one commit that are looked at.
const OF_COMMIT: usize = 100;

impl GitlabForge {
    /// Sets one of our statuses on a head, and our note with its text on the merge request of that head.
    pub(super) async fn set_status(&self, head: &Oid, report: &Report) -> Result<(), ForgeError> {
        let request = self.of_head(head).await?;
        let address = match &request {
            Some(request) => self.explain(request, report).await?,
            None => None,
        };
        let (state, word) = state(report.conclusion);
        let description = one_line(&report.title, FIELD);
        let bot = self.bot().await?.id;
        let ours =
            |status: &&Status| status.name == report.name && status.author.as_ref().is_some_and(|it| it.id == bot);
        let statuses = self.statuses(head).await?;
        let last = statuses.iter().filter(ours).max_by_key(|status| status.id);
        if last.is_some_and(|last| last.status == word && last.description.as_deref() == Some(description.as_str())) {
            return Ok(());
        }
        let mut builder = CreateCommitStatus::builder();
        builder.project(self.project).commit(head.as_str()).state(state).name(report.name.as_str());
        builder.description(description);
        if let Some(request) = &request {
            builder.ref_(request.source_branch.as_str());
        }
        if let Some(address) = address.filter(|address| address.len() <= FIELD) {
            builder.target_url(address);
        }
        match self.one::<Written>(built(builder.build())?).await {
            Ok(_) => Ok(()),
            Err(failure) => match wire::status(&failure) {
                Some((400, said)) if word == "skipped" && said.contains("state") => Ok(()),
                _ => Err(failure.into()),
            },
        }
    }

    /// The open merge request of this project whose head it is.
    async fn of_head(&self, head: &Oid) -> Result<Option<MergeRequest>, ForgeError> {
        let endpoint = built(commits::MergeRequests::builder().project(self.project).sha(head.as_str()).build())?;
        let all: Vec<MergeRequest> = self.list(endpoint, OF_COMMIT).await?;
        let bot = self.bot().await?.id;
        let fits = |request: &MergeRequest| {
            request.author.id == bot
                && request.state == "opened"
                && request.source_project_id == Some(self.project)
                && request.sha.as_ref() == Some(head)
        };
        Ok(all.into_iter().find(fits))
    }

    /// Writes the text of a report; answers where it stands.
    async fn explain(&self, request: &MergeRequest, report: &Report) -> Result<Option<String>, ForgeError> {
        if report.summary.trim().is_empty() {
            return Ok(request.web_url.clone());
        }
        let text = format!("**{}**: {}\n\n{}", report.name, report.title, report.summary);
        let note = self.say(request.iid, &format!("report/{}", report.name), &text).await?;
        Ok(request.web_url.as_ref().map(|url| format!("{url}#note_{note}")))
    }
}

/// The state of a status for what a report says.
fn state(conclusion: Conclusion) -> (CommitStatusState, &'static str) {
    match conclusion {
        Conclusion::Success => (CommitStatusState::Success, "success"),
        Conclusion::Failure => (CommitStatusState::Failed, "failed"),
        Conclusion::Cancelled => (CommitStatusState::Canceled, "canceled"),
        Conclusion::Pending | Conclusion::Neutral | Conclusion::Skipped | Conclusion::ActionRequired => {
            (CommitStatusState::Skipped, "skipped")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f54_only_success_is_shown_as_success_and_nothing_as_pending() {
        let word = |conclusion| state(conclusion).1;
        assert_eq!(word(Conclusion::Success), "success");
        assert_eq!(word(Conclusion::Failure), "failed");
        for other in [Conclusion::Pending, Conclusion::Neutral, Conclusion::Skipped, Conclusion::ActionRequired] {
            assert_eq!(word(other), "skipped", "{other:?}");
        }
    }
}
