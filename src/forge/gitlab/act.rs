//! Opening, describing and closing merge requests.
//!
//! Must not open a second merge request where ours is open, and must not send a description that GitLab would obey.

use super::quiet::{one_line, quiet};
use super::wire::status;
use super::{GitlabForge, answers, built};
use crate::forge::{ForgeError, NewPull};
use gitlab::api::projects::merge_requests::{CreateMergeRequest, EditMergeRequest, MergeRequestStateEvent};

/// The most bytes of a title: GitLab takes 255 characters.
const TITLE: usize = 255;
/// The most characters of a description or a note.
pub(super) const TEXT: usize = 1_000_000;

impl GitlabForge {
    /// Opens a merge request; one of ours that is open from the same branch to the same base is taken instead.
    pub(super) async fn open_pull(&self, new: &NewPull) -> Result<u64, ForgeError> {
        fits(&new.body)?;
        let reviewers = self.reviewers(&new.reviewers).await?;
        let mut builder = CreateMergeRequest::builder();
        builder.project(self.project).source_branch(new.head_ref.as_str()).target_branch(new.base_ref.as_str());
        builder.target_project_id(self.project).remove_source_branch(false);
        builder.title(one_line(&new.title, TITLE)).description(quiet(&new.body));
        builder.labels(new.labels.iter().map(String::as_str));
        if !reviewers.is_empty() {
            builder.reviewers(reviewers.into_iter());
        }
        let made = self.one::<answers::MergeRequest>(built(builder.build())?).await;
        match made {
            Ok(made) => Ok(made.iid),
            Err(failure) if matches!(status(&failure), Some((409, _))) => self.adopt(new).await,
            Err(failure) => match status(&failure) {
                // A branch that was just pushed may not show yet.
                Some((400 | 422, said)) if said.contains("source_branch") || said.contains("Source branch") => {
                    Err(ForgeError::Transient(said.to_owned()))
                }
                _ => Err(failure.into()),
            },
        }
    }

    /// The open merge request that keeps ours from being made, if it is ours.
    async fn adopt(&self, new: &NewPull) -> Result<u64, ForgeError> {
        let bot = self.bot().await?.id;
        let all = self.of_branch(&new.head_ref).await?;
        let open = all.iter().find(|request| request.state == "opened" && request.target_branch == new.base_ref);
        match open {
            Some(request) if request.author.id == bot => Ok(request.iid),
            Some(request) => {
                Err(ForgeError::Rejected(format!("!{} stands on our branch and is not ours", request.iid)))
            }
            None => Err(ForgeError::Transient("another merge request is said to be open and is not shown".to_owned())),
        }
    }

    /// Replaces the description. GitLab takes white space off its end.
    pub(super) async fn describe(&self, number: u64, body: &str) -> Result<(), ForgeError> {
        fits(body)?;
        let mut builder = EditMergeRequest::builder();
        builder.project(self.project).merge_request(number).description(quiet(body));
        let edited: answers::MergeRequest = self.one(built(builder.build())?).await?;
        let (sent, kept) = (quiet(body), edited.description.unwrap_or_default());
        if sent.trim_end() != kept.replace('\r', "").trim_end() {
            return Err(ForgeError::Rejected(format!("!{number}: GitLab changed the description that was sent")));
        }
        Ok(())
    }

    /// Closes a merge request; one that is over already is fine.
    pub(super) async fn close_pull(&self, number: u64) -> Result<(), ForgeError> {
        let request = self.merge_request(number).await?;
        if matches!(request.state.as_str(), "closed" | "merged") {
            return Ok(());
        }
        let mut builder = EditMergeRequest::builder();
        builder.project(self.project).merge_request(number).state_event(MergeRequestStateEvent::Close);
        let closed: answers::MergeRequest = self.one(built(builder.build())?).await?;
        if closed.state == "closed" {
            return Ok(());
        }
        Err(ForgeError::Transient(format!("!{number} is {} after it was closed", closed.state)))
    }
}

/// Refuses text that the forge would refuse or cut.
pub(super) fn fits(text: &str) -> Result<(), ForgeError> {
    let size = text.chars().count();
    if size <= TEXT {
        return Ok(());
    }
    Err(ForgeError::Rejected(format!("the text has {size} characters; the limit is {TEXT}")))
}
