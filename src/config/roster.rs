//! Who may approve now, by tenant: what the settings say, with the keys that were found last at the addresses they name.
//!
//! Must not fetch anything, nor take a key whose thumbprint the settings do not list.

use super::Settings;
use super::approvers::{Listed, read, usable};
use crate::domain::approval::Approvers;
use crate::domain::attest::KeyId;
use crate::domain::ids::{TenantId, Time};
use anyhow::Context as _;
use ed25519_dalek::VerifyingKey;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

/// Seconds after which what was found at an address is too old to count.
pub const STALE: i64 = 3_600;

/// Who may approve; clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Roster(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tenants: BTreeMap<TenantId, Vec<Listed>>,
    found: RwLock<BTreeMap<String, Found>>,
}

/// What was found at an address, and when.
#[derive(Debug)]
struct Found {
    keys: BTreeMap<KeyId, VerifyingKey>,
    at: Time,
}

impl Roster {
    /// Reads the approvers of all tenants.
    pub fn of(settings: &Settings) -> anyhow::Result<Roster> {
        let mut tenants = BTreeMap::new();
        for tenant in &settings.tenants {
            let listed = read(&tenant.approvers).with_context(|| format!("tenant `{}`", tenant.id))?;
            tenants.insert(tenant.id.clone(), listed);
        }
        Ok(Roster(Arc::new(Inner { tenants, found: RwLock::default() })))
    }

    /// Who may approve for a tenant now; nobody of one that is not in the settings.
    pub fn approvers(&self, tenant: &TenantId, now: Time) -> Approvers {
        let found = self.0.found.read().unwrap_or_else(PoisonError::into_inner);
        let listed = self.0.tenants.get(tenant).into_iter().flatten();
        // Ids and keys were found to be distinct when the settings were read, whatever of them is held now.
        Approvers::new(listed.map(|listed| with_keys(listed, &found, now)).collect()).unwrap_or_default()
    }

    /// The addresses that keys are to be fetched from.
    pub fn addresses(&self) -> BTreeSet<&str> {
        self.remote().map(|(_, url, _)| url).collect()
    }

    /// Takes what was found at an address; the listed keys that are not there, each with its approver.
    pub fn take(&self, url: &str, set: &[u8], now: Time) -> Result<Vec<(String, KeyId)>, String> {
        let keys: BTreeMap<KeyId, VerifyingKey> = usable(set)?.into_iter().collect();
        let here = self.remote().filter(|(_, at, _)| *at == url);
        let gone = here.flat_map(|(id, _, listed)| listed.iter().map(move |kid| (id.to_owned(), kid.clone())));
        let gone = gone.filter(|(_, kid)| !keys.contains_key(kid)).collect();
        let mut found = self.0.found.write().unwrap_or_else(PoisonError::into_inner);
        found.insert(url.to_owned(), Found { keys, at: now });
        Ok(gone)
    }

    fn remote(&self) -> impl Iterator<Item = (&str, &str, &BTreeSet<KeyId>)> {
        let all = self.0.tenants.values().flatten();
        all.filter_map(|listed| {
            let remote = listed.remote.as_ref()?;
            Some((listed.approver.id.as_str(), remote.url.as_str(), &remote.thumbprints))
        })
    }
}

/// An approver with the keys that are held: a set that is too old is as one that was never found.
fn with_keys(listed: &Listed, found: &BTreeMap<String, Found>, now: Time) -> crate::domain::approval::Approver {
    let mut approver = listed.approver.clone();
    let Some(remote) = &listed.remote else { return approver };
    let fresh = |found: &&Found| now < found.at.plus_seconds(STALE);
    if let Some(found) = found.get(&remote.url).filter(fresh) {
        let held = found.keys.iter().filter(|(kid, _)| remote.thumbprints.contains(*kid));
        approver.keys = held.map(|(kid, key)| (kid.clone(), *key)).collect();
        approver.awaited.clear();
    }
    approver
}
