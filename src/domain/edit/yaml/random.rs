//! Random documents and edits, measured against a model that does not know how YAML is written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::domain::change::Step;
use serde_json::{Map, json};
use std::collections::BTreeMap;

mod panes;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("fits") % limit
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

/// Writes a random document and knows what it means.
struct Writer {
    random: Random,
    out: String,
    step: usize,
    list: usize,
    comments: usize,
    anchors: Vec<(String, Value)>,
}

const KEYS: [&str; 9] = ["name", "a", "b.c/d", "q k", "on", "é", "image", "env", "1.5x"];
const STRINGS: [&str; 16] = [
    "x",
    "on",
    "1.10",
    "0123",
    "a: b #c",
    "it's",
    "say \"hi\"",
    "nginx:1.2",
    "{z",
    "- x",
    "",
    "é ü",
    "12:30",
    "m\nn\n",
    "2001-01-01",
    "~",
];

impl Writer {
    fn new(seed: u64) -> Writer {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (step, list) = (*random.pick(&[2, 2, 4]), *random.pick(&[0, 2]));
        let comments = *random.pick(&[0, 20, 40]);
        Writer { random, out: String::new(), step, list, comments, anchors: Vec::new() }
    }

    fn written(mut self) -> String {
        self.map(0, 0, false);
        self.out
    }

    fn line(&mut self, column: usize, text: &str) {
        if self.random.chance(self.comments) {
            let n = self.random.below(100);
            self.out.push_str(&format!("{}# c{n}\n", " ".repeat(column)));
        }
        self.out.push_str(&" ".repeat(column));
        self.out.push_str(text);
    }

    fn end(&mut self) {
        if self.random.chance(self.comments) {
            let n = self.random.below(100);
            self.out.push_str(&format!(" # t{n}"));
        }
        self.out.push('\n');
    }

    fn map(&mut self, column: usize, depth: usize, dash: bool) -> Value {
        let mut map = Map::new();
        for n in 0..=self.random.below(3) {
            let key = *self.random.pick(&KEYS);
            if map.contains_key(key) {
                continue;
            }
            let spelled = if key == "on" || self.random.chance(20) { format!("\"{key}\":") } else { format!("{key}:") };
            if n == 0 && dash {
                self.out.push_str(&spelled)
            } else {
                self.line(column, &spelled)
            }
            let value = self.value(column, column + self.list, column + self.step, depth);
            map.insert(key.to_owned(), value);
        }
        let sources: Vec<(String, Value)> = self.anchors.iter().filter(|(_, v)| v.is_object()).cloned().collect();
        if !sources.is_empty() && self.random.chance(40) {
            let (name, source) = self.random.pick(&sources).clone();
            self.line(column, &format!("<<: *{name}"));
            self.end();
            for (key, value) in source.as_object().expect("a map") {
                map.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        Value::Object(map)
    }

    fn value(&mut self, column: usize, list: usize, map: usize, depth: usize) -> Value {
        let anchor = self.random.chance(15).then(|| format!("a{}", self.out.len()));
        let (mark, start) = (anchor.as_ref().map(|name| format!(" &{name}")).unwrap_or_default(), self.out.len());
        self.out.push_str(&mark);
        let value = match self.random.below(if depth > 3 { 5 } else { 10 }) {
            0 if !self.anchors.is_empty() => {
                let (name, value) = self.random.pick(&self.anchors).clone();
                self.out.truncate(start);
                self.out.push_str(&format!(" *{name}"));
                self.end();
                return value;
            }
            1 => {
                self.end();
                Value::Null
            }
            2 => self.block(column),
            3 => {
                self.out.push(' ');
                let value = self.flow(0);
                self.end();
                value
            }
            7 | 8 => {
                self.end();
                self.map(map, depth + 1, false)
            }
            9 => {
                self.end();
                self.list(list, depth + 1)
            }
            _ => {
                self.out.push(' ');
                let value = self.scalar();
                self.end();
                value
            }
        };
        self.anchors.extend(anchor.map(|name| (name, value.clone())));
        value
    }

    fn list(&mut self, column: usize, depth: usize) -> Value {
        let mut list = Vec::new();
        for _ in 0..=self.random.below(3) {
            self.line(column, "-");
            list.push(if self.random.chance(50) && depth < 4 {
                self.out.push(' ');
                self.map(column + 2, depth + 1, true)
            } else {
                self.value(column, column + 2, column + 2, depth + 1)
            });
        }
        Value::Array(list)
    }

    fn block(&mut self, column: usize) -> Value {
        let (header, tail) = *self.random.pick(&[(" |", "\n"), (" |-", ""), (" >-", "")]);
        self.out.push_str(header);
        self.end();
        let lines: Vec<&str> =
            (0..=self.random.below(2)).map(|_| *self.random.pick(&["x y", "# no", "k: v"])).collect();
        for line in &lines {
            self.out.push_str(&format!("{}{line}\n", " ".repeat(column + self.step)));
        }
        json!(lines.join(if header == " >-" { " " } else { "\n" }) + tail)
    }

    fn flow(&mut self, depth: usize) -> Value {
        let (pad, comma) = (*self.random.pick(&["", " "]), *self.random.pick(&[", ", ","]));
        match self.random.below(if depth > 2 { 1 } else { 3 }) {
            0 => self.scalar(),
            1 => {
                self.out.push_str(&format!("[{pad}"));
                let mut list = Vec::new();
                for n in 0..self.random.below(4) {
                    self.out.push_str(if n == 0 { "" } else { comma });
                    list.push(self.flow(depth + 1));
                }
                self.out.push_str(&format!("{pad}]"));
                Value::Array(list)
            }
            _ => {
                self.out.push_str(&format!("{{{pad}"));
                let mut map = Map::new();
                for n in 0..self.random.below(4) {
                    self.out.push_str(if n == 0 { "" } else { comma });
                    self.out.push_str(&format!("{}: ", ["a", "\"b\"", "'c d'"][n]));
                    let value = self.flow(depth + 1);
                    map.insert(["a", "b", "c d"][n].to_owned(), value);
                }
                self.out.push_str(&format!("{pad}}}"));
                Value::Object(map)
            }
        }
    }

    fn scalar(&mut self) -> Value {
        let (text, value) = self
            .random
            .pick(&[
                ("x y", json!("x y")),
                ("'on'", json!("on")),
                ("\"a \\\" b\"", json!("a \" b")),
                ("'it''s'", json!("it's")),
                ("12", json!(12)),
                ("true", json!(true)),
                ("null", json!(null)),
                ("nginx:1.2#3", json!("nginx:1.2#3")),
                ("é", json!("é")),
                ("-0.5", json!(-0.5)),
            ])
            .clone();
        self.out.push_str(text);
        value
    }

    fn wanted(&mut self, depth: usize) -> Value {
        match self.random.below(if depth > 1 { 4 } else { 6 }) {
            0 => json!(self.random.below(1000)),
            4 => json!([self.wanted(depth + 1)]),
            5 => json!({*self.random.pick(&KEYS): self.wanted(depth + 1)}),
            _ => json!(*self.random.pick(&STRINGS)),
        }
    }

    fn edit(&mut self, root: &Value) -> Edit {
        let (mut steps, mut here) = (Vec::new(), root);
        while !self.random.chance(20) {
            match here {
                Value::Object(map) if !map.is_empty() => {
                    let keys: Vec<&String> = map.keys().collect();
                    let key = *self.random.pick(&keys);
                    steps.push(Step::Key(key.clone()));
                    here = &map[key];
                }
                Value::Array(list) if !list.is_empty() => {
                    let n = self.random.below(list.len());
                    here = &list[n];
                    steps.push(match here.get("name") {
                        Some(Value::String(name)) if self.random.chance(50) => {
                            Step::Match(BTreeMap::from([("name".to_owned(), json!(name))]))
                        }
                        _ => Step::Index(n),
                    });
                }
                _ => break,
            }
        }
        let op = *self.random.pick(&[Op::Set, Op::Set, Op::Add, Op::Append, Op::Delete]);
        let indexed = matches!(steps.last(), Some(Step::Index(_))) && self.random.chance(60);
        if steps.is_empty() || op == Op::Add && !indexed || op == Op::Append && here.is_object() {
            steps.push(Step::Key("new".to_owned()));
        }
        let value = (op != Op::Delete).then(|| self.wanted(0));
        Edit { op, path: Path(steps), value, expr: None, form: None }
    }
}

/// Makes an edit in plain JSON.
fn model(root: &mut Value, edit: &Edit) -> Option<()> {
    let (last, front) = edit.path.0.split_last()?;
    let mut here = root;
    for step in front {
        here = model_step(here, step)?;
    }
    let value = || edit.value.clone();
    match (edit.op, last) {
        (Op::Set, step) => *model_step(here, step)? = value()?,
        (Op::Add | Op::Append, Step::Key(key)) if here.is_null() || here.get(key).is_none() => {
            if here.is_null() {
                *here = json!({});
            }
            let value = if edit.op == Op::Append { json!([value()?]) } else { value()? };
            here.as_object_mut()?.insert(key.clone(), value);
        }
        (Op::Add, step @ Step::Index(_)) => {
            let n = model_index(here, step)?;
            here.as_array_mut()?.insert(n, value()?);
        }
        (Op::Add, _) => return None,
        (Op::Append, step) => {
            let slot = model_step(here, step)?;
            if slot.is_null() && matches!(step, Step::Key(_)) {
                *slot = json!([]);
            }
            slot.as_array_mut()?.push(value()?);
        }
        (Op::Delete, Step::Key(key)) => drop(here.as_object_mut()?.remove(key)?),
        (Op::Delete, step) => {
            let n = model_index(here, step)?;
            here.as_array_mut()?.remove(n);
        }
    }
    Some(())
}

fn model_index(here: &Value, step: &Step) -> Option<usize> {
    let list = here.as_array()?;
    match step {
        Step::Index(n) => (*n < list.len()).then_some(*n),
        Step::Match(fields) => {
            let fits = |value: &Value| fields.iter().all(|(key, want)| value.get(key) == Some(want));
            let hits: Vec<usize> = (0..list.len()).filter(|n| fits(&list[*n])).collect();
            if hits.len() == 1 { Some(hits[0]) } else { None }
        }
        Step::Key(_) => None,
    }
}

fn model_step<'v>(here: &'v mut Value, step: &Step) -> Option<&'v mut Value> {
    match step {
        Step::Key(key) => here.as_object_mut()?.get_mut(key),
        Step::Index(_) | Step::Match(_) => model_index(here, step).and_then(|n| here.get_mut(n)),
    }
}

fn meaning(bytes: &[u8]) -> Value {
    fn merged(value: serde_yaml::Value) -> Value {
        match value {
            serde_yaml::Value::Sequence(list) => list.into_iter().map(merged).collect(),
            serde_yaml::Value::Mapping(mut map) => {
                let base = map.remove("<<").map_or(json!({}), merged);
                let mut out: Map<String, Value> = map
                    .into_iter()
                    .map(|(key, value)| (key.as_str().expect("a string").to_owned(), merged(value)))
                    .collect();
                for (key, value) in base.as_object().expect("a map") {
                    out.entry(key.clone()).or_insert_with(|| value.clone());
                }
                Value::Object(out)
            }
            scalar => serde_json::to_value(scalar).expect("JSON"),
        }
    }
    let text = std::str::from_utf8(bytes).expect("UTF-8").trim_start_matches('\u{feff}');
    merged(serde_yaml::from_str(text).expect("YAML"))
}

#[test]
fn random_edits_do_what_the_model_does() {
    let (mut done, mut counts) = (0, BTreeMap::<String, usize>::new());
    for seed in 0..700 {
        let mut writer = Writer::new(seed);
        let before = writer.map(0, 0, false);
        let mut text = writer.out.clone();
        match writer.random.below(6) {
            0 => text = text.replace('\n', "\r\n"),
            1 if !text.contains('|') && !text.contains('>') => text.truncate(text.len() - 1),
            2 => text.insert(0, '\u{feff}'),
            _ => {}
        }
        assert_eq!(meaning(text.as_bytes()), before, "the writer is wrong:\n{text}");
        for _ in 0..3 {
            let change = writer.edit(&before);
            let mut after = before.clone();
            let possible = model(&mut after, &change).is_some();
            match edit(text.as_bytes(), None, std::slice::from_ref(&change)) {
                Ok(edited) => {
                    assert!(possible, "{change:?} was made in\n{text}");
                    assert_eq!(meaning(&edited.bytes), after, "{change:?} in\n{text}");
                    assert_eq!(text.ends_with('\n'), edited.bytes.ends_with(b"\n"), "{change:?} in\n{text}");
                    let bare = |text: &str| text.matches('\n').count() - text.matches("\r\n").count();
                    let out = String::from_utf8(edited.bytes).expect("UTF-8");
                    assert!(!text.contains("\r\n") || bare(&out) == 0, "{change:?} in\n{text}");
                    done += 1;
                }
                Err(refusal) => {
                    let shared = refusal.code == Code::AnchorShared;
                    assert!(!possible || shared, "{refusal}\n{change:?} in\n{text}");
                    *counts.entry(format!("{}, possible: {possible}", refusal.code)).or_default() += 1;
                }
            }
        }
    }
    let refused = counts.get("anchor_shared, possible: true").copied().unwrap_or(0);
    assert!(done > 1_000 && refused * 5 < done, "{done} done, refused: {counts:?}");
}
