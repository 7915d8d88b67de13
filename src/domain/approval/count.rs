//! Which redeemed approvals count, and whether they are enough.
//!
//! Must not look at a token again: what was redeemed is judged by its record and by who may approve now.

use super::{Approver, Approvers, Redeemed, Refused};
use crate::domain::ids::{Digest, Time};

/// Two approvals lie at least this far apart, seconds, by when the server had them.
pub const GAP: i64 = 30 * 60;
/// A first approval waits this long for the second, seconds.
pub const LAPSE: i64 = 4 * 3_600;

/// What is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// How many of those that are there count.
    pub have: u32,
    /// One sentence: what to do.
    pub sentence: String,
}

/// The approvals that count now: of approvers who still may, with keys that are still theirs, for the class that is
/// computed now, and not of the proposer.
pub fn standing<'a>(
    redeemed: &'a [Redeemed],
    approvers: &Approvers,
    proposer: &str,
    class: Digest,
) -> Vec<&'a Redeemed> {
    let holds = |approval: &&Redeemed| {
        approval.class == class && who(approval, approvers).is_some_and(|approver| !approver.is_principal(proposer))
    };
    redeemed.iter().filter(holds).collect()
}

/// The approver of this approval, while the key set that holds their key cannot be had.
pub fn awaited<'a>(approval: &Redeemed, approvers: &'a Approvers) -> Option<&'a Approver> {
    let approver = approvers.awaits(approval.kid.as_str())?;
    (approver.id == approval.approver && !approver.revoked).then_some(approver)
}

fn who<'a>(approval: &Redeemed, approvers: &'a Approvers) -> Option<&'a Approver> {
    let (approver, _) = approvers.find(approval.kid.as_str()).ok()?;
    (approver.id == approval.approver).then_some(approver)
}

fn same_person(one: &Redeemed, other: &Redeemed, approvers: &Approvers) -> bool {
    match (who(one, approvers), who(other, approvers)) {
        (Some(one), Some(other)) => one.is_same_person(other),
        (None, _) | (_, None) => true,
    }
}

/// Whether what counts is enough; for two, distinct people whose approvals came 30 minutes to 4 hours apart.
pub fn suffices(standing: &[&Redeemed], approvers: &Approvers, needed: u32) -> Result<(), Short> {
    let have = u32::try_from(people(standing, approvers)).unwrap_or(u32::MAX);
    match needed {
        0 => Ok(()),
        1 if have >= 1 => Ok(()),
        1 => Err(Short { have, sentence: "one approval is needed".into() }),
        _ if paired(standing, approvers) => Ok(()),
        _ => {
            let sentence = "approvals of two people are needed, the second 30 minutes to 4 hours after the first";
            Err(Short { have: have.min(1), sentence: sentence.into() })
        }
    }
}

fn people(standing: &[&Redeemed], approvers: &Approvers) -> usize {
    let seen = |n: usize| standing[..n].iter().any(|earlier| same_person(earlier, standing[n], approvers));
    (0..standing.len()).filter(|n| !seen(*n)).count()
}

fn paired(standing: &[&Redeemed], approvers: &Approvers) -> bool {
    let fits = |one: &Redeemed, other: &Redeemed| {
        other.at >= one.at.plus_seconds(GAP)
            && other.at <= one.at.plus_seconds(LAPSE)
            && !same_person(one, other, approvers)
    };
    standing.iter().any(|one| standing.iter().any(|other| fits(one, other)))
}

/// Whether one more approval may be redeemed beside those that count; one that may not is not used up.
pub fn may_join(new: &Redeemed, standing: &[&Redeemed], approvers: &Approvers, needed: u32) -> Result<(), Refused> {
    let live: Vec<&&Redeemed> = standing.iter().filter(|old| new.at <= old.at.plus_seconds(LAPSE)).collect();
    if live.iter().any(|old| same_person(old, new, approvers)) {
        return Err(Refused::new(
            "approval.same_person",
            "this person's approval stands already: another has to approve",
        ));
    }
    let early = live.iter().all(|old| new.at < old.at.plus_seconds(GAP));
    if needed >= 2 && !live.is_empty() && early && !paired(standing, approvers) {
        let again = live.iter().map(|old| old.at.plus_seconds(GAP)).min().unwrap_or(new.at);
        let sentence = format!("the second approval comes at least 30 minutes after the first: send it after {again}");
        return Err(Refused::new("approval.too_soon", sentence));
    }
    Ok(())
}

/// Until when a proposal short of approvals waits; a first approval of two keeps it waiting for the second.
pub fn deadline(received: Time, timeout: i64, standing: &[&Redeemed], needed: u32) -> Time {
    let patient = received.plus_seconds(timeout);
    let newest = standing.iter().map(|approval| approval.at).max().filter(|_| needed >= 2);
    newest.map_or(patient, |at| patient.max(at.plus_seconds(LAPSE)))
}
