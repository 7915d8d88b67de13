//! The end of whoever asks, at a request that is chosen: before anything comes of it, or after, before the answer.

use super::faults::Act;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// On which side of the effect the end comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

#[derive(Clone, Default)]
pub struct Doom {
    requests: Arc<AtomicU64>,
    plan: Arc<Mutex<Option<(u64, Side, Act)>>>,
}

impl Doom {
    /// At the `n`-th request from now this is done, which ends whoever asked; there is no answer.
    pub fn set(&self, n: u64, side: Side, end: Act) {
        self.requests.store(0, Ordering::SeqCst);
        *self.plan.lock().unwrap() = Some((n, side, end));
    }

    /// Requests since the count began.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Begins to count anew.
    pub fn clear(&self) {
        self.requests.store(0, Ordering::SeqCst);
        *self.plan.lock().unwrap() = None;
    }

    pub(super) fn count(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Whether the end is now; it has come when this returns.
    pub(super) async fn strikes(&self, n: u64, side: Side) -> bool {
        let due = {
            let mut plan = self.plan.lock().unwrap();
            if plan.as_ref().is_some_and(|(at, on, _)| (*at, *on) == (n, side)) { plan.take() } else { None }
        };
        match due {
            Some((.., end)) => {
                end().await;
                true
            }
            None => false,
        }
    }
}
