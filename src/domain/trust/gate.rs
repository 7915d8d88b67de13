//! The two gates that counts must pass: Wilson's lower bound in integers, and the score.
//!
//! Must not decide with floating point: the bound is shown to people only.

use super::threshold::Threshold;
use serde::Serialize;

/// z = 49/25, two-sided 95 %.
const Z: (i128, i128) = (49, 25);
/// What a failure takes from the score: ln 5 in micro-nats, rounded up.
pub const FAILURE: i64 = 1_609_438;
/// The most a score can be: ln 40 in micro-nats.
pub const CAP: i64 = 3_688_879;
/// The score that passes: ln 20 in micro-nats, rounded up.
pub const PASS: i64 = 2_995_733;
/// The score that passes when a class began anew too often: ln 40, one chance in forty.
pub const PASS_LATE: i64 = CAP;

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

/// The same with six digits.
pub(super) fn shown_bound(good: u64, total: u64) -> f64 {
    (lower_bound(good, total) * 1e6).round() / 1e6
}

/// Whether Wilson's lower bound reaches the threshold, in integers; overflow and nonsense never do.
pub fn wilson(threshold: Threshold, good: u64, total: u64) -> bool {
    let (s, n) = (i128::from(good), i128::from(total));
    let (a, b) = threshold.parts();
    let reach = || {
        let excess = b.checked_mul(s)?.checked_sub(a.checked_mul(n)?)?;
        let left = (Z.1 * Z.1).checked_mul(excess.checked_mul(excess)?)?;
        let right = (Z.0 * Z.0 * a * (b - a)).checked_mul(n)?;
        Some(excess >= 0 && left >= right)
    };
    total > 0 && good <= total && reach().unwrap_or(false)
}

/// The most failures with which a total passes Wilson's gate; none when not even a clean record does.
pub fn most_failures(threshold: Threshold, total: u64) -> Option<u64> {
    if !wilson(threshold, total, total) {
        return None;
    }
    // The gate falls with each failure: the last number that passes is found by halving.
    let (mut passes, mut fails) = (0, total + 1);
    while fails - passes > 1 {
        let middle = passes + (fails - passes) / 2;
        if wilson(threshold, total - middle, total) { passes = middle } else { fails = middle }
    }
    Some(passes)
}

/// The score after one more outcome that counts.
pub(super) fn score(before: i64, good: bool, success: i64) -> i64 {
    if good { before.saturating_add(success).min(CAP) } else { before.saturating_sub(FAILURE) }
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
        Ok(Bound { lower_bound: shown_bound(good, total), wilson, score, score_pass, unlocked: wilson && score_pass })
    }
}

impl Threshold {
    /// How many clean outcomes in a row pass both gates.
    pub fn clean_outcomes(self) -> u64 {
        let passes = |n: u64| Bound::of(self, n, n).is_ok_and(|bound| bound.unlocked);
        let by_score = u64::try_from(PASS / self.success().max(1)).unwrap_or_default();
        (by_score.max(1)..=10_000).find(|n| passes(*n)).unwrap_or(u64::MAX)
    }
}
