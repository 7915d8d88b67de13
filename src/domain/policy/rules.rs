//! The repository's own config: environments, modes, auto-merge, limits, freezes.
//!
//! Must not be read from any branch but the default one; who reads it sees to that.

pub use super::freeze::Freeze;
pub use super::kinds::runbook::RunbookRules;
use super::need::ApprovalRules;
pub use super::sources::Sources;
pub use super::span::Span;
use crate::domain::facts::Policy;
use crate::domain::ids::{Digest, MergeMethod};
use crate::domain::proposal::ActionKind;
use crate::domain::trust::{Demand, Threshold};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the config may lie; two of them is an error.
pub const PLACES: [&str; 3] = [".github/countersign.yaml", ".gitlab/countersign.yaml", ".countersign.yaml"];
/// The most bytes a config may have.
pub const MAX_BYTES: usize = 64 * 1024;

/// The config of one repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rules {
    /// The format's version, 1.
    pub version: u32,
    /// Environments by name.
    #[serde(default)]
    pub environments: BTreeMap<String, Environment>,
    /// When a pull request may merge without a person.
    #[serde(default)]
    pub auto_merge: AutoMerge,
    /// What of the forge says how a landed change does, beside registered reporters.
    #[serde(default)]
    pub outcomes: Sources,
    /// Sizes and rates.
    #[serde(default)]
    pub limits: Limits,
    /// Namespaces nothing may touch, beside the compiled-in ones.
    #[serde(default)]
    pub protected_namespaces: Vec<String>,
    /// A person's no to a change is remembered for 24 of these.
    #[serde(default = "hour")]
    pub hold_period: Span,
    /// How long a proposal waits for its approvals.
    #[serde(default = "quarter")]
    pub approval_timeout: Span,
    /// When a proposal needs approvals beyond those its dangers ask for.
    #[serde(default)]
    pub approvals: ApprovalRules,
    /// When nothing is merged without a person.
    #[serde(default)]
    pub freeze: Vec<Freeze>,
    /// A pull request that takes a landed change back follows a bad outcome; a person merges it.
    #[serde(default = "yes")]
    pub revert_on_failure: bool,
    /// Stops everything in this repository.
    #[serde(default)]
    pub stop: bool,
    /// A policy in Rego: its path in the repository, read from the default branch.
    #[serde(default)]
    pub policy: Option<String>,
    /// What proposals of the kind `Runbook` may touch, by the runbook's name.
    #[serde(default)]
    pub runbooks: BTreeMap<String, RunbookRules>,
    /// Branches beside the default one that proposals may name as base.
    #[serde(default)]
    pub bases: Vec<String>,
}

/// One environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Environment {
    /// Globs of the files that belong to it.
    pub paths: Vec<String>,
    /// The ceiling.
    #[serde(default)]
    pub mode: Mode,
    /// Where new action kinds start; observe is left by a person's edit only.
    #[serde(default)]
    pub start_in: Option<Mode>,
    /// The rung of single action kinds, never above `mode`; the way out of `startIn: observe`.
    #[serde(default)]
    pub kinds: BTreeMap<ActionKind, Mode>,
    /// Whether mistakes hurt here; true when the name contains `prod` and nothing is said.
    #[serde(default)]
    pub production: Option<bool>,
    /// Who is asked to review.
    #[serde(default)]
    pub reviewers: Vec<String>,
}

/// A rung of the trust ladder, lowest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Plan and diff are recorded, nothing is pushed.
    Observe,
    /// A pull request that a person merges.
    #[default]
    Propose,
    /// A pull request that merges when every gate passes.
    Automate,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(out)
    }
}

/// When a pull request may merge without a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct AutoMerge {
    /// The wanted lower bound of good outcomes in the class.
    pub wilson_lower_bound: Threshold,
    /// Which outcomes count.
    pub outcomes: Window,
    /// How widely they must be spread.
    pub spread: Spread,
    /// How long after the merge an outcome may count as good.
    pub soak: Span,
    /// How long nobody else may have touched the pull request.
    pub quiet_period: Span,
    /// A proposal less sure of itself waits for a person.
    pub minimum_confidence: Option<String>,
    /// Checks that must be green; an empty list needs none, no list takes what the forge demands, and at least one.
    pub required_checks: Option<Vec<RequiredCheck>>,
    /// How it merges.
    pub method: MergeMethod,
    /// Which action kinds may.
    pub action_kinds: Vec<ActionKind>,
    /// Whether a class that has earned it is suggested for `automate`, in a pull request that edits this file.
    pub suggest: bool,
}

/// Which outcomes count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Window {
    /// The newest so many.
    pub last: u64,
    /// No older than this.
    pub within: Span,
}

/// How widely outcomes must be spread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Spread {
    /// Distinct targets, at least 3.
    pub targets: u64,
    /// Distinct days, at least 3.
    pub days: u64,
}

/// A check that must be green.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequiredCheck {
    /// Its name, or a glob.
    pub name: String,
    /// The number of the app that must have written it.
    #[serde(default)]
    pub app: Option<u64>,
}

/// Sizes and rates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Limits {
    /// Pull requests opened in an hour.
    pub pull_requests_per_hour: u64,
    /// Pull requests open at once.
    pub open_pull_requests: u64,
    /// Files in one proposal.
    pub files: u64,
    /// Changed lines in one proposal.
    pub lines: u64,
}

fn yes() -> bool {
    true
}

fn hour() -> Span {
    Span(3_600)
}

fn quarter() -> Span {
    Span(900)
}

impl Default for AutoMerge {
    fn default() -> AutoMerge {
        AutoMerge {
            wilson_lower_bound: Threshold::DEFAULT,
            outcomes: Window::default(),
            spread: Spread::default(),
            soak: Rules::DEFAULT_SOAK,
            quiet_period: Span(600),
            minimum_confidence: None,
            required_checks: None,
            method: MergeMethod::Squash,
            action_kinds: Vec::new(),
            suggest: true,
        }
    }
}

impl Default for Window {
    fn default() -> Window {
        Window { last: 200, within: Span(180 * 86_400) }
    }
}

impl Default for Spread {
    fn default() -> Spread {
        Spread { targets: 5, days: 5 }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { pull_requests_per_hour: 10, open_pull_requests: 10, files: 5, lines: 50 }
    }
}

impl Environment {
    /// Whether mistakes hurt here.
    pub fn is_production(&self, name: &str) -> bool {
        self.production.unwrap_or_else(|| name.to_ascii_lowercase().contains("prod"))
    }
}

impl AutoMerge {
    /// What a class's record must show.
    pub fn demand(&self) -> Demand {
        Demand {
            threshold: self.wilson_lower_bound,
            last: self.outcomes.last,
            within: self.outcomes.within.0,
            targets: self.spread.targets,
            days: self.spread.days,
            soak: self.soak.0,
        }
    }
}

/// A config as it is in force: what the repository says, under what its organisation asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Which file.
    pub path: String,
    /// The digest of everything that decides: SHA-256 of the file's bytes where nothing else does.
    pub digest: Digest,
    /// What is in force.
    pub rules: Rules,
    /// The policies that are asked, the service's first.
    pub policies: Vec<Policy>,
    /// What the organisation's defaults made tighter than the file says, a sentence each.
    pub tightened: Vec<String>,
}

impl Rules {
    /// How long a merged change is watched when no config says.
    pub const DEFAULT_SOAK: Span = Span(72 * 3_600);
    /// The longest soak that a config may ask for.
    pub const LONGEST_SOAK: Span = Span(30 * 86_400);
}
