//! The real binary, over TCP: proposals over its API, signed events from the forge's side, kills at any request.

use crate::crash::shown;
use crate::fake::doom::Side;
use crate::fake::events::{self, Event, What};
use crate::fake::faults::Act;
use crate::ground::{Ground, Kind};
use crate::seasoned;
use crate::stand::bump;
use countersign::app::system_clock;
use countersign::cli::demo::CI;
use countersign::domain::facts::{Conclusion, Opinion};
use serde_json::Value;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

on_served!(the_binary_from_a_proposal_to_a_merge, f91_killed_at_a_request);

/// The longest that anything may take here.
const PATIENCE: Duration = Duration::from_secs(90);

/// A deployment whose service is a process of its own.
struct Site {
    ground: Ground,
    client: reqwest::Client,
    child: Option<Child>,
    /// The clock of the forge goes with the system's.
    ticking: JoinHandle<()>,
    log: Arc<Mutex<String>>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.ticking.abort();
        if std::thread::panicking() {
            eprintln!("{}\n{}", self.log.lock().unwrap(), self.ground.asked());
        }
    }
}

impl Site {
    /// On ground where a class has earned to merge by itself; not started.
    async fn set(kind: Kind) -> Site {
        let ground = seasoned::ground(kind).await;
        let (clock, system) = (ground.clock.clone(), system_clock());
        clock.set(system());
        let ticking = tokio::spawn(async move {
            loop {
                clock.set(system());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Site { ground, client, child: None, ticking, log: Arc::default() }
    }

    fn binary(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERSIGN_")) {
            command.env_remove(name);
        }
        command.env("COUNTERSIGN_CONFIG", self.ground.home.join("settings.toml")).kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.binary().args(arguments).output().await.unwrap()
    }

    /// Starts the server and waits until it answers.
    async fn start(&mut self) {
        let mut child = self.binary().arg("serve").stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut pipe, log) = (child.stderr.take().unwrap(), self.log.clone());
        tokio::spawn(async move {
            use tokio::io::AsyncReadExt as _;
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = pipe.read(&mut bytes).await {
                log.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        self.child = Some(child);
        let end = Instant::now() + PATIENCE;
        while self.client.get(self.url("/readyz")).send().await.is_err() {
            assert!(Instant::now() < end, "the server does not answer");
            assert!(self.child.as_mut().unwrap().try_wait().unwrap().is_none(), "the server ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ground.port)
    }

    /// Sends a proposal over the API; the service's id.
    async fn propose(&self, mut document: Value) -> String {
        document["repository"]["forge"] = self.ground.kind.name().into();
        let request = self.client.post(self.url("/v1/proposals")).bearer_auth(&self.ground.token);
        let answer =
            request.header("content-type", "application/json").body(document.to_string()).send().await.unwrap();
        let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert!(status.is_success(), "{status} {body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Sends an event as the forge does; the status of the answer, if there is one.
    async fn deliver(&self, event: &Event) -> Option<u16> {
        let mut request = self.client.post(self.url(event.path)).body(event.body.clone());
        for (name, value) in &event.headers {
            request = request.header(*name, value);
        }
        request.send().await.ok().map(|answer| answer.status().as_u16())
    }

    async fn read(&self, id: &str) -> Option<Value> {
        let request = self.client.get(self.url(&format!("/v1/proposals/{id}"))).bearer_auth(&self.ground.token);
        request.send().await.ok()?.json().await.ok()
    }

    /// Waits until the proposal shows what is wanted.
    async fn until(&self, what: &str, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < end {
            last = self.read(id).await;
            if let Some(found) = last.as_ref().filter(|found| wanted(found)) {
                return found.clone();
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("waited in vain for {what}: {last:?}");
    }

    /// The attestation in the pull request's body, proven offline by the command.
    async fn attestation_verifies(&self, number: u64) {
        let end = Instant::now() + PATIENCE;
        // The block is written a turn after the pull request was opened.
        let pull = loop {
            let pull = self.ground.dana().show(number).await.unwrap().0;
            if pull.body.contains("-----BEGIN COUNTERSIGN ATTESTATION-----") || Instant::now() >= end {
                break pull;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        };
        let (body, key) = (self.ground.home.join("body.md"), self.ground.home.join("data/keys/attestation.pem"));
        std::fs::write(&body, &pull.body).unwrap();
        let proven = self.run(&["verify", "--body", body.to_str().unwrap(), "--key", key.to_str().unwrap()]).await;
        assert!(proven.status.success(), "{proven:?}");
        std::fs::write(&body, pull.body.replacen("1.4.2", "6.6.6", 1)).unwrap();
        let forged = self.run(&["verify", "--body", body.to_str().unwrap(), "--key", key.to_str().unwrap()]).await;
        assert_eq!(forged.status.code(), Some(4), "{forged:?}");
    }

    /// The log, exported and proven by the command; the types of its entries.
    async fn log_verifies(&self) -> Vec<String> {
        let export = self.ground.home.join(format!("export-{}", system_clock()().0));
        let place = export.to_str().unwrap();
        let exported = self.run(&["audit", "export", place, "--tenant", "acme"]).await;
        assert!(exported.status.success(), "{exported:?}");
        let (checkpoint, key) = (format!("{place}/checkpoint"), format!("{place}/log.pem"));
        let strict = ["audit", "verify", place, "--require", "checkpoint", "--checkpoint", &checkpoint, "--key", &key];
        let proven = self.run(&strict).await;
        assert!(proven.status.success(), "{proven:?}");
        let entries = std::fs::read_to_string(export.join("entries.ndjson")).unwrap();
        let of = |line: &str| serde_json::from_str::<Value>(line).unwrap()["leaf"]["type"].as_str().unwrap().to_owned();
        entries.lines().map(of).collect()
    }

    /// Ends it as a supervisor does; its log.
    async fn terminate(&mut self) -> String {
        let mut child = self.child.take().unwrap();
        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let status = tokio::time::timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.log.lock().unwrap());
        self.log.lock().unwrap().clone()
    }

    /// What ends it at once; tells when it is done.
    fn kill(&self, gone: &Arc<AtomicBool>) -> Act {
        let pid = self.child.as_ref().unwrap().id().unwrap().to_string();
        let gone = gone.clone();
        Arc::new(move || {
            let (pid, gone) = (pid.clone(), gone.clone());
            Box::pin(async move {
                // The server of the forge drops this request with its connection: first it is told, then it is done.
                gone.store(true, Ordering::SeqCst);
                assert!(Command::new("kill").args(["-KILL", &pid]).status().await.unwrap().success());
            })
        })
    }

    /// What two minutes of waiting would do: the claims of a server that is dead end.
    async fn end_leases(&self) {
        use sqlx::Connection as _;
        let file = self.ground.home.join("data/countersign.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut link = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        let sql = "UPDATE due SET lease = CASE WHEN lease > 0 THEN 1 ELSE 0 END, at = 0";
        sqlx::query(sql).execute(&mut link).await.unwrap();
        link.close().await.unwrap();
    }
}

fn waits_for_checks(found: &Value) -> bool {
    found["stage"] == "open" && found.to_string().contains("checks.missing")
}

/// From the proposal to the merge, with every event that a forge sends on the way.
async fn the_binary_from_a_proposal_to_a_merge(kind: Kind) {
    let mut site = Site::set(kind).await;
    site.start().await;
    let before = site.ground.tip("main");
    let id = site.propose(bump("web", "1.4.2")).await;
    let open = site.until("a pull request that waits for checks", &id, waits_for_checks).await;
    let number = open["pull"].as_u64().unwrap();
    site.attestation_verifies(number).await;
    let opened = site.ground.event(What::Opened, number, "delivery-1").await;
    assert_eq!(site.deliver(&opened).await, Some(202));
    assert_eq!(site.deliver(&opened).await, Some(202), "once more, and kept once");
    let forged = opened.clone().with(events::proof(kind), Some("sha256=00"));
    assert_eq!(site.deliver(&forged).await, Some(401));
    site.ground.reviewed(number, Opinion::Approve).await;
    let reviewed = site.ground.event(What::Reviewed, number, "delivery-2").await;
    assert_eq!(site.deliver(&reviewed).await, Some(202));
    site.ground.ci().check(number, "ci/build", Conclusion::Success, CI).await.unwrap();
    let began = Instant::now();
    let mut checked = site.ground.event(What::Checked, number, "delivery-3").await;
    if kind == Kind::Gitlab {
        checked = events::signed(checked, "delivery-3", site.ground.clock.now());
    }
    assert_eq!(site.deliver(&checked).await, Some(202));
    let merged = site.until("the merge", &id, |found| found["stage"] == "merged").await;
    assert!(began.elapsed() < Duration::from_secs(50), "the event woke it, not the sweep");
    assert_eq!(merged["auto"], true, "{merged}");
    assert_ne!(site.ground.tip("main"), before);
    assert_eq!(merged["landed"]["commit"].as_str(), site.ground.tip("main").as_ref().map(|tip| tip.as_str()));
    site.attestation_verifies(number).await;
    let types = site.log_verifies().await;
    for wanted in ["push.intent", "attestation.issued", "merge.intent", "merge.result"] {
        assert!(types.iter().any(|found| found == wanted), "{wanted} is missing: {types:?}");
    }
    assert_eq!(site.ground.fake().log.count("PUT", "/merge"), 1);
    let log = site.terminate().await;
    for secret in [site.ground.token.as_str(), events::SECRET, "ghs_", "glpat", "BEGIN"] {
        assert!(!log.contains(secret), "a secret in the log: {log}");
    }
    site.ground.kept_its_manners();
}

/// The server is killed at the `n`-th request, if there is one; what the forge shows in the end, and how many there were.
async fn killed(kind: Kind, n: u64, side: Side) -> (String, u64) {
    let mut site = Site::set(kind).await;
    site.start().await;
    let gone = Arc::new(AtomicBool::new(false));
    site.ground.fake().doom.set(n, side, site.kill(&gone));
    let id = site.propose(bump("web", "1.4.2")).await;
    let (mut checked, begin) = (false, Instant::now());
    let number = loop {
        assert!(begin.elapsed() < PATIENCE, "{kind:?} {n} {side:?}: {:?}", site.read(&id).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
        if gone.swap(false, Ordering::SeqCst) {
            let status = site.child.take().unwrap().wait().await.unwrap();
            assert_eq!(status.code(), None, "killed");
            site.end_leases().await;
            site.start().await;
        }
        let Some(found) = site.read(&id).await else { continue };
        if found["stage"] == "merged" {
            break found["pull"].as_u64().unwrap();
        }
        if !checked && waits_for_checks(&found) {
            let number = found["pull"].as_u64().unwrap();
            site.ground.ci().check(number, "ci/build", Conclusion::Success, CI).await.unwrap();
            let event = site.ground.event(What::Checked, number, "checked").await;
            checked = site.deliver(&event).await == Some(202);
        }
    };
    let asked = site.ground.fake().doom.requests();
    // Its hour may have come after the merge was told: it is over then, or will be in a moment.
    site.ground.fake().doom.set(u64::MAX, side, site.kill(&gone));
    tokio::time::sleep(Duration::from_millis(300)).await;
    if gone.swap(false, Ordering::SeqCst) {
        assert_eq!(site.child.take().unwrap().wait().await.unwrap().code(), None, "killed");
        site.end_leases().await;
        site.start().await;
    }
    site.log_verifies().await;
    site.terminate().await;
    site.ground.kept_its_manners();
    (shown(&site.ground, number).await, asked)
}

/// At three requests of the way, on both sides of each; the sweep over all of them plays without processes.
async fn f91_killed_at_a_request(kind: Kind) {
    let (expected, requests) = killed(kind, u64::MAX, Side::Before).await;
    for n in [requests / 4, requests / 2, requests - 12] {
        for side in [Side::Before, Side::After] {
            let (found, _) = killed(kind, n, side).await;
            assert_eq!(found, expected, "{kind:?}: killed {side:?} request {n} of {requests}");
        }
    }
}
