//! The picture of a class's lower bound over time: numbers for an SVG, and the same in words.
//!
//! Must not hold a script or a colour: the stylesheet has those, for light and dark.

use crate::domain::ids::Time;
use crate::domain::trust::{Judgement, Point, Threshold, shown};
use serde::Serialize;

/// The area of the curve in the picture's own units.
const LEFT: f64 = 36.0;
const RIGHT: f64 = 350.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 184.0;
/// Points of the curve, and marks on it.
const POINTS: usize = 400;
const MARKS: usize = 200;
/// Where lines are drawn across, where the picture reaches that far.
const LINES: [f64; 6] = [0.0, 0.5, 0.8, 0.9, 0.95, 0.99];

/// The picture.
#[derive(Debug, Serialize)]
pub(super) struct Plot {
    line: String,
    grid: Vec<Tick>,
    needed: Tick,
    bad: Vec<Mark>,
    unknown: Vec<Mark>,
    earned: Option<Mark>,
    from: String,
    to: String,
    words: String,
}

#[derive(Debug, Serialize)]
struct Tick {
    y: String,
    label: String,
}

#[derive(Debug, Serialize)]
struct Mark {
    x: String,
    y: String,
}

/// From times and bounds to places in the picture.
struct Scale {
    from: i64,
    span: f64,
    top: f64,
}

/// Half of the distance to 1 is the same step everywhere: 0, 0.9 and 0.99 are as far apart.
fn nines(bound: f64) -> f64 {
    -(1.0 - bound.clamp(0.0, 0.999_999)).log10()
}

impl Scale {
    fn x(&self, at: Time) -> f64 {
        LEFT + (RIGHT - LEFT) * ((at.seconds() - self.from) as f64 / self.span).clamp(0.0, 1.0)
    }

    fn y(&self, bound: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (nines(bound) / self.top).min(1.0)
    }

    fn mark(&self, point: &Point) -> Mark {
        Mark { x: place(self.x(point.at)), y: place(self.y(point.lower_bound)) }
    }

    fn tick(&self, bound: f64, label: String) -> Tick {
        Tick { y: place(self.y(bound)), label }
    }
}

fn place(value: f64) -> String {
    format!("{value:.1}")
}

impl Plot {
    /// Draws a curve up to now; nothing without an outcome.
    pub(super) fn of(points: &[Point], bound_now: f64, needed: Threshold, now: Time) -> Option<Plot> {
        let (first, last) = (points.first()?, points.last()?);
        let highest = points.iter().map(|point| nines(point.lower_bound)).fold(nines(needed.value()), f64::max);
        let end = now.max(last.at);
        let scale = Scale {
            from: first.at.seconds(),
            span: ((end.seconds() - first.at.seconds()) as f64).max(1.0),
            top: highest * 1.08,
        };
        let marks = |result: Judgement| {
            let all = points.iter().rev().filter(|point| point.result == result);
            all.take(MARKS).map(|point| scale.mark(point)).collect()
        };
        let drawn = LINES.iter().filter(|bound| nines(**bound) < scale.top && far(**bound, needed));
        Some(Plot {
            line: line(points, &scale, bound_now, end),
            grid: drawn.map(|bound| scale.tick(*bound, bound.to_string())).collect(),
            needed: scale.tick(needed.value(), needed.to_string()),
            bad: marks(Judgement::Bad),
            unknown: marks(Judgement::Neutral),
            earned: points.iter().find(|point| point.earned).map(|point| scale.mark(point)),
            from: day(first.at),
            to: day(end),
            words: words(points, bound_now, needed, end),
        })
    }
}

/// Whether a line across is far enough from the needed one to be read beside it.
fn far(bound: f64, needed: Threshold) -> bool {
    (nines(bound) - nines(needed.value())).abs() > 0.12
}

/// Steps: a bound stands until the next outcome is known.
fn line(points: &[Point], scale: &Scale, bound_now: f64, end: Time) -> String {
    let every = points.len().div_ceil(POINTS).max(1);
    let mut line = String::new();
    for (n, point) in points.iter().enumerate() {
        if n % every != 0 && n + 1 != points.len() {
            continue;
        }
        let (x, y) = (place(scale.x(point.at)), place(scale.y(point.lower_bound)));
        line.push_str(&if line.is_empty() { format!("M{x} {y}") } else { format!("H{x}V{y}") });
    }
    line.push_str(&format!("H{}V{}", place(scale.x(end)), place(scale.y(bound_now))));
    line
}

fn day(at: Time) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}

/// The same for those who do not see it.
fn words(points: &[Point], bound_now: f64, needed: Threshold, end: Time) -> String {
    let count = |result: Judgement| points.iter().filter(|point| point.result == result).count();
    let from = points.first().map(|point| day(point.at)).unwrap_or_default();
    let earned = match points.iter().find(|point| point.earned) {
        Some(point) => format!("It was enough for the first time on {}.", day(point.at)),
        None => "It was never enough.".to_owned(),
    };
    format!(
        "{} outcomes from {from} to {}: {} good, {} bad, {} unknown. The lower bound is {} now, needed {needed}. {earned}",
        points.len(),
        day(end),
        count(Judgement::Good),
        count(Judgement::Bad),
        count(Judgement::Neutral),
        shown(bound_now)
    )
}
