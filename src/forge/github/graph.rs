//! The one thing that only GraphQL can do: move a ref if it is where it is expected.
//!
//! Must not take a status of 200 for a success.

use super::GithubForge;
use super::error::plain;
use crate::domain::ids::Oid;
use crate::forge::ForgeError;
use serde::Deserialize;
use serde_json::{Value, json};

/// The document as it is sent; the fake server keeps the same text and takes no other.
pub(super) const UPDATE_REFS: &str = "mutation($repository: ID!, $updates: [RefUpdate!]!) { updateRefs(input: {repositoryId: $repository, refUpdates: $updates}) { clientMutationId } }";

/// What stands for no commit.
const NOTHING: &str = "0000000000000000000000000000000000000000";

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<Mistake>,
}

#[derive(Deserialize)]
struct Mistake {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    message: String,
}

impl GithubForge {
    /// Moves a branch, only if it stands at `old`; `new` none removes it. Answers false if GitHub does not do it.
    pub(super) async fn swap(&self, branch: &str, old: &Oid, new: Option<&Oid>) -> Result<bool, ForgeError> {
        let what = format!("moving {branch}");
        let node = self.repo().await?.node_id;
        let update = json!({
            "name": format!("refs/heads/{branch}"),
            "beforeOid": old.as_str(),
            "afterOid": new.map_or(NOTHING, Oid::as_str),
            "force": true
        });
        let body = json!({"query": UPDATE_REFS, "variables": {"repository": node, "updates": [update]}});
        let reply: Reply = self.talk.graph(&what, &body).await?.read(&what)?;
        match (reply.errors.as_slice(), reply.data) {
            ([], Some(data)) if !data["updateRefs"].is_null() => Ok(true),
            ([], _) => Err(ForgeError::Transient(format!("{what}: an answer without data"))),
            ([first, ..], _) => {
                let said = format!("{what}: {}", plain(&first.message));
                match first.kind.as_str() {
                    "FORBIDDEN" | "INSUFFICIENT_SCOPES" => Err(ForgeError::Denied(said)),
                    "RATE_LIMITED" => Err(ForgeError::RateLimited(self.talk.now().plus_seconds(60))),
                    _ => Ok(false),
                }
            }
        }
    }
}
