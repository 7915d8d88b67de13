//! What policies written in Rego are asked with, and what their answer comes to.
//!
//! Must not run a policy: the answer is a fact that was gathered, and is kept with the record.

use super::verdict::Verdict;
use crate::domain::facts::{Answer, Repository};
use crate::domain::ids::Time;
use crate::domain::policy::Judged;
use crate::domain::proposal::Proposal;
use serde_json::{Value, json};

/// The gate: no answer is no, and one that cannot be read by its maker's fault waits until it is mended.
pub fn verdict(answer: &Answer) -> Verdict {
    let (gate, count) = ("rego", answer.deny.len());
    match (&answer.fault, answer.deny.first()) {
        (_, Some(first)) if count == 1 => Verdict::refuse(gate, "rego_denied", first.clone()),
        (_, Some(first)) => Verdict::refuse(gate, "rego_denied", format!("{first}, and {} more", count - 1)),
        (Some(fault), None) => {
            let code = format!("rego_{}", fault.code);
            match fault.code.as_str() {
                "compile" | "unavailable" => Verdict::wait(gate, &code, fault.sentence.clone()),
                _ => Verdict::refuse(gate, &code, fault.sentence.clone()),
            }
        }
        (None, None) => Verdict::pass(gate, format!("policy {} denies nothing", answer.policies.short(12))),
    }
}

/// The document policies are asked with, version 1; docs/rego.md explains each field.
///
/// The time is that of the hour's beginning, so that an answer is the same for as long as nothing else differs.
pub fn input(proposal: &Proposal, judged: &Judged, repository: &Repository, approvers: &[&str], now: Time) -> Value {
    let hour = Time(now.0.div_euclid(3_600_000_000) * 3_600_000_000);
    let effect = &judged.effect;
    let changes: Vec<Value> = effect
        .leaves
        .iter()
        .map(|(file, leaf)| json!({"file": file, "path": leaf.keys, "before": leaf.before, "after": leaf.after}))
        .collect();
    let object = |object: &super::objects::TouchedObject| json!({"file": object.file, "kind": object.kind, "namespace": object.namespace, "name": object.name});
    let hazard =
        |hazard: &super::effect::Hazard| json!({"name": hazard.name, "place": hazard.place, "tier": hazard.tier});
    let file = |file: &crate::domain::facts::FileSummary| json!({"path": file.path, "added": file.added, "removed": file.removed});
    json!({
        "version": 1,
        "hour": hour.to_string(),
        "tenant": judged.class.tenant,
        "repository": {"key": judged.class.repository, "name": repository.name, "defaultBranch": repository.default_branch,
            "base": proposal.repository.base.as_deref().unwrap_or(&repository.default_branch)},
        "proposal": {
            "name": proposal.id, "actionKind": proposal.action_kind, "proposer": proposal.proposer.id,
            "version": proposal.proposer.version, "target": proposal.target, "confidence": proposal.confidence,
            "fingerprint": proposal.fingerprint, "plan": proposal.plan.as_ref().map(|plan| json!({"id": plan.id, "step": plan.step})),
        },
        "environment": judged.place.environment,
        "production": judged.place.production,
        "mode": judged.place.mode,
        "tier": judged.tier,
        "class": judged.class.key(),
        "approvers": approvers,
        "hazards": effect.hazards.iter().map(hazard).collect::<Vec<_>>(),
        "namespaces": effect.namespaces,
        "namespaceUnknown": effect.namespace_unknown,
        "objects": effect.objects.iter().map(object).collect::<Vec<_>>(),
        "files": effect.summary.iter().map(file).collect::<Vec<_>>(),
        "changes": changes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(package: Value) -> Answer {
        let mut answer = Answer::to(&[], &json!({}));
        answer.hear("p", &package);
        answer
    }

    #[test]
    fn a_denial_is_told_in_its_words_and_a_makers_fault_waits() {
        use crate::domain::policy::verdict::State;
        let said = |deny: Value| verdict(&heard(json!({"deny": deny}))).sentence;
        assert_eq!((said(json!(["no"])), said(json!(["no", "never"]))), ("p: no".into(), "p: no, and 1 more".into()));
        let fault = |code: &str| {
            let mut answer = heard(json!({"deny": []}));
            answer.fault = Some(crate::domain::facts::Fault { code: code.into(), sentence: "mend it".into() });
            let verdict = verdict(&answer);
            (verdict.state, verdict.code)
        };
        for code in ["compile", "unavailable"] {
            assert_eq!(fault(code), (State::Wait, format!("rego_{code}")));
        }
        for code in ["error", "timeout", "undefined", "type", "anything"] {
            assert_eq!(fault(code), (State::Refuse, format!("rego_{code}")));
        }
    }

    #[test]
    fn tm93_what_is_no_answer_is_a_no() {
        for (package, code) in [
            (json!({}), "rego_undefined"),
            (json!({"deny": null}), "rego_type"),
            (json!({"deny": "no"}), "rego_type"),
            (json!({"deny": 0}), "rego_type"),
            (json!({"deny": {}}), "rego_type"),
            (json!({"deny": [], "require_approval": 3}), "rego_type"),
            (json!({"deny": [], "require_approval": -1}), "rego_type"),
            (json!({"deny": [], "require_approval": "two"}), "rego_type"),
            (json!({"deny": true}), "rego_denied"),
            (json!({"deny": ["a", {"b": 1}]}), "rego_denied"),
        ] {
            let verdict = verdict(&heard(package.clone()));
            assert!(!verdict.passes() && verdict.code == code, "{package}: {verdict:?}");
        }
        for package in [json!({"deny": []}), json!({"deny": false}), json!({"deny": [], "require_approval": 2})] {
            assert!(verdict(&heard(package.clone())).passes(), "{package}");
        }
    }

    #[test]
    fn approvals_are_the_most_that_any_policy_asks_for() {
        let mut answer = heard(json!({"deny": [], "require_approval": ["a database", "a friday"]}));
        assert_eq!((answer.approvals, answer.why.len()), (1, 2));
        answer.hear("q", &json!({"deny": [], "require_approval": 2}));
        answer.hear("r", &json!({"deny": [], "require_approval": false}));
        assert_eq!((answer.approvals, answer.why.len()), (2, 3));
        answer.hear("s", &json!({"deny": ["x\n\u{1b}[2J"]}));
        assert!(!answer.deny[0].contains(char::is_control));
    }
}
