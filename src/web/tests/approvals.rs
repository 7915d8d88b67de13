//! Tokens handed in at the API and on the page.

use super::*;
use crate::domain::approval::{Alg, Claims, Says, mint};
use crate::domain::ids::Digest;

const FORM: &str = "application/x-www-form-urlencoded";

fn class() -> Class {
    Class {
        tenant: tenant("acme"),
        repository: "local:local:1".into(),
        environment: "staging".into(),
        action_kind: "SetImage".into(),
        tier: 2,
    }
}

/// A proposal whose effect was computed and that needs approvals.
async fn waiting(s: &Scene, name: &str, needed: u32) -> String {
    let id = s.proposed(&proposal(name)).await;
    let mut record = s.record(&id).await;
    (record.class, record.needed) = (Some(class()), Some(needed));
    let events = vec![crate::domain::audit::Event::note("proposal.waits", json!({}))];
    let artifacts = vec![("diff", b"--- a/x\n+++ b/x\n-old\n+new\n".to_vec())];
    let from = Stage::Received;
    let step =
        Transition { from, record, events, outcome: None, demote: false, halt: None, due: Some(now()), artifacts };
    s.site.store.commit(&step, now()).await.expect("judged");
    id
}

fn signer(approver: &str) -> Signer {
    let seed = APPROVERS.iter().find(|(_, id, _)| *id == approver).expect("an approver").2;
    Signer::from_seed(&[seed; 32])
}

fn claims(record: &Record, approver: &str, says: Says, jti: u64) -> Claims {
    let at = u64::try_from(now().seconds()).expect("after 1970");
    Claims {
        iss: approver.into(),
        aud: "countersign.local/acme".into(),
        sub: approver.into(),
        iat: at,
        nbf: at,
        exp: at + 600,
        jti: format!("01890a5d-ac96-774b-bcce-{jti:012}"),
        tnt: tenant("acme"),
        prp: record.id.clone(),
        dig: record.digest,
        act: "SetImage".into(),
        cls: class().key(),
        tier: 2,
        dec: says,
        rsn: (says == Says::Reject).then(|| "not during the sale".into()),
        plan: None,
        step: None,
        amr: None,
    }
}

async fn token(s: &Scene, id: &str, approver: &str, says: Says, jti: u64) -> String {
    mint(&claims(&s.record(id).await, approver, says, jti), Alg::EdDSA, &signer(approver))
}

async fn hand_in(s: &Scene, id: &str, route: &str, token: &str) -> Answer {
    s.post(&format!("/v1/proposals/{id}/{route}"), "cs_acme_read", json!({"token": token}).to_string()).await
}

async fn refusals(s: &Scene) -> Vec<String> {
    s.story("acme").await.into_iter().filter(|(kind, _)| kind == "approval.refused").map(|(_, code)| code).collect()
}

#[tokio::test]
async fn an_approval_is_redeemed_and_shown() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let before = s.get(&format!("/v1/proposals/{id}/approvals"), "cs_acme_read").await.json();
    assert_eq!(
        (&before["needed"], &before["tier"], &before["audience"]),
        (&json!(1), &json!(2), &json!("countersign.local/acme"))
    );
    assert_eq!(before["class"], json!(class().key().to_string()));
    let text = token(&s, &id, "dana", Says::Approve, 1).await;
    let answer = hand_in(&s, "a", "approvals", &text).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let approval = &answer.json()["approvals"][0];
    assert_eq!(approval["approver"], "dana");
    assert_eq!(approval["sha256"], json!(Digest::of(text.as_bytes()).to_string()));
    assert_eq!(approval["token"], json!(text), "for whoever verifies it");
    let record = s.record(&id).await;
    assert_eq!((record.approvals.len(), record.stage), (1, Stage::Received));
    let story = s.story("acme").await;
    assert_eq!(story.last().expect("an event").0, "approval.redeemed");
    let page = s.get(&format!("/proposals/{id}"), "cs_acme_read").await.shown();
    assert!(page.contains("1 needed, given by dana"), "{page}");
}

#[tokio::test]
async fn j18_a_token_that_comes_twice_is_refused_and_written_down() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let text = token(&s, &id, "dana", Says::Approve, 1).await;
    assert_eq!(hand_in(&s, &id, "approvals", &text).await.status, StatusCode::OK);
    let again = hand_in(&s, &id, "approvals", &text).await;
    assert_eq!((again.status.as_u16(), again.problem().as_str()), (422, "approval_refused"));
    // The same id of its own in another token, about another proposal.
    let other = waiting(&s, "b", 1).await;
    let twin = token(&s, &other, "dana", Says::Approve, 1).await;
    assert_eq!(hand_in(&s, &other, "approvals", &twin).await.problem(), "approval_refused");
    assert_eq!(refusals(&s).await, ["token.replayed", "token.replayed"]);
    assert!(s.record(&other).await.approvals.is_empty());
}

#[tokio::test]
async fn j22_without_a_database_nothing_is_taken() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let text = token(&s, &id, "dana", Says::Approve, 1).await;
    s.site.store.close().await;
    let answer = hand_in(&s, &id, "approvals", &text).await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (503, "unavailable"), "{}", answer.text());
}

#[tokio::test]
async fn j27_each_route_takes_its_own_word() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let (yes, no) = (token(&s, &id, "dana", Says::Approve, 1).await, token(&s, &id, "dana", Says::Reject, 2).await);
    assert_eq!(hand_in(&s, &id, "rejection", &yes).await.problem(), "approval_refused");
    assert_eq!(hand_in(&s, &id, "approvals", &no).await.problem(), "approval_refused");
    assert_eq!(refusals(&s).await, ["token.decision", "token.decision"]);
    let answer = hand_in(&s, &id, "rejection", &no).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["rejection"]["reason"], "not during the sale");
    // After a no nothing is heard any more.
    assert_eq!(hand_in(&s, &id, "approvals", &yes).await.problem(), "approval_refused");
    assert_eq!(refusals(&s).await.last().expect("one"), "proposal.over");
}

#[tokio::test]
async fn refusals_are_alike_for_the_caller_and_distinct_in_the_log() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let record = s.record(&id).await;
    let good = || claims(&record, "dana", Says::Approve, 1);
    let rival = Claims { aud: "countersign.local/rival".into(), tnt: tenant("rival"), ..good() };
    let spoiled = [
        (mint(&Claims { dig: Digest::of(b"x"), ..good() }, Alg::EdDSA, &signer("dana")), "token.digest"),
        (mint(&rival, Alg::EdDSA, &signer("dana")), "token.audience"),
        (mint(&Claims { tier: 1, ..good() }, Alg::EdDSA, &signer("dana")), "token.tier"),
        (mint(&Claims { exp: good().iat - 1, ..good() }, Alg::EdDSA, &signer("dana")), "token.times"),
        (mint(&good(), Alg::EdDSA, &signer("kim")), "token.issuer"),
        (mint(&good(), Alg::EdDSA, &Signer::from_seed(&[77; 32])), "token.key_unknown"),
        (mint(&good(), Alg::EdDSA, &Signer::from_seed(&[1; 32])), "token.key_unknown"),
        ("x".repeat(9_000), "token.too_large"),
        ("no token".into(), "token.form"),
    ];
    let mut said = std::collections::BTreeSet::new();
    for (text, _) in &spoiled {
        let answer = hand_in(&s, &id, "approvals", text).await;
        assert_eq!(answer.status.as_u16(), 422, "{}", answer.text());
        said.insert(answer.json()["detail"].as_str().expect("a detail").to_owned());
    }
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(refusals(&s).await, spoiled.iter().map(|(_, code)| *code).collect::<Vec<_>>());
    assert_eq!(hand_in(&s, &id, "approvals", &mint(&good(), Alg::EdDSA, &signer("dana"))).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_tenant_hears_of_nothing() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let text = token(&s, &id, "dana", Says::Approve, 1).await;
    let body = json!({"token": text}).to_string();
    let answer = s.post(&format!("/v1/proposals/{id}/approvals"), "cs_rival_read", body.clone()).await;
    assert_eq!(answer.problem(), "not_found");
    assert_eq!(s.get(&format!("/proposals/{id}/approve"), "cs_rival_read").await.problem(), "not_found");
    let path = format!("/v1/proposals/{id}/approvals");
    assert_eq!(s.post(&path, "", body.clone()).await.problem(), "unauthenticated");
    assert_eq!(s.post(&path, "cs_acme_propose", body).await.problem(), "forbidden");
    for body in ["{}", "{\"token\": 7}", "{\"token\": \"x\", \"more\": 1}", "eyJ"] {
        assert_eq!(s.post(&path, "cs_acme_read", body).await.problem(), "malformed", "{body}");
    }
    assert!(s.record(&id).await.approvals.is_empty());
    assert!(refusals(&s).await.is_empty());
}

#[tokio::test]
async fn approvals_come_along_with_a_proposal() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let text = token(&s, &id, "dana", Says::Approve, 1).await;
    let sent = with("a", "approvals", json!([text, "spoiled"]));
    for _ in 0..2 {
        let answer = s.propose(&sent).await;
        assert_eq!((answer.status, &answer.json()["approvals"]), (StatusCode::OK, &json!(1)), "{}", answer.text());
    }
    assert_eq!(s.record(&id).await.approvals.len(), 1);
    assert_eq!(refusals(&s).await, ["token.form", "token.form"], "what stands already is no replay");
}

#[tokio::test]
async fn j37_opening_the_page_approves_nothing() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let path = format!("/proposals/{id}/approve");
    let text = token(&s, &id, "dana", Says::Approve, 1).await;
    let before = s.story("acme").await.len();
    for n in 0..50 {
        let agent = ["Slackbot-LinkExpanding 1.0", "Mozilla/5.0 (compatible; bingbot/2.0)", "curl/8"][n % 3];
        // A link that carries the token itself, too.
        let uri = if n % 2 == 0 { path.clone() } else { format!("{path}?token={text}&says=approve") };
        let request = Request::builder().uri(uri).header(header::USER_AGENT, agent);
        let request =
            request.header(header::AUTHORIZATION, "Bearer cs_acme_read").body(Body::empty()).expect("a request");
        let answer = s.send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert!(!answer.text().contains(&text));
    }
    assert_eq!(s.story("acme").await.len(), before);
    assert!(s.record(&id).await.approvals.is_empty());
    assert_eq!(hand_in(&s, &id, "approvals", &text).await.status, StatusCode::OK, "still redeemable");
}

#[tokio::test]
async fn the_page_shows_what_is_signed_and_the_exact_command() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let answer = s.get(&format!("/proposals/{id}/approve"), "cs_acme_read").await;
    let (page, record) = (answer.shown(), s.record(&id).await);
    for wanted in [
        format!("--proposal {id}"),
        format!("--digest sha256:{}", record.digest),
        "--audience countersign.local/acme".into(),
        format!("--class {}", class().key()),
        "--tier 2".into(),
        "--reject".into(),
        "+new".into(),
    ] {
        assert!(page.contains(&wanted), "{wanted}: {page}");
    }
    assert!(answer.header("content-security-policy").contains("form-action 'self'"));
    assert!(!page.contains("<script"));
    let other = s.get(&format!("/proposals/{id}"), "cs_acme_read").await;
    assert!(other.header("content-security-policy").contains("form-action 'none'"));
    assert!(other.shown().contains(&format!("/proposals/{id}/approve")));
}

async fn form(s: &Scene, id: &str, token: &str, headers: &[(&str, &str)]) -> Answer {
    let body = format!("says=approve&token={token}");
    let mut request = Request::builder().method(Method::POST).uri(format!("/proposals/{id}/approve"));
    request = request.header(header::AUTHORIZATION, "Bearer cs_acme_read").header(header::CONTENT_TYPE, FORM);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    s.send(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test]
async fn j38_a_form_of_another_site_is_refused_and_uses_nothing_up() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let text = token(&s, &id, "dana", Says::Approve, 1).await;
    let host = ("host", "bot.example");
    let foreign: [&[(&str, &str)]; 7] = [
        &[],
        &[host],
        &[host, ("origin", "https://evil.example")],
        &[host, ("origin", "null")],
        &[host, ("origin", "https://bot.example.evil")],
        &[host, ("origin", "https://bot.example"), ("sec-fetch-site", "cross-site")],
        &[host, ("origin", "https://bot.example"), ("sec-fetch-site", "same-site")],
    ];
    for headers in foreign {
        let answer = form(&s, &id, &text, headers).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (403, "foreign_form"), "{headers:?}");
    }
    assert!(s.record(&id).await.approvals.is_empty());
    let own = form(&s, &id, &text, &[host, ("origin", "https://bot.example")]).await;
    assert_eq!((own.status, own.header("location")), (StatusCode::SEE_OTHER, format!("/proposals/{id}").as_str()));
    assert_eq!(s.record(&id).await.approvals.len(), 1);
    let second = token(&s, &id, "kim", Says::Approve, 2).await;
    let own = form(&s, &id, &second, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!(own.status, StatusCode::SEE_OTHER, "{}", own.text());
}

#[tokio::test]
async fn a_form_that_is_refused_is_a_page() {
    let s = scene().await;
    let id = waiting(&s, "a", 1).await;
    let answer = form(&s, &id, "spoiled", &[("sec-fetch-site", "same-origin"), ("accept", "text/html")]).await;
    assert_eq!(answer.status.as_u16(), 422);
    assert!(
        answer.header("content-type").starts_with("text/html") && answer.text().contains("not taken"),
        "{}",
        answer.text()
    );
    for body in [
        "",
        "says=approve",
        "token=x",
        "says=maybe&token=x",
        "says=approve&says=reject&token=x",
        "says=approve&token=x&token=y",
        "says=approve&token=x&colour=red",
    ] {
        let request = Request::builder().method(Method::POST).uri(format!("/proposals/{id}/approve"));
        let request =
            request.header(header::AUTHORIZATION, "Bearer cs_acme_read").header("sec-fetch-site", "same-origin");
        let answer = s.send(request.body(Body::from(body)).expect("a request")).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (400, "form"), "{body}");
    }
}

#[tokio::test]
async fn j39_the_hour_of_an_approver_ends_with_a_time_to_come_back() {
    let s = scene().await;
    let (first, second) = (waiting(&s, "a", 1).await, waiting(&s, "b", 1).await);
    let text = token(&s, &first, "dana", Says::Approve, 1).await;
    assert_eq!(hand_in(&s, &first, "approvals", &text).await.status, StatusCode::OK);
    let text = token(&s, &second, "dana", Says::Approve, 2).await;
    let spent = hand_in(&s, &second, "approvals", &text).await;
    assert_eq!((spent.status.as_u16(), spent.problem().as_str()), (429, "approval_budget"));
    assert_eq!(spent.header("retry-after"), "Fri, 20 Nov 2026 10:06:00 GMT");
    assert_eq!(refusals(&s).await, ["approval.budget"]);
    assert!(s.record(&second).await.approvals.is_empty());
}
