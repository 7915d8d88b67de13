//! Tries a transaction again that lost against another one: a deadlock, a lock or a serialization failure.
//!
//! Must not repeat what may have been committed: only a transaction that was surely rolled back is tried again.

use super::db::PATIENCE;
use super::error::{Result, StoreError};
use std::time::{Duration, Instant};

/// How often in all.
const ATTEMPTS: u32 = 6;
/// The first pause; doubled with each.
const PAUSE: Duration = Duration::from_millis(20);

/// Gives the first answer that is not `Busy`; the last one when there were enough or a caller's patience is over.
pub(super) async fn insist<T, Fut>(attempt: impl Fn() -> Fut) -> Result<T>
where
    Fut: Future<Output = Result<T>>,
{
    within(PATIENCE, attempt).await
}

async fn within<T, Fut>(patience: Duration, attempt: impl Fn() -> Fut) -> Result<T>
where
    Fut: Future<Output = Result<T>>,
{
    let begun = Instant::now();
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            // A lock that was waited for until patience ended is not waited for again.
            Err(StoreError::Busy) if begun.elapsed() < patience => {}
            done => return done,
        }
        metrics::counter!("countersign_store_retries_total").increment(1);
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    async fn tried(fails: u32, with: fn() -> StoreError) -> (u32, bool) {
        let tries = AtomicU32::new(0);
        let done = insist(|| async { if tries.fetch_add(1, Ordering::SeqCst) < fails { Err(with()) } else { Ok(()) } });
        let done = done.await.is_ok();
        (tries.load(Ordering::SeqCst), done)
    }

    #[tokio::test]
    async fn a_lost_lock_is_tried_again_and_not_forever() {
        assert_eq!(tried(0, || StoreError::Busy).await, (1, true));
        assert_eq!(tried(3, || StoreError::Busy).await, (4, true));
        let begun = Instant::now();
        assert_eq!(tried(100, || StoreError::Busy).await, (ATTEMPTS, false));
        // Each pause is twice the one before.
        assert!(begun.elapsed() >= PAUSE * 31, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn what_was_waited_for_until_patience_ended_is_not_tried_again() {
        let tries = AtomicU32::new(0);
        let busy = || async {
            tries.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(StoreError::Busy)
        };
        assert!(matches!(within(Duration::ZERO, busy).await, Err(StoreError::Busy)));
        assert_eq!(tries.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn nothing_else_is_tried_again() {
        let others: [fn() -> StoreError; 3] = [
            || StoreError::Conflict("it".into()),
            || StoreError::Unreachable("gone during the commit".into()),
            || StoreError::Other("full".into()),
        ];
        for other in others {
            assert_eq!(tried(1, other).await, (1, false));
        }
    }
}
