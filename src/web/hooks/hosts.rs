//! Events of GitHub and GitLab: proven by the secrets of a host, kept for the repositories that are listed for it.
//!
//! Must not choose the forge by a header: other forges send the same ones. The route and the secret say who speaks.

use super::taken::{self, Taken, named, only};
use super::{Problem, Shared, edge};
use crate::config::Settings;
use crate::domain::ids::{Binding, Digest, ForgeKind, Time};
use crate::forge::hook::{self, Hint, Scope, Told, Unreadable, on_github, on_gitlab};
use crate::web::answers::{BadBody, Guarded};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use secrecy::SecretString;
use std::sync::Arc;

/// Reads secrets from their files, afresh each time: a secret is replaced without a restart.
type Secrets = Box<dyn Fn() -> anyhow::Result<Vec<SecretString>> + Send + Sync>;

/// Where events of one host come from: its own secrets speak for all its repositories, a repository's for that one.
pub(super) struct Host {
    pub(super) kind: ForgeKind,
    secrets: Secrets,
    repositories: Vec<Listed>,
}

struct Listed {
    binding: Binding,
    installation: Option<u64>,
}

impl Host {
    /// Every host that has a secret.
    pub(super) fn all(settings: &Settings) -> Vec<Host> {
        let mut hosts = Vec::new();
        for github in settings.github.iter().filter(|github| !github.webhook_secret_files.is_empty()) {
            let (kind, repositories) = (ForgeKind::Github, listed(settings, ForgeKind::Github, &github.host));
            let github = github.clone();
            hosts.push(Host { kind, secrets: Box::new(move || github.webhook_secrets()), repositories });
        }
        for gitlab in settings.gitlab.iter().filter(|gitlab| !gitlab.webhook_secret_files.is_empty()) {
            let (kind, repositories) = (ForgeKind::Gitlab, listed(settings, ForgeKind::Gitlab, &gitlab.host));
            let gitlab = gitlab.clone();
            hosts.push(Host { kind, secrets: Box::new(move || gitlab.webhook_secrets()), repositories });
        }
        for (tenant, repository) in settings.tenants.iter().flat_map(|t| t.repositories.iter().map(move |r| (t, r))) {
            if repository.forge != ForgeKind::Local && repository.webhook_secret_file.is_some() {
                let (kind, binding) = (repository.forge, repository.binding(&tenant.id));
                let (repository, installation) = (repository.clone(), repository.installation);
                let secrets: Secrets = Box::new(move || Ok(repository.webhook_secret()?.into_iter().collect()));
                hosts.push(Host { kind, secrets, repositories: vec![Listed { binding, installation }] });
            }
        }
        hosts
    }

    /// The listed repositories that an event is about.
    fn about(&self, scope: Scope) -> Vec<&Binding> {
        let fits = |listed: &&Listed| match scope {
            Scope::Repository(id) => listed.binding.id == id,
            Scope::Installation(id) => listed.installation == Some(id),
            Scope::Nowhere => false,
        };
        self.repositories.iter().filter(fits).map(|listed| &listed.binding).collect()
    }
}

fn listed(settings: &Settings, kind: ForgeKind, host: &str) -> Vec<Listed> {
    let mut found = Vec::new();
    for tenant in &settings.tenants {
        for repository in tenant.repositories.iter().filter(|it| it.forge == kind && it.host() == host) {
            found.push(Listed { binding: repository.binding(&tenant.id), installation: repository.installation });
        }
    }
    found
}

/// Keeps an event of GitHub; the repository is looked at again.
#[utoipa::path(post, path = "/webhooks/github", tag = "hooks",
    params(("X-Hub-Signature-256" = String, Header, description = "`sha256=` and the HMAC-SHA256 of the body with the webhook's secret, hex."),
        ("X-GitHub-Event" = String, Header, description = "The name of the event."),
        ("X-GitHub-Delivery" = String, Header, description = "The id of the delivery; each is kept once.")),
    request_body(content = Object, description = "The event, at most 25 MiB; signed as it lies."),
    responses((status = 202, description = "Kept, kept already, or about nothing that is listed."), Guarded, BadBody))]
pub(in crate::web) async fn github(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    taken::answer(from_github(&shared, request).await)
}

/// Keeps an event of GitLab; the project is looked at again.
#[utoipa::path(post, path = "/webhooks/gitlab", tag = "hooks",
    params(("X-Gitlab-Token" = Option<String>, Header, description = "The webhook's secret token."),
        ("webhook-signature" = Option<String>, Header, description = "`v1,` and the HMAC-SHA256 of `id.timestamp.body` with the signing token, base64."),
        ("webhook-timestamp" = Option<String>, Header, description = "Seconds since 1970; at most five minutes away."),
        ("webhook-id" = Option<String>, Header, description = "The id of the delivery; each is kept once.")),
    request_body(content = Object, description = "The event, at most 25 MiB; signed as it lies."),
    responses((status = 202, description = "Kept, kept already, or about nothing that is listed."), Guarded, BadBody))]
pub(in crate::web) async fn gitlab(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    taken::answer(from_gitlab(&shared, request).await)
}

async fn from_github(shared: &Shared, request: Request) -> Result<Taken, Problem> {
    let headers = request.headers().clone();
    let (body, _place) = edge::event(request).await?;
    let signature = only(&headers, on_github::SIGNATURE);
    let hosts = proven(shared, ForgeKind::Github, |secrets| hook::verify(secrets, signature, &body))?;
    let event = only(&headers, on_github::EVENT).filter(|event| named(event, 64)).unwrap_or("unnamed");
    let told = on_github::read(event, &body).map_err(unreadable)?;
    keep(shared, &hosts, &told, &delivery(&headers, &[on_github::DELIVERY], &body)).await
}

async fn from_gitlab(shared: &Shared, request: Request) -> Result<Taken, Problem> {
    let headers = request.headers().clone();
    let (body, _place) = edge::event(request).await?;
    let claims = on_gitlab::Headers {
        token: only(&headers, on_gitlab::TOKEN),
        id: only(&headers, on_gitlab::ID),
        timestamp: only(&headers, on_gitlab::TIMESTAMP),
        signature: only(&headers, on_gitlab::SIGNATURE),
    };
    let now: Time = shared.now();
    let hosts = proven(shared, ForgeKind::Gitlab, |secrets| on_gitlab::verify(secrets, &claims, &body, now))?;
    let told = on_gitlab::read(&body).map_err(unreadable)?;
    keep(shared, &hosts, &told, &delivery(&headers, &[on_gitlab::ID, on_gitlab::KEY], &body)).await
}

/// The hosts whose secrets prove an event; all are tried.
fn proven(shared: &Shared, kind: ForgeKind, proves: impl Fn(&[SecretString]) -> bool) -> Result<Vec<&Host>, Problem> {
    let (mut proven, mut broken) = (Vec::new(), None);
    for host in shared.hooks.on(kind) {
        match (host.secrets)() {
            Ok(secrets) if proves(&secrets) => proven.push(host),
            Ok(_) => {}
            Err(error) => broken = Some(error),
        }
    }
    match (proven.is_empty(), broken) {
        (false, _) => Ok(proven),
        (true, Some(error)) => Err(Problem::internal(format!("events are not taken: {error:#}"))),
        (true, None) => {
            let detail = "nothing proves this event: check the webhook's secret and webhook_secret_files";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "signature", "The signature does not fit", detail))
        }
    }
}

/// The id of a delivery: the first of these headers, or the digest of its bytes.
fn delivery(headers: &HeaderMap, names: &[&str], body: &[u8]) -> String {
    let given = names.iter().find_map(|name| only(headers, name).filter(|id| named(id, 128)));
    given.map_or_else(|| format!("sha256:{}", Digest::of(body)), str::to_owned)
}

/// Keeps where to look, for every repository that the event is about.
async fn keep(shared: &Shared, hosts: &[&Host], told: &Told, id: &str) -> Result<Taken, Problem> {
    let mut taken = Taken::Ignored;
    let event = Some(told.event.as_str()).filter(|event| named(event, 64)).unwrap_or("unnamed");
    for binding in hosts.iter().flat_map(|host| host.about(told.scope)) {
        let (store, now) = (shared.store(), shared.now());
        let new = store.deliver(&binding.tenant, &binding.key(), id, event, &Hint::bytes(told.look), now).await?;
        taken = match (new, taken) {
            (true, _) | (false, Taken::Kept) => Taken::Kept,
            (false, Taken::Duplicate | Taken::Ignored) => Taken::Duplicate,
        };
    }
    Ok(taken)
}

fn unreadable(why: Unreadable) -> Problem {
    Problem::bad("malformed", why.to_string())
}
