//! A turn that takes longer than its lease: it is held as long as it takes, and broken off where it is lost.

use crate::documents::image;
use crate::world::World;
use countersign::forge::local::FaultKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const STORY: &str = "received / pushed / opened / attested / waits: checks.missing";
/// Longer than the worker waits before it looks at its lease.
const LOOK: Duration = Duration::from_millis(1_300);

#[tokio::test]
async fn a_turn_that_takes_long_keeps_its_lease() {
    let w = World::start().await;
    let (store, clock, claims) = (w.stage.parts.store.clone(), w.stage.clock.clone(), Arc::new(AtomicU64::new(0)));
    let seen = claims.clone();
    let slow = FaultKind::meanwhile(move || {
        let (store, clock, seen) = (store.clone(), clock.clone(), seen.clone());
        async move {
            for _ in 0..3 {
                clock.advance(100);
                tokio::time::sleep(LOOK).await;
                assert_eq!(store.claim(clock.now(), 120, "another").await.unwrap(), None, "it is held");
                seen.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    w.fault("open", slow);
    let id = w.propose(&image("web", "staging", "2.0")).await;
    assert_eq!(claims.load(Ordering::SeqCst), 3, "five minutes, and a lease of two");
    w.expect(&id, STORY).await;
    assert_eq!(w.asked("open"), 1);
    w.finish().await;
}

#[tokio::test]
async fn a_turn_that_lost_its_lease_is_broken_off() {
    let w = World::start().await;
    let (store, clock) = (w.stage.parts.store.clone(), w.stage.clock.clone());
    let (claims, ends) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (seen, ended) = (claims.clone(), ends.clone());
    let lost = FaultKind::meanwhile(move || {
        let (store, clock, seen, ended) = (store.clone(), clock.clone(), seen.clone(), ended.clone());
        async move {
            clock.advance(121);
            let other = store.claim(clock.now(), 120, "another").await.unwrap();
            seen.fetch_add(u64::from(other.is_some()), Ordering::SeqCst);
            tokio::time::sleep(LOOK * 3).await;
            ended.fetch_add(1, Ordering::SeqCst);
        }
    });
    w.fault("open", lost);
    let id = w.propose(&image("web", "staging", "2.0")).await;
    assert_eq!((claims.load(Ordering::SeqCst), ends.load(Ordering::SeqCst)), (1, 0), "another has it");
    w.expect(&id, "received / pushed").await;
    assert!(w.pulls().await.is_empty(), "nothing was opened by the one who lost it");
    w.later(121).await;
    w.expect(&id, STORY).await;
    assert_eq!(w.pulls().await.len(), 1);
    w.finish_after_failures().await;
}
