use super::*;
use serde_json::json;

fn sample() -> Value {
    json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "actionKind": "SetImage",
        "repository": {"forge": "local", "name": "acme/shop"},
        "target": {"kind": "Deployment", "namespace": "web", "name": "web"},
        "changes": [{"helm": {"values": "values.yaml", "set": {"image.tag": "1.2.3"}}}],
        "reason": "crash loop", "rollback": {"description": "set the old tag"}, "proposer": {"id": "agent:x"}
    })
}

fn read(value: &Value) -> Result<Sealed, Malformed> {
    Sealed::read(value.to_string().as_bytes())
}

#[test]
fn the_digest_ignores_form_and_approvals() {
    let plain = read(&sample()).expect("valid");
    let mut approved = sample();
    approved["approvals"] = json!(["token"]);
    let approved = read(&approved).expect("valid");
    assert_eq!(plain.digest, approved.digest);
    assert_eq!(approved.approvals, ["token"]);
    let yaml = serde_yaml::to_string(&sample()).expect("yaml");
    assert_eq!(Sealed::read(yaml.as_bytes()).expect("valid").digest, plain.digest);
    assert_eq!(Sealed::stored(&plain.bytes).expect("canonical"), plain);
    assert!(Sealed::stored(sample().to_string().as_bytes()).is_err());
}

#[test]
fn the_digest_is_pinned() {
    let sealed = read(&sample()).expect("valid");
    assert_eq!(sealed.digest, Digest::of(&sealed.bytes));
    assert!(sealed.bytes.starts_with(br#"{"actionKind":"SetImage","apiVersion":"countersign/v1","changes":[{"helm":"#));
}

#[test]
fn bad_fields_are_refused_by_path() {
    let cases = [
        ("/extra", json!(1), "extra"),
        ("/target/extra", json!(1), "target"),
        ("/actionKind", json!("setImage"), "actionKind"),
        ("/actionKind", json!("RunShell"), "actionKind"),
        ("/id", json!("a/b"), "id"),
        ("/id", json!(".."), "id"),
        ("/confidence", json!("1.5"), "confidence"),
        ("/confidence", json!(0.9), "confidence"),
        ("/changes", json!([]), "changes"),
        ("/changes/0", json!({"helm": {"values": "v.yaml"}}), "changes[0].helm"),
        (
            "/changes/0",
            json!({"helm": {"values": "v.yaml", "edits": [{"op": "set", "path": "a"}]}}),
            "changes[0].helm.edits[0]",
        ),
        ("/changes/0", json!({"kustomize": {"images": [{"name": "x", "newTag": "1"}]}}), "changes[0].kustomize"),
        ("/changes/0", json!({"shell": {}}), "changes[0]"),
        ("/reason", json!(""), "reason"),
        ("/reason", json!("x".repeat(4001)), "reason"),
        ("/proposer/id", json!("a\nb"), "proposer.id"),
        ("/evidence", json!([{"title": "x", "url": "javascript:alert(1)"}]), "evidence[0].url"),
        ("/expiresAt", json!("tomorrow"), "expiresAt"),
        ("/tenant", json!("A/b"), "tenant"),
        ("/plan", json!({"id": "p", "step": 0}), "plan.step"),
    ];
    for (pointer, value, path) in cases {
        let mut document = sample();
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        let parent = document.pointer_mut(parent).expect("a parent");
        match key.parse::<usize>() {
            Ok(index) => parent[index] = value.clone(),
            Err(_) => parent[key] = value.clone(),
        }
        let error = read(&document).expect_err(pointer);
        assert!(error.path.starts_with(path), "{pointer} {value}: {error}");
    }
}

#[test]
fn tm90_action_kinds_are_a_closed_list() {
    for kind in ["setimage", "SETIMAGE", "SetImage ", "Exec", ""] {
        let mut document = sample();
        document["actionKind"] = json!(kind);
        assert!(read(&document).is_err(), "{kind}");
    }
}

#[test]
fn size_is_limited() {
    let mut document = sample();
    document["reason"] = json!("x".repeat(MAX_BYTES));
    assert!(read(&document).expect_err("large").reason.contains("bytes"));
}

#[test]
fn slugs() {
    assert_eq!(ActionKind::SetTerraformVariable.slug(), "set-terraform-variable");
}

#[test]
fn the_sample_proposals_are_valid() {
    for text in [
        include_str!("../../../fixtures/proposals/bump-web.yaml"),
        include_str!("../../../fixtures/proposals/resize-nodes.yaml"),
    ] {
        let sealed = Sealed::read(text.as_bytes()).expect("a sample");
        assert_eq!(Sealed::stored(&sealed.bytes).expect("canonical"), sealed);
    }
}

#[test]
fn tm100_texts_lose_their_secrets_before_they_are_sealed_and_changes_are_refused() {
    let secret = format!("glpat-{}", "x9Y8".repeat(6));
    let mut document = sample();
    let plain = read(&document).expect("valid");
    assert!(plain.redacted.is_empty());
    document["reason"] = serde_json::json!(format!("it says {secret}"));
    let sealed = read(&document).expect("valid");
    assert_eq!(
        (sealed.redacted.as_slice(), sealed.proposal.reason.as_str()),
        (["reason".to_owned()].as_slice(), "it says [redacted]")
    );
    assert!(!String::from_utf8_lossy(&sealed.bytes).contains(&secret));
    // What was kept is read back as it is, whatever the shapes are by then.
    assert_eq!(Sealed::stored(&sealed.bytes).expect("canonical").digest, sealed.digest);
    document["reason"] = serde_json::json!("because");
    document["target"]["name"] = serde_json::json!(secret);
    assert_eq!(read(&document).expect_err("refused").path, "target.name");
}
