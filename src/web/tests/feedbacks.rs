use super::*;
use crate::domain::audit::{Decision, Event};

/// Drops a proposal of a tenant, for this reason.
async fn dropped(s: &Scene, of: &str, id: &str, code: &str, why: &str) {
    let store = &s.site.store;
    let record = store.record(&tenant(of), id).await.expect("reads").expect("is there").0;
    let over = Record {
        stage: Stage::Dropped,
        reason: Some(crate::domain::lifecycle::Reason::new(code, why)),
        ..record.clone()
    };
    let event = Event {
        actor: "countersign".into(),
        decision: Decision::Refuse,
        reason_code: code.into(),
        ..Event::note("proposal.dropped", json!({"reason": why}))
    };
    let transition = Transition {
        from: record.stage,
        record: over,
        events: vec![event],
        outcome: None,
        demote: false,
        halt: None,
        due: None,
        artifacts: Vec::new(),
    };
    store.commit(&transition, now()).await.expect("a step");
}

#[tokio::test]
async fn a_proposer_reads_why_its_proposal_was_refused_and_reads_on_from_there() {
    let s = scene().await;
    let first = s.proposed(&proposal("first")).await;
    dropped(&s, "acme", &first, "rejected", "dana closed the pull request: not before the sale").await;
    let answer = s.get("/v1/feedback", "cs_acme_propose").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let feed = answer.json();
    assert_eq!(feed["items"].as_array().map(Vec::len), Some(1), "{feed}");
    let item = &feed["items"][0];
    assert_eq!((&item["proposal"], &item["name"]), (&json!(first), &json!("first")));
    assert_eq!((&item["what"], &item["code"]), (&json!("dropped"), &json!("rejected")));
    assert!(item["reason"].as_str().is_some_and(|why| why.ends_with("not before the sale")), "{item}");
    let next = feed["next"].as_u64().expect("a cursor");
    let quiet = s.get(&format!("/v1/feedback?after={next}"), "cs_acme_propose").await.json();
    assert_eq!((&quiet["items"], &quiet["next"], &quiet["more"]), (&json!([]), &json!(next), &json!(false)));
    let second = s.proposed(&proposal("second")).await;
    dropped(&s, "acme", &second, "duplicate", "proposal x already makes this change").await;
    let later = s.get(&format!("/v1/feedback?after={next}"), "cs_acme_propose").await.json();
    assert_eq!(later["items"][0]["proposal"], second);
    // The same reason stands at the proposal itself.
    let shown = s.get(&format!("/v1/proposals/{first}"), "cs_acme_read").await.json();
    assert_eq!(shown["reason"]["sentence"], item["reason"]);
}

#[tokio::test]
async fn pages_of_the_feed_join_without_a_gap() {
    let s = scene().await;
    for n in 0..5 {
        let id = s.proposed(&proposal(&format!("p-{n}"))).await;
        dropped(&s, "acme", &id, "denied", "no").await;
    }
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = s.get(&format!("/v1/feedback?limit=2&after={after}"), "cs_acme_read").await.json();
        for item in page["items"].as_array().expect("a list") {
            seen.push(item["name"].as_str().expect("a name").to_owned());
        }
        after = page["next"].as_u64().expect("a cursor");
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seen, ["p-0", "p-1", "p-2", "p-3", "p-4"]);
}

#[tokio::test]
async fn tm58_the_feed_is_the_tenants_own_and_the_senders_own() {
    let s = scene().await;
    let id = s.proposed(&proposal("acme-canary")).await;
    dropped(&s, "acme", &id, "denied", "acme-canary").await;
    for token in ["cs_rival_admin", "cs_rival_propose"] {
        let text = s.get("/v1/feedback", token).await.text();
        assert!(!text.contains("acme") && text.contains("\"items\":[]"), "{text}");
    }
    // A token that only proposes sees what its own principal sent.
    let other = crate::config::Token {
        principal: "agent:other".into(),
        roles: vec![crate::config::Role::Propose],
        sha256: token_digest(&"cs_acme_other".into()),
    };
    let s = scene_with(|site| {
        let mut settings = (*site.settings).clone();
        settings.tenants[0].tokens.push(other);
        site.settings = Arc::new(settings);
    })
    .await;
    let id = s.proposed(&proposal("mine")).await;
    dropped(&s, "acme", &id, "denied", "no").await;
    assert_eq!(s.get("/v1/feedback", "cs_acme_other").await.json()["items"], json!([]));
    assert_eq!(s.get("/v1/feedback", "cs_acme_propose").await.json()["items"][0]["name"], "mine");
    for token in ["", "cs_unknown"] {
        assert_eq!(s.get("/v1/feedback", token).await.problem(), "unauthenticated");
    }
    assert_eq!(s.get("/v1/feedback", "cs_acme_report").await.problem(), "forbidden");
    assert_eq!(s.get("/v1/feedback?limit=0", "cs_acme_read").await.problem(), "limit");
}
