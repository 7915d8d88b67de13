//! Limits, lost tokens, redirects and answers that cannot be used.

use super::{order, stand};
use crate::fake::Fake;
use crate::fake::faults::{Answer, Fault};
use crate::fake::gitlab::TOKEN;
use crate::stand::bump;
use axum::Router;
use countersign::forge::{ForgeError, Pushed};

#[tokio::test]
async fn f77_f78_a_limit_names_its_end() {
    let Some(s) = stand().await else { return };
    let limited = |name: &str, value: &str| {
        Fault::Before(Answer::new(429, r#"{"message":"Too Many Requests"}"#).header(name, value))
    };
    let reset = (s.clock.now().seconds() + 30 + 90 + 45).to_string();
    let cases = [
        (limited("retry-after", "30"), 30),
        (limited("retry-after", "Mon, 05 Jan 2026 08:02:00 GMT"), 90),
        (limited("ratelimit-reset", &reset), 45),
        (limited("x-nothing", "1"), 60),
    ];
    for (fault, seconds) in cases {
        s.fake().faults.next("GET", "/projects/{id}", fault);
        let until = s.clock.now().plus_seconds(seconds);
        assert_eq!(s.forge().repository().await, Err(ForgeError::RateLimited(until)));
        let asked = s.fake().log.all().len();
        assert_eq!(s.forge().repository().await, Err(ForgeError::RateLimited(until)));
        assert_eq!(s.fake().log.all().len(), asked, "nothing was sent");
        s.clock.advance(seconds);
    }
    let now = s.clock.now();
    s.forge().repository().await.unwrap();
    s.fake().faults.next("GET", "/info/refs", limited("retry-after", "30"));
    let answer = s.forge().sync().await.map(|_| ());
    assert_eq!(answer, Err(ForgeError::RateLimited(now.plus_seconds(30))));
    s.finish().await;
}

#[tokio::test]
async fn f77_nothing_is_asked_before_the_limit_ends() {
    let Some(s) = stand().await else { return };
    let answer = Answer::new(429, "{}").header("retry-after", "300");
    s.fake().faults.next("GET", "/projects/{id}", Fault::Before(answer));
    let id = s.propose(bump("web", "1.4.3")).await;
    let before = s.fake().log.all().len();
    s.clock.advance(200);
    s.turns().await;
    assert_eq!(s.fake().log.all().len(), before, "it waits");
    s.clock.advance(101);
    s.turns().await;
    s.expect(&id, "received / pushed / opened / attested / waits: checks.missing").await;
    s.finish().await;
}

#[tokio::test]
async fn f80_a_replaced_token_is_read_again_and_a_revoked_one_is_said() {
    let Some(s) = stand().await else { return };
    s.forge().repository().await.unwrap();
    let other = "glpat-Fake_Token-that-is-new-0009-and-much-longer-than-the-one-before.01.1a2b3c4d5";
    s.lab().replace_token(TOKEN, Some(other));
    std::fs::write(s.home.join("gitlab.token"), other).unwrap();
    s.forge().repository().await.unwrap();
    s.forge().sync().await.unwrap();
    s.lab().replace_token(other, None);
    s.fake().log.clear();
    let answer = s.forge().repository().await;
    let Err(ForgeError::Denied(why)) = &answer else { panic!("{answer:?}") };
    assert!(why.contains("revoked") && !why.contains("glpat"), "{why}");
    assert_eq!(s.fake().log.all().len(), 1, "asked once, not again and again");
    s.finish().await;
}

#[tokio::test]
async fn f81_tokens_of_every_form() {
    for token in [
        "glpat-ABCDEFGHIJ0123456789",
        "glpat-Fake_Token-routable-and-longer-than-those-before-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.01.120a1b2c3",
    ] {
        let Some(s) = stand().await else { return };
        s.lab().replace_token(TOKEN, Some(token));
        std::fs::write(s.home.join("gitlab.token"), format!("{token}\n")).unwrap();
        let id = s.propose(bump("web", "1.4.3")).await;
        s.expect(&id, "received / pushed / opened / attested / waits: checks.missing").await;
        let mut files = vec![s.home.join("data")];
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()), "in {}", path.display());
            }
        }
        s.finish().await;
    }
}

#[tokio::test]
async fn f83_access_that_ends_and_comes_back() {
    let Some(s) = stand().await else { return };
    let id = s.propose(bump("web", "1.4.3")).await;
    s.lab().replace_token(TOKEN, Some("glpat-Fake_Token-that-nobody-has-01"));
    let before = s.fake().log.all().len();
    s.settle().await;
    assert!(s.fake().log.all().len() - before < 4, "no storm");
    let (_, error, _) = s.parts.store.trouble(&s.tenant, &id).await.unwrap().unwrap();
    assert!(error.unwrap().contains("revoked"), "it says why");
    for _ in 0..3 {
        s.later(600).await;
    }
    assert!(s.fake().log.all().len() - before < 20, "it waits longer and longer");
    s.lab().replace_token("glpat-Fake_Token-that-nobody-has-01", Some(TOKEN));
    s.merges(&id).await;
    s.later(3_600).await;
    assert!(s.story(&id).await.ends_with("merged by a person / waits: soak"), "{}", s.story(&id).await);
    // The role is reduced: nothing can be written, and what was begun goes on when it can.
    let refused = r#"{"message":"403 Forbidden"}"#;
    s.fake().faults.add("POST", "/merge_requests", 0, 1, Fault::fails(403, refused));
    let next = s.propose(bump("search", "1.4.3")).await;
    s.expect(&next, "received / pushed").await;
    s.later(3_600).await;
    assert!(s.story(&next).await.starts_with("received / pushed / opened / attested"));
    s.finish().await;
}

#[tokio::test]
async fn a_token_that_may_only_read_is_denied() {
    let Some(s) = stand().await else { return };
    s.forge().repository().await.unwrap();
    let body = r#"{"error":"insufficient_scope","error_description":"needs higher privileges","scope":"api"}"#;
    s.fake().faults.next("PUT", "/merge_requests/{iid}", Fault::fails(403, body));
    let answer = s.forge().set_body(1, "x").await;
    assert!(matches!(&answer, Err(ForgeError::Denied(why)) if why.contains("needs higher")), "{answer:?}");
    s.finish().await;
}

#[tokio::test]
async fn f86_a_redirect_to_another_host_is_not_followed() {
    let Some(s) = stand().await else { return };
    let elsewhere = Fake::start(|_| Router::new()).await;
    for status in [301, 302, 307, 308] {
        let answer = Answer::new(status, "").header("location", &format!("{}/api/v4/projects/101", elsewhere.url()));
        s.fake().faults.next("GET", "/projects/{id}", Fault::Before(answer));
        let said = s.forge().repository().await;
        assert!(matches!(&said, Err(ForgeError::Rejected(why)) if why.contains("elsewhere")), "{said:?}");
    }
    let answer = Answer::new(302, "").header("location", &format!("{}/acme/shop.git/info/refs", elsewhere.url()));
    s.fake().faults.next("GET", "/info/refs", Fault::Before(answer));
    assert!(s.forge().sync().await.is_err());
    assert_eq!(elsewhere.log.all().len(), 0, "nobody else saw a request");
    s.finish().await;
}

#[tokio::test]
async fn f84_a_redirect_that_stays_is_followed_for_reading() {
    let Some(s) = stand().await else { return };
    let to = format!("{}/api/v4/projects/101", s.fake().url());
    let answer = Answer::new(301, "").header("location", &to);
    s.fake().faults.next("GET", "/projects/{id}", Fault::Before(answer.clone()));
    s.forge().repository().await.unwrap();
    s.fake().faults.next("PUT", "/merge_requests/{iid}", Fault::Before(answer));
    assert!(matches!(s.forge().set_body(1, "x").await, Err(ForgeError::Rejected(_))), "a write is not");
    s.fake().faults.add("GET", "/projects/{id}", 0, 4, Fault::Before(Answer::new(302, "").header("location", &to)));
    assert!(matches!(s.forge().repository().await, Err(ForgeError::Rejected(_))), "nor a circle");
    s.finish().await;
}

#[tokio::test]
async fn f88_answers_that_cannot_be_used() {
    let Some(s) = stand().await else { return };
    let html = Answer::new(200, "<html>hello</html>").header("content-type", "text/html");
    let large = format!("{{\"id\":\"{}\"}}", "x".repeat(17 << 20));
    let cases = [
        Fault::Before(html),
        Fault::fails(200, ""),
        Fault::fails(200, "{\"id\":101,\"path_with_names"),
        Fault::fails(200, "[]"),
        Fault::fails(200, "{\"id\":101}"),
        Fault::fails(200, &large),
        Fault::fails(500, "<html>500</html>"),
        Fault::fails(503, ""),
        Fault::Drop,
    ];
    for (number, fault) in cases.into_iter().enumerate() {
        s.fake().faults.next("GET", "/projects/{id}", fault);
        let answer = s.forge().repository().await;
        assert!(matches!(answer, Err(ForgeError::Transient(_))), "{number}: {answer:?}");
    }
    s.finish().await;
}

#[tokio::test]
async fn f91_a_push_whose_answer_was_lost_is_found() {
    let Some(s) = stand().await else { return };
    let order = order(&s, "countersign/a", "one\n").await;
    s.fake().faults.next("POST", "/git-receive-pack", Fault::DropAfter);
    let answer = s.forge().push(&order).await;
    assert_eq!(answer, Ok(Pushed::Done(s.tip("countersign/a").unwrap())), "the branch shows it");
    s.fake().faults.next("POST", "/git-receive-pack", Fault::Drop);
    let other = super::order(&s, "countersign/b", "one\n").await;
    let answer = s.forge().push(&other).await;
    assert!(matches!(answer, Err(ForgeError::Transient(_))), "{answer:?}");
    assert!(matches!(s.forge().push(&other).await, Ok(Pushed::Done(_))));
    assert_eq!(s.fake().log.count("POST", "/git-receive-pack"), 3);
    s.finish().await;
}
