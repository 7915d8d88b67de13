use super::{Code, gives, refused, run};
use serde_json::{Value, json};

const FILE: &str = "o/kustomization.yaml";
const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replicas: 2 # two\n  template:\n    spec:\n      containers:\n      - name: app\n        resources:\n          limits:\n            memory: 512Mi\n";
const MEMORY: &str = "spec.template.spec.containers[name=app].resources.limits.memory";

fn change(words: Value) -> Value {
    let mut patch = json!({"target": {"kind": "Deployment", "name": "web"}});
    patch.as_object_mut().expect("map").extend(words.as_object().expect("words").clone());
    json!({"kustomize": {"directory": "o", "patches": [patch]}})
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

#[test]
fn inline_merge_patches_are_edited_inside_their_text() {
    let own = format!("patches:\n- patch: |- # why\n{}  target: {{kind: Deployment, name: web}}\n", indent(WEB));
    let cases = [
        (json!({"set": {MEMORY: "1Gi"}}), own.replace("512Mi", "1Gi")),
        (json!({"set": {"spec.replicas": 2}}), own.clone()),
        (json!({"set": {"spec.replicas": 3}}), own.replace("replicas: 2", "replicas: 3")),
        (json!({"remove": ["spec.replicas"]}), own.replace("      replicas: 2 # two\n", "")),
        (json!({"set": {"spec.paused": true}}), own.replace("memory: 512Mi\n", "memory: 512Mi\n      paused: true\n")),
        (
            json!({"set": {"spec.template.spec.containers[name=side].image": "x:1"}}),
            own.replace("memory: 512Mi\n", "memory: 512Mi\n          - name: side\n            image: x:1\n"),
        ),
    ];
    for (words, after) in cases {
        gives(FILE, &own, &change(words), &after);
    }
    // a patch without a target says itself what it is for
    let bare = format!("patchesStrategicMerge:\n- |-\n{}", indent(WEB));
    gives(FILE, &bare, &change(json!({"set": {MEMORY: "1Gi"}})), &bare.replace("512Mi", "1Gi"));
}

#[test]
fn patch_files_are_edited_where_they_stand() {
    let lists = [
        "patches:\n- path: web.yaml\n",
        "patches:\n- path: ./web.yaml\n  target:\n    kind: Deployment\n    name: web\n",
        "patchesStrategicMerge:\n- web.yaml\n",
    ];
    for list in lists {
        let found = run(&[(FILE, list), ("o/web.yaml", WEB)], &change(json!({"set": {MEMORY: "1Gi"}}))).expect(list);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["o/web.yaml"], "{list}");
        assert_eq!(found["o/web.yaml"], WEB.replace("512Mi", "1Gi"), "{list}");
    }
    let two = format!("kind: Service\nmetadata: {{name: web}}\n---\n{WEB}");
    let found = run(
        &[(FILE, lists[0]), ("o/web.yaml", &two)],
        &change(json!({"set": {"spec.replicas": 4, "spec.paused": true}})),
    );
    assert_eq!(
        found.expect("second document")["o/web.yaml"],
        two.replace("replicas: 2", "replicas: 4") + "  paused: true\n"
    );
    let outside = [(FILE, "patches:\n- path: ../web.yaml\n"), ("web.yaml", WEB)];
    refused(&outside, &change(json!({"set": {"spec.replicas": 4}})), Code::PathForbidden, "outside of the overlay");
}

#[test]
fn json_patches_are_edited_by_their_pointers() {
    let text = "- op: replace\n  path: /spec/replicas\n  value: 2\n- op: add\n  path: /metadata/annotations\n  value:\n    a.b/c: x\n";
    let own = format!("patches:\n- target:\n    kind: Deployment\n    name: web\n  patch: |-\n{}", indent(text));
    let legacy = own.replace("patches:", "patchesJson6902:");
    for own in [&own, &legacy] {
        let cases = [
            (json!({"set": {"spec.replicas": 3}}), own.replace("value: 2", "value: 3")),
            (json!({"set": {"metadata.annotations.\"a.b/c\"": "z"}}), own.replace("c: x", "c: z")),
            (
                json!({"jsonPatch": [{"op": "replace", "path": "/spec/replicas", "value": 5}]}),
                own.replace("value: 2", "value: 5"),
            ),
            (
                json!({"jsonPatch": [{"op": "remove", "path": "/spec/paused"}]}),
                format!("{own}    - op: remove\n      path: /spec/paused\n"),
            ),
            (
                json!({"remove": ["spec.replicas"]}),
                own.replace("    - op: replace\n      path: /spec/replicas\n      value: 2\n", ""),
            ),
        ];
        for (words, after) in cases {
            gives(FILE, own, &change(words), &after);
        }
    }
    let file = "[\n  {\"op\": \"replace\", \"path\": \"/spec/replicas\", \"value\": 2}\n]\n";
    let list = "patches:\n- path: p.json\n  target: {kind: Deployment, name: web}\n";
    let found = run(&[(FILE, list), ("o/p.json", file)], &change(json!({"set": {"spec.replicas": 7}}))).expect("json");
    assert_eq!(found["o/p.json"], file.replace('2', "7"));
}

#[test]
fn new_patches_are_written_where_there_is_none() {
    let target = "    target:\n      kind: Deployment\n      name: web\n";
    gives(
        FILE,
        "resources:\n  - ../base\n",
        &change(json!({"set": {MEMORY: "1Gi"}})),
        &format!(
            "resources:\n  - ../base\npatches:\n  - patch: |-\n      kind: Deployment\n      metadata:\n        name: web\n      spec:\n        template:\n          spec:\n            containers:\n              - name: app\n                resources:\n                  limits:\n                    memory: 1Gi\n{target}"
        ),
    );
    gives(
        FILE,
        "resources:\n  - ../base\n",
        &change(json!({"jsonPatch": [{"op": "add", "path": "/spec/paused", "value": true}]})),
        &format!(
            "resources:\n  - ../base\npatches:\n  - patch: |-\n      - op: add\n        path: /spec/paused\n        value: true\n{target}"
        ),
    );
    let words = json!({"kustomize": {"directory": "o", "patches": [{"path": "web.yaml"}]}});
    let found = run(&[(FILE, "resources:\n- a\n"), ("o/web.yaml", WEB)], &words).expect("lists");
    assert_eq!(found[FILE], "resources:\n- a\npatches:\n- path: web.yaml\n");
}

#[test]
fn what_is_not_certain_is_refused() {
    let two = format!("patches:\n- patch: |-\n{0}- patch: |-\n{0}", indent(WEB));
    let none = "resources: [a]\n";
    let cases = [
        (two.as_str(), json!({"set": {"spec.replicas": 3}}), Code::Ambiguous, "patches[0], patches[1]"),
        (two.as_str(), json!({"set": {"spec.paused": true}}), Code::Ambiguous, "more than one patch"),
        (none, json!({"remove": ["spec.replicas"]}), Code::NotFound, "looked at none"),
        (none, json!({"target": {"kind": "Deployment"}, "set": {"a": 1}}), Code::NotFound, "`kind` and `name`"),
        (none, json!({"set": {"spec.tolerations[key=x].effect": "y"}}), Code::NotFound, "replace the whole list"),
        (
            none,
            json!({"target": {"kind": "Rollout", "name": "web"}, "set": {MEMORY: "1Gi"}}),
            Code::NotFound,
            "jsonPatch",
        ),
        (none, json!({"set": {"spec.template.spec.containers[0].image": "x"}}), Code::NotFound, "picked by a field"),
        (none, json!({"path": "x.yaml", "set": {"a": 1}}), Code::NotFound, "list the file first"),
        (none, json!({"path": "x.yaml"}), Code::NotFound, "no file `o/x.yaml`"),
        (none, json!({"path": "../x.yaml"}), Code::PathForbidden, "out of the overlay"),
        (
            "patches:\n- path: x.yaml\n  target: {kind: Deployment, name: web}\n",
            json!({"set": {"a": 1}}),
            Code::NotFound,
            "no such file",
        ),
        (
            "patches:\n- patch: '{{ .x }}: {'\n  target: {kind: Deployment, name: web}\n",
            json!({"set": {"a": 1}}),
            Code::Template,
            "patches[0]",
        ),
    ];
    for (text, words, code, reason) in cases {
        refused(&[(FILE, text)], &change(words), code, reason);
    }
    // a wider target is not the one asked for
    let wide = "patches:\n- patch: |-\n    - op: replace\n      path: /spec/replicas\n      value: 2\n  target: {kind: Deployment}\n";
    let found = run(&[(FILE, wide)], &change(json!({"set": {"spec.replicas": 3}}))).expect("a new one");
    assert!(found[FILE].starts_with(wide), "{}", found[FILE]);
}

#[test]
fn blanks_at_the_end_of_a_patch_are_part_of_it() {
    for end in ["          ", "          \n", "      \n", "          \n\n"] {
        let own = format!(
            "patches:\n- target: {{kind: Service, name: x}}\n  patch: |-\n    - op: remove\n      path: /a\n{end}"
        );
        let words =
            json!({"kustomize": {"directory": "o", "namespace": "x", "replicas": [{"name": "web", "count": 2}]}});
        let found = run(&[(FILE, own.as_str())], &words).unwrap_or_else(|refusal| panic!("{end:?}: {refusal}"));
        let read = |text: &str| serde_yaml::from_str::<serde_yaml::Value>(text).expect("yaml")["patches"].clone();
        assert_eq!(read(&found[FILE]), read(&own), "{end:?}");
    }
}
