//! The service's settings: one TOML file, read once, every fault named with its place.
//!
//! Must not hold a secret that was empty or a default, and must not reach the network.

mod keys;
mod secret;

pub use keys::{KeyFault, Keys, public_pem};
pub use secret::{NewToken, random, random_hex, read_secret, token_digest};

use crate::domain::ids::{Binding, Digest, ForgeKind, TenantId};
use anyhow::{Context as _, bail, ensure};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The host name of local repositories.
pub const LOCAL_HOST: &str = "local";

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
    /// Tenants.
    #[serde(default, rename = "tenant")]
    pub tenants: Vec<Tenant>,
}

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
    /// Its repositories.
    #[serde(default, rename = "repository")]
    pub repositories: Vec<Repository>,
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

/// Who may approve proposals.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// Who.
    pub id: String,
    /// The same person at a forge, `github:1234`.
    #[serde(default)]
    pub forge_user: Option<String>,
    /// The person's public key.
    pub jwk: BTreeMap<String, String>,
}

/// Who may report outcomes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reporter {
    /// Who.
    pub id: String,
    /// How it proves itself.
    pub kind: ReporterKind,
    /// SHA-256 of its token.
    #[serde(default)]
    pub sha256: Option<Digest>,
    /// A file with its token.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
}

/// How a reporter proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReporterKind {
    /// With a bearer token.
    Bearer,
    /// With a signature.
    Ed25519,
    /// With an HMAC.
    Hmac,
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
    /// Where local events are sent.
    #[serde(default)]
    pub webhook_url: Option<String>,
    /// A file with the secret that signs events.
    #[serde(default)]
    pub webhook_secret_file: Option<PathBuf>,
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
        for tenant in &mut self.tenants {
            tenant.reporters.iter_mut().filter_map(|reporter| reporter.key_file.as_mut()).for_each(absolute);
            for repository in &mut tenant.repositories {
                repository.path.iter_mut().chain(repository.webhook_secret_file.as_mut()).for_each(absolute);
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
            ensure!(tenants.insert(&tenant.id), "tenant `{}` stands twice", tenant.id);
            tenant.check().with_context(|| format!("tenant `{}`", tenant.id))?;
        }
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

impl Tenant {
    fn check(&self) -> anyhow::Result<()> {
        for token in &self.tokens {
            ensure!(!token.principal.trim().is_empty() && token.principal.len() <= 128, "a token has no principal");
            ensure!(!token.roles.is_empty(), "the token of `{}` has no roles", token.principal);
        }
        for approver in &self.approvers {
            let member = |key: &str| approver.jwk.get(key).map(String::as_str);
            ensure!(
                member("kty") == Some("OKP")
                    && member("crv") == Some("Ed25519")
                    && member("x").is_some_and(|x| x.len() == 43),
                "approver `{}`: jwk must be {{kty = \"OKP\", crv = \"Ed25519\", x = \"...\"}}",
                approver.id
            );
        }
        let mut reporters = BTreeSet::new();
        for reporter in &self.reporters {
            ensure!(reporters.insert(&reporter.id), "reporter `{}` stands twice", reporter.id);
            ensure!(
                reporter.kind == ReporterKind::Bearer,
                "reporter `{}`: only kind = \"bearer\" is supported by this version",
                reporter.id
            );
            ensure!(
                reporter.sha256.is_some() != reporter.key_file.is_some(),
                "reporter `{}`: give either sha256 or key_file",
                reporter.id
            );
        }
        self.repositories.iter().try_for_each(Repository::check)
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
            ForgeKind::Github | ForgeKind::Gitlab => {
                bail!("repository `{name}`: forge = \"{}\" is not supported by this version; use \"local\"", self.forge)
            }
        }
    }

    /// The repository's identity.
    pub fn binding(&self, tenant: &TenantId) -> Binding {
        Binding {
            tenant: tenant.clone(),
            forge: self.forge,
            host: self.host.clone().unwrap_or_else(|| LOCAL_HOST.to_owned()),
            id: self.id,
            name: self.name.clone(),
        }
    }

    /// The secret that signs events, if one is set.
    pub fn webhook_secret(&self) -> anyhow::Result<Option<SecretString>> {
        self.webhook_secret_file.as_deref().map(secret::read_file).transpose()
    }
}

impl Reporter {
    /// SHA-256 of the reporter's token.
    pub fn digest(&self) -> anyhow::Result<Digest> {
        match (&self.sha256, &self.key_file) {
            (Some(digest), _) => Ok(*digest),
            (None, Some(path)) => Ok(token_digest(&secret::read_file(path)?)),
            (None, None) => bail!("reporter `{}` has no token", self.id),
        }
    }
}

#[cfg(test)]
mod tests;
