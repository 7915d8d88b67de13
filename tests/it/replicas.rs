//! Several replicas on one database: whatever order their work falls in, everything happens once.

use crate::between::{Between, Stall};
use crate::documents::{config, image};
use crate::world::{HOUR, World};
use countersign::domain::facts::{Conclusion, PullState};
use countersign::domain::lifecycle::Stage;
use countersign::domain::trust::Judgement;
use countersign::engine::Worker;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longer than a lease.
const LEASE: i64 = 121;

/// Numbers that follow from a seed.
struct Dice(AtomicU64);

impl Dice {
    fn roll(&self, sides: u64) -> u64 {
        let step = |mut x: u64| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            Some(x)
        };
        let seen = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step).unwrap();
        (seen >> 11) % sides
    }
}

/// Lets another replica work while one is in the middle of an effect and its lease is over.
struct Schedule {
    dice: Dice,
    replicas: Vec<Worker>,
    clock: countersign::cli::demo::HandClock,
    depth: AtomicU64,
    stalls: AtomicU64,
}

#[async_trait::async_trait]
impl Stall for Schedule {
    async fn moment(&self) {
        let depth = self.depth.load(Ordering::SeqCst);
        if depth >= 2 || self.dice.roll(4) != 0 {
            return;
        }
        self.stalls.fetch_add(1, Ordering::SeqCst);
        self.clock.advance(LEASE);
        self.depth.fetch_add(1, Ordering::SeqCst);
        let turns = 1 + self.dice.roll(4);
        let other = &self.replicas[usize::try_from(depth).unwrap() + 1];
        for _ in 0..turns {
            if !other.step().await.unwrap() {
                break;
            }
        }
        self.depth.fetch_sub(1, Ordering::SeqCst);
    }
}

impl World {
    /// Four replicas, scheduled by a seed.
    fn scheduled(&mut self, seed: u64) -> Arc<Schedule> {
        let between = Between::stalling();
        let wire = between.clone();
        self.wrap(move |inner| wire.around(inner));
        let parts = &self.stage.parts;
        let schedule = Arc::new(Schedule {
            dice: Dice(AtomicU64::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)),
            // Each has its own engine and its own locks, as another process has.
            replicas: ["a", "b", "c", "d"].map(|name| parts.worker(name)).into(),
            clock: self.stage.clock.clone(),
            depth: AtomicU64::new(0),
            stalls: AtomicU64::new(0),
        });
        between.set(schedule.clone());
        self.repeats = true;
        schedule
    }

    /// Every replica works until nothing is due, and what broke off is looked at again.
    async fn all_work(&self, schedule: &Schedule) {
        for _ in 0..6 {
            // Never the one that comes in between: within one process a repository is worked on once at a time.
            let first = if schedule.dice.roll(2) == 0 { 0 } else { 3 };
            schedule.replicas[first].until_idle().await.unwrap();
            self.advance(LEASE);
        }
    }
}

/// How many schedules to play; more on request.
fn schedules(default: u64) -> u64 {
    std::env::var("COUNTERSIGN_TEST_SCHEDULES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// One proposal that merges by itself; answers how often another replica came in between.
async fn one_proposal(mut w: World, seed: u64) -> u64 {
    let before = w.pulls().await.len();
    let tips = w.history_of_main().await;
    let id = w.adopt(&image("web", "staging", "2.0")).await;
    let schedule = w.scheduled(seed);
    w.all_work(&schedule).await;
    w.ci().check(w.number(&id).await, "ci/build", Conclusion::Success, 15368).await.unwrap();
    w.stage.wake(&id).await.unwrap();
    w.all_work(&schedule).await;
    assert_eq!(w.record(&id).await.stage, Stage::Merged, "seed {seed}: {}", w.story(&id).await);
    w.reports(&id, "good").await;
    w.advance(72 * HOUR);
    w.all_work(&schedule).await;
    let record = w.record(&id).await;
    assert!(record.auto && record.outcome == Some(Judgement::Good), "seed {seed}: {}", w.story(&id).await);
    let pulls = w.pulls().await;
    assert_eq!((pulls.len(), pulls[0].state), (before + 1, PullState::Merged), "seed {seed}: one pull request");
    assert_eq!(w.history_of_main().await, tips + 1, "seed {seed}: one commit on main");
    let story = w.story(&id).await;
    for once in ["pushed", "opened", "merged", "settled: good"] {
        assert_eq!(story.split(" / ").filter(|act| *act == once).count(), 1, "seed {seed}: {once}: {story}");
    }
    let outcomes = w.stage.parts.store.outcomes(w.stage.tenant(), record.class.unwrap().key()).await.unwrap();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.auto).count(), 1, "seed {seed}: one outcome");
    w.finish().await;
    schedule.stalls.load(Ordering::SeqCst)
}

#[tokio::test]
async fn tm101_replicas_that_overtake_each_other_do_everything_once() {
    let (mut stalls, count) = (0, schedules(12));
    for seed in 1..=count {
        stalls += one_proposal(World::seasoned().await, seed).await;
    }
    assert!(stalls > count * 2, "{stalls} times in {count} schedules another replica came in between");
}

/// A class that asks little: its record is made anew for each schedule.
const EARN: &str =
    "  wilsonLowerBound: \"0.80\"\n  spread: {targets: 3, days: 3}\n  requiredChecks: [{name: \"ci/*\", app: 15368}]\n";

#[tokio::test]
async fn tm101_replicas_on_postgres_that_overtake_each_other_do_everything_once() {
    let (mut stalls, count) = (0, schedules(2));
    for seed in 1..=count {
        let Some(w) = World::on_postgres(&format!("cs_it_tm101_{seed}")).await else { return };
        w.rules(&config("automate", EARN, "")).await;
        w.history(30, 30).await;
        stalls += one_proposal(w, seed).await;
    }
    assert!(stalls > count, "{stalls} times in {count} schedules another replica came in between");
}

#[tokio::test]
async fn tm101_the_same_change_sent_twice_is_one_pull_request_on_any_schedule() {
    for seed in 1..=schedules(6) {
        let mut w = World::start().await;
        let first = w.adopt(&image("web", "staging", "2.0")).await;
        let mut again = image("web", "staging", "2.0");
        again["reason"] = "another alert".into();
        let second = w.adopt(&again).await;
        let schedule = w.scheduled(seed);
        w.all_work(&schedule).await;
        assert_eq!(w.pulls().await.len(), 1, "seed {seed}");
        assert_eq!(w.record(&first).await.stage, Stage::Open, "seed {seed}: {}", w.story(&first).await);
        let dropped = w.record(&second).await;
        assert_eq!(dropped.reason.map(|reason| reason.code).as_deref(), Some("duplicate"), "seed {seed}");
        w.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tm101_two_replicas_on_one_postgres_database_do_everything_once() {
    let Some(mut w) = World::on_postgres("cs_it_tm101").await else { return };
    w.repeats = true;
    let other = w.replica("other").await;
    let (mut mine, mut theirs) = (0, 0);
    for app in crate::world::APPS.into_iter().take(8) {
        let id = w.adopt(&image(app, "staging", "2.0")).await;
        let (a, b) = (w.stage.parts.worker("a"), other.worker("b"));
        let (one, two) =
            tokio::join!(tokio::spawn(async move { a.until_idle().await }), async move { b.until_idle().await });
        (mine, theirs) = (mine + one.unwrap().unwrap(), theirs + two.unwrap());
        w.advance(LEASE);
        w.settle().await;
        w.later(HOUR).await;
        w.acts(&id, crate::commands::OPEN).await;
    }
    let pulls = w.pulls().await;
    assert_eq!(pulls.len(), 8);
    println!("{mine} turns of one replica, {theirs} of the other");
    other.store.close().await;
    w.finish().await;
}
