//! How long the worker's loop waits, and what it says of a database that does not answer.
//!
//! Must not say the same thing at every attempt.

use crate::domain::ids::Time;
use crate::store::StoreError;
use std::time::Duration;
use tracing::{info, warn};

/// The longest wait between two attempts at a database that does not answer.
const LONGEST: Duration = Duration::from_secs(30);

/// How the loop waits.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The longest sleep when nothing is due and nobody would ring.
    pub idle: Duration,
    /// The longest sleep when other processes ring.
    pub quiet: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { idle: Duration::from_millis(500), quiet: Duration::from_secs(10) }
    }
}

impl Pace {
    /// How long to sleep; `next` is when the next proposal is due, where that is known.
    pub(super) fn pause(&self, rings: bool, now: Time, next: Option<Time>) -> Duration {
        if !rings {
            return self.idle;
        }
        let until = next.map_or(i64::MAX, |next| next.0.saturating_sub(now.0));
        // Never at once: what is due and cannot be claimed is somebody else's.
        let until = Duration::from_micros(u64::try_from(until).unwrap_or_default()).max(Duration::from_millis(50));
        until.min(self.quiet)
    }
}

/// Whether the database answers, and since how many attempts it does not.
#[derive(Debug, Default)]
pub(super) struct Health {
    attempts: u32,
    said: Option<String>,
}

impl Health {
    /// Whether the last attempt went well.
    pub(super) fn is_well(&self) -> bool {
        self.attempts == 0
    }

    /// It answers; said once, after it did not.
    pub(super) fn answers(&mut self) {
        if self.attempts > 0 {
            info!(attempts = self.attempts, "the database answers again");
        }
        *self = Health::default();
    }

    /// It does not; said when the reason is a new one. How long to wait.
    pub(super) fn fails(&mut self, error: &StoreError, pace: &Pace) -> Duration {
        let text = error.to_string();
        if self.said.as_ref() != Some(&text) {
            warn!(error = %text, "the database does not answer; trying again, less and less often");
            self.said = Some(text);
        }
        let pause = pace.idle.saturating_mul(1 << self.attempts.min(10)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        pause
    }

    /// What was said last.
    #[cfg(test)]
    fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_fails_is_asked_less_and_less_often_and_named_once_for_each_reason() {
        let (mut health, pace) = (Health::default(), Pace::default());
        let gone = StoreError::Unreachable("no route".into());
        let waits: Vec<u64> = (0..9).map(|_| health.fails(&gone, &pace).as_millis() as u64).collect();
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
        let first = health.said().map(str::to_owned);
        health.fails(&StoreError::Busy, &pace);
        assert_ne!(health.said().map(str::to_owned), first, "another reason is said");
        assert!(!health.is_well());
        health.answers();
        assert!(health.is_well() && health.said().is_none());
        assert_eq!(health.fails(&gone, &pace), pace.idle, "it begins anew");
    }

    #[test]
    fn the_loop_sleeps_until_the_next_is_due_where_others_ring() {
        let (pace, now) = (Pace::default(), Time(1_000_000_000));
        assert_eq!(pace.pause(false, now, Some(now.plus_seconds(3))), pace.idle);
        assert_eq!(pace.pause(true, now, Some(now.plus_seconds(3))), Duration::from_secs(3));
        assert_eq!(pace.pause(true, now, Some(now.plus_seconds(3_600))), pace.quiet);
        assert_eq!(pace.pause(true, now, None), pace.quiet);
        assert_eq!(pace.pause(true, now, Some(now.plus_seconds(-5))), Duration::from_millis(50));
    }
}
