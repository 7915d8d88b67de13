//! Fetches the key sets of approvers, at the start and every few minutes.
//!
//! Must not stop a start: approvals that cannot be verified wait until they can.

use crate::config::{MOST_KEY_SET, Roster, STALE};
use crate::domain::attest::KeyId;
use crate::domain::ids::Clock;
use crate::forge::fetch::fetch;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often a set is fetched: a key that was withdrawn counts that long.
const PACE: Duration = Duration::from_secs(300);
/// How soon it is tried again where a set could not be had.
const AGAIN: Duration = Duration::from_secs(30);

/// What came of looking at one address.
#[derive(Debug)]
pub struct Looked {
    /// The address.
    pub url: String,
    /// What is wrong, in a sentence each.
    pub faults: Vec<String>,
    /// Whether the set was had.
    pub had: bool,
}

/// Fetches every set once, side by side.
pub async fn look(roster: &Roster, clock: &Clock) -> Vec<Looked> {
    let mut all = JoinSet::new();
    for url in roster.addresses() {
        let (url, roster, clock) = (url.to_owned(), roster.clone(), clock.clone());
        all.spawn(async move { look_at(url, &roster, &clock).await });
    }
    all.join_all().await
}

async fn look_at(url: String, roster: &Roster, clock: &Clock) -> Looked {
    let taken = match fetch(&url, MOST_KEY_SET).await {
        Ok(set) => roster.take(&url, &set, clock()),
        Err(reason) => Err(reason),
    };
    let missing = |(id, kid): (String, KeyId)| {
        format!("the key {kid} of approver `{id}` is not in the set: it does not count until it is")
    };
    match taken {
        Ok(gone) => Looked { url, faults: gone.into_iter().map(missing).collect(), had: true },
        Err(reason) => Looked { url, faults: vec![reason], had: false },
    }
}

/// Fetches them at their pace until the service ends; what is wrong is said once, until it changes.
pub(super) async fn keep(roster: Roster, clock: Clock, stop: CancellationToken) {
    let mut said = Vec::new();
    while !stop.is_cancelled() && !roster.addresses().is_empty() {
        let looked = look(&roster, &clock).await;
        let all_had = looked.iter().all(|looked| looked.had);
        let faults: Vec<(String, String)> =
            looked.into_iter().flat_map(|l| l.faults.into_iter().map(move |fault| (l.url.clone(), fault))).collect();
        for (url, fault) in faults.iter().filter(|fault| !said.contains(*fault)) {
            warn!(url, limit_s = STALE, "a key set of approvers: {fault}");
        }
        said = faults;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(if all_had { PACE } else { AGAIN }) => {}
        }
    }
}
