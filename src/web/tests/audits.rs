use super::*;
use crate::domain::audit::{Checkpoint, Letter, Manifest, Mode, Verifier, Want};

#[tokio::test]
async fn an_export_verifies_against_the_checkpoint() {
    let s = scene().await;
    s.merged("a").await;
    let note = s.get("/v1/audit/checkpoint", "cs_acme_read").await.text();
    let kept = Checkpoint::open(&note, &s.site.log_signer.public()).expect("opens");
    s.propose(&with("b", "colour", json!(1))).await;
    let answer = s.get("/v1/audit/export", "cs_acme_read").await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let manifest = Manifest {
        v: 1,
        origin: answer.header("countersign-log-origin").to_owned(),
        tenant: tenant("acme"),
        size: answer.header("countersign-log-size").parse().expect("a size"),
        root: answer.header("countersign-log-root").parse().expect("a root"),
        parts: Vec::new(),
        only: None,
        pruned: None,
    };
    let begun = Export::begin(&s.site.store, &tenant("acme")).await.expect("begins");
    assert_eq!(begun.manifest(), manifest);
    let mut verifier = Verifier::new(manifest, Want { kept: Some(kept), own: false }).expect("a manifest");
    answer.text().lines().try_for_each(|line| verifier.line(line)).expect("good lines");
    assert_eq!(verifier.finish().expect("verifies").mode, Mode::Checkpoint);
}

#[tokio::test]
async fn an_export_is_the_log_as_it_was_when_it_began() {
    let s = scene().await;
    for n in 0..3 {
        s.proposed(&proposal(&format!("p-{n}"))).await;
    }
    let mut export = Export::begin(&s.site.store, &tenant("acme")).await.expect("begins");
    s.proposed(&proposal("later")).await;
    let mut entries = Vec::new();
    while let Some(batch) = export.batch().await.expect("a batch") {
        entries.extend(batch);
    }
    assert_eq!(entries.len() as u64, export.manifest().size);
    assert_eq!(entries.len(), 4, "log.created and three proposals");
}

#[tokio::test]
async fn l23_a_proof_is_fetched_and_holds_for_its_own_tenant_only() {
    let s = scene().await;
    s.merged("a").await;
    let key = s.site.log_signer.public();
    let early = s.get("/v1/audit/checkpoint", "cs_acme_read").await.text();
    let early = Checkpoint::open(&early, &key).expect("opens");
    s.propose(&proposal("b")).await;
    let answer = s.get("/v1/audit/proof?index=1", "cs_acme_read").await;
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    let letter = Letter::read(&answer.text()).expect("reads");
    let checkpoint = letter.checkpoint(&key).expect("signed");
    assert_eq!(letter.prove_entry(&checkpoint).expect("proven").kind, "proposal.received");
    let grown = s.get(&format!("/v1/audit/proof?old={}", early.size), "cs_acme_read").await.text();
    let grown = Letter::read(&grown).expect("reads");
    assert_eq!(grown.prove_growth(&early, &grown.checkpoint(&key).expect("signed")), Ok(()));
    let theirs = Letter::read(&s.get("/v1/audit/proof?index=0", "cs_rival_read").await.text()).expect("reads");
    assert_eq!(theirs.checkpoint(&key).expect("signed").origin, "countersign.local/t/rival");
    for (bad, status) in [
        ("", 400),
        ("?index=1&old=1", 400),
        ("?index=x", 400),
        ("?index=99", 404),
        ("?old=99", 404),
        ("?index=1&size=99", 404),
    ] {
        assert_eq!(s.get(&format!("/v1/audit/proof{bad}"), "cs_acme_read").await.status.as_u16(), status, "{bad}");
    }
    assert_eq!(s.get("/v1/audit/proof?index=1", "").await.status.as_u16(), 401);
}

#[tokio::test]
async fn the_signed_list_and_the_keys_are_served_to_anybody() {
    let s = scene_with(|site| site.keyset = Some(b"{}".to_vec())).await;
    assert_eq!(s.get("/.well-known/countersign/keyset.json", "").await.text(), "{}");
    let pem = s.get("/.well-known/countersign/log.pem", "").await.text();
    assert_eq!(KeySet::from_pem(&pem).expect("a key").keys[0].key, s.site.log_signer.public());
    let pem = s.get("/.well-known/countersign/attestation.pem", "").await.text();
    assert_eq!(KeySet::from_pem(&pem).expect("a key").keys[0].id, s.site.keys.keys[0].id);
    let none = scene().await.get("/.well-known/countersign/keyset.json", "").await;
    assert_eq!(none.status.as_u16(), 204);
}

#[tokio::test]
async fn events_are_paged() {
    let s = scene().await;
    let id = s.merged("a").await;
    let first = s.get("/v1/audit/events?limit=2", "cs_acme_read").await.json();
    assert_eq!(first["events"][0]["type"], "log.created");
    assert_eq!((first["events"][1]["type"].clone(), first["next"].clone()), (json!("proposal.received"), json!(2)));
    assert_eq!(first["events"][1]["actor"], "agent:sender");
    assert_eq!(first["events"][1]["time"], "2026-11-20T10:00:00Z");
    let rest = s.get("/v1/audit/events?from=2", "cs_acme_read").await.json();
    assert_eq!((rest["events"].as_array().map(Vec::len), rest["next"].clone()), (Some(3), Value::Null));
    let about = s.get(&format!("/v1/audit/events?proposal={id}&from=2&limit=1"), "cs_acme_read").await.json();
    assert_eq!((about["events"][0]["index"].clone(), about["next"].clone()), (json!(2), json!(3)));
    for bad in ["limit=0", "limit=1001", "from=-1", "from=18446744073709551615", "x=1"] {
        assert_eq!(s.get(&format!("/v1/audit/events?{bad}"), "cs_acme_read").await.status.as_u16(), 400, "{bad}");
    }
}

#[tokio::test]
async fn metrics_are_counted_and_name_nobody() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let s = scene_with(|site| site.metrics = handle).await;
    let id = s.merged("a").await;
    s.propose(&proposal("a")).await;
    s.propose(&with("b", "colour", json!(1))).await;
    s.post(&format!("/v1/proposals/{id}/outcome"), REPORTER, json!({"result": "good", "revision": LANDED}).to_string())
        .await;
    s.post("/webhooks/local", "", "{}").await;
    let text = s.get("/metrics", "").await.text();
    for line in [
        "countersign_proposals_total{action_kind=\"SetImage\",result=\"received\"} 1",
        "countersign_proposals_total{action_kind=\"SetImage\",result=\"known\"} 1",
        "countersign_proposals_total{action_kind=\"unknown\",result=\"malformed\"} 1",
        "countersign_outcomes_total{result=\"good\"} 1",
        "countersign_webhook_deliveries_total{result=\"signature\"} 1",
        "countersign_due_items 1",
        "countersign_audit_head_age_seconds 0",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("acme"), "{text}");
}
