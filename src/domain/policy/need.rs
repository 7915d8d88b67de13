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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::hazards::Hazard;
    use serde_json::json;

    fn proposal(kind: ActionKind, confidence: Option<&str>) -> Proposal {
        let document = json!({
            "apiVersion": "countersign/v1", "kind": "Proposal", "actionKind": kind.name(), "confidence": confidence,
            "repository": {"forge": "local", "name": "a/b"}, "target": {"kind": "x", "name": "y"},
            "changes": [{"manifest": {"file": "a.yaml", "set": {"a": 1}}}], "reason": "r",
            "rollback": {"description": "d"}, "proposer": {"id": "agent:x"},
        });
        serde_json::from_value(document).expect("a proposal")
    }

    fn effect(approvals: &[u32]) -> Effect {
        let mut effect = Effect::of(&crate::domain::edit::Applied::default());
        let hazard =
            |approvals: &u32| Hazard { name: "danger", place: approvals.to_string(), approvals: *approvals, tier: 3 };
        effect.hazards = approvals.iter().map(hazard).collect();
        effect
    }

    fn rules(tier1: u32, tier2: u32, sure: Option<&str>) -> ApprovalRules {
        ApprovalRules { minimum_confidence: sure.map(Into::into), tier1, tier2 }
    }

    fn needs(dangers: &[u32], tier: u8, rules: &ApprovalRules) -> (u32, Vec<String>) {
        need(&proposal(ActionKind::SetImage, Some("0.8")), &effect(dangers), tier, rules)
    }

    #[test]
    fn the_largest_of_what_asks_is_needed_and_says_why() {
        let none = rules(0, 0, None);
        assert_eq!(needs(&[], 1, &none), (0, vec![]));
        assert_eq!(needs(&[], 2, &none), (0, vec![]));
        assert_eq!(needs(&[], 3, &none), (2, vec!["tier 3".into()]), "tier 3 always needs two");
        assert_eq!(needs(&[1], 2, &none), (1, vec!["danger at 1".into()]));
        assert_eq!(needs(&[1, 2], 3, &none), (2, vec!["danger at 2".into(), "tier 3".into()]));
        assert_eq!(needs(&[], 1, &rules(1, 2, None)), (1, vec!["tier 1".into()]));
        assert_eq!(needs(&[1], 2, &rules(1, 2, None)), (2, vec!["tier 2".into()]));
        assert_eq!(needs(&[1], 2, &rules(2, 1, None)), (1, vec!["danger at 1".into(), "tier 2".into()]));
        let runbook = need(&proposal(ActionKind::Runbook, None), &effect(&[]), 1, &none);
        assert_eq!(runbook, (1, vec!["a runbook".into()]));
    }

    #[test]
    fn who_is_not_as_sure_as_asked_needs_one() {
        let of = |sure: Option<&str>, least: &str| {
            need(&proposal(ActionKind::SetImage, sure), &effect(&[]), 1, &rules(0, 0, Some(least))).0
        };
        assert_eq!([of(Some("0.8"), "0.8"), of(Some("1"), "0.8"), of(Some("0"), "0")], [0; 3]);
        assert_eq!([of(Some("0.7999"), "0.8"), of(None, "0"), of(Some("0.9"), "much")], [1; 3]);
    }

    #[test]
    fn policies_only_raise_and_not_above_two() {
        let raised = |needed: u32, asked: u32| {
            let (mut needed, mut why) = (needed, vec!["tier".to_owned()]);
            let mut answer = Answer::to(&[], &json!({}));
            (answer.approvals, answer.why) = (asked, vec!["policy".to_owned()]);
            raise(&mut needed, &mut why, &answer);
            (needed, why.join(" "))
        };
        assert_eq!((raised(0, 0), raised(1, 0)), ((0, "tier".into()), (1, "tier".into())));
        assert_eq!((raised(0, 1), raised(1, 2)), ((1, "policy".into()), (2, "policy".into())));
        assert_eq!((raised(1, 1), raised(2, 1)), ((1, "tier policy".into()), (2, "tier".into())));
        assert_eq!(raised(0, 9), (2, "policy".into()));
    }

    #[test]
    fn rules_of_approvals_have_bounds() {
        let reads = |rules: ApprovalRules| rules.check().map_err(|fault| fault.to_string());
        for good in [rules(0, 0, None), rules(2, 2, Some("0")), rules(1, 0, Some("1")), rules(0, 1, Some("0.95"))] {
            assert_eq!(reads(good.clone()), Ok(()), "{good:?}");
        }
        for (bad, place) in [
            (rules(3, 0, None), "approvals.tier1"),
            (rules(0, 3, None), "approvals.tier2"),
            (rules(9, 0, None), "approvals.tier1"),
            (rules(0, 0, Some("1.01")), "approvals.minimumConfidence"),
            (rules(0, 0, Some("-0.1")), "approvals.minimumConfidence"),
            (rules(0, 0, Some("sure")), "approvals.minimumConfidence"),
        ] {
            assert!(reads(bad).is_err_and(|fault| fault.contains(place)), "{place}");
        }
    }
}
