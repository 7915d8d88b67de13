//! What countersign is at each forge: a GitHub App, a GitLab bot.
//!
//! Must not hold a secret: it names the files they lie in.

use super::Settings;
use super::address;
use super::secret::read_file;
use crate::domain::ids::ForgeKind;
use anyhow::ensure;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The GitHub App that countersign works as on one host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Github {
    /// The host, `github.com` or a GitHub Enterprise Server's.
    #[serde(default = "github")]
    pub host: String,
    /// Where its REST API is, when that is neither `https://api.github.com` nor `https://HOST/api/v3`.
    #[serde(default)]
    pub api: Option<String>,
    /// The App's number.
    pub app: u64,
    /// The App's private key, PEM.
    pub private_key_file: PathBuf,
    /// Files with the secrets that webhooks are signed with; two while one is being replaced.
    #[serde(default)]
    pub webhook_secret_files: Vec<PathBuf>,
    /// How commits are made.
    #[serde(default)]
    pub commits: Commits,
}

/// How commits come to GitHub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Commits {
    /// Through the API, signed by GitHub in the App's name.
    #[default]
    Api,
    /// With `git push`, unsigned.
    Push,
}

/// The GitLab instance that countersign works on, and who it is there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gitlab {
    /// The host.
    #[serde(default = "gitlab")]
    pub host: String,
    /// Where it answers, when that is not `https://HOST`.
    #[serde(default)]
    pub url: Option<String>,
    /// A file with a project's or group's access token; a repository's own `token_file` goes before it.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Files with the secrets of webhooks; two while one is being replaced.
    #[serde(default)]
    pub webhook_secret_files: Vec<PathBuf>,
}

fn github() -> String {
    "github.com".into()
}

fn gitlab() -> String {
    "gitlab.com".into()
}

impl Github {
    /// Every file that is named.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        std::iter::once(&mut self.private_key_file).chain(&mut self.webhook_secret_files)
    }

    /// Where its REST API is.
    pub fn api(&self) -> String {
        match (&self.api, self.host.as_str()) {
            (Some(api), _) => api.trim_end_matches('/').to_owned(),
            (None, "github.com") => "https://api.github.com".into(),
            (None, host) => format!("https://{host}/api/v3"),
        }
    }

    /// The App's private key, PEM.
    pub fn private_key(&self) -> anyhow::Result<SecretString> {
        read_file(&self.private_key_file)
    }

    /// The secrets that webhooks are signed with.
    pub fn webhook_secrets(&self) -> anyhow::Result<Vec<SecretString>> {
        self.webhook_secret_files.iter().map(|path| read_file(path)).collect()
    }
}

impl Gitlab {
    /// Every file that is named.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        self.token_file.iter_mut().chain(&mut self.webhook_secret_files)
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        self.url.clone().unwrap_or_else(|| format!("https://{}", self.host)).trim_end_matches('/').to_owned()
    }

    /// The secrets of webhooks.
    pub fn webhook_secrets(&self) -> anyhow::Result<Vec<SecretString>> {
        self.webhook_secret_files.iter().map(|path| read_file(path)).collect()
    }
}

/// Every forge stands once, and every repository's forge is there.
pub(super) fn check(settings: &Settings) -> anyhow::Result<()> {
    let mut hosts = BTreeSet::new();
    let github = settings.github.iter().map(|forge| (ForgeKind::Github, forge.host.as_str()));
    let gitlab = settings.gitlab.iter().map(|forge| (ForgeKind::Gitlab, forge.host.as_str()));
    for (kind, host) in github.chain(gitlab) {
        ensure!(hosts.insert((kind.to_string(), host)), "[[{kind}]] with host `{host}` stands twice");
    }
    addresses(settings)?;
    for repository in settings.tenants.iter().flat_map(|tenant| &tenant.repositories) {
        let (kind, name, host) = (repository.forge, &repository.name, repository.host());
        let known = kind == ForgeKind::Local || hosts.contains(&(kind.to_string(), host));
        ensure!(known, "repository `{name}`: there is no [[{kind}]] with host = \"{host}\" in these settings");
    }
    Ok(())
}

/// Every address is one that a forge may have.
fn addresses(settings: &Settings) -> anyhow::Result<()> {
    for forge in &settings.github {
        address::check_name("[[github]] host", &forge.host)?;
        forge.api.iter().try_for_each(|api| address::check("[[github]] api", api))?;
    }
    for forge in &settings.gitlab {
        address::check_name("[[gitlab]] host", &forge.host)?;
        forge.url.iter().try_for_each(|url| address::check("[[gitlab]] url", url))?;
    }
    let repositories = settings.tenants.iter().flat_map(|tenant| &tenant.repositories);
    for repository in repositories.filter(|repository| repository.webhook_url.is_some()) {
        let place = format!("repository `{}`: webhook_url", repository.name);
        repository.webhook_url.iter().try_for_each(|url| address::check(&place, url))?;
    }
    Ok(())
}

impl super::Repository {
    /// The token that speaks for us at a GitLab repository.
    pub fn gitlab_token(&self, forge: &Gitlab) -> anyhow::Result<SecretString> {
        match self.token_file.as_ref().or(forge.token_file.as_ref()) {
            Some(path) => read_file(path),
            None => anyhow::bail!("repository `{}`: write token_file here or in [[gitlab]]", self.name),
        }
    }
}
