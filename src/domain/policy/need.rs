//! How many approvals a proposal needs: the largest of what its dangers, its tier and its confidence ask for.
//!
//! Must not lower what the compiled-in table asks for: a config can only add.

use super::effect::Effect;
use crate::domain::canon::Malformed;
use crate::domain::facts::Answer;
use crate::domain::proposal::{ActionKind, Proposal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most approvals that can be asked for: two people.
pub const MOST: u32 = 2;

/// When a proposal needs approvals beyond those its dangers ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct ApprovalRules {
    /// A proposal less sure of itself, or that does not say, needs one.
    pub minimum_confidence: Option<String>,
    /// How many tier 1 needs, 0 to 2.
    pub tier1: u32,
    /// How many tier 2 needs, 0 to 2.
    pub tier2: u32,
}

impl ApprovalRules {
    /// Judges what the types cannot.
    pub(super) fn check(&self) -> Result<(), Malformed> {
        let share = |text: &String| text.parse::<f64>().is_ok_and(|c| (0.0..=1.0).contains(&c));
        if !self.minimum_confidence.as_ref().is_none_or(share) {
            return Err(Malformed::at("approvals.minimumConfidence", "write 0 to 1 as text"));
        }
        for (name, count) in [("tier1", self.tier1), ("tier2", self.tier2)] {
            if count > MOST {
                return Err(Malformed::at(format!("approvals.{name}"), format!("0 to {MOST}")));
            }
        }
        Ok(())
    }
}

/// How many approvals are needed, and what asks for them.
pub(super) fn need(proposal: &Proposal, effect: &Effect, tier: u8, rules: &ApprovalRules) -> (u32, Vec<String>) {
    let mut asks: Vec<(u32, String)> = effect
        .hazards
        .iter()
        .map(|hazard| (hazard.approvals, format!("{} at {}", hazard.name, hazard.place)))
        .collect();
    let of_tier = match tier {
        1 => rules.tier1,
        2 => rules.tier2,
        _ => MOST,
    };
    asks.push((of_tier, format!("tier {tier}")));
    if proposal.action_kind == ActionKind::Runbook {
        asks.push((1, "a runbook".to_owned()));
    }
    asks.extend(unsure(proposal, rules).map(|reason| (1, reason)));
    let needed = asks.iter().map(|(count, _)| *count).max().unwrap_or(0);
    (needed, asks.into_iter().filter(|(count, _)| *count > 0 && *count == needed).map(|(_, why)| why).collect())
}

/// Raises what is needed to what policies ask for.
pub(super) fn raise(needed: &mut u32, why: &mut Vec<String>, answer: &Answer) {
    if answer.approvals > *needed {
        (*needed, *why) = (answer.approvals.min(MOST), answer.why.clone());
    } else if answer.approvals > 0 && answer.approvals == *needed {
        why.extend(answer.why.iter().cloned());
    }
}

fn unsure(proposal: &Proposal, rules: &ApprovalRules) -> Option<String> {
    let least = rules.minimum_confidence.as_deref()?;
    let number = |text: &str| text.parse::<f64>().ok();
    let sure = proposal.confidence.as_deref().and_then(number);
    match (sure, number(least)) {
        (Some(sure), Some(wanted)) if sure >= wanted => None,
        _ => Some(format!("confidence below {least}")),
    }
}
