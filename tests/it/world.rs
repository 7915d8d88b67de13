//! A deployment that a test plays on: people, a forge, a clock moved by hand, and the stories that result.

use crate::story;
use countersign::cli::demo::{CI, HandClock, Stage, shop};
use countersign::domain::facts::{Conclusion, Pull};
use countersign::domain::ids::{Oid, Time};
use countersign::domain::lifecycle::Record;
use countersign::domain::trust::Judgement;
use countersign::forge::Forge;
use countersign::forge::local::{Edit, FaultKind, Person};
use countersign::store::{Happened, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// When a world begins: a Monday.
pub const START: &str = "2026-01-05T08:00:00Z";
pub const HOUR: i64 = 3_600;
pub const CONFIG: &str = ".github/countersign.yaml";
/// The sample repository's applications.
pub const APPS: [&str; 12] = [
    "basket",
    "billing",
    "catalog",
    "checkout",
    "email",
    "gateway",
    "inventory",
    "ledger",
    "reviews",
    "search",
    "shipping",
    "web",
];

pub struct World {
    pub stage: Stage,
    ids: Mutex<Vec<String>>,
    /// Turns failed, or it was restarted: what was announced may have been announced again.
    pub repeats: bool,
    folder: Option<TempDir>,
}

impl World {
    /// On the sample repository, with no record.
    pub async fn start() -> World {
        World::with(&shop()).await
    }

    /// On these files.
    pub async fn with(files: &BTreeMap<String, Vec<u8>>) -> World {
        let folder = crate::season::folder();
        let mut world = World::at(folder.path(), files, START.parse().unwrap()).await;
        world.folder = Some(folder);
        world
    }

    /// In this folder, which stays.
    pub async fn at(home: &Path, files: &BTreeMap<String, Vec<u8>>, start: Time) -> World {
        let stage = Stage::set(home, files, start).await.unwrap();
        World { stage, ids: Mutex::default(), repeats: false, folder: None }
    }

    /// On the sample repository, where 73 of 73 changes of images in staging were good.
    pub async fn seasoned() -> World {
        let folder = crate::season::folder();
        let clock = crate::season::copy(folder.path());
        let stage = Stage::open(folder.path(), clock).await.unwrap();
        World { stage, ids: Mutex::default(), repeats: false, folder: Some(folder) }
    }

    /// On an empty PostgreSQL schema of this name; nothing when no server is given.
    pub async fn on_postgres(schema: &str) -> Option<World> {
        use sqlx::Connection as _;
        let Ok(server) = std::env::var("COUNTERSIGN_TEST_POSTGRES") else {
            println!("skipped: COUNTERSIGN_TEST_POSTGRES is not set");
            return None;
        };
        let mut link = sqlx::PgConnection::connect(&server).await.unwrap();
        let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut link).await.unwrap();
        link.close().await.unwrap();
        let mut w = World::start().await;
        w.stage.parts.store.close().await;
        let join = if server.contains('?') { '&' } else { '?' };
        let url = format!("database = \"{server}{join}options=-c%20search_path%3D{schema}\"");
        let path = w.stage.home.join("settings.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("database = \"sqlite\""));
        std::fs::write(&path, text.replace("database = \"sqlite\"", &url)).unwrap();
        w.stage = Stage::open(&w.stage.home.clone(), w.stage.clock.clone()).await.unwrap();
        Some(w)
    }

    /// Another replica: the same settings, database, keys and clock, its own mirrors and connections.
    pub async fn replica(&self, name: &str) -> countersign::app::Parts {
        let home = &self.stage.home;
        let data = home.join(name);
        std::fs::create_dir_all(data.join("keys")).unwrap();
        for entry in std::fs::read_dir(home.join("data/keys")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, data.join("keys").join(path.file_name().unwrap())).unwrap();
        }
        let text = std::fs::read_to_string(home.join("settings.toml")).unwrap();
        let path = home.join(format!("{name}.toml"));
        std::fs::write(&path, text.replace("data = \"data\"", &format!("data = \"{name}\""))).unwrap();
        let settings = countersign::config::Settings::load(&path, &|_| None).unwrap();
        let faults = countersign::forge::local::Faults::default();
        countersign::app::Parts::open(settings, self.stage.clock.clock(), faults).await.unwrap()
    }

    /// Loses everything that is not on disk and starts again.
    pub async fn restart(mut self) -> World {
        self.stage.parts.store.close().await;
        let home = self.stage.home.clone();
        let clock: HandClock = self.stage.clock.clone();
        self.stage = Stage::open(&home, clock).await.unwrap();
        self.repeats = true;
        self
    }

    /// Puts something between the engine and the forge.
    pub fn wrap(&mut self, wrapper: impl FnOnce(Arc<dyn Forge>) -> Arc<dyn Forge>) {
        let parts = &mut self.stage.parts;
        let tenant = &parts.settings.tenants[0];
        let binding = tenant.repositories[0].binding(&tenant.id);
        let inner = parts.forges.get(&binding).unwrap().clone();
        parts.forges.insert(&binding, wrapper(inner));
    }

    /// Puts a config on main.
    pub async fn rules(&self, yaml: &str) {
        self.commits(CONFIG, Some(yaml)).await;
    }

    /// Somebody commits one file to main, or removes it.
    pub async fn commits(&self, path: &str, text: Option<&str>) -> Oid {
        let file = (path.to_owned(), text.map(|text| text.as_bytes().to_vec()));
        self.dana().commit("main", vec![file], "a change by hand").await.unwrap()
    }

    pub fn dana(&self) -> Person {
        self.stage.person("dana", 7)
    }

    pub fn mallory(&self) -> Person {
        self.stage.person("mallory", 66)
    }

    pub fn ci(&self) -> Person {
        self.stage.person("ci", CI)
    }

    /// Sends a proposal; nothing happens to it yet.
    pub async fn send(&self, document: &Value) -> String {
        self.stage.propose(document.to_string().as_bytes()).await.unwrap().id
    }

    /// Sends a proposal that this test is about.
    pub async fn adopt(&self, document: &Value) -> String {
        let id = self.send(document).await;
        self.ids.lock().unwrap().push(id.clone());
        id
    }

    /// Takes up a proposal that nobody sent.
    pub fn takes_up(&self, id: &str) {
        self.ids.lock().unwrap().push(id.to_owned());
    }

    /// Sends a proposal and takes every turn it can take now.
    pub async fn propose(&self, document: &Value) -> String {
        let id = self.adopt(document).await;
        self.turns().await;
        id
    }

    /// Takes the turns that are due.
    pub async fn turns(&self) -> u64 {
        self.stage.settle().await.unwrap()
    }

    /// Lets the forge tell of what people did, and takes every turn.
    pub async fn settle(&self) {
        let ids = self.ids.lock().unwrap().clone();
        for id in ids {
            self.stage.wake(&id).await.unwrap();
        }
        self.turns().await;
    }

    /// Changes that people merged: the first `good` of `total` did well.
    pub async fn history(&self, good: u64, total: u64) {
        crate::season::history(self, good, total).await;
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.stage.clock.advance(seconds);
    }

    /// Moves the clock and takes every turn that then is due.
    pub async fn later(&self, seconds: i64) {
        self.advance(seconds);
        self.settle().await;
    }

    /// CI finds the head good.
    pub async fn check_passes(&self, id: &str) {
        self.check(id, "ci/build", Conclusion::Success).await;
    }

    /// CI says something of the head.
    pub async fn check(&self, id: &str, name: &str, conclusion: Conclusion) {
        let number = self.number(id).await;
        self.ci().check(number, name, conclusion, CI).await.unwrap();
        self.settle().await;
    }

    /// A person merges.
    pub async fn merge(&self, id: &str) {
        self.stage.merge(id).await.unwrap();
        self.settle().await;
    }

    /// A reporter says what became of it.
    pub async fn reports(&self, id: &str, seen: &str) {
        let result = match seen {
            "good" => Judgement::Good,
            "bad" => Judgement::Bad,
            other => panic!("nobody reports `{other}`"),
        };
        self.stage.report(id, result, seen).await.unwrap();
    }

    pub async fn record(&self, id: &str) -> Record {
        self.stage.record(id).await.unwrap()
    }

    pub async fn pull(&self, id: &str) -> Pull {
        self.stage.pull(id).await.unwrap()
    }

    pub async fn number(&self, id: &str) -> u64 {
        self.record(id).await.pull.expect("a pull request")
    }

    /// All pull requests of the repository.
    pub async fn pulls(&self) -> Vec<Pull> {
        self.dana().list().await.unwrap()
    }

    /// Somebody edits the body.
    pub async fn edits_body(&self, id: &str, body: String) {
        self.edits(id, Edit { body: Some(body), ..Edit::default() }).await;
    }

    /// Somebody edits the pull request.
    pub async fn edits(&self, id: &str, edit: Edit) {
        let number = self.number(id).await;
        self.mallory().edit(number, edit).await.unwrap();
    }

    /// Plans a fault for the next request of this operation.
    pub fn fault(&self, operation: &'static str, kind: FaultKind) {
        self.stage.faults.next(operation, kind);
    }

    /// How often the forge was asked for this.
    pub fn asked(&self, operation: &str) -> u64 {
        self.stage.faults.count(operation)
    }

    /// The text of a file on main.
    pub async fn file(&self, path: &str) -> Option<String> {
        let bare = countersign::git::Mirror::existing(&self.stage.home.join("repos/shop.git")).unwrap();
        let tip = bare.reference("refs/heads/main").unwrap().unwrap();
        let tree = bare.tree(&tip).unwrap();
        match bare.node(&tree, path).unwrap()? {
            countersign::git::Node::File { oid, .. } => {
                Some(String::from_utf8(bare.read(&oid, 1 << 20).unwrap()).unwrap())
            }
            other => panic!("{path} is {other:?}"),
        }
    }

    /// How many commits main has.
    pub async fn history_of_main(&self) -> usize {
        let bare = countersign::git::Mirror::existing(&self.stage.home.join("repos/shop.git")).unwrap();
        let mut at = bare.reference("refs/heads/main").unwrap();
        let mut commits = 0;
        while let Some(commit) = at {
            commits += 1;
            at = bare.commit(&commit).unwrap().parents.first().cloned();
        }
        commits
    }

    pub async fn events(&self, id: &str) -> Vec<Happened> {
        self.stage.parts.store.events(self.stage.tenant(), id).await.unwrap()
    }

    /// What happened, without announcements.
    pub async fn story(&self, id: &str) -> String {
        story::told(&self.events(id).await)
    }

    /// Whether the class of this proposal was demoted.
    pub async fn demoted(&self, id: &str) -> bool {
        let class = self.record(id).await.class.expect("a class").key();
        self.stage.parts.store.demoted(self.stage.tenant(), class).await.unwrap()
    }

    /// The gates that do not pass, by their codes.
    pub async fn open_gates(&self, id: &str) -> Vec<String> {
        let verdict = self.record(id).await.verdict.expect("a verdict");
        verdict.open().iter().map(|gate| gate.code.clone()).collect()
    }

    /// The story is this one.
    #[track_caller]
    pub fn expect(&self, id: &str, story: &str) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let told = self.story(id).await;
            assert!(told == story, "\n  at {at}\n  told:     {told}\n  expected: {story}");
        }
    }

    /// The only gates that do not pass are these.
    #[track_caller]
    pub fn waits_for(&self, id: &str, codes: &[&str]) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            let open = self.open_gates(id).await;
            assert!(open == codes, "\n  at {at}\n  open:     {open:?}\n  expected: {codes:?}");
        }
    }

    /// The same for a world in which turns failed: what was announced may have been announced again.
    pub async fn finish_after_failures(mut self) {
        self.repeats = true;
        self.finish().await;
    }

    /// Nothing runnable is left over, the log verifies, every announced effect has its one result.
    pub async fn finish(self) {
        self.turns().await;
        let store = &self.stage.parts.store;
        assert_eq!(store.due_count(self.stage.clock.now()).await.unwrap(), 0, "something is left to do");
        assert_eq!(self.stage.faults.pending(), 0, "a fault of the script did not happen");
        story::verified(store, self.stage.tenant()).await.expect("the log verifies");
        let ids = self.ids.lock().unwrap().clone();
        for id in ids {
            story::paired(&self.events(&id).await, self.repeats).unwrap();
        }
        store.close().await;
    }
}

impl Drop for World {
    /// A test that fails tells what happened.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let (url, tenant) = (self.stage.parts.settings.database_url(), self.stage.tenant().clone());
        let ids = self.ids.lock().map(|ids| ids.clone()).unwrap_or_default();
        let read = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let store = Store::open(&url, "demo.countersign").await.ok()?;
                for id in ids {
                    let (record, _) = store.record(&tenant, &id).await.ok()??;
                    eprintln!("{}", story::tale(&record, &store.events(&tenant, &id).await.ok()?));
                }
                Some(())
            })
        };
        let _ = std::thread::spawn(read).join();
    }
}
