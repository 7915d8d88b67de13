//! Proposals and configs as their senders write them.

use countersign::cli::demo::{PROPOSER, REPOSITORY};
use serde_json::{Value, json};

/// A proposal about a Deployment, of the sample agent.
pub fn proposal(kind: &str, namespace: &str, app: &str, changes: Value) -> Value {
    json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "actionKind": kind,
        "repository": {"forge": "local", "name": REPOSITORY},
        "target": {"kind": "Deployment", "namespace": namespace, "name": app},
        "changes": changes,
        "reason": format!("{app} does not do well"),
        "evidence": [{"title": "error rate", "url": "https://grafana.example/d/errors"}],
        "confidence": "0.93",
        "rollback": {"description": "set what stood there before"},
        "proposer": {"id": PROPOSER, "display": "Sample agent"}
    })
}

/// A new tag for one application in one environment.
pub fn image(app: &str, environment: &str, tag: &str) -> Value {
    let namespace = if environment == "staging" { "shop-staging" } else { "shop" };
    let images = json!([{"name": format!("ghcr.io/acme/{app}"), "newTag": tag}]);
    let directory = format!("apps/{app}/{environment}");
    proposal("SetImage", namespace, app, json!([{"kustomize": {"directory": directory, "images": images}}]))
}

/// Another number of replicas for one application in one environment.
pub fn replicas(app: &str, environment: &str, count: u64) -> Value {
    let namespace = if environment == "staging" { "shop-staging" } else { "shop" };
    let directory = format!("apps/{app}/{environment}");
    let replicas = json!([{"name": app, "count": count}]);
    proposal("SetReplicas", namespace, app, json!([{"kustomize": {"directory": directory, "replicas": replicas}}]))
}

/// The file that `image` changes.
pub fn overlay(app: &str, environment: &str) -> String {
    format!("apps/{app}/{environment}/kustomization.yaml")
}

/// A config whose staging automates; `more` are further lines at its top level.
pub fn automate(more: &str) -> String {
    config("automate", "  requiredChecks: [{name: \"ci/*\", app: 15368}]\n", more)
}

/// A config with this mode for staging, these lines under `autoMerge` and these at the top level.
pub fn config(mode: &str, auto_merge: &str, more: &str) -> String {
    format!(
        "version: 1\nenvironments:\n  production: {{paths: [\"apps/*/production/**\"], mode: propose}}\n  staging: \
         {{paths: [\"apps/*/staging/**\"], mode: {mode}}}\nautoMerge:\n  soak: 72h\n  actionKinds: [SetImage, \
         SetReplicas]\n{auto_merge}{more}"
    )
}
