//! Tables of files before and after, and of what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod guard;

use super::*;
use crate::domain::change::{SelectIndex, SelectObject};
use serde_json::json;

fn edits(value: Value) -> Vec<Edit> {
    let list = if value.is_array() { value } else { json!([value]) };
    serde_json::from_value(list).expect("edits")
}

fn run(before: &str, change: Value) -> Result<String, Refusal> {
    let done = edit(before.as_bytes(), None, &edits(change))?;
    Ok(String::from_utf8(done.bytes).expect("UTF-8"))
}

fn set(path: &str, value: Value) -> Value {
    json!({"op": "set", "path": path, "value": value})
}

fn add(path: &str, value: Value) -> Value {
    json!({"op": "add", "path": path, "value": value})
}

fn append(path: &str, value: Value) -> Value {
    json!({"op": "append", "path": path, "value": value})
}

fn delete(path: &str) -> Value {
    json!({"op": "delete", "path": path})
}

fn check(table: &[(&str, Value, &str)]) {
    for (before, change, after) in table {
        let got = run(before, change.clone()).unwrap_or_else(|refusal| panic!("{before:?} {change}: {refusal}"));
        assert_eq!(got, *after, "{before:?} {change}");
    }
}

#[test]
fn sets_exactly_the_bytes_of_a_value() {
    check(&[
        ("a: 1 # c\n", set("a", json!(2)), "a: 2 # c\n"),
        ("a: 'x'\nb: 1\n", set("a", json!("it's")), "a: 'it''s'\nb: 1\n"),
        ("a: \"x\"\n", set("a", json!("on")), "a: \"on\"\n"),
        ("a: x\n", set("a", json!("on")), "a: \"on\"\n"),
        ("a: x\n", set("a", json!("1.10")), "a: \"1.10\"\n"),
        ("a: 'q'\nb: x\n", set("b", json!("0123")), "a: 'q'\nb: '0123'\n"),
        ("a: 1.10\n", set("a", json!("1.10")), "a: \"1.10\"\n"),
        ("a: x\n", set("a", json!(null)), "a: null\n"),
        ("a: x\n", set("a", json!(1e21)), "a: 1.0e+21\n"),
        ("a:\nb: 1\n", set("a", json!(3)), "a: 3\nb: 1\n"),
        ("a:   # c\n", set("a", json!(3)), "a: 3   # c\n"),
        ("a: {b: , c}\n", json!([set("a.b", json!(1)), set("a.c", json!("x"))]), "a: {b: 1, c: x}\n"),
        ("a: [x, y]\n", set("a[0]", json!("{z")), "a: [\"{z\", y]\n"),
        ("a: {b: , c: }\n", add("a.d", json!(1)), "a: {b: , c: , d: 1}\n"),
        ("? a\nb: 1\n", set("a", json!(2)), "? a\n: 2\nb: 1\n"),
        ("a: |+\n  x\n\n\nb: 1\n", set("a", json!("y\nz\n")), "a: |+\n  y\n  z\nb: 1\n"),
        ("{\"a\":\"x\"}\n", set("a", json!("w")), "{\"a\":\"w\"}\n"),
        ("a: &x 1\nb: 2\n", set("a", json!(5)), "a: &x 5\nb: 2\n"),
        ("a: !!str 1\n", set("a", json!("2")), "a: !!str \"2\"\n"),
        ("a: !!str 1\n", set("a", json!(2)), "a: 2\n"),
        ("b: &x 1\na: *x # c\n", set("a", json!("w")), "b: &x 1\na: w # c\n"),
        ("a: one\n  two\nb: 1\n", set("a", json!("x")), "a: x\nb: 1\n"),
        ("a: {}\n", set("a", json!({"b": [1, "x"]})), "a: {b: [1, x]}\n"),
        ("a: # c\n  b: 1 # d\nc: 2\n", set("a", json!(1)), "a: 1 # c\nc: 2\n"),
        ("a:\n- x\n# c\nb: 1\n", set("a", json!(["w", "z"])), "a:\n- w\n- z\n# c\nb: 1\n"),
        ("a:\n  b: 1 # gone\n", set("a", json!({"c": "p\nq\n"})), "a:\n  c: |\n    p\n    q\n"),
        ("\u{feff}a: 1\r\nb: 2", set("b", json!(3)), "\u{feff}a: 1\r\nb: 3"),
    ]);
}

#[test]
fn keeps_block_scalars_blocks() {
    check(&[
        ("a: | # c\n    x\n    y\nb: 1\n", set("a", json!("x\nz\n")), "a: | # c\n    x\n    z\nb: 1\n"),
        ("a: |\n  x\n  y\nb: 1\n", set("a", json!("x\nz")), "a: |-\n  x\n  z\nb: 1\n"),
        ("a: >\n  x\n\n  y\nb: 1\n", set("a", json!("x\nz\n")), "a: >\n  x\n\n  z\nb: 1\n"),
        ("a: |\r\n  x\r\n  y\r\n", set("a", json!("x\nz\n")), "a: |\r\n  x\r\n  z\r\n"),
        ("a: |\n  x\n  y", set("a", json!("x\nz")), "a: |\n  x\n  z"),
        ("a: |-\n  x\n  y\nb: 1\n", set("a", json!("one line")), "a: one line\nb: 1\n"),
        ("a: x # c\nb: 1\n", set("a", json!("x\ny\n")), "a: | # c\n  x\n  y\nb: 1\n"),
        ("a: |\n  x", add("b", json!(1)), "b: 1\na: |\n  x"),
        ("a: |+\n  x\n\nb: 1\n", delete("b"), "a: |+\n  x\n\n"),
    ]);
}

#[test]
fn adds_in_the_style_around() {
    check(&[
        ("a:\n    b: 1\n", add("a.c.d", json!(2)), "a:\n    b: 1\n    c:\n        d: 2\n"),
        ("a:\n  b: 1 # c\n\nd: 1\n", add("a.c", json!(2)), "a:\n  b: 1 # c\n  c: 2\n\nd: 1\n"),
        ("a:\n  b:\n    x: 1\n    # y\nd: 1\n", add("a.c", json!(2)), "a:\n  b:\n    x: 1\n    # y\n  c: 2\nd: 1\n"),
        ("a:\n  b: 1\n  # x\nd: 1\n", add("a.c", json!(2)), "a:\n  b: 1\n  c: 2\n  # x\nd: 1\n"),
        ("a: {} # c\nb: 1\n", add("a.x", json!("w")), "a: # c\n  x: w\nb: 1\n"),
        ("a:\n  # c: d\nb: 1\n", add("a.x", json!("w")), "a:\n  x: w\n  # c: d\nb: 1\n"),
        ("a: {b: 1}\n", add("a.on", json!("no")), "a: {b: 1, \"on\": \"no\"}\n"),
        ("a: { b: 1 }\n", add("a.c", json!({"d": 1})), "a: { b: 1, c: {d: 1} }\n"),
        ("l:\n- a\nx: 1\n", add("z", json!(["b"])), "l:\n- a\nx: 1\nz:\n- b\n"),
        ("l:\n  - a: 1\n", add("l[0].b", json!("x\ny\n")), "l:\n  - a: 1\n    b: |\n      x\n      y\n"),
        ("a: 1\r\nb: 2", add("c", json!(3)), "a: 1\r\nb: 2\r\nc: 3"),
        ("# only a comment\n", add("a.b", json!(1)), "# only a comment\na:\n  b: 1\n"),
        ("", append("a", json!(1)), "a:\n  - 1\n"),
        ("a: {\n  \"b\": 1\n}\n", add("a.c", json!("x")), "a: {\n  \"b\": 1,\n  \"c\": \"x\"\n}\n"),
    ]);
}

#[test]
fn appends_in_the_style_around() {
    check(&[
        ("a:\n- x # c\nb: 1\n", append("a", json!("w")), "a:\n- x # c\n- w\nb: 1\n"),
        ("a:\n  -   b: 1\n", append("a", json!({"b": 2, "c": 3})), "a:\n  -   b: 1\n  -   b: 2\n      c: 3\n"),
        ("a: []\nb:\n- 1\n", append("a", json!({"x": [1]})), "a:\n- x:\n  - 1\nb:\n- 1\n"),
        ("a: [x]\n", append("a", json!("a, b")), "a: [x, \"a, b\"]\n"),
        ("a: [x,y]\n", append("a", json!("z")), "a: [x,y,z]\n"),
        ("a: [\n  x, # 1\n  y # 2\n]\n", append("a", json!("z")), "a: [\n  x, # 1\n  y, # 2\n  z\n]\n"),
        ("a: [\n  x,\n]\n", append("a", json!("z")), "a: [\n  x,\n  z,\n]\n"),
        ("a:\n  b: 1\n", append("a.l", json!("z")), "a:\n  b: 1\n  l:\n    - z\n"),
        ("- - a\n  - b\n", append("[0]", json!("c")), "- - a\n  - b\n  - c\n"),
    ]);
}

#[test]
fn deletes_with_own_comments_only() {
    check(&[
        ("a: 1\n# own\nb: 2 # own\nc: 3\n", delete("b"), "a: 1\nc: 3\n"),
        ("a: 1\n\n# other\n\nb: 2\n\nc: 3\n", delete("b"), "a: 1\n\n# other\n\nc: 3\n"),
        ("a: 1\n\nb: 2\n", delete("b"), "a: 1\n"),
        ("a: 1\r\nb: 2", delete("b"), "a: 1"),
        ("# License: MIT\na: 1\nb: 2\n", delete("a"), "# License: MIT\nb: 2\n"),
        ("l:\n- a: 1\n  # about b\n  b: 2\n", delete("l[0].a"), "l:\n- # about b\n  b: 2\n"),
        ("l:\n- a: 1\n  b: 2\n", delete("l[a=1].a"), "l:\n- b: 2\n"),
        ("l: # c\n  - a # d\nb: 1\n", delete("l[0]"), "l: [] # c\nb: 1\n"),
        ("a:\n  b: 1\nc: 2\n", delete("a.b"), "a: {}\nc: 2\n"),
        ("l:\n- a: 1\n- b\n", delete("l[0].a"), "l:\n- {}\n- b\n"),
        ("a: [x, y, z]\n", json!([delete("a[1]"), delete("a[1]"), delete("a[0]")]), "a: []\n"),
        ("a: {b: 1, c: 2}\n", delete("a.b"), "a: {c: 2}\n"),
        ("a: [\n  x, # 1\n  y, # 2\n  z # 3\n]\n", delete("a[1]"), "a: [\n  x, # 1\n  z # 3\n]\n"),
        ("a: [\n  x, # 1\n  y # 2\n]\n", delete("a[1]"), "a: [\n  x # 1\n]\n"),
        ("? a\n: 1\nb: 2\n", delete("a"), "b: 2\n"),
    ]);
}

#[test]
fn overrides_what_comes_through_a_merge() {
    let base = "x: &x\n  on: yes\n  env: {A: 1, D: 2001-01-01}\n  l: [1]\n";
    let table = [
        ("y:\n  <<: *x\n", set("y.on", json!(false)), "y:\n  <<: *x\n  on: false\n"),
        (
            "y:\n  <<: *x\n  b: 1\n",
            set("y.env.A", json!(2)),
            "y:\n  <<: *x\n  b: 1\n  env:\n    A: 2\n    D: 2001-01-01\n",
        ),
        ("y: {<<: *x}\n", append("y.l", json!(2)), "y: {<<: *x, l: [1, 2]}\n"),
        ("y: {<<: *x}\n", delete("y.env.A"), "y: {<<: *x, env: {D: 2001-01-01}}\n"),
    ];
    for (before, change, after) in table {
        check(&[(&format!("{base}{before}"), change, &format!("{base}{after}"))]);
    }
    let covered = "x: &x {l: 1}\ny: {<<: *x, l: 2}\n";
    check(&[(covered, set("x.l", json!(3)), "x: &x {l: 3}\ny: {<<: *x, l: 2}\n")]);
}

#[test]
fn an_add_at_an_index_goes_in_front_of_the_element() {
    check(&[
        ("l:\n  - a # one\n  # two\n  - b\n", add("l[1]", json!("x")), "l:\n  - a # one\n  - x\n  # two\n  - b\n"),
        ("l:\n- a\n", add("l[0]", json!({"k": 1})), "l:\n- k: 1\n- a\n"),
        ("l:\r\n- a\r\n- b", add("l[1]", json!(1)), "l:\r\n- a\r\n- 1\r\n- b"),
        ("l: [a, b]\n", add("l[1]", json!("x")), "l: [a, x, b]\n"),
        ("l: [\n  a,\n  b,\n]\n", add("l[0]", json!("x")), "l: [\n  x,\n  a,\n  b,\n]\n"),
        ("- - a\n  - b\n", add("[0][0]", json!("x")), "- - x\n  - a\n  - b\n"),
        ("b: &x {l: [1, 2]}\ny: {<<: *x}\n", add("y.l[1]", json!(9)), "b: &x {l: [1, 2]}\ny: {<<: *x, l: [1, 9, 2]}\n"),
    ]);
}

#[test]
fn refuses_with_a_code() {
    let deep = "[".repeat(10_000);
    let wide = format!("a: &a [{}]\nb: &b [{}]\nc: [{}]\n", "x,".repeat(999), "*a,".repeat(999), "*b,".repeat(999));
    let table = [
        ("a: 1\n", set("b", json!(1)), Code::NotFound),
        ("a: 1\n", delete("a.b"), Code::NotFound),
        ("a: [1]\n", set("a[3]", json!(1)), Code::NotFound),
        ("a: 1\n", add("a", json!(1)), Code::Exists),
        ("l: [{n: x}, {n: x}]\n", delete("l[n=x]"), Code::Ambiguous),
        ("a: 1\n---\nb: 1\n", set("a", json!(2)), Code::Ambiguous),
        ("a: 1\n", append("a", json!(2)), Code::NotList),
        ("a: {}\n", append("a", json!(2)), Code::NotList),
        ("a: {b: 1}\n", set("a[0]", json!(2)), Code::NotList),
        ("a: &x 1\nb: *x\n", set("a", json!(2)), Code::AnchorShared),
        ("a: &x {c: 1}\nb: *x\n", set("a.c", json!(2)), Code::AnchorShared),
        ("a: &x {c: 1}\nb: *x\n", set("b.c", json!(2)), Code::AnchorShared),
        ("a: &x {c: 1}\nb: *x\n", add("a.d", json!(2)), Code::AnchorShared),
        ("a: &x\n  - 1\nb: *x\n", append("a", json!(2)), Code::AnchorShared),
        ("a: &x {c: 1}\nb: {<<: *x}\n", delete("b.c"), Code::AnchorShared),
        ("a: &x {c: 1}\nb: {<<: *x, c: 2}\n", delete("b.c"), Code::AnchorShared),
        ("a: &x {c: 1}\nb: {<<: *x}\n", add("b.c", json!(2)), Code::Exists),
        ("a: 1\na: 2\n", set("a", json!(3)), Code::DuplicateKey),
        ("a: [\n", set("a", json!(3)), Code::Parse),
        ("a: *x\n", set("a", json!(3)), Code::Parse),
        ("a: &x [*x]\n", set("a", json!(3)), Code::Parse),
        ("a: {{ .Values.a }}\n", set("a", json!(3)), Code::Template),
        ("{{- if .Values.a }}\na: 1\n{{- end }}\n", set("a", json!(3)), Code::Template),
        ("a: ENC[AES256_GCM,data:x,type:str]\n", set("a", json!(3)), Code::Encrypted),
        ("a: 1\nsops:\n  mac: x\n", set("a", json!(3)), Code::Encrypted),
        (&deep, set("a", json!(3)), Code::TooLarge),
        (&wide, set("a", json!(3)), Code::TooLarge),
    ];
    for (before, change, code) in table {
        let refusal = run(before, change.clone()).expect_err(&format!("{change}"));
        assert_eq!(refusal.code, code, "{change}: {refusal}");
    }
    let latin = edit(b"a: \xe9\n", None, &[]).expect_err("no UTF-8");
    assert_eq!(latin.code, Code::NotUtf8);
    let large = edit(&vec![b' '; gate::BYTES + 1], None, &[]).expect_err("too large");
    assert_eq!(large.code, Code::TooLarge);
}

#[test]
fn nesting_is_counted_and_never_overflows() {
    let blocks: String = (0..10_000).map(|n| format!("{}a:\n", " ".repeat(n % 2_000))).collect();
    let dashes = "- ".repeat(10_000);
    let maps = "{a: ".repeat(10_000);
    let chain: String = (1..500).map(|n| format!("k{n}: &a{n} [*a{}]\n", n - 1)).collect();
    for text in [blocks, dashes, maps, format!("k0: &a0 [x]\n{chain}")] {
        let refusal = run(&text, set("a", json!(1))).expect_err("deep");
        assert!(matches!(refusal.code, Code::TooLarge | Code::Parse), "{refusal}");
    }
    let levels = DEPTH - 2;
    let flow = format!("a: {}x{}\nb: 1\n", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(run(&flow, set("b", json!(2))).expect("edits"), flow.replace("b: 1", "b: 2"));
    let mut value = json!(1);
    for _ in 0..DEPTH + 20 {
        value = json!([value]);
    }
    assert_eq!(run("a: 1\n", set("a", value)).expect_err("deep").code, Code::TooLarge);
}

#[test]
fn refusals_name_what_is_shared_and_what_fits() {
    let shared = run("a: &x 1\nb: {c: *x}\nd: [*x]\n", set("a", json!(2))).expect_err("shared");
    assert!(
        shared.reason.contains("&x") && shared.reason.contains("`b.c`") && shared.reason.contains("`d[0]`"),
        "{shared}"
    );
    let many = run("l:\n- {n: x, name: p}\n- {n: x, name: q}\n", delete("l[n=x]")).expect_err("ambiguous");
    assert!(many.reason.contains("[0] named p") && many.reason.contains("[1] named q"), "{many}");
    assert_eq!((many.document, many.path.as_str()), (Some(0), "l[n=x]"));
}

#[test]
fn selects_documents() {
    let text = "kind: A\nmetadata: {name: x}\n---\nkind: A\nmetadata: {name: y, namespace: n}\nv: 1\n";
    let object =
        |name: &str| Select::Object(SelectObject { kind: Some("A".into()), name: Some(name.into()), namespace: None });
    let done = edit(text.as_bytes(), Some(&object("y")), &edits(set("v", json!(2)))).expect("edits");
    assert_eq!(String::from_utf8(done.bytes).unwrap(), text.replace("v: 1", "v: 2"));
    assert_eq!(done.touched[0].document, 1);
    assert_eq!((done.touched[0].before.as_deref(), done.touched[0].after.as_deref()), (Some("1"), Some("2")));
    let index = Select::Index(SelectIndex { index: 2 });
    assert_eq!(edit(text.as_bytes(), Some(&index), &[]).expect_err("no such").code, Code::NotFound);
    assert_eq!(edit(text.as_bytes(), Some(&object("z")), &[]).expect_err("no such").code, Code::NotFound);
    assert_eq!(document_index(text.as_bytes(), Some(&object("x"))), Ok(0));
}

#[test]
fn looks_values_up() {
    let text = b"x: &x {a: 1, b: [p, {n: q, v: 1.10}]}\ny:\n  <<: *x\n  c: '1'\n";
    let at = |path: &str| lookup(text, None, &Path::parse(path).expect("path")).expect("looks up");
    assert_eq!(at("y.a"), Some(json!(1)));
    assert_eq!(at("y.c"), Some(json!("1")));
    assert_eq!(at("y.b[n=q].v"), Some(json!(1.1)));
    assert_eq!(at("y.d"), None);
    assert_eq!(at("x.b[7]"), None);
    assert_eq!(at("x.a.b"), None);
    assert_eq!(documents(text).expect("reads").len(), 1);
    assert!(documents(b"# nothing\n").expect("reads").is_empty());
}

#[test]
fn what_is_so_already_is_left_alone() {
    for (text, value) in
        [("a: 'x' # c\n", json!("x")), ("a: [1, {b: c}]\n", json!([1, {"b": "c"}])), ("a:\n", json!(null))]
    {
        assert_eq!(run(text, set("a", value)).expect("edits"), text);
    }
}
