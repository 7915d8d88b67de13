//! Sinks on a real database, against files and against listeners that behave badly.
#![allow(clippy::unwrap_used)]

mod files;
mod listener;
mod pushes;

use super::*;
use crate::domain::audit::Event;
use crate::domain::ids::Time;
use crate::store::Cursor;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

/// A database, a folder, a clock that is moved by hand, and a log key.
struct Bench {
    store: Store,
    folder: tempfile::TempDir,
    now: Arc<AtomicI64>,
    signer: Signer,
}

const BEGIN: i64 = 1_800_000_000_000_000;

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/countersign.db", folder.path().display());
        let store = Store::open(&url, "bot.example").await.unwrap();
        for name in ["acme", "rival"] {
            store.ensure_tenant(&tenant(name), Time(BEGIN), [7; 32]).await.unwrap();
        }
        let now = Arc::new(AtomicI64::new(BEGIN));
        Bench { store, folder, now, signer: Signer::from_seed(&[9; 32]) }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn wait(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    fn clock(&self) -> Clock {
        let now = self.now.clone();
        Arc::new(move || Time(now.load(Ordering::SeqCst)))
    }

    /// Writes entries `kind` 0, 1, ... of a tenant.
    async fn happen(&self, name: &str, count: usize) {
        for n in 0..count {
            let event = Event { proposal: Some(format!("p-{n}")), ..Event::note("push.intent", json!({"n": n})) };
            self.store.append(&tenant(name), &[event], Time(BEGIN + 1)).await.unwrap();
        }
    }

    /// The sinks of `acme` that this part of the settings lists.
    async fn sinks(&self, listed: &str) -> Sinks {
        self.sinks_of(&format!("[[tenant]]\nid = \"acme\"\n{listed}")).await.unwrap()
    }

    async fn sinks_of(&self, tenants: &str) -> anyhow::Result<Sinks> {
        let path = self.path("settings.toml");
        std::fs::write(&path, format!("instance = \"bot.example\"\n{tenants}")).unwrap();
        let settings = Settings::load(&path, &|_| None)?;
        Sinks::open(&settings, &self.store, &self.clock(), &self.signer, "here").await
    }

    async fn cursor(&self, name: &str) -> Cursor {
        self.store.cursors(&tenant("acme")).await.unwrap().into_iter().find(|cursor| cursor.name == name).unwrap()
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "no half line");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn indexes(path: &Path) -> Vec<u64> {
    lines(path).iter().map(|line| line["index"].as_u64().unwrap()).collect()
}
