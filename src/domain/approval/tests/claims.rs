//! What a token says, each claim in turn.

use super::*;

fn raw(payload: &str) -> &'static str {
    code(&signed(header(1).to_string().as_bytes(), payload.as_bytes(), 1))
}

#[test]
fn j9_a_claim_stands_once() {
    for (claim, second) in [("tier", "1"), ("dec", "\"approve\""), ("exp", "1900000000"), ("dig", "\"x\"")] {
        let text = good().to_string();
        let twice = format!("{},\"{claim}\":{second}}}", text.strip_suffix('}').unwrap());
        assert_eq!(raw(&twice), "token.claims", "{claim}");
        let escaped = format!("\\u{:04x}{}", u32::from(claim.chars().next().unwrap()), &claim[1..]);
        let hidden = format!("{},\"{escaped}\":{second}}}", text.strip_suffix('}').unwrap());
        assert_eq!(raw(&hidden), "token.claims", "{claim}");
    }
}

#[test]
fn j10_claims_have_their_types() {
    let wrong = [
        ("exp", json!((NOW + 600).to_string())),
        ("exp", json!(NOW as f64 + 600.5)),
        ("exp", json!(-1)),
        ("exp", json!(9_223_372_036_854_775_808_u64)),
        ("exp", Value::Null),
        ("iat", json!(true)),
        ("nbf", json!([NOW])),
        ("jti", json!(7)),
        ("tier", json!("2")),
        ("tier", json!(300)),
        ("dec", json!("Approve")),
        ("dec", json!(true)),
        ("dig", json!("abc")),
        ("dig", json!(digest("proposal").to_string().to_uppercase())),
        ("tnt", json!("ACME")),
        ("sub", json!(["dana"])),
    ];
    for (claim, value) in wrong {
        refuses(&with(claim, value), "token.claims");
    }
    for text in ["1767600600.0", "1.7676006e9", "1767600600e0", "9223372036854775808", "-0", "01767600600"] {
        let payload = good().to_string().replace(&format!("\"exp\":{}", NOW + 600), &format!("\"exp\":{text}"));
        assert_eq!(raw(&payload), "token.claims", "{text}");
    }
    for payload in ["[]", "null", "\"x\"", "", "{", " {}", "{}", "{}{}"] {
        assert_eq!(raw(payload), "token.claims", "{payload}");
    }
}

#[test]
fn j11_every_claim_is_needed_and_none_is_unknown() {
    let claims = good();
    let names: Vec<String> = claims.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names.len(), 14);
    for name in names {
        let mut without = claims.clone();
        without.as_object_mut().unwrap().shift_remove(&name);
        refuses(&without, "token.claims");
    }
    for unknown in ["slot", "first", "prev", "scope", "Dec"] {
        refuses(&with(unknown, 1), "token.claims");
    }
}

#[test]
fn j12_the_audience_is_one_string() {
    refuses(&with("aud", json!([AUDIENCE])), "token.claims");
    refuses(&with("aud", json!([AUDIENCE, "other"])), "token.claims");
    for audience in [
        "bot.example/acme2",
        "bot.example/acm",
        "bot.example",
        "other/acme",
        "bot.example/rival",
        "",
        "BOT.example/acme",
    ] {
        refuses(&with("aud", audience), "token.audience");
    }
    refuses(&with("tnt", "rival"), "token.tenant");
}

#[test]
fn j13_the_issuer_is_exact() {
    for issuer in [
        "https://id.example/",
        "https://id.example ",
        "HTTPS://id.example",
        "id.example",
        "https://id.example.evil",
        "",
    ] {
        refuses(&with("iss", issuer), "token.issuer");
    }
}

#[test]
fn j14_the_end_has_no_leeway() {
    refuses(&with("exp", NOW).tap("iat", NOW - 60).tap("nbf", NOW - 60), "token.expired");
    assert!(judged(&token(&with("exp", NOW + 1))).is_ok());
    let tenant = tenant();
    let late = Expected { now: Time(now().0 + 999_999), ..expected(&tenant) };
    assert!(verify(&token(&with("exp", NOW + 1)), &approvers(), &late).is_ok());
    let over = Expected { now: now().plus_seconds(1), ..expected(&tenant) };
    assert_eq!(verify(&token(&with("exp", NOW + 1)), &approvers(), &over).unwrap_err().code, "token.expired");
}

#[test]
fn j15_a_token_lives_no_longer_than_its_tier_allows() {
    assert!(judged(&token(&with("exp", NOW + 900))).is_ok());
    refuses(&with("exp", NOW + 901), "token.life");
    refuses(&with("exp", 9_007_199_254_740_991_u64), "token.life");
    let tenant = tenant();
    let third = Expected { class: Some((digest("class"), 3)), ..expected(&tenant) };
    let judge = |life: i64| verify(&token(&with("exp", NOW + life).tap("tier", 3)), &approvers(), &third);
    assert!(judge(4 * 3_600).is_ok());
    assert_eq!(judge(4 * 3_600 + 1).unwrap_err().code, "token.life");
    refuses(&with("exp", NOW - 1), "token.times");
}

#[test]
fn j16_the_beginning_may_be_a_minute_ahead() {
    assert!(judged(&token(&with("nbf", NOW + 60))).is_ok());
    refuses(&with("nbf", NOW + 61), "token.not_yet");
}

#[test]
fn it_ends_after_it_was_made_and_after_it_begins() {
    let times = |iat: i64, nbf: i64, exp: i64| with("iat", iat).tap("nbf", nbf).tap("exp", exp);
    assert!(judged(&token(&times(NOW + 29, NOW + 29, NOW + 30))).is_ok());
    refuses(&times(NOW, NOW + 30, NOW + 30), "token.times");
    refuses(&times(NOW, NOW + 40, NOW + 30), "token.times");
    refuses(&times(NOW + 30, NOW, NOW + 30), "token.times");
    refuses(&times(NOW + 40, NOW, NOW + 30), "token.times");
}

#[test]
fn how_an_identity_was_proven_is_said_in_few_words() {
    let said = |words: usize, letters: usize| with("amr", vec!["a".repeat(letters); words]);
    assert!(judged(&token(&said(0, 0))).is_ok() && judged(&token(&said(8, 64))).is_ok());
    refuses(&said(9, 1), "token.claims");
    refuses(&said(1, 65), "token.claims");
    refuses(&said(9, 65), "token.claims");
}

#[test]
fn j17_it_is_not_made_in_the_future() {
    let made = |at: i64| with("iat", at).tap("exp", NOW + 600);
    assert!(judged(&token(&made(NOW + 60))).is_ok());
    refuses(&made(NOW + 61), "token.not_yet");
}

#[test]
fn j23_one_bit_of_the_digest_counts() {
    for bit in [0, 1, 127, 255] {
        let mut other = digest("proposal");
        other.0[bit / 8] ^= 1 << (bit % 8);
        refuses(&with("dig", other.to_string()), "token.digest");
    }
}

#[test]
fn j24_a_proposal_that_was_edited_after_it_was_signed_for() {
    let (tenant, text) = (tenant(), token(&good()));
    let edited = Expected { digest: digest("proposal, edited"), ..expected(&tenant) };
    assert_eq!(verify(&text, &approvers(), &edited).unwrap_err().code, "token.digest");
    let other = Expected { proposal: "0190-b", name: Some("fix-2"), ..expected(&tenant) };
    assert_eq!(verify(&text, &approvers(), &other).unwrap_err().code, "token.proposal");
}

#[test]
fn j25_another_action_kind_is_another_decision() {
    refuses(&with("act", "PatchManifest"), "token.action");
    let tenant = tenant();
    let wide = Expected { action_kind: "PatchManifest", ..expected(&tenant) };
    assert_eq!(verify(&token(&good()), &approvers(), &wide).unwrap_err().code, "token.action");
    refuses(&with("cls", digest("another class").to_string()), "token.class");
}

#[test]
fn j26_the_tier_is_the_computed_one() {
    refuses(&with("tier", 1), "token.tier");
    refuses(&with("tier", 3), "token.tier");
    let tenant = tenant();
    let unjudged = Expected { class: None, ..expected(&tenant) };
    for tier in [0, 4, 255] {
        assert_eq!(verify(&token(&with("tier", tier)), &approvers(), &unjudged).unwrap_err().code, "token.tier");
    }
    // Taken before the effect was computed: it counts for what it says, and for nothing else.
    let early = verify(&token(&with("tier", 1)), &approvers(), &unjudged).unwrap().redeemed;
    assert!(standing(&[early], &approvers(), "agent:sample", digest("tier 2")).is_empty());
}

#[test]
fn j27_an_approval_is_no_rejection_and_no_rejection_an_approval() {
    let tenant = tenant();
    let rejecting = Expected { says: Says::Reject, ..expected(&tenant) };
    assert_eq!(verify(&token(&good()), &approvers(), &rejecting).unwrap_err().code, "token.decision");
    let no = with("dec", "reject").tap("rsn", "not on a Friday");
    refuses(&no, "token.decision");
    let taken = verify(&token(&no), &approvers(), &rejecting).expect("a rejection");
    assert_eq!(taken.reason.as_deref(), Some("not on a Friday"));
    refuses(&with("rsn", "fine"), "token.reason");
    let longest = with("dec", "reject").tap("rsn", "x".repeat(500));
    assert!(verify(&token(&longest), &approvers(), &rejecting).is_ok());
    for reason in [Value::Null, json!(""), json!("  "), json!("a\nb"), json!("x".repeat(501))] {
        let token = token(&with("dec", "reject").tap("rsn", reason));
        assert_eq!(verify(&token, &approvers(), &rejecting).unwrap_err().code, "token.reason");
    }
}

#[test]
fn j28_a_step_of_a_plan_is_named() {
    let tenant = tenant();
    let step = Expected { plan: Some(("plan-7", 2)), ..expected(&tenant) };
    let judge = |claims: &Value| verify(&token(claims), &approvers(), &step).map_err(|refused| refused.code);
    let second = with("plan", "plan-7").tap("step", 2);
    assert!(judge(&second).is_ok());
    assert_eq!(judge(&good()).unwrap_err(), "token.plan");
    assert_eq!(judge(&second.clone().tap("step", 1)).unwrap_err(), "token.plan");
    assert_eq!(judge(&second.clone().tap("plan", "plan-8")).unwrap_err(), "token.plan");
    assert_eq!(judge(&with("step", 2)).unwrap_err(), "token.plan");
    assert_eq!(judge(&second.clone().tap("prev", digest("x").to_string())).unwrap_err(), "token.claims");
    assert_eq!(code(&token(&second)), "token.plan", "a step where there is no plan");
}

#[test]
fn ids_of_tokens_are_canonical() {
    for jti in [
        "",
        "1",
        "01890A5D-AC96-774B-BCCE-B302099A8057",
        "01890a5dac96774bbcceb302099a8057",
        "01arz3ndektsv4rrffq69g5fav",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01ARZ3NDEKTSV4RRFFQ69G5FAU",
        "01890a5d-ac96-774b-bcce-b302099a805g",
        "{01890a5d-ac96-774b-bcce-b302099a8057}",
    ] {
        refuses(&with("jti", jti), "token.id");
    }
}

trait Tap {
    fn tap(self, claim: &str, value: impl Into<Value>) -> Value;
}

impl Tap for Value {
    fn tap(mut self, claim: &str, value: impl Into<Value>) -> Value {
        self[claim] = value.into();
        self
    }
}
