//! How often we may ask, and how much we may make.
//!
//! Must not wait: it says until when, and nothing is sent before.

use crate::domain::ids::Time;
use crate::forge::ForgeError;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Writes a minute; the limit of GitHub is 80, GitLab's are set by its administrators and are larger.
const MINUTE: usize = 60;
/// Writes an hour; the limit of GitHub is 500.
const HOUR: usize = 400;

/// What may be sent to one repository now.
#[derive(Default)]
pub(super) struct Bucket(Mutex<State>);

#[derive(Default)]
struct State {
    closed: Option<Time>,
    writes: VecDeque<Time>,
}

impl Bucket {
    /// Whether a request may be sent now; a write is counted.
    pub(super) fn admit(&self, write: bool, now: Time) -> Result<(), ForgeError> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = state.closed {
            if now < until {
                return Err(ForgeError::RateLimited(until));
            }
            state.closed = None;
        }
        if !write {
            return Ok(());
        }
        let hour = now.plus_seconds(-3_600);
        while state.writes.front().is_some_and(|at| *at <= hour) {
            state.writes.pop_front();
        }
        let minute = state.writes.iter().rev().nth(MINUTE - 1).map(|at| at.plus_seconds(60)).filter(|at| *at > now);
        let hour = state.writes.iter().rev().nth(HOUR - 1).map(|at| at.plus_seconds(3_600));
        match minute.max(hour) {
            Some(until) => Err(ForgeError::RateLimited(until)),
            None => {
                state.writes.push_back(now);
                Ok(())
            }
        }
    }

    /// The forge wants to hear nothing before this moment.
    pub(super) fn close(&self, until: Time) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed = state.closed.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f79_writes_stay_below_the_forges_limits() {
        let (bucket, start) = (Bucket::default(), Time::default().plus_seconds(1_000_000));
        let (mut sent, mut now) = (Vec::new(), start);
        for _ in 0..2_000 {
            match bucket.admit(true, now) {
                Ok(()) => sent.push(now),
                Err(ForgeError::RateLimited(until)) => {
                    assert!(until > now);
                    now = until;
                }
                Err(other) => panic!("{other}"),
            }
            assert_eq!(bucket.admit(false, now), Ok(()), "reading goes on");
        }
        for (n, at) in sent.iter().enumerate() {
            let within = |seconds| sent[n..].iter().take_while(|other| **other < at.plus_seconds(seconds)).count();
            assert!(within(60) <= 60 && within(3_600) <= 400);
        }
        assert!(sent.len() > 1_500, "{}", sent.len());
    }

    #[test]
    fn f77_nothing_is_sent_while_the_forge_limits() {
        let (bucket, now) = (Bucket::default(), Time::default().plus_seconds(1_000));
        bucket.close(now.plus_seconds(60));
        bucket.close(now.plus_seconds(30));
        assert_eq!(bucket.admit(false, now.plus_seconds(59)), Err(ForgeError::RateLimited(now.plus_seconds(60))));
        assert_eq!(bucket.admit(false, now.plus_seconds(60)), Ok(()));
    }
}
