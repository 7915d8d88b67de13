//! Srenix's `AIProposedAction`.
//!
//! Must not turn an action on the cluster into a change of files unless its effect is the same.

use super::{Unfit, cut, head, needed, put, still_open, text};
use crate::domain::ids::Time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Where a restart is asked for.
const RESTARTED: &str = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";

/// The proposal of an action on a repository that the caller names.
pub fn srenix(action: &Value, repository: &Value, proposer: &str, now: Time) -> Result<Value, Unfit> {
    still_open(action, "/expires_at", now)?;
    match needed(action, "/tier")? {
        "t1" | "t2" => {}
        "t3" => {
            let reason = "a break-glass runbook is carried out by people: send it as a proposal of kind `Runbook`";
            return Err(Unfit::new("not_expressible", "tier", reason));
        }
        other => return Err(Unfit::new("not_expressible", "tier", format!("tier `{other}` proposes nothing"))),
    }
    let patch = patch(action)?;
    let mut proposal = head(needed(action, "/action_id")?, proposer, "Srenix");
    let target = target(action)?;
    let kind = match needed(action, "/action_kind")? {
        "PatchDeployment" => "RestartWorkload",
        _ => "SetProbe",
    };
    put(&mut proposal, "actionKind", json!(kind));
    put(&mut proposal, "repository", repository.clone());
    put(&mut proposal, "target", target.clone());
    put(&mut proposal, "changes", json!([{"manifest": {"select": target, "merge": patch}}]));
    put(&mut proposal, "reason", json!(cut(needed(action, "/rationale")?, 4_000)));
    put(&mut proposal, "rollback", json!({"description": cut(needed(action, "/rollback/description")?, 1_000)}));
    if let Some(subject) = text(action, "/diagnostic_subject") {
        put(&mut proposal, "evidence", json!([{"title": cut(subject, 200)}]));
        put(&mut proposal, "fingerprint", json!(cut(subject, 128)));
    }
    if let Some(plan) = plan(action)? {
        put(&mut proposal, "plan", plan);
    }
    Ok(proposal)
}

fn target(action: &Value) -> Result<Value, Unfit> {
    let mut target = json!({"kind": needed(action, "/target/kind")?, "name": needed(action, "/target/name")?});
    if let Some(namespace) = text(action, "/target/namespace") {
        put(&mut target, "namespace", json!(namespace));
    }
    Ok(target)
}

/// The place in a plan: its steps count from 1, and a prerequisite is another action's id.
fn plan(action: &Value) -> Result<Option<Value>, Unfit> {
    let Some(id) = text(action, "/plan_id") else { return Ok(None) };
    let step = action.get("step_n").and_then(Value::as_u64).filter(|step| (1..=1_000).contains(step));
    let step = step.ok_or_else(|| Unfit::new("adapter_malformed", "step_n", "a step of a plan counts from 1"))?;
    let after: Vec<String> = text(action, "/prerequisite_action_id").map(super::name).into_iter().collect();
    Ok(Some(json!({"id": cut(id, 64), "step": step, "after": after})))
}

/// The strategic-merge patch, where the action is one that files can hold.
fn patch(action: &Value) -> Result<Value, Unfit> {
    let unfit = |reason: &str| Err(Unfit::new("not_expressible", "action_kind", reason));
    let kind = needed(action, "/action_kind")?;
    match kind {
        "PatchDeployment" | "PatchProbe" => {}
        "DeletePod" | "DeleteJob" | "DeleteCertRequest" | "DeleteACMEOrder" => {
            return unfit("it removes an object that the cluster makes anew: no file of a repository says so");
        }
        "ApplyManifest" => {
            return unfit("it does not say which file the object belongs in: propose it with `file` and `AddManifest`");
        }
        "ProposePullRequest" => return unfit("its pull request is open already: there is nothing left to propose"),
        other => return unfit(&format!("the action kind `{}` is not known", cut(other, 60))),
    }
    let malformed = |reason: &str| Unfit::new("adapter_malformed", "patch_payload", reason);
    let bytes = STANDARD.decode(needed(action, "/patch_payload")?).map_err(|_| malformed("this is not base64"))?;
    let patch: Value = serde_json::from_slice(&bytes).map_err(|_| malformed("this is not JSON"))?;
    if !patch.is_object() {
        return Err(malformed("a strategic-merge patch is an object"));
    }
    if kind == "PatchDeployment" && (patch.pointer(RESTARTED).is_none() || leaves(&patch) != 1) {
        let reason =
            "only a restart is a `PatchDeployment`: an annotation `kubectl.kubernetes.io/restartedAt`, nothing else";
        return Err(Unfit::new("not_expressible", "patch_payload", reason));
    }
    Ok(patch)
}

fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.values().map(leaves).sum(),
        Value::Array(items) => items.iter().map(leaves).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}
