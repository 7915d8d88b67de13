//! What the record and its replays come to at their limits.

use super::super::gate::PASS_LATE;
use super::*;

#[test]
fn as_many_targets_and_days_as_are_needed_are_enough() {
    let each =
        |n: i64| Outcome { target: format!("t{n}"), at: Time(0).plus_seconds(n * DAY), ..one(0, 1, Judgement::Good) };
    let found: Vec<Outcome> = (0..5).map(each).collect();
    let gaps = |targets: u64, days: u64| {
        let terms = Terms { demand: Demand { targets, days, ..DEMAND }, ..terms() };
        standing(&track(found.clone()), &terms, None, end(&found))
    };
    assert!(!lacks(&gaps(5, 5), "distinct"), "{:?}", gaps(5, 5));
    assert!(lacks(&gaps(6, 5), "5 distinct targets of the 6") && !lacks(&gaps(6, 5), "days"));
    assert!(lacks(&gaps(5, 6), "5 distinct days of the 6") && !lacks(&gaps(5, 6), "targets"));
}

#[test]
fn overdue_changes_are_not_among_the_known_ones_of_which_a_fifth_may_be_unknown() {
    let mut outcomes = clean(130, 12);
    outcomes.iter_mut().skip(103).for_each(|outcome| outcome.result = Judgement::Neutral);
    let now = end(&outcomes);
    let late =
        |n: i64| Pending { target: format!("late-{n}"), since: now.plus_seconds(-40 * DAY), merged: true, auto: false };
    let track = Track { pending: (0..20).map(late).collect(), ..track(outcomes) };
    let found = standing(&track, &terms(), None, now);
    assert_eq!((found.good, found.neutral, found.overdue), (103, 27, 20));
    assert!(lacks(&found, "27 of 130 outcomes are unknown"), "{found:?}");
    let clean = judge(&clean(30, 12));
    assert!(lacks(&clean, "30 of 30 good: lower bound"), "nothing is overdue: {clean:?}");
}

#[test]
fn only_an_unattended_merge_is_in_flight() {
    let pending = |merged: bool, auto: bool| Pending { target: "x".into(), since: Time(0), merged, auto };
    let flying = |merged: bool, auto: bool| {
        let track = Track { pending: vec![pending(merged, auto)], ..Track::default() };
        (pending(merged, auto).in_flight(), track.in_flight())
    };
    assert_eq!(flying(true, true), (true, 1));
    assert_eq!([flying(true, false), flying(false, true), flying(false, false)], [(false, 0); 3]);
}

#[test]
fn an_outcome_as_old_as_the_window_still_counts() {
    let outcomes = clean(1, 1);
    let total = |late: i64| {
        let now = Time(end(&outcomes).0 + DEMAND.within * 1_000_000 + late);
        standing(&track(outcomes.clone()), &terms(), None, now).total
    };
    assert_eq!((total(0), total(1)), (1, 0));
}

#[test]
fn a_class_says_what_it_is_and_its_record_what_it_needs() {
    let class = Class {
        tenant: "acme".parse().expect("a tenant"),
        repository: "local:local:1".into(),
        environment: "prod".into(),
        action_kind: "SetImage".into(),
        tier: 2,
    };
    assert_eq!(class.to_string(), "SetImage in prod (tier 2)");
    let mut kept = serde_json::to_value(judge(&clean(73, 12))).expect("writes");
    kept.as_object_mut().expect("an object").shift_remove("pass");
    assert_eq!(serde_json::from_value::<Standing>(kept).expect("reads").pass, PASS);
    let schema = serde_json::to_value(schemars::schema_for!(Threshold)).expect("a schema");
    assert_eq!((schema["type"].as_str(), schema["pattern"].as_str()), (Some("string"), Some("^0\\.[89][0-9]{0,2}$")));
}

/// One outcome at the beginning of each epoch; the mark that an epoch has to reach at a time.
fn mark(begins: &[(i64, &str, bool)], epoch: &str, at: i64) -> i64 {
    let begin = |(at, epoch, severe): &(i64, &str, bool)| Outcome {
        at: Time(0).plus_seconds(*at),
        epoch: (*epoch).into(),
        severe: *severe,
        result: if *severe { Judgement::Bad } else { Judgement::Good },
        ..one(0, 1, Judgement::Good)
    };
    let outcomes: Vec<Outcome> = begins.iter().map(begin).collect();
    standing(&track(outcomes), &Terms { demand: DEMAND, epoch: epoch.into() }, None, Time(0).plus_seconds(at)).pass
}

#[test]
fn an_epoch_that_has_not_begun_is_one_more() {
    let two = [(0, "a", false), (DAY, "b", false)];
    assert_eq!(mark(&two, "c", 2 * DAY), PASS_LATE);
    assert_eq!(mark(&two[..1], "c", 2 * DAY), PASS);
    // After a severe failure it began with that.
    let severe = [(0, "a", false), (DAY, "a", true)];
    assert_eq!(mark(&severe, "a", 2 * DAY), PASS);
    let again = [(0, "a", false), (DAY, "b", false), (2 * DAY, "b", true)];
    assert_eq!(mark(&again, "b", 3 * DAY), PASS_LATE);
}

#[test]
fn an_epoch_of_ninety_days_ago_is_forgotten_to_the_second() {
    let third = |at: i64| mark(&[(0, "a", false), (DAY, "b", false), (at, "c", false)], "c", at);
    assert_eq!((third(90 * DAY - 1), third(90 * DAY)), (PASS_LATE, PASS));
}

#[test]
fn a_severe_failure_leaves_nothing_earned_on_the_curve() {
    let mut outcomes = clean(100, 12);
    outcomes.push(Outcome { severe: true, ..one(100, 12, Judgement::Bad) });
    let points = curve(&outcomes, &DEMAND);
    assert_eq!(points.iter().map(|point| point.earned).skip(98).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!((points[100].total, points[100].score), (0, 0));
}

#[test]
fn a_simulation_tells_how_sure_it_is_and_how_long_it_may_be() {
    let simulation = Simulation { rate: 0.97, paths: 200, looks: 150, threshold: at("0.90"), seed: 3 };
    let found = simulate(&simulation).expect("simulates");
    assert!(found.both > 0.1 && found.both < 0.95, "{found:?}");
    let error = |share: f64| (share * (1.0 - share) / 200.0).sqrt();
    assert!((found.both_error - error(found.both)).abs() < 1e-12, "{found:?}");
    assert!((found.wilson_alone_error - error(found.wilson_alone)).abs() < 1e-12, "{found:?}");
    assert!(found.both_error > 0.001 && found.wilson_alone >= found.both && found.wilson_alone < 1.0, "{found:?}");
    let long = |looks: u64| Simulation { looks, ..simulation }.check().is_ok();
    assert!(long(1_000_000) && !long(1_000_001) && long(1) && !long(0));
}
