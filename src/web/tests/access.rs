use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const READS: [&str; 10] = [
    "/v1/proposals",
    "/v1/proposals/x",
    "/v1/trust",
    "/v1/audit/events",
    "/v1/audit/checkpoint",
    "/v1/audit/export",
    "/",
    "/proposals/x",
    "/classes",
    "/audit",
];

#[tokio::test]
async fn strangers_are_asked_who_they_are() {
    let s = scene().await;
    for path in READS {
        for token in ["", "cs_unknown", "cs_acme_rea", "cs_acme_read "] {
            let answer = s.get(path, token.trim_end_matches(' ')).await;
            if token == "cs_acme_read " {
                continue;
            }
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (401, "unauthenticated"), "{path}");
            let asked: Vec<_> =
                answer.headers.get_all("www-authenticate").iter().map(|v| v.to_str().expect("ASCII")).collect();
            assert!(asked[0].starts_with("Bearer") && asked[1].starts_with("Basic"), "{asked:?}");
        }
    }
    for path in ["/v1/proposals", "/v1/proposals/x/outcome"] {
        let answer = s.post(path, "", "{}").await;
        assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (401, "Bearer realm=\"countersign\""));
    }
}

#[tokio::test]
async fn roles_are_kept_apart() {
    let s = scene().await;
    for path in READS {
        for token in ["cs_acme_propose", "cs_acme_report", REPORTER] {
            let answer = s.get(path, token).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (403, "forbidden"), "{path}");
        }
        assert!(matches!(s.get(path, "cs_acme_admin").await.status.as_u16(), 200 | 404), "{path}");
    }
    for token in ["cs_acme_read", "cs_acme_report", REPORTER] {
        assert_eq!(s.post("/v1/proposals", token, "{}").await.status, StatusCode::FORBIDDEN);
    }
    for token in ["cs_acme_read", "cs_acme_propose"] {
        assert_eq!(s.post("/v1/proposals/x/outcome", token, "{}").await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn browsers_send_the_token_as_a_password_and_only_to_read() {
    let s = scene().await;
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let ask = |method: Method, path: &str, value: String| {
        let request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, value);
        request.body(Body::empty()).expect("a request")
    };
    for user in ["", "anybody", "cs_other"] {
        let value = basic(&format!("{user}:cs_acme_read"));
        assert_eq!(s.send(ask(Method::GET, "/", value)).await.status, StatusCode::OK);
    }
    for bad in [basic("cs_acme_read"), basic("x:cs_acme_rea"), "Basic !!!".into(), "Basic".into()] {
        assert_eq!(s.send(ask(Method::GET, "/", bad)).await.status, StatusCode::UNAUTHORIZED);
    }
    // A page elsewhere can make a browser send what it remembers; nothing is written for that.
    let answer = s.send(ask(Method::POST, "/v1/proposals", basic("x:cs_acme_propose"))).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let mut two = ask(Method::GET, "/", "Bearer cs_acme_read".into());
    two.headers_mut().append(header::AUTHORIZATION, "Bearer cs_rival_read".parse().expect("a value"));
    assert_eq!(s.send(two).await.status, StatusCode::UNAUTHORIZED, "two identities are none");
}

#[tokio::test]
async fn a_browser_gets_its_failures_as_pages() {
    let s = scene().await;
    let request = Request::builder().uri("/proposals/%3Cscript%3E").header(header::ACCEPT, "text/html,*/*");
    let request = request.header(header::AUTHORIZATION, "Bearer cs_acme_read").body(Body::empty()).expect("a request");
    let answer = s.send(request).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "text/html; charset=utf-8"));
    assert!(answer.text().contains("urn:countersign:problem:not_found") && !answer.text().contains("<script"));
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let s = scene().await;
    for path in ["/", "/style.css", "/healthz", "/nowhere", "/v1/proposals", "/openapi.json"] {
        let answer = s.get(path, "cs_acme_read").await;
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'; style-src 'self'; frame-ancestors 'none'")
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
}

#[tokio::test]
async fn a_request_cannot_choose_its_id() {
    let s = scene().await;
    let request = Request::builder().uri("/nowhere").header("x-request-id", "forged");
    let answer = s.send(request.body(Body::empty()).expect("a request")).await;
    assert_ne!(answer.header("x-request-id"), "forged");
    assert_eq!(answer.problem(), "not_found");
    let other = s.ask(Method::DELETE, "/v1/trust", "cs_acme_read", "").await;
    assert_eq!((other.status.as_u16(), other.problem().as_str()), (405, "method"));
}

#[tokio::test]
async fn causes_stay_inside() {
    let s = scene_with(|site| site.ready = Arc::new(|| panic!("the-secret-cause"))).await;
    let answer = s.get("/readyz", "").await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (500, "internal"));
    assert!(!answer.text().contains("secret-cause"));
    let s = scene().await;
    s.site.store.close().await;
    let answer = s.get("/v1/trust", "cs_acme_read").await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (503, "unavailable"));
    assert!(!answer.text().to_lowercase().contains("pool"), "{}", answer.text());
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn readiness_has_reasons() {
    let s = scene().await;
    assert_eq!(s.get("/healthz", "").await.text(), "ok\n");
    let ready = s.get("/readyz", "").await;
    assert_eq!((ready.status.as_u16(), ready.json()["ready"].clone()), (200, json!(true)));
    let s = scene_with(|site| site.keys = KeySet::default()).await;
    let answer = s.get("/readyz", "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (503, json!({"ready": false, "database": true, "keys": false, "service": true}))
    );
    let s = scene_with(|site| site.ready = Arc::new(|| false)).await;
    assert_eq!(s.get("/readyz", "").await.json()["service"], false);
}
