use super::*;

/// Everything a token of another tenant can ask, with what it would want to find.
#[tokio::test]
async fn tm58_another_tenants_things_are_not_there() {
    let s = scene().await;
    let id = s.merged("acme-canary").await;
    for name in [id.as_str(), "acme-canary"] {
        for (path, missing) in [
            (format!("/v1/proposals/{name}"), "/v1/proposals/no-such"),
            (format!("/v1/proposals/{name}/diff"), "/v1/proposals/no-such/diff"),
            (format!("/v1/proposals/{name}/attestation"), "/v1/proposals/no-such/attestation"),
            (format!("/v1/audit/events?proposal={name}"), "/v1/audit/events?proposal=no-such"),
            (format!("/proposals/{name}"), "/proposals/no-such"),
        ] {
            assert_eq!(s.get(&path, "cs_acme_read").await.status, StatusCode::OK, "{path}");
            let (foreign, missing) = (s.get(&path, "cs_rival_admin").await, s.get(missing, "cs_rival_admin").await);
            assert_eq!((foreign.status.as_u16(), foreign.problem()), (404, missing.problem()));
            assert_eq!(without_instance(&foreign), without_instance(&missing), "{path}");
        }
        let body = json!({"result": "bad", "revision": LANDED}).to_string();
        let foreign = s.post(&format!("/v1/proposals/{name}/outcome"), "cs_rival_admin", body.clone()).await;
        let missing = s.post("/v1/proposals/no-such/outcome", "cs_rival_admin", body).await;
        assert_eq!(without_instance(&foreign), without_instance(&missing));
    }
    assert!(s.site.store.reports(&tenant("acme"), &id).await.expect("reports").is_empty());
}

fn without_instance(answer: &Answer) -> Value {
    let mut document = answer.json();
    document["instance"] = Value::Null;
    document
}

#[tokio::test]
async fn tm61_no_answer_holds_the_canary() {
    let s = scene().await;
    let id = s.merged("acme-canary").await;
    let paths = [
        "/v1/proposals",
        "/v1/trust",
        "/v1/audit/events",
        "/v1/audit/export",
        "/v1/audit/checkpoint",
        "/",
        "/classes",
        "/audit",
        "/openapi.json",
        "/metrics",
        "/readyz",
        "/healthz",
        "/.well-known/jwks.json",
        "/v1/proposals?before=z",
        "/audit?before=1000",
        "/v1/proposals?repository=local:acme/shop",
    ];
    for path in paths {
        let answer = s.get(path, "cs_rival_admin").await;
        let text = answer.text();
        assert!(!text.contains("acme") && !text.contains(&id) && !text.contains(LANDED), "{path}: {text}");
    }
    let seen = s.get("/v1/proposals", "cs_acme_admin").await.text();
    assert!(seen.contains("acme-canary"), "the canary is alive");
}

#[tokio::test]
async fn tm62_the_same_name_stands_for_one_thing_in_each_tenant() {
    let s = scene().await;
    let ours = s.proposed(&proposal("shared")).await;
    let theirs = with("shared", "repository", json!({"forge": "local", "name": "rival/shop"}));
    let answer = s.post("/v1/proposals", "cs_rival_propose", theirs.to_string()).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let seen = s.get("/v1/proposals/shared", "cs_rival_read").await.json();
    assert_ne!(seen["id"], ours);
    assert_eq!(seen["repository"], "local:rival/shop");
    // A token sends in its own tenant only, whatever repository it names.
    let stolen = s.post("/v1/proposals", "cs_rival_propose", proposal("x").to_string()).await;
    assert_eq!(stolen.problem(), "repository_unknown");
}

#[tokio::test]
async fn what_can_be_no_id_is_missing() {
    let s = scene().await;
    let long = "x".repeat(65);
    for id in ["%00", "a%00b", "a%20b", "%F0%9F%92%A5", "..%2f..%2fetc", long.as_str()] {
        for path in
            [format!("/v1/proposals/{id}"), format!("/v1/audit/events?proposal={id}"), format!("/proposals/{id}")]
        {
            assert_eq!(s.get(&path, "cs_acme_read").await.problem(), "not_found", "{path}");
        }
    }
    assert_eq!(s.get("/v1/proposals?before=%00", "cs_acme_read").await.problem(), "before");
    assert_eq!(s.get("/v1/proposals/%FF", "cs_acme_read").await.problem(), "bad_request");
}

/// Every route that there is, asked by another tenant with the ids of this one.
#[tokio::test]
async fn tm58_every_route_of_the_document_keeps_tenants_apart() {
    let s = scene().await;
    let id = s.merged("acme-canary").await;
    let class = s.record(&id).await.class.expect("a class").key().to_string();
    let made =
        s.post("/v1/tokens", "cs_acme_admin", json!({"principal": "acme-canary", "roles": ["read"]}).to_string());
    let token = made.await.json()["id"].as_str().expect("an id").to_owned();
    let before = s.site.store.head(&tenant("acme")).await.expect("a head").size;
    let (document, mut asked) = (crate::web::openapi(), 0);
    for (path, methods) in document["paths"].as_object().expect("paths") {
        let at = if path.starts_with("/v1/tokens/") { path.replace("{id}", &token) } else { path.replace("{id}", &id) };
        let at = at.replace("{class}", &class).replace("{key}", &class);
        assert!(!at.contains('{'), "{path} has a new parameter: say here what acme has of it");
        for method in methods.as_object().expect("methods").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            for caller in ["cs_rival_admin", "cs_rival_propose", "cs_rival_read", ""] {
                let body = if method == Method::GET { "" } else { "{}" };
                let answer = s.ask(method.clone(), &at, caller, body).await;
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                for canary in ["acme", id.as_str(), class.as_str(), token.as_str(), LANDED] {
                    assert!(!text.contains(canary), "{method} {path} as {caller:?}: {text}");
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "{asked}");
    let after = s.site.store.head(&tenant("acme")).await.expect("a head").size;
    assert_eq!(after, before, "nothing was written down for acme");
}
