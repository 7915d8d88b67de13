//! How a class's bound and score moved, one point for each outcome.
//!
//! Must not leave anything out: thinning for a picture is the picture's business.

use super::demand::Demand;
use super::epochs::Epochs;
use super::record::{Judgement, Outcome};
use super::standing::counted;
use crate::domain::ids::Time;

/// What a record came to after one outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When the outcome was known.
    pub at: Time,
    /// What it was.
    pub result: Judgement,
    /// Good outcomes that counted then.
    pub good: u64,
    /// Outcomes that counted then.
    pub total: u64,
    /// Wilson's lower bound.
    pub lower_bound: f64,
    /// The capped score, micro-nats.
    pub score: i64,
    /// Whether bound, score, spread and unknowns let it through.
    pub earned: bool,
}

/// A record, oldest outcome first, as what it came to after each of them.
pub fn curve(outcomes: &[Outcome], demand: &Demand) -> Vec<Point> {
    let mut epochs = Epochs::new(*demand);
    let point = |outcome: &Outcome| {
        epochs.take(outcome);
        let pass = epochs.pass_mark(&outcome.epoch, outcome.at);
        let standing = epochs.aged(&outcome.epoch, outcome.at).map(|walk| counted(walk, demand, pass, 0, 0));
        let standing = standing.unwrap_or_default();
        Point {
            at: outcome.at,
            result: outcome.result,
            good: standing.good,
            total: standing.total,
            lower_bound: standing.lower_bound,
            score: standing.score,
            earned: standing.total > 0 && standing.unlocked(),
        }
    };
    outcomes.iter().map(point).collect()
}
