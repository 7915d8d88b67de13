//! The record of a proposal that was just taken in.
//!
//! Must not know who sent it, nor whether that one may.

use super::command::Commands;
use super::{Owner, Record, Relations, Stage};
use crate::domain::ids::{Binding, Time};
use crate::domain::proposal::Sealed;

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
            pushes: Vec::new(),
            head: None,
            pull: None,
            opened: None,
            attests: Vec::new(),
            announced: None,
            announced_text: None,
            refusals: Vec::new(),
            issued: None,
            reported: None,
            merging: None,
            landed: None,
            landed_as_attested: None,
            auto: false,
            outcome: None,
            commands: Commands::default(),
            over: None,
            relations: Relations::default(),
            verdict: None,
            standing: None,
        }
    }
}
