use super::*;

async fn report(s: &Scene, id: &str, token: &str, body: Value) -> Answer {
    s.post(&format!("/v1/proposals/{id}/outcome"), token, body.to_string()).await
}

#[tokio::test]
async fn a_reporter_says_how_it_went() {
    let s = scene().await;
    let id = s.merged("a").await;
    let body = json!({"result": "good", "revision": LANDED, "note": "healthy"});
    for _ in 0..2 {
        let answer = report(&s, &id, REPORTER, body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (202, json!({"proposal": id, "result": "good"})),
            "{}",
            answer.text()
        );
    }
    let kept = s.site.store.reports(&tenant("acme"), &id).await.expect("reports");
    assert_eq!((kept.len(), kept[0].reporter.as_str(), kept[0].result), (1, "argocd", Judgement::Good));
    assert_eq!(s.story("acme").await.iter().filter(|(kind, _)| kind == "outcome.reported").count(), 1);
    assert_eq!(s.record(&id).await.stage, Stage::Merged, "a report decides nothing by itself");
}

#[tokio::test]
async fn a_token_never_says_good() {
    let s = scene().await;
    let id = s.merged("a").await;
    for token in ["cs_acme_report", "cs_acme_admin"] {
        let answer = report(&s, &id, token, json!({"result": "good", "revision": LANDED})).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (403, "reporter_required"));
        for result in ["bad", "neutral"] {
            assert_eq!(
                report(&s, &id, token, json!({"result": result, "revision": LANDED})).await.status.as_u16(),
                202
            );
        }
    }
}

#[tokio::test]
async fn a_report_must_fit_what_landed() {
    let s = scene().await;
    let waiting = s.proposed(&proposal("waiting")).await;
    let merged = s.merged("merged").await;
    let settled = s.proposed(&proposal("settled")).await;
    s.drive(&settled, Stage::Settled, land, &[]).await;
    let other = "b".repeat(40);
    let long = "x".repeat(1001);
    let cases = [
        (&waiting, json!({"result": "bad", "revision": LANDED}), 409, "not_merged"),
        (&settled, json!({"result": "good", "revision": LANDED}), 409, "settled"),
        (&settled, json!({"result": "neutral", "revision": LANDED}), 409, "settled"),
        (&merged, json!({"result": "neutral", "revision": LANDED, "severe": true}), 400, "malformed"),
        (&settled, json!({"result": "bad", "revision": other}), 422, "revision_not_landed"),
        (&merged, json!({"result": "great", "revision": LANDED}), 400, "malformed"),
        (&merged, json!({"result": "bad", "revision": "HEAD"}), 400, "malformed"),
        (&merged, json!({"result": "bad", "revision": LANDED, "note": long}), 400, "malformed"),
        (&merged, json!({"result": "bad", "revision": LANDED, "by": "me"}), 400, "malformed"),
    ];
    for (id, body, status, code) in cases {
        let answer = report(&s, id, REPORTER, body).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (status, code), "{}", answer.text());
    }
    let answer = report(&s, "nothing", REPORTER, json!({"result": "bad", "revision": LANDED})).await;
    assert_eq!(answer.problem(), "not_found");
}

#[tokio::test]
async fn classes_are_shown_with_what_is_missing() {
    let s = scene().await;
    let id = s.proposed(&proposal("a")).await;
    s.drive(&id, Stage::Settled, land, &[]).await;
    let trust = s.get("/v1/trust", "cs_acme_read").await.json();
    let class = &trust["classes"][0];
    assert_eq!(
        (class["good"].clone(), class["unlocked"].clone(), class["needed"].clone()),
        (json!(1), json!(false), json!("0.95"))
    );
    assert!(class["standing"]["gaps"].as_array().is_some_and(|gaps| !gaps.is_empty()), "{trust}");
    let page = s.get("/classes", "cs_acme_read").await.text();
    assert!(page.contains("1 of 1") && page.contains("not earned yet") && page.contains("distinct targets"), "{page}");
}
