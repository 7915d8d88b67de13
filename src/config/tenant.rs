//! One tenant's part of the settings: who may use the API, approve and report, and its repositories.
//!
//! Must not hold a secret: it names the files they lie in, or their digests.

use super::Approver;
use super::approvers;
use super::reporters::Reporter;
use super::runbooks::{Redact, RunbookFile, redactor};
use super::secret::read_file;
use super::sinks::{self, Sink};
use crate::domain::facts::{MAX_POLICY, Policy};
use crate::domain::ids::{Binding, Digest, ForgeKind, TenantId};
use crate::domain::policy::defaults::Defaults;
use crate::domain::proposal::adapt::Runbook;
use crate::domain::redact::Redactor;
use anyhow::ensure;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The host name of local repositories.
pub const LOCAL_HOST: &str = "local";

/// One tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// Who may use the API.
    #[serde(default, rename = "token")]
    pub tokens: Vec<Token>,
    /// Who may approve.
    #[serde(default, rename = "approver")]
    pub approvers: Vec<Approver>,
    /// Who may report outcomes.
    #[serde(default, rename = "reporter")]
    pub reporters: Vec<Reporter>,
    /// What to propose for documents of other tools.
    #[serde(default, rename = "runbook")]
    pub runbooks: Vec<RunbookFile>,
    /// Words that are taken out of its texts, beside tokens and keys of known shapes.
    #[serde(default)]
    pub redact: Vec<Redact>,
    /// What it asks of the configs of all its repositories: defaults where they say nothing, floors where they do.
    #[serde(default)]
    pub defaults: Option<serde_json::Value>,
    /// A policy in Rego that is asked about every proposal, beside the repository's own.
    #[serde(default)]
    pub policy_file: Option<PathBuf>,
    /// How many pull requests there may be in all its repositories.
    #[serde(default)]
    pub limits: Limits,
    /// Where copies of its log go.
    #[serde(default, rename = "sink")]
    pub sinks: Vec<Sink>,
    /// Its repositories.
    #[serde(default, rename = "repository")]
    pub repositories: Vec<Repository>,
}

/// How many pull requests there may be in all repositories of a tenant; no limit where none is given.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Opened in an hour.
    pub pull_requests_per_hour: Option<u64>,
    /// Open at once.
    pub open_pull_requests: Option<u64>,
}

/// Who may use the API, and for what.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Who.
    pub principal: String,
    /// For what.
    pub roles: Vec<Role>,
    /// SHA-256 of the token.
    pub sha256: Digest,
}

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Send proposals.
    Propose,
    /// Read proposals, classes and the record.
    Read,
    /// Report outcomes.
    Report,
    /// Everything of the tenant.
    Admin,
}

/// One repository of a tenant; what is not listed is ignored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// Which kind of forge.
    pub forge: ForgeKind,
    /// Its host; `local` when left out for local repositories.
    #[serde(default)]
    pub host: Option<String>,
    /// `owner/name`.
    pub name: String,
    /// The forge's number for it.
    pub id: u64,
    /// The bare repository, for local ones.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// The installation, for GitHub.
    #[serde(default)]
    pub installation: Option<u64>,
    /// A file with a token for this repository alone, for GitLab.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Where local events are sent.
    #[serde(default)]
    pub webhook_url: Option<String>,
    /// A file with the secret that signs events.
    #[serde(default)]
    pub webhook_secret_file: Option<PathBuf>,
}

impl Tenant {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for token in &self.tokens {
            ensure!(!token.principal.trim().is_empty() && token.principal.len() <= 128, "a token has no principal");
            ensure!(!token.roles.is_empty(), "the token of `{}` has no roles", token.principal);
        }
        approvers::read(&self.approvers)?;
        self.rules()?;
        let mut reporters = BTreeSet::new();
        for reporter in &self.reporters {
            ensure!(reporters.insert(&reporter.id), "reporter `{}` stands twice", reporter.id);
            reporter.check()?;
        }
        self.runbooks()?;
        self.redactor()?;
        sinks::check(&self.sinks)?;
        self.repositories.iter().try_for_each(Repository::check)
    }

    /// Its runbooks, read from their files.
    pub fn runbooks(&self) -> anyhow::Result<Vec<Runbook>> {
        self.runbooks.iter().map(RunbookFile::read).collect()
    }

    /// What is taken out of its texts.
    pub fn redactor(&self) -> anyhow::Result<Redactor> {
        redactor(&self.redact)
    }

    /// What it asks of the configs of all its repositories.
    pub fn rules(&self) -> anyhow::Result<Option<Defaults>> {
        let read = self.defaults.as_ref().map(Defaults::read).transpose();
        read.map_err(|fault| anyhow::anyhow!("defaults: {fault}"))
    }

    /// The policy that is asked about every proposal.
    pub fn policy(&self) -> anyhow::Result<Option<Policy>> {
        let Some(path) = &self.policy_file else { return Ok(None) };
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| anyhow::anyhow!("policy_file {}: {error}", path.display()))?;
        ensure!(text.len() <= MAX_POLICY, "policy_file {}: more than {MAX_POLICY} bytes", path.display());
        Ok(Some(Policy { name: "service".into(), text }))
    }

    /// The repository of this forge and name.
    pub fn repository(&self, forge: ForgeKind, name: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| repository.forge == forge && repository.name == name)
    }
}

impl Repository {
    fn check(&self) -> anyhow::Result<()> {
        let name = &self.name;
        ensure!(self.id > 0, "repository `{name}`: id must be the forge's number, at least 1");
        ensure!(
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')),
            "repository `{name}`: the name must be `owner/name`"
        );
        match self.forge {
            ForgeKind::Local => {
                ensure!(
                    self.path.is_some(),
                    "repository `{name}`: a local repository needs path = \"...\" of a bare repository"
                );
                ensure!(
                    self.webhook_url.is_none() || self.webhook_secret_file.is_some(),
                    "repository `{name}`: webhook_url needs webhook_secret_file"
                );
                Ok(())
            }
            ForgeKind::Github => {
                ensure!(
                    self.installation.is_some(),
                    "repository `{name}`: a GitHub repository needs installation = <number>"
                );
                Ok(())
            }
            ForgeKind::Gitlab => Ok(()),
        }
    }

    /// Every file that is named.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.path, &mut self.token_file, &mut self.webhook_secret_file].into_iter().filter_map(Option::as_mut)
    }

    /// The host it is on.
    pub fn host(&self) -> &str {
        self.host.as_deref().unwrap_or(match self.forge {
            ForgeKind::Github => "github.com",
            ForgeKind::Gitlab => "gitlab.com",
            ForgeKind::Local => LOCAL_HOST,
        })
    }

    /// The repository's identity.
    pub fn binding(&self, tenant: &TenantId) -> Binding {
        Binding {
            tenant: tenant.clone(),
            forge: self.forge,
            host: self.host().to_owned(),
            id: self.id,
            name: self.name.clone(),
        }
    }

    /// The secret that signs events, if one is set.
    pub fn webhook_secret(&self) -> anyhow::Result<Option<SecretString>> {
        self.webhook_secret_file.as_deref().map(read_file).transpose()
    }
}
