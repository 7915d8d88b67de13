//! Puts the parts together: the only place that knows all of them.
//!
//! Must not decide anything and must not be imported by anything but the command line.

mod keysets;
mod serve;

pub use keysets::{Looked, look as look_at_key_sets};
pub use serve::serve;

use crate::config::{Keys, Repository, Roster, Settings, Tenant, random};
use crate::domain::facts::User;
use crate::domain::ids::{Clock, ForgeKind, TenantId, Time};
use crate::engine::rego::Evaluator;
use crate::engine::{Engine, Forges, Organisation, People, Shown, TenantLimits, Worker};
use crate::forge::github::{App, Commits, GithubForge, GithubPlace};
use crate::forge::gitlab::{GitlabForge, GitlabPlace, TokenSource};
use crate::forge::local::{Faults, Hook, LocalForge, LocalPlace};
use crate::git::Mirror;
use crate::sink::Sinks;
use crate::store::{Store, WakeBy};
use crate::web;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// The user number of countersign in local repositories.
pub const LOCAL_BOT: u64 = 1;

/// Everything that runs.
#[derive(Clone)]
pub struct Parts {
    /// What the service was told.
    pub settings: Arc<Settings>,
    /// What time it is.
    pub clock: Clock,
    /// What is kept.
    pub store: Store,
    /// Where pull requests live.
    pub forges: Forges,
    /// What signs and verifies.
    pub keys: Keys,
    /// Who may approve.
    pub roster: Roster,
    /// What tenants ask of all their repositories.
    pub organisations: BTreeMap<TenantId, Organisation>,
    /// Asks policies.
    pub evaluator: Evaluator,
    /// What forges showed last on landed commits.
    pub shown: Shown,
    /// The GitHub Apps whose lost deliveries are asked for again.
    pub apps: Vec<Arc<App>>,
}

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Time(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}

/// Who countersign is in local repositories.
pub fn local_bot() -> User {
    User { id: LOCAL_BOT, login: "countersign[bot]".into() }
}

/// Where a local repository is, and where its events go.
pub fn local_place(repository: &Repository) -> anyhow::Result<LocalPlace> {
    let path = repository.path.clone().with_context(|| format!("repository `{}` has no path", repository.name))?;
    let hook = match (&repository.webhook_url, repository.webhook_secret()?) {
        (Some(url), Some(secret)) => Some(Hook { url: url.clone(), secret }),
        _ => None,
    };
    Ok(LocalPlace { path, id: repository.id, name: repository.name.clone(), hook })
}

impl Parts {
    /// Opens everything the settings name.
    pub async fn open(settings: Settings, clock: Clock, faults: Faults) -> anyhow::Result<Parts> {
        let data = &settings.data;
        std::fs::create_dir_all(data).with_context(|| format!("cannot make the data folder {}", data.display()))?;
        let keys = Keys::load(&data.join("keys"))?;
        let roster = roster(&settings, &keys, clock())?;
        let store = open_store(&settings, &clock).await?;
        writable(&store, &settings, clock()).await?;
        let (forges, apps) = forges(&settings, &clock, &faults)?;
        let (organisations, evaluator) = (organisations(&settings)?, Evaluator::default());
        let (settings, shown) = (Arc::new(settings), Shown::default());
        Ok(Parts { settings, clock, store, forges, keys, roster, organisations, evaluator, shown, apps })
    }

    /// The engine over these parts.
    pub fn engine(&self) -> Engine {
        let settings = &self.settings;
        let mut engine = Engine::new(
            self.store.clone(),
            self.forges.clone(),
            self.keys.clone(),
            settings.instance.clone(),
            self.clock.clone(),
            settings.stop,
        );
        engine.roster = self.roster.clone();
        engine.people = people(settings);
        engine.organisations = self.organisations.clone();
        engine.evaluator = self.evaluator.clone();
        engine.shown = self.shown.clone();
        engine
    }

    /// The sinks over these parts.
    pub async fn sinks(&self, name: &str) -> anyhow::Result<Sinks> {
        Sinks::open(&self.settings, &self.store, &self.clock, &self.keys.log, name).await.context("the sinks")
    }

    /// What proposals are taken in with.
    pub fn intake(&self) -> web::intake::Intake<'_> {
        web::intake::Intake { store: &self.store, settings: &self.settings, roster: &self.roster }
    }

    /// A worker over these parts.
    pub fn worker(&self, name: &str) -> Worker {
        Worker::new(self.engine(), name)
    }
}

/// Who may approve, by tenant; a key of ours approves nothing.
fn roster(settings: &Settings, keys: &Keys, now: Time) -> anyhow::Result<Roster> {
    let roster = Roster::of(settings)?;
    for tenant in &settings.tenants {
        let approvers = roster.approvers(&tenant.id, now);
        let ours = keys.set.keys.iter().map(|key| &key.id).chain([keys.attestation.id(), keys.log.id()]);
        for kid in ours {
            let free = approvers.find(kid.as_str()).is_err_and(|refused| refused.code == "token.key_unknown");
            anyhow::ensure!(
                free,
                "tenant `{}`: the key {kid} signs for countersign itself: give the approver a key of their own",
                tenant.id
            );
        }
    }
    Ok(roster)
}

/// What tenants ask of all their repositories.
fn organisations(settings: &Settings) -> anyhow::Result<BTreeMap<TenantId, Organisation>> {
    let read = |tenant: &Tenant| Ok((tenant.id.clone(), organisation(tenant)?));
    settings.tenants.iter().map(read).collect()
}

/// What one tenant asks of all its repositories.
pub fn organisation(tenant: &Tenant) -> anyhow::Result<Organisation> {
    let limits = TenantLimits {
        pull_requests_per_hour: tenant.limits.pull_requests_per_hour,
        open_pull_requests: tenant.limits.open_pull_requests,
    };
    let read = || anyhow::Ok(Organisation { defaults: tenant.rules()?, policy: tenant.policy()?, limits });
    read().with_context(|| format!("tenant `{}`", tenant.id))
}

/// Approvers that the settings join with a user of a forge; a token of theirs is named by their id or `person:<id>`.
fn people(settings: &Settings) -> People {
    let mut people = People::new();
    for (tenant, approver) in settings.tenants.iter().flat_map(|t| t.approvers.iter().map(move |a| (t, a))) {
        if let Some(user) = &approver.forge_user {
            let names = people.entry((tenant.id.to_string(), user.clone())).or_default();
            names.extend([approver.id.clone(), format!("person:{}", approver.id)]);
            names.extend(approver.principals.iter().cloned());
        }
    }
    people
}

/// Opens the database and sees that every tenant has its log.
pub async fn open_store(settings: &Settings, clock: &Clock) -> anyhow::Result<Store> {
    let url = settings.database_url();
    let opened = Store::open(&url, &settings.instance).await;
    let redactors = settings.tenants.iter().map(|tenant| Ok((tenant.id.clone(), tenant.redactor()?)));
    let store = opened.with_context(|| unusable(&url))?.redacting(redactors.collect::<anyhow::Result<_>>()?);
    for tenant in &settings.tenants {
        store.ensure_tenant(&tenant.id, clock(), random()?).await.with_context(|| format!("tenant `{}`", tenant.id))?;
    }
    Ok(store)
}

/// Fails at the start, not at the first proposal, when nothing can be written: a hint to nobody changes no row.
async fn writable(store: &Store, settings: &Settings, now: Time) -> anyhow::Result<()> {
    let Some(tenant) = settings.tenants.first() else { return Ok(()) };
    store.wake(&tenant.id, WakeBy::Id(""), now).await.with_context(|| unusable(&settings.database_url()))?;
    Ok(())
}

/// The address of a server may hold a password; the path of a file does not.
fn unusable(url: &str) -> String {
    let place = url.strip_prefix("sqlite:").map(|path| format!(" {path}")).unwrap_or_default();
    format!("the database{place} cannot be used")
}

/// The forges of all repositories of these settings, and the Apps that speak there.
pub fn forges(settings: &Settings, clock: &Clock, faults: &Faults) -> anyhow::Result<(Forges, Vec<Arc<App>>)> {
    let mut forges = Forges::default();
    let mut apps = BTreeMap::new();
    for tenant in &settings.tenants {
        for repository in &tenant.repositories {
            let binding = repository.binding(&tenant.id);
            match repository.forge {
                ForgeKind::Local => {
                    let mirror = mirror_path(&settings.data, &binding.key(), tenant.id.as_str());
                    let place = local_place(repository)?;
                    Mirror::existing(&place.path).with_context(|| {
                        format!("repository `{}`: write the path of a bare git repository to `path`", repository.name)
                    })?;
                    let forge = LocalForge::new(place, &mirror, local_bot(), clock.clone(), faults.clone());
                    forges.insert(&binding, Arc::new(forge));
                }
                ForgeKind::Github => {
                    let app = github_app(settings, repository.host(), clock, &mut apps)?;
                    let mirror = mirror_path(&settings.data, &binding.key(), tenant.id.as_str());
                    forges.insert(&binding, Arc::new(github(settings, repository, app, mirror)?));
                }
                ForgeKind::Gitlab => {
                    let mirror = mirror_path(&settings.data, &binding.key(), tenant.id.as_str());
                    forges.insert(&binding, Arc::new(gitlab(settings, repository, &mirror, clock)?));
                }
            }
        }
    }
    let hooked =
        |host: &String| settings.github.iter().any(|it| it.host == *host && !it.webhook_secret_files.is_empty());
    let apps = apps.into_iter().filter(|(host, _)| hooked(host)).map(|(_, app)| app).collect();
    Ok((forges, apps))
}

/// The App on a host; one for all of its repositories.
fn github_app(
    settings: &Settings,
    host: &str,
    clock: &Clock,
    apps: &mut BTreeMap<String, Arc<App>>,
) -> anyhow::Result<Arc<App>> {
    if let Some(app) = apps.get(host) {
        return Ok(app.clone());
    }
    let forge = settings.github.iter().find(|forge| forge.host == host);
    let forge = forge.with_context(|| format!("there is no [[github]] with host = \"{host}\""))?;
    let app = App::new(forge.app, &forge.private_key()?, &forge.api(), clock.clone());
    let app = Arc::new(app.map_err(|why| anyhow::anyhow!("[[github]] of {host}: {why}"))?);
    apps.insert(host.to_owned(), app.clone());
    Ok(app)
}

fn github(
    settings: &Settings,
    repository: &Repository,
    app: Arc<App>,
    mirror: std::path::PathBuf,
) -> anyhow::Result<GithubForge> {
    let forge = settings.github.iter().find(|forge| forge.host == repository.host());
    let commits = match forge.map(|forge| forge.commits).unwrap_or_default() {
        crate::config::Commits::Api => Commits::Api,
        crate::config::Commits::Push => Commits::Push,
    };
    let installation = repository.installation.with_context(|| {
        format!("repository `{}`: write the number of the App's installation to `installation`", repository.name)
    })?;
    Ok(GithubForge::new(app, GithubPlace { id: repository.id, installation, mirror, commits }))
}

/// A project at GitLab. Its token is read now, so that a missing one stops the start, and again when it was replaced.
fn gitlab(settings: &Settings, repository: &Repository, mirror: &Path, clock: &Clock) -> anyhow::Result<GitlabForge> {
    let (name, host) = (&repository.name, repository.host());
    let forge = settings.gitlab.iter().find(|forge| forge.host == host).cloned();
    let forge = forge.with_context(|| format!("repository `{name}`: there is no [[gitlab]] with host = \"{host}\""))?;
    repository.gitlab_token(&forge)?;
    let url = forge.url();
    let listed = repository.clone();
    let token: TokenSource = Arc::new(move || listed.gitlab_token(&forge).map_err(|error| format!("{error:#}")));
    let place = GitlabPlace { url, project: repository.id, token };
    GitlabForge::new(&place, mirror, clock.clone()).map_err(|error| anyhow::anyhow!("repository `{name}`: {error}"))
}

fn mirror_path(data: &Path, key: &str, tenant: &str) -> std::path::PathBuf {
    data.join("mirrors").join(tenant).join(format!("{}.git", key.replace([':', '/'], "-")))
}
