use super::*;
use crate::domain::proposal::Sealed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

const SENDER: &str = "agent:adapter";

fn now() -> Time {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}

fn fixture(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters").join(name);
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

fn yaml(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/adapters").join(name);
    crate::domain::canon::parse(&std::fs::read(path).expect("a fixture")).expect("YAML")
}

fn repository() -> Value {
    json!({"forge": "github", "name": "acme/gitops"})
}

fn runbooks() -> Vec<Runbook> {
    let labels = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let memory = labels(&[("alertname", "ContainerOutOfMemory"), ("severity", "critical")]);
    let scale = labels(&[("workflow", "scale-deployment")]);
    vec![
        Runbook::new("memory", Tool::Alertmanager, memory, yaml("runbook-memory.yaml")).expect("a runbook"),
        Runbook::new("scale", Tool::Kubernaut, scale, yaml("runbook-scale.yaml")).expect("a runbook"),
    ]
}

/// It is a proposal that the intake reads.
fn sealed(document: &Value) -> Sealed {
    Sealed::read(document.to_string().as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {document}"))
}

fn with(document: &Value, place: &str, value: Value) -> Value {
    let mut document = document.clone();
    *document.pointer_mut(place).expect("a place") = value;
    document
}

#[test]
fn srenix_probe_and_restart_become_proposals() {
    let probe = srenix(&fixture("srenix-probe.json"), &repository(), SENDER, now()).expect("fits");
    let proposal = sealed(&probe).proposal;
    assert_eq!(
        (proposal.action_kind.name(), proposal.target.to_string()),
        ("SetProbe".into(), "StatefulSet shop/search".into())
    );
    assert_eq!(proposal.proposer.id, SENDER);
    let plan = proposal.plan.expect("a plan");
    assert_eq!((plan.step, plan.after), (2, vec!["act-0041".to_owned()]));
    let text = probe["changes"].to_string();
    assert!(text.contains("\"timeoutSeconds\":5") && text.contains("\"select\""), "{text}");
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-20T09:00:00Z"}}}}});
    let mut action = fixture("srenix-probe.json");
    action["action_kind"] = "PatchDeployment".into();
    action["patch_payload"] = STANDARD.encode(restart.to_string()).into();
    let restart = srenix(&action, &repository(), SENDER, now()).expect("fits");
    assert_eq!(sealed(&restart).proposal.action_kind.name(), "RestartWorkload");
}

#[test]
fn srenix_actions_that_files_cannot_hold_are_refused() {
    let action = fixture("srenix-probe.json");
    let refuse = |action: &Value| srenix(action, &repository(), SENDER, now()).expect_err("refused");
    for kind in [
        "DeletePod",
        "DeleteJob",
        "DeleteCertRequest",
        "DeleteACMEOrder",
        "ApplyManifest",
        "ProposePullRequest",
        "Shell",
        "patchprobe",
    ] {
        let unfit = refuse(&with(&action, "/action_kind", json!(kind)));
        assert_eq!((unfit.code, unfit.path.as_str()), ("not_expressible", "action_kind"), "{kind}");
        assert!(!unfit.reason.is_empty());
    }
    let smuggled = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "x"}}, "spec": {"hostNetwork": true}}}});
    let mut restart = with(&action, "/action_kind", json!("PatchDeployment"));
    restart["patch_payload"] = STANDARD.encode(smuggled.to_string()).into();
    assert_eq!(refuse(&restart).path, "patch_payload");
    for (place, value, code, path) in [
        ("/tier", json!("t0"), "not_expressible", "tier"),
        ("/tier", json!("t3"), "not_expressible", "tier"),
        ("/rollback/description", json!(" "), "adapter_malformed", "rollback.description"),
        ("/patch_payload", json!("not base64!"), "adapter_malformed", "patch_payload"),
        ("/patch_payload", json!(STANDARD.encode("[]")), "adapter_malformed", "patch_payload"),
        ("/target/name", json!(7), "adapter_malformed", "target.name"),
        ("/step_n", json!(0), "adapter_malformed", "step_n"),
        ("/expires_at", json!("2026-11-20T10:00:00Z"), "expired", "expires_at"),
    ] {
        let unfit = refuse(&with(&action, place, value));
        assert_eq!((unfit.code, unfit.path.as_str()), (code, path), "{place}");
    }
}

#[test]
fn kubernaut_requests_are_joined_with_the_runbook_of_their_workflow() {
    let request = fixture("kubernaut-request.json");
    let document = kubernaut(&request, &runbooks(), SENDER, now()).expect("fits");
    let proposal = sealed(&document).proposal;
    assert_eq!(proposal.id.as_deref(), Some("rar-oom-shop-7d9f"));
    assert_eq!(proposal.confidence.as_deref(), Some("0.7200"));
    assert_eq!(proposal.evidence.len(), 2);
    assert_eq!(document["changes"][0]["kustomize"]["replicas"][0]["name"], "web");
    assert!(proposal.reason.contains("saturated"), "{}", proposal.reason);
    assert!(proposal.approvals.is_empty(), "a decision there is no approval here");
    // The same request gives the same bytes.
    let again = kubernaut(&request, &runbooks(), SENDER, now()).expect("fits");
    assert_eq!(sealed(&again).digest, sealed(&document).digest);
}

#[test]
fn kubernaut_requests_that_are_over_or_unknown_are_refused() {
    let request = fixture("kubernaut-request.json");
    let refuse = |request: &Value| kubernaut(request, &runbooks(), SENDER, now()).expect_err("refused").code;
    assert_eq!(refuse(&with(&request, "/kind", json!("AIAnalysis"))), "adapter_malformed");
    for decision in ["Rejected", "Expired"] {
        assert_eq!(refuse(&with(&request, "/status/decision", json!(decision))), "decided");
    }
    assert_eq!(refuse(&with(&request, "/spec/recommendedWorkflow/workflowId", json!("other"))), "no_runbook");
    assert_eq!(refuse(&with(&request, "/spec/confidence", json!(1.5))), "adapter_malformed");
    let pending = with(&request, "/status/decision", json!(""));
    assert!(kubernaut(&pending, &runbooks(), SENDER, now()).is_ok(), "it waits there, and may wait here");
    assert_eq!(refuse(&with(&pending, "/spec/requiredBy", json!("2026-11-20T09:59:59Z"))), "expired");
    for value in ["../web", "a/b", "", "web; rm", "${labels.x}"] {
        let parameter = with(&request, "/status/workflowOverride/parameters/NAME", json!(value));
        assert_eq!(refuse(&parameter), "not_expressible", "{value}");
    }
}

#[test]
fn firing_alerts_become_one_proposal_for_each_incident() {
    let notification = fixture("alertmanager.json");
    let alerted = alertmanager(&notification, &runbooks(), SENDER).expect("fits");
    assert_eq!(alerted.len(), 3);
    let document = alerted[0].proposal.as_ref().expect("fires").as_ref().expect("fits");
    let proposal = sealed(document).proposal;
    assert_eq!(proposal.id.as_deref(), Some("alert-9c1f5a7be2d04c11-20261120095500"));
    assert_eq!(proposal.fingerprint.as_deref(), Some("9c1f5a7be2d04c11"));
    assert_eq!(proposal.target.to_string(), "Deployment shop/checkout");
    assert!(proposal.reason.contains("checkout is out of memory"));
    assert!(alerted[1].proposal.is_none(), "resolved");
    let unfit = alerted[2].proposal.as_ref().expect("fires").as_ref().expect_err("no runbook");
    assert_eq!((unfit.code, unfit.path.as_str()), ("no_runbook", "alerts[2].labels"));
    let mut later = notification.clone();
    later["alerts"][0]["endsAt"] = "2026-11-20T12:00:00Z".into();
    let again = alertmanager(&later, &runbooks(), SENDER).expect("fits");
    assert_eq!(again[0], alerted[0], "sent again it is the same proposal");
    assert_eq!(
        alertmanager(&with(&notification, "/version", json!("3")), &runbooks(), SENDER).expect_err("old").path,
        "version"
    );
}

#[test]
fn a_label_chooses_no_file_and_adds_no_field() {
    let notification = fixture("alertmanager.json");
    for value in ["../../etc", "a/b", "x\",\"image\":\"evil", "a b", "..", "ünicode", "x\ny"] {
        let hostile = with(&notification, "/alerts/0/labels/deployment", json!(value));
        let alerted = alertmanager(&hostile, &runbooks(), SENDER).expect("reads");
        let unfit = alerted[0].proposal.as_ref().expect("fires").as_ref().expect_err("refused");
        assert_eq!(unfit.code, "not_expressible", "{value}");
    }
    let long = with(&notification, "/alerts/0/annotations/summary", json!("s".repeat(10_000)));
    let alerted = alertmanager(&long, &runbooks(), SENDER).expect("reads");
    sealed(alerted[0].proposal.as_ref().expect("fires").as_ref().expect("fits"));
}

#[test]
fn a_runbook_says_everything_that_a_document_does_not() {
    let book = yaml("runbook-memory.yaml");
    let labels = BTreeMap::from([("alertname".to_owned(), "X".to_owned())]);
    let make = |document: Value| Runbook::new("r", Tool::Alertmanager, labels.clone(), document);
    assert!(make(book.clone()).is_ok());
    for key in ["actionKind", "repository", "target", "changes", "rollback"] {
        let mut document = book.clone();
        document.as_object_mut().expect("an object").remove(key);
        assert!(make(document).expect_err("missing").contains(key));
    }
    for key in ["proposer", "approvals", "id", "plan", "tenant", "colour"] {
        let mut document = book.clone();
        document[key] = json!("x");
        assert!(make(document).expect_err("foreign").contains(key));
    }
    assert!(Runbook::new("r", Tool::Alertmanager, BTreeMap::new(), book).is_err(), "it would match everything");
}
