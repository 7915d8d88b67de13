//! What the forges say: credentials and rights of each host, and whether each repository is ready.
//!
//! Must not write: it asks what a turn asks before it does anything.

use super::Row;
use crate::app;
use crate::config::{Repository, Settings, Tenant};
use crate::domain::facts::Protection;
use crate::domain::ids::{Clock, ForgeKind, Time};
use crate::domain::lifecycle::RulesState;
use crate::engine::{Organisation, rules_of};
use crate::forge::inspect::{Finding, on_github, on_gitlab};
use crate::forge::local::Faults;
use crate::forge::{Forge, ForgeError};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Files with secrets, as far as they can be read.
pub(super) fn secrets(settings: &Settings) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |about: String, check, read: anyhow::Result<usize>| {
        rows.push((
            about,
            match read {
                Ok(0) => Finding::warn(check, "none: events are not taken, and changes are seen every 60 s"),
                Ok(_) => Finding::good(check, "can be read, by their owner alone"),
                Err(error) => Finding::bad(check, format!("{error:#}")),
            },
        ));
    };
    for github in &settings.github {
        let about = format!("github {}", github.host);
        add(about.clone(), "private key", github.private_key().map(|_| 1));
        add(about, "webhook secrets", github.webhook_secrets().map(|all| all.len()));
    }
    for gitlab in &settings.gitlab {
        let about = format!("gitlab {}", gitlab.host);
        add(about, "webhook secrets", gitlab.webhook_secrets().map(|all| all.len()));
    }
    rows
}

/// Every host with its credentials.
pub(super) async fn hosts(settings: &Settings, now: Time) -> Vec<Row> {
    let mut rows = Vec::new();
    for github in &settings.github {
        let Ok(key) = github.private_key() else { continue };
        let on_host = settings.tenants.iter().flat_map(|tenant| &tenant.repositories);
        let on_host = on_host.filter(|it| it.forge == ForgeKind::Github && it.host() == github.host);
        let installations: BTreeSet<u64> = on_host.filter_map(|it| it.installation).collect();
        let installations: Vec<u64> = installations.into_iter().collect();
        let api = github.api();
        let place = on_github::Place {
            api: &api,
            app: github.app,
            key: &key,
            installations: &installations,
            takes_events: !github.webhook_secret_files.is_empty(),
        };
        let about = format!("github {}", github.host);
        rows.extend(on_github::inspect(&place, now).await.into_iter().map(|finding| (about.clone(), finding)));
    }
    for (tenant, repository) in settings.tenants.iter().flat_map(|t| t.repositories.iter().map(move |r| (t, r))) {
        let forge = settings.gitlab.iter().find(|forge| forge.host == repository.host());
        let Some(forge) = forge.filter(|_| repository.forge == ForgeKind::Gitlab) else { continue };
        let about = repository.binding(&tenant.id).to_string();
        match repository.gitlab_token(forge) {
            Ok(token) => {
                let (url, project) = (forge.url(), repository.id.to_string());
                let place = on_gitlab::Place { url: &url, token: &token, project: Some(&project) };
                let seen = on_gitlab::inspect(&place, now).await;
                rows.extend(seen.findings.into_iter().map(|finding| (about.clone(), finding)));
            }
            Err(error) => rows.push((about, Finding::bad("token", format!("{error:#}")))),
        }
    }
    rows
}

/// Every repository, through the adapter that a turn uses.
pub(super) async fn repositories(settings: &Settings, clock: &Clock, offline: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for tenant in &settings.tenants {
        for repository in &tenant.repositories {
            if offline && repository.forge != ForgeKind::Local {
                continue;
            }
            let about = repository.binding(&tenant.id).to_string();
            let found = match forge_of(settings, tenant, repository, clock) {
                Ok(forge) => match app::organisation(tenant) {
                    Ok(asked) => repository_findings(&forge, repository, asked).await,
                    Err(error) => vec![Finding::bad("settings", format!("{error:#}"))],
                },
                Err(error) => vec![Finding::bad("repository", format!("{error:#}"))],
            };
            rows.extend(found.into_iter().map(|finding| (about.clone(), finding)));
        }
    }
    rows
}

/// One repository alone, so that another's fault does not hide it.
fn forge_of(
    settings: &Settings,
    tenant: &Tenant,
    repository: &Repository,
    clock: &Clock,
) -> anyhow::Result<Arc<dyn Forge>> {
    let alone = Tenant { repositories: vec![repository.clone()], ..tenant.clone() };
    let settings = Settings { tenants: vec![alone], ..settings.clone() };
    let (forges, _) = app::forges(&settings, clock, &Faults::default())?;
    let binding = repository.binding(&tenant.id);
    forges.get(&binding).cloned().ok_or_else(|| anyhow::anyhow!("there is no adapter for it"))
}

async fn repository_findings(forge: &Arc<dyn Forge>, listed: &Repository, asked: Organisation) -> Vec<Finding> {
    let seen = match forge.repository().await {
        Ok(seen) => seen,
        Err(error) => return vec![unreachable(&error)],
    };
    let mut found = vec![match (seen.id == listed.id, seen.archived, seen.name == listed.name) {
        (false, ..) => Finding::bad(
            "repository",
            format!("the forge answers with repository {}: write its number to `id`", seen.id),
        ),
        (true, true, _) => Finding::bad("repository", "it is archived: nothing can be pushed"),
        (true, false, false) => {
            Finding::warn("repository", format!("its name is `{}` now: write that to `name`", seen.name))
        }
        (true, false, true) => Finding::good(
            "repository",
            format!("default branch `{}`, countersign is {}", seen.default_branch, seen.bot.login),
        ),
    }];
    if listed.forge == ForgeKind::Local && listed.webhook_url.is_none() {
        found.push(Finding::good("webhook", "none: local repositories are looked at every 2 s"));
    }
    let rules = rules_of(forge, asked).await;
    let explicit = rules.as_ref().ok().and_then(RulesState::loaded);
    let explicit = explicit.map(|loaded| loaded.rules.auto_merge.required_checks.is_some());
    found.push(match rules {
        Ok(RulesState::Loaded(loaded)) => Finding::good("config", format!("{} can be used", loaded.path)),
        Ok(RulesState::Missing) => Finding::warn(
            "config",
            "none on the default branch: proposals are dropped as not_enabled until there is one",
        ),
        Ok(RulesState::Invalid(path, error)) => Finding::bad("config", format!("{path}: {error}")),
        Err(error) => Finding::bad("config", format!("cannot be read: {error}")),
    });
    found.push(match forge.protection(&seen.default_branch).await {
        Ok(protection) => branch(&seen.default_branch, protection.as_ref(), explicit.unwrap_or(false)),
        Err(error) => unreachable(&error),
    });
    found
}

/// What the forge demands of the default branch, as far as a merge depends on it.
fn branch(name: &str, protection: Option<&Protection>, explicit: bool) -> Finding {
    let check = "branch rules";
    match protection {
        None if explicit => Finding::good(check, format!("those of `{name}` cannot be read; the config names its own")),
        None => {
            let sentence =
                "cannot be read: write autoMerge.requiredChecks into the config, or nothing merges by itself";
            Finding::warn(check, sentence)
        }
        Some(rules) if rules.queue => {
            Finding::warn(check, format!("`{name}` merges through a queue: countersign does not, people merge"))
        }
        Some(rules) => match (rules.checks.as_slice(), explicit) {
            ([], false) => Finding::warn(
                check,
                format!("`{name}` requires no check and the config names none: nothing merges by itself"),
            ),
            (checks, _) => {
                let own = checks.iter().any(|(name, _)| name == "countersign/attestation");
                let ours = if own { "ours among them" } else { "countersign/attestation could be one of them" };
                Finding::good(check, format!("`{name}` requires {} checks ({ours})", checks.len()))
            }
        },
    }
}

fn unreachable(error: &ForgeError) -> Finding {
    let next = match error {
        ForgeError::NotFound(_) => "check `id` and that countersign is installed there",
        ForgeError::Denied(_) => "grant it the rights that `countersign init` asks for",
        ForgeError::RateLimited(_) => "wait until then",
        ForgeError::Rejected(_) | ForgeError::Transient(_) => "see what it says, and try again",
    };
    Finding::bad("repository", format!("{error}: {next}"))
}
