//! Reads a repository's config from a commit, under its organisation's defaults.
//!
//! Must not read it from any branch but the default one for a decision.

use super::Trouble;
use super::thread::blocking;
use crate::domain::canon::Malformed;
use crate::domain::facts::{MAX_POLICY, Policy};
use crate::domain::ids::Oid;
use crate::domain::lifecycle::RulesState;
use crate::domain::policy::defaults::Defaults;
use crate::domain::policy::rules::{Loaded, MAX_BYTES, PLACES};
use crate::forge::Forge;
use crate::git::{GitError, Mirror, Node};
use std::sync::Arc;

/// How many pull requests of ours there may be in all repositories of a tenant.
#[derive(Clone, Copy, Debug, Default)]
pub struct TenantLimits {
    /// Opened in an hour.
    pub pull_requests_per_hour: Option<u64>,
    /// Open at once.
    pub open_pull_requests: Option<u64>,
}

/// What an organisation asks of all its repositories.
#[derive(Clone, Debug, Default)]
pub struct Organisation {
    /// Defaults and floors of the configs.
    pub defaults: Option<Defaults>,
    /// A policy that is asked beside the repository's.
    pub policy: Option<Policy>,
    /// How many pull requests there may be in all of them.
    pub limits: TenantLimits,
}

/// Reads a repository's rules from its default branch, as a turn does.
pub async fn rules_of(forge: &Arc<dyn Forge>, asked: Organisation) -> Result<RulesState, Trouble> {
    let repository = forge.repository().await?;
    let mirror = forge.sync().await?;
    let tip = forge.tip(&repository.default_branch).await?;
    blocking(move || tip.map_or(Ok(RulesState::Missing), |tip| read_rules(&mirror, &tip, &asked))).await
}

/// The config files of a commit: each with its blob, or none where it is no regular file.
pub(super) fn config_files(mirror: &Mirror, commit: &Oid) -> Result<Vec<(&'static str, Option<Oid>)>, GitError> {
    let tree = mirror.tree(commit)?;
    let mut found = Vec::new();
    for place in PLACES {
        match mirror.node(&tree, place)? {
            Some(Node::File { oid, .. }) => found.push((place, Some(oid))),
            Some(Node::Link | Node::Submodule | Node::Directory(_)) => found.push((place, None)),
            Some(Node::Through(_)) | None => {}
        }
    }
    Ok(found)
}

/// Reads the one config of a commit's tree.
pub(super) fn read_rules(mirror: &Mirror, tip: &Oid, asked: &Organisation) -> Result<RulesState, GitError> {
    let found = config_files(mirror, tip)?;
    let invalid = |path: &str, reason: String| Ok(RulesState::Invalid(path.to_owned(), Malformed::at("", reason)));
    match found.as_slice() {
        [] => Ok(RulesState::Missing),
        [(path, None)] => invalid(path, "this is not a regular file".into()),
        [(path, Some(oid))] => {
            let bytes = match mirror.read(oid, MAX_BYTES as u64) {
                Ok(bytes) => bytes,
                Err(error @ GitError::TooLarge { .. }) => return invalid(path, error.to_string()),
                Err(error) => return Err(error),
            };
            match Loaded::read(path, &bytes, asked.defaults.as_ref()) {
                Ok(loaded) => with_policies(mirror, tip, loaded, asked.policy.clone()),
                Err(error) => Ok(RulesState::Invalid((*path).to_owned(), error)),
            }
        }
        [(path, _), (other, _), ..] => invalid(path, format!("there is also {other}: keep one of the two")),
    }
}

/// Adds the policies: the service's, and the one the config names, from the same commit.
fn with_policies(mirror: &Mirror, tip: &Oid, loaded: Loaded, service: Option<Policy>) -> Result<RulesState, GitError> {
    let mut policies: Vec<Policy> = service.into_iter().collect();
    if let Some(path) = loaded.rules.policy.clone() {
        let invalid = |reason: String| Ok(RulesState::Invalid(loaded.path.clone(), Malformed::at("policy", reason)));
        let Some(Node::File { oid, .. }) = mirror.node(&mirror.tree(tip)?, &path)? else {
            return invalid(format!("there is no file {path} on this branch"));
        };
        let bytes = match mirror.read(&oid, MAX_POLICY as u64) {
            Ok(bytes) => bytes,
            Err(error @ GitError::TooLarge { .. }) => return invalid(error.to_string()),
            Err(error) => return Err(error),
        };
        match String::from_utf8(bytes) {
            Ok(text) => policies.push(Policy { name: path, text }),
            Err(_) => return invalid(format!("{path} is not UTF-8")),
        }
    }
    Ok(RulesState::Loaded(Box::new(loaded.asking(policies))))
}
