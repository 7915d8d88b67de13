//! A whole deployment in one folder with a clock that is moved by hand: what the demo and the tests play on.
//!
//! Must not be reachable from `serve`.

use crate::app::{Parts, local_place};
use crate::config::{Keys, NewToken, Settings, generate_approver, public_pem, read_signer};
use crate::domain::approval::Says;
use crate::domain::attest::Signer;
use crate::domain::facts::{Conclusion, HealthReport, MergeAnswer, MergeMethod, Pull, User};
use crate::domain::ids::{Clock, ForgeKind, Oid, TenantId, Time};
use crate::domain::lifecycle::Record;
use crate::domain::trust::Judgement;
use crate::engine::Worker;
use crate::forge::local::{Faults, LocalPlace, Person, Who};
use crate::git::repository;
use crate::web::booth::{Booth, Unheard};
use crate::web::intake::{Accepted, Refused};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

static SHOP: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/repos/shop");

/// The sample repository's name.
pub const REPOSITORY: &str = "acme/shop";
/// The sample tenant.
pub const TENANT: &str = "acme";
/// Who proposes.
pub const PROPOSER: &str = "agent:sample";
/// Who reports outcomes.
pub const REPORTER: &str = "argocd";
/// Who may approve.
const APPROVERS: [&str; 3] = ["dana", "kim", "lee"];
/// The number of the app that writes CI's checks.
pub const CI: u64 = 15368;

/// A clock that stands still until it is moved.
#[derive(Clone, Debug)]
pub struct HandClock(Arc<AtomicI64>);

impl HandClock {
    /// A clock that shows this moment.
    pub fn at(time: Time) -> HandClock {
        HandClock(Arc::new(AtomicI64::new(time.0)))
    }

    /// Moves it forward by this many seconds.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }

    /// Sets it, backwards too.
    pub fn set(&self, time: Time) {
        self.0.store(time.0, Ordering::SeqCst);
    }

    /// What it shows.
    pub fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }

    /// The clock as a value.
    pub fn clock(&self) -> Clock {
        let shared = self.0.clone();
        Arc::new(move || Time(shared.load(Ordering::SeqCst)))
    }
}

/// A deployment on the sample repository.
pub struct Stage {
    /// Where everything lies.
    pub home: PathBuf,
    /// The clock.
    pub clock: HandClock,
    /// The parts that run.
    pub parts: Parts,
    /// The forge's fault script.
    pub faults: Faults,
    place: LocalPlace,
    tenant: TenantId,
}

/// The sample repository's files.
pub fn shop() -> BTreeMap<String, Vec<u8>> {
    fn walk(dir: &Dir<'_>, files: &mut BTreeMap<String, Vec<u8>>) {
        for file in dir.files() {
            files.insert(file.path().display().to_string(), file.contents().to_vec());
        }
        dir.dirs().for_each(|dir| walk(dir, files));
    }
    let mut files = BTreeMap::new();
    walk(&SHOP, &mut files);
    files
}

impl Stage {
    /// Sets up a home with keys, settings and a bare repository of these files.
    pub async fn set(home: &Path, files: &BTreeMap<String, Vec<u8>>, start: Time) -> anyhow::Result<Stage> {
        let clock = HandClock::at(start);
        let repositories = home.join("repos");
        std::fs::create_dir_all(&repositories).with_context(|| format!("cannot make {}", repositories.display()))?;
        let author = User { id: 7, login: "dana".into() };
        repository::create_bare(&repositories.join("shop.git"), files, "main", &author, start)
            .context("the sample repository")?;
        let keys = Keys::generate(&home.join("data/keys"), start)?;
        std::fs::create_dir_all(home.join("keys"))?;
        std::fs::write(home.join("keys/attestation.pem"), public_pem(&keys.attestation)?)?;
        std::fs::write(home.join("keys/log.pem"), public_pem(&keys.log)?)?;
        let path = home.join("settings.toml");
        let mut text = settings(&NewToken::make()?, &NewToken::make()?);
        for id in APPROVERS {
            text.push_str(&approver(id, &generate_approver(&approver_key(home, id))?));
        }
        std::fs::write(&path, text)?;
        Stage::open(home, clock).await
    }

    /// Opens a home that was set up before: what a restart does.
    pub async fn open(home: &Path, clock: HandClock) -> anyhow::Result<Stage> {
        let faults = Faults::default();
        let settings = Settings::load(&home.join("settings.toml"), &|_| None)?;
        let (_, repository) =
            settings.find(ForgeKind::Local, REPOSITORY).context("the sample repository is not listed")?;
        let place = local_place(repository)?;
        let tenant = TENANT.parse().map_err(|reason: String| anyhow::anyhow!(reason))?;
        let parts = Parts::open(settings, clock.clock(), faults.clone()).await?;
        Ok(Stage { home: home.to_owned(), clock, parts, faults, place, tenant })
    }

    /// The sample tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Somebody at the sample repository.
    pub fn person(&self, login: &str, id: u64) -> Person {
        let who = Who { user: User { id, login: login.into() }, can_write: true };
        Person::new(self.place.clone(), who, self.clock.clock())
    }

    /// The worker.
    pub fn worker(&self) -> Worker {
        self.parts.worker("stage")
    }

    /// Sends a proposal through the intake.
    pub async fn propose(&self, document: &[u8]) -> Result<Accepted, Refused> {
        let now = self.clock.now();
        self.parts.intake().receive(&self.tenant, PROPOSER, document, now).await
    }

    /// Hands in a token of an approver.
    pub async fn hand_in(&self, id: &str, says: Says, token: &str) -> Result<Record, Unheard> {
        let now = self.clock.now();
        let booth = Booth {
            store: &self.parts.store,
            instance: &self.parts.settings.instance,
            approvers: &self.parts.roster.approvers(&self.tenant, now),
            tenant: &self.tenant,
            principal: PROPOSER,
        };
        booth.hear(id, says, token, now).await
    }

    /// The key of a sample approver.
    pub fn approver(&self, id: &str) -> anyhow::Result<Signer> {
        read_signer(&approver_key(&self.home, id))
    }

    /// Takes turns until nothing is due.
    pub async fn settle(&self) -> anyhow::Result<u64> {
        Ok(self.worker().until_idle().await?)
    }

    /// What is kept of a proposal.
    pub async fn record(&self, id: &str) -> anyhow::Result<Record> {
        let found = self.parts.store.record(&self.tenant, id).await?;
        found.map(|(record, _)| record).with_context(|| format!("no proposal {id}"))
    }

    /// The pull request of a proposal as the forge shows it.
    pub async fn pull(&self, id: &str) -> anyhow::Result<Pull> {
        let number = self.record(id).await?.pull.with_context(|| format!("proposal {id} has no pull request"))?;
        Ok(self.person("dana", 7).show(number).await?.0)
    }

    /// CI says that the head is good.
    pub async fn check_passes(&self, id: &str, name: &str) -> anyhow::Result<()> {
        let number = self.pull(id).await?.number;
        self.person("ci", CI).check(number, name, Conclusion::Success, CI).await?;
        self.wake(id).await
    }

    /// A person merges.
    pub async fn merge(&self, id: &str) -> anyhow::Result<Oid> {
        let number = self.pull(id).await?.number;
        let answer = self.person("dana", 7).merge(number, MergeMethod::Squash).await?;
        self.wake(id).await?;
        match answer {
            MergeAnswer::Merged(commit) => Ok(commit),
            MergeAnswer::NotReady(why) | MergeAnswer::Refused(why) => {
                anyhow::bail!("the merge of {number} was not done: {why}")
            }
        }
    }

    /// The reporter says what it sees of the landed commit.
    pub async fn report(&self, id: &str, result: Judgement, note: &str) -> anyhow::Result<()> {
        let landed = self.record(id).await?.landed.with_context(|| format!("proposal {id} has not landed"))?;
        let report = HealthReport {
            reporter: REPORTER.into(),
            result,
            revision: Some(landed.commit),
            note: note.into(),
            at: self.clock.now(),
            severe: false,
            since: None,
        };
        Ok(self.parts.store.report(&self.tenant, id, &report).await?)
    }

    /// The forge's event that makes countersign look again.
    pub async fn wake(&self, id: &str) -> anyhow::Result<()> {
        let by = crate::store::WakeBy::Id(id);
        self.parts.store.wake(&self.tenant, by, self.clock.now()).await?;
        Ok(())
    }
}

fn approver_key(home: &Path, id: &str) -> PathBuf {
    home.join(format!("keys/approver-{id}.key"))
}

/// What the settings say of an approver.
fn approver(id: &str, signer: &Signer) -> String {
    let x = URL_SAFE_NO_PAD.encode(signer.public().as_bytes());
    format!("\n[[tenant.approver]]\nid = \"{id}\"\njwk = {{kty = \"OKP\", crv = \"Ed25519\", x = \"{x}\"}}\n")
}

fn settings(token: &NewToken, reporter: &NewToken) -> String {
    format!(
        r#"instance = "demo.countersign"
listen = "127.0.0.1:8080"
data = "data"
database = "sqlite"

[[tenant]]
id = "{TENANT}"

[[tenant.token]]
principal = "{PROPOSER}"
roles = ["propose", "read"]
sha256 = "{}"

[[tenant.reporter]]
id = "{REPORTER}"
kind = "bearer"
sha256 = "{}"

[[tenant.repository]]
forge = "local"
name = "{REPOSITORY}"
id = 101
path = "repos/shop.git"
"#,
        token.sha256, reporter.sha256
    )
}
