//! A repository's config as a turn finds it: there, not there, or of no use.
//!
//! Must not read it: it was read from the default branch before.

use crate::domain::canon::Malformed;
use crate::domain::policy::rules::Loaded;
use crate::domain::policy::verdict::Verdict;

/// The repository's rules as they were found on its default branch.
#[derive(Clone, Debug, PartialEq)]
pub enum RulesState {
    /// No config file.
    Missing,
    /// A config that cannot be used: where, and why.
    Invalid(String, Malformed),
    /// A config.
    Loaded(Box<Loaded>),
}

impl RulesState {
    /// The config, if there is one that can be used.
    pub fn loaded(&self) -> Option<&Loaded> {
        match self {
            RulesState::Loaded(loaded) => Some(loaded),
            RulesState::Missing | RulesState::Invalid(..) => None,
        }
    }

    /// Whether there is a config that can be used.
    pub fn is_loaded(&self) -> bool {
        self.loaded().is_some()
    }

    /// Whether there is no config at all.
    pub fn is_missing(&self) -> bool {
        matches!(self, RulesState::Missing)
    }

    /// What that means for a proposal.
    pub fn verdict(&self) -> Verdict {
        match self {
            RulesState::Missing => Verdict::refuse(
                "config",
                "not_enabled",
                "the default branch holds no .github/countersign.yaml, .gitlab/countersign.yaml or .countersign.yaml: add one to enable countersign",
            ),
            RulesState::Invalid(path, error) => {
                Verdict::wait("config", "config_invalid", format!("{path}: {error}; mend it on the default branch"))
            }
            RulesState::Loaded(loaded) => {
                Verdict::pass("config", format!("{} read from the default branch", loaded.path))
            }
        }
    }
}
