//! Refuses auto-merge settings that are out of bounds, or that no record could ever meet.
//!
//! Must not judge a record: it only says what one would have to show.

use super::rules::{AutoMerge, Mode, Rules};
use crate::domain::canon::Malformed;

/// Judges `autoMerge` and what else decides whether a class can ever be unlocked.
pub(super) fn check(rules: &Rules) -> Result<(), Malformed> {
    let auto = &rules.auto_merge;
    bounds(auto)?;
    let needed = auto.wilson_lower_bound.clean_outcomes();
    let window = auto.outcomes.last;
    let reason = format!("{needed} to 10000: it takes {needed} clean outcomes to reach {}", auto.wilson_lower_bound);
    demand((needed..=10_000).contains(&window), "autoMerge.outcomes.last", &reason)?;
    let most = auto.spread.targets.max(auto.spread.days);
    let reason = format!("{most} targets or days can never be found among {window} outcomes");
    demand(most <= window, "autoMerge.spread", &reason)?;
    time(rules, needed)
}

fn bounds(auto: &AutoMerge) -> Result<(), Malformed> {
    let spread = auto.spread.targets >= 3 && auto.spread.days >= 3;
    demand(spread, "autoMerge.spread", "targets and days are at least 3")?;
    demand(auto.soak.0 >= 60, "autoMerge.soak", "at least 60s")?;
    demand(auto.soak <= Rules::LONGEST_SOAK, "autoMerge.soak", "at most 30d")?;
    let share = |text: &String| text.parse::<f64>().is_ok_and(|c| (0.0..=1.0).contains(&c));
    demand(auto.minimum_confidence.as_ref().is_none_or(share), "autoMerge.minimumConfidence", "write 0 to 1 as text")
}

/// Whether enough outcomes, on enough days, fit into the time they are kept.
fn time(rules: &Rules, needed: u64) -> Result<(), Malformed> {
    let (auto, hourly) = (&rules.auto_merge, rules.limits.pull_requests_per_hour);
    let (within, days) = (auto.outcomes.within, auto.spread.days);
    let reason = format!("{within} is too short for outcomes on {days} days: write {days}d or more");
    demand(whole(within.0, 86_400) >= days, "autoMerge.outcomes.within", &reason)?;
    let possible = hourly.saturating_mul(whole(within.0, 3_600));
    let reason = format!(
        "{hourly} an hour are {possible} within {within}: it takes {needed} clean outcomes to reach {}",
        auto.wilson_lower_bound
    );
    let automates = rules.environments.values().any(|environment| environment.mode == Mode::Automate);
    demand(!automates || possible >= needed, "limits.pullRequestsPerHour", &reason)
}

fn whole(seconds: i64, unit: i64) -> u64 {
    u64::try_from(seconds / unit).unwrap_or_default()
}

fn demand(holds: bool, at: &str, reason: &str) -> Result<(), Malformed> {
    if holds { Ok(()) } else { Err(Malformed::at(at, reason)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(auto: &str) -> Result<Rules, Malformed> {
        let text = format!("version: 1\nenvironments: {{staging: {{paths: [\"**\"], mode: automate}}}}\n{auto}\n");
        Rules::read(text.as_bytes())
    }

    fn refused(auto: &str, at: &str, words: &str) {
        let error = rules(auto).expect_err(auto);
        assert!(error.path.ends_with(at) && error.reason.contains(words), "{auto}: {error}");
    }

    #[test]
    fn s16_a_window_that_can_never_unlock_is_refused() {
        refused("autoMerge: {outcomes: {last: 72}}", "outcomes.last", "73 clean outcomes to reach 0.95");
        assert!(rules("autoMerge: {outcomes: {last: 73}}").is_ok());
        refused("autoMerge: {wilsonLowerBound: \"0.99\"}", "outcomes.last", "381 clean outcomes to reach 0.99");
        assert!(rules("autoMerge: {wilsonLowerBound: \"0.99\", outcomes: {last: 381}}").is_ok());
        refused("autoMerge: {wilsonLowerBound: \"0.999\", outcomes: {last: 3837}}", "outcomes.last", "3838");
        assert!(rules("autoMerge: {wilsonLowerBound: \"0.80\", outcomes: {last: 17}}").is_ok());
        refused("autoMerge: {outcomes: {last: 10001}}", "outcomes.last", "10000");
    }

    #[test]
    fn s16_no_decay_is_offered() {
        refused("autoMerge: {outcomes: {last: 200, halfLife: 25}}", "halfLife", "");
    }

    #[test]
    fn s16_a_spread_or_a_time_that_can_never_be_met_is_refused() {
        refused("autoMerge: {spread: {targets: 201}}", "spread", "201 targets or days can never be found among 200");
        refused("autoMerge: {spread: {days: 2}}", "spread", "at least 3");
        refused("autoMerge: {outcomes: {within: 4d}}", "outcomes.within", "write 5d or more");
        refused("limits: {pullRequestsPerHour: 0}", "pullRequestsPerHour", "73 clean outcomes");
        assert!(Rules::read(b"version: 1\nlimits: {pullRequestsPerHour: 0}").is_ok(), "nothing automates there");
    }
}
