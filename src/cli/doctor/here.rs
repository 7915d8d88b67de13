//! What lies on this machine: the data folder, keys, the database, who may ask.
//!
//! Must not need the network, except for a database that is elsewhere.

use super::Row;
use crate::app;
use crate::config::{Keys, Settings};
use crate::domain::ids::Clock;
use crate::forge::inspect::Finding;
use crate::store::{Cursor, Store, WakeBy};
use std::os::unix::fs::PermissionsExt as _;

pub(super) async fn look(settings: &Settings, clock: &Clock) -> Vec<Row> {
    let mut found = vec![folder(settings)];
    found.push(match Keys::load(&settings.data.join("keys")) {
        Ok(keys) => {
            Finding::good("keys", format!("version {}, signing with {}", keys.set.version, keys.attestation.id()))
        }
        Err(error) => Finding::bad("keys", format!("{error:#}")),
    });
    let (store, state) = database(settings, clock).await;
    found.push(state);
    if settings.stop {
        found.push(Finding::warn("stop", "the settings say `stop = true`: nothing is written at any forge"));
    }
    let mut rows: Vec<Row> = found.into_iter().map(|finding| ("service".to_owned(), finding)).collect();
    for tenant in &settings.tenants {
        let about = format!("tenant {}", tenant.id);
        if tenant.tokens.is_empty() {
            let sentence = "it has no token: `countersign token create` makes one; nobody can propose without";
            rows.push((about.clone(), Finding::warn("tokens", sentence)));
        }
        let unread = tenant.reporters.iter().filter_map(|reporter| reporter.proof().err());
        rows.extend(unread.map(|error| (about.clone(), Finding::bad("reporters", format!("{error:#}")))));
        if tenant.repositories.is_empty() {
            rows.push((about, Finding::warn("repositories", "it lists none: add [[tenant.repository]]")));
        }
    }
    if let Some(store) = store {
        rows.extend(sinks(settings, &store).await);
        store.close().await;
    }
    rows
}

/// How far each copy of a log has come.
async fn sinks(settings: &Settings, store: &Store) -> Vec<Row> {
    let mut rows = Vec::new();
    for tenant in settings.tenants.iter().filter(|tenant| !tenant.sinks.is_empty()) {
        let cursors = store.cursors(&tenant.id).await.unwrap_or_default();
        for sink in &tenant.sinks {
            let cursor = cursors.iter().find(|cursor| cursor.name == sink.name);
            rows.push((format!("tenant {}, sink {}", tenant.id, sink.name), state(cursor)));
        }
    }
    rows
}

fn state(cursor: Option<&Cursor>) -> Finding {
    let Some(cursor) = cursor else {
        return Finding::warn("sink", "it is new: the service begins with it when it starts");
    };
    let (lag, next) = (cursor.lag(), cursor.next);
    match &cursor.error {
        Some(error) => {
            let sentence =
                format!("{lag} entries behind, {} tries failed since entry {next}: {error}", cursor.attempts);
            Finding::warn("sink", sentence)
        }
        None => Finding::good("sink", format!("{lag} entries behind, entry {next} is its next")),
    }
}

/// The data folder holds keys and mirrors: its owner alone may look in.
fn folder(settings: &Settings) -> Finding {
    let (check, place) = ("data folder", settings.data.display());
    let meta = match std::fs::metadata(&settings.data) {
        Ok(meta) => meta,
        Err(error) => return Finding::bad(check, format!("{place}: {error}; make it, or set `data` to another")),
    };
    let mode = meta.permissions().mode() & 0o777;
    let probe = tempfile::Builder::new().prefix(".countersign-").tempfile_in(&settings.data);
    match (meta.is_dir(), probe, mode & 0o027) {
        (false, ..) => Finding::bad(check, format!("{place} is not a folder")),
        (true, Err(error), _) => Finding::bad(check, format!("{place} cannot be written: {error}")),
        (true, Ok(_), 0) => Finding::good(check, format!("{place}, mode {mode:03o}")),
        (true, Ok(_), _) => {
            Finding::warn(check, format!("{place} has the mode {mode:03o}: run `chmod 750 {place}` or less"))
        }
    }
}

async fn database(settings: &Settings, clock: &Clock) -> (Option<Store>, Finding) {
    let kind = if settings.database == "sqlite" { "SQLite" } else { "PostgreSQL" };
    let store = match app::open_store(settings, clock).await {
        Ok(store) => store,
        Err(error) => return (None, Finding::bad("database", format!("{error:#}"))),
    };
    let Some(tenant) = settings.tenants.first() else {
        return (Some(store), Finding::good("database", format!("{kind} answers")));
    };
    // A hint to nobody changes no row and needs the right to write.
    let written = store.wake(&tenant.id, WakeBy::Id(""), clock()).await;
    let head = store.head(&tenant.id).await;
    let found = match (written, head) {
        (Err(error), _) | (_, Err(error)) => Finding::bad("database", format!("{kind}: {error}")),
        (Ok(_), Ok(head)) if head.at > clock().plus_seconds(5) => {
            let sentence = format!("the newest entry is of {}, after this machine's clock: set it right", head.at);
            Finding::bad("clock", sentence)
        }
        (Ok(_), Ok(_)) => Finding::good("database", format!("{kind} can be read and written")),
    };
    (Some(store), found)
}
