//! Repositories that a person stopped.
//!
//! Must not judge who may: that was decided before a transition was made.

use super::db::{Tx, row, run};
use super::error::Result;
use super::{Store, count, number};
use crate::domain::facts::{Halt, HaltOrder, User};
use crate::domain::ids::{TenantId, Time};
use crate::domain::lifecycle::Transition;

impl Store {
    /// Who stopped a repository, if it is stopped.
    pub async fn halted(&self, tenant: &TenantId, repository: &str) -> Result<Option<Halt>> {
        let mut tx = self.db.read().await?;
        let sql = "SELECT user_id, login, at, proposal FROM halt WHERE tenant = $1 AND repository = $2";
        let found = row!(&mut tx, (i64, String, i64, String), sql, tenant.as_str(), repository)?;
        let halt = |(id, login, at, proposal): (i64, String, i64, String)| Halt {
            by: User { id: number(id), login },
            at: Time(at),
            proposal,
        };
        Ok(found.map(halt))
    }
}

/// Stops the repository of a transition or lets it go on, as the transition says.
pub(super) async fn keep(tx: &mut Tx, transition: &Transition, seq: u64) -> Result<()> {
    let binding = &transition.record.binding;
    let (tenant, repository) = (binding.tenant.as_str(), binding.key());
    match &transition.halt {
        None => Ok(()),
        Some(HaltOrder::Lift) => {
            let sql = "DELETE FROM halt WHERE tenant = $1 AND repository = $2";
            run!(tx, sql, tenant, repository.as_str()).map(|_| ())
        }
        Some(HaltOrder::Stop(halt)) => {
            let sql = "INSERT INTO halt (tenant, repository, proposal, user_id, login, seq, at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, repository) DO NOTHING";
            let login = halt.by.login.replace('\0', "\u{fffd}");
            let (user, seq) = (count(halt.by.id)?, count(seq)?);
            run!(tx, sql, tenant, repository.as_str(), halt.proposal.as_str(), user, login.as_str(), seq, halt.at.0)?;
            Ok(())
        }
    }
}
