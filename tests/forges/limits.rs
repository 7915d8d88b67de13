//! Tokens, limits, redirects and broken answers of GitHub. Numbers are those of the scenarios.

use crate::fake::faults::{Answer, Fault};
use crate::merging::head_order;
use crate::opening::{FIRST, opened};
use crate::seasoned;
use crate::stand::{Kind, Stand, bump};
use countersign::forge::ForgeError;

on_served!(
    f79_writes_are_throttled,
    f87_a_stale_read_merges_nothing,
    f89_not_there_yet,
    tm47_an_answer_that_is_cut_off_or_never_ends,
);
on_github!(
    f19_lost_deliveries_are_asked_for_again,
    f37_an_archived_repository_says_so,
    f77_nothing_is_asked_before_the_reset,
    f78_a_secondary_limit_is_obeyed,
    f80_a_token_that_ends_in_the_middle,
    f81_tokens_of_both_forms,
    f82_a_clock_that_stands_wrong,
    f83_suspended_removed_and_reduced,
    f84_a_renamed_repository,
    f85_another_repository_under_the_old_name,
    f86_no_token_goes_elsewhere,
    f87_an_answer_that_still_holds,
    f88_broken_answers,
    f90_graphql_errors_are_failures,
    a_token_is_narrow,
);

async fn start() -> Stand {
    Stand::start(Kind::Github).await
}

async fn a_token_is_narrow(_: Kind) {
    let stand = start().await;
    stand.propose(bump("web", "1.4.2")).await;
    let asked = stand.fake().log.of("POST", "/access_tokens");
    assert_eq!(asked.len(), 1, "one token does for a whole proposal");
    let expected = serde_json::json!({
        "repository_ids": [101],
        "permissions": {"metadata": "read", "contents": "write", "pull_requests": "write", "checks": "write", "statuses": "read"}
    });
    assert_eq!(asked[0].json(), expected);
    stand.finish().await;
}

async fn f19_lost_deliveries_are_asked_for_again(_: Kind) {
    let stand = start().await;
    stand.hub().mood().deliveries =
        vec![(5, "a", 502, 60), (4, "b", 200, 120), (3, "c", 0, 180), (2, "b", 500, 240), (1, "d", 502, 90_000)];
    let (settings, clock) = (&stand.parts.settings.github[0], stand.clock.clock());
    let key = settings.private_key().unwrap();
    let app = countersign::forge::github::App::new(settings.app, &key, &settings.api(), clock).unwrap();
    let since = stand.clock.now().plus_seconds(-86_400);
    assert_eq!(std::sync::Arc::new(app).redeliver(since).await, Ok(2));
    assert_eq!(stand.hub().extra().redelivered, [5, 3]);
    stand.finish().await;
}

async fn f37_an_archived_repository_says_so(_: Kind) {
    let stand = start().await;
    stand.hub().mood().archived = true;
    assert!(stand.forge().repository().await.unwrap().archived);
    let id = stand.propose(bump("web", "1.4.2")).await;
    stand.expect(&id, "received / dropped: failed").await;
    stand.finish().await;
}

async fn f77_nothing_is_asked_before_the_reset(_: Kind) {
    let stand = start().await;
    let reset = stand.clock.now().plus_seconds(900);
    let answer = Answer::new(403, r#"{"message":"API rate limit exceeded"}"#)
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", &reset.seconds().to_string());
    stand.fake().faults.next("POST", "/git/blobs", Fault::Before(answer));
    let id = stand.propose(bump("web", "1.4.2")).await;
    let asked = stand.fake().log.all().len();
    assert_eq!(stand.forge().tip("main").await, Err(ForgeError::RateLimited(reset)));
    stand.later(890).await;
    assert_eq!(stand.fake().log.all().len(), asked, "nothing was sent");
    stand.later(20).await;
    assert!(stand.story(&id).await.starts_with(FIRST), "{}", stand.story(&id).await);
    stand.finish().await;
}

async fn f78_a_secondary_limit_is_obeyed(_: Kind) {
    let said = r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes."}"#;
    let table = [
        (Answer::new(403, said).header("retry-after", "120"), 120),
        (Answer::new(429, said).header("retry-after", "Mon, 05 Jan 2026 08:03:00 GMT"), 180),
        (Answer::new(403, said), 60),
        (Answer::new(429, "<html>slow down</html>"), 60),
    ];
    for (answer, seconds) in table {
        let stand = start().await;
        stand.forge().tip("main").await.unwrap();
        stand.fake().faults.next("GET", "/git/ref/{*name}", Fault::Before(answer));
        let until = stand.clock.now().plus_seconds(seconds);
        assert_eq!(stand.forge().tip("main").await, Err(ForgeError::RateLimited(until)));
        assert_eq!(stand.fake().log.count("GET", "/git/ref/{*name}"), 2, "no retry by itself");
        assert_eq!(stand.forge().tip("main").await, Err(ForgeError::RateLimited(until)));
        stand.clock.advance(seconds);
        assert!(stand.forge().tip("main").await.is_ok());
        stand.finish().await;
    }
}

/// The address of a pull request.
fn one(kind: Kind) -> &'static str {
    if kind == Kind::Gitlab { "/merge_requests/{iid}" } else { "/pulls/{number}" }
}

async fn f79_writes_are_throttled(kind: Kind) {
    let stand = Stand::start(kind).await;
    let number = opened(&stand, "countersign/a").await;
    let (mut wrote, mut until) = (0, None);
    for n in 0..100 {
        match stand.forge().set_body(number, &format!("{n}")).await {
            Ok(()) => wrote += 1,
            Err(ForgeError::RateLimited(at)) => until = Some(at),
            Err(other) => panic!("{other}"),
        }
    }
    assert!((50..=60).contains(&wrote), "{wrote}");
    assert_eq!(until, Some(stand.clock.now().plus_seconds(60)));
    assert!(stand.forge().pull(number).await.is_ok(), "reading goes on");
    stand.clock.advance(60);
    assert!(stand.forge().set_body(number, "more").await.is_ok());
    stand.finish().await;
}

async fn f80_a_token_that_ends_in_the_middle(_: Kind) {
    let stand = start().await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    stand.hub().revoke();
    stand.settle().await;
    assert_eq!(stand.fake().log.count("POST", "/access_tokens"), 2, "one new token");
    assert!(stand.story(&id).await.starts_with(FIRST));
    stand.later(3_400).await;
    assert_eq!(stand.fake().log.count("POST", "/access_tokens"), 3, "replaced before it ended");
    let refused = r#"{"message":"Bad credentials"}"#;
    stand.fake().faults.add("GET", "/git/ref/{*name}", 0, 2, Fault::fails(401, refused));
    let denied = stand.forge().tip("main").await;
    assert!(matches!(denied, Err(ForgeError::Denied(_))), "one new try only: {denied:?}");
    stand.finish().await;
}

async fn f81_tokens_of_both_forms(_: Kind) {
    for long in [true, false] {
        let stand = start().await;
        stand.hub().mood().long_tokens = long;
        let id = stand.propose(bump("web", "1.4.2")).await;
        assert!(stand.story(&id).await.starts_with(FIRST));
        let kept = std::fs::read(stand.home.join("data/countersign.sqlite")).unwrap_or_default();
        assert!(!kept.windows(4).any(|four| four == b"ghs_"), "no token in the database");
        let config = walk(&stand.home.join("data/mirrors")).into_iter().filter(|path| path.ends_with("config"));
        for path in config {
            assert!(!std::fs::read_to_string(path).unwrap().contains("ghs_"));
        }
        stand.finish().await;
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path) }
    }
    found
}

async fn f82_a_clock_that_stands_wrong(_: Kind) {
    for ahead in [300, -300, 86_400] {
        let stand = start().await;
        stand.hub().mood().ahead = ahead;
        assert!(stand.forge().tip("main").await.is_ok(), "{ahead}");
        assert!(stand.fake().log.count("POST", "/access_tokens") <= 2);
        stand.finish().await;
    }
}

async fn f83_suspended_removed_and_reduced(_: Kind) {
    let stand = start().await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    stand.hub().mood().suspended = true;
    let denied = stand.forge().tip("main").await;
    assert!(matches!(&denied, Err(ForgeError::Denied(why)) if why.contains("suspended")), "{denied:?}");
    let asked = stand.fake().log.all().len();
    stand.settle().await;
    assert!(stand.fake().log.all().len() - asked < 6, "no storm");
    stand.hub().mood().suspended = false;
    stand.later(3_600).await;
    assert!(stand.story(&id).await.starts_with(FIRST));
    stand.hub().mood().grants.remove("checks");
    stand.hub().revoke();
    let denied = stand.forge().tip("main").await;
    assert!(matches!(&denied, Err(ForgeError::Denied(why)) if why.contains("permissions")), "{denied:?}");
    stand.finish().await;
}

async fn f84_a_renamed_repository(_: Kind) {
    let stand = start().await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    stand.hub().mood().name = "acme/boutique".into();
    stand.pushes("main", "README.md", "moved\n").await;
    stand.settle().await;
    assert_eq!(stand.forge().repository().await.unwrap().name, "acme/boutique");
    assert!(stand.forge().tip("main").await.is_ok(), "fetched under the new name");
    assert!(stand.story(&id).await.starts_with(FIRST));
    let moved = |status| {
        Answer::new(status, r#"{"message":"Moved Permanently"}"#)
            .header("location", &format!("{}/api/v3/repositories/101/git/ref/heads/main", stand.fake().url()))
    };
    stand.fake().faults.next("GET", "/branches/{branch}", Fault::Before(moved(301)));
    assert!(stand.forge().protection("main").await.is_err(), "it follows, and reads something else");
    let number = stand.number(&id).await;
    let moved = Answer::new(307, r#"{"message":"Temporary Redirect"}"#)
        .header("location", &format!("{}/api/v3/repositories/101/pulls/{number}", stand.fake().url()));
    stand.fake().faults.next("PATCH", "/pulls/{number}", Fault::Before(moved));
    stand.forge().set_body(number, "written where it points").await.unwrap();
    assert_eq!(stand.forge().pull(number).await.unwrap().body, "written where it points");
    stand.finish().await;
}

async fn f85_another_repository_under_the_old_name(_: Kind) {
    let stand = start().await;
    stand.forge().repository().await.unwrap();
    let other = r#"{"id":202,"node_id":"R_202","full_name":"acme/shop","default_branch":"main"}"#;
    stand.fake().faults.add("GET", "/repositories/101", 0, 1, Fault::fails(200, other));
    let refused = stand.forge().repository().await;
    assert!(matches!(refused, Err(ForgeError::NotFound(_))), "{refused:?}");
    stand.finish().await;
}

async fn f86_no_token_goes_elsewhere(_: Kind) {
    let (stand, elsewhere) = (start().await, start().await);
    stand.forge().tip("main").await.unwrap();
    for location in [
        format!("{}/api/v3/repositories/101/git/ref/heads/main", elsewhere.fake().url()),
        "//evil.example/api/v3/x".into(),
        format!("{}/other/place", stand.fake().url()),
    ] {
        for status in [301, 302, 307, 308] {
            let answer = Answer::new(status, "{}").header("location", &location);
            stand.fake().faults.next("GET", "/git/ref/{*name}", Fault::Before(answer));
            let refused = stand.forge().tip("main").await;
            assert!(matches!(refused, Err(ForgeError::Denied(_))), "{location} {status} {refused:?}");
        }
    }
    let answer = Answer::new(301, "").header("location", &format!("{}/acme/shop.git", elsewhere.fake().url()));
    stand.pushes("main", "README.md", "new\n").await;
    stand.fake().faults.next("GET", "/info/refs", Fault::Before(answer));
    let refused = stand.forge().tip("main").await;
    assert!(matches!(refused, Err(ForgeError::Denied(_))), "{refused:?}");
    assert!(elsewhere.fake().log.all().is_empty(), "nobody else heard anything");
    elsewhere.finish().await;
    stand.finish().await;
}

async fn f87_an_answer_that_still_holds(_: Kind) {
    let stand = start().await;
    let number = opened(&stand, "countersign/a").await;
    let first = stand.forge().pull(number).await.unwrap();
    stand.fake().log.clear();
    assert_eq!(stand.forge().pull(number).await.unwrap(), first);
    let statuses: Vec<u16> = stand.fake().log.all().iter().map(|exchange| exchange.status).collect();
    assert!(statuses.iter().all(|status| *status == 304), "{statuses:?}");
    stand.forge().set_body(number, "new").await.unwrap();
    assert_eq!(stand.forge().pull(number).await.unwrap().body, "new", "asked, not remembered");
    stand.hub().revoke();
    stand.fake().log.clear();
    stand.forge().pull(number).await.unwrap();
    let after = stand.fake().log.all().into_iter().skip_while(|exchange| exchange.status != 201).skip(1);
    assert!(after.into_iter().all(|exchange| exchange.status == 200), "nothing is kept for another token");
    stand.finish().await;
}

async fn f88_broken_answers(_: Kind) {
    let stand = start().await;
    stand.forge().tip("main").await.unwrap();
    let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(17 << 20));
    for (status, body) in [
        (200, "<html>Unicorn!</html>"),
        (200, "{\"ref\":"),
        (200, ""),
        (200, huge.as_str()),
        (502, "<html>"),
        (200, "[]"),
    ] {
        stand.fake().faults.next("GET", "/git/ref/{*name}", Fault::fails(status, body));
        let answer = stand.forge().tip("main").await;
        assert!(matches!(answer, Err(ForgeError::Transient(_))), "{status}: {answer:?}");
    }
    stand.fake().faults.next("GET", "/git/ref/{*name}", Fault::Drop);
    assert!(matches!(stand.forge().tip("main").await, Err(ForgeError::Transient(_))));
    assert!(stand.forge().tip("main").await.is_ok());
    stand.finish().await;
}

/// Read before a merge: nothing is merged, and nothing is lost once the forge answers whole.
async fn tm47_an_answer_that_is_cut_off_or_never_ends(kind: Kind) {
    let stand = seasoned::stand(kind).await;
    let id = stand.propose(bump("web", "1.4.2")).await;
    let number = stand.record(&id).await.pull.unwrap();
    let whole = format!("{{\"x\":\"{}\"}}", "x".repeat(17 << 20));
    for body in [&whole[..40], whole.as_str()] {
        stand.fake().faults.next("GET", one(kind), Fault::fails(200, body));
        let answer = stand.forge().pull(number).await;
        assert!(matches!(answer, Err(ForgeError::Transient(_))), "{answer:?}");
        stand.fake().faults.next("GET", one(kind), Fault::fails(200, body));
        seasoned::green(&stand, &id).await;
        assert_eq!(stand.record(&id).await.landed, None);
    }
    stand.later(600).await;
    assert!(stand.record(&id).await.landed.is_some(), "{}", stand.story(&id).await);
    stand.finish().await;
}

async fn f89_not_there_yet(kind: Kind) {
    let stand = Stand::start(kind).await;
    stand.fake().faults.add("GET", one(kind), 0, 1, Fault::fails(404, r#"{"message":"Not Found"}"#));
    let id = stand.propose(bump("web", "1.4.2")).await;
    stand.later(600).await;
    assert!(stand.story(&id).await.starts_with(FIRST), "{}", stand.story(&id).await);
    assert_eq!(stand.dana().list().await.unwrap().len(), 1);
    stand.finish().await;
}

async fn f90_graphql_errors_are_failures(_: Kind) {
    let stand = start().await;
    opened(&stand, "countersign/a").await;
    let (forge, at) = (stand.forge(), stand.tip("countersign/a").unwrap());
    for body in [
        r#"{"data":{"updateRefs":null},"errors":[{"type":"UNPROCESSABLE","message":"no"}]}"#,
        r#"{"data":{"updateRefs":{"clientMutationId":null}},"errors":[{"message":"Something went wrong"}]}"#,
        r#"{"data":null}"#,
        r#"{}"#,
    ] {
        stand.fake().faults.next("POST", "/graphql", Fault::fails(200, body));
        assert!(forge.remove_branch("countersign/a", &at).await.is_err(), "{body}");
        assert_eq!(stand.tip("countersign/a"), Some(at.clone()));
    }
    forge.remove_branch("countersign/a", &at).await.unwrap();
    stand.finish().await;
}

async fn f87_a_stale_read_merges_nothing(kind: Kind) {
    let stand = Stand::start(kind).await;
    let number = opened(&stand, "countersign/a").await;
    let old = stand.forge().pull(number).await.unwrap();
    stand.pushes("countersign/a", "evil.txt", "x\n").await;
    stand.fake().faults.next("GET", one(kind), Fault::Stale);
    let read = stand.forge().pull(number).await.unwrap();
    assert_eq!(read.head, old.head, "the old view");
    let refused = stand.forge().merge(number, &head_order(&read.head)).await.unwrap();
    assert!(matches!(refused, countersign::forge::Merge::NotReady(_)), "{refused:?}");
    stand.finish().await;
}
