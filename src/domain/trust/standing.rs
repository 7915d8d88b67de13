//! Where a class stands, and what is missing, a sentence each.
//!
//! Must not forgive anything: what is not known counts against the class.

use super::demand::Demand;
use super::epochs::Epochs;
use super::gate::{PASS, shown_bound, wilson};
use super::record::Track;
use super::threshold::Threshold;
use super::walk::Walk;
use crate::domain::ids::Time;
use serde::{Deserialize, Serialize};

/// Neutral outcomes above this share of the window lock a class, in percent.
const MOST_NEUTRAL: u64 = 20;
/// Outcomes of a new maker, or a new major version of one, before it may merge by itself.
pub const MAKER_OUTCOMES: u64 = 5;
/// Seconds after which a change without an outcome counts as a failure, however long its soak is.
const PATIENCE: i64 = 30 * 86_400;

/// What a class is judged under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What the record must show.
    pub demand: Demand,
    /// The epoch whose outcomes count.
    pub epoch: String,
}

/// The change that asks whether it may merge by itself.
#[derive(Clone, Copy, Debug)]
pub struct Seeker<'a> {
    /// What it changes: the files.
    pub target: &'a str,
    /// Who proposes it.
    pub maker: &'a str,
}

/// Where a class stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Outcomes that count in the window, overdue ones among them.
    pub total: u64,
    /// Good ones among them.
    pub good: u64,
    /// Neutral ones in the window.
    pub neutral: u64,
    /// Changes that should have an outcome by now; each counts as a failure until it has one.
    #[serde(default)]
    pub overdue: u64,
    /// Wilson's lower bound, six digits.
    pub lower_bound: f64,
    /// The bound that is needed.
    #[serde(default)]
    pub needed: Threshold,
    /// The capped score of the whole epoch, micro-nats.
    pub score: i64,
    /// The score that passes.
    #[serde(default = "pass")]
    pub pass: i64,
    /// Distinct targets among the good ones.
    pub targets: u64,
    /// Distinct days among the good ones.
    pub days: u64,
    /// Changes merged by countersign itself whose outcome is not known yet.
    pub in_flight: u64,
    /// What is missing, a sentence each; empty when the class is unlocked.
    pub gaps: Vec<String>,
}

fn pass() -> i64 {
    PASS
}

/// A bound with three digits, rounded down: what is shown as reached is reached.
pub fn shown(bound: f64) -> String {
    format!("{:.3}", (bound * 1e3 + 1e-6).floor() / 1e3)
}

impl Standing {
    /// Whether the class may merge by itself.
    pub fn unlocked(&self) -> bool {
        self.gaps.is_empty()
    }

    /// How many unattended merges may be in flight at once.
    pub fn exposure_cap(&self) -> u64 {
        (self.total / 20).max(1)
    }

    /// `73 of 73 good, lower bound 0.950, needed 0.95; score 3.010, needed 2.996`; never rounded in favour.
    pub fn arithmetic(&self) -> String {
        let nats = |micro: i64, up: i64| micro.saturating_add(up).div_euclid(1000) as f64 / 1e3;
        format!(
            "{} of {} good, lower bound {}, needed {}; score {:.3}, needed {:.3}",
            self.good,
            self.total,
            shown(self.lower_bound),
            self.needed,
            nats(self.score, 0),
            nats(self.pass, 999)
        )
    }
}

/// Judges a class's record; for a change that wants to merge, its maker and what else is in flight count as well.
pub fn standing(track: &Track, terms: &Terms, seeker: Option<&Seeker<'_>>, now: Time) -> Standing {
    let mut epochs = Epochs::new(terms.demand);
    track.outcomes.iter().for_each(|outcome| epochs.take(outcome));
    let walk = epochs.walk(&terms.epoch, now);
    let pass = epochs.pass_mark(&terms.epoch, now);
    let mut standing = counted(&walk, &terms.demand, pass, overdue(track, &terms.demand, now), track.in_flight());
    if let Some(demotion) = &track.demotion {
        standing.gaps.insert(0, demotion.sentence());
    }
    if let Some(seeker) = seeker {
        standing.gaps.extend(new_maker(&walk, seeker));
        standing.gaps.extend(busy_target(track, seeker));
    }
    standing
}

/// What counts come to, with what is missing.
pub(super) fn counted(walk: &Walk, demand: &Demand, pass: i64, overdue: u64, in_flight: u64) -> Standing {
    let (good, bad, neutral) = walk.counts();
    let (targets, days) = walk.spread();
    let total = good + bad + overdue;
    let waits = i64::try_from(overdue).unwrap_or(i64::MAX).saturating_mul(super::gate::FAILURE);
    let mut standing = Standing {
        total,
        good,
        neutral,
        overdue,
        lower_bound: shown_bound(good, total),
        needed: demand.threshold,
        score: walk.score().saturating_sub(waits),
        pass,
        targets,
        days,
        in_flight,
        gaps: Vec::new(),
    };
    standing.gaps = gaps(&standing, demand);
    standing
}

/// Merged and without an outcome for twice the soak, or waiting for a month in any state.
fn overdue(track: &Track, demand: &Demand, now: Time) -> u64 {
    let late = |merged: bool| if merged { demand.soak.saturating_mul(2).min(PATIENCE) } else { PATIENCE };
    let is_over = |waits: &&super::record::Pending| waits.since.plus_seconds(late(waits.merged)) < now;
    track.pending.iter().filter(is_over).count() as u64
}

fn gaps(standing: &Standing, demand: &Demand) -> Vec<String> {
    let Standing { total, good, neutral, overdue, score, pass, targets, days, in_flight, .. } = *standing;
    let known = total - overdue + neutral;
    let late = if overdue > 0 { format!(", {overdue} of them overdue") } else { String::new() };
    let bound = shown(standing.lower_bound);
    let all = [
        (
            !wilson(demand.threshold, good, total),
            format!("{good} of {total} good{late}: lower bound {bound}, needed {}", demand.threshold),
        ),
        (score < pass, format!("score {score} of the {pass} micro-nats that pass")),
        (targets < demand.targets, format!("{targets} distinct targets of the {} needed", demand.targets)),
        (days < demand.days, format!("{days} distinct days of the {} needed", demand.days)),
        (
            neutral * 100 > known * MOST_NEUTRAL,
            format!("{neutral} of {known} outcomes are unknown, more than {MOST_NEUTRAL} %"),
        ),
        (
            in_flight >= standing.exposure_cap(),
            format!("{in_flight} unattended merges wait for their outcome, at most {} may", standing.exposure_cap()),
        ),
    ];
    all.into_iter().filter(|(missing, _)| *missing).map(|(_, sentence)| sentence).collect()
}

/// A maker that the record does not know yet is watched first.
pub(super) fn new_maker(walk: &Walk, seeker: &Seeker<'_>) -> Option<String> {
    let known = walk.made_by(seeker.maker);
    (known < MAKER_OUTCOMES)
        .then(|| format!("`{}` has {known} known outcomes in this class of the {MAKER_OUTCOMES} needed", seeker.maker))
}

/// One unattended change of a file at a time.
fn busy_target(track: &Track, seeker: &Seeker<'_>) -> Option<String> {
    let shares = |target: &str| target.split(' ').any(|path| seeker.target.split(' ').any(|mine| mine == path));
    track.pending.iter().find(|pending| pending.in_flight() && shares(&pending.target)).map(|pending| {
        format!("an unattended change of the same files, merged at {}, waits for its outcome", pending.since)
    })
}
