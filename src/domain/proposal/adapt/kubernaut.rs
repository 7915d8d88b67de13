//! Kubernaut's `RemediationApprovalRequest`, joined with a runbook for its workflow.
//!
//! Must not take a decision that was made there for an approval here: nobody signed it for this proposal.

use super::{Runbook, Tool, Unfit, cut, head, needed, put, still_open, text};
use crate::domain::ids::Time;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The proposal of an approval request.
pub fn kubernaut(request: &Value, runbooks: &[Runbook], proposer: &str, now: Time) -> Result<Value, Unfit> {
    if text(request, "/kind") != Some("RemediationApprovalRequest") {
        return Err(Unfit::new("adapter_malformed", "kind", "this is no RemediationApprovalRequest"));
    }
    match text(request, "/status/decision") {
        None | Some("Approved") => {}
        Some(decision) => {
            let reason = format!("it is `{}` there: nothing is proposed", cut(decision, 40));
            return Err(Unfit::new("decided", "status.decision", reason));
        }
    }
    // An approved one is carried out, whenever that is; one that waits stands until its deadline.
    if text(request, "/status/decision").is_none() {
        still_open(request, "/spec/requiredBy", now)?;
    }
    let values = values(request)?;
    let workflow = BTreeMap::from([("workflow".to_owned(), values["workflow.id"].clone())]);
    let runbook = Runbook::find(runbooks, Tool::Kubernaut, &workflow).ok_or_else(|| {
        let reason = format!(
            "no [[tenant.runbook]] of kubernaut has match = {{workflow = \"{}\"}}: add one that says what to change",
            cut(&workflow["workflow"], 80)
        );
        Unfit::new("no_runbook", "spec.recommendedWorkflow.workflowId", reason)
    })?;
    let mut proposal = head(&format!("rar-{}", values["request.name"]), proposer, "Kubernaut");
    runbook.filled(&values)?.into_iter().for_each(|(key, value)| put(&mut proposal, &key, value));
    if proposal.get("reason").is_none() {
        put(&mut proposal, "reason", json!(reason(request)?));
    }
    put(&mut proposal, "evidence", evidence(request));
    put(&mut proposal, "confidence", json!(confidence(request)?));
    if let Some(incident) = text(request, "/spec/remediationRequestRef/name") {
        put(&mut proposal, "fingerprint", json!(cut(incident, 128)));
    }
    Ok(proposal)
}

/// What a runbook may name: an operator's override comes before what was recommended.
fn values(request: &Value) -> Result<BTreeMap<String, String>, Unfit> {
    let recommended = needed(request, "/spec/recommendedWorkflow/workflowId")?;
    let chosen = text(request, "/status/workflowOverride/workflowName").unwrap_or(recommended);
    let mut values = BTreeMap::from([
        ("workflow.id".to_owned(), chosen.to_owned()),
        ("request.name".to_owned(), needed(request, "/metadata/name")?.to_owned()),
    ]);
    for (name, place) in [
        ("workflow.version", "/spec/recommendedWorkflow/version"),
        ("request.namespace", "/metadata/namespace"),
        ("cluster", "/spec/clusterID"),
    ] {
        if let Some(value) = text(request, place) {
            values.insert(name.to_owned(), value.to_owned());
        }
    }
    let parameters = request.pointer("/status/workflowOverride/parameters").and_then(Value::as_object);
    for (name, value) in parameters.into_iter().flatten() {
        let value = value.as_str().ok_or_else(|| {
            Unfit::new("adapter_malformed", "status.workflowOverride.parameters", "every parameter is a text")
        })?;
        values.insert(format!("parameters.{name}"), value.to_owned());
    }
    Ok(values)
}

fn reason(request: &Value) -> Result<String, Unfit> {
    let parts = ["/spec/reason", "/spec/investigationSummary", "/spec/recommendedWorkflow/rationale"];
    needed(request, "/spec/reason")?;
    let said: Vec<&str> = parts.iter().filter_map(|place| text(request, place)).collect();
    Ok(cut(&said.join("\n\n"), 4_000))
}

fn evidence(request: &Value) -> Value {
    let collected = request.pointer("/spec/evidenceCollected").and_then(Value::as_array);
    let titles = collected.into_iter().flatten().filter_map(Value::as_str).filter(|title| !title.trim().is_empty());
    titles.take(16).map(|title| json!({"title": cut(title, 200)})).collect()
}

/// 0 to 1 as text with four digits.
fn confidence(request: &Value) -> Result<String, Unfit> {
    let place = request.pointer("/spec/confidence").and_then(Value::as_f64);
    let value = place.filter(|value| (0.0..=1.0).contains(value));
    let value = value.ok_or_else(|| Unfit::new("adapter_malformed", "spec.confidence", "a number from 0 to 1"))?;
    Ok(format!("{value:.4}"))
}
