use super::*;

async fn withdraw(s: &Scene, id: &str, token: &str, reason: &str) -> Answer {
    s.post(&format!("/v1/proposals/{id}/withdrawal"), token, json!({"reason": reason}).to_string()).await
}

#[tokio::test]
async fn a_sender_takes_its_proposal_back() {
    let s = scene().await;
    let id = s.proposed(&proposal("a")).await;
    for _ in 0..2 {
        let answer = withdraw(&s, &id, "cs_acme_propose", "the alert is gone").await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    }
    let ending = s.record(&id).await.commands.ending.expect("an end");
    assert_eq!(ending.code, "withdrawn");
    assert!(ending.sentence.contains("agent:sender") && ending.sentence.contains("the alert is gone"));
    let told = s.story("acme").await;
    assert_eq!(told.iter().filter(|(kind, _)| kind == "proposal.withdrawn").count(), 1);
}

#[tokio::test]
async fn what_is_merged_or_anothers_is_not_taken_back() {
    let s = scene().await;
    let merged = s.merged("m").await;
    assert_eq!(withdraw(&s, &merged, "cs_acme_propose", "x").await.problem(), "not_withdrawn");
    let id = s.proposed(&proposal("a")).await;
    assert_eq!(withdraw(&s, &id, "cs_acme_read", "x").await.problem(), "forbidden");
    for token in ["cs_rival_admin", "cs_rival_propose"] {
        assert_eq!(withdraw(&s, &id, token, "x").await.problem(), "not_found");
    }
    for reason in ["", " ", &"x".repeat(1001)] {
        assert_eq!(withdraw(&s, &id, "cs_acme_propose", reason).await.problem(), "malformed");
    }
    assert!(s.record(&id).await.commands.ending.is_none());
    assert_eq!(withdraw(&s, &id, "cs_acme_admin", "by an admin").await.status, StatusCode::ACCEPTED);
}
