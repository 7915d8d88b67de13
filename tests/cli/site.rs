//! A deployment in a folder: settings, keys, tokens, a sample repository, and the server on a free port.

use crate::folders::put;
use crate::http::{Answer, As, ask};
use crate::run::{Ran, binary, collect, countersign, ended, finish, text, until};
use countersign::cli::demo::shop;
use countersign::domain::facts::User;
use countersign::domain::ids::Time;
use countersign::git::repository::create_bare;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::JoinHandle;
use tempfile::TempDir;

/// The sample repository's name.
pub(crate) const REPOSITORY: &str = "acme/shop";

/// A deployment that may be started and stopped.
pub(crate) struct Site {
    home: TempDir,
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) reporter: String,
}

/// The running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    log: Option<JoinHandle<String>>,
}

/// A port that nobody listens on, and that no other test of this run gets: servers are stopped and started again.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Below the range from which the system picks ports for outgoing connections.
    let first = 12_000 + u16::try_from(std::process::id() % 150).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::SeqCst);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A bare repository with these files on `main`.
pub(crate) fn bare(path: &Path, files: &BTreeMap<String, Vec<u8>>) {
    let author = User { id: 7, login: "dana".into() };
    create_bare(path, files, "main", &author, Time(1_767_600_000_000_000)).unwrap();
}

fn token(principal: &str, reporter: bool) -> Value {
    let kind = reporter.then_some("--reporter");
    let arguments = ["token", "create", "--output", "json", "--principal", principal].into_iter().chain(kind);
    countersign(arguments).code(0).json()
}

impl Site {
    /// Sets up a deployment on the sample repository.
    pub(crate) fn set() -> Site {
        let site = Site::with(&shop());
        countersign(["--config", &text(site.settings()), "keys", "generate"]).code(0);
        site
    }

    /// Sets up a deployment on these files, without keys.
    pub(crate) fn with(files: &BTreeMap<String, Vec<u8>>) -> Site {
        let home = tempfile::tempdir().unwrap();
        bare(&home.path().join("repos/shop.git"), files);
        let secret = put(home.path(), "webhook.secret", "a-secret-of-the-cli-tests\n");
        std::fs::set_permissions(secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let (agent, reporter) = (token("agent:sample", false), token("argocd", true));
        let word = |made: &Value, member: &str| made[member].as_str().unwrap().to_owned();
        let port = free_port();
        let settings = format!(
            "instance = \"cli.tests\"\nlisten = \"127.0.0.1:{port}\"\ndata = \"data\"\n\n[[tenant]]\nid = \"acme\"\n\n{}\n{}\n\
             [[tenant.repository]]\nforge = \"local\"\nname = \"{REPOSITORY}\"\nid = 101\npath = \"repos/shop.git\"\n\
             webhook_url = \"http://127.0.0.1:{port}/webhooks/local\"\nwebhook_secret_file = \"webhook.secret\"\n",
            word(&agent, "settings"),
            word(&reporter, "settings"),
        );
        put(home.path(), "settings.toml", settings);
        Site { home, port, token: word(&agent, "token"), reporter: word(&reporter, "token") }
    }

    /// A path below the home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The settings file.
    pub(crate) fn settings(&self) -> PathBuf {
        self.path("settings.toml")
    }

    /// Changes the settings' text.
    pub(crate) fn change_settings(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.settings()).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(self.settings(), text.replacen(from, to, 1)).unwrap();
    }

    /// A command with the settings and the proposer's token.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare();
        command.args(["--output", "json"]).args(arguments);
        command
    }

    fn bare(&self) -> Command {
        let mut command = binary();
        command.env("COUNTERSIGN_CONFIG", self.settings()).env("COUNTERSIGN_TOKEN", &self.token);
        command.env("COUNTERSIGN_SERVER", format!("http://127.0.0.1:{}", self.port));
        command
    }

    /// Runs a command as a person does, for words.
    pub(crate) fn say(&self, arguments: &[&str]) -> Ran {
        let mut command = self.bare();
        command.args(arguments);
        finish(command, Vec::new())
    }

    /// Runs a command with the settings and the proposer's token.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments), Vec::new())
    }

    /// Runs the server to its end, which is expected to come by itself.
    pub(crate) fn serve_in_vain(&self) -> Ran {
        finish(self.command(&["serve"]), Vec::new())
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn start(&self) -> Server {
        let mut child = self.command(&["serve"]).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = collect(child.stderr.take().unwrap());
        let mut server = Server { child, log: Some(log) };
        until("the server to answer", || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", server.log.take().unwrap().join().unwrap());
            }
            self.ask("GET", "/readyz", As::Nobody, None).filter(|answer| answer.status == 200)
        });
        server
    }

    /// Asks the server.
    pub(crate) fn ask(&self, method: &str, path: &str, who: As<'_>, body: Option<&str>) -> Option<Answer> {
        ask(self.port, method, path, who, body)
    }

    /// Reads something with the proposer's token.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, As::Bearer(&self.token), None).expect("an answer")
    }

    /// Sends a proposal with the command; the service's id.
    #[track_caller]
    pub(crate) fn propose(&self, document: &Value) -> String {
        let file = text(put(self.home.path(), "proposal.json", document.to_string()));
        let answer = self.run(&["propose", &file]).code(0).json();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a proposal is in one of these stages.
    pub(crate) fn wait_for(&self, id: &str, stages: &[&str]) -> Value {
        until(&format!("{id} to be {stages:?}"), || {
            let answer = self.ask("GET", &format!("/v1/proposals/{id}"), As::Bearer(&self.token), None)?;
            let found = answer.json();
            stages.iter().any(|stage| found["stage"] == *stage).then_some(found)
        })
    }

    /// All pull requests of the repository.
    pub(crate) fn pulls(&self) -> Vec<Value> {
        let found = self.run(&["pull", "list", "--all", &format!("local:{REPOSITORY}")]).code(0).json();
        found.as_array().unwrap().clone()
    }
}

impl Server {
    /// Ends it as a supervisor does; its exit code and its log.
    pub(crate) fn terminate(mut self) -> (i32, String) {
        let told = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(told.success());
        let code = ended(&mut self.child);
        (code, self.log.take().unwrap().join().unwrap())
    }

    /// Tells it that files were moved.
    pub(crate) fn hang_up(&self) {
        let told = Command::new("sh").args(["-c", &format!("kill -HUP {}", self.child.id())]).status().unwrap();
        assert!(told.success());
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        ended(&mut self.child);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // What the server said is what explains a test that failed.
        if let (true, Some(log)) = (std::thread::panicking(), self.log.take()) {
            eprintln!("the server's log:\n{}", log.join().unwrap_or_default());
        }
    }
}

/// A `SetImage` of one application in staging.
pub(crate) fn set_image(name: &str, app: &str, tag: &str) -> Value {
    json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "id": name, "actionKind": "SetImage",
        "repository": {"forge": "local", "name": REPOSITORY},
        "environment": "staging",
        "target": {"kind": "Deployment", "namespace": "shop-staging", "name": app},
        "changes": [{"kustomize": {
            "directory": format!("apps/{app}/staging"),
            "images": [{"name": format!("ghcr.io/acme/{app}"), "newTag": tag}]
        }}],
        "reason": format!("{app} restarts with an error that {tag} mends"),
        "blastRadius": {"environments": ["staging"], "objects": [{"kind": "Deployment", "namespace": "shop-staging", "name": app}]},
        "rollback": {"description": "set the tag that stood there before"},
        "proposer": {"id": "agent:sample"}
    })
}
