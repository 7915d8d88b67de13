//! The service's settings: one TOML file, read once, every fault named with its place.
//!
//! Must not hold a secret that was empty or a default, and must not reach the network.

mod address;
mod approvers;
mod forges;
mod keys;
mod reporters;
mod roster;
mod rotation;
mod runbooks;
mod secret;
mod sinks;
mod tenant;

pub use approvers::{Approver, MOST as MOST_KEY_SET, approvers_of};
pub use forges::{Commits, Github, Gitlab};
pub use keys::{KeyFault, Keys, Listed, generate_approver, key_pem, public_pem, read_signer};
pub use reporters::{Proof, Reporter, ReporterKind};
pub use roster::{Roster, STALE};
pub use rotation::{Rotated, listed, publish, revoke, rotate};
pub use runbooks::{Adapter, Redact, RunbookFile};

pub use secret::{NewToken, Vault, random, random_hex, read_file, read_secret, token_digest};
pub use sinks::{Beginning, Sink, SinkKind};

pub use tenant::{LOCAL_HOST, Repository, Role, Tenant, Token};

use crate::domain::audit::INSTANCE;
use crate::domain::ids::{ForgeKind, TenantId};
use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Everything the service is told when it starts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name in attestations, tokens and logs.
    pub instance: String,
    /// Where to listen.
    #[serde(default = "listen")]
    pub listen: String,
    /// Mirrors, keys and the embedded database.
    #[serde(default = "data")]
    pub data: PathBuf,
    /// `sqlite`, or `postgres://...`.
    #[serde(default = "sqlite")]
    pub database: String,
    /// Stops every write at every forge.
    #[serde(default)]
    pub stop: bool,
    /// GitHub Apps that countersign works as, one for each host.
    #[serde(default)]
    pub github: Vec<Github>,
    /// GitLab instances that countersign works on, one for each host.
    #[serde(default)]
    pub gitlab: Vec<Gitlab>,
    /// Tenants.
    #[serde(default, rename = "tenant")]
    pub tenants: Vec<Tenant>,
}

fn listen() -> String {
    "127.0.0.1:8080".into()
}

fn data() -> PathBuf {
    "var/countersign".into()
}

fn sqlite() -> String {
    "sqlite".into()
}

impl Settings {
    /// Reads the settings file, lets `COUNTERSIGN_*` override it and checks the whole.
    pub fn load(path: &Path, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<Settings> {
        let text = std::fs::read_to_string(path).with_context(|| {
            format!("cannot read the settings {}: name them with --config or COUNTERSIGN_CONFIG", path.display())
        })?;
        let mut settings: Settings = toml::from_str(&text)
            .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.to_string().trim()))?;
        settings.override_by(env)?;
        settings.resolve(path.parent().unwrap_or(Path::new(".")));
        settings.check().with_context(|| format!("the settings {} cannot be used", path.display()))?;
        Ok(settings)
    }

    fn override_by(&mut self, env: &dyn Fn(&str) -> Option<String>) -> anyhow::Result<()> {
        if let Some(value) = env("COUNTERSIGN_INSTANCE") {
            self.instance = value;
        }
        if let Some(value) = env("COUNTERSIGN_LISTEN") {
            self.listen = value;
        }
        if let Some(value) = env("COUNTERSIGN_DATA") {
            self.data = value.into();
        }
        if let Some(value) = read_secret("COUNTERSIGN_DATABASE", env)? {
            self.database = value;
        }
        if let Some(value) = env("COUNTERSIGN_STOP") {
            self.stop = value.parse().with_context(|| format!("COUNTERSIGN_STOP is `{value}`; write true or false"))?;
        }
        Ok(())
    }

    /// Relative paths are relative to the settings file.
    fn resolve(&mut self, folder: &Path) {
        let absolute = |path: &mut PathBuf| {
            if path.is_relative() {
                *path = folder.join(&*path);
            }
        };
        absolute(&mut self.data);
        self.github.iter_mut().flat_map(Github::files).for_each(absolute);
        self.gitlab.iter_mut().flat_map(Gitlab::files).for_each(absolute);
        for tenant in &mut self.tenants {
            tenant.reporters.iter_mut().filter_map(|reporter| reporter.key_file.as_mut()).for_each(absolute);
            tenant.approvers.iter_mut().filter_map(|approver| approver.jwks_file.as_mut()).for_each(absolute);
            tenant.runbooks.iter_mut().map(|runbook| &mut runbook.file).for_each(absolute);
            tenant.policy_file.iter_mut().for_each(absolute);
            tenant.sinks.iter_mut().flat_map(Sink::files).for_each(absolute);
            for repository in &mut tenant.repositories {
                repository.files().for_each(absolute);
            }
        }
    }

    fn check(&self) -> anyhow::Result<()> {
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        ensure!(
            (1..=128).contains(&self.instance.len()) && self.instance.chars().all(name),
            "instance: use 1 to 128 letters, digits, `.`, `-` and `_`"
        );
        self.listen
            .parse::<std::net::SocketAddr>()
            .with_context(|| format!("listen: `{}` is not an address such as 127.0.0.1:8080", self.listen))?;
        ensure!(
            self.database == "sqlite"
                || self.database.starts_with("postgres://")
                || self.database.starts_with("postgresql://"),
            "database: write \"sqlite\" or a postgres:// address"
        );
        let mut tenants = BTreeSet::new();
        for tenant in &self.tenants {
            ensure!(
                tenant.id.as_str() != INSTANCE,
                "tenant `{INSTANCE}`: this is the log over all tenants' logs: choose another name"
            );
            ensure!(tenants.insert(&tenant.id), "tenant `{}` stands twice", tenant.id);
            tenant.check().with_context(|| format!("tenant `{}`", tenant.id))?;
        }
        forges::check(self)?;
        sinks::check_unique(self)?;
        self.check_unique()
    }

    fn check_unique(&self) -> anyhow::Result<()> {
        let (mut keys, mut names, mut tokens) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for tenant in &self.tenants {
            for repository in &tenant.repositories {
                let binding = repository.binding(&tenant.id);
                if let Some(other) = keys.insert(binding.key(), tenant.id.clone()) {
                    bail!(
                        "repository {} (`{}`) stands twice: once for tenant `{other}`, once for tenant `{}`",
                        binding.key(),
                        repository.name,
                        tenant.id
                    );
                }
                let name = (tenant.id.clone(), binding.to_string());
                ensure!(
                    names.insert(name, ()).is_none(),
                    "tenant `{}`: repository `{binding}` stands twice",
                    tenant.id
                );
            }
            let reporters = tenant.reporters.iter().filter_map(|reporter| reporter.sha256);
            for digest in tenant.tokens.iter().map(|token| token.sha256).chain(reporters) {
                ensure!(
                    tokens.insert(digest),
                    "tenant `{}`: a token's sha256 stands twice; each token belongs to one principal",
                    tenant.id
                );
            }
        }
        Ok(())
    }

    /// Where the embedded database lies, or the address of the other one.
    pub fn database_url(&self) -> String {
        match self.database.as_str() {
            "sqlite" => format!("sqlite:{}", self.data.join("countersign.sqlite").display()),
            other => other.to_owned(),
        }
    }

    /// The tenant of this name.
    pub fn tenant(&self, id: &TenantId) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.id == *id)
    }

    /// The repository of this forge and name, with the tenant it belongs to.
    pub fn find(&self, forge: ForgeKind, name: &str) -> Option<(&Tenant, &Repository)> {
        self.tenants.iter().find_map(|tenant| Some((tenant, tenant.repository(forge, name)?)))
    }
}

#[cfg(test)]
mod tests;
