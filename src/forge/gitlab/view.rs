//! A merge request as a pull request of ours: state, head, who, when, and whether it could be merged.
//!
//! Must not take a word it does not know for a good one.

use super::GitlabForge;
use super::answers::{MergeRequest, Note, Person};
use super::quiet::one_line;
use crate::domain::facts::{Landed, Mergeable, Pull, PullState, User};
use crate::domain::ids::{Oid, Time};
use crate::forge::ForgeError;
use tracing::warn;

/// Seconds after which GitLab does not add any more when a merge request was merged.
const LATE: i64 = 600;

impl GitlabForge {
    /// The merge request with everything that belongs to it. Reviews and checks are read while it is open: nothing
    /// is decided by those of one that is over.
    pub(super) async fn view(&self, request: MergeRequest) -> Result<Pull, ForgeError> {
        let bot = self.bot().await?.id;
        let number = request.iid;
        let head = head(&request)?;
        let state = state(&request)?;
        written(&request, state, self.wire.now())?;
        let notes = self.notes(number).await?;
        let (reviews, checks) = match state {
            PullState::Open => (self.reviews(&request, &notes).await?, self.checks(&request, &head).await?),
            PullState::Closed | PullState::Merged => (Vec::new(), Vec::new()),
        };
        Ok(Pull {
            number,
            repository: request.project_id,
            state,
            draft: request.draft || request.work_in_progress,
            locked: request.discussion_locked == Some(true),
            title: request.title.clone(),
            body: request.description.clone().unwrap_or_default(),
            author: request.author.clone().into(),
            base_ref: request.target_branch.clone(),
            head_ref: request.source_branch.clone(),
            head_repository: request.source_project_id.unwrap_or_default(),
            labels: request.labels.clone(),
            reviews,
            checks,
            touched_by_others: touched(&notes, bot),
            mergeable: match state {
                PullState::Open => mergeable(&request),
                PullState::Closed | PullState::Merged => Mergeable::Unknown,
            },
            merged: landed(&request, state, &head),
            closed_by: request.closed_by.clone().filter(|_| state == PullState::Closed).map(User::from),
            head,
        })
    }
}

/// The commit at the head; a merge request that was just made may not have one yet.
fn head(request: &MergeRequest) -> Result<Oid, ForgeError> {
    let unready = || ForgeError::Transient(format!("!{} has no head commit yet", request.iid));
    request.sha.clone().ok_or_else(unready)
}

/// `locked` is a merge under way: still open, and not mergeable.
fn state(request: &MergeRequest) -> Result<PullState, ForgeError> {
    match request.state.as_str() {
        "opened" | "locked" => Ok(PullState::Open),
        "closed" => Ok(PullState::Closed),
        "merged" => Ok(PullState::Merged),
        other => Err(ForgeError::Transient(format!("!{} is in a state that is not known: {other:?}", request.iid))),
    }
}

/// Whether GitLab would merge it. A word that is not known is a no; one that says "being computed" is unknown.
pub(super) fn mergeable(request: &MergeRequest) -> Mergeable {
    if request.state == "locked" {
        return Mergeable::Unknown;
    }
    if request.merge_when_pipeline_succeeds == Some(true) {
        let why = "somebody told GitLab to merge it as soon as it may: take that back, and it goes on here";
        return Mergeable::No(why.into());
    }
    match (request.detailed_merge_status.as_deref(), request.merge_status.as_deref()) {
        (Some("mergeable"), _) => Mergeable::Yes,
        (Some("checking" | "unchecked" | "preparing" | "approvals_syncing"), _) => Mergeable::Unknown,
        (Some(word), _) => Mergeable::No(hindrance(word)),
        // Before GitLab 15.6 there is only the short word.
        (None, Some("can_be_merged")) => Mergeable::Yes,
        (None, Some("cannot_be_merged")) => Mergeable::No(hindrance("conflict")),
        (None, Some(_) | None) => Mergeable::Unknown,
    }
}

/// What keeps it from being merged, for people.
fn hindrance(word: &str) -> String {
    let known = match word {
        "conflict" | "broken_status" => "it conflicts with the base",
        "need_rebase" => "the project wants the head to contain the newest base",
        "ci_must_pass" => "the pipeline has to succeed first",
        "ci_still_running" => "the pipeline is still running",
        "not_approved" => "approvals are missing",
        "requested_changes" => "a reviewer requests changes",
        "draft_status" => "it is a draft",
        "discussions_not_resolved" => "threads are not resolved",
        "not_open" => "it is not open",
        "external_status_checks" | "status_checks_must_pass" => "external status checks have not passed",
        "policies_denied" | "security_policy_violations" => "a policy of the project denies it",
        "merge_request_blocked" | "blocked_status" => "another merge request has to be merged first",
        "jira_association_missing" => "it names no issue of the tracker",
        "locked_paths" | "locked_lfs_files" => "somebody locked a file it changes",
        "merge_time" => "it may not be merged before a set time",
        "commits_status" => "its source branch or commits are missing",
        "title_regex" | "title_not_matching" => "its title does not match the project's pattern",
        other => {
            warn!(word = %one_line(other, 80), "GitLab has a new word for whether it can merge");
            "GitLab gives a reason that countersign does not know"
        }
    };
    format!("{known} ({})", one_line(word, 80))
}

/// GitLab writes down that a merge request is merged, and a moment later when and by whom: a reading between the two
/// is no reading.
fn written(request: &MergeRequest, state: PullState, now: Time) -> Result<(), ForgeError> {
    let fresh = request.updated_at.is_none_or(|at| now < at.plus_seconds(LATE));
    if state == PullState::Merged && request.merged_at.is_none() && fresh {
        let reason = format!("!{} is merged, and GitLab does not say yet when and by whom", request.iid);
        return Err(ForgeError::Transient(reason));
    }
    Ok(())
}

/// The commit on the base: of the merge, of the squash where the base was moved forward to it, or the head itself.
pub(super) fn landed(request: &MergeRequest, state: PullState, head: &Oid) -> Option<Landed> {
    if state != PullState::Merged {
        return None;
    }
    let commits = [&request.merge_commit_sha, &request.squash_commit_sha];
    let commit = commits.into_iter().flatten().next().unwrap_or(head).clone();
    // Somebody merged it; the number 0 is nobody's.
    let nobody = Person { id: 0, username: String::new() };
    let by = request.merge_user.clone().or_else(|| request.merged_by.clone()).unwrap_or(nobody);
    // Where GitLab never says when, it was at the latest when it was written last.
    let at = request.merged_at.or(request.updated_at).unwrap_or_default();
    Some(Landed { commit, by: by.into(), at })
}

/// The last note by anybody else: what they wrote, or what they did, pushes and reviews among it.
fn touched(notes: &[Note], bot: u64) -> Option<Time> {
    let others = notes.iter().filter(|note| note.author.id != bot);
    others.flat_map(|note| [note.created_at, note.updated_at.filter(|_| !note.system)]).flatten().max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &str) -> MergeRequest {
        let text = format!(
            r#"{{"iid":1,"project_id":2,"title":"t","author":{{"id":3}},"source_branch":"a","target_branch":"b",{fields}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn f61_only_the_one_good_word_is_mergeable() {
        let says = |word: &str| mergeable(&request(&format!(r#""state":"opened","detailed_merge_status":"{word}""#)));
        assert_eq!(says("mergeable"), Mergeable::Yes);
        for word in ["checking", "unchecked", "preparing", "approvals_syncing"] {
            assert_eq!(says(word), Mergeable::Unknown, "{word}");
        }
        for word in ["conflict", "need_rebase", "not_approved", "Mergeable", "mergeable ", "", "a_word_of_tomorrow"] {
            assert!(matches!(says(word), Mergeable::No(_)), "{word}");
        }
    }

    #[test]
    fn f60_what_is_being_computed_is_unknown() {
        assert_eq!(mergeable(&request(r#""state":"opened""#)), Mergeable::Unknown);
        let short = |word: &str| mergeable(&request(&format!(r#""state":"opened","merge_status":"{word}""#)));
        assert_eq!(short("can_be_merged"), Mergeable::Yes);
        assert!(matches!(short("cannot_be_merged"), Mergeable::No(_)));
        assert_eq!(short("cannot_be_merged_recheck"), Mergeable::Unknown);
        let merging = request(r#""state":"locked","detailed_merge_status":"mergeable""#);
        assert_eq!(mergeable(&merging), Mergeable::Unknown);
    }

    #[test]
    fn a_state_that_is_not_known_is_no_state() {
        assert!(state(&request(r#""state":"archived""#)).is_err());
        assert_eq!(state(&request(r#""state":"locked""#)), Ok(PullState::Open));
    }

    #[test]
    fn a_merge_whose_moment_is_not_written_yet_is_read_again() {
        let at = |text: &str| Time(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
        let now = at("2026-01-05T08:00:00Z");
        let read = |state, fields: &str| written(&request(fields), state, now);
        let bare = r#""state":"merged","updated_at":"2026-01-05T07:59:58Z""#;
        assert!(matches!(read(PullState::Merged, bare), Err(ForgeError::Transient(_))));
        assert!(matches!(read(PullState::Merged, r#""state":"merged""#), Err(ForgeError::Transient(_))));
        assert_eq!(read(PullState::Open, r#""state":"opened""#), Ok(()));
        let whole = r#""state":"merged","merged_at":"2026-01-05T07:59:58Z""#;
        assert_eq!(read(PullState::Merged, whole), Ok(()));
        // One whose moment GitLab never writes down is not waited for without end, nor taken for one of 1970.
        let old = r#""state":"merged","updated_at":"2026-01-05T07:30:00Z""#;
        assert_eq!(read(PullState::Merged, old), Ok(()));
        let head = "c".repeat(40).parse::<Oid>().unwrap();
        assert_eq!(landed(&request(old), PullState::Merged, &head).unwrap().at, at("2026-01-05T07:30:00Z"));
    }

    #[test]
    fn what_landed_is_the_merge_the_squash_or_the_head() {
        let [merge, squash, head] = ["a", "b", "c"].map(|c| c.repeat(40).parse::<Oid>().unwrap());
        let landed = |fields: &str| {
            let request = request(&format!(r#""state":"merged"{fields}"#));
            landed(&request, PullState::Merged, &head).unwrap().commit
        };
        assert_eq!(landed(""), head);
        assert_eq!(landed(&format!(r#","squash_commit_sha":"{squash}""#)), squash);
        assert_eq!(landed(&format!(r#","squash_commit_sha":"{squash}","merge_commit_sha":"{merge}""#)), merge);
    }
}
