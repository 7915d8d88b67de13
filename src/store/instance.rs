//! The log over all tenants' logs: what each came to, now and then, so that one that goes away leaves a trace.
//!
//! Must not hold anything of a tenant but its name and the size and root of its log.

use super::Store;
use super::db::rows;
use super::error::{Result, StoreError};
use crate::domain::audit::{Event, INSTANCE};
use crate::domain::ids::{TenantId, Time};
use serde_json::json;
use std::collections::BTreeMap;

impl Store {
    /// The name under which the log over all others is kept.
    pub fn instance_log() -> Result<TenantId> {
        INSTANCE.parse().map_err(StoreError::Invalid)
    }

    /// The tenants that have a log, without the one over all others.
    pub async fn logged(&self) -> Result<Vec<TenantId>> {
        let mut tx = self.db.read().await?;
        let found =
            rows!(&mut tx, (String,), "SELECT tenant FROM audit_head WHERE tenant <> $1 ORDER BY tenant", INSTANCE)?;
        let read = |(name,): (String,)| name.parse().map_err(|error| StoreError::damaged("a tenant's name", error));
        found.into_iter().map(read).collect()
    }

    /// Writes down the size and root of every tenant's log that is not what it was last; how many were.
    ///
    /// `random` becomes the key of the log over all others, where this is the first time.
    pub async fn remember(&self, last: &mut BTreeMap<TenantId, u64>, random: [u8; 32], now: Time) -> Result<usize> {
        let instance = Store::instance_log()?;
        self.ensure_tenant(&instance, now, random).await?;
        let (mut events, mut sizes) = (Vec::new(), Vec::new());
        for tenant in self.logged().await? {
            let head = self.head(&tenant).await?;
            if last.get(&tenant) != Some(&head.size) {
                let seen = json!({"tenant": tenant, "origin": head.origin, "size": head.size, "root": head.root});
                events.push(Event::note("tenant.checkpoint", seen));
                sizes.push((tenant, head.size));
            }
        }
        if !events.is_empty() {
            self.append(&instance, &events, now).await?;
            last.extend(sizes);
        }
        Ok(events.len())
    }

    /// Writes down that a tenant is about to be erased with its log, where there is a log over all others.
    pub async fn remember_erasure(&self, tenant: &TenantId, now: Time) -> Result<()> {
        let instance = Store::instance_log()?;
        match self.head(&instance).await {
            Err(StoreError::NotFound(_)) => return Ok(()),
            other => other?,
        };
        let head = self.head(tenant).await?;
        let seen = json!({"tenant": tenant, "origin": head.origin, "size": head.size, "root": head.root});
        self.append(&instance, &[Event::note("tenant.erased", seen)], now).await.map(|_| ())
    }
}
