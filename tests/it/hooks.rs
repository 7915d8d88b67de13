//! Webhooks from the route to the turn: what they wake, and that they write nothing.

use crate::documents::image;
use crate::world::World;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use countersign::config::{Github, Settings};
use countersign::domain::lifecycle::Stage;
use countersign::forge::hook::{self, Hint, Look};
use countersign::web::{Site, router};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

const SECRET: &str = "the-secret-of-the-hooks";
/// How long GitHub waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The world's service with GitHub and GitLab listed beside its own repository; the engine knows only its own.
fn service(w: &World, hub: &[u64], lab: &[u64]) -> axum::Router {
    let file = w.stage.home.join("hook.secret");
    std::fs::write(&file, SECRET).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut settings: Settings = (*w.stage.parts.settings).clone();
    let github = "app = 1\nprivate_key_file = \"/nowhere\"";
    settings.github = vec![Github { webhook_secret_files: vec![file.clone()], ..toml::from_str(github).unwrap() }];
    settings.gitlab = toml::from_str::<Value>("").map(|_| vec![toml::from_str("").unwrap()]).unwrap();
    settings.gitlab[0].webhook_secret_files = vec![file];
    for (forge, ids) in [("github", hub), ("gitlab", lab)] {
        for id in ids {
            let text = format!("forge = \"{forge}\"\nname = \"x/r{id}\"\nid = {id}\ninstallation = 2");
            settings.tenants[0].repositories.push(toml::from_str(&text).unwrap());
        }
    }
    let parts = &w.stage.parts;
    router(Site {
        store: parts.store.clone(),
        settings: Arc::new(settings),
        clock: parts.clock.clone(),
        keys: parts.keys.set.clone(),
        log_signer: parts.keys.log.clone(),
        keyset: None,
        roster: Default::default(),
        metrics: metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle(),
        ready: Arc::new(|| true),
    })
}

async fn post(service: &axum::Router, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> StatusCode {
    let mut request = Request::post(path).header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap().status()
}

async fn github(service: &axum::Router, event: &str, id: &str, payload: &Value) -> StatusCode {
    let body = payload.to_string().into_bytes();
    let signature = hook::sign(&SECRET.into(), &body).unwrap();
    let headers = [("X-Hub-Signature-256", signature.as_str()), ("X-GitHub-Event", event), ("X-GitHub-Delivery", id)];
    post(service, "/webhooks/github", &headers, body).await
}

fn contracts() -> Option<PathBuf> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/forge-contracts");
    let place = std::env::var_os("COUNTERSIGN_CONTRACTS").map_or_else(|| PathBuf::from(own), PathBuf::from);
    if place.is_dir() {
        return Some(place);
    }
    eprintln!("skipped: no recorded payloads at {}", place.display());
    None
}

/// How often the forge was asked to write anything.
fn writes(w: &World) -> u64 {
    ["push", "open", "set_body", "report", "comment", "merge", "close", "remove_branch"]
        .map(|it| w.asked(it))
        .iter()
        .sum()
}

#[tokio::test]
async fn f11_every_recorded_event_is_answered_and_writes_nothing() {
    let Some(place) = contracts() else { return };
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let before = (writes(&w), w.story(&id).await);
    // Codertocat/Hello-World and GitLab's sample project are listed, all others are not.
    let service = service(&w, &[186_853_002], &[1, 910]);
    let mut answered = 0;
    let text = std::fs::read_to_string(place.join("github/webhook-payloads.jsonl")).unwrap();
    for (n, line) in text.lines().enumerate() {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let (event, started) = (recorded["event"].as_str().unwrap(), Instant::now());
        let status = github(&service, event, &format!("recorded-{n}"), &recorded["payload"]).await;
        assert!(status.is_success(), "{n} {event}: {status}");
        assert!(started.elapsed() < PATIENCE);
        answered += 1;
    }
    for file in std::fs::read_dir(place.join("gitlab")).unwrap() {
        let path = file.unwrap().path();
        let headers = [("X-Gitlab-Token", SECRET), ("X-Gitlab-Event", "Merge Request Hook")];
        let status = post(&service, "/webhooks/gitlab", &headers, std::fs::read(&path).unwrap()).await;
        assert!(status.is_success(), "{}: {status}", path.display());
        answered += 1;
    }
    assert!(answered >= 125, "{answered} payloads");
    let kept = w.stage.parts.store.pending_deliveries(1_000).await.unwrap();
    let pulls = kept.iter().filter(|it| matches!(Hint::look(&it.body), Look::Pull(_) | Look::Comment(_))).count();
    assert!(kept.len() > 60 && pulls > 30, "{} kept, {pulls} of them about a pull request", kept.len());
    w.turns().await;
    assert!(w.stage.parts.store.pending_deliveries(1).await.unwrap().is_empty());
    assert_eq!((writes(&w), w.story(&id).await), before);
    eprintln!("{answered} recorded events answered, {} kept, {pulls} about a pull request", kept.len());
    w.finish().await;
}

#[tokio::test]
async fn f14_f17_f18_events_in_any_order_end_where_the_forge_is() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let number = w.number(&id).await;
    w.dana().close(number).await.unwrap();
    let store = &w.stage.parts.store;
    // Closed before opened, twice under two ids, and a claim that it was merged.
    for (n, look) in
        [Look::Pull(number), Look::Pull(number), Look::Comment(number), Look::Everywhere].iter().enumerate()
    {
        let key = w.record(&id).await.binding.key();
        let body = Hint::bytes(*look);
        store
            .deliver(w.stage.tenant(), &key, &format!("d-{n}"), "pull_request", &body, w.stage.clock.now())
            .await
            .unwrap();
    }
    w.turns().await;
    assert!(w.story(&id).await.ends_with("dropped: rejected"), "{}", w.story(&id).await);
    let record = w.record(&id).await;
    for n in 4..8 {
        let body = Hint::bytes(Look::Pull(number));
        let key = record.binding.key();
        store.deliver(w.stage.tenant(), &key, &format!("d-{n}"), "opened", &body, w.stage.clock.now()).await.unwrap();
    }
    w.turns().await;
    assert_eq!(w.record(&id).await, record, "what is over stays over");
    w.finish().await;
}

#[tokio::test]
async fn f12_f15_f16_a_delivery_that_was_kept_is_taken_after_a_crash() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let number = w.number(&id).await;
    w.dana().close(number).await.unwrap();
    let body = json!({"event": "pull", "delivery": "d-1", "pull": {"number": number}}).to_string();
    let key = w.record(&id).await.binding.key();
    let deliver = async |w: &World| {
        let (store, now) = (&w.stage.parts.store, w.stage.clock.now());
        store.deliver(w.stage.tenant(), &key, "d-1", "pull", body.as_bytes(), now).await.unwrap()
    };
    // Acknowledged, and then the process is gone before anything was woken.
    assert!(deliver(&w).await);
    let w = w.restart().await;
    assert!(!deliver(&w).await, "the forge sends it again");
    w.turns().await;
    assert_eq!(w.record(&id).await.stage, Stage::Dropped);
    assert!(!deliver(&w).await);
    w.turns().await;
    assert_eq!(w.events(&id).await.iter().filter(|event| event.kind == "proposal.dropped").count(), 1);
    w.finish().await;
}

#[tokio::test]
async fn f19_without_any_event_the_sweep_finds_it() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.dana().comment(w.number(&id).await, "/countersign reject no").await.unwrap();
    w.advance(60);
    w.turns().await;
    assert!(w.story(&id).await.ends_with("asked: reject / dropped: rejected"), "{}", w.story(&id).await);
    w.finish().await;
}

/// A delivery that was recorded long ago is authentic for ever: what it claims is only looked at again.
#[tokio::test]
async fn tm54_an_old_delivery_that_nobody_remembers_is_only_a_reason_to_look() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let (number, key) = (w.number(&id).await, w.record(&id).await.binding.key());
    let claim = json!({"event": "pull", "action": "closed", "pull": {"number": number, "state": "closed"}}).to_string();
    let (store, tenant) = (&w.stage.parts.store, w.stage.tenant());
    let deliver =
        async || store.deliver(tenant, &key, "d-1", "pull", claim.as_bytes(), w.stage.clock.now()).await.unwrap();
    assert!(deliver().await && !deliver().await, "the same delivery twice is one");
    w.turns().await;
    let (before, asked) = (w.record(&id).await, writes(&w));
    assert_eq!(store.forget_deliveries(w.stage.clock.now().plus_seconds(1)).await.unwrap(), 1);
    assert!(deliver().await, "it is new to us");
    w.turns().await;
    assert_eq!((w.record(&id).await, writes(&w)), (before, asked));
    assert_eq!(w.record(&id).await.stage, Stage::Open);
    w.finish().await;
}

#[tokio::test]
async fn tm56_an_event_that_claims_a_merge_is_not_believed() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let (number, key) = (w.number(&id).await, w.record(&id).await.binding.key());
    let claim =
        json!({"event": "pull", "action": "closed", "pull": {"number": number, "merged": true, "state": "merged"}});
    let (store, now) = (&w.stage.parts.store, w.stage.clock.now());
    store.deliver(w.stage.tenant(), &key, "d-1", "pull", claim.to_string().as_bytes(), now).await.unwrap();
    w.turns().await;
    assert_eq!(w.record(&id).await.stage, Stage::Open);
    w.finish().await;
}

#[tokio::test]
async fn a_comment_on_a_settled_pull_request_is_heard() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.check_passes(&id).await;
    w.merge(&id).await;
    w.later(73 * 3_600).await;
    w.later(73 * 3_600).await;
    assert_eq!(w.record(&id).await.stage, Stage::Settled);
    assert!(w.stage.parts.store.trouble(w.stage.tenant(), &id).await.unwrap().is_none(), "nobody looks any more");
    let (number, key) = (w.number(&id).await, w.record(&id).await.binding.key());
    w.dana().comment(number, "/countersign status").await.unwrap();
    let (store, now) = (&w.stage.parts.store, w.stage.clock.now());
    store.deliver(w.stage.tenant(), &key, "d-1", "comment", &Hint::bytes(Look::Comment(number)), now).await.unwrap();
    w.turns().await;
    assert!(w.story(&id).await.ends_with("asked: status"), "{}", w.story(&id).await);
    assert!(store.trouble(w.stage.tenant(), &id).await.unwrap().is_none(), "nobody looks again");
    w.finish().await;
}
