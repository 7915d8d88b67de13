//! Reads the other proposals that a decision about one looks at.
//!
//! Must not choose among them: which goes on is decided in the domain.

use super::{Engine, Trouble};
use crate::domain::approval::Approvers;
use crate::domain::facts::{Earlier, Predecessor, Rival, Twin};
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::{self, Record, RulesState, Stage};
use crate::domain::proposal::Proposal;
use crate::store::Neighbour;

/// Whether a proposal may still give way to another one.
fn gives_way(record: &Record) -> bool {
    matches!(record.stage, Stage::Received | Stage::Pushed | Stage::Open)
}

impl Engine {
    fn known(&self, tenant: &TenantId) -> Approvers {
        self.roster.approvers(tenant, (self.clock)())
    }

    /// Others with the same effect, while nothing of this one has left.
    pub(super) async fn twins(&self, record: &Record, effect: Option<Digest>) -> Result<Vec<Twin>, Trouble> {
        let Some(effect) = effect.filter(|_| record.stage == Stage::Received) else { return Ok(Vec::new()) };
        let tenant = &record.binding.tenant;
        let known = self.known(tenant);
        let found = self.store.twins(tenant, effect, &record.id).await?;
        Ok(found.iter().map(|found| lifecycle::twin(record, &found.record, found.updated, &known)).collect())
    }

    /// Others about the same target.
    pub(super) async fn rivals(&self, record: &Record, effect: Option<Digest>) -> Result<Vec<Rival>, Trouble> {
        if !gives_way(record) {
            return Ok(Vec::new());
        }
        let tenant = &record.binding.tenant;
        let known = self.known(tenant);
        let found = self.store.on_target(tenant, &record.binding.key(), &record.target, &record.id).await?;
        let with_effect = Record { effect: record.effect.or(effect), ..record.clone() };
        Ok(found.iter().filter_map(|found| lifecycle::other(&with_effect, &found.record, &known)).collect())
    }

    /// The earlier proposal of the same incident that goes on, went through or was only observed, within the hold period.
    pub(super) async fn earlier(
        &self,
        record: &Record,
        rules: &RulesState,
        now: Time,
    ) -> Result<Option<Earlier>, Trouble> {
        let (Some(incident), Some(loaded), Stage::Received) = (record.incident, rules.loaded(), record.stage) else {
            return Ok(None);
        };
        let since = now.plus_seconds(-loaded.rules.hold_period.0);
        let (tenant, key) = (&record.binding.tenant, record.binding.key());
        let found = self.store.of_incident(tenant, &key, incident, since, &record.id).await?;
        let stands = |other: &Neighbour| match other.record.stage {
            Stage::Received => other.record.id < record.id,
            Stage::Dropped => {
                other.record.id < record.id && other.record.reason.as_ref().is_some_and(|why| why.code == "observed")
            }
            Stage::Pushed | Stage::Open | Stage::Merged | Stage::Settled => true,
        };
        let first = found.into_iter().find(stands);
        Ok(first.map(|other| Earlier { id: other.record.id, received: other.record.received }))
    }

    /// The steps that a step of a plan waits for, by name.
    pub(super) async fn predecessors(&self, record: &Record, proposal: &Proposal) -> Result<Vec<Predecessor>, Trouble> {
        let Some(plan) = proposal.plan.as_ref().filter(|_| gives_way(record)) else { return Ok(Vec::new()) };
        let mut found = Vec::with_capacity(plan.after.len());
        for name in &plan.after {
            let before = self.store.neighbour(&record.binding.tenant, name).await?;
            let before = before.as_ref().map(|before| (&before.record, before.updated));
            found.push(lifecycle::predecessor(name, before));
        }
        Ok(found)
    }

    /// Whether another proposal announced the same effect meanwhile and goes before this one.
    ///
    /// Asked after the push was announced: of two replicas that announce at once, each sees the other.
    pub(super) async fn is_crowded_out(&self, record: &Record) -> Result<bool, Trouble> {
        Ok(self.twins(record, record.effect).await?.iter().any(|twin| twin.active))
    }

    /// Lets those that give way to this one look again at once.
    pub(super) async fn nudge(&self, record: &Record) -> Result<(), Trouble> {
        let now = (self.clock)();
        for id in &record.relations.supersedes {
            self.store.wake(&record.binding.tenant, crate::store::WakeBy::Id(id), now).await?;
        }
        Ok(())
    }
}
