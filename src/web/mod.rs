//! The HTTP surface: the API, webhooks, pages, and what machines ask of a service.
//!
//! Must not decide about a proposal, touch a forge or a repository, or answer one tenant about another.

mod answers;
mod api;
mod auth;
pub mod booth;
mod edge;
mod export;
mod hooks;
pub mod intake;
mod pages;
mod problem;
mod proofs;
mod reporter;
mod routes;
pub mod setup;
mod view;

pub use export::Export;
pub use proofs::{Ask, letter};
pub use routes::openapi;

use crate::config::{Roster, Settings};
use crate::domain::attest::{KeySet, Signer};
use crate::domain::ids::{Clock, TenantId, Time};
use crate::domain::proposal::adapt::Runbook;
use crate::render::page::Pages;
use crate::store::Store;
use auth::Directory;
use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Answers at once whether the service may be sent traffic.
pub type Ready = Arc<dyn Fn() -> bool + Send + Sync>;

/// Everything the HTTP surface is built from.
#[derive(Clone)]
pub struct Site {
    /// The database.
    pub store: Store,
    /// The service's settings.
    pub settings: Arc<Settings>,
    /// Tells the time.
    pub clock: Clock,
    /// What attestations are verified with; published.
    pub keys: KeySet,
    /// Signs checkpoints.
    pub log_signer: Signer,
    /// The signed list of keys; none was published.
    pub keyset: Option<Vec<u8>>,
    /// Who may approve.
    pub roster: Roster,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
    /// Asked by `/readyz` beside the database and the keys.
    pub ready: Ready,
}

impl Site {
    /// What proposals are taken in with.
    pub fn intake(&self) -> intake::Intake<'_> {
        intake::Intake { store: &self.store, settings: &self.settings, roster: &self.roster }
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Site({})", self.settings.instance)
    }
}

/// What every handler shares.
struct Shared {
    site: Site,
    directory: Directory,
    reporters: reporter::Reporters,
    hooks: hooks::Hooks,
    pages: Pages,
    openapi: String,
    runbooks: BTreeMap<TenantId, Vec<Runbook>>,
}

impl Shared {
    fn now(&self) -> Time {
        (self.site.clock)()
    }

    fn store(&self) -> &Store {
        &self.site.store
    }
}

/// The whole HTTP surface of a site.
pub fn router(site: Site) -> Router {
    let hooks = hooks::Hooks::of(&site.settings);
    let (router, document) = routes::assemble(|kind| hooks.any(kind));
    let directory = Directory::of(&site.settings);
    let runbooks = runbooks(&site.settings);
    let reporters = reporter::Reporters::of(&site.settings);
    let shared = Shared { directory, reporters, hooks, pages: Pages::new(), openapi: document, runbooks, site };
    let shared = Arc::new(shared);
    edge::wrap(router.fallback(edge::nothing).with_state(shared.clone()), shared)
}

/// What to propose for documents of other tools, by tenant; what cannot be read is left out, and the log says so.
fn runbooks(settings: &Settings) -> BTreeMap<TenantId, Vec<Runbook>> {
    let read = |tenant: &crate::config::Tenant| match tenant.runbooks() {
        Ok(runbooks) => Some((tenant.id.clone(), runbooks)),
        Err(error) => {
            tracing::error!(tenant = %tenant.id, "no runbook is used: {error:#}");
            None
        }
    };
    settings.tenants.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests;
