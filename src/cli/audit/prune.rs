//! `audit prune`: the oldest entries go, with an entry that says so, and their roots stay.
//!
//! Must not prune what a hold, a proposal that is not over, or a sink that lags still needs.

use super::redact::{ON_HOLD, Order, Survey, on_hold, survey};
use crate::app::system_clock;
use crate::cli::paint::{Ink, paint, wanted};
use crate::cli::{Output, Status, print_json};
use crate::config::Settings;
use crate::domain::audit::{Decision, Leaf};
use crate::domain::ids::{TenantId, Time};
use crate::store::{BLOCK, Store};
use serde_json::json;
use std::io::Write;

/// How many entries are read at once.
const BATCH: u32 = 500;

/// Which entries go.
pub(super) enum Until {
    /// Those before this one.
    Entry(u64),
    /// Those older than this many days, as many whole blocks of them as may go.
    OlderThan(u32),
}

pub(super) async fn prune(
    store: &Store,
    settings: &Settings,
    tenant: &TenantId,
    until: Until,
    order: &Order,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    order.check(2)?;
    let now = system_clock()();
    let Survey { held, size, .. } = survey(store, tenant, Time(i64::MIN)).await?;
    if held {
        let event = order.event("prune.refused", Decision::Refuse, json!(null));
        store.append(tenant, &[on_hold(event)], now).await?;
        return crate::cli::remote::refused(ON_HOLD, output, out);
    }
    let first = store.head(tenant).await?.first;
    let waits = waits(store, settings, tenant).await?;
    let before = match until {
        Until::Entry(before) => {
            if let Some((name, next)) = waits.filter(|(_, next)| *next < before) {
                anyhow::bail!("the sink `{name}` has not got entry {next} yet: prune when it has, or take it out");
            }
            before
        }
        Until::OlderThan(days) => {
            let young = young(store, tenant, now.plus_seconds(-i64::from(days) * 86_400)).await?;
            let most = waits.map_or(u64::MAX, |(_, next)| next).min(store.prunable(tenant).await?);
            young.min(most) / BLOCK * BLOCK
        }
    };
    if matches!(until, Until::OlderThan(_)) && before <= first {
        return said(first, None, output, out);
    }
    let event = order.event("log.pruned", Decision::Note, json!({"before": before}));
    let by = store.prune(tenant, before, event, size, now).await?;
    said(before, Some(by), output, out)
}

/// The sink of this tenant that lags most, and the entry it gets next.
async fn waits(store: &Store, settings: &Settings, tenant: &TenantId) -> anyhow::Result<Option<(String, u64)>> {
    let listed = settings.tenant(tenant).map(|tenant| tenant.sinks.as_slice()).unwrap_or_default();
    let cursors = store.cursors(tenant).await?;
    let ours = cursors.into_iter().filter(|it| listed.iter().any(|sink| sink.name == it.name));
    Ok(ours.map(|cursor| (cursor.name, cursor.next)).min_by_key(|(_, next)| *next))
}

/// The first entry that is not older than a moment.
async fn young(store: &Store, tenant: &TenantId, before: Time) -> anyhow::Result<u64> {
    let mut next = 0;
    loop {
        let leaves = store.leaves(tenant, next, BATCH).await?;
        let Some(last) = leaves.last() else { return Ok(next) };
        for stored in &leaves {
            let leaf: Leaf = serde_json::from_slice(&stored.bytes)?;
            if leaf.time_us >= before.0 {
                return Ok(stored.seq);
            }
        }
        next = last.seq + 1;
    }
}

fn said(before: u64, by: Option<u64>, output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    match (output, by) {
        (Output::Json, by) => print_json(out, &json!({"before": before, "by": by}))?,
        (Output::Text, Some(by)) => {
            let words = "the entries before";
            writeln!(out, "{} {words} {before}, as entry {by} says", paint(wanted(), Ink::Good, "pruned:"))?;
        }
        (Output::Text, None) => writeln!(out, "nothing to prune: whole blocks of {BLOCK} entries go, or none")?,
    }
    Ok(Status::Done)
}
