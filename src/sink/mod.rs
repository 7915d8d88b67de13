//! Copies of tenants' logs elsewhere: files, Loki, OpenTelemetry. They lag, and never hold anything up.
//!
//! Must not write to a log, skip an entry, or give one tenant's sink an entry of another; what a decision does never
//! waits for this room.

mod checkpoint;
mod deliver;
mod file;
mod form;
mod push;
mod trouble;

pub use checkpoint::{Kept, keep_checkpoint, read as read_checkpoint, write as write_checkpoint};

use crate::config::{Beginning, Settings, SinkKind};
use crate::domain::attest::Signer;
use crate::domain::ids::{Clock, TenantId};
use crate::store::{Result, Store};
use push::{Protocol, Push};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often the cursors are looked at; one read for each tenant that has sinks.
const PACE: Duration = Duration::from_secs(1);
/// How long a delivery that is under way may take when the service ends.
const PARTING: Duration = Duration::from_secs(5);

/// One copy of one tenant's log.
#[derive(Debug)]
struct Sink {
    tenant: TenantId,
    name: String,
    payloads: bool,
    checkpoint: Option<PathBuf>,
    place: Place,
}

/// Where a copy goes.
#[derive(Debug)]
enum Place {
    File(Arc<file::File>),
    Push(Box<Push>),
}

/// Every sink of the settings.
#[derive(Clone)]
pub struct Sinks {
    store: Store,
    clock: Clock,
    signer: Signer,
    owner: Arc<str>,
    all: Arc<Vec<Arc<Sink>>>,
    hint: Arc<Notify>,
}

impl Sinks {
    /// The sinks that the settings name; each cursor is made where there is none.
    ///
    /// `owner` is this process: of several on one database only one brings a sink further at a time.
    pub async fn open(
        settings: &Settings,
        store: &Store,
        clock: &Clock,
        signer: &Signer,
        owner: &str,
    ) -> anyhow::Result<Sinks> {
        let mut all = Vec::new();
        for tenant in &settings.tenants {
            for listed in &tenant.sinks {
                let pushed = |protocol| {
                    let push = Push::of(listed, protocol, &settings.instance, &tenant.id)?;
                    anyhow::Ok(Place::Push(Box::new(push)))
                };
                let place = match listed.kind {
                    SinkKind::File => Place::File(Arc::new(file::File::of(listed)?)),
                    SinkKind::Loki => pushed(Protocol::Loki)?,
                    SinkKind::Otlp => pushed(Protocol::Otlp)?,
                };
                let behind = listed.from == Beginning::Now;
                store.ensure_sink(&tenant.id, &listed.name, behind, clock()).await?;
                all.push(Arc::new(Sink {
                    tenant: tenant.id.clone(),
                    name: listed.name.clone(),
                    payloads: listed.payloads,
                    checkpoint: listed.checkpoint_file.clone(),
                    place,
                }));
            }
        }
        let (store, clock, signer, hint) = (store.clone(), clock.clone(), signer.clone(), Arc::default());
        Ok(Sinks { store, clock, signer, owner: owner.into(), all: Arc::new(all), hint })
    }

    /// Looks now and not at the next beat; files are opened anew for every batch anyway.
    pub fn look(&self) {
        self.hint.notify_one();
    }

    /// Brings copies further until it is told to stop; each by itself, so that one that hangs holds up no other.
    pub async fn run(self, stop: CancellationToken) {
        let mut running: BTreeMap<(TenantId, String), JoinHandle<()>> = BTreeMap::new();
        let mut well = true;
        while !stop.is_cancelled() {
            running.retain(|_, task| !task.is_finished());
            match self.due().await {
                Ok(due) => {
                    well = true;
                    for sink in due {
                        let key = (sink.tenant.clone(), sink.name.clone());
                        let (sinks, stop) = (self.clone(), stop.clone());
                        running
                            .entry(key)
                            .or_insert_with(|| tokio::spawn(async move { sinks.deliver(&sink, &stop).await }));
                    }
                }
                // Said once, not every second: the worker says so as well.
                Err(error) if well => {
                    warn!(%error, "the cursors of sinks cannot be read; trying again");
                    well = false;
                }
                Err(_) => {}
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(PACE) => {}
                () = self.hint.notified() => {}
            }
        }
        for (_, mut task) in running {
            if tokio::time::timeout(PARTING, &mut task).await.is_err() {
                // What was delivered and not written down is delivered again.
                task.abort();
            }
        }
    }

    /// Brings every copy as far as it goes now, one after the other; how many could be brought further.
    pub async fn settle(&self) -> Result<usize> {
        let due = self.due().await?;
        for sink in &due {
            self.deliver(sink, &CancellationToken::new()).await;
        }
        Ok(due.len())
    }

    /// The sinks of these settings that lag and may be brought further now.
    async fn due(&self) -> Result<Vec<Arc<Sink>>> {
        let (mut cursors, now) = (Vec::new(), (self.clock)());
        let tenants: BTreeSet<&TenantId> = self.all.iter().map(|sink| &sink.tenant).collect();
        for tenant in tenants {
            cursors.extend(self.store.cursors(tenant).await?);
        }
        let ours = |sink: &&Arc<Sink>| {
            let of = |cursor: &&crate::store::Cursor| cursor.tenant == sink.tenant && cursor.name == sink.name;
            cursors.iter().find(of).is_some_and(|cursor| cursor.is_due(now))
        };
        Ok(self.all.iter().filter(ours).cloned().collect())
    }
}

#[cfg(test)]
mod tests;
