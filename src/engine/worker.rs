//! The loop: claim what is due, take its turn, say when to look again; hints and failures are never lost.

use super::pause::{Health, Pace};
use super::{Engine, Trouble, Turn};
use crate::domain::ids::Time;
use crate::forge::ForgeError;
use crate::forge::hook::{Hint, Look};
use crate::store::{Claim, StoreError, WakeBy};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, info, info_span, warn};

/// How long a claim lasts, seconds.
const LEASE: i64 = 120;

/// How often a turn's lease is looked at while the turn goes on.
const LOOK: Duration = Duration::from_secs(1);

/// How long the ids of deliveries are remembered, seconds: longer than any forge sends one again.
const REMEMBERED: i64 = 30 * 86_400;

/// Seconds between two times that old deliveries are let go.
const FORGET_EVERY: i64 = 3_600;

/// Takes turns.
#[derive(Clone)]
pub struct Worker {
    engine: Engine,
    name: String,
    forgot: Arc<AtomicI64>,
}

impl Worker {
    /// A worker of this name; two workers never have the same proposal.
    pub fn new(engine: Engine, name: impl Into<String>) -> Worker {
        Worker { engine, name: name.into(), forgot: Arc::default() }
    }

    /// Takes turns until nothing is due; gives how many.
    pub async fn until_idle(&self) -> Result<u64, StoreError> {
        let mut turns = 0;
        loop {
            self.take_hints().await?;
            match self.step().await? {
                true => turns += 1,
                false => return Ok(turns),
            }
        }
    }

    /// Takes turns until it is told to stop; the turn that is under way ends first.
    pub async fn run(&self, pace: Pace, stop: CancellationToken) {
        let store = &self.engine.store;
        let (mut bell, mut health) = (store.bell(), Health::default());
        while !stop.is_cancelled() {
            let busy = match self.take_hints().await {
                Ok(()) => self.step().await,
                Err(error) => Err(error),
            };
            let pause = match busy {
                Ok(worked) => {
                    health.answers();
                    if worked {
                        continue;
                    }
                    let now = (self.engine.clock)();
                    let next = if bell.is_live() { store.next_due().await.unwrap_or_default() } else { None };
                    pace.pause(bell.is_live(), now, next)
                }
                Err(error) => health.fails(&error, &pace),
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                () = bell.rung(), if health.is_well() => {}
            }
        }
    }

    /// Takes one turn; false when nothing is due.
    pub async fn step(&self) -> Result<bool, StoreError> {
        let store = &self.engine.store;
        let now = (self.engine.clock)();
        let Some(claim) = store.claim(now, LEASE, &self.name).await? else { return Ok(false) };
        let span = info_span!("turn", proposal = %claim.id, tenant = %claim.tenant);
        let started = std::time::Instant::now();
        let (engine, mine) = (self.engine.clone(), claim.clone());
        // A turn that panics is a turn that failed; the worker goes on.
        let turn = tokio::spawn(async move { engine.turn(&mine).await }.instrument(span.clone()));
        let result = self.held(&claim, turn, now).await;
        metrics::histogram!("countersign_turn_duration_seconds").record(started.elapsed().as_secs_f64());
        // A span that is entered by hand stays entered on a thread that others use while this one waits.
        self.settle(&claim, result, now).instrument(span).await.map(|()| true)
    }

    /// Waits for a turn, and holds its lease as long as it takes. One whose lease somebody else has is broken off.
    async fn held(
        &self,
        claim: &Claim,
        mut turn: JoinHandle<Result<Turn, Trouble>>,
        mut since: Time,
    ) -> Result<Turn, Trouble> {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                done = &mut turn => return done.unwrap_or(Err(Trouble::Program("the turn broke off"))),
                _ = look.tick() => {}
            }
            let now = (self.engine.clock)();
            if now < since.plus_seconds(LEASE / 3) {
                continue;
            }
            match self.engine.store.renew(claim, LEASE, now).await {
                Ok(()) => since = now,
                Err(StoreError::Conflict(_)) => {
                    turn.abort();
                    let _ = turn.await;
                    return Err(Trouble::Program("the turn took so long that another worker has the proposal"));
                }
                Err(error) => warn!(%error, proposal = %claim.id, "the lease could not be held longer; trying again"),
            }
        }
    }

    /// Writes down what a turn came to, and when to look again.
    async fn settle(&self, claim: &Claim, result: Result<Turn, Trouble>, now: Time) -> Result<(), StoreError> {
        let store = &self.engine.store;
        match result {
            Ok(turn) => {
                note(&turn);
                match turn.due {
                    None if turn.is_over() => store.rest(claim).await,
                    due => store.release(claim, due).await,
                }
            }
            Err(Trouble::Forge(ForgeError::RateLimited(until))) => {
                info!(%until, "the forge limits our rate");
                store.release(claim, Some(until)).await
            }
            // Somebody reported or approved while the turn went on; nothing is wrong.
            Err(trouble @ Trouble::Store(StoreError::Conflict(_))) => {
                let again = store.outrun(claim, &trouble.to_string(), now).await?;
                info!(%trouble, attempts = claim.attempts + 1, %again, "the turn was outrun");
                Ok(())
            }
            Err(trouble) => {
                let again = store.fail(claim, &trouble.to_string(), now).await?;
                warn!(%trouble, attempts = claim.attempts + 1, %again, "the turn failed");
                Ok(())
            }
        }
    }

    /// Turns stored webhook deliveries into looks at their pull requests.
    async fn take_hints(&self) -> Result<(), StoreError> {
        let store = &self.engine.store;
        for delivery in store.pending_deliveries(100).await? {
            let now: Time = (self.engine.clock)();
            let (tenant, repository) = (&delivery.tenant, delivery.repository.as_str());
            match Hint::look(&delivery.body) {
                Look::Pull(number) => {
                    let woken = store.wake(tenant, WakeBy::Pull { repository, number }, now).await?;
                    // A pull request that is none of ours may change the config.
                    if woken == 0 {
                        self.engine.review(tenant, repository, number).await;
                    }
                    woken
                }
                Look::Comment(number) => store.rouse(tenant, repository, number, now).await?,
                Look::Everywhere => store.wake(tenant, WakeBy::Repository(repository), now).await?,
                Look::Nowhere => 0,
            };
            store.delivered(&delivery, now).await?;
        }
        self.forget().await
    }

    /// Lets go, now and then, of deliveries that no forge sends again.
    async fn forget(&self) -> Result<(), StoreError> {
        let now: Time = (self.engine.clock)();
        if self.forgot.load(Ordering::Relaxed) > now.plus_seconds(-FORGET_EVERY).0 {
            return Ok(());
        }
        self.forgot.store(now.0, Ordering::Relaxed);
        self.engine.store.forget_deliveries(now.plus_seconds(-REMEMBERED)).await.map(|_| ())
    }
}

fn note(turn: &Turn) {
    use crate::domain::lifecycle::Action;
    let name = match &turn.action {
        Action::Wait(_) => return,
        Action::Drop(_) => "drop",
        Action::Push(_) => "push",
        Action::OpenPull => "open",
        Action::Attest(_) => "attest",
        Action::Report => "report",
        Action::HandOver(_) => "hand over",
        Action::Merge(_) => "merge",
        Action::Land(_) => "land",
        Action::Settle(..) => "settle",
        Action::Revert(_) => "revert",
        Action::NoRevert(_) => "no revert",
        Action::Answer(_) => "answer",
    };
    info!(action = name, stage = turn.record.stage.name(), code = %turn.verdict.code, "{}", turn.verdict.sentence);
}
