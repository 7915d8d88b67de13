//! A deployment on one of the three forges, and the acts of people there. The same scenario plays on each: behind every
//! server lies a bare repository with the pull requests of a local forge, and people act on that.

use crate::fake::{Fake, git_http, github, gitlab};
use crate::story;
use countersign::app::{Parts, local_bot};
use countersign::cli::demo::{CI, HandClock, shop};
use countersign::config::{Keys, NewToken, Settings};
use countersign::domain::facts::{Conclusion, MergeMethod, Opinion, Pull, User};
use countersign::domain::ids::{Oid, TenantId};
use countersign::domain::lifecycle::Record;
use countersign::forge::local::{Edit, Faults, LocalPlace, Person, Rules, Who};
use countersign::forge::{Forge, Merge};
use countersign::git::{Mirror, repository};
use countersign::store::{Happened, WakeBy};
use countersign::web::intake::receive;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

pub const START: &str = "2026-01-05T08:00:00Z";
pub const NAME: &str = "acme/shop";
pub const ID: u64 = 101;
pub const PROPOSER: &str = "agent:sample";
pub const REPORTER: &str = "argocd";

/// Which forge a scenario plays on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Local,
    Github,
    Gitlab,
}

/// A server, and what the settings say of it.
pub struct Server {
    pub fake: Fake,
    /// The table of the forge, `[[github]]` or `[[gitlab]]`.
    pub forge: String,
    /// The lines of the repository beside name and id.
    pub repository: String,
    /// The state of a GitHub.
    pub hub: Option<Arc<github::Hub>>,
    /// The state of a GitLab.
    pub lab: Option<Arc<gitlab::State>>,
}

pub struct Stand {
    pub kind: Kind,
    pub home: PathBuf,
    pub clock: HandClock,
    pub parts: Parts,
    pub server: Option<Server>,
    place: LocalPlace,
    tenant: TenantId,
    ids: Mutex<Vec<String>>,
    _folder: TempDir,
}

/// Whether this forge can be played here; says so if not.
pub fn playable(kind: Kind) -> bool {
    let can = kind == Kind::Local || git_http::installed();
    if !can {
        println!("skipped: git is not installed, and nothing else here can serve a repository over http");
    }
    can
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
        let _ = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_test_writer().try_init();
        crate::contract::PLAYING.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_owned();
        let clock = HandClock::at(START.parse().unwrap());
        let bare = home.join("shop.git");
        let dana = User { id: 7, login: "dana".into() };
        repository::create_bare(&bare, files, "main", &dana, clock.now()).unwrap();
        Keys::generate(&home.join("data/keys"), clock.now()).unwrap();
        let place = LocalPlace { path: bare, id: ID, name: NAME.into(), hook: None };
        let server = match kind {
            Kind::Local => None,
            Kind::Github => Some(github::serve(&home, place.clone(), &clock, commits).await),
            Kind::Gitlab => Some(gitlab::serve(&home, place.clone(), &clock).await),
        };
        std::fs::write(home.join("settings.toml"), settings(&home, server.as_ref())).unwrap();
        let parts = open(&home, &clock).await;
        let tenant = "acme".parse().unwrap();
        Stand { kind, home, clock, parts, server, place, tenant, ids: Mutex::default(), _folder: folder }
    }

    /// Loses everything that is not on disk and starts again; the forge goes on.
    pub async fn restart(mut self) -> Stand {
        self.parts.store.close().await;
        self.parts = open(&self.home, &self.clock).await;
        self
    }

    /// The forge as the worker has it.
    pub fn forge(&self) -> Arc<dyn Forge> {
        let tenant = &self.parts.settings.tenants[0];
        self.parts.forges.get(&tenant.repositories[0].binding(&tenant.id)).unwrap().clone()
    }

    /// The server; there is none for the local forge.
    pub fn fake(&self) -> &Fake {
        &self.server.as_ref().expect("a server").fake
    }

    /// The state of the GitHub.
    pub fn hub(&self) -> &github::Hub {
        self.server.as_ref().and_then(|server| server.hub.as_deref()).expect("a GitHub")
    }

    /// The state of the GitLab.
    pub fn lab(&self) -> &gitlab::State {
        self.server.as_ref().and_then(|server| server.lab.as_deref()).expect("a GitLab")
    }

    /// The repository behind.
    pub fn bare(&self) -> Mirror {
        Mirror::existing(&self.place.path).unwrap()
    }

    pub fn tip(&self, branch: &str) -> Option<Oid> {
        self.bare().reference(&format!("refs/heads/{branch}")).unwrap()
    }

    /// Who countersign is there.
    pub fn bot(&self) -> User {
        match self.kind {
            Kind::Local => local_bot(),
            Kind::Github => github::bot(),
            Kind::Gitlab => gitlab::bot(),
        }
    }

    // People.

    pub fn person(&self, login: &str, id: u64, can_write: bool) -> Person {
        let who = Who { user: User { id, login: login.into() }, can_write };
        Person::new(self.place.clone(), who, self.clock.clock())
    }

    pub fn dana(&self) -> Person {
        self.person("dana", 7, true)
    }

    pub fn mallory(&self) -> Person {
        self.person("mallory", 66, true)
    }

    /// Somebody who may only look.
    pub fn guest(&self) -> Person {
        self.person("guest", 77, false)
    }

    /// Somebody pushes a file to a branch.
    pub async fn pushes(&self, branch: &str, path: &str, text: &str) -> Oid {
        let file = (path.to_owned(), Some(text.as_bytes().to_vec()));
        self.mallory().commit(branch, vec![file], "a change by hand").await.unwrap()
    }

    /// Puts a config on main.
    pub async fn rules(&self, yaml: &str) {
        self.pushes("main", ".github/countersign.yaml", yaml).await;
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
        self.person("ci", CI, true).check(self.number(id).await, name, conclusion, CI).await.unwrap();
    }

    pub async fn merges(&self, id: &str) -> Merge {
        self.dana().merge(self.number(id).await, MergeMethod::Squash).await.unwrap()
    }

    pub async fn closes(&self, id: &str) {
        self.dana().close(self.number(id).await).await.unwrap();
    }

    pub async fn protects(&self, branch: &str, rules: Option<Rules>) {
        self.dana().protect(branch, rules).await.unwrap();
    }

    // The service.

    /// Sends a proposal and takes every turn it can take now.
    pub async fn propose(&self, mut document: Value) -> String {
        let kind = match self.kind {
            Kind::Local => "local",
            Kind::Github => "github",
            Kind::Gitlab => "gitlab",
        };
        document["repository"]["forge"] = kind.into();
        let (store, settings) = (&self.parts.store, &self.parts.settings);
        let bytes = document.to_string();
        let accepted = receive(store, settings, &self.tenant, PROPOSER, bytes.as_bytes(), self.clock.now()).await;
        let id = accepted.unwrap_or_else(|refused| panic!("refused: {refused:?}")).id;
        self.ids.lock().unwrap().push(id.clone());
        self.turns().await;
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
                let log: Vec<String> =
                    self.server.iter().flat_map(|it| it.fake.log.all()).map(|it| it.line()).collect();
                panic!(
                    "\n  on {:?} at {at}\n  told:     {told}\n  expected: {expected}\n{tale}\n{}",
                    self.kind,
                    log.join("\n")
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
        if let Some(server) = &self.server {
            assert_eq!(server.fake.faults.pending(), 0, "a fault of the script did not happen");
            match self.kind {
                Kind::Local | Kind::Gitlab => gitlab::secrets_stayed_secret(&server.fake),
                Kind::Github => {
                    github::secrets_stayed_secret(&server.fake);
                    crate::contract::keeps_to_the_contract(&server.fake.log.all());
                }
            }
        }
        story::verified(&self.parts.store, &self.tenant).await.expect("the log verifies");
        let ids = self.ids.lock().unwrap().clone();
        for id in ids {
            story::paired(&self.events(&id).await, true).unwrap();
        }
        self.parts.store.close().await;
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        crate::contract::ended();
    }
}

async fn open(home: &Path, clock: &HandClock) -> Parts {
    let settings = Settings::load(&home.join("settings.toml"), &|_| None).unwrap();
    Parts::open(settings, clock.clock(), Faults::default()).await.unwrap()
}

fn settings(home: &Path, server: Option<&Server>) -> String {
    let (token, reporter) = (NewToken::make().unwrap(), NewToken::make().unwrap());
    let local = format!("forge = \"local\"\npath = {:?}", home.join("shop.git"));
    let repository = server.map_or(local.as_str(), |server| &server.repository);
    let forge = server.map_or("", |server| &server.forge);
    format!(
        r#"instance = "stand.countersign"
listen = "127.0.0.1:8080"
data = "data"
database = "sqlite"
{forge}
[[tenant]]
id = "acme"

[[tenant.token]]
principal = "{PROPOSER}"
roles = ["propose", "read"]
sha256 = "{}"

[[tenant.reporter]]
id = "{REPORTER}"
kind = "bearer"
sha256 = "{}"

[[tenant.repository]]
name = "{NAME}"
id = {ID}
{repository}
"#,
        token.sha256, reporter.sha256
    )
}
