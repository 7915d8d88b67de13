//! The suite: the real router, a database in memory, a clock that stands still.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod access;
mod adapters;
mod approvals;
mod audits;
mod deliveries;
mod documents;
mod feedbacks;
mod hosts;
mod intakes;
mod isolation;
mod looks;
mod outcomes;
mod reports;
mod tokens;
mod trust;
mod withdrawals;

use super::*;
use crate::config::token_digest;
use crate::domain::ids::{Oid, TenantId};
use crate::domain::lifecycle::{Record, Stage, Transition};
use crate::domain::trust::{Class, Judgement, Outcome};
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use tower::ServiceExt as _;

/// The tokens: tenant and roles.
const TOKENS: [(&str, &str, &str, &str); 7] = [
    ("acme", "agent:sender", "propose", "cs_acme_propose"),
    ("acme", "team:reader", "read", "cs_acme_read"),
    ("acme", "team:monitor", "report", "cs_acme_report"),
    ("acme", "team:admin", "admin", "cs_acme_admin"),
    ("rival", "agent:sender", "propose", "cs_rival_propose"),
    ("rival", "team:reader", "read", "cs_rival_read"),
    ("rival", "team:admin", "admin", "cs_rival_admin"),
];
const REPORTER: &str = "cs_acme_argocd";
/// The secret that acme's Flux shares, and the seed of the key of acme's probe.
const FLUX: &str = "the-reporter-of-acme";
const PROBE: u8 = 21;
/// Approvers: tenant, id and the seed of the key.
const APPROVERS: [(&str, &str, u8); 3] = [("acme", "dana", 11), ("acme", "kim", 12), ("rival", "rick", 13)];
const SECRETS: [(&str, &str); 2] = [("acme", "the-secret-of-acme"), ("rival", "the-secret-of-rival")];
const LANDED: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";

/// A site with two tenants, each with one local repository.
struct Scene {
    site: Site,
    router: Router,
    _dir: tempfile::TempDir,
}

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("text")
    }

    /// A page with its slashes as they are read.
    fn shown(&self) -> String {
        self.text().replace("&#x2f;", "/")
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// The problem's code, after its form was checked.
    fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let document = self.json();
        assert_eq!(document["status"], self.status.as_u16());
        for member in ["title", "detail"] {
            assert!(document[member].as_str().is_some_and(|text| !text.is_empty()), "{document}");
        }
        let instance = document["instance"].as_str().expect("an instance");
        assert_eq!(instance.strip_prefix("urn:uuid:"), Some(self.header("x-request-id")));
        let known = ["type", "title", "status", "detail", "instance", "path"];
        assert!(document.as_object().expect("an object").keys().all(|key| known.contains(&key.as_str())), "{document}");
        document["type"]
            .as_str()
            .and_then(|kind| kind.strip_prefix("urn:countersign:problem:"))
            .expect("a code")
            .to_owned()
    }
}

fn tenant(name: &str) -> TenantId {
    name.parse().expect("a tenant")
}

fn now() -> Time {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}

/// A file that only its owner may read.
fn secret_file(dir: &std::path::Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
    path
}

fn settings(dir: &std::path::Path) -> Settings {
    let mut text = "instance = \"countersign.local\"\n".to_owned();
    for (n, (tenant, secret)) in SECRETS.iter().enumerate() {
        let path = secret_file(dir, &format!("{tenant}.secret"), secret);
        text.push_str(&format!("[[tenant]]\nid = \"{tenant}\"\n"));
        for (_, principal, role, token) in TOKENS.iter().filter(|(of, ..)| of == tenant) {
            let digest = token_digest(&(*token).into());
            text.push_str(&format!(
                "[[tenant.token]]\nprincipal = \"{principal}\"\nroles = [\"{role}\"]\nsha256 = \"{digest}\"\n"
            ));
        }
        for (_, id, seed) in APPROVERS.iter().filter(|(of, ..)| of == tenant) {
            let x = URL_SAFE_NO_PAD.encode(Signer::from_seed(&[*seed; 32]).public().as_bytes());
            text.push_str(&format!(
                "[[tenant.approver]]\nid = \"{id}\"\njwk = {{kty = \"OKP\", crv = \"Ed25519\", x = \"{x}\"}}\n"
            ));
        }
        if *tenant == "acme" {
            let digest = token_digest(&REPORTER.into());
            text.push_str(&format!("[[tenant.reporter]]\nid = \"argocd\"\nkind = \"bearer\"\nsha256 = \"{digest}\"\n"));
            let pem = Signer::from_seed(&[PROBE; 32]).public().to_public_key_pem(Default::default()).expect("a PEM");
            let public = secret_file(dir, "probe.pem", &pem);
            text.push_str(&format!("[[tenant.reporter]]\nid = \"probe\"\nkind = \"ed25519\"\nkey_file = {public:?}\n"));
        }
        let shared = secret_file(dir, &format!("{tenant}.reporter"), &format!("the-reporter-of-{tenant}"));
        text.push_str(&format!("[[tenant.reporter]]\nid = \"flux\"\nkind = \"hmac\"\nkey_file = {shared:?}\n"));
        text.push_str(&format!(
            "[[tenant.repository]]\nforge = \"local\"\nname = \"{tenant}/shop\"\nid = {}\npath = \"/nowhere\"\nwebhook_secret_file = \"{}\"\n",
            n + 1,
            path.display()
        ));
    }
    toml::from_str(&text).expect("settings")
}

async fn scene() -> Scene {
    scene_with(|_| {}).await
}

async fn scene_with(change: impl FnOnce(&mut Site)) -> Scene {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::memory().await.expect("memory");
    for (tenant, _) in SECRETS {
        store.ensure_tenant(&super::tests::tenant(tenant), now(), [7; 32]).await.expect("a log");
    }
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let mut site = Site {
        store,
        roster: Roster::of(&settings(dir.path())).expect("approvers"),
        settings: Arc::new(settings(dir.path())),
        clock: Arc::new(now),
        keys: KeySet::single(Signer::from_seed(&[1; 32]).public()),
        log_signer: Signer::from_seed(&[2; 32]),
        keyset: None,
        metrics: recorder.handle(),
        ready: Arc::new(|| true),
    };
    change(&mut site);
    Scene { router: router(site.clone()), site, _dir: dir }
}

impl Scene {
    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("never fails");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body");
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(body.into()).expect("a request")).await
    }

    async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(Method::GET, path, token, Body::empty()).await
    }

    async fn post(&self, path: &str, token: &str, body: impl Into<Body>) -> Answer {
        self.ask(Method::POST, path, token, body).await
    }

    async fn propose(&self, proposal: &Value) -> Answer {
        self.post("/v1/proposals", "cs_acme_propose", proposal.to_string()).await
    }

    /// Sends a proposal and gives the service's id.
    async fn proposed(&self, proposal: &Value) -> String {
        let answer = self.propose(proposal).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    async fn record(&self, id: &str) -> Record {
        self.site.store.record(&tenant("acme"), id).await.expect("reads").expect("is there").0
    }

    /// Changes a record as a turn would, step by step up to a stage.
    async fn drive(
        &self,
        id: &str,
        to: Stage,
        change: impl Fn(&mut Record),
        artifacts: &[(&'static str, &[u8])],
    ) -> Record {
        let mut record = self.record(id).await;
        for stage in [Stage::Pushed, Stage::Open, Stage::Merged, Stage::Settled] {
            if record.stage == to {
                break;
            }
            let from = record.stage;
            record.stage = stage;
            record.outcome = (stage == Stage::Settled).then_some(Judgement::Good);
            change(&mut record);
            let transition = Transition {
                from,
                record: record.clone(),
                events: vec![crate::domain::audit::Event::note("stage.changed", json!({}))],
                outcome: (stage == Stage::Settled).then(|| Outcome {
                    target: record.target.clone(),
                    at: record.landed.as_ref().map_or(now(), |landed| landed.at),
                    result: record.outcome.unwrap_or(Judgement::Good),
                    auto: record.auto,
                    merged: Some(now()),
                    maker: record.principal.clone(),
                    epoch: "edits@1 acme".into(),
                    severe: false,
                    evidence: if record.outcome == Some(Judgement::Good) { "argocd".into() } else { String::new() },
                }),
                demote: false,
                halt: None,
                due: (!stage.is_final()).then(now),
                artifacts: artifacts.iter().map(|(name, bytes)| (*name, bytes.to_vec())).collect(),
            };
            self.site.store.commit(&transition, now()).await.expect("a step");
        }
        record
    }

    /// A merged proposal of acme.
    async fn merged(&self, name: &str) -> String {
        let id = self.proposed(&proposal(name)).await;
        self.drive(
            &id,
            Stage::Merged,
            land,
            &[("diff", b"--- a\n+++ b\n-x\n+acme-canary\n"), ("envelope", b"{\"acme-canary\":1}")],
        )
        .await;
        id
    }

    /// What the log of a tenant says: types and reason codes.
    async fn story(&self, of: &str) -> Vec<(String, String)> {
        let leaves = self.site.store.leaves(&tenant(of), 0, 1000).await.expect("leaves");
        let happened = leaves.iter().map(|leaf| leaf.happened().expect("a leaf"));
        happened.map(|happened| (happened.kind, happened.reason_code)).collect()
    }
}

fn land(record: &mut Record) {
    record.class = Some(Class {
        tenant: record.binding.tenant.clone(),
        repository: record.binding.key(),
        environment: "acme-canary-staging".into(),
        action_kind: "SetImage".into(),
        tier: 1,
    });
    record.pull = Some(7);
    if record.stage == Stage::Merged {
        let by = crate::domain::facts::User { id: 4, login: "dana".into() };
        record.landed = Some(crate::domain::facts::Landed { commit: landed(), by, at: now() });
        record.landed_as_attested = Some(true);
    }
}

fn landed() -> Oid {
    LANDED.parse().expect("an id")
}

/// A proposal that is taken in.
fn proposal(name: &str) -> Value {
    json!({
        "apiVersion": "countersign/v1",
        "kind": "Proposal",
        "id": name,
        "actionKind": "SetImage",
        "repository": {"forge": "local", "name": "acme/shop"},
        "target": {"kind": "Deployment", "namespace": "shop", "name": "web"},
        "changes": [{"manifest": {"file": "web.yaml", "set": {"spec.replicas": 3}}}],
        "reason": "because",
        "rollback": {"description": "set it back"},
        "proposer": {"id": "agent:sender"},
    })
}

/// The same with one member replaced.
fn with(name: &str, member: &str, value: Value) -> Value {
    let mut proposal = proposal(name);
    proposal[member] = value;
    proposal
}
