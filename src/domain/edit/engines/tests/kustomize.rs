use super::{Code, gives, refused, run};
use serde_json::{Value, json};

const FILE: &str = "o/kustomization.yaml";

fn change(words: Value) -> Value {
    let mut all = json!({"directory": "o"});
    all.as_object_mut().expect("map").extend(words.as_object().expect("words").clone());
    json!({ "kustomize": all })
}

fn table(cases: &[(&str, Value, &str)]) {
    for (before, words, after) in cases {
        gives(FILE, before, &change(words.clone()), after);
    }
}

#[test]
fn images() {
    let image = |fields: Value| json!({ "images": [fields] });
    let own = "images:\n- name: web # ours\n  newTag: \"1.0\"\n- {name: api, digest: sha256:aa}\n";
    table(&[
        (own, image(json!({"name": "web", "newTag": "1.10"})), &own.replace("\"1.0\"", "\"1.10\"")),
        (own, image(json!({"name": "web", "newTag": "1.0"})), own),
        (own, image(json!({"name": "api", "newTag": "v2"})), &own.replace("digest: sha256:aa", "newTag: v2")),
        (
            own,
            image(json!({"name": "web", "digest": "sha256:bb"})),
            &own.replace("  newTag: \"1.0\"", "  digest: sha256:bb"),
        ),
        (
            own,
            image(json!({"name": "api", "newTag": "v2", "digest": "sha256:cc"})),
            &own.replace("digest: sha256:aa", "digest: sha256:cc, newTag: v2"),
        ),
        (
            own,
            image(json!({"name": "web", "tagSuffix": "-debian"})),
            &own.replace("  newTag: \"1.0\"", "  tagSuffix: -debian"),
        ),
        (
            own,
            image(json!({"name": "web", "newName": "r/web"})),
            &own.replace("\"1.0\"\n", "\"1.0\"\n  newName: r/web\n"),
        ),
        (
            own,
            image(json!({"name": "db", "digest": "sha256:dd", "newName": "r/db"})),
            &format!("{own}- name: db\n  newName: r/db\n  digest: sha256:dd\n"),
        ),
        (
            "resources:\n  - a.yaml\n",
            image(json!({"name": "db", "newTag": "1.20"})),
            "resources:\n  - a.yaml\nimages:\n  - name: db\n    newTag: \"1.20\"\n",
        ),
    ]);
    let twice = "images:\n- name: a\n- name: a\n";
    refused(&[(FILE, twice)], &change(image(json!({"name": "a", "newTag": "1"}))), Code::Ambiguous, "2 elements");
}

#[test]
fn replicas() {
    let count = |name: &str, count: u32| json!({"replicas": [{"name": name, "count": count}]});
    let own = "replicas:\n- name: web\n  count: 2\n";
    table(&[
        (own, count("web", 5), &own.replace('2', "5")),
        (own, count("api", 3), &format!("{own}- name: api\n  count: 3\n")),
        ("replicas: []\n", count("api", 3), "replicas:\n  - name: api\n    count: 3\n"),
        ("replicas: [{name: a, count: 1}]\n", count("b", 2), "replicas: [{name: a, count: 1}, {name: b, count: 2}]\n"),
    ]);
}

#[test]
fn new_fields_stand_in_the_usual_order() {
    let words = json!({"replicas": [{"name": "web", "count": 2}]});
    let new = "replicas:\n- name: web\n  count: 2\n";
    table(&[
        // behind the last of those that come before it
        (
            "kind: Kustomization\nresources:\n- a\nimages:\n- name: x\ncomponents:\n- ../c\n",
            words.clone(),
            &format!("kind: Kustomization\nresources:\n- a\nimages:\n- name: x\n{new}components:\n- ../c\n"),
        ),
        // wherever that one stands
        (
            "images:\n- name: x\nresources:\n- a\ncomponents:\n- ../c\n",
            words.clone(),
            &format!("images:\n- name: x\nresources:\n- a\n{new}components:\n- ../c\n"),
        ),
        // at the end if there is none
        ("components:\n- ../c\n", words.clone(), &format!("components:\n- ../c\n{new}")),
        // comments stay with what they describe, blank lines where they are
        (
            "resources:\n- a # first\n\n# the parts\ncomponents:\n- ../c\n",
            words.clone(),
            &format!("resources:\n- a # first\n{new}\n# the parts\ncomponents:\n- ../c\n"),
        ),
        (
            "kind: Kustomization\n\nnamespace: x\n\nresources:\n- a\n",
            json!({"images": [{"name": "x", "newTag": "a"}]}),
            "kind: Kustomization\n\nnamespace: x\n\nresources:\n- a\nimages:\n- name: x\n  newTag: a\n",
        ),
        (
            "kind: Kustomization\r\nvalidators: []\r\n",
            json!({"namespace": "x"}),
            "kind: Kustomization\r\nnamespace: x\r\nvalidators: []\r\n",
        ),
        (
            "{kind: Kustomization, components: [c]}\n",
            json!({"namespace": "x"}),
            "{kind: Kustomization, components: [c], namespace: x}\n",
        ),
    ]);
}

#[test]
fn namespace_labels_and_annotations() {
    let labels = |words: Value| json!({ "labels": words });
    let own =
        "commonLabels:\n  app: web\nlabels:\n- pairs: {team: a}\n- pairs:\n    tier: b\n  includeSelectors: true\n";
    table(&[
        ("namespace: a\nresources: [b]\n", json!({"namespace": "c"}), "namespace: c\nresources: [b]\n"),
        (own, labels(json!({"set": {"app": "api"}})), &own.replace("app: web", "app: api")),
        (own, labels(json!({"set": {"tier": "c"}})), &own.replace("tier: b", "tier: c")),
        // a new one goes where no selector is
        (own, labels(json!({"set": {"new": "x"}})), &own.replace("{team: a}", "{team: a, new: x}")),
        (
            "commonLabels:\n  app: web\n",
            labels(json!({"set": {"new": "on"}})),
            "commonLabels:\n  app: web\nlabels:\n  - pairs:\n      new: \"on\"\n",
        ),
        (own, labels(json!({"remove": ["tier"]})), &own.replace("\n    tier: b", " {}")),
        (
            "commonAnnotations:\n  a: x\n  b: y\n",
            json!({"commonAnnotations": {"set": {"a": "true", "c/d": "1"}, "remove": ["b"]}}),
            "commonAnnotations:\n  a: \"true\"\n  c/d: \"1\"\n",
        ),
    ]);
    let two = "labels:\n- pairs: {a: b}\n- pairs: {c: d}\n";
    refused(&[(FILE, two)], &change(labels(json!({"set": {"x": "y"}}))), Code::Ambiguous, "2 entries");
    let both = "commonLabels: {a: b}\nlabels:\n- pairs: {a: b}\n";
    refused(&[(FILE, both)], &change(labels(json!({"set": {"a": "y"}}))), Code::Ambiguous, "commonLabels.a");
    refused(&[(FILE, two)], &change(labels(json!({"remove": ["x"]}))), Code::NotFound, "no `x` to remove");
}

#[test]
fn resources_and_components() {
    let own = "resources:\n- ../base/\n- ./a.yaml\nbases:\n- ../old\n";
    let files = |text: &'static str| {
        vec![
            (FILE, text),
            ("base/kustomization.yaml", "resources: []\n"),
            ("old/kustomization.yaml", "resources: []\n"),
            ("c/kustomization.yml", "kind: Component\n"),
            ("o/a.yaml", "a: 1\n"),
            ("o/b.yaml", "b: 1\n"),
        ]
    };
    let with = |words: Value, after: &str| {
        let found = run(&files(own), &change(words.clone())).unwrap_or_else(|refusal| panic!("{words}: {refusal}"));
        assert_eq!(found.get(FILE).map_or(own, String::as_str), after, "{words}");
    };
    let added = own.replace("- ./a.yaml\n", "- ./a.yaml\n- b.yaml\n");
    with(json!({"resources": {"add": ["b.yaml"]}}), &added);
    for there in ["../base", "./../base/", "a.yaml", "../old"] {
        with(json!({"resources": {"add": [there]}}), own);
    }
    with(json!({"resources": {"remove": ["a.yaml"]}}), &own.replace("- ./a.yaml\n", ""));
    with(json!({"resources": {"remove": ["../old/"]}}), &own.replace("bases:\n- ../old\n", "bases: []\n"));
    with(json!({"components": {"add": ["../c"]}}), &format!("{own}components:\n- ../c\n"));
    let remote = "https://github.com/acme/base//web?ref=v1";
    with(json!({"resources": {"add": [remote]}}), &own.replace("bases:", &format!("- {remote}\nbases:")));
    let cases = [
        (json!({"resources": {"add": ["c.yaml"]}}), Code::NotFound, "neither a file nor a folder"),
        (json!({"resources": {"add": ["../../../x"]}}), Code::PathForbidden, "out of the repository"),
        (json!({"resources": {"add": ["/etc/x"]}}), Code::PathForbidden, "out of the repository"),
        (json!({"resources": {"add": ["."]}}), Code::Parse, "cycle"),
        (json!({"resources": {"add": [".."]}}), Code::Parse, "cycle"),
        (json!({"resources": {"add": ["../c"]}}), Code::Parse, "list it under `components`"),
        (json!({"components": {"add": ["../base"]}}), Code::Parse, "list it under `resources`"),
        (json!({"resources": {"remove": ["b.yaml"]}}), Code::NotFound, "not listed"),
    ];
    for (words, code, reason) in cases {
        refused(&files(own), &change(words), code, reason);
    }
}

#[test]
fn literals_of_generators() {
    let own = "configMapGenerator:\n- name: app\n  literals:\n  - LEVEL=info # how loud\n  - \"URL=a=b\"\n- name: other\n  envs: [x.env]\n";
    let set = |words: Value| json!({ "configMapGenerator": [words] });
    table(&[
        (own, set(json!({"name": "app", "literals": ["LEVEL=debug"]})), &own.replace("LEVEL=info", "LEVEL=debug")),
        (own, set(json!({"name": "app", "literals": ["URL=c=d"]})), &own.replace("URL=a=b", "URL=c=d")),
        (own, set(json!({"name": "app", "literals": ["NEW="]})), &own.replace("a=b\"\n", "a=b\"\n  - NEW=\n")),
        (own, set(json!({"name": "app", "remove": ["URL"]})), &own.replace("  - \"URL=a=b\"\n", "")),
        (
            own,
            set(json!({"name": "other", "literals": ["A=1"]})),
            &own.replace("[x.env]\n", "[x.env]\n  literals:\n  - A=1\n"),
        ),
        (
            "resources: [a]\n",
            set(json!({"name": "app", "behavior": "merge", "literals": ["A=1"]})),
            "resources: [a]\nconfigMapGenerator:\n  - name: app\n    behavior: merge\n    literals:\n      - A=1\n",
        ),
    ]);
    let cases = [
        (json!({"name": "base", "literals": ["A=1"]}), Code::NotFound, "behavior: merge"),
        (json!({"name": "app", "remove": ["X"]}), Code::NotFound, "no literal `X`"),
        (json!({"name": "app", "literals": ["A=\"1\""]}), Code::Parse, "quotes"),
        (json!({"name": "app", "literals": ["A"]}), Code::Parse, "KEY=value"),
    ];
    for (words, code, reason) in cases {
        refused(&[(FILE, own)], &change(set(words)), code, reason);
    }
}

#[test]
fn secrets_are_left_alone() {
    let own = "secretGenerator:\n- name: db\n  literals:\n  - PASSWORD=old\n  type: Opaque\n";
    let edit = |op: &str, path: &str, value: Value| {
        let value = if value.is_null() {
            json!({"op": op, "path": path})
        } else {
            json!({"op": op, "path": path, "value": value})
        };
        json!({ "edits": [value] })
    };
    for words in [
        edit("set", "secretGenerator[name=db].literals[0]", json!("PASSWORD=new")),
        edit("append", "secretGenerator[name=db].literals", json!("TOKEN=x")),
        edit("delete", "secretGenerator[name=db].literals[0]", Value::Null),
        edit("delete", "secretGenerator[name=db]", Value::Null),
        edit("append", "secretGenerator", json!({"name": "x", "literals": ["A=b"]})),
        edit("set", "secretGenerator", json!([{"name": "x", "literals": ["A=b"]}])),
    ] {
        refused(&[(FILE, own)], &change(words.clone()), Code::PathForbidden, "plain text");
        let manifest = json!({"manifest": {"file": FILE, "edits": words["edits"]}});
        refused(&[(FILE, own)], &manifest, Code::PathForbidden, "plain text");
    }
    table(&[(own, edit("set", "secretGenerator[name=db].type", json!("x/y")), &own.replace("Opaque", "x/y"))]);
    assert!(serde_json::from_value::<crate::domain::change::Change>(change(json!({"secretGenerator": []}))).is_err());
}

#[test]
fn charts_that_are_inflated() {
    let own = "helmCharts:\n- name: redis\n  releaseName: a\n  version: 1.0.0\n- name: redis\n  releaseName: b\n  version: 1.0.0\nhelmChartInflationGenerator:\n- chartName: old\n  chartVersion: 0.1.0\n";
    let set = |words: Value| json!({ "helmCharts": [words] });
    table(&[
        (
            own,
            set(json!({"name": "redis", "releaseName": "b", "version": "2.0.0"})),
            &own.replace("b\n  version: 1.0.0", "b\n  version: 2.0.0"),
        ),
        (own, set(json!({"name": "old", "version": "0.2.0"})), &own.replace("0.1.0", "0.2.0")),
    ]);
    refused(&[(FILE, own)], &change(set(json!({"name": "redis", "version": "2"}))), Code::Ambiguous, "releaseName");
    refused(&[(FILE, own)], &change(set(json!({"name": "x", "version": "2"}))), Code::NotFound, "`x`");
}

#[test]
fn what_is_no_kustomization_is_refused() {
    let words = json!({"namespace": "x"});
    for (text, code, reason) in [
        ("namespace: a\n---\nnamespace: b\n", Code::Ambiguous, "reads only the first"),
        ("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n", Code::Parse, "of Flux"),
        ("kind: Deployment\n", Code::Parse, "no kustomization"),
        ("- a\n", Code::Parse, "no map"),
    ] {
        refused(&[(FILE, text)], &change(words.clone()), code, reason);
    }
    gives(FILE, "---\nnamespace: a\n---\n", &change(words.clone()), "---\nnamespace: x\n---\n");
    gives(FILE, "kind: Component\n", &change(words.clone()), "kind: Component\nnamespace: x\n");
    let two = [("o/kustomization.yaml", "{}\n"), ("o/kustomization.yml", "{}\n")];
    refused(&two, &change(words.clone()), Code::Ambiguous, "more than one");
    refused(&[("x", "")], &change(words), Code::NotFound, "kustomization.yml");
    let named = json!({"kustomize": {"file": "o/patch.yaml", "namespace": "x"}});
    refused(&[("o/patch.yaml", "a: 1\n")], &named, Code::Parse, "use `manifest`");
}
