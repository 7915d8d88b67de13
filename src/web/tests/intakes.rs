use super::*;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::ReaderStream;

#[tokio::test]
async fn a_proposal_is_taken_in_once() {
    let s = scene().await;
    let first = s.propose(&proposal("fix-1")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
    let kept = first.json();
    assert_eq!(kept["name"], "fix-1");
    assert_eq!(kept["stage"], "received");
    assert_eq!(first.header("location"), format!("/v1/proposals/{}", kept["id"].as_str().expect("an id")));
    let again = s.propose(&proposal("fix-1")).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json(), kept);
    let shown = s.get(first.header("location"), "cs_acme_read").await.json();
    assert_eq!(shown["digest"], kept["digest"]);
    assert_eq!(shown["proposal"]["reason"], "because");
    assert_eq!(s.get("/v1/proposals/fix-1", "cs_acme_read").await.json(), shown);
    assert_eq!(s.story("acme").await.iter().filter(|(kind, _)| kind == "proposal.received").count(), 1);
}

#[tokio::test]
async fn yaml_is_taken_as_well() {
    let s = scene().await;
    let json: Value = proposal("fix-1");
    let yaml = serde_yaml::to_string(&json).expect("YAML");
    let answer = s.post("/v1/proposals", "cs_acme_propose", yaml).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(s.propose(&json).await.status, StatusCode::OK, "the same digest");
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_written_down() {
    let s = scene().await;
    s.proposed(&proposal("taken")).await;
    let cases = [
        (with("a", "tenant", json!("rival")), 403, "tenant_mismatch"),
        (with("a", "proposer", json!({"id": "agent:other"})), 403, "proposer_mismatch"),
        (with("a", "repository", json!({"forge": "local", "name": "rival/shop"})), 404, "repository_unknown"),
        (with("a", "repository", json!({"forge": "github", "name": "acme/shop"})), 404, "repository_unknown"),
        (with("a", "plan", json!({"id": "p", "step": 2, "after": ["a"]})), 400, "malformed"),
        (with("a", "expiresAt", json!("2026-11-20T10:00:00Z")), 422, "expired"),
        (with("taken", "reason", json!("another")), 409, "name_taken"),
        (with("a", "colour", json!(1)), 400, "malformed"),
        (with("a", "confidence", json!(0.9)), 400, "malformed"),
    ];
    for (proposal, status, code) in &cases {
        let answer = s.propose(proposal).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (*status, *code), "{}", answer.text());
    }
    let story = s.story("acme").await;
    let refused: Vec<&str> =
        story.iter().filter(|(kind, _)| kind == "proposal.refused").map(|(_, code)| code.as_str()).collect();
    assert_eq!(refused, cases.iter().map(|(_, _, code)| *code).collect::<Vec<_>>());
    assert_eq!(s.get("/v1/proposals", "cs_acme_read").await.json()["proposals"].as_array().map(Vec::len), Some(1));
    assert!(s.story("rival").await.iter().all(|(kind, _)| kind == "log.created"));
}

#[tokio::test]
async fn a_malformed_proposal_says_where() {
    let s = scene().await;
    let answer = s.propose(&with("a", "rollback", json!({"description": 7}))).await;
    assert_eq!(answer.problem(), "malformed");
    assert_eq!(answer.json()["path"], "rollback.description");
    let unlisted = s.propose(&with("a", "repository", json!({"forge": "local", "name": "x/y"}))).await.json();
    assert!(unlisted["detail"].as_str().is_some_and(|text| text.contains("[[tenant.repository]]")), "{unlisted}");
}

#[tokio::test]
async fn truncated_documents_are_problems() {
    let s = scene().await;
    let whole = proposal("a").to_string();
    for length in [0, 1, 17, whole.len() / 2, whole.len() - 1] {
        let answer = s.post("/v1/proposals", "cs_acme_propose", whole[..length].to_owned()).await;
        assert_eq!((answer.status, answer.problem().as_str()), (StatusCode::BAD_REQUEST, "malformed"), "{length}");
    }
    let answer = s.post("/v1/proposals", "cs_acme_propose", vec![0xff, 0xfe, 0x00]).await;
    assert_eq!(answer.problem(), "malformed");
    let echo = s.propose(&with("a", &"x".repeat(500_000), json!(1))).await;
    assert_eq!(echo.problem(), "malformed");
    assert!(echo.body.len() < 4000, "what was sent is not sent back: {} bytes", echo.body.len());
}

/// A body without an end in sight that counts what was read of it.
struct Endless(Arc<AtomicU64>);

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let part = [b' '; 8192];
        let n = part.len().min(buffer.remaining());
        if self.0.fetch_add(n as u64, Ordering::Relaxed) < 100 << 20 {
            buffer.put_slice(&part[..n]);
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn tm55_a_hundred_megabytes_are_refused_unread() {
    let s = scene().await;
    for (path, token) in
        [("/v1/proposals", "cs_acme_propose"), ("/webhooks/local", ""), ("/v1/proposals/x/outcome", REPORTER)]
    {
        for length in [None, Some(100 << 20)] {
            let read = Arc::new(AtomicU64::new(0));
            let body = Body::from_stream(ReaderStream::new(Endless(read.clone())));
            let mut request = Request::builder().method(Method::POST).uri(path);
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            if let Some(length) = length {
                request = request.header(header::CONTENT_LENGTH, i32::to_string(&length));
            }
            let answer = s.send(request.body(body).expect("a request")).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (413, "too_large"), "{path}");
            let most = if length.is_some() { 0 } else { 2 << 20 };
            assert!(read.load(Ordering::Relaxed) <= most, "{path}: {} bytes", read.load(Ordering::Relaxed));
        }
    }
}

#[tokio::test]
async fn intake_needs_no_http() {
    let s = scene().await;
    let intake = s.site.intake();
    let bytes = proposal("cli").to_string();
    let acme = tenant("acme");
    let take = || intake.receive(&acme, "agent:sender", bytes.as_bytes(), now());
    let first = take().await.expect("taken in");
    let again = take().await.expect("known");
    assert!(first.new && !again.new);
    assert_eq!(first.id, again.id);
    let refused = intake.receive(&tenant("acme"), "agent:sender", &vec![b' '; 2 << 20], now()).await;
    assert_eq!(refused.expect_err("too large").code(), "too_large");
    let ids: Vec<String> = s
        .site
        .store
        .list(&tenant("acme"), &Default::default())
        .await
        .expect("a list")
        .into_iter()
        .map(|r| r.id)
        .collect();
    assert_eq!(ids, [first.id]);
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let s = scene().await;
    for n in 0..5 {
        s.proposed(&proposal(&format!("p-{n}"))).await;
    }
    let names = |answer: &Answer| -> Vec<String> {
        let list = answer.json();
        list["proposals"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|p| p["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    let first = s.get("/v1/proposals?limit=2&stage=received&repository=local:acme/shop", "cs_acme_read").await;
    assert_eq!(names(&first), ["p-4", "p-3"]);
    let next = first.json()["next"].as_str().expect("more").to_owned();
    let rest = s.get(&format!("/v1/proposals?limit=3&before={next}"), "cs_acme_read").await;
    assert_eq!(names(&rest), ["p-2", "p-1", "p-0"]);
    assert_eq!(rest.json()["next"], Value::Null);
    assert!(names(&s.get("/v1/proposals?stage=open", "cs_acme_read").await).is_empty());
    for bad in ["limit=0", "limit=201", "stage=lost", "colour=1", "limit=x"] {
        assert_eq!(
            s.get(&format!("/v1/proposals?{bad}"), "cs_acme_read").await.status,
            StatusCode::BAD_REQUEST,
            "{bad}"
        );
    }
    let foreign = s.get("/v1/proposals?repository=local:rival/shop", "cs_acme_read").await;
    assert_eq!(foreign.problem(), "not_found");
}
