//! Approvals and reviewers as reviews, each with the head it was given for and the right of who gave it.
//!
//! Must not take an approval for the newest head unless it came after it: GitLab keeps approvals over pushes, unless
//! the project says otherwise, and does not say which commit they are about.

use super::answers::{Approvals, MergeRequest, Note, Reviewer, Version};
use super::{Get, GitlabForge, built, found};
use crate::domain::facts::{Opinion, Review};
use crate::domain::ids::{Oid, Time};
use crate::forge::ForgeError;
use gitlab::api::projects::merge_requests::MergeRequestReviewers;
use gitlab::api::projects::merge_requests::approvals::MergeRequestApprovals;

/// The most heads and reviewers of a merge request.
const VERSIONS: usize = 500;
const REVIEWERS: usize = 500;
/// The notes that GitLab writes for an approval, for one that is taken back, and for a request of changes.
const APPROVED: &str = "approved this merge request";
const TAKEN_BACK: &str = "unapproved this merge request";
const REQUESTED: &str = "requested changes";

impl GitlabForge {
    /// What reviewers say now: one opinion for each person.
    pub(super) async fn reviews(&self, request: &MergeRequest, notes: &[Note]) -> Result<Vec<Review>, ForgeError> {
        let number = request.iid;
        let reviewers = self.asked(number).await?;
        let approvals = self.approvals(number).await?;
        let mut reviews = Vec::new();
        if reviewers.is_empty() && approvals.approved_by.is_empty() {
            return Ok(reviews);
        }
        let heads = Heads::of(self.versions(number).await?, request)?;
        let against = |id: u64| reviewers.iter().any(|it| it.user.id == id && opinion(&it.state).is_some());
        for approval in approvals.approved_by.into_iter().filter(|approval| !against(approval.user.id)) {
            let at = approval.approved_at.or_else(|| told(notes, approval.user.id, APPROVED));
            let can_write = self.can_write(approval.user.id).await?;
            let (head, at) = (heads.at(at), at.unwrap_or_default());
            reviews.push(Review { by: approval.user.into(), can_write, opinion: Opinion::Approve, head, at });
        }
        for reviewer in reviewers {
            let Some(opinion) = opinion(&reviewer.state) else { continue };
            let words = if opinion == Opinion::Dismissed { TAKEN_BACK } else { REQUESTED };
            let at = told(notes, reviewer.user.id, words);
            let can_write = self.can_write(reviewer.user.id).await?;
            let (head, at) = (heads.at(at), at.unwrap_or_default());
            reviews.push(Review { by: reviewer.user.into(), can_write, opinion, head, at });
        }
        reviews.sort_by_key(|review| review.at);
        Ok(reviews)
    }

    async fn approvals(&self, number: u64) -> Result<Approvals, ForgeError> {
        let endpoint = built(MergeRequestApprovals::builder().project(self.project).merge_request(number).build())?;
        Ok(found(self.one(endpoint).await)?.unwrap_or(Approvals { approved_by: Vec::new() }))
    }

    /// Who was asked for a review; nobody before GitLab 15.
    async fn asked(&self, number: u64) -> Result<Vec<Reviewer>, ForgeError> {
        let endpoint = built(MergeRequestReviewers::builder().project(self.project).merge_request(number).build())?;
        Ok(found(self.list(endpoint, REVIEWERS).await)?.unwrap_or_default())
    }

    async fn versions(&self, number: u64) -> Result<Vec<Version>, ForgeError> {
        let endpoint = Get(format!("projects/{}/merge_requests/{number}/versions", self.project));
        self.whole(endpoint, VERSIONS).await
    }
}

/// What a reviewer's state means where it is more than an approval or nothing.
fn opinion(state: &str) -> Option<Opinion> {
    match state {
        "requested_changes" => Some(Opinion::RequestChanges),
        "unapproved" => Some(Opinion::Dismissed),
        // unreviewed, review_started, reviewed, approved: the list of approvals says who approves.
        _ => None,
    }
}

/// When a user last did what GitLab tells with these words.
fn told(notes: &[Note], user: u64, words: &str) -> Option<Time> {
    let fits = |note: &&Note| note.system && note.author.id == user && note.body.trim() == words;
    notes.iter().filter(fits).filter_map(|note| note.created_at).max()
}

/// The heads a merge request had, oldest first; never empty.
struct Heads {
    first: Oid,
    later: Vec<(Time, Oid)>,
}

impl Heads {
    fn of(mut versions: Vec<Version>, request: &MergeRequest) -> Result<Heads, ForgeError> {
        let unknown = || ForgeError::Transient(format!("!{}: the heads it had cannot be read", request.iid));
        versions.sort_by_key(|version| version.created_at);
        let mut versions = versions.into_iter();
        let first = versions.next().ok_or_else(unknown)?.head_commit_sha;
        let later = versions.map(|version| version.created_at.map(|at| (at, version.head_commit_sha)));
        Ok(Heads { first, later: later.collect::<Option<_>>().ok_or_else(unknown)? })
    }

    /// The head at this moment; where the moment is not known, the oldest.
    fn at(&self, at: Option<Time>) -> Oid {
        let before = |(since, _): &&(Time, Oid)| at.is_some_and(|at| *since <= at);
        self.later.iter().rev().find(before).map_or(&self.first, |(_, head)| head).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(c: &str) -> Oid {
        c.repeat(40).parse().unwrap()
    }

    fn heads() -> Heads {
        let at = |text: &str| Some(text.parse().unwrap());
        let version = |c: &str, text: &str| Version { head_commit_sha: oid(c), created_at: at(text) };
        let request = serde_json::from_str(
            r#"{"iid":1,"project_id":2,"state":"opened","title":"t","author":{"id":3},"source_branch":"a","target_branch":"b"}"#,
        );
        Heads::of(vec![version("b", "2026-01-05T09:00:00Z"), version("a", "2026-01-05T08:00:00Z")], &request.unwrap())
            .unwrap()
    }

    #[test]
    fn f57_an_approval_is_about_the_head_that_stood_then() {
        let at = |text: &str| heads().at(Some(text.parse().unwrap()));
        assert_eq!(at("2026-01-05T08:30:00Z"), oid("a"));
        assert_eq!(at("2026-01-05T08:59:59Z"), oid("a"));
        assert_eq!(at("2026-01-05T09:00:00Z"), oid("b"));
        assert_eq!(at("2026-01-05T07:00:00Z"), oid("a"));
    }

    #[test]
    fn f57_an_approval_without_a_time_is_about_the_oldest_head() {
        assert_eq!(heads().at(None), oid("a"));
    }

    #[test]
    fn f58_states_of_reviewers() {
        assert_eq!(opinion("requested_changes"), Some(Opinion::RequestChanges));
        assert_eq!(opinion("unapproved"), Some(Opinion::Dismissed));
        for state in ["unreviewed", "reviewed", "approved", "review_started", "tomorrow", ""] {
            assert_eq!(opinion(state), None, "{state}");
        }
    }

    #[test]
    fn only_gitlabs_own_note_of_that_person_tells_when() {
        let note = |system: bool, user: u64, body: &str| -> Note {
            let at = "2026-01-05T08:00:00Z";
            let text =
                format!(r#"{{"id":1,"body":"{body}","author":{{"id":{user}}},"system":{system},"created_at":"{at}"}}"#);
            serde_json::from_str(&text).unwrap()
        };
        assert!(told(&[note(true, 7, APPROVED)], 7, APPROVED).is_some());
        assert!(told(&[note(false, 7, APPROVED)], 7, APPROVED).is_none());
        assert!(told(&[note(true, 8, APPROVED)], 7, APPROVED).is_none());
        assert!(told(&[note(true, 7, "unapproved this merge request")], 7, APPROVED).is_none());
    }
}
