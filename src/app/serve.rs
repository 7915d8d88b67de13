//! What runs while the service runs: the listener, the worker, and what looks around beside them.
//!
//! Must not decide anything: each part does its own, and all of them end together.

use super::Parts;
use super::keysets::keep;
use crate::config::random;
use crate::domain::ids::Clock;
use crate::engine::Pace;
use crate::forge::github::App;
use crate::sink::Sinks;
use crate::store::Store;
use crate::web;
use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Asks once an hour for the deliveries that did not arrive, at the start for those of GitHub's whole three days.
async fn redeliver(apps: Vec<Arc<App>>, clock: Clock, stop: CancellationToken) {
    let mut back = 3 * 86_400;
    while !stop.is_cancelled() && !apps.is_empty() {
        for app in &apps {
            match app.redeliver(clock().plus_seconds(-back)).await {
                Ok(0) => {}
                Ok(count) => info!(count, "asked GitHub for deliveries that did not arrive"),
                Err(error) => warn!(%error, "GitHub's deliveries could not be looked at"),
            }
        }
        back = 2 * 3_600;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(3_600)) => {}
        }
    }
}

/// Writes down now and then what every tenant's log came to, in the log over all of them.
async fn remember(store: Store, clock: Clock, stop: CancellationToken) {
    let mut last = BTreeMap::new();
    while !stop.is_cancelled() {
        let done = match random() {
            Ok(key) => store.remember(&mut last, key, clock()).await.map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            warn!("what the tenants' logs came to could not be written down: {error:#}");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(600)) => {}
        }
    }
}

/// A hangup means that files were moved: copies are looked at, and nothing ends.
async fn hear(sinks: Sinks, stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            heard = hangup.recv() => match heard {
                Some(()) => sinks.look(),
                None => return,
            },
        }
    }
}

/// Serves until it is told to stop; the turn under way ends first.
pub async fn serve(parts: Parts, stop: CancellationToken) -> anyhow::Result<()> {
    let metrics = PrometheusBuilder::new().install_recorder().context("the metrics cannot be set up")?;
    let listen = &parts.settings.listen;
    let listener = tokio::net::TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}: free the port or set `listen` to another"))?;
    info!(address = %listener.local_addr()?, instance = %parts.settings.instance, "listening");
    let site = site(&parts, metrics, &stop);
    let name = format!("{}/{}", parts.settings.instance, std::process::id());
    let worker = tokio::spawn({
        // However the worker ends, the service ends with it: a supervisor sees that, and starts it anew.
        let (worker, stop, ends) = (parts.worker(&name), stop.clone(), stop.clone().drop_guard());
        async move {
            let _ends = ends;
            worker.run(Pace::default(), stop).await;
        }
    });
    tokio::spawn(keep(parts.roster.clone(), parts.clock.clone(), stop.clone()));
    tokio::spawn(redeliver(parts.apps.clone(), parts.clock.clone(), stop.clone()));
    tokio::spawn(remember(parts.store.clone(), parts.clock.clone(), stop.clone()));
    let sinks = parts.sinks(&name).await?;
    tokio::spawn(hear(sinks.clone(), stop.clone()));
    let sinks = tokio::spawn(sinks.run(stop.clone()));
    let served = axum::serve(listener, web::router(site)).with_graceful_shutdown({
        let stop = stop.clone();
        async move { stop.cancelled().await }
    });
    let served = served.await.context("the listener failed");
    stop.cancel();
    let waited = tokio::time::timeout(Duration::from_secs(30), worker).await;
    if tokio::time::timeout(Duration::from_secs(10), sinks).await.is_err() {
        warn!("a sink was left behind; it goes on after the start");
    }
    parts.store.close().await;
    waited
        .context("the last turn did not end within 30 s; it will be taken again after the start")?
        .context("the worker failed")?;
    info!("stopped");
    served
}

/// The HTTP surface over these parts; not ready any more once it is told to stop.
fn site(parts: &Parts, metrics: PrometheusHandle, stop: &CancellationToken) -> web::Site {
    let stop = stop.clone();
    web::Site {
        store: parts.store.clone(),
        settings: parts.settings.clone(),
        clock: parts.clock.clone(),
        keys: parts.keys.set.clone(),
        log_signer: parts.keys.log.clone(),
        keyset: parts.keys.published.clone(),
        roster: parts.roster.clone(),
        metrics,
        ready: Arc::new(move || !stop.is_cancelled()),
    }
}
