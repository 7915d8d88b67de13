//! Whether the approvals that are needed are there, and whether an approver said no.
//!
//! Must not believe a token: it reads what was redeemed, against who may approve now.

use super::Case;
use super::supersede::ready;
use crate::domain::approval::{Redeemed, awaited, deadline, standing, suffices};
use crate::domain::ids::Time;
use crate::domain::policy::Judged;
use crate::domain::policy::rules::{Mode, Rules};
use crate::domain::policy::verdict::Verdict;

/// The approvals that count now for what is judged now.
pub fn counted<'a>(case: &Case<'a>) -> Vec<&'a Redeemed> {
    let Some(judged) = case.judged else { return Vec::new() };
    standing(&case.record.approvals, &case.facts.approvers, &case.record.principal, judged.class.key())
}

/// The gate: nothing leaves and nothing merges without the approvals that are needed; watching needs none.
pub(super) fn approved(case: &Case<'_>, judged: &Judged) -> Verdict {
    if judged.place.mode == Mode::Observe {
        return Verdict::pass("approvals", "nothing leaves in mode `observe`, so no approval is needed");
    }
    let (needed, counted) = (judged.approvals, counted(case));
    let names: Vec<&str> = counted.iter().map(|approval| approval.approver.as_str()).collect();
    match suffices(&counted, &case.facts.approvers, needed) {
        Ok(()) if needed == 0 => Verdict::pass("approvals", format!("tier {}, no approval needed", judged.tier)),
        Ok(()) => Verdict::pass("approvals", format!("approved by {}", names.join(" and "))),
        Err(_) if let Some(approver) = away(case) => {
            let sentence = format!(
                "the key set of `{approver}`, who approved it, cannot be had now: the approval counts again when it can"
            );
            Verdict::wait("approvals", "approvals_unverifiable", sentence)
        }
        Err(short) => {
            let sentence = format!("{}: {}; {} of {needed} there", judged.why.join(", "), short.sentence, short.have);
            Verdict::wait("approvals", "approvals_missing", sentence)
        }
    }
}

/// Somebody whose approval cannot be counted only because their key set cannot be had.
fn away<'a>(case: &Case<'a>) -> Option<&'a str> {
    let mut away = case.record.approvals.iter().filter_map(|approval| awaited(approval, &case.facts.approvers));
    away.next().map(|approver| approver.id.as_str())
}

/// Until when it waits for them.
pub(super) fn patience(case: &Case<'_>, judged: &Judged, rules: &Rules) -> Time {
    deadline(ready(case), rules.approval_timeout.0, &counted(case), judged.approvals)
}

/// An approver's no, in the words of the approver.
pub(super) fn rejected(case: &Case<'_>) -> Option<Verdict> {
    let rejection = case.record.rejection.as_ref()?;
    let sentence = format!("{} rejected it: {}", rejection.by.approver, rejection.reason);
    Some(Verdict::refuse("approvals", "rejected", sentence))
}
