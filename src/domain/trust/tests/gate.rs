//! The reference values were computed with 40-digit arithmetic.

use super::*;
use proptest::prelude::*;

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

proptest! {
    #[test]
    fn s2_bound_stays_in_its_range(good in 0..1_000_000_u64, bad in 0..1_000_000_u64) {
        let total = good + bad;
        let bound = lower_bound(good, total);
        prop_assert!(total == 0 || (0.0..=good as f64 / total as f64).contains(&bound));
        prop_assert!(lower_bound(good + 1, total + 1) > bound);
        prop_assert!(lower_bound(good, total + 1) <= bound);
        // With the failures fixed it grows with the number of outcomes.
        prop_assert!(lower_bound(good + 1000, total + 1000) > bound);
    }
}

/// Whether the bound reaches a/1000, asked in another way: by the quadratic whose smaller root the bound is.
fn reaches(thousandths: i128, good: i128, total: i128) -> bool {
    // (p - T)^2 n >= z^2 T (1 - T) with p >= T, in integers scaled by 1000 and z = 49/25.
    let gap = good * 1000 - thousandths * total;
    gap >= 0 && gap * gap * 25 * 25 >= 49 * 49 * thousandths * (1000 - thousandths) * total
}

#[test]
fn s3_integer_gate_for_every_count_to_3000() {
    for total in 1..=3000_u64 {
        for bad in 0..=total.min(200) {
            let (good, bound) = (total - bad, lower_bound(total - bad, total));
            let gate = wilson(Threshold::DEFAULT, good, total);
            assert_eq!(gate, reaches(950, i128::from(good), i128::from(total)), "{good}/{total}");
            // No count comes closer to 0.95 than this: doubles decide alike and no tie hides a mistake.
            assert!((bound - 0.95).abs() > 1e-9, "{good}/{total}");
            assert_eq!(gate, bound >= 0.95, "{good}/{total}");
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
fn no_success_is_worth_an_amount_that_rounding_decides() {
    for thousandths in 800..=999 {
        let threshold = at(&format!("0.{thousandths}"));
        let better = 1.0 - (1.0 - threshold.value()) / 5.0;
        let exact = (better / threshold.value()).ln() * 1e6;
        assert!((exact - exact.round()).abs() > 1e-6, "{threshold}: another library may round {exact} elsewhere");
        assert!(threshold.success() > 0 && threshold.clean_outcomes() <= 10_000, "{threshold}");
    }
    assert_eq!(Threshold::DEFAULT.success(), 41_242);
    assert_eq!(at("0.999").clean_outcomes(), 3_838);
}

#[test]
fn most_failures_is_where_the_gate_turns() {
    assert_eq!(
        [72, 73, 109, 110, 150, 200, 250, 300, 500, 1000, 10_000].map(|n| most_failures(Threshold::DEFAULT, n)),
        [None, Some(0), Some(0), Some(1), Some(2), Some(3), Some(5), Some(7), Some(15), Some(36), Some(457)]
    );
}

#[test]
fn thresholds_have_bounds() {
    for bad in ["0.79", "1", "1.0", "0.9999", "0.", "", "95", "0.9x", ".95", "0.-9"] {
        assert!(bad.parse::<Threshold>().is_err(), "{bad}");
    }
    assert_eq!(at("0.8").to_string(), "0.80");
    assert_eq!(at("0.975").to_string(), "0.975");
}
