use super::*;

#[test]
fn s7_the_score_keeps_the_promise_that_the_bound_alone_breaks() {
    let simulation = Simulation { rate: 0.95, paths: 2_000, looks: 5_000, threshold: Threshold::DEFAULT, seed: 1 };
    let found = simulate(&simulation).expect("simulates");
    assert!(found.both <= 0.055, "{found:?}");
    assert!(found.wilson_alone > 0.17 && found.wilson_alone < 0.24, "{found:?}");
    assert_eq!(simulate(&simulation), Ok(found), "the same seed gives the same answer");
    assert_ne!(simulate(&Simulation { seed: 2, ..simulation }), Ok(found));
}

#[test]
fn s7_better_classes_pass_and_worse_ones_do_not() {
    let rate = |rate: f64, looks: u64| {
        let simulation = Simulation { rate, paths: 1_000, looks, threshold: Threshold::DEFAULT, seed: 7 };
        simulate(&simulation).expect("simulates").both
    };
    assert!(rate(0.90, 1_000) < 0.01);
    // 0.99: 48 % by 100 outcomes, 90 % by 200; 0.97 is meant to be hard: 27 % by 200.
    assert!((0.43..0.53).contains(&rate(0.99, 100)), "{}", rate(0.99, 100));
    assert!((0.86..0.94).contains(&rate(0.99, 200)), "{}", rate(0.99, 200));
    assert!((0.22..0.32).contains(&rate(0.97, 200)), "{}", rate(0.97, 200));
    assert_eq!((rate(1.0, 73), rate(1.0, 72), rate(0.0, 100)), (1.0, 0.0, 0.0));
}

#[test]
fn a_simulation_has_bounds() {
    let good = Simulation { rate: 0.95, paths: 1, looks: 1, threshold: Threshold::DEFAULT, seed: 1 };
    assert!(simulate(&good).is_ok());
    for bad in [
        Simulation { rate: 1.1, ..good },
        Simulation { rate: f64::NAN, ..good },
        Simulation { paths: 0, ..good },
        Simulation { looks: 0, ..good },
        Simulation { looks: 2_000_000, ..good },
    ] {
        assert!(simulate(&bad).is_err(), "{bad:?}");
    }
}

/// A change on each target every day for `days` days; merged in the morning, known three days later.
fn season(days: i64, targets: i64, result: impl Fn(i64) -> Judgement) -> Vec<Outcome> {
    let each = |n: i64| {
        let merged = Time(0).plus_seconds(n / targets * DAY + n % targets);
        let known = if result(n) == Judgement::Bad { merged.plus_seconds(3_600) } else { merged.plus_seconds(3 * DAY) };
        Outcome { target: format!("t{}", n % targets), at: known, merged: Some(merged), ..one(n, targets, result(n)) }
    };
    let mut all: Vec<Outcome> = (0..days * targets).map(each).collect();
    all.sort_by_key(|outcome| outcome.at);
    all
}

#[test]
fn a_replay_knows_only_what_was_known_before_each_merge() {
    let outcomes = season(20, 10, |_| Judgement::Good);
    let found = backtest(&outcomes, &DEMAND, false);
    // 70 are known before the 11th day; each of its changes comes just before the outcome of the one three days ago.
    assert_eq!(found.unlocked_after, Some(73));
    assert_eq!(found.unlocked_at, Some(Time(0).plus_seconds(10 * DAY + 3)));
    assert_eq!((found.outcomes, found.failures, found.demotions, found.earned_at_the_end), (200, 0, 0, true));
    // Never more than a twentieth of what was known flies at once, and three days pass before one lands.
    assert!((9..40).contains(&found.unattended), "{found:?}");
}

#[test]
fn a_replay_stops_at_the_first_failure_unless_it_is_rearmed() {
    let outcomes = season(80, 10, |n| if n / 10 == 15 { Judgement::Bad } else { Judgement::Good });
    let (once, again) = (backtest(&outcomes, &DEMAND, false), backtest(&outcomes, &DEMAND, true));
    assert!((1..=7).contains(&once.failures) && once.demotions == 1, "{once:?}");
    assert_eq!((once.failures, once.demotions), (again.failures, again.demotions));
    assert!(again.unattended > once.unattended, "{once:?} {again:?}");
}

#[test]
fn a_replay_of_a_bad_class_never_unlocks() {
    let outcomes = season(40, 10, |n| if n % 10 == 0 { Judgement::Bad } else { Judgement::Good });
    for threshold in ["0.90", "0.95", "0.99"] {
        let found = backtest(&outcomes, &Demand { threshold: at(threshold), ..DEMAND }, true);
        assert_eq!((found.unattended, found.unlocked_at, found.earned_at_the_end), (0, None, false), "{threshold}");
    }
    let found = backtest(&[], &DEMAND, false);
    assert_eq!(found, Backtest::default());
}

#[test]
fn the_curve_ends_where_the_class_stands() {
    let outcomes = season(20, 10, |n| if n == 5 { Judgement::Bad } else { Judgement::Good });
    let points = curve(&outcomes, &DEMAND);
    assert_eq!(points.len(), outcomes.len());
    let (last, now) = (points[points.len() - 1], judge(&outcomes));
    assert_eq!(
        (last.good, last.total, last.lower_bound, last.score),
        (now.good, now.total, now.lower_bound, now.score)
    );
    assert_eq!(points.iter().position(|point| point.earned).map(|n| points[n].total), Some(113));
}

/// After an earned record, one more outcome of its own file: what became of it, when it was known, and when merged.
fn after(record: &[Outcome], target: &str, result: Judgement, at: Time, merged: Option<Time>) -> Vec<Outcome> {
    let more = Outcome { target: target.into(), at, merged, ..one(0, 1, result) };
    [record, &[more]].concat()
}

#[test]
fn a_change_without_a_merge_time_was_merged_a_soak_before_unless_it_was_bad() {
    // The last of these is known at the end: three days before, the record was not enough.
    let record = clean(74, 12);
    let at = end(&record).plus_seconds(DAY);
    let replay = |result, merged| backtest(&after(&record, "new", result, at, merged), &DEMAND, false);
    assert_eq!(backtest(&record, &DEMAND, false).unattended, 0);
    assert_eq!(replay(Judgement::Good, None).unattended, 0);
    assert_eq!(replay(Judgement::Neutral, None).unattended, 0);
    let bad = replay(Judgement::Bad, None);
    assert_eq!((bad.unattended, bad.failures, bad.demotions, bad.unlocked_at), (1, 1, 1, Some(at)));
    let unknown = replay(Judgement::Neutral, Some(at.plus_seconds(-60)));
    assert_eq!((unknown.unattended, unknown.unknown, unknown.failures), (1, 1, 0));
    // Nothing is merged after its outcome is known.
    assert_eq!(replay(Judgement::Good, Some(at.plus_seconds(DAY))).unlocked_at, Some(at));
}

#[test]
fn after_a_failure_nothing_merges_for_a_day_whoever_lifts_it() {
    let record = clean(200, 12);
    let failed = end(&record).plus_seconds(DAY);
    let with_failure = after(&record, "new", Judgement::Bad, failed, Some(failed.plus_seconds(-60)));
    // What earns the score back within hours, merged before anything was earned.
    let back = |n: i64| Outcome {
        target: format!("back-{n}"),
        at: failed.plus_seconds(60 * (n + 1)),
        merged: Some(Time(0)),
        ..one(0, 1, Judgement::Good)
    };
    let earned: Vec<Outcome> = with_failure.into_iter().chain((0..30).map(back)).collect();
    let unattended = |after_failure: i64, rearmed: bool| {
        let merged = failed.plus_seconds(after_failure);
        let more = after(&earned, "next", Judgement::Good, merged.plus_seconds(3 * DAY), Some(merged));
        backtest(&more, &DEMAND, rearmed).unattended - backtest(&earned, &DEMAND, rearmed).unattended
    };
    assert_eq!([unattended(DAY - 1, true), unattended(DAY, true), unattended(DAY + 1, true)], [0, 1, 1]);
    assert_eq!([unattended(DAY, false), unattended(9 * DAY, false)], [0, 0]);
}

#[test]
fn a_replay_has_one_unattended_change_of_a_file_in_flight() {
    let record = clean(74, 12);
    let (first, known) = (end(&record).plus_seconds(60), end(&record).plus_seconds(4 * DAY));
    let wide = Demand { threshold: at("0.90"), ..DEMAND };
    let with = |target: &str| {
        let one = after(&record, "new", Judgement::Good, known, Some(first));
        let two = after(&one, target, Judgement::Good, known, Some(first.plus_seconds(60)));
        backtest(&two, &wide, false).unattended - backtest(&record, &wide, false).unattended
    };
    assert_eq!((with("new"), with("other")), (1, 2));
}
