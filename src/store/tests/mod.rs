//! The suite: every test runs on SQLite in memory, on an SQLite file and, when there is one, on PostgreSQL.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::unwrap_used)]

mod approvals;
mod bells;
mod commits;
mod dues;
mod erases;
mod faults;
mod halts;
mod inboxes;
mod logs;
mod proofs;
mod prunes;
mod records;
mod sinks;
mod speed;
mod tenants;

use super::*;
use crate::domain::audit::Event;
use crate::domain::ids::{Binding, Digest, ForgeKind, TenantId, Time};
use crate::domain::lifecycle::{Record, Stage, Transition};
use crate::domain::proposal::ActionKind;
use crate::domain::trust::{Class, Judgement, Outcome};
use serde_json::json;

/// One database to test on.
struct Place {
    name: &'static str,
    store: Store,
    url: Option<String>,
    _dir: Option<tempfile::TempDir>,
}

impl Place {
    /// Another process on the same database; the same handle where there can be no other process.
    async fn again(&self) -> Store {
        match &self.url {
            Some(url) => Store::open(url, "countersign.local").await.expect("opens again"),
            None => self.store.clone(),
        }
    }
}

/// The databases, each empty but for the tenant `acme`; `test` names the PostgreSQL schema.
async fn places(test: &str) -> Vec<Place> {
    let mut places = empty_places(test).await;
    for place in &mut places {
        assert!(place.store.ensure_tenant(&acme(), at(0), [7; 32]).await.expect(place.name));
    }
    places
}

async fn empty_places(test: &str) -> Vec<Place> {
    let dir = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}/countersign.db", dir.path().display());
    let store = Store::open(&url, "countersign.local").await.expect("file");
    let memory = Store::memory().await.expect("memory");
    let mut places = vec![
        Place { name: "memory", store: memory, url: None, _dir: None },
        Place { name: "file", store, url: Some(url), _dir: Some(dir) },
    ];
    match std::env::var("COUNTERSIGN_TEST_POSTGRES") {
        Ok(server) => places.push(postgres(&server, test).await),
        Err(_) => println!("skipped: COUNTERSIGN_TEST_POSTGRES is not set"),
    }
    places
}

async fn postgres(server: &str, test: &str) -> Place {
    let admin = sqlx::PgPool::connect(server).await.expect("reaches PostgreSQL");
    let sql = format!("DROP SCHEMA IF EXISTS cs_{test} CASCADE; CREATE SCHEMA cs_{test}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&admin).await.expect("makes a schema");
    admin.close().await;
    let join = if server.contains('?') { '&' } else { '?' };
    let url = format!("{server}{join}options=-c%20search_path%3Dcs_{test}");
    let store = Store::open(&url, "countersign.local").await.expect("postgres");
    Place { name: "postgres", store, url: Some(url), _dir: None }
}

fn acme() -> TenantId {
    "acme".parse().expect("a tenant")
}

fn at(seconds: i64) -> Time {
    Time(1_800_000_000_000_000).plus_seconds(seconds)
}

/// A record with nothing but what every record has.
fn record(tenant: &TenantId, id: &str) -> Record {
    let binding = Binding {
        tenant: tenant.clone(),
        forge: ForgeKind::Local,
        host: "local".into(),
        id: 7,
        name: "acme/shop".into(),
    };
    serde_json::from_value(json!({
        "id": id,
        "name": null,
        "binding": binding,
        "digest": Digest::of(id.as_bytes()),
        "principal": "agent:test",
        "action_kind": ActionKind::SetImage,
        "target": "shop/Deployment/web",
        "received": at(0),
        "expires": at(1_000_000),
        "stage": Stage::Received,
    }))
    .expect("a record")
}

fn class(tenant: &TenantId) -> Class {
    Class {
        tenant: tenant.clone(),
        repository: "local:local:7".into(),
        environment: "staging".into(),
        action_kind: "SetImage".into(),
        tier: 1,
    }
}

fn note(kind: &'static str) -> Event {
    Event::note(kind, json!({}))
}

/// Takes a proposal in that is due at once.
async fn received(store: &Store, record: &Record) {
    let taken = store.receive(record, b"{}", &[], vec![note("proposal.received")], at(0)).await.expect("taken in");
    assert_eq!(taken, Received::New);
}

/// The step of a record to a stage, with one event and a look a minute later.
fn step(record: &Record, to: Stage) -> Transition {
    let record_then = Record { stage: to, ..record.clone() };
    let due = (!to.is_final()).then(|| at(60));
    Transition {
        from: record.stage,
        record: record_then,
        events: vec![note("stage.changed")],
        outcome: None,
        demote: false,
        halt: None,
        due,
        artifacts: Vec::new(),
    }
}

/// Takes a record through its stages up to `to`; the record then.
async fn driven(store: &Store, record: &Record, to: Stage) -> Record {
    received(store, record).await;
    let number = record.pull.or(Some(1));
    let mut record = record.clone();
    for stage in [Stage::Pushed, Stage::Open, Stage::Merged, Stage::Settled] {
        if record.stage == to {
            break;
        }
        record.pull = number.filter(|_| stage != Stage::Pushed);
        let transition = step(&record, stage);
        store.commit(&transition, at(1)).await.expect("a step");
        record = transition.record;
    }
    record
}

fn outcome(target: &str, result: Judgement) -> Outcome {
    let evidence = if result == Judgement::Good { "argocd" } else { "" };
    Outcome {
        target: target.into(),
        at: at(100),
        result,
        auto: true,
        merged: Some(at(50)),
        maker: "agent:test@2".into(),
        epoch: "edits@1 acme".into(),
        severe: false,
        evidence: evidence.into(),
    }
}

/// The whole log of a tenant, proven; its size.
async fn proven(store: &Store, tenant: &TenantId) -> u64 {
    use crate::domain::audit::{Entry, Manifest, Verifier, Want};
    let head = store.head(tenant).await.expect("a head");
    let manifest = Manifest {
        v: 1,
        origin: head.origin,
        tenant: tenant.clone(),
        size: head.size,
        root: head.root,
        parts: Vec::new(),
        only: None,
        pruned: None,
    };
    let mut verifier = Verifier::new(manifest, Want::default()).expect("a manifest");
    let mut from = 0;
    while from < head.size {
        let leaves = store.leaves(tenant, from, 100).await.expect("leaves");
        for leaf in leaves.iter().filter(|leaf| leaf.seq < head.size) {
            let payload = leaf.payload.as_ref().map(|(payload, nonce)| (payload.as_slice(), nonce.as_slice()));
            let entry = Entry::stored(leaf.seq, &leaf.bytes, payload, leaf.redacted_by);
            verifier.line(&serde_json::to_string(&entry).expect("prints")).expect("a good line");
        }
        from += leaves.len() as u64;
    }
    verifier.finish().expect("the log verifies").size
}
