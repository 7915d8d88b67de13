//! One turn of one proposal: one action, with its intent before and its result after.

use super::gather::Gathered;
use super::perform::nonce;
use super::{Engine, Trouble};
use crate::domain::ids::Time;
use crate::domain::lifecycle::{Action, Case, Choice, Record, Stage, after, announced, intent, next};
use crate::domain::policy::verdict::Verdict;
use crate::domain::proposal::Sealed;
use crate::domain::trust::Judgement;
use crate::store::{Claim, StoreError, Stored};

/// What a turn came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// What was chosen.
    pub action: Action,
    /// Why.
    pub verdict: Verdict,
    /// The record after it.
    pub record: Record,
    /// When to look again.
    pub due: Option<Time>,
}

impl Engine {
    /// Takes one turn of a claimed proposal.
    pub async fn turn(&self, claim: &Claim) -> Result<Turn, Trouble> {
        let stored = self.store.stored(&claim.tenant, &claim.id).await?;
        let Stored { mut record, bytes, mut version } =
            stored.ok_or_else(|| StoreError::NotFound(format!("proposal {}", claim.id)))?;
        let sealed = Sealed::stored(&bytes)?;
        let lock = self.lock(&record.binding).await;
        let _held = lock.lock().await;
        let gathered = self.gather(&record, &sealed.proposal).await?;
        let Gathered { facts, rules, judged } = &gathered;
        let given = record.clone();
        let case = Case { record: &given, proposal: &sealed.proposal, facts, rules, judged: judged.as_ref() };
        let Choice { action, verdict } = self.may(next(&case), facts.now, facts.sweep);
        let action = self.bind_text(&case, action)?;
        let mark = nonce()?;
        if let Some(transition) = intent(&case, &action, &verdict, &mark) {
            let places = self.store.commit_seen(&transition, version, facts.now).await?;
            version += 1;
            record = transition.record;
            if let (Action::Attest(binding), Some((index, leaf))) = (&action, places.last()) {
                announced(&mut record, &mark, binding.digest(), *index, *leaf);
            }
        }
        let first_push = matches!(action, Action::Push(_)) && record.stage == Stage::Received;
        if first_push && self.is_crowded_out(&record).await? {
            // Nothing has left yet: the next turn sees the other one and drops this one.
            return Ok(Turn { action: Action::Wait(facts.now), verdict, record, due: Some(facts.now) });
        }
        let case = Case { record: &record, ..case };
        let done = self.perform(&case, &action, &verdict).await?;
        let due = match &action {
            Action::Wait(until) if until.0 < i64::MAX => Some(*until),
            _ => None,
        };
        match after(&case, &action, &verdict, done) {
            Some(transition) => {
                self.store.commit_seen(&transition, version, (self.clock)()).await?;
                if action == Action::OpenPull {
                    self.nudge(&transition.record).await?;
                }
                if matches!(action, Action::Settle(Judgement::Good, _)) {
                    self.graduate(&transition.record, sealed.proposal.action_kind, &gathered).await;
                }
                let due = due.or(transition.due);
                Ok(Turn { action, verdict, record: transition.record, due })
            }
            None => {
                let sweep = Some(facts.now.plus_seconds(facts.sweep)).filter(|_| !record.stage.is_final());
                Ok(Turn { action, verdict, record, due: due.or(sweep) })
            }
        }
    }

    /// The emergency stop of the settings lets nothing be written at a forge.
    fn may(&self, choice: Choice, now: Time, sweep: i64) -> Choice {
        let writes = match &choice.action {
            Action::Push(_)
            | Action::OpenPull
            | Action::Attest(_)
            | Action::Report
            | Action::Merge(_)
            | Action::HandOver(_)
            | Action::Answer(_)
            | Action::Drop(_) => true,
            Action::Land(_) | Action::Settle(..) | Action::Wait(_) => false,
        };
        if !self.stop || !writes {
            return choice;
        }
        let sentence = "the service's settings say `stop = true`; an operator has to take it back";
        Choice {
            action: Action::Wait(now.plus_seconds(sweep.max(60))),
            verdict: Verdict::wait("stop", "stopped", sentence),
        }
    }
}

impl Turn {
    /// Whether the proposal is over.
    pub fn is_over(&self) -> bool {
        matches!(self.record.stage, Stage::Settled | Stage::Dropped)
    }
}
