use super::*;
use crate::config::{Github, Gitlab};
use crate::forge::hook::{self, Hint, Look, on_gitlab};
use std::path::{Path, PathBuf};

const HUB: &str = "the-secret-of-github-com";
const HUB_NEXT: &str = "the-next-secret-of-github-com";
const ENTERPRISE: &str = "the-secret-of-the-enterprise";
const LAB: &str = "the-token-of-gitlab-com";
const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PROJECT: &str = "the-token-of-one-project";

fn secret(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("mode");
    path
}

fn hub(host: &str, files: Vec<PathBuf>) -> Github {
    let text = format!("host = \"{host}\"\napp = 1\nprivate_key_file = \"/nowhere\"");
    Github { webhook_secret_files: files, ..toml::from_str(&text).expect("a github") }
}

/// Two GitHub hosts and a GitLab; acme has 101 and 102 on github.com and 201 on GitLab, rival has 103 on the enterprise's.
pub(super) async fn scene() -> (Scene, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().to_owned();
    let scene = scene_with(|site| {
        let mut settings = (*site.settings).clone();
        settings.github = vec![
            hub("github.com", vec![secret(&at, "hub", HUB)]),
            hub("ghe.acme.example", vec![secret(&at, "ghe", ENTERPRISE)]),
        ];
        settings.gitlab = vec![Gitlab {
            webhook_secret_files: vec![secret(&at, "lab", LAB), secret(&at, "sign", SIGNING)],
            ..toml::from_str("").expect("a gitlab")
        }];
        let own = secret(&at, "project", PROJECT).display().to_string();
        let list = |tenant: &mut crate::config::Tenant, text: &str| {
            tenant.repositories.push(toml::from_str(text).expect("a repository"));
        };
        let [acme, rival] = settings.tenants.as_mut_slice() else { panic!("two tenants") };
        list(acme, "forge = \"github\"\nname = \"acme/a\"\nid = 101\ninstallation = 5");
        list(acme, "forge = \"github\"\nname = \"acme/b\"\nid = 102\ninstallation = 5");
        list(acme, &format!("forge = \"gitlab\"\nname = \"acme/c\"\nid = 201\nwebhook_secret_file = \"{own}\""));
        list(acme, "forge = \"gitlab\"\nname = \"acme/d\"\nid = 202");
        list(rival, "forge = \"github\"\nhost = \"ghe.acme.example\"\nname = \"rival/a\"\nid = 103\ninstallation = 5");
        site.settings = Arc::new(settings);
    })
    .await;
    (scene, dir)
}

async fn post(s: &Scene, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(path).header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    s.send(request.body(body.to_vec().into()).expect("a request")).await
}

async fn github(s: &Scene, secret: &str, event: &str, id: &str, body: &Value) -> Answer {
    let body = body.to_string().into_bytes();
    let signature = hook::sign(&secret.into(), &body).expect("signs");
    let headers = [("X-Hub-Signature-256", signature.as_str()), ("X-GitHub-Event", event), ("X-GitHub-Delivery", id)];
    post(s, "/webhooks/github", &headers, &body).await
}

fn pull(repository: u64) -> Value {
    json!({"action": "synchronize", "repository": {"id": repository}, "installation": {"id": 5},
           "pull_request": {"number": 7}, "sender": {"id": 1}})
}

/// What is kept: tenant, repository, id, where to look.
async fn kept(s: &Scene) -> Vec<(String, String, String, Look)> {
    let pending = s.site.store.pending_deliveries(100).await.expect("deliveries");
    let row = |d: crate::store::Delivery| (d.tenant.to_string(), d.repository, d.id, Hint::look(&d.body));
    let mut rows: Vec<_> = pending.into_iter().map(row).collect();
    rows.sort_by(|a, b| (&a.0, &a.1, &a.2).cmp(&(&b.0, &b.1, &b.2)));
    rows
}

fn row(tenant: &str, repository: &str, id: &str, look: Look) -> (String, String, String, Look) {
    (tenant.into(), repository.into(), id.into(), look)
}

#[tokio::test]
async fn f1_f2_unknown_events_and_actions_are_taken_and_do_nothing() {
    let (s, _dir) = scene().await;
    let odd = json!({"action": "brand_new", "repository": {"id": 101}});
    assert_eq!(github(&s, HUB, "unheard_of", "d-1", &odd).await.status, StatusCode::ACCEPTED);
    assert_eq!(kept(&s).await, [row("acme", "github:github.com:101", "d-1", Look::Nowhere)]);
    assert_eq!(github(&s, HUB, "ping", "d-2", &json!({"zen": "x"})).await.status, StatusCode::ACCEPTED);
    let mut unknown = pull(101);
    unknown["action"] = json!("brand_new");
    assert_eq!(github(&s, HUB, "pull_request", "d-3", &unknown).await.status, StatusCode::ACCEPTED);
    assert_eq!(kept(&s).await.len(), 2);
}

#[tokio::test]
async fn tm52_f3_f4_what_is_not_signed_as_it_lies_is_refused() {
    let (s, _dir) = scene().await;
    let body = pull(101).to_string().into_bytes();
    let right = hook::sign(&HUB.into(), &body).expect("signs");
    let other = hook::sign(&HUB.into(), br#"{"repository":{"id":101}}"#).expect("signs");
    let upper = format!("sha256={}", right[7..].to_uppercase());
    let sha1 = format!("sha1={}", "a".repeat(40));
    let foreign = hook::sign(&ENTERPRISE.into(), b"other").expect("signs");
    for bad in ["", "sha256=", &right[..70], &upper, &sha1, &other, &foreign] {
        let answer = post(&s, "/webhooks/github", &[("X-Hub-Signature-256", bad)], &body).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (401, "signature"), "{bad}");
    }
    let twice = [("X-Hub-Signature-256", right.as_str()), ("X-Hub-Signature-256", right.as_str())];
    assert_eq!(post(&s, "/webhooks/github", &twice, &body).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&s, "/webhooks/github", &[], b"{\"rep").await.problem(), "signature", "nothing is parsed before");
    assert!(kept(&s).await.is_empty());
    assert_eq!(post(&s, "/webhooks/github", &twice[..1], &body).await.status, StatusCode::ACCEPTED);
    assert_eq!(kept(&s).await.len(), 1);
}

#[tokio::test]
async fn f5_a_secret_is_replaced_without_a_restart() {
    let (s, dir) = scene().await;
    assert_eq!(github(&s, HUB, "push", "d-1", &pull(101)).await.status, StatusCode::ACCEPTED);
    assert_eq!(github(&s, HUB_NEXT, "push", "d-2", &pull(101)).await.status, StatusCode::UNAUTHORIZED);
    secret(dir.path(), "hub", HUB_NEXT);
    assert_eq!(github(&s, HUB_NEXT, "push", "d-2", &pull(101)).await.status, StatusCode::ACCEPTED);
    assert_eq!(github(&s, HUB, "push", "d-3", &pull(101)).await.status, StatusCode::UNAUTHORIZED);
    std::fs::remove_file(dir.path().join("hub")).expect("removed");
    assert_eq!(github(&s, HUB_NEXT, "push", "d-4", &pull(101)).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(kept(&s).await.len(), 2);
}

#[tokio::test]
async fn f5_two_secrets_are_good_while_one_is_replaced() {
    let dir = tempfile::tempdir().expect("a directory");
    let s = scene_with(|site| {
        let mut settings = (*site.settings).clone();
        let files = vec![secret(dir.path(), "new", HUB_NEXT), secret(dir.path(), "old", HUB)];
        settings.github = vec![hub("github.com", files)];
        let text = "forge = \"github\"\nname = \"acme/a\"\nid = 101\ninstallation = 5";
        settings.tenants[0].repositories.push(toml::from_str(text).expect("a repository"));
        site.settings = Arc::new(settings);
    })
    .await;
    assert_eq!(github(&s, HUB, "push", "d-1", &pull(101)).await.status, StatusCode::ACCEPTED);
    assert_eq!(github(&s, HUB_NEXT, "push", "d-2", &pull(101)).await.status, StatusCode::ACCEPTED);
    assert_eq!(github(&s, LAB, "push", "d-3", &pull(101)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn f6_gitlab_is_proven_by_its_token_or_by_a_fresh_signature() {
    let (s, _dir) = scene().await;
    let body = json!({"object_kind": "merge_request", "project": {"id": 202}, "object_attributes": {"iid": 3}});
    let body = body.to_string().into_bytes();
    let token = |token| [("X-Gitlab-Token", token), ("Idempotency-Key", "k-1")];
    assert_eq!(post(&s, "/webhooks/gitlab", &token("wrong"), &body).await.problem(), "signature");
    assert_eq!(post(&s, "/webhooks/gitlab", &token(SIGNING), &body).await.problem(), "signature");
    assert_eq!(post(&s, "/webhooks/gitlab", &token(LAB), &body).await.status, StatusCode::ACCEPTED);
    for (minutes, status) in [(0, 202), (-6, 401), (6, 401)] {
        let at = (now().0 / 1_000_000 + minutes * 60).to_string();
        let id = format!("msg_{minutes}");
        let signature = on_gitlab::sign(&SIGNING.into(), &id, &at, &body).expect("signs");
        let headers = [("webhook-id", id.as_str()), ("webhook-timestamp", &at), ("webhook-signature", &signature)];
        assert_eq!(post(&s, "/webhooks/gitlab", &headers, &body).await.status.as_u16(), status, "{minutes} minutes");
        let tampered = [body.as_slice(), b" "].concat();
        assert_eq!(post(&s, "/webhooks/gitlab", &headers, &tampered).await.status.as_u16(), 401);
    }
    let place = "gitlab:gitlab.com:202";
    assert_eq!(kept(&s).await, [row("acme", place, "k-1", Look::Pull(3)), row("acme", place, "msg_0", Look::Pull(3))]);
}

#[tokio::test]
async fn f6_a_projects_own_token_speaks_for_that_project_alone() {
    let (s, _dir) = scene().await;
    for (id, result) in [(201, 1), (202, 1), (999, 1)] {
        let body = json!({"object_kind": "push", "project_id": id}).to_string();
        let headers = [("X-Gitlab-Token", PROJECT), ("Idempotency-Key", "k")];
        assert_eq!(post(&s, "/webhooks/gitlab", &headers, body.as_bytes()).await.status, StatusCode::ACCEPTED);
        assert_eq!(kept(&s).await.len(), result, "{id}");
    }
}

#[tokio::test]
async fn f7_the_secret_of_one_host_says_nothing_about_another() {
    let (s, _dir) = scene().await;
    // The enterprise's secret, an event that claims to be about a repository of github.com, and the other way round.
    assert_eq!(github(&s, ENTERPRISE, "push", "d-1", &pull(101)).await.status, StatusCode::ACCEPTED);
    assert_eq!(github(&s, HUB, "push", "d-2", &pull(103)).await.status, StatusCode::ACCEPTED);
    assert_eq!(github(&s, LAB, "push", "d-3", &pull(101)).await.status, StatusCode::UNAUTHORIZED);
    let body = pull(101).to_string().into_bytes();
    let signature = hook::sign(&HUB.into(), &body).expect("signs");
    let disguised =
        [("X-Hub-Signature-256", signature.as_str()), ("X-GitHub-Event", "push"), ("X-Gitea-Event", "push")];
    assert_eq!(post(&s, "/webhooks/gitlab", &disguised, &body).await.status, StatusCode::UNAUTHORIZED);
    assert!(kept(&s).await.is_empty());
    assert_eq!(github(&s, ENTERPRISE, "push", "d-4", &pull(103)).await.status, StatusCode::ACCEPTED);
    assert_eq!(kept(&s).await, [row("rival", "github:ghe.acme.example:103", "d-4", Look::Everywhere)]);
}

#[tokio::test]
async fn tm55_f8_a_body_over_the_limit_is_refused_and_one_below_is_taken() {
    let (s, _dir) = scene().await;
    let request = Request::builder().method(Method::POST).uri("/webhooks/github").header("content-length", 100 << 20);
    let answer = s.send(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let large = json!({"repository": {"id": 101}, "pull_request": {"number": 7, "body": "x".repeat(20 << 20)}});
    assert_eq!(github(&s, HUB, "pull_request", "d-1", &large).await.status, StatusCode::ACCEPTED);
    assert_eq!(kept(&s).await, [row("acme", "github:github.com:101", "d-1", Look::Pull(7))]);
    let stored = s.site.store.pending_deliveries(1).await.expect("deliveries");
    assert!(stored[0].body.len() < 100, "of a large event only the look is kept");
    // Without a length, or to another route, a body may have as much as any other.
    let chunks = Body::from_stream(tokio_util::io::ReaderStream::new(std::io::Cursor::new(vec![b' '; 2 << 20])));
    let request = Request::builder().method(Method::POST).uri("/webhooks/github").body(chunks).expect("a request");
    assert_eq!(s.send(request).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let answer = s.post("/v1/proposals", "cs_acme_propose", vec![b' '; 2 << 20]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn f8_f10_a_proven_body_that_is_no_event_is_refused() {
    let (s, _dir) = scene().await;
    let deep = format!("{{\"repository\":{}{}}}", "[".repeat(1 << 19), "]".repeat(1 << 19));
    for bad in [deep.as_bytes(), b"[1]", b"payload=x", b"{\"a\":\"\xff\"}", b"{\"a\":\"\0\"}", b""] {
        let signature = hook::sign(&HUB.into(), bad).expect("signs");
        let answer = post(&s, "/webhooks/github", &[("X-Hub-Signature-256", &signature)], bad).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (400, "malformed"));
    }
    assert!(kept(&s).await.is_empty());
}

#[tokio::test]
async fn tm53_f13_one_delivery_is_kept_once_also_when_it_comes_at_the_same_time() {
    let (s, _dir) = scene().await;
    let body = pull(101);
    let sends = (0..8).map(|_| github(&s, HUB, "pull_request", "d-1", &body));
    for answer in futures(sends).await {
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    assert_eq!(kept(&s).await, [row("acme", "github:github.com:101", "d-1", Look::Pull(7))]);
}

/// All of them, interleaved.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = all.map(Box::pin).map(Some).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|cx| {
        for slot in &mut pinned {
            if let Some(future) = slot
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                done.push(value);
                *slot = None;
            }
        }
        if pinned.iter().all(Option::is_none) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[tokio::test]
async fn f21_what_is_not_listed_is_answered_and_ignored() {
    let (s, _dir) = scene().await;
    assert_eq!(github(&s, HUB, "pull_request", "d-1", &pull(999)).await.status, StatusCode::ACCEPTED);
    let elsewhere = json!({"action": "suspend", "installation": {"id": 6}});
    assert_eq!(github(&s, HUB, "installation", "d-2", &elsewhere).await.status, StatusCode::ACCEPTED);
    assert!(kept(&s).await.is_empty());
}

#[tokio::test]
async fn f83_events_of_an_installation_wake_all_that_it_gives() {
    let (s, _dir) = scene().await;
    let suspended = json!({"action": "suspend", "installation": {"id": 5}});
    assert_eq!(github(&s, HUB, "installation", "d-1", &suspended).await.status, StatusCode::ACCEPTED);
    let removed = json!({"action": "removed", "installation": {"id": 5}, "repositories_removed": [{"id": 102}]});
    assert_eq!(github(&s, HUB, "installation_repositories", "d-2", &removed).await.status, StatusCode::ACCEPTED);
    let rows = kept(&s).await;
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.iter().all(|(tenant, _, _, look)| tenant == "acme" && *look == Look::Everywhere), "{rows:?}");
}

#[tokio::test]
async fn routes_are_there_only_for_forges_that_have_a_secret() {
    let s = super::scene().await;
    for path in ["/webhooks/github", "/webhooks/gitlab"] {
        assert_eq!(post(&s, path, &[], b"{}").await.status, StatusCode::NOT_FOUND, "{path}");
        assert!(s.get("/openapi.json", "").await.json()["paths"].get(path).is_none());
    }
    let (s, _dir) = scene().await;
    assert!(s.get("/openapi.json", "").await.json()["paths"].get("/webhooks/github").is_some());
}
