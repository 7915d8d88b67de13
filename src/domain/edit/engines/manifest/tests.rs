use super::super::exact;
use crate::domain::change::{Change, Edit, Landed, Path};
use crate::domain::edit::{Applied, Code, Files, LandedChange, LandedFile, Refusal, apply, yaml};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

struct Folder(BTreeMap<String, Vec<u8>>);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, _: &str, limit: usize) -> Result<Vec<String>, Refusal> {
        let all: Vec<String> = self.0.keys().cloned().collect();
        if all.len() > limit { Err(Refusal::of(Code::TooLarge, "too many")) } else { Ok(all) }
    }
}

fn run(text: &str, changes: Value) -> Result<Applied, Refusal> {
    let folder = Folder(BTreeMap::from([("a.yaml".to_owned(), text.as_bytes().to_vec())]));
    let changes: Vec<Change> = serde_json::from_value(changes).expect("changes");
    apply(&folder, &changes)
}

fn after(text: &str, changes: Value) -> String {
    let applied = run(text, changes.clone()).unwrap_or_else(|refusal| panic!("{refusal}\n{changes}\n{text}"));
    let bytes = applied.files.first().map_or(text.as_bytes().to_vec(), |file| file.after.clone());
    String::from_utf8(bytes).expect("text")
}

fn manifest(words: Value) -> Value {
    let mut change = json!({"file": "a.yaml"});
    change.as_object_mut().expect("a map").extend(words.as_object().expect("words").clone());
    json!({ "manifest": change })
}

#[test]
fn a_search_stops_at_its_limits() {
    let object = "kind: Pod\nmetadata: {name: x}\n";
    let many = |count: usize| {
        let mut files = BTreeMap::from([("z.yaml".to_owned(), object.as_bytes().to_vec())]);
        files.extend((0..count).map(|n| (format!("f{n:05}.yaml"), Vec::new())));
        Folder(files)
    };
    let change = json!([{"manifest": {"select": {"kind": "Pod", "name": "x"}, "set": {"spec.a": 1}}}]);
    let changes: Vec<Change> = serde_json::from_value(change).expect("changes");
    let found = apply(&many(50), &changes).expect("finds");
    assert_eq!(found.files.first().map(|file| file.path.as_str()), Some("z.yaml"));
    assert_eq!(apply(&many(10_000), &changes).expect_err("too many").code, Code::TooLarge);
    let named = json!([{"manifest": {"file": "z.yaml", "directory": "a", "set": {"spec.a": 1}}}]);
    assert!(
        serde_json::from_value::<Vec<Change>>(named).is_ok(),
        "the proposal's check refuses both, the words do not"
    );
}

#[test]
fn the_edits_of_a_merge_are_only_the_leaves_that_differ() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: 1, template: {spec: {containers: [{name: a, image: x}]}}}\n";
    let merge = json!({"spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "a", "image": "y"}]}}}});
    let applied = run(text, json!([manifest(json!({"merge": merge}))])).expect("merges");
    let paths: Vec<String> =
        applied.steps.iter().flat_map(|step| &step.edits).map(|edit| edit.path.to_string()).collect();
    assert_eq!(paths, ["spec.template.spec.containers[name=a].image"]);
}

#[test]
fn a_text_of_argo_values_keeps_its_block() {
    let text = "spec:\n  values: |-\n    # top\n    a: 1   # one\n    b:\n    - x\n  z: 1\n";
    let change = manifest(
        json!({"texts": [{"path": "spec.values", "set": {"a": 2}, "edits": [{"op": "append", "path": "b", "value": "w"}]}]}),
    );
    let wanted = "spec:\n  values: |-\n    # top\n    a: 2   # one\n    b:\n    - x\n    - w\n  z: 1\n";
    assert_eq!(after(text, json!([change.clone()])), wanted);
    let applied = run(text, json!([change])).expect("edits");
    let touched: Vec<&str> = applied.files[0].touched.iter().map(|touched| touched.path.as_str()).collect();
    assert_eq!(touched, ["spec.values.a", "spec.values.b[1]"]);
}

/// Values of a document: maps, lists of scalars, lists of named maps.
fn document() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-20_i64..20).prop_map(Value::from),
        prop::sample::select(vec!["x", "yes", "1.10", "a b", "~", "", "k: v", "#c"]).prop_map(Value::from),
    ];
    let leaf = prop_oneof![8 => scalar.clone(), 1 => Just(json!({})), 1 => Just(json!([]))];
    let tree = leaf.prop_recursive(3, 24, 4, move |inner| {
        let keys = prop::sample::select(vec!["a", "b", "c", "on", "d.e", "f/g"]);
        let map = prop::collection::btree_map(keys, inner.clone(), 1..4);
        let map = map.prop_map(|map| Value::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()));
        let names = prop::sample::subsequence(vec!["n1", "n2", "n3"], 1..3);
        let named = (names, prop::collection::vec(inner.clone(), 3)).prop_map(|(names, values)| {
            names.iter().zip(values).map(|(name, value)| json!({"name": name, "v": value})).collect()
        });
        prop_oneof![map, prop::collection::vec(scalar.clone(), 1..4).prop_map(Value::from), named]
    });
    prop::collection::btree_map(prop::sample::select(vec!["p", "q", "r", "s", "t"]), tree, 2..5).prop_map(|map| {
        let mut out = Map::from_iter([("kind".to_owned(), json!("Thing"))]);
        out.extend(map.into_iter().map(|(key, value)| (key.to_owned(), value)));
        Value::Object(out)
    })
}

/// The document written in YAML, with comments.
fn written(value: &Value, comments: bool) -> String {
    let text = serde_yaml::to_string(value).expect("yaml");
    if !comments {
        return text;
    }
    let line =
        |(n, line): (usize, &str)| format!("{line}{}\n", if n % 2 == 1 { format!(" # c{n}") } else { String::new() });
    text.lines().enumerate().map(line).collect()
}

fn read(text: &str) -> Value {
    yaml::values(text.as_bytes()).expect("reads").into_iter().next().unwrap_or(Value::Null)
}

/// What a merge without list keys gives: RFC 7396, and what a whole value in the place of a list is.
fn merged(live: &Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut out = live.as_object().cloned().unwrap_or_default();
    for (key, value) in patch {
        if value.is_null() {
            out.shift_remove(key);
        } else {
            let old = out.get(key).cloned().unwrap_or(Value::Null);
            out.insert(key.clone(), merged(&old, value));
        }
    }
    Value::Object(out)
}

/// Leaves whose spelling older readers take for another type are put in quotes, so a merge may touch them.
fn is_inverse_exact(applied: &Applied) -> bool {
    let exact = |(file, back): (&crate::domain::edit::FileEdit, &crate::domain::edit::FileInverse)| {
        back.restore(&file.after).as_deref() == Some(file.before.as_slice())
    };
    applied.files.len() == applied.inverse.files.len() && applied.files.iter().zip(&applied.inverse.files).all(exact)
}

/// A file of which one commit is known.
struct Landing {
    now: String,
    change: [String; 2],
}

impl Files for Landing {
    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(Some(self.now.clone().into_bytes()))
    }

    fn landed(&self, what: Landed<'_>) -> Result<Option<LandedChange>, Refusal> {
        let Landed::Commit(commit) = what else { return Ok(None) };
        let [before, after] = self.change.clone().map(|text| Some(text.into_bytes()));
        let file = LandedFile { path: "a.yaml".into(), before, after };
        Ok(Some(LandedChange { commit: commit.clone(), files: vec![file] }))
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_gives_what_the_model_gives(live in document(), patch in document(), comments in any::<bool>()) {
        let text = written(&live, comments);
        let change = json!([manifest(json!({"merge": patch}))]);
        let got = after(&text, change.clone());
        prop_assert!(exact::same(&read(&got), &merged(&live, &patch)), "{}\n{}\n{}", text, patch, got);
        prop_assert_eq!(after(&got, change.clone()), got, "twice is once");
        prop_assert!(is_inverse_exact(&run(&text, change).expect("merges")));
    }

    #[test]
    fn the_fewest_edits_make_one_document_the_other(live in document(), wanted in document()) {
        let text = written(&live, false);
        let mut edits: Vec<Edit> = Vec::new();
        exact::edits(&[], Some(&read(&text)), &wanted, &mut edits);
        let edited = yaml::edit(text.as_bytes(), None, &edits);
        let edited = edited.unwrap_or_else(|refusal| panic!("{refusal}\n{text}\n{edits:?}"));
        prop_assert!(exact::same(&read(std::str::from_utf8(&edited.bytes).expect("text")), &wanted));
    }

    #[test]
    fn changes_of_different_keys_commute(live in document(), one in document(), two in document()) {
        let pick = |from: &Value, keys: &[&str]| -> Value {
            let map = from.as_object().expect("a map").iter().filter(|(key, _)| keys.contains(&key.as_str()));
            Value::Object(map.filter(|(key, _)| live.get(*key).is_some()).map(|(k, v)| (k.clone(), v.clone())).collect())
        };
        let a = manifest(json!({"merge": pick(&one, &["p", "q"])}));
        let b = manifest(json!({"merge": pick(&two, &["r", "s", "t"])}));
        let text = written(&live, true);
        let both = after(&text, json!([a.clone(), b.clone()]));
        // The style of a new list follows those that are left, so only what the documents say is the same.
        let turned = after(&text, json!([b.clone(), a.clone()]));
        prop_assert!(exact::same(&read(&both), &read(&turned)), "{}\n{}", both, turned);
        prop_assert_eq!(&both, &after(&after(&text, json!([a])), json!([b])));
        let whole = run(&text, json!([manifest(json!({"merge": one}))])).expect("merges");
        prop_assert!(is_inverse_exact(&whole));
    }

    #[test]
    fn a_landed_merge_is_taken_back_under_another_one(live in document(), one in document(), two in document()) {
        let half = |from: &Value, keys: &[&str]| -> Value {
            let map = from.as_object().expect("a map").iter().filter(|(key, _)| keys.contains(&key.as_str()));
            Value::Object(map.map(|(key, value)| (key.clone(), value.clone())).collect())
        };
        let merge = |text: &str, patch: &Value| after(text, json!([manifest(json!({"merge": patch}))]));
        let (one, two) = (half(&one, &["p", "q"]), half(&two, &["r", "s", "t"]));
        let before = written(&live, true);
        let landed = merge(&before, &one);
        let now = merge(&landed, &two);
        let wanted = read(&merge(&before, &two));
        let files = Landing { now: now.clone(), change: [before, landed] };
        let revert = json!([{"revert": {"commit": "a".repeat(40)}}]);
        let changes: Vec<Change> = serde_json::from_value(revert).expect("changes");
        let done = apply(&files, &changes).unwrap_or_else(|refusal| panic!("{refusal}\n{:?}\n{now}", files.change));
        let got = done.files.first().map_or(now.clone().into_bytes(), |file| file.after.clone());
        let got = String::from_utf8(got).expect("text");
        prop_assert!(exact::same(&read(&got), &wanted), "{:?}\n{}\n{}", files.change, now, got);
    }

    #[test]
    fn a_json_patch_gives_what_the_model_gives(live in document(), value in document()) {
        let text = written(&live, true);
        for (key, old) in live.as_object().expect("a map").iter().filter(|(key, _)| *key != "kind") {
            let pointer = format!("/{key}");
            let steps = json!([
                {"op": "test", "path": pointer, "value": old},
                {"op": "copy", "from": pointer, "path": "/copied"},
                {"op": "replace", "path": pointer, "value": value},
                {"op": "move", "from": pointer, "path": "/moved"},
            ]);
            let got = read(&after(&text, json!([manifest(json!({"jsonPatch": steps}))])));
            let mut wanted = live.clone();
            let map = wanted.as_object_mut().expect("a map");
            map.insert("copied".to_owned(), old.clone());
            map.shift_remove(key);
            map.insert("moved".to_owned(), value.clone());
            prop_assert!(exact::same(&got, &wanted), "{}\n{}", text, got);
        }
    }
}

#[test]
fn the_root_path_names_the_whole_document() {
    let text = "a: 1\n";
    assert_eq!(yaml::lookup(text.as_bytes(), None, &Path(Vec::new())).expect("reads"), Some(json!({"a": 1})));
}
