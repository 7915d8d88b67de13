use super::*;
use crate::domain::facts::{FileSummary, HealthReport};
use crate::forge::hook;
use base64::engine::general_purpose::STANDARD;

fn fixture(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports").join(name);
    std::fs::read_to_string(path).expect("a fixture")
}

/// The fixture about what landed here, with one member replaced.
fn changed(name: &str, member: &str, value: Value) -> String {
    let mut document: Value = serde_json::from_str(&fixture(name)).expect("JSON");
    document[member] = value;
    document.to_string()
}

fn hmac(secret: &str, body: &str) -> (&'static str, String) {
    ("x-signature", hook::sign(&secret.into(), body.as_bytes()).expect("signed"))
}

fn signed(seed: u8, body: &str) -> (&'static str, String) {
    let signature = Signer::from_seed(&[seed; 32]).sign(body.as_bytes());
    ("x-countersign-signature-ed25519", STANDARD.encode(signature))
}

fn bearer(token: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {token}"))
}

async fn post(s: &Scene, path: &str, body: &str, proofs: &[(&str, String)]) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(path);
    for (name, value) in proofs {
        request = request.header(*name, value);
    }
    s.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

/// How many words were understood and kept.
async fn kept(s: &Scene, path: &str, body: &str, proof: (&str, String)) -> (u64, u64) {
    let answer = post(s, path, body, &[proof]).await;
    assert_eq!(answer.status.as_u16(), 202, "{}", answer.text());
    let document = answer.json();
    assert_eq!(document["proposals"].as_array().map(Vec::len), document["kept"].as_u64().map(|n| n as usize));
    (document["said"].as_u64().expect("a number"), document["kept"].as_u64().expect("a number"))
}

/// A merged proposal that changes a file of staging.
async fn merged(s: &Scene, name: &str) -> String {
    let id = s.proposed(&proposal(name)).await;
    s.drive(&id, Stage::Merged, staged, &[]).await;
    id
}

fn staged(record: &mut Record) {
    land(record);
    record.environment = Some("staging".into());
    let path = "overlays/staging/kustomization.yaml".into();
    record.summary = vec![FileSummary { path, added: 1, removed: 1, touched: Vec::new() }];
}

async fn reports(s: &Scene, id: &str) -> Vec<HealthReport> {
    s.site.store.reports(&tenant("acme"), id).await.expect("reports")
}

#[tokio::test]
async fn each_kind_of_reporter_proves_itself_in_its_own_way() {
    let s = scene().await;
    let id = merged(&s, "a").await;
    let path = format!("/v1/proposals/{id}/outcome");
    let body = json!({"proposal": id, "result": "good", "revision": LANDED}).to_string();
    for (who, proof) in [("argocd", bearer(REPORTER)), ("flux", hmac(FLUX, &body)), ("probe", signed(PROBE, &body))] {
        let answer = post(&s, &path, &body, &[proof]).await;
        assert_eq!(answer.status.as_u16(), 202, "{who}: {}", answer.text());
        assert_eq!(reports(&s, &id).await.last().map(|report| report.reporter.clone()).as_deref(), Some(who));
    }
}

#[tokio::test]
async fn tm52_a_wrong_kind_or_key_proves_nothing() {
    let s = scene().await;
    let id = merged(&s, "a").await;
    let body = json!({"proposal": id, "result": "good", "revision": LANDED}).to_string();
    let other = format!("{body} ");
    let upper = |(name, value): (&'static str, String)| (name, value.to_uppercase().replace("SHA256", "sha256"));
    let cases: [(&str, Vec<(&str, String)>); 14] = [
        ("nothing", vec![]),
        ("the secret of a hmac as a token", vec![bearer(FLUX)]),
        ("a token as the secret of a hmac", vec![hmac(REPORTER, &body)]),
        ("a hmac of other bytes", vec![hmac(FLUX, &other)]),
        ("a hmac in upper case", vec![upper(hmac(FLUX, &body))]),
        ("an empty secret", vec![("x-signature", "sha256=".to_owned())]),
        ("sha512", vec![("x-signature", hmac(FLUX, &body).1.replace("sha256", "sha512"))]),
        ("a signature by another key", vec![signed(9, &body)]),
        ("a signature of other bytes", vec![signed(PROBE, &other)]),
        ("a signature in the other header", vec![("x-signature", signed(PROBE, &body).1)]),
        ("no base64", vec![("x-countersign-signature-ed25519", "?".to_owned())]),
        ("two proofs", vec![bearer(REPORTER), hmac(FLUX, &body)]),
        ("two that fit", vec![hmac(FLUX, &body), signed(PROBE, &body)]),
        ("one twice", vec![hmac(FLUX, &body), hmac(FLUX, &body)]),
    ];
    for (what, proofs) in cases {
        for path in [format!("/v1/proposals/{id}/outcome"), "/v1/reports/argocd".to_owned()] {
            let answer = post(&s, &path, &body, &proofs).await;
            assert_eq!(answer.status.as_u16(), 401, "{what}: {}", answer.text());
            assert!(matches!(answer.problem().as_str(), "unauthenticated" | "reporter_unproven"), "{what}");
        }
    }
    assert!(reports(&s, &id).await.is_empty());
}

#[tokio::test]
async fn a_signed_report_names_its_proposal() {
    let s = scene().await;
    let (id, other) = (merged(&s, "a").await, merged(&s, "b").await);
    let send = async |to: &str, body: Value| {
        let body = body.to_string();
        let answer = post(&s, &format!("/v1/proposals/{to}/outcome"), &body, &[hmac(FLUX, &body)]).await;
        answer.status.as_u16()
    };
    let body = json!({"proposal": "a", "result": "good", "revision": LANDED});
    assert_eq!(send(&id, body.clone()).await, 202, "by the sender's name for it");
    assert_eq!(send(&other, body).await, 422, "the same bytes sent to another one");
    assert_eq!(send(&id, json!({"result": "good", "revision": LANDED})).await, 400);
    assert!(reports(&s, &other).await.is_empty());
}

#[tokio::test]
async fn tm58_a_reporter_reaches_its_own_tenant_only() {
    let s = scene().await;
    let id = merged(&s, "a").await;
    let event = fixture("flux.json");
    assert_eq!(kept(&s, "/v1/reports/flux", &event, hmac("the-reporter-of-rival", &event)).await, (1, 0));
    let body = json!({"proposal": id, "result": "bad", "revision": LANDED}).to_string();
    let answer = post(&s, &format!("/v1/proposals/{id}/outcome"), &body, &[hmac("the-reporter-of-rival", &body)]).await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (404, "not_found"));
    assert!(reports(&s, &id).await.is_empty());
    assert_eq!(kept(&s, "/v1/reports/flux", &event, hmac(FLUX, &event)).await, (1, 1));
    let theirs = s.site.store.reports(&tenant("rival"), &id).await.expect("reports");
    assert!(theirs.is_empty());
}

#[tokio::test]
async fn a_key_that_two_reporters_have_is_nobodys() {
    let s = scene_with(|site| {
        let mut settings = (*site.settings).clone();
        let key = settings.tenants[0].reporters.iter().find(|it| it.id == "flux").expect("flux").key_file.clone();
        settings.tenants[1].reporters[0].key_file = key;
        site.settings = Arc::new(settings);
    })
    .await;
    merged(&s, "a").await;
    let event = fixture("flux.json");
    assert_eq!(post(&s, "/v1/reports/flux", &event, &[hmac(FLUX, &event)]).await.status.as_u16(), 401);
}

#[tokio::test]
async fn what_argo_cd_shows_is_kept_beside_the_changes_it_may_be_about() {
    let s = scene().await;
    let merged = merged(&s, "merged").await;
    let open = s.proposed(&proposal("open")).await;
    s.drive(&open, Stage::Open, staged, &[]).await;
    let elsewhere = s.proposed(&proposal("elsewhere")).await;
    let production = |record: &mut Record| {
        staged(record);
        record.summary[0].path = "overlays/production/kustomization.yaml".into();
    };
    s.drive(&elsewhere, Stage::Merged, production, &[]).await;
    let settled = s.proposed(&proposal("settled")).await;
    s.drive(&settled, Stage::Settled, staged, &[]).await;
    s.proposed(&proposal("waiting")).await;
    let told = fixture("argocd.json");
    for _ in 0..2 {
        assert_eq!(kept(&s, "/v1/reports/argocd", &told, bearer(REPORTER)).await, (1, 2));
    }
    for id in [&merged, &open] {
        let all = reports(&s, id).await;
        let [one] = all.as_slice() else { panic!("once: {all:?}") };
        assert_eq!((one.reporter.as_str(), one.result), ("argocd", Judgement::Good));
        assert_eq!(one.revision, Some(landed()));
        assert_eq!(one.note, "application checkout-staging is Healthy and Synced");
    }
    for id in [&elsewhere, &settled] {
        assert!(reports(&s, id).await.is_empty());
    }
    assert_eq!(s.record(&merged).await.stage, Stage::Merged, "a report decides nothing by itself");
    assert_eq!(s.story("acme").await.iter().filter(|(kind, _)| kind == "outcome.reported").count(), 2);
}

#[tokio::test]
async fn a_report_is_narrowed_by_repository_environment_and_folder() {
    let s = scene().await;
    merged(&s, "a").await;
    let event = changed("flux.json", "metadata", json!({"revision": format!("main/{LANDED}")}));
    for (query, wanted) in [
        ("", 1),
        ("?repository=local:acme/shop", 1),
        ("?environment=staging", 1),
        ("?environment=production", 0),
        ("?path=overlays/staging", 1),
        ("?path=./overlays/production/", 0),
    ] {
        let path = format!("/v1/reports/flux{query}");
        assert_eq!(kept(&s, &path, &event, hmac(FLUX, &event)).await, (1, wanted), "{query}");
    }
    for query in ["?repository=local:rival/shop", "?repository=shop", "?path=../x", "?folder=x"] {
        let answer = post(&s, &format!("/v1/reports/flux{query}"), &event, &[hmac(FLUX, &event)]).await;
        assert_eq!(answer.status.as_u16(), 400, "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_alert_is_kept_beside_what_it_names() {
    let s = scene().await;
    let web = merged(&s, "web").await;
    let mut other = proposal("other");
    other["target"]["name"] = json!("basket");
    let basket = s.proposed(&other).await;
    s.drive(&basket, Stage::Merged, staged, &[]).await;
    let mut marked = proposal("marked");
    marked["target"]["name"] = json!("ledger");
    marked["fingerprint"] = json!("9c1f5a7be2d04c11");
    let marked = s.proposed(&marked).await;
    s.drive(&marked, Stage::Merged, staged, &[]).await;
    let alert = fixture("alertmanager.json");
    assert_eq!(kept(&s, "/v1/reports/alertmanager", &alert, bearer(REPORTER)).await, (1, 2));
    for id in [&web, &marked] {
        let all = reports(&s, id).await;
        assert_eq!((all.len(), all[0].result, all[0].revision.clone()), (1, Judgement::Bad, None));
        assert_eq!(all[0].since, Some("2026-11-20T10:30:00.5Z".parse().expect("a time")));
    }
    assert!(reports(&s, &basket).await.is_empty(), "its alert ended, which is no evidence");
}

#[tokio::test]
async fn what_says_nothing_and_what_fits_nothing_is_taken_and_not_kept() {
    let s = scene().await;
    let told = changed("argocd.json", "health", json!("Progressing"));
    assert_eq!(kept(&s, "/v1/reports/argocd", &told, bearer(REPORTER)).await, (0, 0));
    let told = fixture("argocd.json");
    assert_eq!(kept(&s, "/v1/reports/argocd", &told, bearer(REPORTER)).await, (1, 0));
}

#[tokio::test]
async fn what_is_not_understood_names_its_field_and_who_is_not_registered_is_told() {
    let s = scene().await;
    let cases = [
        ("argocd", changed("argocd.json", "revision", json!("HEAD")), "revision"),
        ("flux", changed("flux.json", "severity", json!(3)), "severity"),
        ("alertmanager", changed("alertmanager.json", "version", json!("1")), "version"),
    ];
    for (tool, body, field) in cases {
        let path = format!("/v1/reports/{tool}");
        let answer = post(&s, &path, &body, &[bearer(REPORTER)]).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (400, "report_malformed"));
        assert_eq!(answer.json()["path"], field);
        let huge = " ".repeat((1 << 20) + 1);
        assert_eq!(post(&s, &path, &huge, &[bearer(REPORTER)]).await.status.as_u16(), 413);
        for token in ["cs_acme_report", "cs_acme_admin"] {
            let answer = post(&s, &path, &body, &[bearer(token)]).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (403, "reporter_required"));
        }
        assert_eq!(post(&s, &path, &body, &[bearer("cs_acme_read")]).await.problem(), "forbidden");
    }
}
