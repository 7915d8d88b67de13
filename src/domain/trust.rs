//! Whether a class of changes has earned to merge by itself.
//!
//! Must not decide with floating point: the gate is integer arithmetic, the bound is shown to people only.

use super::ids::{Digest, TenantId, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::str::FromStr;

/// z = 49/25, two-sided 95 %.
const Z: (i128, i128) = (49, 25);
/// What a failure takes from the score: ln 5 in micro-nats, rounded up.
pub const FAILURE: i64 = 1_609_438;
/// The most a score can be: ln 40 in micro-nats.
pub const CAP: i64 = 3_688_879;
/// The score that passes: ln 20 in micro-nats, rounded up.
pub const PASS: i64 = 2_995_733;
/// Neutral outcomes above this share of the window lock a class, in percent.
const MOST_NEUTRAL: u64 = 20;

/// The wanted lower bound of the share of good outcomes, 0.80 to 0.999 as a fraction of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    numerator: u32,
    denominator: u32,
}

impl Threshold {
    /// 0.95.
    pub const DEFAULT: Threshold = Threshold { numerator: 950, denominator: 1000 };

    /// What one success adds to the score, micro-nats: floor(10^6 ln(p1/T)), p1 = 1 - (1-T)/5.
    pub fn success(self) -> i64 {
        let threshold = f64::from(self.numerator) / f64::from(self.denominator);
        let better = 1.0 - (1.0 - threshold) / 5.0;
        ((better / threshold).ln() * 1e6).floor() as i64
    }

    /// How many clean outcomes in a row pass both gates.
    pub fn clean_outcomes(self) -> u64 {
        (1..=10_000).find(|n| Bound::of(self, *n, *n).is_ok_and(|bound| bound.unlocked)).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("0.{:03}", self.numerator);
        let short = text.strip_suffix('0').unwrap_or(&text);
        out.write_str(short)
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        let fault = || format!("threshold `{text}`: write 0.80 to 0.999 with at most three digits, as \"0.95\"");
        let digits = text.strip_prefix("0.").filter(|d| (1..=3).contains(&d.len())).ok_or_else(fault)?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(fault());
        }
        let numerator: u32 = format!("{digits:0<3}").parse().map_err(|_| fault())?;
        if numerator < 800 { Err(fault()) } else { Ok(Threshold { numerator, denominator: 1000 }) }
    }
}

impl Serialize for Threshold {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Threshold, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^0\\.[89][0-9]{0,2}$"})
    }
}

/// Wilson's lower bound of the share of good outcomes, for people (E. B. Wilson, 1927; z = 1.96).
pub fn lower_bound(good: u64, total: u64) -> f64 {
    if total == 0 {
        return 0.0;
    }
    let z = Z.0 as f64 / Z.1 as f64;
    let (s, n) = (good as f64, total as f64);
    let spread = z * (s * (n - s) / n + z * z / 4.0).sqrt();
    s * s / (n * (s + z * z / 2.0 + spread))
}

/// Whether Wilson's lower bound reaches the threshold, in integers; overflow and nonsense never do.
pub fn wilson(threshold: Threshold, good: u64, total: u64) -> bool {
    let (s, n) = (i128::from(good), i128::from(total));
    let (a, b) = (i128::from(threshold.numerator), i128::from(threshold.denominator));
    let reach = || {
        let excess = b.checked_mul(s)?.checked_sub(a.checked_mul(n)?)?;
        let left = (Z.1 * Z.1).checked_mul(excess.checked_mul(excess)?)?;
        let right = (Z.0 * Z.0 * a * (b - a)).checked_mul(n)?;
        Some(excess >= 0 && left >= right)
    };
    total > 0 && good <= total && reach().unwrap_or(false)
}

/// What given counts come to; the score is their uncapped sum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// Wilson's lower bound, six digits.
    pub lower_bound: f64,
    /// Whether it reaches the threshold, in integers.
    pub wilson: bool,
    /// The score in micro-nats, without its cap.
    pub score: i64,
    /// Whether the score passes.
    pub score_pass: bool,
    /// Whether both pass.
    pub unlocked: bool,
}

impl Bound {
    /// Judges counts; more good outcomes than outcomes is an error.
    pub fn of(threshold: Threshold, good: u64, total: u64) -> Result<Bound, String> {
        if good > total {
            return Err(format!("{good} good outcomes of {total} cannot be"));
        }
        let count = |n: u64| i64::try_from(n).map_err(|_| format!("{n} outcomes are more than can be counted"));
        let score = count(good)?
            .saturating_mul(threshold.success())
            .saturating_sub(count(total - good)?.saturating_mul(FAILURE));
        let wilson = wilson(threshold, good, total);
        let score_pass = score >= PASS;
        let lower_bound = (lower_bound(good, total) * 1e6).round() / 1e6;
        Ok(Bound { lower_bound, wilson, score, score_pass, unlocked: wilson && score_pass })
    }
}

/// The key of a track record; made in this one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Whose record.
    pub tenant: TenantId,
    /// The repository, by kind, host and number.
    pub repository: String,
    /// The environment, as the repository's config names it.
    pub environment: String,
    /// The action kind.
    pub action_kind: String,
    /// The tier.
    pub tier: u8,
}

impl Class {
    /// The length-prefixed hash of the five parts.
    pub fn key(&self) -> Digest {
        Digest::of_fields(
            "countersign/class/v1",
            &[
                self.tenant.as_str().as_bytes(),
                self.repository.as_bytes(),
                self.environment.as_bytes(),
                self.action_kind.as_bytes(),
                &[self.tier],
            ],
        )
    }
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {} (tier {})", self.action_kind, self.environment, self.tier)
    }
}

/// What became of a merged change, as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// Judgement healthy through the soak.
    Good,
    /// Reverted, rolled back, partial, changed or closed by a person.
    Bad,
    /// Not known; never a success.
    Neutral,
}

/// One line of a class's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What was changed: namespace, kind and name.
    pub target: String,
    /// When the outcome was known.
    pub at: Time,
    /// What became of it.
    pub result: Judgement,
    /// Whether countersign merged it without a person.
    pub auto: bool,
}

/// What a record must show, from the repository's config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The wanted lower bound.
    pub threshold: Threshold,
    /// How many of the newest outcomes count.
    pub last: u64,
    /// How old an outcome may be, seconds.
    pub within: i64,
    /// Distinct targets that are needed.
    pub targets: u64,
    /// Distinct days that are needed.
    pub days: u64,
}

/// Where a class stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Outcomes that count in the window.
    pub total: u64,
    /// Good ones among them.
    pub good: u64,
    /// Neutral ones in the window.
    pub neutral: u64,
    /// Wilson's lower bound, six digits.
    pub lower_bound: f64,
    /// The capped score of the whole record, micro-nats.
    pub score: i64,
    /// Distinct targets among the good ones.
    pub targets: u64,
    /// Distinct days among the good ones.
    pub days: u64,
    /// Changes merged by countersign itself whose outcome is not known yet.
    pub in_flight: u64,
    /// What is missing, a sentence each; empty when the class is unlocked.
    pub gaps: Vec<String>,
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
}

/// Judges a class's record, oldest outcome first; `demoted` is a demotion no person has lifted.
pub fn standing(record: &[Outcome], demand: &Demand, demoted: bool, in_flight: u64, now: Time) -> Standing {
    let counted = distinct(record);
    let oldest = now.plus_seconds(-demand.within);
    let keep = usize::try_from(demand.last).unwrap_or(usize::MAX);
    let fresh: Vec<&Outcome> = counted.iter().copied().filter(|o| o.at >= oldest).collect();
    let window = &fresh[fresh.len().saturating_sub(keep)..];
    let count = |result| window.iter().filter(|o| o.result == result).count() as u64;
    let (good, bad, neutral) = (count(Judgement::Good), count(Judgement::Bad), count(Judgement::Neutral));
    let goods = || window.iter().filter(|o| o.result == Judgement::Good);
    let mut standing = Standing {
        total: good + bad,
        good,
        neutral,
        lower_bound: (lower_bound(good, good + bad) * 1e6).round() / 1e6,
        score: score(&counted, demand.threshold),
        targets: goods().map(|o| o.target.as_str()).collect::<BTreeSet<_>>().len() as u64,
        days: goods().map(|o| o.at.day()).collect::<BTreeSet<_>>().len() as u64,
        in_flight,
        gaps: Vec::new(),
    };
    standing.gaps = gaps(&standing, demand, demoted);
    standing
}

/// At most one success for each target and day; failures and neutrals always stand.
fn distinct(record: &[Outcome]) -> Vec<&Outcome> {
    let mut seen = HashSet::new();
    record.iter().filter(|o| o.result != Judgement::Good || seen.insert((o.target.as_str(), o.at.day()))).collect()
}

fn score(record: &[&Outcome], threshold: Threshold) -> i64 {
    let success = threshold.success();
    record.iter().fold(0_i64, |score, outcome| match outcome.result {
        Judgement::Good => score.saturating_add(success).min(CAP),
        Judgement::Bad => score.saturating_sub(FAILURE),
        Judgement::Neutral => score,
    })
}

fn gaps(standing: &Standing, demand: &Demand, demoted: bool) -> Vec<String> {
    let Standing { total, good, neutral, score, targets, days, in_flight, .. } = *standing;
    let mut gaps = Vec::new();
    let mut gap = |missing: bool, sentence: String| {
        if missing {
            gaps.push(sentence);
        }
    };
    gap(demoted, "the class was demoted and no person has re-armed it".into());
    gap(
        !wilson(demand.threshold, good, total),
        format!("{good} of {total} good: lower bound {:.3}, needed {}", standing.lower_bound, demand.threshold),
    );
    gap(score < PASS, format!("score {score} of the {PASS} micro-nats that pass"));
    gap(targets < demand.targets, format!("{targets} distinct targets of the {} needed", demand.targets));
    gap(days < demand.days, format!("{days} distinct days of the {} needed", demand.days));
    gap(
        neutral * 100 > (total + neutral) * MOST_NEUTRAL,
        format!("{neutral} of {} outcomes are unknown, more than {MOST_NEUTRAL} %", total + neutral),
    );
    gap(
        in_flight >= standing.exposure_cap(),
        format!("{in_flight} unattended merges wait for their outcome, at most {} may", standing.exposure_cap()),
    );
    gaps
}

#[cfg(test)]
mod tests;
