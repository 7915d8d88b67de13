use super::*;
use crate::forge::hook;

fn event(repository: u64, delivery: &str) -> Vec<u8> {
    json!({
        "event": "comment", "action": "created", "repository": {"id": repository, "name": "acme/shop"},
        "pull": {"number": 7}, "sender": {"id": 7, "login": "dana"}, "delivery": delivery,
    })
    .to_string()
    .into_bytes()
}

async fn tell(s: &Scene, signature: Option<String>, body: Vec<u8>) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri("/webhooks/local");
    if let Some(signature) = signature {
        request = request.header(hook::SIGNATURE, signature);
    }
    s.send(request.body(body.into()).expect("a request")).await
}

async fn pending(s: &Scene) -> Vec<(String, String, String)> {
    let pending = s.site.store.pending_deliveries(10).await.expect("deliveries");
    pending.into_iter().map(|d| (d.tenant.to_string(), d.repository, d.id)).collect()
}

#[tokio::test]
async fn tm52_only_the_repositorys_own_secret_proves() {
    let s = scene().await;
    let body = event(1, "d-1");
    let signed = |secret: &str| hook::sign(&secret.into(), &body);
    let right = signed(SECRETS[0].1).expect("signs");
    let cases = [
        ("no header", None),
        ("another secret", signed("another-secret-entirely")),
        ("another tenant's secret", signed(SECRETS[1].1)),
        ("another algorithm", Some(right.replace("sha256=", "sha1="))),
        ("cut", Some(right[..70].to_owned())),
        ("of other bytes", hook::sign(&SECRETS[0].1.into(), b"{}")),
    ];
    for (name, signature) in cases {
        let answer = tell(&s, signature, body.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (401, "signature"), "{name}");
    }
    let mut request = Request::builder().method(Method::POST).uri("/webhooks/local").header(hook::SIGNATURE, &right);
    request = request.header(hook::SIGNATURE, &right);
    assert_eq!(s.send(request.body(body.clone().into()).expect("a request")).await.status.as_u16(), 401, "two headers");
    assert!(pending(&s).await.is_empty());
    assert_eq!(tell(&s, Some(right), body).await.status, StatusCode::ACCEPTED);
    assert_eq!(pending(&s).await, [("acme".to_owned(), "local:local:1".to_owned(), "d-1".to_owned())]);
}

#[tokio::test]
async fn a_body_is_not_parsed_before_it_is_proven() {
    let s = scene().await;
    let broken = b"{\"repository\":".to_vec();
    assert_eq!(tell(&s, None, broken.clone()).await.problem(), "signature");
    let signature = hook::sign(&SECRETS[0].1.into(), &broken);
    let answer = tell(&s, signature, broken).await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (400, "malformed"));
}

#[tokio::test]
async fn tm53_the_same_delivery_is_kept_once() {
    let s = scene().await;
    let body = event(1, "d-1");
    for _ in 0..3 {
        let answer = tell(&s, hook::sign(&SECRETS[0].1.into(), &body), body.clone()).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    assert_eq!(pending(&s).await.len(), 1);
    // The id is the signed one: a header beside the body makes no second delivery of it.
    let request = Request::builder().method(Method::POST).uri("/webhooks/local").header(hook::DELIVERY, "d-2");
    let request = request.header(hook::SIGNATURE, hook::sign(&SECRETS[0].1.into(), &body).expect("signs"));
    assert_eq!(s.send(request.body(body.into()).expect("a request")).await.status, StatusCode::ACCEPTED);
    assert_eq!(pending(&s).await.len(), 1);
}

#[tokio::test]
async fn a_delivery_changes_nothing_but_wakes() {
    let s = scene().await;
    let id = s.proposed(&proposal("a")).await;
    let before = (s.record(&id).await, s.story("acme").await);
    let body = event(1, "d-1");
    tell(&s, hook::sign(&SECRETS[0].1.into(), &body), body).await;
    assert_eq!((s.record(&id).await, s.story("acme").await), before);
}

#[tokio::test]
async fn without_local_repositories_there_is_no_route() {
    let s = scene_with(|site| {
        let mut settings = (*site.settings).clone();
        settings.tenants.iter_mut().for_each(|tenant| tenant.repositories.clear());
        site.settings = Arc::new(settings);
    })
    .await;
    assert_eq!(tell(&s, None, Vec::new()).await.status, StatusCode::NOT_FOUND);
    assert!(s.get("/openapi.json", "").await.json()["paths"].get("/webhooks/local").is_none());
}
