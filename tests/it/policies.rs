//! Policies in Rego, asked in a child process: denials, approvals, what is no answer, and a policy that is swapped.

use crate::documents::image;
use crate::world::World;
use countersign::domain::facts::Policy;
use countersign::domain::policy::rego::verdict;
use countersign::engine::rego::Evaluator;
use serde_json::json;

const RULES: &str = "version: 1\npolicy: .countersign/policy.rego\nenvironments: {staging: {paths: [\"apps/*/staging/**\"], mode: automate}}\nautoMerge: {actionKinds: [SetImage], requiredChecks: [{name: \"ci/*\", app: 15368}]}\n";
const PATH: &str = ".countersign/policy.rego";
const FINE: &str = "package countersign\nimport rego.v1\ndeny contains \"never\" if false\n";

fn evaluator() -> Evaluator {
    Evaluator::with(env!("CARGO_BIN_EXE_countersign").into())
}

/// A world whose repository has this policy.
async fn under(w: &mut World, policy: &str) {
    w.stage.parts.evaluator = evaluator();
    w.commits(PATH, Some(policy)).await;
    w.rules(RULES).await;
}

async fn code(text: &str) -> String {
    let policies = [Policy { name: "p".into(), text: text.into() }];
    let answer =
        evaluator().ask(&policies, &json!({"version": 1, "list": [1, 2, 3], "hour": "2026-01-05T08:00:00Z"})).await;
    verdict(&answer).code
}

#[tokio::test]
async fn tm93_undefined_errors_timeouts_and_other_types_deny() {
    for (body, wanted) in [
        ("deny contains \"x\" if false", ""),
        ("deny := false", ""),
        ("deny if input.nothing", "rego_undefined"),
        ("allow := true", "rego_undefined"),
        ("deny contains \"x\" if input.version == 1", "rego_denied"),
        ("deny := \"x\"", "rego_type"),
        ("deny := 3", "rego_type"),
        ("deny contains x if { x := to_number(\"a\") }", "rego_error"),
        ("deny := true\ndeny := false", "rego_error"),
        (
            "deny contains 1 if { some x in numbers.range(1, 20000); some y in numbers.range(1, 20000); x + y == 0 }",
            "rego_timeout",
        ),
        ("deny contains", "rego_compile"),
        ("deny contains x if { x := no_such_function(1) }", "rego_error"),
    ] {
        let text = format!("package countersign\nimport rego.v1\n{body}\n");
        assert_eq!(code(&text).await, wanted, "{body}");
    }
    assert_eq!(code("package other\ndeny := false\n").await, "rego_compile");
    let memory = "package countersign\nimport rego.v1\ndeny contains x if { a := sprintf(\"%01000000d\", [1]); b := [c | some i in numbers.range(1, 5000); c := concat(\"\", [a, format_int(i, 10)])]; x := b[0] }\n";
    let code = code(memory).await;
    assert!(["rego_error", "rego_timeout"].contains(&code.as_str()), "{code}");
}

#[tokio::test]
async fn tm94_functions_that_reach_out_are_compile_errors() {
    for call in [
        "http.send({\"method\": \"get\", \"url\": \"http://127.0.0.1\"})",
        "opa.runtime()",
        "time.now_ns()",
        "rand.intn(\"a\", 9)",
        "io.jwt.decode(\"a\")",
        "file.read(\"/etc/passwd\")",
        "net.lookup_ip_addr(\"localhost\")",
    ] {
        let text = format!("package countersign\nimport rego.v1\ndeny contains x if {{ false; x := {call} }}\n");
        assert_eq!(code(&text).await, "rego_compile", "{call}");
    }
}

#[tokio::test]
async fn a_program_that_does_not_start_is_no_consent() {
    let policies = [Policy { name: "p".into(), text: FINE.into() }];
    let answer = Evaluator::with("/nowhere/countersign".into()).ask(&policies, &json!({})).await;
    assert_eq!(verdict(&answer).code, "rego_unavailable");
    let answer = Evaluator::with("/bin/true".into()).ask(&policies, &json!({})).await;
    assert!(!verdict(&answer).passes());
}

#[tokio::test]
async fn a_denial_drops_it_and_is_written_down() {
    let mut w = World::start().await;
    let policy = "package countersign\nimport rego.v1\ndeny contains sprintf(\"%s rests\", [input.objects[0].name]) if input.environment == \"nowhere\"\ndeny contains \"staging rests\" if input.environment == \"staging\"\n";
    under(&mut w, policy).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / policy.decision / dropped: denied").await;
    let record = w.record(&id).await;
    assert_eq!(record.rego.unwrap().deny, [".countersign/policy.rego: staging rests"]);
    assert!(record.reason.unwrap().sentence.contains("staging rests"));
    w.finish().await;
}

#[tokio::test]
async fn approvals_that_a_policy_asks_for_hold_the_push_back() {
    let mut w = World::start().await;
    under(
        &mut w,
        &format!("{FINE}require_approval contains \"an agent\" if startswith(input.proposal.proposer, \"agent:\")\n"),
    )
    .await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / policy.decision / waits: approvals_missing").await;
    let record = w.record(&id).await;
    assert_eq!((record.needed, record.head), (Some(1), None));
    w.later(16 * 60).await;
    w.expect(&id, "received / policy.decision / waits: approvals_missing / dropped: expired").await;
    w.finish().await;
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_holds_everything_up() {
    let mut w = World::start().await;
    under(&mut w, "package countersign\ndeny contains\n").await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.expect(&id, "received / policy.decision / waits: rego_compile").await;
    w.commits(PATH, None).await;
    w.settle().await;
    assert_eq!(w.open_gates(&id).await, ["config_invalid"]);
    w.commits(PATH, Some(FINE)).await;
    w.settle().await;
    assert!(w.record(&id).await.pull.is_some());
    w.finish().await;
}

#[tokio::test]
async fn tm95_a_swapped_policy_is_asked_before_anything_else() {
    let mut w = World::seasoned().await;
    under(&mut w, FINE).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let first = w.record(&id).await;
    assert!(first.issued.is_some());
    // Everything would merge now, but the policy was swapped in the meantime.
    w.commits(PATH, Some(&FINE.replace("if false", "if true"))).await;
    w.check_passes(&id).await;
    w.later(3_600).await;
    let record = w.record(&id).await;
    assert!(record.landed.is_none(), "{:?}", record.verdict);
    assert!(w.open_gates(&id).await.contains(&"rego_denied".to_owned()), "{:?}", w.open_gates(&id).await);
    assert_ne!(record.rego.as_ref().map(|answer| answer.policies), first.rego.map(|answer| answer.policies));
    // Taken back, it merges under an attestation that names the policy it was judged by.
    w.commits(PATH, Some(FINE)).await;
    w.later(3_600).await;
    w.later(60).await;
    assert!(w.record(&id).await.landed.is_some(), "{:?}", w.open_gates(&id).await);
}
