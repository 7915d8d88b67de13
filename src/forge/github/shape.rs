//! GitHub's answers, with the fields that are used and no others.
//!
//! Must not require a field that a decision does not need: GitHub adds and drops them.

use crate::domain::facts::User;
use crate::domain::ids::{Oid, Time};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

/// A moment as GitHub writes it.
#[derive(Clone, Copy)]
pub(super) struct When(pub(super) Time);

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<When, D::Error> {
        let text = String::deserialize(text)?;
        text.parse().map(When).map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) token: SecretString,
    pub(super) expires_at: When,
}

#[derive(Deserialize)]
pub(super) struct Slug {
    pub(super) slug: String,
}

/// A user, a bot or an organisation.
#[derive(Clone, Deserialize)]
pub(super) struct Bot {
    pub(super) id: u64,
    pub(super) login: String,
    #[serde(default, rename = "type")]
    pub(super) kind: String,
}

impl Bot {
    pub(super) fn user(self) -> User {
        User { id: self.id, login: self.login }
    }
}

/// Somebody whose account is gone.
pub(super) fn ghost() -> User {
    User { id: 0, login: "ghost".into() }
}

#[derive(Clone, Deserialize)]
pub(super) struct Repo {
    pub(super) id: u64,
    pub(super) node_id: String,
    pub(super) full_name: String,
    pub(super) default_branch: String,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) disabled: bool,
}

#[derive(Deserialize)]
pub(super) struct Ref {
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) object: Object,
}

#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) sha: Oid,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

/// Something that was made and has an id.
#[derive(Deserialize)]
pub(super) struct Made {
    pub(super) sha: Oid,
}

#[derive(Deserialize)]
pub(super) struct MadeCommit {
    pub(super) sha: Oid,
    pub(super) tree: Made,
    pub(super) parents: Vec<Made>,
    #[serde(default)]
    pub(super) verification: Verification,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Verification {
    pub(super) verified: bool,
    pub(super) reason: String,
}

/// A commit with the people it belongs to.
#[derive(Deserialize)]
pub(super) struct OwnedCommit {
    pub(super) author: Option<Id>,
    pub(super) commit: GitCommit,
    pub(super) parents: Vec<Made>,
}

/// A user where only the number counts; GitHub writes `{}` for somebody unknown.
#[derive(Deserialize)]
pub(super) struct Id {
    pub(super) id: Option<u64>,
    pub(super) login: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct GitCommit {
    pub(super) message: String,
    pub(super) tree: Made,
    pub(super) committer: Option<Stamp>,
}

#[derive(Deserialize)]
pub(super) struct Stamp {
    pub(super) date: Option<When>,
}

#[derive(Deserialize)]
pub(super) struct PullAnswer {
    pub(super) number: u64,
    pub(super) state: String,
    #[serde(default)]
    pub(super) draft: bool,
    #[serde(default)]
    pub(super) locked: bool,
    pub(super) title: String,
    pub(super) body: Option<String>,
    pub(super) user: Option<Bot>,
    pub(super) head: Side,
    pub(super) base: Side,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    #[serde(default)]
    pub(super) merged: bool,
    pub(super) merged_at: Option<When>,
    #[serde(default)]
    pub(super) merged_by: Option<Bot>,
    pub(super) merge_commit_sha: Option<Oid>,
    #[serde(default)]
    pub(super) mergeable: Option<bool>,
    #[serde(default)]
    pub(super) mergeable_state: String,
    #[serde(default)]
    pub(super) auto_merge: Option<Armed>,
}

/// GitHub's own merge, told to happen as soon as it may.
#[derive(Deserialize)]
pub(super) struct Armed {
    #[serde(default)]
    pub(super) enabled_by: Option<Bot>,
}

#[derive(Deserialize)]
pub(super) struct Side {
    #[serde(rename = "ref")]
    pub(super) name: String,
    pub(super) sha: Oid,
    pub(super) repo: Option<RepoId>,
}

#[derive(Deserialize)]
pub(super) struct RepoId {
    pub(super) id: u64,
}

#[derive(Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct IssueAnswer {
    pub(super) closed_by: Option<Bot>,
}

#[derive(Deserialize)]
pub(super) struct ReviewAnswer {
    pub(super) user: Option<Bot>,
    pub(super) state: String,
    pub(super) commit_id: Option<Oid>,
    pub(super) submitted_at: Option<When>,
}

#[derive(Deserialize)]
pub(super) struct CommentAnswer {
    pub(super) id: u64,
    pub(super) user: Option<Bot>,
    pub(super) body: Option<String>,
    pub(super) created_at: When,
    pub(super) updated_at: When,
}

#[derive(Deserialize)]
pub(super) struct Permission {
    pub(super) permission: String,
    #[serde(default)]
    pub(super) role_name: String,
    pub(super) user: Option<Bot>,
}

#[derive(Deserialize)]
pub(super) struct CheckRuns {
    pub(super) check_runs: Vec<CheckRun>,
}

#[derive(Clone, Deserialize)]
pub(super) struct CheckRun {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) head_sha: Oid,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    #[serde(default)]
    pub(super) app: Option<AppId>,
    #[serde(default)]
    pub(super) output: Output,
}

#[derive(Clone, Deserialize)]
pub(super) struct AppId {
    pub(super) id: u64,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Output {
    pub(super) title: Option<String>,
    pub(super) summary: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Combined {
    pub(super) statuses: Vec<Status>,
}

#[derive(Deserialize)]
pub(super) struct Status {
    pub(super) context: String,
    pub(super) state: String,
}

#[derive(Deserialize)]
pub(super) struct MergeResult {
    #[serde(default)]
    pub(super) merged: bool,
    pub(super) sha: Option<Oid>,
}
