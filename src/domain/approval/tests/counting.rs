//! People, keys and the time between two approvals.

use super::*;

const SECOND: i64 = 1_000_000;

fn redeemed(id: &str, n: u8, at: Time) -> Redeemed {
    let (kid, token) = (signer(n).id().clone(), digest(id));
    let jti = format!("01890a5d-ac96-774b-bcce-b302099a80{n:02}");
    Redeemed {
        approver: id.into(),
        person: id.into(),
        issuer: "https://id.example".into(),
        jti,
        kid,
        token,
        class: digest("class"),
        tier: 3,
        at,
    }
}

fn counts(redeemed: &[Redeemed], approvers: &Approvers, needed: u32) -> bool {
    suffices(&standing(redeemed, approvers, "agent:sample", digest("class")), approvers, needed).is_ok()
}

fn joins(new: &Redeemed, before: &[Redeemed], approvers: &Approvers) -> Result<(), &'static str> {
    let standing = standing(before, approvers, "agent:sample", digest("class"));
    may_join(new, &standing, approvers, 2).map_err(|refused| refused.code)
}

fn later(microseconds: i64) -> Time {
    Time(now().0 + microseconds)
}

#[test]
fn j29_nobody_approves_what_they_proposed() {
    let tenant = tenant();
    let judge = |proposer: &'static str, approver: Approver| {
        let approvers = Approvers::new(vec![approver]).unwrap();
        let asked = Expected { proposer, ..expected(&tenant) };
        let verified = verify(&token(&good()), &approvers, &asked).map(|_| ()).map_err(|refused| refused.code);
        let counted = !standing(&[redeemed("dana", 1, now())], &approvers, proposer, digest("class")).is_empty();
        assert_eq!(verified.is_ok(), counted, "{proposer}");
        verified
    };
    let dana = || approver("dana", 1);
    for proposer in ["dana", "person:dana"] {
        assert_eq!(judge(proposer, dana()), Err("approval.own"), "{proposer}");
    }
    let alias = Approver { principals: vec!["agent:danas-laptop".into()], ..dana() };
    assert_eq!(judge("agent:danas-laptop", alias), Err("approval.own"));
    let person = Approver { person: "d.miller".into(), ..dana() };
    assert_eq!(judge("person:d.miller", person), Err("approval.own"));
    let forge = Approver { forge_user: Some("github:1234".into()), ..dana() };
    assert_eq!(judge("github:1234", forge), Err("approval.own"));
    assert_eq!(judge("agent:sample", dana()), Ok(()));
}

#[test]
fn j30_one_person_under_two_names_is_one() {
    let list = |change: fn(&mut Approver)| {
        let mut alias = approver("dana-phone", 2);
        let mut dana = approver("dana", 1);
        change(&mut alias);
        change(&mut dana);
        Approvers::new(vec![dana, alias]).unwrap()
    };
    let same = list(|approver| approver.person = "dana".into());
    let forge = list(|approver| approver.forge_user = Some("github:7".into()));
    let distinct = list(|_| {});
    let first = redeemed("dana", 1, now());
    let second = redeemed("dana-phone", 2, now().plus_seconds(GAP));
    for approvers in [&same, &forge] {
        assert_eq!(joins(&second, std::slice::from_ref(&first), approvers), Err("approval.same_person"));
        assert!(!counts(&[first.clone(), second.clone()], approvers, 2));
        assert!(counts(&[first.clone(), second.clone()], approvers, 1));
    }
    assert_eq!(joins(&second, std::slice::from_ref(&first), &distinct), Ok(()));
    assert!(counts(&[first, second], &distinct, 2));
}

#[test]
fn j31_thirty_minutes_to_the_microsecond() {
    let approvers = approvers();
    let first = [redeemed("dana", 1, now())];
    let early = redeemed("kim", 2, later(1_800 * SECOND - 1_000));
    let last = redeemed("kim", 2, later(1_800 * SECOND - 1));
    let due = redeemed("kim", 2, later(1_800 * SECOND));
    assert_eq!(joins(&early, &first, &approvers), Err("approval.too_soon"));
    assert_eq!(joins(&last, &first, &approvers), Err("approval.too_soon"));
    assert_eq!(joins(&due, &first, &approvers), Ok(()));
    assert!(!counts(&[first[0].clone(), last], &approvers, 2));
    assert!(counts(&[first[0].clone(), due], &approvers, 2));
}

#[test]
fn j32_a_clock_that_steps_back_brings_nothing_nearer() {
    let approvers = approvers();
    let first = [redeemed("dana", 1, now())];
    for back in [-1, -3_600 * SECOND, -86_400 * SECOND] {
        let second = redeemed("kim", 2, later(back));
        assert_eq!(joins(&second, &first, &approvers), Err("approval.too_soon"), "{back}");
    }
}

#[test]
fn j33_a_token_names_no_other_token() {
    for claim in ["slot", "first"] {
        let mut claims = good();
        claims[claim] = json!(digest("another token").to_string());
        assert_eq!(code(&token(&claims)), "token.claims");
    }
    // What binds two approvals is the one proposal they are kept with, and its class.
    let other = Redeemed { class: digest("another class"), ..redeemed("dana", 1, now()) };
    assert!(!counts(&[other, redeemed("kim", 2, later(1_800 * SECOND))], &approvers(), 2));
}

#[test]
fn j34_a_first_approval_lapses() {
    let approvers = approvers();
    let first = redeemed("dana", 1, now());
    let in_time = redeemed("kim", 2, now().plus_seconds(LAPSE));
    let late = redeemed("kim", 2, Time(now().plus_seconds(LAPSE).0 + 1));
    assert!(counts(&[first.clone(), in_time], &approvers, 2));
    assert!(!counts(&[first.clone(), late.clone()], &approvers, 2));
    // The late one is a first one, and the same person may then be the second.
    assert_eq!(joins(&late, std::slice::from_ref(&first), &approvers), Ok(()));
    let again = redeemed("dana", 1, late.at.plus_seconds(GAP));
    assert_eq!(joins(&again, &[first.clone(), late.clone()], &approvers), Ok(()));
    assert!(counts(&[first.clone(), late, again], &approvers, 2));
    let waiting = standing(std::slice::from_ref(&first), &approvers, "agent:sample", digest("class"));
    assert_eq!(deadline(now(), 900, &waiting, 2), now().plus_seconds(LAPSE));
    assert_eq!(deadline(now(), 900, &waiting, 1), now().plus_seconds(900));
    assert_eq!(deadline(now(), 900, &[], 2), now().plus_seconds(900));
}

#[test]
fn j35_two_firsts_and_one_second() {
    let approvers = approvers();
    let first = redeemed("dana", 1, now());
    let other_first = redeemed("kim", 2, later(600 * SECOND));
    assert_eq!(joins(&other_first, std::slice::from_ref(&first), &approvers), Err("approval.too_soon"));
    // Where both came before it was known that two are needed, they do not pair with each other, but with a third.
    let both = [first.clone(), other_first.clone()];
    assert!(!counts(&both, &approvers, 2));
    let third = redeemed("lee", 3, later(1_800 * SECOND));
    assert_eq!(joins(&third, &both, &approvers), Ok(()));
    assert!(counts(&[first, other_first, third], &approvers, 2));
}

#[test]
fn j36_who_may_no_longer_approve_did_not() {
    let tenant = tenant();
    let list = |revoked: bool, n: u8| {
        Approvers::new(vec![Approver { revoked, ..approver("dana", n) }, approver("kim", 2)]).unwrap()
    };
    let judge =
        |approvers: &Approvers| verify(&token(&good()), approvers, &expected(&tenant)).map(|_| ()).map_err(|r| r.code);
    let given = [redeemed("dana", 1, now())];
    assert_eq!(judge(&list(false, 1)), Ok(()));
    assert!(counts(&given, &list(false, 1), 1));
    assert_eq!(judge(&list(true, 1)), Err("token.key_revoked"));
    assert!(!counts(&given, &list(true, 1), 1));
    // A key that was replaced, and an approver who is not listed any more.
    assert_eq!(judge(&list(false, 7)), Err("token.key_unknown"));
    assert!(!counts(&given, &list(false, 7), 1));
    let gone = Approvers::new(vec![approver("kim", 2)]).unwrap();
    assert_eq!(judge(&gone), Err("token.key_unknown"));
    assert!(!counts(&given, &gone, 1));
    // A key that moved to somebody else does not take its approvals along.
    let moved = Approvers::new(vec![approver("mallory", 1)]).unwrap();
    assert_eq!(judge(&moved), Err("token.subject"));
    assert!(!counts(&given, &moved, 1));
}

#[test]
fn only_the_giver_of_an_approval_who_still_may_is_waited_for() {
    let away = |change: fn(&mut Approver)| {
        let mut dana = approver("dana", 1);
        dana.awaited = dana.keys.drain(..).map(|(kid, _)| kid).collect();
        change(&mut dana);
        Approvers::new(vec![dana, approver("kim", 2)]).unwrap()
    };
    let given = redeemed("dana", 1, now());
    let waited = |approvers: &Approvers, given: &Redeemed| awaited(given, approvers).map(|one| one.id.clone());
    assert_eq!(waited(&away(|_| {}), &given).as_deref(), Some("dana"));
    assert_eq!(waited(&away(|dana| dana.revoked = true), &given), None);
    assert_eq!(waited(&away(|_| {}), &redeemed("kim", 2, now())), None, "this key can be had");
    assert_eq!(waited(&away(|_| {}), &redeemed("kim", 1, now())), None, "the key is another's");
    // And it does not count meanwhile, nor is anything verified with it.
    assert!(!counts(std::slice::from_ref(&given), &away(|_| {}), 1));
    let tenant = tenant();
    let refused = verify(&token(&good()), &away(|_| {}), &expected(&tenant)).unwrap_err();
    assert_eq!(refused.code, "token.key_unavailable");
    assert_eq!(refused.to_string(), format!("token.key_unavailable: {}", refused.sentence));
}

#[test]
fn one_id_at_two_issuers_is_one_person() {
    let twin = Approver { issuer: "https://other.example".into(), person: "d.miller".into(), ..approver("dana", 2) };
    assert!(twin.is_same_person(&approver("dana", 1)) && twin.is_same_person(&approver("d.miller", 3)));
    assert!(!approver("dana", 1).is_same_person(&approver("kim", 2)));
}

#[test]
fn everybody_on_a_list_is_listed() {
    assert!(Approvers::default().is_empty() && !approvers().is_empty());
    assert_eq!(approvers().iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["dana", "kim", "lee"]);
    assert_eq!([Says::Approve, Says::Reject].map(|says| json!(says)), [json!("approve"), json!("reject")]);
    assert_eq!([Says::Approve, Says::Reject].map(Says::word), ["approve", "reject"]);
}

#[test]
fn a_key_has_one_owner_and_is_what_it_says() {
    let twice = Approvers::new(vec![approver("dana", 1), approver("kim", 1)]).unwrap_err();
    assert!(twice.contains("one owner"), "{twice}");
    assert!(Approvers::new(vec![approver("dana", 1), approver("dana", 2)]).unwrap_err().contains("twice"));
    let read = |members: Value| Approvers::key(&serde_json::from_value(members).unwrap());
    let x = part(signer(1).public().as_bytes());
    let good = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
    assert_eq!(&read(good.clone()).unwrap().0, signer(1).id());
    let spoiled = [
        ("kty", json!("EC"), "OKP"),
        ("crv", json!("X25519"), "OKP"),
        ("x", json!(format!("{x}=")), "43 characters"),
        ("x", json!("short"), "43 characters"),
        ("d", json!(x), "private key"),
        ("use", json!("enc"), "sig"),
        ("kid", json!("mine"), "thumbprint"),
        ("colour", json!("red"), "colour"),
    ];
    for (member, value, wanted) in spoiled {
        let mut members = good.clone();
        members[member] = value;
        let fault = read(members).unwrap_err();
        assert!(fault.contains(wanted), "{member}: {fault}");
    }
}

#[test]
fn what_is_missing_is_said_by_number() {
    let approvers = Approvers::new(vec![approver("dana", 1), approver("eve", 2)]).unwrap();
    let none: Vec<&Redeemed> = Vec::new();
    assert_eq!(suffices(&none, &approvers, 0), Ok(()), "nothing is needed");
    let short = suffices(&none, &approvers, 1).unwrap_err();
    assert_eq!((short.have, short.sentence.as_str()), (0, "one approval is needed"));
    let (first, hour) = (redeemed("dana", 1, now()), 3_600 * SECOND);
    let apart = |gap: i64| counts(&[first.clone(), redeemed("eve", 2, later(gap))], &approvers, 2);
    assert!(apart(4 * hour), "four hours are not too long");
    assert!(!apart(4 * hour + 1), "a moment more is");
}
