use super::*;
use serde_json::json;

fn check(block: &str, json: Value, before: &str, after: &str) {
    let edited = run(before, block, json.clone()).unwrap_or_else(|refusal| panic!("{json} in\n{before}\n{refusal}"));
    assert_eq!(text(&edited), after, "{json}");
}

#[test]
fn values_are_set_and_nothing_else_moves() {
    let set = |path: Value, value: Value| json!({"op": "set", "path": path, "value": value});
    check(
        "variable.a",
        set(json!("default"), json!("${x}")),
        "variable \"a\" { default = 1 } # c\n",
        "variable \"a\" { default = \"$${x}\" } # c\n",
    );
    check("", set(json!("a.b[1].c"), json!(null)), "a = { b : [1, { c : 2 }] }\n", "a = { b : [1, { c : null }] }\n");
    check("", set(json!("a"), json!("x")), "a = <<-E\n  1\n  E\nb = 2\n", "a = \"x\"\nb = 2\n");
    check("", set(json!("a"), json!({"k": [1]})), "a   = 1\nbcd = 2\n", "a = {\n  k = [1]\n}\nbcd = 2\n");
    check("", set(json!("a"), json!(1)), "a = {\n  k = [1]\n}\nbcd = 2\n", "a   = 1\nbcd = 2\n");
    check("", set(json!("a"), json!([1, 2])), "a = [\n  3, # c\n]\n", "a = [\n  1,\n  2,\n]\n");
    check("", set(json!("a"), json!("\u{e9}")), "\u{feff}a = \"\u{fc}\"\r\nb=1", "\u{feff}a = \"\u{e9}\"\r\nb=1");
    check(
        "aws_x.y",
        set(json!("s[k=v].n"), json!(2)),
        "resource aws_x y {\n s {\n  k = \"v\"\n  n = 1\n }\n s {\n  n = 1\n }\n}\n",
        "resource aws_x y {\n s {\n  k = \"v\"\n  n = 2\n }\n s {\n  n = 1\n }\n}\n",
    );
    check("", json!({"op": "set", "path": "a", "expr": "f(1,\n  2)"}), "a = 1\r\n", "a = f(1,\r\n  2)\r\n");
    check(
        "",
        set(json!(["r", {"labels": ["x"]}, "a"]), json!(2)),
        "r x {\n a=1\n}\nr y {\n a=1\n}",
        "r x {\n a=2\n}\nr y {\n a=1\n}",
    );
}

#[test]
fn attributes_and_blocks_are_added_in_the_style_around() {
    let add = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
    let block = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value, "as": "block"});
    let m = |body: &str| format!("module \"m\" {body}");
    for (edit, before, after) in [
        (add("cd", json!(2)), "{\n  a = 1 # c\n\n  b {}\n}\n", "{\n  a  = 1 # c\n  cd = 2\n\n  b {}\n}\n"),
        (add("c", json!(2)), "{}\n", "{\n  c = 2\n}\n"),
        (add("c", json!(2)), "{ a = 1 }\n", "{\n  a = 1\n  c = 2\n}\n"),
        (add("c", json!(2)), "{\n  # only\n}\n", "{\n  # only\n  c = 2\n}\n"),
        (add("c", json!(2)), "{ # c\n  # about b\n  b {}\n}\n", "{ # c\n  c = 2\n\n  # about b\n  b {}\n}\n"),
        (
            add("t.k.\"x/y\"", json!("v")),
            "{\n\ta = 1\n}",
            "{\n\ta = 1\n\tt = {\n\t\tk = {\n\t\t\t\"x/y\" = \"v\"\n\t\t}\n\t}\n}",
        ),
        (
            block("l", json!({"p": true})),
            "{\r\n  a = 1\r\n}\r\n",
            "{\r\n  a = 1\r\n\r\n  l {\r\n    p = true\r\n  }\r\n}\r\n",
        ),
        (block("b", json!({})), "{\n  b {}\n  b {}\n  # end\n}\n", "{\n  b {}\n  b {}\n  # end\n  b {}\n}\n"),
        (block("v.w", json!({"p": 1})), "{}\n", "{\n  v {\n    w {\n      p = 1\n    }\n  }\n}\n"),
        (json!({"op": "append", "path": "l", "expr": "var.x"}), "{\n  a = 1\n}\n", "{\n  a = 1\n  l = [var.x]\n}\n"),
        (json!({"op": "append", "path": "a", "value": 1}), "{\n  a = null\n}\n", "{\n  a = [1]\n}\n"),
    ] {
        check("module.m", edit, &m(before), &m(after));
    }
    check("", add("b", json!({"k": 1})), "a = 1", "a = 1\nb = {\n  k = 1\n}");
    check("", add("b", json!(1)), "", "b = 1\n");
    check("", add("b", json!(1)), "a     = 1\n", "a     = 1\nb     = 1\n");
}

#[test]
fn keys_and_elements_are_added_in_the_style_around() {
    let add = |value: Value| json!({"op": "add", "path": "o.new", "value": value});
    for (before, after) in [
        ("{}", "{ new = 1 }"),
        ("{ a = 1 }", "{ a = 1, new = 1 }"),
        ("{a=1,}", "{a=1, new=1,}"),
        ("{\n}", "{\n  new = 1\n}"),
        ("{\n  # c\n}", "{\n  # c\n  new = 1\n}"),
        ("{\n  a = 1 # c\n}", "{\n  a   = 1 # c\n  new = 1\n}"),
        ("{\n  a = 1,\n  b = 2 # c\n}", "{\n  a   = 1,\n  b   = 2, # c\n  new = 1\n}"),
        ("{\n  a : 1,\n}", "{\n  a : 1,\n  new : 1,\n}"),
        ("{\n  \"a\" = 1\n}", "{\n  \"a\"   = 1\n  \"new\" = 1\n}"),
        ("{\n  a = <<E\nx\nE\n}", "{\n  a   = <<E\nx\nE\n  new = 1\n}"),
    ] {
        check("", add(json!(1)), &format!("o = {before}\n"), &format!("o = {after}\n"));
    }
    let append = |value: Value| json!({"op": "append", "path": "o", "value": value});
    for (before, after) in [
        ("[]", "[{ a = 1 }]"),
        ("[1]", "[1, { a = 1 }]"),
        ("[\n  { a = 2 },\n]", "[\n  { a = 2 },\n  { a = 1 },\n]"),
        ("[\n  {\n    a = 2\n  }\n]", "[\n  {\n    a = 2\n  },\n  {\n    a = 1\n  }\n]"),
        ("[{\n  a = 2\n}]", "[{\n  a = 2\n}, { a = 1 }]"),
        ("[{\n  a = 2\n  }, {\n  a = 3\n}]", "[{\n  a = 2\n  }, {\n  a = 3\n}, { a = 1 }]"),
        ("[{\n  a = 2\n}, {\n  a = 3\n}]", "[{\n  a = 2\n}, {\n  a = 3\n}, {\n  a = 1\n}]"),
        ("[\n  <<E\nx\nE\n]", "[\n  <<E\nx\nE\n  ,\n  {\n    a = 1\n  }\n]"),
        ("[\n  # none\n]", "[\n  # none\n  {\n    a = 1\n  },\n]"),
    ] {
        check("", append(json!({"a": 1})), &format!("o = {before}\n"), &format!("o = {after}\n"));
    }
}

#[test]
fn what_is_deleted_takes_its_own_comments_along() {
    let delete = |path: &str| json!({"op": "delete", "path": path});
    for (path, before, after) in [
        ("b", "a = 1\n\n# about b\nb = 2 # c\n\nc = 3\n", "a = 1\n\nc = 3\n"),
        ("b", "a   = 1\nbcd = 2\nb = 3", "a   = 1\nbcd = 2"),
        ("bcd", "a   = 1\nbcd = 2\nc   = 3\n", "a = 1\nc = 3\n"),
        ("a", "a = 1\n\n# about b\nb = 2\n", "# about b\nb = 2\n"),
        ("o.a", "o = { a = 1, b = 2 }\n", "o = { b = 2 }\n"),
        ("o.b", "o = { a = 1, b = 2 }\n", "o = { a = 1 }\n"),
        ("o.a", "o = { a = 1 }\n", "o = {}\n"),
        ("o[1]", "o = [1, 2, ]\n", "o = [1, ]\n"),
        ("o[0]", "o = [\n  1, # one\n  2\n]\n", "o = [\n  2\n]\n"),
        ("o[1]", "o = [\n  1, # one\n  2\n]\n", "o = [\n  1 # one\n]\n"),
        ("o[0]", "o = [\n  1,\n]\n", "o = [\n]\n"),
        ("o[1]", "o = [{\n  a = 1\n  }, {\n  a = 2\n}]\n", "o = [{\n  a = 1\n}]\n"),
        ("o[0]", "o = [{\n  a = 1\n  }, {\n  a = 2\n}]\n", "o = [{\n  a = 2\n}]\n"),
        ("o[0]", "o = [1, # one\n  2,\n]\n", "o = [\n  2,\n]\n"),
        ("b[0]", "b {\n  a = 1\n}\n\nb {\n  a = 1\n}\n", "b {\n  a = 1\n}\n"),
        ("b.a", "b { a = 1 }\r\n", "b {}\r\n"),
    ] {
        check("", delete(path), before, after);
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let file = "o = { a = 1, \"a\" = 2 }\nl = [{ n = 1 }, { n = 1 }]\nf = g([1])\nb {\n  x = 1\n}\nb {}\nc { x = 1 }\n";
    for (json, code) in [
        (json!({"op": "set", "path": "nope", "value": 1}), Code::NotFound),
        (json!({"op": "delete", "path": "l[2]"}), Code::NotFound),
        (json!({"op": "delete", "path": ["b", 2]}), Code::NotFound),
        (json!({"op": "set", "path": "o.a", "value": 1}), Code::DuplicateKey),
        (json!({"op": "set", "path": ["l", {"n": 1}, "n"], "value": 1}), Code::Ambiguous),
        (json!({"op": "set", "path": "b.x", "value": 2}), Code::Ambiguous),
        (json!({"op": "add", "path": "l", "value": 2}), Code::Exists),
        (json!({"op": "add", "path": "c", "value": 2}), Code::Exists),
        (json!({"op": "append", "path": "f", "value": 2}), Code::NotList),
        (json!({"op": "append", "path": "c", "value": 2}), Code::NotList),
        (json!({"op": "set", "path": "f.k", "value": 2}), Code::NotList),
        (json!({"op": "set", "path": "l.k", "value": 2}), Code::NotList),
        (json!({"op": "set", "path": "c", "value": 2}), Code::Parse),
        (json!({"op": "set", "path": "l"}), Code::Parse),
        (json!({"op": "set", "path": "l", "value": 1, "expr": "1"}), Code::Parse),
        (json!({"op": "set", "path": "l", "expr": "1 # x"}), Code::Parse),
        (json!({"op": "set", "path": "l", "expr": "1\nz = 2"}), Code::Parse),
        (json!({"op": "add", "path": ["a b"], "value": 1}), Code::Parse),
        (json!({"op": "add", "path": "d", "value": 1, "as": "block"}), Code::Parse),
        (json!({"op": "set", "path": [], "value": 1}), Code::Parse),
    ] {
        let refusal = run(file, "", json.clone()).expect_err(&json.to_string());
        assert_eq!(refusal.code, code, "{json}: {refusal}");
    }
    let refusal =
        run("locals {}\nlocals {}\n", "locals", json!({"op": "add", "path": "a", "value": 1})).expect_err("two");
    assert_eq!((refusal.code, refusal.path.as_str()), (Code::Ambiguous, "locals.a"));
    assert!(refusal.reason.contains("line 1, line 2"), "{refusal}");
}

#[test]
fn edits_follow_each_other_and_say_what_they_did() {
    let before = "module \"m\" {\n  source  = \"a\"\n  version = \"1.0\"\n}\n";
    let select = Select::Block(address("module.m").expect("address"));
    let edits = [
        json!({"op": "set", "path": "version", "value": "1.1"}),
        json!({"op": "set", "path": "source", "value": "a"}),
        json!({"op": "add", "path": "tags.Name", "value": "x"}),
        json!({"op": "delete", "path": "source"}),
    ];
    let edited = edit(before.as_bytes(), Some(&select), &edits.map(read)).expect("edits");
    let wanted = "module \"m\" {\n  version = \"1.1\"\n  tags = {\n    Name = \"x\"\n  }\n}\n";
    assert_eq!(text(&edited), wanted);
    let story: Vec<_> =
        edited.touched.iter().map(|t| (t.path.as_str(), t.before.as_deref(), t.after.as_deref())).collect();
    let wanted = [
        ("module.m.version", Some("\"1.0\""), Some("\"1.1\"")),
        ("module.m.source", Some("\"a\""), Some("\"a\"")),
        ("module.m.tags.Name", None, Some("\"x\"")),
        ("module.m.source", Some("\"a\""), None),
    ];
    assert_eq!(story, wanted);
}

#[test]
fn values_are_looked_up() {
    let file = "module \"m\" {\n  v = \"1.0\" # c\n  b { x = [1, 2] }\n}\n";
    let select = Select::Block(address("module.m").expect("address"));
    let table =
        [("v", Some("\"1.0\"")), ("b.x[1]", Some("2")), ("b", Some("b { x = [1, 2] }")), ("w", None), ("b.x[7]", None)];
    for (path, wanted) in table {
        let found = lookup(file.as_bytes(), Some(&select), &Path::parse(path).expect(path)).expect(path);
        assert_eq!(found.as_deref(), wanted, "{path}");
    }
}
