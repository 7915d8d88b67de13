//! What GitLab answers: only the fields that are used, and only those required that every version sends.
//!
//! Must not decide; a word that is not known stays a word here.

use crate::domain::facts::User;
use crate::domain::ids::{Oid, Time};
use serde::{Deserialize, Deserializer};

/// A user, as it stands in other answers.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Person {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) username: String,
}

impl From<Person> for User {
    fn from(person: Person) -> User {
        User { id: person.id, login: person.username }
    }
}

/// A user asked for alone; `bot` is missing before GitLab 13.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Profile {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) username: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) bot: Option<bool>,
    #[serde(default)]
    pub(super) commit_email: Option<String>,
    #[serde(default)]
    pub(super) email: Option<String>,
}

/// A project.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Project {
    pub(super) id: u64,
    pub(super) path_with_namespace: String,
    #[serde(default)]
    pub(super) default_branch: Option<String>,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) empty_repo: bool,
    #[serde(default)]
    pub(super) marked_for_deletion_at: Option<String>,
    #[serde(default)]
    pub(super) merge_method: Option<String>,
    #[serde(default)]
    pub(super) squash_option: Option<String>,
    /// Missing where the token's role may not see it.
    #[serde(default)]
    pub(super) only_allow_merge_if_pipeline_succeeds: Option<bool>,
    #[serde(default)]
    pub(super) merge_trains_enabled: Option<bool>,
}

/// A branch.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Branch {
    pub(super) commit: Commit,
    #[serde(default)]
    pub(super) protected: bool,
    #[serde(default)]
    pub(super) developers_can_merge: bool,
}

/// A commit.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Commit {
    pub(super) id: Oid,
    #[serde(default)]
    pub(super) parent_ids: Vec<Oid>,
}

/// A merge request.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct MergeRequest {
    pub(super) iid: u64,
    pub(super) project_id: u64,
    pub(super) state: String,
    #[serde(default)]
    pub(super) draft: bool,
    #[serde(default)]
    pub(super) work_in_progress: bool,
    #[serde(default)]
    pub(super) discussion_locked: Option<bool>,
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    pub(super) author: Person,
    pub(super) source_branch: String,
    pub(super) target_branch: String,
    #[serde(default)]
    pub(super) source_project_id: Option<u64>,
    #[serde(default)]
    pub(super) sha: Option<Oid>,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) detailed_merge_status: Option<String>,
    #[serde(default)]
    pub(super) merge_status: Option<String>,
    #[serde(default)]
    pub(super) merge_when_pipeline_succeeds: Option<bool>,
    #[serde(default)]
    pub(super) merge_error: Option<String>,
    #[serde(default)]
    pub(super) merge_commit_sha: Option<Oid>,
    #[serde(default)]
    pub(super) squash_commit_sha: Option<Oid>,
    #[serde(default)]
    pub(super) merge_user: Option<Person>,
    #[serde(default)]
    pub(super) merged_by: Option<Person>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) merged_at: Option<Time>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) updated_at: Option<Time>,
    #[serde(default)]
    pub(super) closed_by: Option<Person>,
    #[serde(default)]
    pub(super) web_url: Option<String>,
}

/// A head that a merge request had.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Version {
    pub(super) head_commit_sha: Oid,
    #[serde(default, deserialize_with = "moment")]
    pub(super) created_at: Option<Time>,
}

/// Who approves.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Approvals {
    #[serde(default)]
    pub(super) approved_by: Vec<Approval>,
}

/// One approval; its time is missing before GitLab 18.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Approval {
    pub(super) user: Person,
    #[serde(default, deserialize_with = "moment")]
    pub(super) approved_at: Option<Time>,
}

/// Somebody asked for a review, and what came of it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Reviewer {
    pub(super) user: Person,
    #[serde(default)]
    pub(super) state: String,
}

/// A rule of approvals; none of them at all in the free edition.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ApprovalRule {
    #[serde(default)]
    pub(super) approvals_required: u32,
    #[serde(default)]
    pub(super) applies_to_all_protected_branches: bool,
    #[serde(default)]
    pub(super) protected_branches: Vec<NamedBranch>,
}

/// A branch by its name or by a pattern.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct NamedBranch {
    pub(super) name: String,
}

/// A note; a system note tells what somebody did.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Note {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) body: String,
    pub(super) author: Person,
    #[serde(default)]
    pub(super) system: bool,
    #[serde(default, deserialize_with = "moment")]
    pub(super) created_at: Option<Time>,
    #[serde(default, deserialize_with = "moment")]
    pub(super) updated_at: Option<Time>,
}

/// A status of a commit: of GitLab's own jobs, or from outside.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Status {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) sha: Oid,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) target_url: Option<String>,
    #[serde(default)]
    pub(super) author: Option<Person>,
    #[serde(default)]
    pub(super) allow_failure: bool,
}

/// A run of a pipeline.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: u64,
    pub(super) sha: Oid,
    #[serde(default, rename = "ref")]
    pub(super) reference: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) source: String,
}

/// A job of a pipeline.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) allow_failure: bool,
}

/// A member of a project, by itself or through a group.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Member {
    pub(super) id: u64,
    pub(super) access_level: u32,
    #[serde(default)]
    pub(super) state: Option<String>,
}

/// Only that there is something.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Written {
    pub(super) id: u64,
}

/// A moment with any offset; none where it is null or cannot be read.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Time>, D::Error> {
    let text: Option<String> = Option::deserialize(from)?;
    let at = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Ok(at.map(|at| Time(at.as_microsecond())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f9_missing_null_and_unknown_fields_are_taken() {
        let text = r#"{"iid":1,"project_id":2,"state":"opened","title":"t","description":null,"surprise":[1],
            "author":{"id":3},"source_branch":"a","target_branch":"b","sha":null,"merged_at":null}"#;
        let read: MergeRequest = serde_json::from_str(text).unwrap();
        assert_eq!((read.iid, read.description, read.sha), (1, None, None));
        assert_eq!(read.author.username, "");
    }

    #[test]
    fn moments_with_an_offset_are_the_same_moment() {
        let at = |text: &str| {
            let text = format!(r#"{{"head_commit_sha":"{}","created_at":{text}}}"#, "a".repeat(40));
            serde_json::from_str::<Version>(&text).unwrap().created_at
        };
        assert_eq!(at(r#""2026-01-05T09:00:00.000+01:00""#), at(r#""2026-01-05T08:00:00Z""#));
        assert!(at(r#""2026-01-05T08:00:00Z""#).is_some());
        assert_eq!(at("null"), None);
        assert_eq!(at(r#""yesterday""#), None);
    }
}
