//! The epochs of a record: where it begins anew, and what each of them comes to.
//!
//! Must not begin one on request: another epoch in an outcome, or a severe failure, are the only causes.

use super::demand::Demand;
use super::gate::{PASS, PASS_LATE};
use super::record::Outcome;
use super::walk::Walk;
use crate::domain::ids::Time;
use std::collections::HashMap;

/// Each epoch may unlock a bad class once in twenty times: how long too many of them are held against a class, seconds.
const MEMORY: i64 = 90 * 86_400;
/// Epochs in that time after which the score has to reach more.
const FREE: usize = 2;

/// A record, epoch by epoch.
#[derive(Clone, Debug)]
pub(super) struct Epochs {
    demand: Demand,
    walks: HashMap<String, (Time, Walk)>,
    begins: Vec<Time>,
    after_severe: bool,
}

impl Epochs {
    pub(super) fn new(demand: Demand) -> Epochs {
        Epochs { demand, walks: HashMap::new(), begins: Vec::new(), after_severe: false }
    }

    /// Takes the next outcome in. After a severe failure nothing that was earned is left.
    pub(super) fn take(&mut self, outcome: &Outcome) {
        if outcome.severe {
            self.walks.clear();
            self.begins.push(outcome.at);
            self.after_severe = true;
            return;
        }
        if !self.walks.contains_key(&outcome.epoch) {
            let begin = if self.after_severe { self.begins.last().copied().unwrap_or(outcome.at) } else { outcome.at };
            if !self.after_severe {
                self.begins.push(begin);
            }
            self.after_severe = false;
            self.walks.insert(outcome.epoch.clone(), (begin, Walk::new(self.demand)));
        }
        if let Some((_, walk)) = self.walks.get_mut(&outcome.epoch) {
            walk.take(outcome);
        }
    }

    /// What an epoch comes to by now; an empty walk when it has no outcome yet.
    pub(super) fn walk(&mut self, epoch: &str, now: Time) -> Walk {
        match self.walks.get_mut(epoch) {
            Some((_, walk)) => {
                walk.age(now);
                walk.clone()
            }
            None => Walk::new(self.demand),
        }
    }

    /// The same without copying it, where there is one.
    pub(super) fn aged(&mut self, epoch: &str, now: Time) -> Option<&Walk> {
        let (_, walk) = self.walks.get_mut(epoch)?;
        walk.age(now);
        Some(walk)
    }

    /// The score that an epoch has to reach: more for the third and later ones within 90 days.
    pub(super) fn pass_mark(&self, epoch: &str, now: Time) -> i64 {
        let (begin, unseen) = match self.walks.get(epoch) {
            Some((begin, _)) => (*begin, 0),
            None if self.after_severe => (self.begins.last().copied().unwrap_or(now), 0),
            None => (now, 1),
        };
        let since = begin.plus_seconds(-MEMORY);
        let near = self.begins.iter().filter(|at| since < **at && **at <= begin).count() + unseen;
        if near > FREE { PASS_LATE } else { PASS }
    }
}
