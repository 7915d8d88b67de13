use super::*;

fn fixture(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters").join(name);
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

/// A scene whose tenant acme has runbooks for its own repository.
async fn ready() -> Scene {
    let folder = tempfile::tempdir().expect("a directory");
    let book = |name: &str| {
        let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters").join(name);
        let text = std::fs::read_to_string(from).expect("a fixture");
        let to = folder.path().join(name);
        std::fs::write(&to, text.replace("forge: github, name: acme/gitops", "forge: local, name: acme/shop"))
            .expect("written");
        to
    };
    let runbook = |name: &str, adapter, key: &str, value: &str, file| crate::config::RunbookFile {
        name: name.into(),
        adapter,
        matches: [(key.to_owned(), value.to_owned())].into(),
        file,
    };
    let runbooks = vec![
        runbook(
            "memory",
            crate::config::Adapter::Alertmanager,
            "alertname",
            "ContainerOutOfMemory",
            book("runbook-memory.yaml"),
        ),
        runbook("scale", crate::config::Adapter::Kubernaut, "workflow", "scale-deployment", book("runbook-scale.yaml")),
    ];
    scene_with(|site| {
        let mut settings = (*site.settings).clone();
        settings.tenants[0].runbooks = runbooks;
        site.settings = Arc::new(settings);
    })
    .await
}

#[tokio::test]
async fn every_tools_document_becomes_a_proposal_in_the_senders_name() {
    let s = ready().await;
    let srenix = "/v1/adapters/srenix?repository=local:acme/shop";
    for (path, file) in [(srenix, "srenix-probe.json"), ("/v1/adapters/kubernaut", "kubernaut-request.json")] {
        let first = s.post(path, "cs_acme_propose", fixture(file).to_string()).await;
        assert_eq!(first.status, StatusCode::CREATED, "{path}: {}", first.text());
        let again = s.post(path, "cs_acme_propose", fixture(file).to_string()).await;
        assert_eq!((again.status, &again.json()["proposal"]), (StatusCode::OK, &first.json()["proposal"]), "{path}");
        let record = s.record(first.json()["proposal"].as_str().expect("an id")).await;
        assert_eq!((record.principal.as_str(), record.binding.name.as_str()), ("agent:sender", "acme/shop"));
    }
    let sent = s.post("/v1/adapters/alertmanager", "cs_acme_propose", fixture("alertmanager.json").to_string()).await;
    let states = |answer: &Answer| -> Vec<String> {
        let alerts = answer.json()["alerts"].as_array().cloned().unwrap_or_default();
        alerts.iter().map(|alert| alert["state"].as_str().expect("a state").to_owned()).collect()
    };
    assert_eq!(
        (sent.status, states(&sent)),
        (StatusCode::OK, vec!["proposed".into(), "resolved".into(), "refused".into()]),
        "{}",
        sent.text()
    );
    assert_eq!(sent.json()["alerts"][2]["problem"]["type"], "urn:countersign:problem:no_runbook");
    // Said in other words it is the same incident.
    let mut later = fixture("alertmanager.json");
    later["alerts"][0]["annotations"]["summary"] = "checkout is still out of memory".into();
    let again = s.post("/v1/adapters/alertmanager", "cs_acme_propose", later.to_string()).await;
    assert_eq!(states(&again), ["known", "resolved", "refused"]);
    assert_eq!(again.json()["alerts"][0]["proposal"], sent.json()["alerts"][0]["proposal"]);
}

#[tokio::test]
async fn what_does_not_fit_is_named_with_its_place() {
    let s = ready().await;
    let mut action = fixture("srenix-probe.json");
    action["action_kind"] = "DeletePod".into();
    let path = "/v1/adapters/srenix?repository=local:acme/shop";
    let refused = s.post(path, "cs_acme_propose", action.to_string()).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "not_expressible".into()));
    assert_eq!(refused.json()["path"], "action_kind");
    for path in ["/v1/adapters/srenix", "/v1/adapters/kubernaut", "/v1/adapters/alertmanager"] {
        let path = format!("{path}{}", if path.ends_with("srenix") { "?repository=local:acme/shop" } else { "" });
        assert_eq!(s.post(&path, "cs_acme_propose", "not json").await.problem(), "malformed", "{path}");
        assert_eq!(s.post(&path, "cs_acme_read", "{}").await.problem(), "forbidden", "{path}");
        assert_eq!(s.post(&path, "", "{}").await.problem(), "unauthenticated", "{path}");
    }
    let action = fixture("srenix-probe.json").to_string();
    for place in ["", "?repository=acme/shop", "?repository=ftp:acme/shop", "?repository=local:acme/shop&x=1"] {
        let answer = s.post(&format!("/v1/adapters/srenix{place}"), "cs_acme_propose", action.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{place}");
    }
}

#[tokio::test]
async fn tm58_runbooks_and_repositories_are_the_tenants_own() {
    let s = ready().await;
    let request = fixture("kubernaut-request.json").to_string();
    assert_eq!(s.post("/v1/adapters/kubernaut", "cs_rival_propose", request).await.problem(), "no_runbook");
    let action = fixture("srenix-probe.json").to_string();
    let path = "/v1/adapters/srenix?repository=local:acme/shop";
    assert_eq!(s.post(path, "cs_rival_propose", action).await.problem(), "repository_unknown");
}

#[tokio::test]
async fn tm100_no_secret_is_kept_or_told() {
    let s = scene_with(|site| {
        let mut settings = (*site.settings).clone();
        let redact = crate::config::Redact { pattern: "acmekey-*".into(), environments: vec!["production".into()] };
        settings.tenants[0].redact = vec![redact];
        site.settings = Arc::new(settings);
    })
    .await;
    let long = "q7Zx".repeat(12);
    let secrets =
        [format!("ghp_{long}"), format!("hvs.{long}"), format!("acmekey-{long}"), "hunter2hunter2".to_owned()];
    let mut sent = proposal("canary");
    sent["reason"] = json!(format!("saw {} in the log", secrets[0]));
    sent["evidence"] = json!([{"title": secrets[2], "url": format!("https://bot:{}@git.example/x", secrets[3])}]);
    sent["rollback"] = json!({"description": format!("Authorization: Bearer {}", secrets[1])});
    let answer = s.propose(&sent).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(answer.json()["redacted"], json!(["reason", "rollback", "evidence"]));
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(s.propose(&sent).await.json()["id"], id.as_str(), "the same again");
    // Where it would be written into the repository it is refused, and the refusal does not repeat it.
    let mut planted = proposal("planted");
    planted["changes"] = json!([{"manifest": {"file": "web.yaml", "set": {"spec.x": secrets[0]}}}]);
    let refused = s.propose(&planted).await;
    assert_eq!(
        (refused.problem(), &refused.json()["path"]),
        ("malformed".into(), &json!("changes[0].manifest.set.spec.x"))
    );
    let mut named = proposal("named");
    named["target"]["name"] = json!(secrets[1]);
    let named = s.propose(&named).await;
    let note = format!("password={} said {}", secrets[3], secrets[0]);
    let merged = s.merged("merged").await;
    let report = json!({"result": "bad", "revision": LANDED, "note": note}).to_string();
    s.post(&format!("/v1/proposals/{merged}/outcome"), REPORTER, report).await;
    let mut outputs = vec![answer.text(), refused.text(), named.text()];
    for path in [
        "/v1/proposals",
        &format!("/v1/proposals/{id}"),
        &format!("/proposals/{id}"),
        "/v1/audit/events",
        "/v1/audit/export",
        "/v1/feedback",
        "/metrics",
        "/audit",
        "/v1/proposals?before=%00",
    ] {
        outputs.push(s.get(path, "cs_acme_admin").await.text());
    }
    let (_, bytes) = s.site.store.record(&tenant("acme"), &id).await.expect("reads").expect("is there");
    outputs.push(String::from_utf8(bytes).expect("text"));
    for secret in &secrets {
        assert!(outputs.iter().all(|output| !output.contains(secret.as_str())), "{secret}");
    }
    assert!(outputs.concat().contains("[redacted]"));
}
