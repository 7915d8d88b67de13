//! Floors that nothing lowers: protected namespaces however they are named, and dangers that a person merges.

use crate::documents::{config, image, proposal, replicas};
use crate::world::{HOUR, World};
use serde_json::{Value, json};

const FOLDER: &str = "apps/web/staging";

fn automate(more: &str) -> String {
    config("automate", "  requiredChecks: []\n", more)
}

/// A change of one value in a file of staging that says this.
async fn changes(w: &World, kind: &str, target: (&str, &str), name: &str, text: &str, set: Value) -> String {
    let path = format!("{FOLDER}/{name}");
    w.commits(&path, Some(text)).await;
    let change = match kind {
        "SetHelmValue" => json!([{"helm": {"values": path, "set": set}}]),
        _ => json!([{"manifest": {"file": path, "set": set}}]),
    };
    let mut asked = proposal(kind, "shop-staging", target.1, change);
    asked["target"] = json!({"kind": target.0, "name": target.1});
    w.propose(&asked).await
}

#[tokio::test]
async fn tm92_a_protected_namespace_is_protected_however_it_is_named() {
    let w = World::start().await;
    w.rules(&automate("protectedNamespaces: []\n")).await;
    let object = |namespace: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: {namespace}}}\ndata: {{x: \"1\"}}\n")
    };
    let labelled = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {kubernetes.io/metadata.name: vault}}\ndata: {x: \"1\"}\n";
    let cases = [
        ("PatchManifest", ("ConfigMap", "a"), "a.yaml", object("kube-system"), json!({"data.x": "2"})),
        ("PatchManifest", ("ConfigMap", "a"), "b.yaml", object("kube-systеm"), json!({"data.x": "2"})),
        ("PatchManifest", ("ConfigMap", "a"), "c.yaml", labelled.to_owned(), json!({"data.x": "2"})),
        (
            "PatchManifest",
            ("Namespace", "vault"),
            "d.yaml",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: vault}\nx: 1\n".to_owned(),
            json!({"x": 2}),
        ),
        (
            "SetHelmValue",
            ("HelmRelease", "web"),
            "values.yaml",
            "namespaceOverride: external-secrets\nimage: {tag: \"1\"}\n".to_owned(),
            json!({"image.tag": "2"}),
        ),
        (
            "SetHelmValue",
            ("HelmRelease", "web"),
            "values-new.yaml",
            "watch: {namespaces: [shop]}\nimage: {tag: \"1\"}\n".to_owned(),
            json!({"watch.namespaces": ["ＫＵＢＥ-public"]}),
        ),
        (
            "PatchKustomization",
            ("Deployment", "web"),
            "more/kustomization.yaml",
            "namespace: calico-system\nresources: [x.yaml]\nimages: [{name: a, newTag: \"1\"}]\n".to_owned(),
            json!({"images[name=a].newTag": "2"}),
        ),
    ];
    for (kind, target, name, text, set) in cases {
        let id = changes(&w, kind, target, name, &text, set).await;
        w.expect(&id, "received / dropped: denied").await;
        assert_eq!(w.open_gates(&id).await, ["protected_namespace"], "{name}");
    }
    // What a kustomization gives the files it lists.
    w.commits(
        &format!("{FOLDER}/kube/kustomization.yaml"),
        Some("namespace: kube-node-lease\nresources: [plain.yaml]\n"),
    )
    .await;
    let plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: \"1\"}\n";
    let id = changes(&w, "PatchManifest", ("ConfigMap", "a"), "kube/plain.yaml", plain, json!({"data.x": "2"})).await;
    assert_eq!(w.open_gates(&id).await, ["protected_namespace"]);
    // The same file where nothing protected gives it a namespace goes through.
    let id = changes(&w, "PatchManifest", ("ConfigMap", "a"), "fine.yaml", plain, json!({"data.x": "2"})).await;
    assert!(w.record(&id).await.pull.is_some());
    assert_eq!(w.asked("merge"), 0);
    w.finish().await;
}

#[tokio::test]
async fn tm96_what_destroys_waits_for_people_and_never_merges_by_itself() {
    let w = World::start().await;
    w.rules(&automate("")).await;
    let object = |kind: &str, more: &str| {
        format!(
            "apiVersion: v1\nkind: {kind}\nmetadata: {{name: a, namespace: shop-staging{more}}}\nspec: {{x: 1}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: b, namespace: shop-staging}}\n"
        )
    };
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a, namespace: shop-staging}\nrules:\n- apiGroups: [\"\"]\n  resources: [pods]\n  verbs: [get]\n";
    let image = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: shop-staging}\nspec: {template: {spec: {containers: [{name: a, image: \"a:2.0\"}]}}}\n";
    let cases = [
        (
            "finalizer_removal",
            "Widget",
            "f.yaml",
            object("Widget", ", finalizers: [x/y]"),
            json!({"metadata.finalizers": []}),
            2,
        ),
        ("rbac_widening", "Role", "r.yaml", role.to_owned(), json!({"rules[0].verbs": ["*"]}), 2),
        (
            "image_downgrade",
            "Deployment",
            "i.yaml",
            image.to_owned(),
            json!({"spec.template.spec.containers[name=a].image": "a:1.0"}),
            1,
        ),
        (
            "scale_to_zero",
            "Deployment",
            "s.yaml",
            image.replace("spec: {", "spec: {replicas: 3, "),
            json!({"spec.replicas": 0}),
            1,
        ),
        (
            "delete_pvc",
            "PersistentVolumeClaim",
            "p.yaml",
            object("PersistentVolumeClaim", ""),
            json!({"kind": "ConfigMap"}),
            2,
        ),
        (
            "delete_crd",
            "CustomResourceDefinition",
            "c.yaml",
            object("CustomResourceDefinition", ""),
            json!({"kind": "ConfigMap"}),
            2,
        ),
    ];
    for (danger, kind, name, text, set, approvals) in cases {
        w.commits(&format!("{FOLDER}/{name}"), Some(&text)).await;
        let change = json!([{"manifest": {"file": format!("{FOLDER}/{name}"), "select": {"index": 0}, "set": set}}]);
        let mut asked = proposal("PatchManifest", "shop-staging", "a", change);
        let target = if set.get("kind").is_some() { "ConfigMap" } else { kind };
        asked["target"] = json!({"kind": target, "namespace": "shop-staging", "name": "a"});
        let id = w.propose(&asked).await;
        let record = w.record(&id).await;
        assert!(record.class.as_ref().unwrap().tier >= 2, "{danger}");
        assert_eq!(record.needed, Some(approvals), "{danger}: {:?}", record.verdict);
        assert!(w.open_gates(&id).await.contains(&"approvals_missing".to_owned()), "{danger}");
        let why = record.verdict.unwrap().text();
        assert!(why.contains(danger), "{danger}: {why}");
    }
    assert_eq!(w.asked("push"), 0);
    w.later(HOUR).await;
    w.finish().await;
}

#[tokio::test]
async fn one_proposal_for_an_incident_within_the_hold_period() {
    let w = World::start().await;
    w.rules(&config("observe", "", "holdPeriod: 2h\n")).await;
    let of = |mut asked: Value, fingerprint: &str| {
        asked["fingerprint"] = json!(fingerprint);
        asked
    };
    let first = w.propose(&of(image("web", "staging", "2.0"), "abc")).await;
    w.expect(&first, "received / dropped: observed").await;
    let again = w.propose(&of(image("web", "staging", "2.1"), "abc")).await;
    w.expect(&again, "received / dropped: duplicate").await;
    assert_eq!(w.open_gates(&again).await, ["same_incident"]);
    let other = w.propose(&of(image("web", "staging", "2.2"), "xyz")).await;
    w.expect(&other, "received / dropped: observed").await;
    w.later(2 * HOUR + 60).await;
    let later = w.propose(&of(image("web", "staging", "2.3"), "abc")).await;
    w.expect(&later, "received / dropped: observed").await;
    // Steps of one plan belong to one incident and are no duplicates of each other.
    let step = |n: u64, count: u64| {
        let mut asked = of(replicas("web", "staging", count), "plan");
        asked["plan"] = json!({"id": "p", "step": n});
        asked
    };
    for (n, count) in [(1, 4), (2, 5)] {
        let id = w.propose(&step(n, count)).await;
        w.expect(&id, "received / dropped: observed").await;
    }
    w.finish().await;
}

#[tokio::test]
async fn tm98_no_rung_is_raised_by_itself() {
    // 73 of 73 were good: the class has earned it, and still nobody but a person's edit raises the rung.
    let w = World::seasoned().await;
    w.rules(&config("propose", "", "")).await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.check_passes(&id).await;
    w.later(HOUR).await;
    let record = w.record(&id).await;
    assert!(record.standing.as_ref().unwrap().unlocked(), "{:?}", record.standing);
    assert_eq!((record.mode.unwrap().to_string().as_str(), record.landed), ("propose", None));
    assert!(w.open_gates(&id).await.contains(&"mode".to_owned()), "{:?}", w.open_gates(&id).await);
    let listed = config("automate, startIn: observe", "", "");
    w.rules(&listed).await;
    let observed = w.propose(&image("search", "staging", "2.0")).await;
    w.expect(&observed, "received / dropped: observed").await;
    w.rules(&listed.replace("startIn: observe", "startIn: observe, kinds: {SetImage: propose}")).await;
    let proposed = w.propose(&image("search", "staging", "2.1")).await;
    assert!(w.record(&proposed).await.pull.is_some());
    assert_eq!(w.asked("merge"), 0);
}
