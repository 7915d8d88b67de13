use super::*;
use std::collections::BTreeSet;

#[tokio::test]
async fn the_openapi_document_is_whole() {
    let (s, _dir) = super::hosts::scene().await;
    let document = s.get("/openapi.json", "").await.json();
    assert_eq!(document, openapi());
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")), "{}", document["openapi"]);
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(format!("{id} {}", operation["tags"][0])), "{id} stands twice");
            check_operation(path, method, operation);
        }
    }
    references(&document, &document);
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        assert!(jsonschema::meta::is_valid(schema), "{name} is no schema");
    }
}

fn check_operation(path: &str, method: &str, operation: &Value) {
    let at = format!("{method} {path}");
    assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{at} has no summary");
    let responses = operation["responses"].as_object().expect("responses");
    assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{at} cannot succeed");
    for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
        let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
        assert!(schema == "#/components/schemas/Problem" || path == "/readyz", "{at} {status}");
    }
    if !operation["security"].is_null() {
        assert!(["401", "403", "500", "503"].iter().all(|status| responses.contains_key(*status)), "{at}");
    }
    let named: Vec<&str> = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    let empty = Vec::new();
    let parameters = operation["parameters"].as_array().unwrap_or(&empty);
    for name in named {
        assert!(
            parameters.iter().any(|p| p["name"] == name && p["in"] == "path" && p["required"] == true),
            "{at}: {name}"
        );
    }
}

fn references(document: &Value, value: &Value) {
    match value {
        Value::Object(map) => {
            if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                let pointer = target.strip_prefix('#').expect("a local reference");
                assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
            }
            map.values().for_each(|value| references(document, value));
        }
        Value::Array(items) => items.iter().for_each(|value| references(document, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Routes are made from the document's own list, and nothing else adds one.
#[tokio::test]
async fn every_route_is_documented() {
    for source in [
        include_str!("../mod.rs"),
        include_str!("../api/mod.rs"),
        include_str!("../edge.rs"),
        include_str!("../pages/mod.rs"),
    ] {
        for other in [".route(", ".nest(", ".route_service(", ".nest_service(", ".merge("] {
            assert!(!source.contains(other), "{other} adds a route that no document names");
        }
    }
    let (s, _dir) = super::hosts::scene().await;
    let document = openapi();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let real = path.replace("{id}", "x");
        for method in item.as_object().expect("operations").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let answer = s.ask(method, &real, "", Body::empty()).await;
            assert!(!matches!(answer.status.as_u16(), 404 | 405), "{path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn schemas_are_those_of_the_types() {
    let s = scene().await;
    let schema = s.get("/schema/proposal.json", "").await.json();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(validator.is_valid(&proposal("a")));
    assert!(!validator.is_valid(&with("a", "colour", json!(1))));
    let config = s.get("/schema/config.json", "").await.json();
    let validator = jsonschema::validator_for(&config).expect("a schema");
    assert!(validator.is_valid(&json!({"version": 1, "environments": {"prod": {"paths": ["a/**"]}}})));
    assert!(!validator.is_valid(&json!({"version": 1, "colour": 1})));
}

#[tokio::test]
async fn the_published_keys_are_the_ones_that_verify() {
    let s = scene().await;
    let keys = s.get("/.well-known/jwks.json", "").await.json();
    let keys = keys["keys"].as_array().expect("keys");
    let attestation = &s.site.keys.keys[0];
    assert_eq!(
        (keys[0]["kid"].as_str(), keys[0]["purpose"].as_str()),
        (Some(attestation.id.as_str()), Some("attestation"))
    );
    assert_eq!(
        (keys[1]["kid"].as_str(), keys[1]["purpose"].as_str()),
        (Some(s.site.log_signer.id().as_str()), Some("log"))
    );
    assert!(keys.iter().all(|key| key["kty"] == "OKP" && key["crv"] == "Ed25519" && key.get("d").is_none()));
}
