//! A secret that somebody writes down is kept and shown nowhere.

use crate::documents::{image, overlay};
use crate::world::World;
use countersign::web::intake::Refused;
use serde_json::json;

/// Built from pieces, so that no scanner takes this file for a leak.
fn secrets() -> Vec<String> {
    let long = "h7Kq".repeat(10);
    let pem = format!("-----BEGIN {0} PRIVATE KEY-----\n{long}\n-----END {0} PRIVATE KEY-----", "RSA");
    let jwt = format!("eyJ{}.eyJ{}.{long}", "hbGciOiJIUzI1NiJ9", "zdWIiOiIxMjMifQ");
    vec![format!("ghp_{long}"), format!("glpat-{long}"), jwt, pem, "correct-horse-battery".into()]
}

/// Whether bytes hold a text, or the middle of it as JSON writes it.
fn holds(bytes: &[u8], text: &str) -> bool {
    let middle: String = text.lines().max_by_key(|line| line.len()).unwrap_or_default().to_owned();
    bytes.windows(middle.len()).any(|window| window == middle.as_bytes())
}

#[tokio::test]
async fn tm100_a_planted_secret_is_in_no_output_and_not_in_the_database() {
    let w = World::start().await;
    let secrets = secrets();
    // The repository's own: shown redacted, and not touched where it stands.
    let own = format!("npm_{}", "t5Wd".repeat(10));
    let path = overlay("web", "staging");
    let file = w.file(&path).await.unwrap();
    let old = file.split("newTag: \"").nth(1).unwrap().split('"').next().unwrap();
    w.commits(&path, Some(&file.replace(old, &own))).await;
    let mut document = image("web", "staging", "2.0");
    document["reason"] = json!(format!("the log says {} and then\n{}", secrets[0], secrets[3]));
    document["evidence"] = json!([{"title": secrets[1], "url": format!("https://ci:{}@ci.example/job/7", secrets[4])}]);
    document["rollback"] = json!({"description": format!("with Authorization: Bearer {}", secrets[2])});
    document["proposer"]["display"] = json!(secrets[1]);
    let id = w.propose(&document).await;
    let pull = w.pull(&id).await;
    let reject = format!("/countersign reject it leaks {} and password={}", secrets[0], secrets[4]);
    w.dana().comment(pull.number, &reject).await.unwrap();
    w.settle().await;
    let (_, comments) = w.dana().show(pull.number).await.unwrap();
    let ours = comments.into_iter().filter(|comment| comment.key.is_some()).map(|comment| comment.text);
    let mut outputs: Vec<Vec<u8>> = vec![pull.body.clone().into_bytes(), pull.title.into_bytes()];
    outputs.extend(ours.map(String::into_bytes));
    let store = &w.stage.parts.store;
    outputs.push(store.artifact(w.stage.tenant(), &id, "diff").await.unwrap().unwrap());
    outputs.push(serde_json::to_vec(&w.record(&id).await).unwrap());
    for leaf in store.leaves(w.stage.tenant(), 0, 1_000).await.unwrap() {
        outputs.push(leaf.bytes);
        outputs.extend(leaf.payload.map(|(payload, _)| payload));
    }
    for secret in secrets.iter().chain([&own]) {
        for output in &outputs {
            assert!(!holds(output, secret), "{secret} in {}", String::from_utf8_lossy(output));
        }
    }
    assert!(pull.body.contains("[redacted]") && pull.body.contains("ci.example/job/7"), "{}", pull.body);
    assert!(w.record(&id).await.reason.unwrap().sentence.contains("it leaks"));
    // Where it would be written into the repository it is refused.
    let planted = image("email", "staging", &secrets[0]).to_string();
    match w.stage.propose(planted.as_bytes()).await {
        Err(Refused::Malformed(fault)) => assert!(fault.path.ends_with("newTag"), "{fault}"),
        other => panic!("{other:?}"),
    }
    store.close().await;
    for entry in std::fs::read_dir(w.stage.home.join("data")).unwrap() {
        let path = entry.unwrap().path();
        let database = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("countersign.sqlite"));
        let bytes = if database { std::fs::read(&path).unwrap() } else { Vec::new() };
        for secret in &secrets {
            assert!(!holds(&bytes, secret), "{secret} in {}", path.display());
        }
    }
}

/// A tenant's own words, in every text that comes in from anywhere but the repository's files, and in what is shown of those.
#[tokio::test]
async fn tm100_a_tenants_own_words_are_kept_and_said_nowhere() {
    let w = World::start().await;
    let path = w.stage.home.join("settings.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    let redact = "id = \"acme\"\nredact = [{pattern = \"acme-key-*\"}, {pattern = \"cust-????\", environments = [\"staging\"]}]\n";
    assert!(settings.contains("id = \"acme\"\n"), "{settings}");
    std::fs::write(&path, settings.replacen("id = \"acme\"\n", redact, 1)).unwrap();
    let w = w.restart().await;
    let overlay = overlay("web", "staging");
    let file = w.file(&overlay).await.unwrap();
    let old = file.split("newTag: \"").nth(1).unwrap().split('"').next().unwrap();
    w.commits(&overlay, Some(&file.replace(old, "acme-key-old"))).await;
    let mut document = image("web", "staging", "2.0");
    document["reason"] = json!("cust-0001 sees acme-key-1 in the log");
    let id = w.propose(&document).await;
    let number = w.number(&id).await;
    w.dana().comment(number, "/countersign set images[0].newTag=acme-key-set").await.unwrap();
    w.settle().await;
    let told = w.events(&id).await;
    assert!(told.iter().any(|event| event.kind == "command.refused"), "{told:?}");
    w.dana().comment(number, "/countersign reject cust-0002 leaks acme-key-2").await.unwrap();
    w.settle().await;
    let other = w.propose(&image("search", "staging", "2.0")).await;
    w.dana().comment(w.number(&other).await, "no: acme-key-3").await.unwrap();
    w.dana().close(w.number(&other).await).await.unwrap();
    w.settle().await;
    let mut outputs = Vec::new();
    let store = &w.stage.parts.store;
    for id in [&id, &other] {
        let pull = w.pull(id).await;
        let (_, comments) = w.dana().show(pull.number).await.unwrap();
        let ours = comments.into_iter().filter(|comment| comment.key.is_some()).map(|comment| comment.text);
        outputs.extend([pull.body.clone(), pull.title.clone()].into_iter().chain(ours).map(String::into_bytes));
        outputs.push(store.artifact(w.stage.tenant(), id, "diff").await.unwrap().unwrap());
        outputs.push(serde_json::to_vec(&w.record(id).await.reason).unwrap());
    }
    for leaf in store.leaves(w.stage.tenant(), 0, 1_000).await.unwrap() {
        outputs.extend(leaf.payload.map(|(payload, _)| payload));
    }
    for output in &outputs {
        let text = String::from_utf8_lossy(output);
        assert!(!text.contains("acme-key-") && !text.contains("cust-0"), "{text}");
    }
    assert!(w.pull(&id).await.body.contains("[redacted] sees [redacted] in the log"), "{}", w.pull(&id).await.body);
    assert!(w.record(&id).await.reason.unwrap().sentence.contains("leaks [redacted]"));
    assert!(w.record(&other).await.reason.unwrap().sentence.contains("no: [redacted]"));
    assert!(w.file(&overlay).await.unwrap().contains("acme-key-old"), "the file itself is nobody's to change");
    w.finish().await;
}
