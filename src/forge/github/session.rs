//! An installation's token, narrowed to one repository, and the clients that carry it.
//!
//! Must not log or show a token, whatever its length or form.

use super::app::App;
use super::clients::Octo;
use crate::domain::ids::Time;
use crate::forge::ForgeError;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;

/// Seconds before its end that a token is replaced.
const MARGIN: i64 = 300;

/// A token with its clients.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) octo: Octo,
    pub(super) token: Arc<SecretString>,
    ends: Time,
    /// Which token this is; answers kept for one token are not used with another.
    pub(super) generation: u64,
}

impl Session {
    pub(super) fn new(app: &App, token: SecretString, ends: Time, generation: u64) -> Result<Session, ForgeError> {
        Ok(Session { octo: app.clients(&token)?, token: Arc::new(token), ends, generation })
    }

    /// Whether it is good for the work of a turn.
    pub(super) fn lasts(&self, now: Time) -> bool {
        now.plus_seconds(MARGIN) < self.ends
    }
}

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rights {
    /// The work of a turn.
    Work,
    /// Reading deployments: a right that an installation need not grant, so it is asked for apart from the others.
    Deployments,
}

/// What a token is asked for: one repository, and no more rights than the work needs. Not workflows, administration or
/// issues: a change of those is refused by GitHub as well as by us.
pub(super) fn wanted(repository: u64, rights: Rights) -> Value {
    let permissions = match rights {
        Rights::Work => json!({
            "metadata": "read",
            "contents": "write",
            "pull_requests": "write",
            "checks": "write",
            "statuses": "read"
        }),
        Rights::Deployments => json!({"metadata": "read", "deployments": "read"}),
    };
    json!({"repository_ids": [repository], "permissions": permissions})
}
