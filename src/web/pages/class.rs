//! The page of one class: where it stands, what is missing, how its bound moved.
//!
//! Must not ask the store for anything: what is shown is handed in.

use super::lists::{named, nats, stands};
use super::plot::Plot;
use super::{judged, moment};
use crate::config::Settings;
use crate::domain::ids::Time;
use crate::domain::trust::{MAKER_OUTCOMES, Outcome, Track, curve, shown};
use crate::web::api::ClassView;
use crate::web::auth::Reader;
use crate::web::view::judgement;
use serde::Serialize;

/// Outcomes in the table.
const ROWS: usize = 50;

/// Everything the page shows.
#[derive(Debug, Serialize)]
pub(super) struct Class {
    tenant: String,
    headline: String,
    word: &'static str,
    tone: &'static str,
    lead: String,
    facts: Vec<(&'static str, String)>,
    demand: Vec<(&'static str, String)>,
    gaps: Vec<String>,
    plot: Option<Plot>,
    rows: Vec<Row>,
    older: usize,
}

#[derive(Debug, Serialize)]
struct Row {
    time: String,
    time_text: String,
    result: &'static str,
    tone: &'static str,
    target: String,
    merged: &'static str,
    maker: String,
    evidence: String,
}

impl Class {
    pub(super) fn of(settings: &Settings, reader: &Reader, class: ClassView, track: &Track, now: Time) -> Class {
        let (word, tone) = stands(&class);
        let repository = named(settings, &reader.0.tenant, &class.repository);
        let environment = if class.environment.is_empty() { "no environment" } else { class.environment.as_str() };
        let points = curve(&track.outcomes, &class.demand);
        let bound = class.standing.lower_bound;
        Class {
            tenant: reader.0.tenant.to_string(),
            headline: format!("{} in {environment}, tier {}", class.action_kind, class.tier),
            word,
            tone,
            lead: repository,
            facts: facts(&class),
            demand: demand(&class),
            plot: Plot::of(&points, bound, class.demand.threshold, now),
            gaps: class.standing.gaps,
            rows: track.outcomes.iter().rev().take(ROWS).map(Row::of).collect(),
            older: track.outcomes.len().saturating_sub(ROWS),
        }
    }
}

fn facts(class: &ClassView) -> Vec<(&'static str, String)> {
    let standing = &class.standing;
    vec![
        ("Good of counted", format!("{} of {}", standing.good, standing.total)),
        ("Unknown in the window", standing.neutral.to_string()),
        ("Overdue, counted as bad", standing.overdue.to_string()),
        ("Lower bound", format!("{}, needed {}", shown(standing.lower_bound), class.needed)),
        ("Score", format!("{}, needed {}", nats(standing.score), nats(standing.pass))),
        ("Distinct targets", format!("{} of {}", standing.targets, class.demand.targets)),
        ("Distinct days", format!("{} of {}", standing.days, class.demand.days)),
        ("Unattended in flight", format!("{}, at most {}", standing.in_flight, standing.exposure_cap())),
        ("Ever", format!("{} good, {} bad, {} unknown", class.good, class.bad, class.neutral)),
        ("Key", class.key.clone()),
    ]
}

fn demand(class: &ClassView) -> Vec<(&'static str, String)> {
    let (demand, hours) = (&class.demand, |seconds: i64| format!("{} hours", seconds / 3_600));
    vec![
        ("Clean outcomes it takes", demand.threshold.clean_outcomes().to_string()),
        ("Outcomes that count", format!("the newest {}, no older than {} days", demand.last, demand.within / 86_400)),
        ("Soak", hours(demand.soak)),
        ("A new proposer, or major version of one", format!("{MAKER_OUTCOMES} outcomes under review first")),
    ]
}

impl Row {
    fn of(outcome: &Outcome) -> Row {
        let time = outcome.at.to_string();
        Row {
            time_text: moment(&time),
            time,
            result: if outcome.severe { "severe" } else { judgement(outcome.result) },
            tone: judged(outcome.result),
            target: outcome.target.clone(),
            merged: match (outcome.merged, outcome.auto) {
                (Some(_), true) => "by itself",
                (Some(_), false) => "by a person",
                (None, _) => "not merged",
            },
            maker: outcome.maker.clone(),
            evidence: outcome.evidence.clone(),
        }
    }
}
