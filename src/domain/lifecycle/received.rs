//! The record of a proposal that was just taken in.
//!
//! Must not know who sent it, nor whether that one may.

use super::command::Commands;
use super::{Owner, Record, Relations, Stage};
use crate::domain::ids::{Binding, Digest, Time};
use crate::domain::proposal::{Proposal, Sealed};

impl Record {
    /// The record of a sealed proposal at the moment it is taken in.
    pub fn received(id: String, binding: Binding, sealed: &Sealed, principal: &str, now: Time) -> Record {
        let proposal = &sealed.proposal;
        Record {
            id,
            name: proposal.id.clone(),
            binding,
            digest: sealed.digest,
            principal: principal.to_owned(),
            action_kind: proposal.action_kind,
            target: proposal.target.to_string(),
            received: now,
            expires: proposal.expires(now),
            incident: incident(proposal),
            stage: Stage::Received,
            owner: Owner::Bot,
            reason: None,
            environment: None,
            mode: None,
            class: None,
            terms: None,
            needed: None,
            approvals: Vec::new(),
            rejection: None,
            effect: None,
            summary: Vec::new(),
            branch: None,
            base: None,
            push: None,
            quota: None,
            pushes: Vec::new(),
            head: None,
            pull: None,
            opened: None,
            satisfied: None,
            attests: Vec::new(),
            announced: None,
            announced_text: None,
            refusals: Vec::new(),
            issued: None,
            reported: None,
            merging: None,
            ordered: None,
            landed: None,
            landed_as_attested: None,
            auto: false,
            outcome: None,
            owes_revert: false,
            undone: None,
            commands: Commands::default(),
            over: None,
            relations: Relations::default(),
            verdict: None,
            standing: None,
            rego: None,
        }
    }
}

/// The incident of a proposal that names a fingerprint; the steps of one plan are not the same.
fn incident(proposal: &Proposal) -> Option<Digest> {
    let fingerprint = proposal.fingerprint.as_deref()?;
    let (plan, step) = proposal.plan.as_ref().map_or(("", 0), |plan| (plan.id.as_str(), plan.step));
    let fields = [fingerprint.as_bytes(), plan.as_bytes(), &step.to_be_bytes()];
    Some(Digest::of_fields("countersign/incident/v1", &fields))
}
