//! How many approvals a person may give in an hour: a token bucket in whole numbers.
//!
//! Must not round: a level is counted in microseconds times the rate.

use crate::domain::ids::{Digest, TenantId, Time};

/// Approvals in an hour, and at once.
const PER_HOUR: i64 = 10;
/// What one approval costs: an hour in microseconds.
const COST: i64 = 3_600_000_000;

/// A person's bucket for one action kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What is in it, in units of an hour's microsecond shared by the rate.
    pub level: i64,
    /// When that was so.
    pub at: Time,
}

impl Bucket {
    /// A new one holds one approval.
    pub fn fresh(now: Time) -> Bucket {
        Bucket { level: COST, at: now }
    }

    /// A full one.
    pub fn full(now: Time) -> Bucket {
        Bucket { level: COST * PER_HOUR, at: now }
    }

    /// The bucket at a later time; a clock that was set back adds nothing, and nothing twice when it catches up.
    #[must_use]
    pub fn refilled(self, now: Time) -> Bucket {
        let passed = now.0.saturating_sub(self.at.0).max(0);
        let level = self.level.saturating_add(passed.saturating_mul(PER_HOUR)).clamp(0, COST * PER_HOUR);
        Bucket { level, at: self.at.max(now) }
    }

    /// Takes one approval out; when it is empty, the time of the next one.
    pub fn take(self, now: Time) -> Result<Bucket, Time> {
        let bucket = self.refilled(now);
        if bucket.level >= COST {
            return Ok(Bucket { level: bucket.level - COST, ..bucket });
        }
        let missing = COST - bucket.level;
        Err(Time(bucket.at.0.saturating_add(missing.div_euclid(PER_HOUR) + i64::from(missing % PER_HOUR != 0))))
    }
}

/// The name of a bucket: every part with its length, so that no two lists of names collide.
pub fn bucket_key(tenant: &TenantId, person: &str, action_kind: &str) -> Digest {
    let fields = [tenant.as_str().as_bytes(), person.as_bytes(), action_kind.as_bytes()];
    Digest::of_fields("countersign/approval-budget/v1", &fields)
}
