//! One delivery: claim a sink, send what it lacks in order, move its cursor behind what was taken.
//!
//! Must not hold a transaction while it waits for anybody, nor move a cursor before the batch was taken.

use super::trouble::Trouble;
use super::{Place, Sink, Sinks, checkpoint};
use crate::store::{Carry, StoreError, StoredLeaf};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long a sink is leased, seconds: longer than one batch may take.
const LEASE: i64 = 120;
/// The most entries of a batch.
const BATCH: u32 = 200;
/// The most bytes of a batch, leaves and payloads; one entry may have more.
const BYTES: usize = 1 << 20;

impl Sinks {
    /// Brings one copy as far as it goes.
    pub(super) async fn deliver(&self, sink: &Sink, stop: &CancellationToken) {
        let claimed = self.store.carry(&sink.tenant, &sink.name, &self.owner, LEASE, (self.clock)()).await;
        let mut carry = match claimed {
            Ok(Some(carry)) => carry,
            Ok(None) => return,
            Err(error) => return warn!(%error, sink = sink.name, "a sink cannot be claimed; trying again"),
        };
        let failed_before = carry.attempts;
        let ended = match self.send_all(sink, &mut carry, stop).await {
            Ok(()) => {
                if failed_before > 0 {
                    info!(tenant = %sink.tenant, sink = sink.name, "the sink takes entries again");
                }
                self.store.set_down(&carry).await
            }
            Err(Trouble::Lost) => Ok(()),
            Err(Trouble::Later(reason, least)) => self.put_off(sink, &carry, &reason, least).await,
            Err(Trouble::Refused(reason)) => self.put_off(sink, &carry, &reason, 0).await,
        };
        if let Err(error) = ended {
            warn!(%error, sink = sink.name, "a sink's lease could not be ended; it ends by itself");
        }
    }

    async fn put_off(&self, sink: &Sink, carry: &Carry, reason: &str, least: i64) -> Result<(), StoreError> {
        metrics::counter!("countersign_audit_sink_errors_total", "sink" => sink.name.clone()).increment(1);
        let again = self.store.stumble(carry, reason, least, (self.clock)()).await?;
        warn!(tenant = %sink.tenant, sink = sink.name, entry = carry.next, %again, reason, "the sink took nothing");
        Ok(())
    }

    async fn send_all(&self, sink: &Sink, carry: &mut Carry, stop: &CancellationToken) -> Result<(), Trouble> {
        let mut most = BATCH;
        while !stop.is_cancelled() {
            let batch = self.store.leaves(&sink.tenant, carry.next, most).await?;
            let batch = cut(batch);
            let Some(last) = batch.last().map(|leaf| leaf.seq) else { return Ok(()) };
            // A copy that has what the log lost would say that the log was set back.
            self.store.lasts().await?;
            let taken = async {
                match &sink.place {
                    Place::File(file) => self.write(sink, file, &batch).await,
                    Place::Push(push) => push.send(&batch, sink.payloads).await,
                }
            };
            let taken = tokio::select! {
                // Whether it was taken is not known: it is sent again after the start.
                () = stop.cancelled() => return Ok(()),
                taken = taken => taken,
            };
            match taken {
                Err(Trouble::Refused(_)) if batch.len() > 1 => {
                    most = u32::try_from(batch.len() / 2).unwrap_or(1);
                    continue;
                }
                other => other?,
            }
            let (taken, next) = (last.saturating_add(1).saturating_sub(carry.next), last.saturating_add(1));
            self.store.carried(carry, next, LEASE, (self.clock)()).await?;
            metrics::counter!("countersign_audit_sink_entries_total", "sink" => sink.name.clone()).increment(taken);
            if let Some(path) = &sink.checkpoint {
                checkpoint::keep(&self.store, &self.signer, &sink.tenant, next, path).await?;
            }
            most = most.saturating_mul(2).min(BATCH);
        }
        Ok(())
    }
}

/// As many entries as fit, at least one.
fn cut(mut batch: Vec<StoredLeaf>) -> Vec<StoredLeaf> {
    let mut bytes = 0;
    let fits = batch.iter().take_while(|leaf| {
        bytes += leaf.bytes.len() + leaf.payload.as_ref().map_or(0, |(payload, _)| payload.len());
        bytes <= BYTES
    });
    let fits = fits.count().max(1);
    batch.truncate(fits);
    batch
}
