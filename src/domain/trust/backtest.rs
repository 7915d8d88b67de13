//! Replays a record: when would it have unlocked, what would have merged unattended, what would have gone wrong.
//!
//! Must not use what was not known yet: a change is judged by the outcomes known before its merge.

use super::demand::Demand;
use super::demotion::COOL_DOWN;
use super::epochs::Epochs;
use super::record::{Judgement, Outcome};
use super::standing::{Seeker, counted, new_maker};
use crate::domain::ids::Time;
use serde::Serialize;

/// What a replay shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backtest {
    /// Outcomes replayed.
    pub outcomes: u64,
    /// Known outcomes before the first change that could have merged unattended; none when there was no such change.
    pub unlocked_after: Option<u64>,
    /// When that change was merged.
    #[serde(serialize_with = "text")]
    pub unlocked_at: Option<Time>,
    /// Changes that would have merged unattended.
    pub unattended: u64,
    /// Failures among them.
    pub failures: u64,
    /// Unknown outcomes among them.
    pub unknown: u64,
    /// Times the class would have lost its autonomy.
    pub demotions: u64,
    /// Whether the record as it ends is enough.
    pub earned_at_the_end: bool,
}

fn text<S: serde::Serializer>(at: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}

/// What happens in a replay, in the order of time: a change would merge, or its outcome becomes known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Merge(usize),
    Known(usize),
}

struct Replay<'a> {
    outcomes: &'a [Outcome],
    demand: &'a Demand,
    rearmed: bool,
    epochs: Epochs,
    known: u64,
    flying: Vec<usize>,
    unattended: Vec<bool>,
    demoted: Option<Time>,
    found: Backtest,
}

/// Replays a record, oldest outcome first; `rearmed` says whether a person lifts each demotion after the cool-down.
///
/// A change without a merge time is taken to have been merged one soak before its outcome when that was good or
/// unknown, and to have been decided when its outcome was known otherwise.
pub fn backtest(outcomes: &[Outcome], demand: &Demand, rearmed: bool) -> Backtest {
    let mut steps: Vec<(Time, Step)> = Vec::new();
    for (n, outcome) in outcomes.iter().enumerate() {
        let wait = if outcome.result == Judgement::Bad { 0 } else { demand.soak };
        let merged = outcome.merged.unwrap_or_else(|| outcome.at.plus_seconds(-wait)).min(outcome.at);
        steps.push((merged, Step::Merge(n)));
        steps.push((outcome.at, Step::Known(n)));
    }
    steps.sort();
    let mut replay = Replay {
        outcomes,
        demand,
        rearmed,
        epochs: Epochs::new(*demand),
        known: 0,
        flying: Vec::new(),
        unattended: vec![false; outcomes.len()],
        demoted: None,
        found: Backtest { outcomes: outcomes.len() as u64, ..Backtest::default() },
    };
    for (at, step) in steps {
        match step {
            Step::Merge(n) => replay.merge(n, at),
            Step::Known(n) => replay.known(n),
        }
    }
    replay.end()
}

impl Replay<'_> {
    fn merge(&mut self, n: usize, at: Time) {
        let outcome = &self.outcomes[n];
        let frozen = self.demoted.is_some_and(|since| !self.rearmed || at < since.plus_seconds(COOL_DOWN));
        let same = |flying: &usize| self.outcomes[*flying].target == outcome.target;
        if frozen || self.flying.iter().any(same) || !self.unlocked(outcome, at) {
            return;
        }
        self.demoted = None;
        self.unattended[n] = true;
        self.flying.push(n);
        self.found.unattended += 1;
        if self.found.unlocked_at.is_none() {
            self.found.unlocked_at = Some(at);
            self.found.unlocked_after = Some(self.known);
        }
    }

    fn unlocked(&mut self, outcome: &Outcome, at: Time) -> bool {
        let pass = self.epochs.pass_mark(&outcome.epoch, at);
        let (demand, in_flight) = (self.demand, self.flying.len() as u64);
        let seeker = Seeker { target: &outcome.target, maker: &outcome.maker };
        self.epochs.aged(&outcome.epoch, at).is_some_and(|walk| {
            counted(walk, demand, pass, 0, in_flight).unlocked() && new_maker(walk, &seeker).is_none()
        })
    }

    fn known(&mut self, n: usize) {
        let outcome = &self.outcomes[n];
        self.epochs.take(outcome);
        self.known += 1;
        if !self.unattended[n] {
            return;
        }
        self.flying.retain(|flying| *flying != n);
        match outcome.result {
            Judgement::Good => {}
            Judgement::Neutral => self.found.unknown += 1,
            Judgement::Bad => {
                self.found.failures += 1;
                self.found.demotions += u64::from(self.demoted.is_none());
                self.demoted = Some(outcome.at);
            }
        }
    }

    fn end(mut self) -> Backtest {
        let last = self.outcomes.last().map(|outcome| (outcome.epoch.clone(), outcome.at));
        if let Some((epoch, at)) = last {
            let pass = self.epochs.pass_mark(&epoch, at);
            let demand = self.demand;
            self.found.earned_at_the_end =
                self.epochs.aged(&epoch, at).is_some_and(|walk| counted(walk, demand, pass, 0, 0).unlocked());
        }
        self.found
    }
}
