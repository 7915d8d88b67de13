use super::*;
use serde_json::json;

struct Folder(BTreeMap<&'static str, &'static str>);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.get(path).map(|text| text.as_bytes().to_vec()))
    }
}

const KUSTOMIZATION: &str = "resources:\n  - ../base\nimages:\n  - name: web # ours\n    newTag: \"1.0\"\n";

fn run(files: &[(&'static str, &'static str)], changes: serde_json::Value) -> Result<Vec<(String, String)>, Refusal> {
    let folder = Folder(files.iter().copied().collect());
    let changes: Vec<Change> = serde_json::from_value(changes).expect("changes");
    let applied = apply(&folder, &changes)?;
    for file in &applied.files {
        let way = applied.inverse.files.iter().find(|way| way.path == file.path).expect("an inverse");
        assert_eq!(way.restore(&file.after).as_deref(), Some(file.before.as_slice()));
    }
    let text = |file: &FileEdit| (file.path.clone(), String::from_utf8(file.after.clone()).expect("text"));
    Ok(applied.files.iter().map(text).collect())
}

#[test]
fn kustomize_images_are_set_added_and_left_alone() {
    let file = [("o/kustomization.yaml", KUSTOMIZATION)];
    let image =
        |name: &str, tag: &str| json!([{"kustomize": {"directory": "o/", "images": [{"name": name, "newTag": tag}]}}]);
    let set = run(&file, image("web", "1.10")).expect("set");
    assert_eq!(set[0].1, KUSTOMIZATION.replace("\"1.0\"", "\"1.10\""));
    let add = run(&file, image("api", "2.0")).expect("add");
    assert_eq!(add[0].1, format!("{KUSTOMIZATION}  - name: api\n    newTag: \"2.0\"\n"));
    assert!(run(&file, image("web", "1.0")).expect("satisfied").is_empty());
}

#[test]
fn kustomize_replicas_make_their_list() {
    let file = [("kustomization.yaml", "resources: [a.yaml]\n")];
    let change = json!([{"kustomize": {"directory": ".", "replicas": [{"name": "web", "count": 3}]}}]);
    let after = run(&file, change).expect("adds");
    let value: serde_yaml::Value = serde_yaml::from_str(&after[0].1).expect("yaml");
    assert_eq!(value["replicas"][0]["count"], 3);
}

#[test]
fn a_tag_takes_the_place_of_a_digest() {
    let file = [("kustomization.yaml", "images:\n- name: web\n  digest: sha256:aa\n")];
    let change = json!([{"kustomize": {"directory": ".", "images": [{"name": "web", "newTag": "2"}]}}]);
    assert_eq!(run(&file, change).expect("sets")[0].1, "images:\n- name: web\n  newTag: \"2\"\n");
}

#[test]
fn helm_values_are_set_added_and_removed() {
    let file = [("v.yaml", "a:\n  b: 1 # one\n  c: x\n")];
    let change = json!([{"helm": {"values": "v.yaml", "set": {"a.b": 2, "a.d": true}, "remove": ["a.c"]}}]);
    assert_eq!(run(&file, change).expect("edits")[0].1, "a:\n  b: 2 # one\n  d: true\n");
}

#[test]
fn terraform_by_address() {
    let file = [("main.tf", "module \"eks\" {\n  size = 3\n}\n"), ("p.tfvars", "count = 1\n")];
    let change = json!([
        {"terraform": {"file": "main.tf", "block": "module.eks", "set": {"size": 4}}},
        {"terraform": {"file": "p.tfvars", "set": {"count": 2}}}
    ]);
    let after = run(&file, change).expect("edits");
    assert_eq!(after[0].1, "module \"eks\" {\n  size = 4\n}\n");
    assert_eq!(after[1].1, "count = 2\n");
}

#[test]
fn several_changes_of_a_file_compose_and_overlaps_are_refused() {
    let file = [("v.yaml", "a: 1\nb: 2\nc: {d: 1}\n")];
    let set = |path: &str, value: i32| json!({"helm": {"values": "v.yaml", "set": {path: value}}});
    assert_eq!(run(&file, json!([set("a", 5), set("b", 6)])).expect("composes")[0].1, "a: 5\nb: 6\nc: {d: 1}\n");
    assert_eq!(run(&file, json!([set("a", 5), set("a", 6)])).expect_err("overlap").code, Code::Overlap);
    assert_eq!(run(&file, json!([set("c.d", 5), set("c", 6)])).expect_err("overlap").code, Code::Overlap);
}

#[test]
fn refusals_name_the_place() {
    let file = [("v.yaml", "a: 1\n"), ("o/kustomization.yaml", "{}\n"), ("o/Kustomization", "{}\n")];
    let cases = [
        (json!([{"helm": {"values": "w.yaml", "set": {"a": 1}}}]), Code::NotFound, "w.yaml"),
        (json!([{"helm": {"values": "v.yaml", "remove": ["x.y"]}}]), Code::NotFound, "v.yaml"),
        (json!([{"helm": {"values": "../v.yaml", "set": {"a": 1}}}]), Code::PathForbidden, "../v.yaml"),
        (
            json!([{"manifest": {"file": ".github/workflows/x.yml", "set": {"a": 1}}}]),
            Code::PathForbidden,
            ".github/workflows/x.yml",
        ),
        (json!([{"kustomize": {"directory": "o", "replicas": [{"name": "x", "count": 1}]}}]), Code::Ambiguous, "o"),
        (json!([{"kustomize": {"directory": "p", "replicas": [{"name": "x", "count": 1}]}}]), Code::NotFound, "p"),
        (json!([{"helm": {"values": "v.yaml", "set": {"a..b": 1}}}]), Code::Parse, "v.yaml"),
    ];
    for (change, code, place) in cases {
        let refusal = run(&file, change.clone()).expect_err("refused");
        assert_eq!((refusal.code, refusal.file.as_str()), (code, place), "{change}");
    }
}
