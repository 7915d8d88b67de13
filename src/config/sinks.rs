//! Where copies of a tenant's log go, as its settings say.
//!
//! Must not hold a secret: it names the file one lies in, and it is read anew for every batch.

use super::secret::read_file;
use super::{Settings, address};
use anyhow::ensure;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// One place that gets every entry of a tenant's log, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sink {
    /// Its name; how far it has come is kept under it.
    pub name: String,
    /// What it is.
    pub kind: SinkKind,
    /// The file, for `file`.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// A file that is larger is moved aside, MiB; 100 when left out.
    #[serde(default)]
    pub rotate_mib: Option<u64>,
    /// The address that takes entries, for `loki` and `otlp`: the whole of it, path included.
    #[serde(default)]
    pub url: Option<String>,
    /// A file with the token that is sent along.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Who the token belongs to, where it is sent as a password; a bearer token otherwise.
    #[serde(default)]
    pub user: Option<String>,
    /// The tenant of a Loki that serves several: `X-Scope-OrgID`.
    #[serde(default)]
    pub org: Option<String>,
    /// Whether payloads go along: who did it, and why. What was sent cannot be redacted there.
    #[serde(default)]
    pub payloads: bool,
    /// Which entry is its first one.
    #[serde(default)]
    pub from: Beginning,
    /// A file that holds the newest signed checkpoint of what was delivered.
    #[serde(default)]
    pub checkpoint_file: Option<PathBuf>,
}

/// What a sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkKind {
    /// A file of lines, each as in an export.
    File,
    /// Grafana Loki's push API.
    Loki,
    /// OpenTelemetry logs over HTTP, in JSON.
    Otlp,
}

/// Which entry of the log is a sink's first one, when it is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Beginning {
    /// The log's first.
    #[default]
    Start,
    /// The first that is written after the sink was set up.
    Now,
}

impl Sink {
    /// Every file that is named.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.path, &mut self.token_file, &mut self.checkpoint_file].into_iter().filter_map(Option::as_mut)
    }

    /// The token that is sent along, read now, so that one that was replaced is used.
    pub fn token(&self) -> anyhow::Result<Option<SecretString>> {
        self.token_file.as_deref().map(read_file).transpose()
    }

    fn check(&self) -> anyhow::Result<()> {
        let name = &self.name;
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        ensure!(
            (1..=40).contains(&name.len()) && name.bytes().all(good),
            "sink `{name}`: name it with 1 to 40 lowercase letters, digits and `-`"
        );
        match self.kind {
            SinkKind::File => self.check_file(),
            SinkKind::Loki | SinkKind::Otlp => self.check_push(),
        }
    }

    fn check_file(&self) -> anyhow::Result<()> {
        let name = &self.name;
        ensure!(self.path.is_some(), "sink `{name}`: a file needs path = \"...\"");
        let pushed = self.url.is_some() || self.token_file.is_some() || self.user.is_some() || self.org.is_some();
        ensure!(!pushed, "sink `{name}`: url, token_file, user and org are for `loki` and `otlp`, not for a file");
        let size = self.rotate_mib.unwrap_or(1);
        ensure!((1..=1_000_000).contains(&size), "sink `{name}`: rotate_mib: write 1 to 1000000");
        Ok(())
    }

    fn check_push(&self) -> anyhow::Result<()> {
        let name = &self.name;
        ensure!(self.path.is_none() && self.rotate_mib.is_none(), "sink `{name}`: path and rotate_mib are for a file");
        let url = self.url.as_deref().ok_or_else(|| anyhow::anyhow!("sink `{name}`: write the address to url"))?;
        address::check(&format!("sink `{name}`: url"), url)?;
        ensure!(
            self.user.is_none() || self.token_file.is_some(),
            "sink `{name}`: user needs token_file with the password"
        );
        ensure!(self.org.is_none() || self.kind == SinkKind::Loki, "sink `{name}`: org is for `loki`");
        let plain = |text: &String| !text.is_empty() && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_graphic());
        ensure!(
            self.user.iter().chain(&self.org).all(plain),
            "sink `{name}`: user and org are 1 to 128 letters, digits and marks"
        );
        Ok(())
    }
}

/// Each sink by itself, and no name twice.
pub(super) fn check(sinks: &[Sink]) -> anyhow::Result<()> {
    let mut names = BTreeSet::new();
    for sink in sinks {
        ensure!(names.insert(&sink.name), "sink `{}` stands twice", sink.name);
        sink.check()?;
    }
    Ok(())
}

/// No file belongs to two sinks: one tenant's copy never lies in another's.
pub(super) fn check_unique(settings: &Settings) -> anyhow::Result<()> {
    let mut files = BTreeMap::new();
    for tenant in &settings.tenants {
        for sink in &tenant.sinks {
            let place = format!("sink `{}` of tenant `{}`", sink.name, tenant.id);
            for path in sink.path.iter().chain(&sink.checkpoint_file) {
                if let Some(other) = files.insert(path.clone(), place.clone()) {
                    anyhow::bail!("{place}: {} belongs to {other}: name another file", path.display());
                }
            }
        }
    }
    Ok(())
}
