//! The repository's own config: environments, modes, auto-merge, limits, freezes.
//!
//! Must not be read from any branch but the default one; who reads it sees to that.

pub use super::freeze::Freeze;
use super::freeze::Window as FreezeWindow;
use super::need::ApprovalRules;
use crate::domain::canon::{self, Malformed};
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
    /// Stops everything in this repository.
    #[serde(default)]
    pub stop: bool,
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

/// A length of time as text: `90s`, `10m`, `72h`, `180d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub i64);

impl std::fmt::Display for Span {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            s if s % 86_400 == 0 => write!(out, "{}d", s / 86_400),
            s if s % 3_600 == 0 => write!(out, "{}h", s / 3_600),
            s if s % 60 == 0 => write!(out, "{}m", s / 60),
            s => write!(out, "{s}s"),
        }
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let fault = || format!("`{text}` is not a length of time: write 90s, 10m, 72h or 180d");
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            _ => return Err(fault()),
        };
        let digits = &text[..text.len() - 1];
        let count: i64 = Some(digits)
            .filter(|d| d.bytes().all(|b| b.is_ascii_digit()) && d.len() <= 6)
            .and_then(|d| d.parse().ok())
            .ok_or_else(fault)?;
        Ok(Span(count * unit))
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]{1,6}[smhd]$"})
    }
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

/// A config with the digest of its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Which file.
    pub path: String,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// What it says.
    pub rules: Rules,
}

impl Rules {
    /// How long a merged change is watched when no config says.
    pub const DEFAULT_SOAK: Span = Span(72 * 3_600);

    /// Reads a config strictly.
    pub fn read(bytes: &[u8]) -> Result<Rules, Malformed> {
        if bytes.len() > MAX_BYTES {
            return Err(Malformed::at("", format!("{} bytes; a config may have {MAX_BYTES}", bytes.len())));
        }
        let rules: Rules = canon::typed(canon::parse(bytes)?)?;
        rules.check()?;
        Ok(rules)
    }

    fn check(&self) -> Result<(), Malformed> {
        let demand = |holds: bool, at: &str, reason: &str| if holds { Ok(()) } else { Err(Malformed::at(at, reason)) };
        demand(self.version == 1, "version", "only version 1 is understood")?;
        for (name, environment) in &self.environments {
            let at = format!("environments.{name}");
            let plain = (1..=64).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            demand(plain, &at, "use 1 to 64 letters, digits, `-`, `_` and `.`")?;
            demand(!environment.paths.is_empty(), &format!("{at}.paths"), "give at least one glob")?;
            for (n, glob) in environment.paths.iter().enumerate() {
                globset::Glob::new(glob)
                    .map_err(|error| Malformed::at(format!("{at}.paths[{n}]"), error.to_string()))?;
            }
        }
        for (n, check) in self.auto_merge.required_checks.iter().flatten().enumerate() {
            let at = format!("autoMerge.requiredChecks[{n}].name");
            globset::Glob::new(&check.name).map_err(|error| Malformed::at(at, error.to_string()))?;
        }
        super::reach::check(self)?;
        self.approvals.check()?;
        self.freeze.iter().enumerate().try_for_each(|(n, freeze)| {
            FreezeWindow::read(freeze).map(|_| ()).map_err(|reason| Malformed::at(format!("freeze[{n}]"), reason))
        })
    }
}
