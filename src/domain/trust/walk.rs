//! Walks a record from its oldest outcome to its newest and keeps the counts, one step at a time.
//!
//! Must not look at an outcome twice: a record of any length is walked in one pass.

use super::demand::Demand;
use super::gate::score;
use super::record::{Judgement, Outcome};
use crate::domain::ids::Time;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// An outcome in the window, with what the counts need of it.
#[derive(Clone, Copy, Debug)]
struct Kept {
    at: Time,
    result: Judgement,
    target: usize,
}

/// The counts of a record up to some outcome.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    demand: Demand,
    success: i64,
    window: VecDeque<Kept>,
    names: HashMap<String, usize>,
    seen: HashSet<(usize, i64)>,
    targets: BTreeMap<usize, u64>,
    days: BTreeMap<i64, u64>,
    makers: HashMap<String, u64>,
    good: u64,
    bad: u64,
    neutral: u64,
    score: i64,
}

impl Walk {
    pub(super) fn new(demand: Demand) -> Walk {
        Walk {
            success: demand.threshold.success(),
            demand,
            window: VecDeque::new(),
            names: HashMap::new(),
            seen: HashSet::new(),
            targets: BTreeMap::new(),
            days: BTreeMap::new(),
            makers: HashMap::new(),
            good: 0,
            bad: 0,
            neutral: 0,
            score: 0,
        }
    }

    /// Takes the next outcome in; one success for each target and day counts, failures and unknowns always do.
    pub(super) fn take(&mut self, outcome: &Outcome) {
        let next = self.names.len();
        let target = *self.names.entry(outcome.target.clone()).or_insert(next);
        if outcome.result == Judgement::Good && !self.seen.insert((target, outcome.at.day())) {
            return;
        }
        if outcome.result != Judgement::Neutral {
            self.score = score(self.score, outcome.result == Judgement::Good, self.success);
            *self.makers.entry(outcome.maker.clone()).or_default() += 1;
        }
        let kept = Kept { at: outcome.at, result: outcome.result, target };
        self.count(kept, true);
        self.window.push_back(kept);
        while self.window.len() as u64 > self.demand.last {
            self.forget();
        }
    }

    /// Lets go of what is too old by now.
    pub(super) fn age(&mut self, now: Time) {
        let oldest = now.plus_seconds(-self.demand.within);
        while self.window.front().is_some_and(|kept| kept.at < oldest) {
            self.forget();
        }
    }

    fn forget(&mut self) {
        if let Some(kept) = self.window.pop_front() {
            self.count(kept, false);
        }
    }

    fn count(&mut self, kept: Kept, comes: bool) {
        let count = match kept.result {
            Judgement::Bad => &mut self.bad,
            Judgement::Neutral => &mut self.neutral,
            Judgement::Good => {
                shift(&mut self.targets, kept.target, comes);
                shift(&mut self.days, kept.at.day(), comes);
                &mut self.good
            }
        };
        *count = if comes { *count + 1 } else { count.saturating_sub(1) };
    }

    /// Good, bad and unknown outcomes in the window.
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        (self.good, self.bad, self.neutral)
    }

    /// Distinct targets and days of the good ones in the window.
    pub(super) fn spread(&self) -> (u64, u64) {
        (self.targets.len() as u64, self.days.len() as u64)
    }

    /// The capped score, micro-nats.
    pub(super) fn score(&self) -> i64 {
        self.score
    }

    /// Known outcomes of one maker.
    pub(super) fn made_by(&self, maker: &str) -> u64 {
        self.makers.get(maker).copied().unwrap_or_default()
    }
}

/// One more or one less of a key; what is there no more is forgotten.
fn shift<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, comes: bool) {
    if comes {
        *counts.entry(key).or_default() += 1;
    } else if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}
