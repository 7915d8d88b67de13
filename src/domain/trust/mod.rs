//! Whether a class of changes has earned to merge by itself.
//!
//! Must not decide with floating point: the gates are integer arithmetic, the bound is shown to people only.

mod backtest;
mod curve;
mod demand;
mod demotion;
mod epochs;
mod gate;
mod record;
mod simulate;
mod standing;
mod threshold;
mod walk;

pub use backtest::{Backtest, backtest};
pub use curve::{Point, curve};
pub use demand::Demand;
pub use demotion::{Demotion, Rearm};
pub use gate::{Bound, CAP, FAILURE, PASS, PASS_LATE, lower_bound, most_failures, wilson};
pub use record::{Judgement, Outcome, Pending, Track, maker};
pub use simulate::{Simulated, Simulation, simulate};
pub use standing::{MAKER_OUTCOMES, Seeker, Standing, Terms, shown, standing};
pub use threshold::Threshold;

use super::ids::{Digest, TenantId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The key of a track record; made in this one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Whose record.
    pub tenant: TenantId,
    /// The repository, by kind, host and number.
    pub repository: String,
    /// The environment, as the repository's config names it.
    pub environment: String,
    /// The action kind.
    pub action_kind: String,
    /// The tier.
    pub tier: u8,
}

impl Class {
    /// The length-prefixed hash of the five parts.
    pub fn key(&self) -> Digest {
        Digest::of_fields(
            "countersign/class/v1",
            &[
                self.tenant.as_str().as_bytes(),
                self.repository.as_bytes(),
                self.environment.as_bytes(),
                self.action_kind.as_bytes(),
                &[self.tier],
            ],
        )
    }
}

impl fmt::Display for Class {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} in {} (tier {})", self.action_kind, self.environment, self.tier)
    }
}

#[cfg(test)]
mod tests;
