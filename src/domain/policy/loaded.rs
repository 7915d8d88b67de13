//! A config as it comes into force: the file under its organisation's defaults, with its policies and its digest.
//!
//! Must not read a file or say which one counts; the bytes are handed in.

use super::defaults::Defaults;
use super::rules::{Loaded, Rules};
use crate::domain::canon::Malformed;
use crate::domain::facts::Policy;
use crate::domain::ids::Digest;

impl Loaded {
    /// Reads a config under its organisation's defaults.
    pub fn read(path: &str, bytes: &[u8], defaults: Option<&Defaults>) -> Result<Loaded, Malformed> {
        let (path, digest) = (path.to_owned(), Digest::of(bytes));
        let Some(defaults) = defaults else {
            return Ok(Loaded {
                path,
                digest,
                rules: Rules::read(bytes)?,
                policies: Vec::new(),
                tightened: Vec::new(),
            });
        };
        let (rules, tightened) = defaults.over(Rules::document(bytes)?)?;
        let digest = Digest::of_fields("countersign/policy/v1", &[&digest.0, &defaults.digest().0]);
        Ok(Loaded { path, digest, rules, policies: Vec::new(), tightened })
    }

    /// The same with the policies that are asked; they are part of the digest.
    #[must_use]
    pub fn asking(mut self, policies: Vec<Policy>) -> Loaded {
        if !policies.is_empty() {
            let bundle = Policy::bundle(&policies);
            self.digest = Digest::of_fields("countersign/policy-bundle/v1", &[&self.digest.0, &bundle.0]);
        }
        self.policies = policies;
        self
    }
}
