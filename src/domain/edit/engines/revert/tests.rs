use crate::domain::change::{Change, Landed};
use crate::domain::edit::{Applied, Code, Files, LandedChange, LandedFile, Refusal, apply};
use serde_json::json;

/// One file as it is now, and the one commit that changed it.
struct History {
    path: &'static str,
    now: String,
    before: Option<String>,
    after: Option<String>,
}

const COMMIT: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";

impl Files for History {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok((path == self.path).then(|| self.now.clone().into_bytes()))
    }

    fn landed(&self, what: Landed<'_>) -> Result<Option<LandedChange>, Refusal> {
        let commit = COMMIT.parse().expect("an id");
        let known = match what {
            Landed::Commit(commit) => commit.as_str() == COMMIT,
            Landed::Proposal(id) => id == "p1",
        };
        let bytes = |text: &Option<String>| text.clone().map(String::into_bytes);
        let file = LandedFile { path: self.path.into(), before: bytes(&self.before), after: bytes(&self.after) };
        Ok(known.then(|| LandedChange { commit, files: vec![file] }))
    }
}

fn revert(path: &'static str, before: &str, after: &str, now: &str) -> Result<Applied, Refusal> {
    let history = History { path, now: now.into(), before: Some(before.into()), after: Some(after.into()) };
    apply(&history, &changes(json!([{"revert": {"commit": COMMIT}}])))
}

fn changes(value: serde_json::Value) -> Vec<Change> {
    serde_json::from_value(value).expect("changes")
}

fn text(applied: &Applied) -> &str {
    std::str::from_utf8(&applied.files[0].after).expect("text")
}

const API: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  replicas: 3 # three\n  template:\n    spec:\n      containers:\n      - name: app\n        image: api:1\n      - name: log\n        image: log:1\n";

fn landed() -> String {
    API.replace("image: api:1", "image: api:2").replace("replicas: 3", "replicas: 5")
}

#[test]
fn what_stands_as_it_was_left_comes_back_to_the_byte() {
    for (path, before, after) in [
        ("a.yaml", API.to_owned(), landed()),
        ("a.yaml", API.replace('\n', "\r\n"), landed().replace('\n', "\r\n")),
        ("main.tf", "module \"eks\" {\n  size = 3 # n\n}\n".into(), "module \"eks\" {\n  size = 4 # n\n}\n".into()),
        ("a.json", "{\"a\": 1}".into(), "{\"a\": 2}".into()),
    ] {
        let applied = revert(path, &before, &after, &after).expect("reverts");
        assert_eq!(text(&applied), before);
        let again = revert(path, &before, &after, &before).expect("reverts again");
        assert!(again.files.is_empty(), "already taken back");
    }
}

#[test]
fn the_edits_are_told_by_their_values() {
    let applied = revert("a.yaml", API, &landed(), &landed()).expect("reverts");
    let told = |touched: &crate::domain::edit::Touched| {
        format!("{} {:?} -> {:?}", touched.path, touched.before.as_deref(), touched.after.as_deref())
    };
    assert_eq!(
        applied.files[0].touched.iter().map(told).collect::<Vec<_>>(),
        [
            "spec.replicas Some(\"5\") -> Some(\"3\")",
            "spec.template.spec.containers[name=app].image Some(\"api:2\") -> Some(\"api:1\")",
        ]
    );
}

#[test]
fn a_file_that_moved_on_is_taken_back_line_by_line_or_value_by_value() {
    // Far away from what the commit left: by lines.
    let now = format!("{}---\nkind: Other\n", landed());
    assert_eq!(text(&revert("a.yaml", API, &landed(), &now).expect("by lines")), format!("{API}---\nkind: Other\n"));
    // Right beside it: value by value.
    let near = |text: &str| text.replace("name: api\n", "name: api\n  labels: {a: b}\n").replace("log:1", "log:9");
    let applied = revert("a.yaml", API, &landed(), &near(&landed())).expect("by values");
    assert_eq!(text(&applied), near(API));
    // Reordered elements are found by name.
    let turned = landed().replace(
        "      - name: app\n        image: api:2\n      - name: log\n        image: log:1\n",
        "      - name: log\n        image: log:1\n      - name: app\n        image: api:2\n",
    );
    let applied = revert("a.yaml", API, &landed(), &turned).expect("by name");
    assert_eq!(text(&applied), turned.replace("api:2", "api:1").replace("replicas: 5", "replicas: 3"));
}

#[test]
fn values_that_the_commit_took_out_or_put_in_go_the_way_back() {
    let before = "kind: A\nspec:\n  a: 1\n  b: {x: 1}\n  l:\n  - name: one\n    v: 1\n  - name: two\n    v: 2\n";
    let after = "kind: A\nspec:\n  b: {x: 1, y: 2}\n  c: 3\n  l:\n  - name: one\n    v: 9\n";
    let now = after.replace("kind: A", "kind: A\nmore: 1").replace("x: 1", "x: 5").replace("  c: 3", "  d: 4\n  c: 3");
    let applied = revert("a.yaml", before, after, &now).expect("reverts");
    let value: serde_json::Value = serde_yaml::from_str(text(&applied)).expect("yaml");
    let wanted = json!({"kind": "A", "more": 1, "spec": {
        "a": 1, "b": {"x": 5}, "d": 4, "l": [{"name": "one", "v": 1}, {"name": "two", "v": 2}]
    }});
    assert_eq!(value, wanted);
}

#[test]
fn what_was_changed_again_is_left_to_a_person() {
    let cases = [
        (landed().replace("replicas: 5", "replicas: 7"), "spec.replicas"),
        (landed().replace("api:2", "api:3"), "spec.template.spec.containers[name=app].image"),
        (landed().replace("name: api\n", "name: other\n"), ""),
    ];
    for (now, place) in cases {
        let refusal = revert("a.yaml", API, &landed(), &now).expect_err("changed since");
        assert_eq!((refusal.code, refusal.file.as_str(), refusal.path.as_str()), (Code::NotFound, "a.yaml", place));
    }
    let (before, after) = ("module \"a\" {\n  n = 1\n}\n", "module \"a\" {\n  n = 2\n}\n");
    let refusal = revert("a.tf", before, after, &after.replace('2', "3")).expect_err("changed since");
    assert_eq!(refusal.code, Code::NotFound);
}

#[test]
fn the_same_lines_in_another_object_are_not_taken_for_it() {
    let object = |name: &str, n: u8| {
        format!("kind: A\nmetadata:\n  name: {name}\nx: 0\ny: 0\nz: 0\nn: {n}\nu: 0\nv: 0\nw: 0\nend: 0\n")
    };
    let (before, after) = (object("one", 1), object("one", 2));
    // The object is gone; another one has the very lines that the commit left.
    let refusal = revert("a.yaml", &before, &after, &format!("{}---\nkind: B\n", object("two", 2)));
    let done = refusal.map(|applied| applied.files.len());
    assert_eq!(done.map_err(|refusal| refusal.code), Err(Code::NotFound));
}

#[test]
fn what_cannot_be_judged_or_may_not_be_written_is_refused() {
    let whole = |before: Option<&str>, after: Option<&str>, path: &'static str| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let history = History { path, now: "a: 2\n".into(), before: own(before), after: own(after) };
        apply(&history, &changes(json!([{"revert": {"proposal": "p1"}}]))).map(|_| ()).map_err(|refusal| refusal.code)
    };
    let (old, new) = (Some("a: 1\n"), Some("a: 2\n"));
    assert_eq!(whole(old, new, "a.yaml"), Ok(()));
    assert_eq!(whole(None, new, "a.yaml"), Err(Code::NotMinimal), "a file that the commit adds");
    assert_eq!(whole(old, None, "a.yaml"), Err(Code::NotFound), "a file that the commit removes");
    assert_eq!(whole(old, new, "README.md"), Err(Code::Parse));
    assert_eq!(whole(old, new, ".github/workflows/ci.yaml"), Err(Code::PathForbidden));
    assert_eq!(whole(old, Some("a: {{ .Values.x }}\n"), "a.yaml"), Err(Code::Template));
    assert_eq!(whole(Some("sops: {mac: x}\n"), new, "a.yaml"), Err(Code::Encrypted));
}

#[test]
fn a_secret_in_plain_text_is_not_brought_back() {
    let file = |value: &str| format!("secretGenerator:\n- name: db\n  literals: [PASSWORD={value}]\n");
    let path = "overlays/prod/kustomization.yaml";
    let refusal = revert(path, &file("old"), &file("new"), &file("new")).expect_err("a secret");
    assert_eq!(refusal.code, Code::PathForbidden);
    assert!(!refusal.to_string().contains("old"));
}

#[test]
fn exactly_one_thing_is_named_and_it_has_to_be_there() {
    let history = History { path: "a.yaml", now: String::new(), before: None, after: None };
    let code =
        |words: serde_json::Value| apply(&history, &changes(json!([{ "revert": words }]))).expect_err("refused").code;
    assert_eq!(code(json!({})), Code::Parse);
    assert_eq!(code(json!({"commit": COMMIT, "proposal": "p1"})), Code::Parse);
    assert_eq!(code(json!({"proposal": "p2"})), Code::NotFound);
    assert_eq!(code(json!({"commit": COMMIT.replace('a', "b")})), Code::NotFound);
    assert!(serde_json::from_value::<Vec<Change>>(json!([{"revert": {"commit": "main"}}])).is_err(), "no id");
}

#[test]
fn a_revert_and_another_change_of_the_same_place_overlap() {
    let history = History { path: "a.yaml", now: landed(), before: Some(API.into()), after: Some(landed()) };
    let both = |path: &str| {
        let list = json!([{"revert": {"commit": COMMIT}}, {"manifest": {"file": "a.yaml", "set": {path: 9}}}]);
        apply(&history, &changes(list)).map(|applied| text(&applied).to_owned())
    };
    assert_eq!(both("spec.replicas").expect_err("overlap").code, Code::Overlap);
    assert!(both("spec.paused").expect("composes").contains("paused: 9"));
}
