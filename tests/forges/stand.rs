//! A deployment on one of the three forges, and the acts of people there. The same scenario plays on each: behind every
//! server lies a bare repository with the pull requests of a local forge, and people act on that.

use crate::fake::faults::Fault;
pub use crate::ground::{Ground, ID, Kind, NAME, PROPOSER, START, Server, playable};
use crate::story;
use countersign::app::Parts;
use countersign::cli::demo::{CI, HandClock, shop};
use countersign::config::Settings;
use countersign::domain::facts::{Conclusion, MergeMethod, Opinion, Pull};
use countersign::domain::ids::TenantId;
use countersign::domain::lifecycle::Record;
use countersign::forge::local::{Edit, FaultKind, Faults, Person};
use countersign::forge::{Forge, Merge};
use countersign::store::{Happened, WakeBy};
use countersign::web::Site;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex};

pub struct Stand {
    pub parts: Parts,
    ground: Ground,
    /// What the local forge is to get wrong.
    faults: Faults,
    pub tenant: TenantId,
    ids: Mutex<Vec<String>>,
}

impl Deref for Stand {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

/// A change of a tag in staging.
pub fn bump(app: &str, tag: &str) -> Value {
    crate::documents::image(app, "staging", tag)
}

impl Stand {
    pub async fn start(kind: Kind) -> Stand {
        Stand::with(kind, &shop()).await
    }

    pub async fn with(kind: Kind, files: &BTreeMap<String, Vec<u8>>) -> Stand {
        Stand::committing(kind, files, "api").await
    }

    /// On a GitHub where commits are made in this way, `api` or `push`.
    pub async fn committing(kind: Kind, files: &BTreeMap<String, Vec<u8>>, commits: &str) -> Stand {
        Stand::on(Ground::of(kind, files, commits, START.parse().unwrap()).await).await
    }

    /// On ground that is there.
    pub async fn on(ground: Ground) -> Stand {
        let faults = Faults::default();
        let parts = open(&ground.home, &ground.clock, &faults).await;
        Stand { parts, ground, faults, tenant: "acme".parse().unwrap(), ids: Mutex::default() }
    }

    /// Loses everything that is not on disk and starts again; the forge goes on.
    pub async fn restart(mut self) -> Stand {
        self.parts.store.close().await;
        self.parts = open(&self.ground.home, &self.ground.clock, &self.faults).await;
        self
    }

    /// Ends the service; what it stood on stays.
    pub async fn leave(self) -> Ground {
        self.parts.store.close().await;
        self.ground
    }

    /// The forge as the worker has it.
    pub fn forge(&self) -> Arc<dyn Forge> {
        let tenant = &self.parts.settings.tenants[0];
        self.parts.forges.get(&tenant.repositories[0].binding(&tenant.id)).unwrap().clone()
    }

    /// Somebody does this at the moment when the next merge is ordered.
    pub fn while_it_merges<F>(&self, act: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match &self.server {
            Some(server) => server.fake.faults.next("PUT", "/merge", Fault::meanwhile(act)),
            None => self.faults.next("merge", FaultKind::meanwhile(act)),
        }
    }

    /// The service's routes, as the binary serves them.
    pub fn router(&self) -> axum::Router {
        countersign::web::router(Site {
            store: self.parts.store.clone(),
            settings: self.parts.settings.clone(),
            clock: self.parts.clock.clone(),
            keys: self.parts.keys.set.clone(),
            log_signer: self.parts.keys.log.clone(),
            keyset: self.parts.keys.published.clone(),
            roster: self.parts.roster.clone(),
            metrics: metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle(),
            ready: Arc::new(|| true),
        })
    }

    pub async fn edits(&self, id: &str, edit: Edit) {
        self.mallory().edit(self.number(id).await, edit).await.unwrap();
    }

    pub async fn edits_body(&self, id: &str, body: String) {
        self.edits(id, Edit { body: Some(body), ..Edit::default() }).await;
    }

    pub async fn reviews(&self, id: &str, by: &Person, opinion: Opinion) {
        by.review(self.number(id).await, opinion).await.unwrap();
    }

    pub async fn labels(&self, id: &str, add: &[&str], remove: &[&str]) {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        self.dana().label(self.number(id).await, all(add), all(remove)).await.unwrap();
    }

    /// CI says something of the head.
    pub async fn checks(&self, id: &str, name: &str, conclusion: Conclusion) {
        self.ci().check(self.number(id).await, name, conclusion, CI).await.unwrap();
    }

    pub async fn merges(&self, id: &str) -> Merge {
        self.dana().merge(self.number(id).await, MergeMethod::Squash).await.unwrap()
    }

    pub async fn closes(&self, id: &str) {
        self.dana().close(self.number(id).await).await.unwrap();
    }

    // The service.

    /// Sends a proposal and takes every turn it can take now.
    pub async fn propose(&self, document: Value) -> String {
        let id = self.send(document).await;
        self.turns().await;
        id
    }

    /// Goes on with a proposal that was sent before.
    pub fn adopt(&self, id: &str) {
        self.ids.lock().unwrap().push(id.to_owned());
    }

    /// Sends a proposal; nothing happens to it yet.
    pub async fn send(&self, mut document: Value) -> String {
        document["repository"]["forge"] = self.kind.name().into();
        let bytes = document.to_string();
        let accepted = self.parts.intake().receive(&self.tenant, PROPOSER, bytes.as_bytes(), self.clock.now()).await;
        let id = accepted.unwrap_or_else(|refused| panic!("refused: {refused:?}")).id;
        self.adopt(&id);
        id
    }

    /// Takes the turns that are due.
    pub async fn turns(&self) -> u64 {
        self.parts.worker("stand").until_idle().await.unwrap()
    }

    /// Looks at every proposal again.
    pub async fn settle(&self) {
        let ids = self.ids.lock().unwrap().clone();
        for id in ids {
            self.parts.store.wake(&self.tenant, WakeBy::Id(&id), self.clock.now()).await.unwrap();
        }
        self.turns().await;
    }

    /// Moves the clock and looks at every proposal again.
    pub async fn later(&self, seconds: i64) {
        self.clock.advance(seconds);
        self.settle().await;
    }

    pub async fn record(&self, id: &str) -> Record {
        self.parts.store.record(&self.tenant, id).await.unwrap().expect("a proposal").0
    }

    pub async fn number(&self, id: &str) -> u64 {
        let record = self.record(id).await;
        record.pull.unwrap_or_else(|| panic!("no pull request: {:?}", record.reason))
    }

    /// The pull request as the forge shows it to the worker.
    pub async fn pull(&self, id: &str) -> Pull {
        self.forge().pull(self.number(id).await).await.unwrap()
    }

    pub async fn events(&self, id: &str) -> Vec<Happened> {
        self.parts.store.events(&self.tenant, id).await.unwrap()
    }

    pub async fn story(&self, id: &str) -> String {
        story::told(&self.events(id).await)
    }

    /// The story is this one.
    #[track_caller]
    pub fn expect(&self, id: &str, expected: &str) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let told = self.story(id).await;
            if told != expected {
                let tale = story::tale(&self.record(id).await, &self.events(id).await);
                panic!(
                    "\n  on {:?} at {at}\n  told:     {told}\n  expected: {expected}\n{tale}\n{}",
                    self.kind,
                    self.asked()
                );
            }
        }
    }

    /// The gates that do not pass, by their codes.
    pub async fn open_gates(&self, id: &str) -> Vec<String> {
        let verdict = self.record(id).await.verdict.expect("a verdict");
        verdict.open().iter().map(|gate| gate.code.clone()).collect()
    }

    /// The log verifies, no fault is left over, and every announced effect has its result.
    pub async fn finish(self) {
        self.kept_its_manners();
        assert_eq!(self.faults.pending(), 0, "a fault of the script did not happen");
        story::verified(&self.parts.store, &self.tenant).await.expect("the log verifies");
        let ids = self.ids.lock().unwrap().clone();
        for id in ids {
            story::paired(&self.events(&id).await, true).unwrap();
        }
        self.parts.store.close().await;
    }
}

/// Opens the service with the settings of this home.
pub async fn open(home: &Path, clock: &HandClock, faults: &Faults) -> Parts {
    let settings = Settings::load(&home.join("settings.toml"), &|_| None).unwrap();
    Parts::open(settings, clock.clock(), faults.clone()).await.unwrap()
}
