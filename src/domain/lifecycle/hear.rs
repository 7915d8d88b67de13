//! What an approver's token makes of a record: one more approval, a rejection, or nothing.
//!
//! Must not look at the repository: what the token must be about is taken from the record.

use super::{Record, Stage, Transition};
use crate::domain::approval::{
    Approvers, Claims, Expected, Refused, Rejection, Says, Spoken, may_join, standing, verify,
};
use crate::domain::audit::{Decision, Event};
use crate::domain::ids::Time;
use crate::domain::proposal::Proposal;
use serde_json::json;

/// The most approvals a proposal keeps.
const MOST: usize = 32;

/// Everything a token is heard with.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The name of this deployment.
    pub instance: &'a str,
    /// Who may approve.
    pub approvers: &'a Approvers,
    /// What is kept of the proposal.
    pub record: &'a Record,
    /// What was asked for.
    pub proposal: &'a Proposal,
    /// What the route takes.
    pub says: Says,
    /// When the token came.
    pub now: Time,
}

/// Judges a token and gives what follows from it; a token that is refused is not used up.
pub fn hear(token: &str, heard: &Heard<'_>) -> Result<Transition, Refused> {
    let record = heard.record;
    over(record, heard.now)?;
    let audience = Claims::audience(heard.instance, &record.binding.tenant);
    let action_kind = record.action_kind.name();
    let spoken = verify(token, heard.approvers, &expected(heard, &audience, &action_kind))?;
    let said = |old: &&crate::domain::approval::Redeemed| {
        old.token == spoken.redeemed.token || (old.jti == spoken.redeemed.jti && old.issuer == spoken.redeemed.issuer)
    };
    if record.approvals.iter().any(|old| said(&old)) {
        return Err(Refused::new("token.replayed", "the token, or its `jti`, was used before: mint another"));
    }
    match heard.says {
        Says::Approve => approve(heard, spoken),
        Says::Reject => reject(heard, spoken),
    }
}

fn over(record: &Record, now: Time) -> Result<(), Refused> {
    let refuse = |sentence: &str| Err(Refused::new("proposal.over", sentence));
    match record.stage {
        Stage::Merged | Stage::Settled | Stage::Dropped => refuse("the proposal does not wait for anybody any more"),
        Stage::Received | Stage::Pushed | Stage::Open if record.rejection.is_some() => refuse("it was rejected"),
        Stage::Received | Stage::Pushed | Stage::Open if record.expires <= now => refuse("the proposal has expired"),
        Stage::Received | Stage::Pushed | Stage::Open => Ok(()),
    }
}

fn expected<'a>(heard: &Heard<'a>, audience: &'a str, action_kind: &'a str) -> Expected<'a> {
    let record = heard.record;
    Expected {
        audience,
        tenant: &record.binding.tenant,
        proposal: &record.id,
        name: record.name.as_deref(),
        digest: record.digest,
        action_kind,
        class: record.class.as_ref().map(|class| (class.key(), class.tier)),
        plan: heard.proposal.plan.as_ref().map(|plan| (plan.id.as_str(), plan.step)),
        proposer: &record.principal,
        says: heard.says,
        now: heard.now,
    }
}

fn approve(heard: &Heard<'_>, spoken: Spoken) -> Result<Transition, Refused> {
    let record = heard.record;
    let new = spoken.redeemed;
    if record.approvals.len() >= MOST {
        return Err(Refused::new("approval.enough", format!("a proposal keeps {MOST} approvals")));
    }
    let before = standing(&record.approvals, heard.approvers, &record.principal, new.class);
    may_join(&new, &before, heard.approvers, record.needed.unwrap_or_default())?;
    let payload = json!({
        "approver": new.approver, "kid": new.kid, "jti": new.jti, "token": new.token, "class": new.class,
        "tier": new.tier, "expires": spoken.expires.to_string(),
    });
    let event = event(record, &new.approver, "approval.redeemed", Decision::Allow, "", payload);
    let mut next = record.clone();
    next.approvals.push(new);
    Ok(transition(record, next, event, heard.now))
}

fn reject(heard: &Heard<'_>, spoken: Spoken) -> Result<Transition, Refused> {
    let (record, by) = (heard.record, spoken.redeemed);
    let reason = spoken.reason.unwrap_or_default();
    let payload = json!({
        "approver": by.approver, "kid": by.kid, "jti": by.jti, "token": by.token, "reason": reason,
    });
    let event = event(record, &by.approver, "approval.rejected", Decision::Refuse, "rejected", payload);
    let mut next = record.clone();
    next.rejection = Some(Rejection { by, reason });
    Ok(transition(record, next, event, heard.now))
}

fn event(
    record: &Record,
    approver: &str,
    kind: &'static str,
    decision: Decision,
    code: &str,
    payload: serde_json::Value,
) -> Event {
    Event {
        actor: format!("approver:{approver}"),
        proposal: Some(record.id.clone()),
        pr: record.pull,
        class: record.class.as_ref().map(crate::domain::trust::Class::key),
        decision,
        reason_code: code.to_owned(),
        ..Event::note(kind, payload)
    }
}

fn transition(before: &Record, record: Record, event: Event, now: Time) -> Transition {
    Transition {
        from: before.stage,
        record,
        events: vec![event],
        outcome: None,
        demote: false,
        halt: None,
        due: Some(now),
        artifacts: Vec::new(),
    }
}
