use super::super::gate::PASS_LATE;
use super::*;

#[test]
fn seventy_three_clean_outcomes_unlock() {
    assert!(judge(&clean(73, 12)).unlocked());
    assert!(!judge(&clean(72, 12)).unlocked());
    assert!(
        judge(&clean(73, 12))
            .arithmetic()
            .starts_with("73 of 73 good, lower bound 0.950, needed 0.95; score 3.010, needed 2.996")
    );
}

#[test]
fn nothing_is_shown_as_reached_that_is_not() {
    // 196 of 200 have a bound of 0.949712, which ordinary rounding would show as 0.950.
    assert_eq!((shown(0.949712), shown(0.950006), shown(0.0)), ("0.949".into(), "0.950".into(), "0.000".into()));
}

#[test]
fn s7_and_every_other_gate_lock_an_empty_record() {
    let standing = judge(&[]);
    assert!(!standing.unlocked() && lacks(&standing, "0 of 0 good") && lacks(&standing, "score 0"));
}

#[test]
fn s8_order_matters_to_the_capped_score_only() {
    let mut late = clean(120, 12);
    late[119].result = Judgement::Bad;
    let mut early = clean(120, 12);
    early[0].result = Judgement::Bad;
    let (late, early) = (judge(&late), judge(&early));
    assert_eq!((late.good, late.total, late.lower_bound), (early.good, early.total, early.lower_bound));
    // 119 successes are 4,907,798: the cap keeps 3,688,879 of them, and the failure comes off that.
    assert_eq!((late.score, early.score), (CAP - FAILURE, (119 * 41_242 - FAILURE).min(CAP)));
}

#[test]
fn s9_after_the_cap_a_failure_costs_23_successes() {
    let mut record = clean(10_000, 12);
    record.push(one(10_000, 12, Judgement::Bad));
    assert!(!judge(&record).unlocked());
    let unlocks = |extra: i64| {
        let more = (0..extra).map(|n| one(10_001 + n, 12, Judgement::Good));
        judge(&record.iter().cloned().chain(more).collect::<Vec<_>>()).score >= PASS
    };
    assert_eq!((0..60).find(|extra| unlocks(*extra)), Some(23));
}

#[test]
fn s10_overdue_changes_count_as_failures_until_they_have_an_outcome() {
    let outcomes = clean(110, 12);
    let now = end(&outcomes);
    let waits =
        |since: i64, merged: bool| Pending { target: "x".into(), since: now.plus_seconds(-since), merged, auto: false };
    let judged = |pending: Vec<Pending>| standing(&Track { pending, ..track(outcomes.clone()) }, &terms(), None, now);
    // Twice the soak, and a month whatever it waits for.
    let fresh = judged(vec![waits(6 * DAY, true), waits(29 * DAY, false)]);
    assert!(fresh.unlocked() && fresh.overdue == 0, "{fresh:?}");
    let late = judged(vec![waits(6 * DAY + 1, true), waits(30 * DAY + 1, false)]);
    assert_eq!((late.good, late.total, late.overdue), (110, 112, 2));
    assert!(!late.unlocked() && lacks(&late, "2 of them overdue") && late.score == CAP - 2 * FAILURE, "{late:?}");
    let slow = Terms { demand: Demand { soak: 20 * DAY, ..DEMAND }, epoch: EPOCH.into() };
    let pending = vec![waits(30 * DAY + 1, true)];
    assert_eq!(standing(&Track { pending, ..track(outcomes.clone()) }, &slow, None, now).overdue, 1);
}

#[test]
fn s11_many_unknown_outcomes_lock() {
    let neutral = |count: usize| {
        let mut record = clean(130, 12);
        record.iter_mut().skip(130 - count).for_each(|outcome| outcome.result = Judgement::Neutral);
        judge(&record)
    };
    // 26 of 130 are 20 %, 27 are more.
    assert!(neutral(26).unlocked(), "{:?}", neutral(26));
    assert!(lacks(&neutral(27), "27 of 130 outcomes are unknown"), "{:?}", neutral(27));
}

#[test]
fn s12_one_target_does_not_unlock() {
    let many: Vec<Outcome> =
        (0..80).map(|n| Outcome { at: Time(0).plus_seconds(n * DAY), ..one(0, 1, Judgement::Good) }).collect();
    let standing = judge(&many);
    assert_eq!((standing.good, standing.days, standing.targets), (80, 80, 1));
    assert_eq!(standing.gaps, ["1 distinct targets of the 5 needed"]);
}

#[test]
fn few_days_do_not_unlock() {
    let many: Vec<Outcome> =
        (0..80).map(|n| Outcome { at: Time(0).plus_seconds(n % 4 * DAY), ..one(n, 80, Judgement::Good) }).collect();
    assert_eq!(judge(&many).gaps, ["4 distinct days of the 5 needed"]);
}

#[test]
fn s13_one_success_for_a_target_and_a_day() {
    let mut record = clean(1, 1);
    record.push(record[0].clone());
    assert_eq!(judge(&record).total, 1);
    record.push(Outcome { result: Judgement::Bad, ..record[0].clone() });
    record.push(Outcome { result: Judgement::Bad, ..record[0].clone() });
    assert_eq!((judge(&record).good, judge(&record).total), (1, 3), "failures always count");
}

#[test]
fn s15_the_window_slides() {
    let mut record = clean(201, 12);
    record[0].result = Judgement::Bad;
    assert_eq!(judge(&record).total - judge(&record).good, 0);
    assert_eq!(judge(&record[..200]).total - judge(&record[..200]).good, 1);
}

#[test]
fn the_window_forgets_what_is_old() {
    let outcomes = clean(100, 12);
    let at = |days: i64| standing(&track(outcomes.clone()), &terms(), None, end(&outcomes).plus_seconds(days * DAY));
    assert_eq!(at(0).good, 100);
    assert_eq!(at(99).good, 100);
    assert!(at(150).good < 73 && !at(150).unlocked());
    assert_eq!((at(181).total, at(181).targets, at(181).days), (0, 0, 0));
}

#[test]
fn exposure_is_capped() {
    let outcomes = clean(100, 12);
    let flying = |count: usize| {
        let one = |n: usize| Pending { target: format!("f{n}"), since: end(&outcomes), merged: true, auto: true };
        standing(
            &Track { pending: (0..count).map(one).collect(), ..track(outcomes.clone()) },
            &terms(),
            None,
            end(&outcomes),
        )
    };
    assert!(flying(4).unlocked());
    assert_eq!(flying(5).gaps, ["5 unattended merges wait for their outcome, at most 5 may"]);
}

#[test]
fn one_unattended_change_of_a_file_at_a_time() {
    let outcomes = clean(100, 12);
    let pending = vec![Pending { target: "a b".into(), since: end(&outcomes), merged: true, auto: true }];
    let track = Track { pending, ..track(outcomes.clone()) };
    let asks = |target: &str| standing(&track, &terms(), Some(&Seeker { target, maker: "agent:a@2" }), end(&outcomes));
    assert!(asks("c").unlocked() && !asks("b").unlocked());
    assert!(lacks(&asks("c b"), "of the same files"));
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

#[test]
fn s18_a_new_major_version_of_the_proposer_is_watched_for_five_outcomes() {
    let mut outcomes = clean(100, 12);
    let now = end(&outcomes);
    let asks = |outcomes: &[Outcome], maker: &str| {
        standing(&track(outcomes.to_vec()), &terms(), Some(&Seeker { target: "x", maker }), end(outcomes))
    };
    assert_eq!(maker("agent:a", Some("2.9.1")), "agent:a@2");
    assert!(asks(&outcomes, &maker("agent:a", Some("2.9.1"))).unlocked());
    let new = maker("agent:a", Some("v3.0.0-rc1"));
    assert_eq!(asks(&outcomes, &new).gaps, ["`agent:a@3` has 0 known outcomes in this class of the 5 needed"]);
    for n in 0..5 {
        assert!(!asks(&outcomes, &new).unlocked());
        outcomes.push(Outcome { maker: new.clone(), ..one(100 + n, 12, Judgement::Good) });
    }
    assert!(asks(&outcomes, &new).unlocked() && now < end(&outcomes));
    for stranger in ["agent:b", "agent:a", "agent:a@2.x"] {
        assert!(!asks(&outcomes, stranger).unlocked(), "{stranger}");
    }
}

#[test]
fn versions_are_told_apart_by_what_may_break() {
    let major = |version: &str| maker("a", Some(version));
    assert_eq!([major("2"), major("2.1"), major("v2.1.0+b7"), major("2.1.0-rc.1")], ["a@2", "a@2", "a@2", "a@2"]);
    assert_eq!(
        [major("0.3.1"), major("0.4"), major("sonnet-4.5"), major("1.2.3.4")],
        ["a@0.3", "a@0.4", "a@sonnet-4.5", "a@1.2.3.4"]
    );
    assert_eq!(maker("a", None), "a");
}

#[test]
fn s18_another_epoch_empties_the_record() {
    let outcomes = clean(100, 12);
    let now = end(&outcomes);
    let next = Terms { epoch: "edits@2 acme".into(), ..terms() };
    let standing = standing(&track(outcomes.clone()), &next, None, now);
    assert_eq!((standing.good, standing.total, standing.score, standing.targets), (0, 0, 0, 0));
    assert!(!standing.unlocked());
    // A change of the old epoch that settles late counts there, whatever came before it.
    let mut mixed = outcomes;
    mixed.push(Outcome { epoch: next.epoch.clone(), ..one(100, 12, Judgement::Good) });
    mixed.push(one(101, 12, Judgement::Good));
    mixed.push(Outcome { epoch: next.epoch.clone(), ..one(102, 12, Judgement::Bad) });
    let stand = |terms: &Terms| super::standing(&track(mixed.clone()), terms, None, end(&mixed));
    assert_eq!((stand(&next).good, stand(&next).total), (1, 2));
    assert_eq!((stand(&terms()).good, stand(&terms()).total), (101, 101));
}

#[test]
fn many_epochs_have_to_show_more() {
    let epoch = |n: i64, outcomes: i64| -> Vec<Outcome> {
        let named = |one: Outcome| Outcome { epoch: format!("edits@{n} acme"), ..one };
        clean(outcomes, 12).into_iter().map(named).collect()
    };
    let later = |outcomes: Vec<Outcome>, days: i64| -> Vec<Outcome> {
        outcomes.into_iter().map(|o| Outcome { at: o.at.plus_seconds(days * DAY), ..o }).collect()
    };
    let stand = |gap: i64, third: i64| {
        let all = [epoch(1, 2), later(epoch(2, 2), 3), later(epoch(3, third), gap)].concat();
        let terms = Terms { epoch: "edits@3 acme".into(), ..terms() };
        super::standing(&track(all.clone()), &terms, None, end(&all))
    };
    assert_eq!((stand(10, 73).pass, stand(10, 73).unlocked()), (PASS_LATE, false));
    assert!(stand(10, 89).score < CAP && stand(10, 90).unlocked());
    assert_eq!((stand(100, 73).pass, stand(100, 73).unlocked()), (PASS, true));
}

#[test]
fn a_severe_failure_begins_the_record_anew() {
    let mut outcomes = clean(100, 12);
    outcomes.push(Outcome { severe: true, ..one(100, 12, Judgement::Bad) });
    outcomes.extend((101..173).map(|n| one(n, 12, Judgement::Good)));
    assert_eq!((judge(&outcomes).good, judge(&outcomes).total, judge(&outcomes).unlocked()), (72, 72, false));
    outcomes.push(one(173, 12, Judgement::Good));
    assert!(judge(&outcomes).unlocked(), "{:?}", judge(&outcomes));
}

#[test]
fn a_demotion_locks_until_a_person_lifts_it() {
    let outcomes = clean(100, 12);
    let now = end(&outcomes);
    let demotion = Demotion { at: now, severe: false, first: None };
    let track = Track { demotion: Some(demotion.clone()), ..track(outcomes) };
    assert!(lacks(&standing(&track, &terms(), None, now), "no person has re-armed it"));
    assert!(demotion.rearm("dana", now.plus_seconds(DAY - 1)).is_err_and(|reason| reason.contains("cools down")));
    assert_eq!(demotion.rearm("dana", now.plus_seconds(DAY)), Ok(Rearm::Lifted));
}

#[test]
fn a_severe_failure_takes_two_persons() {
    let severe = Demotion { at: Time(0), severe: true, first: None };
    let later = Time(0).plus_seconds(2 * DAY);
    assert_eq!(severe.rearm("dana", later), Ok(Rearm::First));
    let asked = Demotion { first: Some("dana".into()), ..severe };
    assert!(asked.rearm("dana", later).is_err_and(|reason| reason.contains("another person")));
    assert_eq!(asked.rearm("kim", later), Ok(Rearm::Lifted));
}
