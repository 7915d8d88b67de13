//! On single files: bombs, depth, keys, encodings, shared values, documents.
//!
//! Work is counted by the editors themselves, not timed: a count is the same on every machine.

use super::{changes, is_refused, one, set};
use countersign::domain::edit::{Applied, Code, Refusal, apply, hcl, yaml};
use serde_json::{Value, json};

/// The bytes after the change; exactly those before with one span replaced.
fn edited(before: &str, done: &Result<Applied, Refusal>) -> String {
    let file = done.as_ref().unwrap_or_else(|refusal| panic!("{refusal}\n{before}")).files.first().expect("a change");
    String::from_utf8(file.after.clone()).unwrap()
}

#[test]
fn tm72_aliases_of_aliases_are_counted_and_not_expanded() {
    let line = |n: usize| format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); 9].join(", "));
    let bomb = "l0: &l0 [x, x, x, x, x, x, x, x, x]\n".to_owned() + &(1..=8).map(line).collect::<String>();
    is_refused(set(bomb.clone(), "l0", json!(1)), Code::TooLarge, "aliases expand to more than 4 MiB");
    let (work, refusal) = yaml::measure(bomb.as_bytes());
    assert_eq!(refusal.map(|refusal| refusal.code), Some(Code::TooLarge));
    assert!(work.expanded > 9_usize.pow(8), "{work:?}");
    // Nine lists of nine, their keys, the map: nothing is looked at twice.
    assert_eq!(work.nodes, 9 * 9 + 9 + 9 + 1, "{work:?}");
    assert!(work.events < 3 * work.nodes, "{work:?}");
    // One step less wide stays below the limit and is read.
    let small = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nd: 1\n";
    assert_eq!(edited(small, &set(small, "d", json!(2))), small.replace("d: 1", "d: 2"));
    let (work, refusal) = yaml::measure(small.as_bytes());
    assert!(refusal.is_none() && work.expanded < 1_000, "{work:?}");
}

#[test]
fn tm73_ten_thousand_levels() {
    let deep = |open: &str, close: &str| format!("a: 1\nb: {}{}\n", open.repeat(10_000), close.repeat(10_000));
    let block: String = (0..10_000).map(|n| format!("{}k:\n", " ".repeat(n))).collect();
    for text in [deep("[", "]"), deep("{k: ", "}"), deep("- ", ""), block] {
        let (work, refusal) = yaml::measure(text.as_bytes());
        let refusal = refusal.unwrap_or_else(|| panic!("{} was let in", &text[..40]));
        assert!(matches!(refusal.code, Code::TooLarge | Code::Parse), "{refusal}");
        assert!(work.events < 2_000 && work.nodes == 0, "{work:?} for {}", &text[..40]);
        assert!(set(text, "a", json!(2)).is_err());
    }
    for text in ["[", "{ k = ", "f(", "\"${", "!", "-", "a ? b : "].map(|open| format!("x = {}", open.repeat(10_000))) {
        let (tokens, refusal) = hcl::measure(text.as_bytes());
        assert!(refusal.is_some(), "{} was let in", &text[..20]);
        assert!(tokens < 60_000, "{tokens} tokens for {}", &text[..20]);
    }
    let (tokens, _) = hcl::measure(format!("x = {}", "[".repeat(10_000)).as_bytes());
    assert!(tokens < 1_000, "the brackets are not read to their end: {tokens}");
}

#[test]
fn tm73_odd_bytes_are_refused_or_come_back_whole() {
    let key = "k".repeat(1 << 20);
    let long = format!("{key}: 1\nb: 1\n");
    let done = set(long.clone(), "b", json!(2));
    // A key that a reader may not take as one is refused; else its million bytes stay.
    match &done {
        Ok(_) => assert_eq!(edited(&long, &done), format!("{key}: 1\nb: 2\n")),
        Err(refusal) => assert_eq!(refusal.code, Code::Parse, "{refusal}"),
    }
    let long = format!("{key} = 1\nb = 1\n");
    let done = apply(&one("v.tfvars", long), &changes(json!([{"terraform": {"file": "v.tfvars", "set": {"b": 2}}}])));
    assert_eq!(
        edited("", &done),
        format!("{key} = 1\nb{} = 2\n", " ".repeat(key.len() - 1)).replace(&" ".repeat(key.len()), " ")
    );
    is_refused(set("a: 1\na: 2\nb: 1\n", "b", json!(2)), Code::DuplicateKey, "`a` a second time");
    is_refused(set("b:\n\tc: 1\n", "b.c", json!(2)), Code::Parse, "no YAML");
    let bom = "\u{feff}b: 1\r\nc: 1\t# tab\r\n";
    assert_eq!(edited(bom, &set(bom, "b", json!(2))), bom.replace("b: 1", "b: 2"));
    for order in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
        let text: Vec<u8> = "\u{feff}b: 1\n".encode_utf16().flat_map(order).collect();
        is_refused(set(text, "b", json!(2)), Code::NotUtf8, "UTF-8");
    }
    let bare: Vec<u8> = "b: 1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(set(bare, "b", json!(2)).is_err(), "UTF-16 without a mark is no YAML");
    is_refused(set(b"b: \xc3\x28\n".to_vec(), "b", json!(2)), Code::NotUtf8, "UTF-8");
}

#[test]
fn tm74_a_value_that_others_share() {
    let anchored = "base: &base\n  memory: 512Mi\napi: *base\nweb: *base\n";
    let merged = "base: &base\n  memory: 512Mi\napi:\n  <<: *base\n";
    for (text, path, code) in [
        (anchored, "base.memory", Some(Code::AnchorShared)),
        (anchored, "base", Some(Code::AnchorShared)),
        (anchored, "api.memory", Some(Code::AnchorShared)),
        (merged, "base.memory", Some(Code::AnchorShared)),
        // The use alone is replaced, and what is only inherited is written beside `<<`.
        (anchored, "api", None),
        (merged, "api.memory", None),
    ] {
        let done = set(text, path, json!("1Gi"));
        assert_eq!(done.as_ref().err().map(|refusal| refusal.code), code, "{path} in\n{text}");
        let Ok(applied) = &done else { continue };
        let read = |bytes: &[u8]| serde_yaml::from_slice::<serde_yaml::Value>(bytes).unwrap();
        let (old, new) = (read(&applied.files[0].before), read(&applied.files[0].after));
        assert_eq!((&old["base"], &old["web"]), (&new["base"], &new["web"]), "{path}: others change");
    }
}

#[test]
fn tm75_a_document_that_is_not_there_or_not_one() {
    let text = "kind: Deployment\nmetadata: {name: a}\n---\nkind: Deployment\nmetadata: {name: b}\n";
    let with = |select: Value| {
        apply(
            &one("v.yaml", text),
            &changes(json!([{"manifest": {"file": "v.yaml", "select": select, "set": {"x": 1}}}])),
        )
    };
    is_refused(with(json!({"index": 2})), Code::NotFound, "the file has 2");
    is_refused(with(json!({"index": 200})), Code::NotFound, "the file has 2");
    is_refused(with(json!({"kind": "Service"})), Code::NotFound, "no document fits");
    is_refused(with(json!({"kind": "Deployment"})), Code::Ambiguous, "0 (Deployment a), 1 (Deployment b)");
    is_refused(set(text, "x", json!(1)), Code::Ambiguous, "2 documents fit");
    let second = edited(text, &with(json!({"index": 1})));
    assert_eq!(second, format!("{text}x: 1\n"));
    assert!(edited(text, &with(json!({"name": "a"}))).starts_with("kind: Deployment\nmetadata: {name: a}\nx: 1\n---"));
}

#[test]
fn tm77_comments_and_line_ends_elsewhere_stay() {
    let yaml = "# head\r\na: 1   # one\r\n\r\nb:   {c: 2}  # two\r\n# tail";
    for (path, value) in [("a", json!(5)), ("b.c", json!("on")), ("b", json!(null)), ("fresh", json!(1))] {
        let after = edited(yaml, &set(yaml, path, value));
        for kept in ["# head\r\n", "# one\r\n\r\nb", "# two\r\n", "# tail"] {
            assert!(after.contains(kept), "{path}: {after:?}");
        }
        assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{path}: {after:?}");
    }
    let hcl = "# head\na = 1 // one\n\nm = {\n  c = 2 /* two */\n}\n# tail";
    for (path, value) in [("a", json!(5)), ("m.c", json!(3)), ("fresh", json!(1))] {
        let change = changes(json!([{"terraform": {"file": "v.tfvars", "set": {path: value}}}]));
        let after = edited(hcl, &apply(&one("v.tfvars", hcl), &change));
        for kept in ["# head\n", "// one\n\nm", "/* two */\n", "# tail"] {
            assert!(after.contains(kept), "{path}: {after:?}");
        }
    }
}
