//! Reads a config strictly, and refuses what is out of bounds.
//!
//! Must not fill in what a config leaves out: `rules` says the defaults.

use super::freeze::Window as FreezeWindow;
use super::reach;
use super::rules::{MAX_BYTES, Rules};
use crate::domain::canon::{self, Malformed};
use serde_json::Value;

impl Rules {
    /// Reads a config strictly.
    pub fn read(bytes: &[u8]) -> Result<Rules, Malformed> {
        Rules::typed(Rules::document(bytes)?)
    }

    /// The document of a config, not typed yet.
    pub(super) fn document(bytes: &[u8]) -> Result<Value, Malformed> {
        if bytes.len() > MAX_BYTES {
            return Err(Malformed::at("", format!("{} bytes; a config may have {MAX_BYTES}", bytes.len())));
        }
        canon::parse(bytes)
    }

    /// The rules a document holds.
    pub(super) fn typed(document: Value) -> Result<Rules, Malformed> {
        let rules: Rules = canon::typed(document)?;
        rules.check()?;
        Ok(rules)
    }

    pub(super) fn check(&self) -> Result<(), Malformed> {
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
        self.outcomes.check()?;
        reach::check(self)?;
        let policy = |path: &String| {
            let parts = || path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
            path.len() <= 200 && path.ends_with(".rego") && parts()
        };
        demand(self.policy.as_ref().is_none_or(policy), "policy", "write the path of a file that ends in .rego")?;
        self.approvals.check()?;
        self.runbooks.iter().try_for_each(|(name, runbook)| runbook.check(name))?;
        self.freeze.iter().enumerate().try_for_each(|(n, freeze)| {
            FreezeWindow::read(freeze).map(|_| ()).map_err(|reason| Malformed::at(format!("freeze[{n}]"), reason))
        })
    }
}
