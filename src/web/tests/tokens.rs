use super::*;

async fn made(s: &Scene, token: &str, wish: Value) -> Answer {
    s.post("/v1/tokens", token, wish.to_string()).await
}

fn wish() -> Value {
    json!({"principal": "agent:new", "roles": ["read"], "expires": "2026-12-01T00:00:00Z"})
}

/// The same site at another time.
fn at(s: &Scene, time: &str) -> Scene {
    let time: Time = time.parse().expect("a time");
    let site = Site { clock: Arc::new(move || time), ..s.site.clone() };
    Scene { router: router(site.clone()), site, _dir: tempfile::tempdir().expect("a directory") }
}

#[tokio::test]
async fn a_token_is_shown_once_kept_hashed_and_ends_by_itself() {
    let s = scene().await;
    let answer = made(&s, "cs_acme_admin", wish()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let (token, id) = (answer.json()["token"].clone(), answer.json()["id"].clone());
    let (token, id) = (token.as_str().expect("a token"), id.as_str().expect("an id"));
    assert_eq!(s.get("/v1/proposals", token).await.status, StatusCode::OK);
    assert_eq!(s.post("/v1/proposals", token, "{}").await.problem(), "forbidden", "only what it was made for");
    let list = s.get("/v1/tokens", "cs_acme_admin").await;
    assert!(list.text().contains(id) && !list.text().contains(token), "{}", list.text());
    let kept = s.site.store.token(token_digest(&token.into())).await.expect("reads").expect("is there");
    assert_eq!((kept.id.as_str(), kept.made_by.as_str()), (id, "team:admin"));
    let events = s.get("/v1/audit/export", "cs_acme_admin").await.text();
    assert!(events.contains("token.created") && !events.contains(token));
    assert_eq!(at(&s, "2026-11-30T23:59:59Z").get("/v1/proposals", token).await.status, StatusCode::OK);
    assert_eq!(at(&s, "2026-12-01T00:00:00Z").get("/v1/proposals", token).await.problem(), "unauthenticated");
    let later = at(&s, "2026-12-01T00:00:00Z").get("/v1/tokens", "cs_acme_admin").await.json();
    assert_eq!(later["tokens"][0]["state"], "expired");
}

#[tokio::test]
async fn a_revoked_token_is_nobody_at_once() {
    let s = scene().await;
    let answer = made(&s, "cs_acme_admin", wish()).await.json();
    let (token, id) = (answer["token"].as_str().expect("a token"), answer["id"].as_str().expect("an id"));
    let path = format!("/v1/tokens/{id}");
    for _ in 0..2 {
        let revoked = s.ask(Method::DELETE, &path, "cs_acme_admin", Body::empty()).await;
        assert_eq!((revoked.status, &revoked.json()["state"]), (StatusCode::OK, &json!("revoked")));
        assert_eq!(s.get("/v1/proposals", token).await.problem(), "unauthenticated");
    }
    let story = s.story("acme").await;
    assert_eq!(story.iter().filter(|(kind, _)| kind == "token.revoked").count(), 1, "the second changes nothing");
    assert_eq!(s.get("/v1/tokens", "cs_acme_admin").await.json()["tokens"][0]["state"], "revoked");
}

#[tokio::test]
async fn only_an_admin_makes_tokens_and_never_a_reporter() {
    let s = scene().await;
    for token in ["cs_acme_propose", "cs_acme_read", "cs_acme_report", REPORTER] {
        assert_eq!(made(&s, token, wish()).await.problem(), "forbidden");
        assert_eq!(s.get("/v1/tokens", token).await.problem(), "forbidden");
    }
    assert_eq!(made(&s, "", wish()).await.problem(), "unauthenticated");
    let report = json!({"principal": "argocd", "roles": ["report"]});
    let token = made(&s, "cs_acme_admin", report).await.json()["token"].as_str().expect("a token").to_owned();
    let id = s.merged("a").await;
    let body = json!({"result": "good", "revision": LANDED}).to_string();
    assert_eq!(s.post(&format!("/v1/proposals/{id}/outcome"), &token, body).await.problem(), "reporter_required");
}

#[tokio::test]
async fn wishes_that_make_no_sense_are_named() {
    let s = scene().await;
    let wishes = [
        json!({"principal": "", "roles": ["read"]}),
        json!({"principal": "a\nb", "roles": ["read"]}),
        json!({"principal": "x".repeat(129), "roles": ["read"]}),
        json!({"principal": "a", "roles": []}),
        json!({"principal": "a", "roles": ["root"]}),
        json!({"principal": "a", "roles": ["read"], "expires": "2026-11-20T10:00:00Z"}),
        json!({"principal": "a", "roles": ["read"], "expires": "2028-01-01T00:00:00Z"}),
        json!({"principal": "a", "roles": ["read"], "expires": "tomorrow"}),
        json!({"principal": "a", "roles": ["read"], "tenant": "rival"}),
    ];
    for wish in wishes {
        assert_eq!(made(&s, "cs_acme_admin", wish.clone()).await.problem(), "malformed", "{wish}");
    }
    assert!(s.site.store.tokens(&tenant("acme")).await.expect("reads").is_empty());
}

#[tokio::test]
async fn tm58_a_tenants_tokens_are_its_own() {
    let s = scene().await;
    let answer = made(&s, "cs_acme_admin", json!({"principal": "acme-canary", "roles": ["admin"]})).await.json();
    let (token, id) = (answer["token"].as_str().expect("a token"), answer["id"].as_str().expect("an id"));
    assert!(!s.get("/v1/tokens", "cs_rival_admin").await.text().contains("acme"));
    let foreign = s.ask(Method::DELETE, &format!("/v1/tokens/{id}"), "cs_rival_admin", Body::empty()).await;
    let missing = s.ask(Method::DELETE, "/v1/tokens/not-one", "cs_rival_admin", Body::empty()).await;
    assert_eq!((foreign.problem(), missing.problem()), ("not_found".into(), "not_found".into()));
    assert_eq!(s.get("/v1/tokens", token).await.status, StatusCode::OK, "it still counts");
    // It works in its tenant only.
    let theirs = with("x", "repository", json!({"forge": "local", "name": "rival/shop"}));
    assert_eq!(s.post("/v1/proposals", token, theirs.to_string()).await.problem(), "proposer_mismatch");
}
