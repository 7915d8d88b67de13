//! Runbooks and redaction patterns of a tenant, as the settings name them.
//!
//! Must not hold a runbook's text: it stands in a file of its own.

use crate::domain::canon;
use crate::domain::proposal::adapt::{Runbook, Tool};
use crate::domain::redact::Redactor;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What to propose for documents of another tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunbookFile {
    /// Its name, for people.
    pub name: String,
    /// Whose documents.
    pub adapter: Adapter,
    /// The labels a document must have; for kubernaut `workflow`.
    #[serde(rename = "match")]
    pub matches: BTreeMap<String, String>,
    /// The part of a proposal, YAML or JSON.
    pub file: PathBuf,
}

/// A tool whose documents need a runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Adapter {
    /// Kubernaut.
    Kubernaut,
    /// Alertmanager.
    Alertmanager,
}

impl RunbookFile {
    /// Reads the file.
    pub fn read(&self) -> anyhow::Result<Runbook> {
        let bytes = std::fs::read(&self.file)
            .with_context(|| format!("runbook `{}`: cannot read {}", self.name, self.file.display()))?;
        let document = canon::parse(&bytes)
            .map_err(|fault| anyhow::anyhow!("runbook `{}`: {}: {fault}", self.name, self.file.display()))?;
        let tool = match self.adapter {
            Adapter::Kubernaut => Tool::Kubernaut,
            Adapter::Alertmanager => Tool::Alertmanager,
        };
        Runbook::new(&self.name, tool, self.matches.clone(), document).map_err(|fault| anyhow::anyhow!(fault))
    }
}

/// Words that are taken out of every text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redact {
    /// A pattern for words: `*`, `?`, `[0-9]`, `{a,b}`.
    pub pattern: String,
    /// The environments it counts for; all, when left out.
    #[serde(default)]
    pub environments: Vec<String>,
}

/// The built-in shapes together with these patterns.
pub(super) fn redactor(patterns: &[Redact]) -> anyhow::Result<Redactor> {
    let add = |redactor: Redactor, redact: &Redact| {
        redactor.with(&redact.pattern, &redact.environments).map_err(|fault| anyhow::anyhow!("redact: {fault}"))
    };
    patterns.iter().try_fold(Redactor::default(), add)
}
