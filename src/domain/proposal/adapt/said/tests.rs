use super::*;
use crate::domain::proposal::Target;
use serde_json::json;

const COMMIT: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";

fn fixture(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports").join(name);
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

/// The fixture with other values, each at its pointer.
fn changed(name: &str, changes: &[(&str, Value)]) -> Vec<u8> {
    let mut document = fixture(name);
    for (place, value) in changes {
        let (parent, member) = place.rsplit_once('/').expect("a pointer");
        document.pointer_mut(parent).expect("a place")[member] = value.clone();
    }
    document.to_string().into_bytes()
}

/// What it says, and of which commit.
fn word(found: Result<Vec<Said>, Unfit>) -> Option<(Judgement, String)> {
    let said = found.expect("understood");
    assert!(said.len() <= 1, "{said:?}");
    said.into_iter().next().map(|said| match said.about {
        About::Commit(commit, _) => (said.result, commit.to_string()),
        About::Alert(alert) => (said.result, alert.fingerprint),
    })
}

fn place(found: Result<Vec<Said>, Unfit>) -> String {
    let unfit = found.expect_err("refused");
    assert_eq!(unfit.code, "report_malformed", "{unfit}");
    unfit.path
}

#[test]
fn argo_cd_is_good_when_healthy_and_synced_and_bad_when_degraded() {
    let with = |sync: &str, health: &str, phase: Value| {
        argocd(&changed("argocd.json", &[("/sync", json!(sync)), ("/health", json!(health)), ("/phase", phase)]))
    };
    let good = Some((Judgement::Good, COMMIT.to_owned()));
    let bad = Some((Judgement::Bad, COMMIT.to_owned()));
    let table = [
        ("Synced", "Healthy", json!("Succeeded"), good.clone()),
        ("Synced", "Healthy", Value::Null, good),
        ("Synced", "Degraded", json!("Succeeded"), bad.clone()),
        ("OutOfSync", "Degraded", json!("Failed"), bad),
        ("OutOfSync", "Healthy", json!("Succeeded"), None),
        ("Synced", "Progressing", json!("Succeeded"), None),
        ("Synced", "Suspended", json!("Succeeded"), None),
        ("Synced", "Missing", json!("Succeeded"), None),
        ("Unknown", "Unknown", json!("Error"), None),
        ("Synced", "Healthy", json!("Running"), None),
        ("Synced", "Degraded", json!("Running"), None),
        ("synced", "healthy", json!("Succeeded"), None),
    ];
    for (sync, health, phase, wanted) in table {
        assert_eq!(word(with(sync, health, phase.clone())), wanted, "{sync} {health} {phase}");
    }
    for nothing in [Value::Null, json!(""), json!("<no value>")] {
        assert_eq!(word(argocd(&changed("argocd.json", &[("/revision", nothing)]))), None);
    }
}

#[test]
fn a_document_that_is_not_understood_names_its_field() {
    let argo = |member: &str, value: Value| place(argocd(&changed("argocd.json", &[(member, value)])));
    assert_eq!(argo("/app", Value::Null), "app");
    assert_eq!(argo("/app", json!("x".repeat(254))), "app");
    assert_eq!(argo("/revision", json!("6.5.4")), "revision");
    assert_eq!(argo("/revision", json!(7)), "revision");
    assert_eq!(argo("/health", json!(true)), "health");
    assert_eq!(argo("/sync", json!("")), "sync");
    assert_eq!(argo("/paths", json!("../../../etc")), "paths");
    let of_flux = |member: &str, value: Value| place(flux(&changed("flux.json", &[(member, value)])));
    assert_eq!(of_flux("/involvedObject", json!([])), "involvedObject");
    assert_eq!(of_flux("/involvedObject/name", json!("")), "involvedObject.name");
    assert_eq!(of_flux("/severity", json!("fatal")), "severity");
    assert_eq!(of_flux("/reason", Value::Null), "reason");
    assert_eq!(of_flux("/metadata", json!("none")), "metadata");
    assert_eq!(of_flux("/metadata/revision", json!({})), "metadata.revision");
    assert_eq!(of_flux("/metadata/path", json!("../x")), "metadata.path");
    let alert = |member: &str, value: Value| place(alerts(&changed("alertmanager.json", &[(member, value)])));
    assert_eq!(alert("/version", json!("3")), "version");
    assert_eq!(alert("/alerts", json!({})), "alerts");
    assert_eq!(alert("/alerts", json!(vec![json!({}); 101])), "alerts");
    assert_eq!(alert("/alerts/0/startsAt", json!("yesterday")), "alerts[0].startsAt");
    assert_eq!(alert("/alerts/1/status", json!("gone")), "alerts[1].status");
    assert_eq!(alert("/alerts/0/labels/pod", json!(1)), "alerts[0].labels.pod");
    assert_eq!(alert("/alerts/0/fingerprint", Value::Null), "alerts[0].fingerprint");
    for bytes in [&b"[]"[..], b"", b"{", b"\xff"] {
        assert_eq!((place(argocd(bytes)), place(flux(bytes)), place(alerts(bytes))), Default::default());
    }
}

#[test]
fn flux_is_bad_on_errors_and_good_when_a_reconciliation_succeeded() {
    let with = |severity: &str, reason: &str| {
        flux(&changed("flux.json", &[("/severity", json!(severity)), ("/reason", json!(reason))]))
    };
    let some = |result| Some((result, COMMIT.to_owned()));
    let table = [
        ("info", "ReconciliationSucceeded", some(Judgement::Good)),
        ("error", "HealthCheckFailed", some(Judgement::Bad)),
        ("error", "ReconciliationFailed", some(Judgement::Bad)),
        ("error", "BuildFailed", some(Judgement::Bad)),
        ("error", "DependencyNotReady", None),
        ("error", "ArtifactFailed", None),
        ("info", "Progressing", None),
        ("info", "DependencyNotReady", None),
        ("trace", "ReconciliationSucceeded", None),
    ];
    for (severity, reason, wanted) in table {
        assert_eq!(word(with(severity, reason)), wanted, "{severity} {reason}");
    }
}

#[test]
fn flux_names_a_commit_in_several_ways() {
    let with = |key: &str, revision: String| {
        let metadata = json!({key: revision});
        word(flux(&changed("flux.json", &[("/metadata", metadata)]))).map(|(_, commit)| commit)
    };
    let long = "kustomize.toolkit.fluxcd.io/revision";
    for revision in [
        format!("main@sha1:{COMMIT}"),
        format!("main/{COMMIT}"),
        format!("feature/x@sha1:{COMMIT}"),
        format!("sha1:{COMMIT}"),
    ] {
        assert_eq!(with("revision", revision.clone()).as_deref(), Some(COMMIT), "{revision}");
        assert_eq!(with(long, revision).as_deref(), Some(COMMIT));
    }
    assert_eq!(with("revision", "6.5.4".into()), None, "a chart's version");
    assert_eq!(with("revision", "0.1.0+a94a8fe5ccb1".into()), None, "a part of a commit");
    assert_eq!(with("helm.toolkit.fluxcd.io/revision", format!("main/{COMMIT}")), None, "another group's key");
    assert_eq!(word(flux(&changed("flux.json", &[("/metadata", Value::Null)]))), None);
}

#[test]
fn an_alert_that_fires_is_bad_and_one_that_ended_says_nothing() {
    let said = alerts(&changed("alertmanager.json", &[])).expect("understood");
    let [Said { result: Judgement::Bad, about: About::Alert(alert), note }] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert_eq!(alert.fingerprint, "9c1f5a7be2d04c11");
    assert_eq!(note, "the alert ContainerOutOfMemory fires since 2026-11-20T10:30:00Z");
}

#[test]
fn an_alert_names_a_target_by_fingerprint_object_or_pod() {
    let alert = |labels: &[(&str, &str)]| Alert {
        fingerprint: "f1".into(),
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        since: crate::domain::ids::Time(0),
    };
    let target =
        |kind: &str, name: &str| Target { kind: kind.into(), namespace: Some("shop".into()), name: name.into() };
    let web = target("Deployment", "web");
    let shop = ("namespace", "shop");
    let table: [(&[(&str, &str)], bool); 9] = [
        (&[shop, ("deployment", "web")], true),
        (&[shop, ("pod", "web-6f7d9c5b8d-4kx2p")], true),
        (&[shop, ("pod", "web-gateway-6f7d9c5b8d-4kx2p")], false),
        (&[shop, ("pod", "web-0")], false),
        (&[shop, ("deployment", "basket")], false),
        (&[shop, ("statefulset", "web")], false),
        (&[("namespace", "other"), ("deployment", "web")], false),
        (&[("deployment", "web")], false),
        (&[shop], false),
    ];
    for (labels, wanted) in table {
        assert_eq!(alert(labels).names(&web, None), wanted, "{labels:?}");
    }
    assert!(alert(&[]).names(&web, Some("f1")));
    assert!(alert(&[("fingerprint", "f2")]).names(&web, Some("f2")));
    assert!(!alert(&[]).names(&web, Some("f3")));
    assert!(alert(&[shop, ("pod", "db-0")]).names(&target("StatefulSet", "db"), None));
    assert!(alert(&[shop, ("job_name", "copy")]).names(&target("Job", "copy"), None));
    assert!(!alert(&[shop, ("job", "copy")]).names(&target("Job", "copy"), None), "the name of a scrape");
    let node = Target { kind: "Node".into(), namespace: None, name: "n1".into() };
    assert!(alert(&[("node", "n1")]).names(&node, None));
}

#[test]
fn folders_hold_files_below_them_and_nothing_beside() {
    let folders = Folders::with("overlays/staging", ".;../../base;/charts/*/templates").expect("folders");
    let holds = |folders: &Folders, file: &str| folders.hold([file].into_iter());
    for file in ["overlays/staging/kustomization.yaml", "base/a/b.yaml", "charts/web/values.yaml"] {
        assert!(holds(&folders, file), "{file}");
    }
    for file in ["overlays/staging2/a.yaml", "overlays/production/a.yaml", "base.yaml", "README.md"] {
        assert!(!holds(&folders, file), "{file}");
    }
    assert!(holds(&Folders::default(), "anything"), "no folder is the whole repository");
    assert!(holds(&Folders::one(".").expect("the root"), "anything"));
    assert!(
        holds(&Folders::one("./a/").expect("a folder"), "a/b") && !holds(&Folders::one("a").expect("a folder"), "a")
    );
    assert_eq!((Folders::one(".."), Folders::with("a", "../../b")), (None, None));
}

#[test]
fn a_note_is_one_short_line() {
    let message = format!("first\nsecond\u{1b}[31m {}", "x".repeat(2_000));
    let bytes = changed(
        "flux.json",
        &[("/severity", json!("error")), ("/reason", json!("BuildFailed")), ("/message", json!(message))],
    );
    let note = &flux(&bytes).expect("understood")[0].note;
    assert!(note.starts_with("Kustomization flux-system/staging: BuildFailed: first second [31m xxx"), "{note}");
    assert_eq!(note.chars().count(), 500);
}

#[test]
fn the_template_of_the_documentation_is_what_is_read() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/outcomes.md");
    let text = std::fs::read_to_string(path).expect("the page");
    let body = text
        .split_once("body: |\n")
        .and_then(|(_, rest)| rest.split_once("trigger.countersign"))
        .expect("a template")
        .0;
    let mut document = serde_json::Map::new();
    for line in body.lines().filter(|line| line.contains("{{")) {
        let (member, value) = line.trim().split_once(": ").expect("a member");
        assert!(value.starts_with("{{toJson ") && value.trim_end_matches(',').ends_with("}}"), "{line}");
        document.insert(member.trim_matches('"').to_owned(), Value::Null);
    }
    let fixture = fixture("argocd.json");
    let (mut told, mut read): (Vec<_>, Vec<_>) =
        (document.keys().collect(), fixture.as_object().expect("an object").keys().collect());
    told.sort();
    read.sort();
    assert_eq!(told, read);
}
