//! The reference values were computed with 40-digit arithmetic.

use super::*;

/// Good, total, lower bound to six digits.
const REFERENCE: &[(u64, u64, f64)] = &[
    (0, 1, 0.000000),
    (1, 1, 0.206543),
    (1, 2, 0.094529),
    (2, 2, 0.342372),
    (3, 3, 0.438494),
    (5, 5, 0.565509),
    (9, 10, 0.595844),
    (10, 10, 0.722460),
    (19, 20, 0.763864),
    (20, 20, 0.838870),
    (29, 30, 0.833292),
    (30, 30, 0.886483),
    (49, 50, 0.895043),
    (50, 50, 0.928650),
    (51, 51, 0.929951),
    (52, 52, 0.931205),
    (59, 59, 0.938869),
    (71, 71, 0.948670),
    (72, 72, 0.949347),
    (73, 73, 0.950006),
    (73, 74, 0.927345),
    (99, 100, 0.945512),
    (100, 100, 0.963005),
    (110, 111, 0.950725),
    (145, 147, 0.951753),
    (180, 183, 0.952917),
    (195, 200, 0.942821),
    (196, 200, 0.949712),
    (197, 200, 0.956834),
    (199, 200, 0.972226),
    (200, 200, 0.981154),
    (285, 300, 0.919152),
    (294, 300, 0.957060),
    (475, 500, 0.927231),
    (485, 500, 0.951096),
    (500, 500, 0.992375),
    (950, 1_000, 0.934686),
    (963, 1_000, 0.949417),
    (964, 1_000, 0.950564),
    (999, 1_000, 0.994357),
    (1_000, 1_000, 0.996173),
    (9_543, 10_000, 0.950029),
    (950_428, 1_000_000, 0.950001),
    (1_000_000, 1_000_000, 0.999996),
];

fn at(text: &str) -> Threshold {
    text.parse().expect(text)
}

#[test]
fn s1_reference_table_to_six_digits() {
    assert!(REFERENCE.len() > 40);
    for (good, total, wanted) in REFERENCE {
        assert!((lower_bound(*good, *total) - wanted).abs() < 6e-7, "{good}/{total}");
    }
    for (good, total, wanted) in [
        (72, 72, 0.949347060189),
        (73, 73, 0.950006246616),
        (73, 74, 0.927344695702),
        (110, 111, 0.950725459575),
        (964, 1000, 0.950564056136),
    ] {
        assert!((lower_bound(good, total) - wanted).abs() < 1e-12, "{good}/{total}");
    }
}

#[test]
fn s2_bound_is_monotone_and_below_the_share() {
    for total in 1..200_u64 {
        for good in 0..=total {
            let bound = lower_bound(good, total);
            assert!((0.0..=good as f64 / total as f64).contains(&bound));
            assert!(good == 0 || lower_bound(good - 1, total) < bound);
            assert!(good == 0 || lower_bound(good + 1, total + 1) > bound);
        }
    }
}

#[test]
fn s3_integer_gate_equals_the_bound_away_from_ties() {
    for threshold in ["0.80", "0.90", "0.95", "0.975", "0.99", "0.999"] {
        let value: f64 = threshold.parse().expect("a number");
        for total in 1..=1500_u64 {
            for bad in 0..=total.min(200) {
                let bound = lower_bound(total - bad, total);
                if (bound - value).abs() > 1e-9 {
                    assert_eq!(wilson(at(threshold), total - bad, total), bound >= value, "{threshold} {bad}/{total}");
                }
            }
        }
    }
}

#[test]
fn s4_boundaries() {
    let unlocked = |good, total| Bound::of(Threshold::DEFAULT, good, total).expect("counts").unlocked;
    assert!(!unlocked(72, 72) && unlocked(73, 73) && !unlocked(73, 74) && unlocked(112, 113));
    for (good, total) in [(109, 110), (111, 112)] {
        let bound = Bound::of(Threshold::DEFAULT, good, total).expect("counts");
        assert!(bound.wilson && !bound.score_pass && !bound.unlocked);
    }
}

#[test]
fn s5_the_constant_is_pinned() {
    // z = 1.959963984540054 would decide otherwise.
    assert!(!wilson(Threshold::DEFAULT, 4514 - 197, 4514));
    let z: f64 = 1.959_963_984_540_054;
    let (s, n) = (f64::from(4514 - 197), 4514.0);
    let other = s * s / (n * (s + z * z / 2.0 + z * (s * (n - s) / n + z * z / 4.0).sqrt()));
    assert!(other >= 0.95);
}

#[test]
fn s6_large_counts_do_not_overflow() {
    let huge = 1_000_000_000_000;
    assert!(wilson(Threshold::DEFAULT, huge, huge) && !wilson(Threshold::DEFAULT, huge / 2, huge));
    assert!(!wilson(Threshold::DEFAULT, u64::MAX, u64::MAX - 1));
    let _ = wilson(at("0.999"), u64::MAX, u64::MAX);
    assert!(Bound::of(Threshold::DEFAULT, 2, 1).is_err());
    assert!(!wilson(Threshold::DEFAULT, 0, 0));
}

#[test]
fn bound_of_73_clean_outcomes() {
    let json = serde_json::to_string(&Bound::of(at("0.95"), 73, 73).expect("counts")).expect("prints");
    assert_eq!(json, r#"{"lower_bound":0.950006,"wilson":true,"score":3010666,"score_pass":true,"unlocked":true}"#);
}

#[test]
fn clean_outcomes_for_common_thresholds() {
    let needed: Vec<u64> = ["0.80", "0.90", "0.95", "0.975", "0.99"].iter().map(|t| at(t).clean_outcomes()).collect();
    assert_eq!(needed, [17, 36, 73, 150, 381]);
    let score: Vec<i64> = ["0.80", "0.90", "0.95", "0.975", "0.99"]
        .iter()
        .map(|t| (PASS + at(t).success() - 1) / at(t).success())
        .collect();
    assert_eq!(score, [17, 36, 73, 148, 373]);
}

#[test]
fn thresholds_have_bounds() {
    for bad in ["0.79", "1", "1.0", "0.9999", "0.", "", "95", "0.9x", ".95", "0.-9"] {
        assert!(bad.parse::<Threshold>().is_err(), "{bad}");
    }
    assert_eq!(at("0.8").to_string(), "0.80");
    assert_eq!(at("0.975").to_string(), "0.975");
}

const DEMAND: Demand = Demand { threshold: Threshold::DEFAULT, last: 200, within: 180 * 86_400, targets: 5, days: 5 };

fn clean(count: i64, targets: i64) -> Vec<Outcome> {
    let one = |n| Outcome {
        target: format!("t{}", n % targets),
        at: Time(0).plus_seconds(n * 70_000),
        result: Judgement::Good,
        auto: false,
    };
    (0..count).map(one).collect()
}

fn judge(record: &[Outcome]) -> Standing {
    standing(record, &DEMAND, false, 0, record.last().map_or(Time(0), |o| o.at))
}

#[test]
fn seventy_three_clean_outcomes_unlock() {
    assert!(judge(&clean(73, 12)).unlocked());
    assert!(!judge(&clean(72, 12)).unlocked());
    assert!(!standing(&clean(73, 12), &DEMAND, true, 0, Time(0)).unlocked());
}

#[test]
fn s8_order_matters_to_the_capped_score_only() {
    let mut late = clean(120, 12);
    late[119].result = Judgement::Bad;
    let mut early = clean(120, 12);
    early[0].result = Judgement::Bad;
    let (late, early) = (judge(&late), judge(&early));
    assert_eq!((late.good, late.total), (early.good, early.total));
    assert!(late.score < early.score);
}

#[test]
fn s9_after_the_cap_a_failure_costs_23_successes() {
    let mut record = clean(1000, 12);
    record.push(Outcome { result: Judgement::Bad, ..record[999].clone() });
    let needed = (0..60).find(|extra| {
        let more = clean(1001 + extra, 12);
        let all: Vec<Outcome> = record.iter().cloned().chain(more.into_iter().skip(1001)).collect();
        judge(&all).score >= PASS
    });
    assert_eq!(needed, Some(23));
}

#[test]
fn s11_many_unknown_outcomes_lock() {
    let mut record = clean(100, 12);
    for outcome in record.iter_mut().take(21) {
        outcome.result = Judgement::Neutral;
    }
    assert!(judge(&record).gaps.iter().any(|gap| gap.contains("unknown")));
}

#[test]
fn s12_one_target_does_not_unlock() {
    let standing = judge(&clean(80, 1));
    assert!(standing.gaps.iter().any(|gap| gap.contains("distinct targets")), "{standing:?}");
}

#[test]
fn s13_one_success_for_a_target_and_a_day() {
    let mut record = clean(1, 1);
    record.push(record[0].clone());
    assert_eq!(judge(&record).total, 1);
}

#[test]
fn s15_the_window_slides() {
    let mut record = clean(201, 12);
    record[0].result = Judgement::Bad;
    assert_eq!(judge(&record).total - judge(&record).good, 0);
    assert_eq!(judge(&record[..200]).total - judge(&record[..200]).good, 1);
}

#[test]
fn exposure_is_capped() {
    let record = clean(100, 12);
    assert!(standing(&record, &DEMAND, false, 4, record[99].at).unlocked());
    assert!(!standing(&record, &DEMAND, false, 5, record[99].at).unlocked());
}

#[test]
fn s17_classes_of_tenants_differ() {
    let class = |tenant: &str| Class {
        tenant: tenant.parse().expect(tenant),
        repository: "local:local:1".into(),
        environment: "prod".into(),
        action_kind: "SetImage".into(),
        tier: 1,
    };
    assert_ne!(class("a").key(), class("b").key());
}
