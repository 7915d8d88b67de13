//! Ten approvals an hour.

use super::*;

const MINUTE: i64 = 60_000_000;

fn later(microseconds: i64) -> Time {
    Time(now().0 + microseconds)
}

#[test]
fn j39_ten_an_hour_and_no_fraction_more() {
    let mut bucket = Bucket::full(now());
    for _ in 0..10 {
        bucket = bucket.take(now()).expect("one of ten");
    }
    assert_eq!(bucket.take(now()), Err(later(6 * MINUTE)));
    assert_eq!(bucket.take(later(6 * MINUTE - 1_000)), Err(later(6 * MINUTE)));
    assert_eq!(bucket.take(later(6 * MINUTE - 1)), Err(later(6 * MINUTE)));
    let after = bucket.take(later(6 * MINUTE)).expect("the eleventh");
    assert_eq!(after.take(later(6 * MINUTE)), Err(later(12 * MINUTE)));
    // A refusal takes nothing, and a clock that goes back gives nothing, nor twice when it goes on.
    assert_eq!(after.refilled(later(-60 * MINUTE)), after);
    let wandered = after.refilled(later(0)).refilled(later(6 * MINUTE)).refilled(later(0)).refilled(later(6 * MINUTE));
    assert_eq!(wandered, after);
    assert_eq!(after.refilled(later(10_000 * MINUTE)).level, Bucket::full(now()).level);
    assert!(Bucket::fresh(now()).take(now()).and_then(|bucket| bucket.take(now())).is_err(), "a new one holds one");
}

/// The moment that is named is the first one at which there is an approval, whatever is left over of a microsecond.
#[test]
fn j39_the_moment_of_the_next_one_is_exact() {
    let cost = Bucket::fresh(now()).level;
    for missing in 1..=21 {
        let bucket = Bucket { level: cost - missing, at: now() };
        let next = bucket.take(now()).expect_err("not yet");
        assert_eq!(next, later((missing + 9) / 10), "{missing}");
        assert!(bucket.take(Time(next.0 - 1)).is_err() && bucket.take(next).is_ok(), "{missing}");
    }
}

/// However the hour is cut, the sum is the same: nothing is rounded away.
#[test]
fn j39_a_million_steps_lose_nothing() {
    let mut bucket = Bucket { level: 0, at: now() };
    let (mut at, mut seed, mut taken, mut steps) = (0_i64, 7_u64, 0_i64, 0);
    while steps < 1_000_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        at += i64::try_from(seed >> 38).unwrap() % 7_000;
        match bucket.take(later(at)) {
            Ok(next) => (bucket, taken) = (next, taken + 1),
            Err(_) => bucket = bucket.refilled(later(at)),
        }
        steps += 1;
    }
    assert!(taken >= 5, "{taken}");
    assert_eq!(bucket.level + taken * 3_600_000_000, at * 10, "in exactly what came in");
}

#[test]
fn j40_names_of_buckets_do_not_run_together() {
    let acme = tenant();
    let other: TenantId = "acme-2".parse().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    let people = ["dana", "dana/SetImage", "dana\0", "\0dana", "dana|SetImage", "d\u{e4}na", "da\u{308}na", "", "DANA"];
    let kinds = ["SetImage", "/SetImage", "", "Set\0Image", "SetImage\0"];
    for tenant in [&acme, &other] {
        for person in people {
            for kind in kinds {
                assert!(seen.insert(bucket_key(tenant, person, kind)), "{tenant} {person:?} {kind:?}");
            }
        }
    }
    assert_eq!(seen.len(), 2 * 9 * 5);
}

#[test]
fn tm63_parts_that_join_to_the_same_text_are_different_buckets() {
    let tenant = |name: &str| name.parse::<TenantId>().unwrap();
    assert_ne!(bucket_key(&tenant("acme"), "ab", "c"), bucket_key(&tenant("acme"), "a", "bc"));
    assert_ne!(bucket_key(&tenant("ab"), "c", "SetImage"), bucket_key(&tenant("a"), "bc", "SetImage"));
}
