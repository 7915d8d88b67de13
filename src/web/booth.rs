//! Where approval tokens are handed in: each is heard once, and what is refused is written down with its reason.
//!
//! Must not know HTTP, nor tell a caller why a token was refused: the log has it.

use crate::domain::approval::{Approvers, Refused, Says};
use crate::domain::audit::{Decision, Event};
use crate::domain::ids::{Digest, TenantId, Time};
use crate::domain::lifecycle::{Heard, Record, hear};
use crate::domain::proposal::Sealed;
use crate::store::{Store, StoreError, Stored};
use serde_json::json;

/// How often a token is heard again when a turn was faster.
const ATTEMPTS: usize = 8;

/// Why a token changed nothing.
#[derive(Debug)]
pub enum Unheard {
    /// It does not hold, or may not be used now; it is written down and not used up.
    Refused(Refused),
    /// The approver's hour is over until then; it is written down and not used up.
    Spent(Time),
    /// There is no such proposal, or the database does not answer.
    Store(StoreError),
}

impl From<StoreError> for Unheard {
    fn from(error: StoreError) -> Unheard {
        Unheard::Store(error)
    }
}

/// Everything tokens of one tenant are heard with.
#[derive(Clone, Copy, Debug)]
pub struct Booth<'a> {
    /// The database.
    pub store: &'a Store,
    /// The name of this deployment.
    pub instance: &'a str,
    /// Who may approve.
    pub approvers: &'a Approvers,
    /// The tenant.
    pub tenant: &'a TenantId,
    /// Whose token of the API carried it here.
    pub principal: &'a str,
}

impl Booth<'_> {
    /// Hears a token about a proposal, by the service's id or the sender's name for it; the record after it.
    pub async fn hear(&self, id: &str, says: Says, token: &str, now: Time) -> Result<Record, Unheard> {
        let mut again = ATTEMPTS;
        loop {
            let found = self.store.stored(self.tenant, id).await?;
            let stored = found.ok_or_else(|| StoreError::NotFound(format!("proposal {id}")))?;
            match self.once(&stored, says, token, now).await {
                // A turn, or another token, was committed meanwhile: what follows from this one is judged anew.
                Err(Unheard::Store(StoreError::Conflict(_))) if again > 1 => again -= 1,
                Err(unheard) => return Err(self.written(&stored.record, says, token, unheard, now).await),
                Ok(record) => return Ok(record),
            }
        }
    }

    async fn once(&self, stored: &Stored, says: Says, token: &str, now: Time) -> Result<Record, Unheard> {
        let Stored { record, bytes, version } = stored;
        let sealed = Sealed::stored(bytes).map_err(|fault| StoreError::Other(fault.to_string()))?;
        let (instance, approvers, proposal) = (self.instance, self.approvers, &sealed.proposal);
        let transition = hear(token, &Heard { instance, approvers, record, proposal, says, now });
        let mut transition = transition.map_err(Unheard::Refused)?;
        if let Some(no) = &mut transition.record.rejection {
            no.reason = self.store.cleaned(self.tenant, no.reason.clone(), record.environment.as_deref());
        }
        match self.store.redeem(&transition, *version, token, now).await {
            Ok(()) => Ok(transition.record),
            Err(StoreError::Replayed) => {
                Err(Unheard::Refused(Refused::new("token.replayed", "the token, or its `jti`, was used before")))
            }
            Err(StoreError::Spent(again)) => Err(Unheard::Spent(again)),
            Err(error) => Err(Unheard::Store(error)),
        }
    }

    /// Writes a refusal down; where that cannot be done, that is what the caller hears.
    async fn written(&self, record: &Record, says: Says, token: &str, unheard: Unheard, now: Time) -> Unheard {
        let (code, sentence) = match &unheard {
            Unheard::Refused(refused) => (refused.code, refused.sentence.clone()),
            Unheard::Spent(again) => ("approval.budget", format!("the approver's hour is over until {again}")),
            Unheard::Store(_) => return unheard,
        };
        metrics::counter!("countersign_approvals_total", "result" => code).increment(1);
        let payload = json!({
            "says": says, "reason": sentence, "token": Digest::of(token.as_bytes()), "bytes": token.len(),
        });
        let event = Event {
            actor: self.principal.to_owned(),
            proposal: Some(record.id.clone()),
            pr: record.pull,
            decision: Decision::Refuse,
            reason_code: code.to_owned(),
            ..Event::note("approval.refused", payload)
        };
        match self.store.append(self.tenant, &[event], now).await {
            Ok(_) => unheard,
            Err(error) => Unheard::Store(error),
        }
    }
}
