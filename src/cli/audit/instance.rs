//! `audit instance`: the log over all tenants' logs, compared with the logs that are there.
//!
//! Must not call a log unharmed that is shorter than it was, or whose beginning is another one.

use crate::cli::paint::{Ink, paint, wanted};
use crate::cli::{Output, Status, print_json};
use crate::domain::audit::{Broken, Checkpoint, Entry, Mode, Verifier, Want};
use crate::domain::ids::{Digest, TenantId};
use crate::store::{Store, StoreError};
use crate::web::Export;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;

/// What was written down of a tenant's log once.
#[derive(Clone, Debug, Deserialize)]
struct Seen {
    tenant: TenantId,
    size: u64,
    root: Digest,
    /// The entry that says so.
    #[serde(default)]
    index: u64,
}

/// How one log stands against what was written down of it.
#[derive(Debug, Serialize)]
struct Compared {
    tenant: TenantId,
    /// The size that was written down.
    recorded: u64,
    /// The size now; none when the log is gone.
    size: Option<u64>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

pub(super) async fn check(
    store: &Store,
    kept: Option<Result<Checkpoint, String>>,
    output: Output,
    out: &mut dyn Write,
) -> anyhow::Result<Status> {
    let told = match kept.transpose() {
        Ok(kept) => walk(store, kept).await?,
        Err(reason) => Err(Broken::whole(reason)),
    };
    let (mode, seen) = match told {
        Ok(told) => told,
        Err(broken) => {
            match output {
                Output::Json => print_json(out, &json!({"verified": false, "reason": broken.to_string()}))?,
                Output::Text => {
                    writeln!(out, "{} the log over all tenants: {broken}", paint(wanted(), Ink::Bad, "not proven:"))?
                }
            }
            return Ok(Status::NotProven);
        }
    };
    let mut all = Vec::new();
    for (tenant, records) in &seen {
        all.push(compare(store, tenant, records).await?);
    }
    answer(mode, &all, output, out)
}

/// By tenant, everything that was written down of its log since one was erased.
type Records = BTreeMap<TenantId, Vec<Seen>>;

/// Walks the log over all others.
async fn walk(store: &Store, kept: Option<Checkpoint>) -> anyhow::Result<Result<(Mode, Records), Broken>> {
    let instance = Store::instance_log()?;
    let mut export = match Export::begin(store, &instance).await {
        Err(StoreError::NotFound(_)) => {
            anyhow::bail!("there is no log over all tenants yet: the service writes it while it runs")
        }
        other => other?,
    };
    let mut verifier = match Verifier::new(export.manifest(), Want { kept, own: false }) {
        Ok(verifier) => verifier,
        Err(broken) => return Ok(Err(broken)),
    };
    let mut seen = BTreeMap::new();
    while let Some(entries) = export.batch().await? {
        for entry in entries {
            if let Err(broken) = verifier.line(&serde_json::to_string(&entry)?) {
                return Ok(Err(broken));
            }
            take(&entry, &mut seen);
        }
    }
    Ok(verifier.finish().map(|report| (report.mode, seen)))
}

fn take(entry: &Entry, seen: &mut Records) {
    let bytes = entry.payload_b64.as_ref().and_then(|payload| STANDARD.decode(payload).ok());
    let Some(said) = bytes.and_then(|bytes| serde_json::from_slice::<Seen>(&bytes).ok()) else { return };
    let said = Seen { index: entry.index, ..said };
    match entry.leaf.get("type").and_then(serde_json::Value::as_str) {
        Some("tenant.checkpoint") => seen.entry(said.tenant.clone()).or_default().push(said),
        Some("tenant.erased") => drop(seen.remove(&said.tenant)),
        Some(_) | None => {}
    }
}

/// One log against all that was recorded of it, oldest first: a log that was begun anew is recorded as well.
async fn compare(store: &Store, tenant: &TenantId, records: &[Seen]) -> anyhow::Result<Compared> {
    let recorded = records.iter().map(|seen| seen.size).max().unwrap_or_default();
    let told = |size, fault: Option<String>| Compared { tenant: tenant.clone(), recorded, size, fault };
    let head = match store.head(tenant).await {
        Err(StoreError::NotFound(_)) => {
            let by = records.iter().find(|seen| seen.size == recorded).map_or(0, |seen| seen.index);
            let fault = format!("its log is gone: entry {by} recorded {recorded} entries");
            return Ok(told(None, Some(fault)));
        }
        other => other?,
    };
    for Seen { size, root, index, .. } in records {
        let fault = if head.size < *size {
            format!("its log has {} entries, entry {index} recorded {size}: it was set back or begun anew", head.size)
        } else if *size >= head.first && store.root_at(tenant, *size).await? != *root {
            format!("its first {size} entries are not those that entry {index} recorded: it was written anew")
        } else {
            continue;
        };
        return Ok(told(Some(head.size), Some(fault)));
    }
    Ok(told(Some(head.size), None))
}

fn answer(mode: Mode, all: &[Compared], output: Output, out: &mut dyn Write) -> anyhow::Result<Status> {
    let bad: Vec<&Compared> = all.iter().filter(|one| one.fault.is_some()).collect();
    match output {
        Output::Json => print_json(out, &json!({"verified": bad.is_empty(), "mode": mode, "tenants": all}))?,
        Output::Text => {
            for one in &bad {
                let fault = one.fault.as_deref().unwrap_or_default();
                writeln!(out, "{} tenant `{}`: {fault}", paint(wanted(), Ink::Bad, "not proven:"), one.tenant)?;
            }
            let words = match mode {
                Mode::Checkpoint => "consistent with the kept checkpoint",
                Mode::Consistent | Mode::Signed => "internally consistent: keep a checkpoint of it elsewhere",
            };
            let good = all.len() - bad.len();
            writeln!(
                out,
                "{good} of {} tenants' logs hold what was recorded of them; the record is {words}",
                all.len()
            )?;
        }
    }
    Ok(if bad.is_empty() { Status::Done } else { Status::NotProven })
}
