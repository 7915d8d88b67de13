//! The tests, by what they are about: the gates, the record, replays and simulations.

mod gate;
mod limits;
mod record;
mod replay;

use super::*;
use crate::domain::ids::Time;

fn at(text: &str) -> Threshold {
    text.parse().expect(text)
}

const DAY: i64 = 86_400;
const EPOCH: &str = "edits@1 acme";
const DEMAND: Demand =
    Demand { threshold: Threshold::DEFAULT, last: 200, within: 180 * DAY, targets: 5, days: 5, soak: 3 * DAY };

fn one(n: i64, targets: i64, result: Judgement) -> Outcome {
    let at = Time(0).plus_seconds(n * 70_000);
    Outcome {
        target: format!("t{}", n % targets),
        at,
        result,
        auto: false,
        merged: Some(at.plus_seconds(-3 * DAY)),
        maker: "agent:a@2".into(),
        epoch: EPOCH.into(),
        severe: false,
        evidence: if result == Judgement::Good { "argocd".into() } else { String::new() },
    }
}

fn clean(count: i64, targets: i64) -> Vec<Outcome> {
    (0..count).map(|n| one(n, targets, Judgement::Good)).collect()
}

fn terms() -> Terms {
    Terms { demand: DEMAND, epoch: EPOCH.into() }
}

fn track(outcomes: Vec<Outcome>) -> Track {
    Track { outcomes, ..Track::default() }
}

fn end(outcomes: &[Outcome]) -> Time {
    outcomes.last().map_or(Time(0), |o| o.at)
}

fn judge(outcomes: &[Outcome]) -> Standing {
    standing(&track(outcomes.to_vec()), &terms(), None, end(outcomes))
}

fn lacks(standing: &Standing, words: &str) -> bool {
    standing.gaps.iter().any(|gap| gap.contains(words))
}
