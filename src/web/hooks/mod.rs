//! Webhook deliveries: proven, kept once, and believed in nothing.
//!
//! Must not parse a body before its signature is verified, nor act on what it says.

mod hosts;
mod taken;

pub(super) use hosts::{__path_github, __path_gitlab, github, gitlab};

use super::Shared;
use super::answers::{BadBody, Guarded};
use super::edge;
use super::problem::Problem;
use crate::config::Settings;
use crate::domain::canon;
use crate::domain::ids::{Binding, ForgeKind};
use crate::forge::hook;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use secrecy::SecretString;
use serde::Deserialize;
use std::sync::Arc;
pub(super) use taken::only;
use taken::{Taken, named};

/// The repositories that events are taken from, each with what proves them.
#[derive(Default)]
pub(super) struct Hooks {
    local: Vec<(Binding, Option<SecretString>)>,
    hosts: Vec<hosts::Host>,
}

impl Hooks {
    /// Reads the settings; a secret that cannot be read is logged, and nothing is taken in its name.
    pub(super) fn of(settings: &Settings) -> Hooks {
        let mut local = Vec::new();
        for tenant in &settings.tenants {
            for repository in tenant.repositories.iter().filter(|repository| repository.forge == ForgeKind::Local) {
                let binding = repository.binding(&tenant.id);
                let secret = repository.webhook_secret().unwrap_or_else(|error| {
                    tracing::error!(repository = %binding, "events are not taken: {error:#}");
                    None
                });
                local.push((binding, secret));
            }
        }
        Hooks { local, hosts: hosts::Host::all(settings) }
    }

    /// Whether any repository of this kind of forge could be told about.
    pub(super) fn any(&self, kind: ForgeKind) -> bool {
        match kind {
            ForgeKind::Local => !self.local.is_empty(),
            ForgeKind::Github | ForgeKind::Gitlab => self.on(kind).next().is_some(),
        }
    }

    /// The hosts of a kind of forge.
    fn on(&self, kind: ForgeKind) -> impl Iterator<Item = &hosts::Host> {
        self.hosts.iter().filter(move |host| host.kind == kind)
    }

    /// The repositories whose secret signed these bytes; all are tried.
    fn proven(&self, headers: &HeaderMap, body: &[u8]) -> Vec<&Binding> {
        let signature = taken::only(headers, hook::SIGNATURE);
        let mut proven = Vec::new();
        for (binding, secret) in &self.local {
            if secret.as_ref().is_some_and(|secret| hook::verify(std::slice::from_ref(secret), signature, body)) {
                proven.push(binding);
            }
        }
        proven
    }
}

/// As much of an event as says where to look; the headers beside it are not signed and are not read.
#[derive(Deserialize)]
struct Told {
    event: String,
    delivery: String,
    repository: Place,
}

#[derive(Deserialize)]
struct Place {
    id: u64,
}

/// Keeps an event of a local repository; the repository is looked at again.
#[utoipa::path(post, path = "/webhooks/local", tag = "hooks",
    params(("X-Countersign-Signature-256" = String, Header, description = "`sha256=` and the HMAC-SHA256 of the body with the repository's secret, hex.")),
    request_body(content = Object, description = "The event; signed as it lies."),
    responses((status = 202, description = "Kept, or kept already."), Guarded, BadBody))]
pub(super) async fn local(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Problem> {
    taken::answer(take(&shared, request).await)
}

async fn take(shared: &Shared, request: Request) -> Result<Taken, Problem> {
    let headers = request.headers().clone();
    let body = edge::body(request).await?;
    let proven = shared.hooks.proven(&headers, &body);
    if proven.is_empty() {
        return Err(unproven());
    }
    let text = std::str::from_utf8(&body).map_err(|_| Problem::bad("malformed", "the event is not UTF-8"))?;
    let told: Told = canon::parse_json(text).and_then(canon::typed).map_err(|error| Problem::malformed(&error))?;
    // Signed, but with the secret of another repository: as good as not signed.
    let binding = proven.into_iter().find(|binding| binding.id == told.repository.id).ok_or_else(unproven)?;
    if !named(&told.delivery, 128) || !named(&told.event, 64) {
        return Err(Problem::bad("malformed", "`delivery` and `event` are names of printable ASCII"));
    }
    let (store, now) = (shared.store(), shared.now());
    let new = store.deliver(&binding.tenant, &binding.key(), &told.delivery, &told.event, &body, now).await?;
    Ok(if new { Taken::Kept } else { Taken::Duplicate })
}

fn unproven() -> Problem {
    let detail = "X-Countersign-Signature-256 does not prove this body: check the repository's webhook_secret_file";
    Problem::new(StatusCode::UNAUTHORIZED, "signature", "The signature does not fit", detail)
}
