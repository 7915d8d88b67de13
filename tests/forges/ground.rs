//! What stands whether countersign runs or not: a folder, a forge behind a server, the people there and a clock.

use crate::fake::{Fake, events, git_http, github, gitlab};
use crate::folder;
use countersign::app::local_bot;
use countersign::cli::demo::{CI, HandClock, shop};
use countersign::config::{Keys, NewToken};
use countersign::domain::facts::{Opinion, User};
use countersign::domain::ids::{Oid, Time};
use countersign::forge::local::{LocalPlace, Person, Rules, Who};
use countersign::git::{Mirror, repository};
use secrecy::ExposeSecret as _;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
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

impl Kind {
    /// As settings and proposals write it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Local => "local",
            Kind::Github => "github",
            Kind::Gitlab => "gitlab",
        }
    }
}

/// Whether this forge can be played here; says so if not.
pub fn playable(kind: Kind) -> bool {
    let can = kind == Kind::Local || git_http::installed();
    if !can {
        println!("skipped: git is not installed, and nothing else here can serve a repository over http");
    }
    can
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

pub struct Ground {
    pub kind: Kind,
    pub home: PathBuf,
    pub clock: HandClock,
    pub server: Option<Server>,
    pub place: LocalPlace,
    /// Where the service listens, when it is a process.
    pub port: u16,
    /// The proposer's token.
    pub token: String,
    folder: TempDir,
}

/// A new folder; in memory where there is such a place, because the database waits for the disk at each step.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let chosen = std::env::var_os("TMPDIR").is_none() && memory.is_dir();
    let made = if chosen { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.or_else(|_| tempfile::tempdir()).unwrap()
}

/// A port that nobody listens on, and that no other test of this run gets: servers are stopped and started again.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Below the range from which the system picks ports for outgoing connections.
    let first = 12_050 + u16::try_from(std::process::id() % 150).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::SeqCst);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Ground {
    /// The sample repository on this forge.
    pub async fn lay(kind: Kind) -> Ground {
        Ground::of(kind, &shop(), "api", START.parse().unwrap()).await
    }

    /// These files on this forge; on a GitHub commits are made in this way, `api` or `push`.
    pub async fn of(kind: Kind, files: &BTreeMap<String, Vec<u8>>, commits: &str, start: Time) -> Ground {
        let folder = folder();
        let dana = User { id: 7, login: "dana".into() };
        repository::create_bare(&folder.path().join("shop.git"), files, "main", &dana, start).unwrap();
        Keys::generate(&folder.path().join("data/keys"), start).unwrap();
        Ground::around(folder, kind, commits, HandClock::at(start)).await
    }

    /// Everything that stood in another folder, at the moment when it was left.
    pub async fn copy(kind: Kind, from: &Path, now: Time) -> Ground {
        let folder = folder();
        folder::copy(from, folder.path()).unwrap();
        Ground::around(folder, kind, "api", HandClock::at(now)).await
    }

    async fn around(folder: TempDir, kind: Kind, commits: &str, clock: HandClock) -> Ground {
        let _ = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_test_writer().try_init();
        crate::contract::PLAYING.fetch_add(1, Ordering::Relaxed);
        let home = folder.path().to_owned();
        for (name, secret) in [("hook.secret", events::SECRET), ("hook.signing", events::SIGNING)] {
            std::fs::write(home.join(name), secret).unwrap();
            std::fs::set_permissions(home.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let place = LocalPlace { path: home.join("shop.git"), id: ID, name: NAME.into(), hook: None };
        let server = match kind {
            Kind::Local => None,
            Kind::Github => Some(github::serve(&home, place.clone(), &clock, commits).await),
            Kind::Gitlab => Some(gitlab::serve(&home, place.clone(), &clock).await),
        };
        let (token, port) = (NewToken::make().unwrap(), free_port());
        std::fs::write(home.join("settings.toml"), settings(&home, server.as_ref(), &token, port)).unwrap();
        let token = token.secret.expose_secret().to_owned();
        Ground { kind, home, clock, server, place, port, token, folder }
    }

    /// Changes the settings' text.
    pub fn change_settings(&self, from: &str, to: &str) {
        let file = self.home.join("settings.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(file, text.replacen(from, to, 1)).unwrap();
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

    /// Whoever runs the checks.
    pub fn ci(&self) -> Person {
        self.person("ci", CI, true)
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

    pub async fn reviewed(&self, number: u64, opinion: Opinion) {
        self.dana().review(number, opinion).await.unwrap();
    }

    pub async fn protects(&self, branch: &str, rules: Option<Rules>) {
        self.dana().protect(branch, rules).await.unwrap();
    }

    /// What was asked of the server, for a test that fails.
    pub fn asked(&self) -> String {
        let log = self.server.iter().flat_map(|it| it.fake.log.all()).map(|it| it.line());
        log.collect::<Vec<_>>().join("\n")
    }

    /// No fault is left over, no secret was shown, and a GitHub's contract was kept.
    pub fn kept_its_manners(&self) {
        let Some(server) = &self.server else { return };
        assert_eq!(server.fake.faults.pending(), 0, "a fault of the script did not happen");
        match self.kind {
            Kind::Local | Kind::Gitlab => gitlab::secrets_stayed_secret(&server.fake),
            Kind::Github => {
                github::secrets_stayed_secret(&server.fake);
                crate::contract::keeps_to_the_contract(&server.fake.log.all());
            }
        }
    }

    /// Keeps what the service keeps; it does not run.
    pub fn back_up(&self) {
        folder::copy(&self.home.join("data"), &self.home.join("backup")).unwrap();
    }

    /// Puts back what was kept.
    pub fn restore(&self) {
        std::fs::remove_dir_all(self.home.join("data")).unwrap();
        std::fs::rename(self.home.join("backup"), self.home.join("data")).unwrap();
    }

    /// Keeps everything that is on disk at another place.
    pub fn keep(&self, to: &Path) {
        let packed = std::process::Command::new("git").arg("-C").arg(&self.place.path).args(["gc", "-q"]).status();
        assert!(packed.is_ok_and(|status| status.success()) || self.kind == Kind::Local);
        folder::copy(self.folder.path(), to).unwrap();
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        crate::contract::ended();
    }
}

fn settings(home: &Path, server: Option<&Server>, token: &NewToken, port: u16) -> String {
    let reporter = NewToken::make().unwrap();
    let local = format!(
        "forge = \"local\"\npath = {:?}\nwebhook_url = \"http://127.0.0.1:{port}/webhooks/local\"\nwebhook_secret_file = \"hook.secret\"",
        home.join("shop.git")
    );
    let repository = server.map_or(local.as_str(), |server| &server.repository);
    let forge = server.map_or("", |server| &server.forge);
    format!(
        r#"instance = "stand.countersign"
listen = "127.0.0.1:{port}"
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
