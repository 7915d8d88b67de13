//! Makes files at random, with a model of what they say that shares nothing with the editor.

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey};
use hcl_edit::structure::Structure;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A small generator of numbers; the same seed gives the same file.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(super) fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// What an expression says; raw ones without any white space.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Say {
    Raw(String),
    Plain(Value),
    List(Vec<Say>),
    Object(BTreeMap<String, Say>),
}

/// What a body says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Says {
    pub(super) attributes: BTreeMap<String, Say>,
    pub(super) blocks: Vec<(String, Says)>,
}

impl Say {
    pub(super) fn of_json(value: &Value) -> Say {
        match value {
            Value::Array(values) => Say::List(values.iter().map(Say::of_json).collect()),
            Value::Object(fields) => Say::Object(fields.iter().map(|(k, v)| (k.clone(), Say::of_json(v))).collect()),
            plain => Say::Plain(plain.clone()),
        }
    }

    fn of(value: &Expression, text: &str) -> Say {
        match value {
            Expression::Null(_) => Say::Plain(Value::Null),
            Expression::Bool(flag) => Say::Plain(json!(*flag.value())),
            Expression::Number(number) => Say::Plain(number.value().to_string().parse().expect("a number")),
            Expression::String(said) => Say::Plain(json!(said.as_str())),
            Expression::Array(array) => Say::List(array.iter().map(|value| Say::of(value, text)).collect()),
            Expression::Object(object) => {
                let key = |key: &ObjectKey| match key {
                    ObjectKey::Ident(name) => name.as_str().to_owned(),
                    ObjectKey::Expression(Expression::String(name)) => name.as_str().to_owned(),
                    ObjectKey::Expression(other) => panic!("{other:?}"),
                };
                Say::Object(object.iter().map(|(name, value)| (key(name), Say::of(value.expr(), text))).collect())
            }
            other => Say::Raw(squeeze(&text[other.span().expect("a span")])),
        }
    }
}

pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What a file says, read by the tree parser alone.
pub(super) fn read(text: &str) -> Says {
    fn body(tree: &hcl_edit::structure::Body, text: &str) -> Says {
        let mut says = Says::default();
        for structure in tree {
            match structure {
                Structure::Attribute(a) => {
                    says.attributes.insert(a.key.as_str().to_owned(), Say::of(&a.value, text));
                }
                Structure::Block(b) => says.blocks.push((b.ident.as_str().to_owned(), body(&b.body, text))),
            }
        }
        says
    }
    body(&hcl_edit::parser::parse_body(text).unwrap_or_else(|error| panic!("{error}\n{text}")), text)
}

/// Writes files.
pub(super) struct Writer<'a> {
    pub(super) dice: &'a mut Dice,
    comments: usize,
    names: usize,
}

impl Writer<'_> {
    pub(super) fn file(dice: &mut Dice) -> String {
        let mut writer = Writer { dice, comments: 0, names: 0 };
        let text = writer.body(0);
        let text = if writer.dice.one_in(4) { text.replace('\n', "\r\n") } else { text };
        let text = if writer.dice.one_in(6) { text.trim_end().to_owned() } else { text };
        if writer.dice.one_in(6) { format!("\u{feff}{text}") } else { text }
    }

    fn comment(&mut self) -> String {
        self.comments += 1;
        format!("{} c{}.", self.dice.of(&["#", "//"]), self.comments)
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("{}{}", self.dice.of(&["a", "name_", "some-long_name"]), self.names)
    }

    fn body(&mut self, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let mut text = String::new();
        for _ in 0..self.dice.below(5) + usize::from(depth == 0) {
            if self.dice.one_in(4) {
                text += &format!("{indent}{}\n", self.comment());
            }
            if depth < 3 && self.dice.one_in(3) {
                text += &self.block(depth);
            } else {
                let (name, space) = (self.name(), " ".repeat(1 + self.dice.below(3) / 2));
                let value = self.value(depth, true);
                let tail = if !value.contains("<<") && self.dice.one_in(4) {
                    format!(" {}", self.comment())
                } else {
                    String::new()
                };
                text += &format!("{indent}{name}{space}= {value}{tail}\n");
            }
            text += if self.dice.one_in(4) { "\n" } else { "" };
        }
        text
    }

    fn block(&mut self, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let head = format!("{indent}{}{}", self.dice.of(&["blk", "item"]), self.dice.of(&["", " \"l\"", " l"]));
        match self.dice.below(4) {
            0 => format!("{head} {{}}\n"),
            1 => format!("{head} {{ {} = 1 }}\n", self.name()),
            _ => format!("{head} {{\n{}{indent}}}\n", self.body(depth + 1)),
        }
    }

    fn value(&mut self, depth: usize, alone: bool) -> String {
        let indent = "  ".repeat(depth);
        match self.dice.below(14) {
            0 => "null".to_owned(),
            1 => self.dice.below(100).to_string(),
            2 => "\"say $${x} \\\"y\\\" \u{e9} # no\"".to_owned(),
            3 => "var.x[0].y".to_owned(),
            4 => format!("f(1,\n{indent}  {{ k = [2] }})"),
            5 => "[for k, v in var.m : { (k) = v }]".to_owned(),
            6 => "{ for k in var.l : k => \"${k}-x\" if k != \"\" }".to_owned(),
            7 if alone => format!("<<-EOT\n{indent}  # text ${{\"a\"}} }} ]\n{indent}  b = 2\n{indent}  EOT"),
            8 | 9 if depth < 4 => self.members(depth, '[', ']'),
            10..=12 if depth < 4 => self.members(depth, '{', '}'),
            _ => "\"s\"".to_owned(),
        }
    }

    fn members(&mut self, depth: usize, open: char, close: char) -> String {
        let layout = *self.dice.of(&[Layout::Lines, Layout::Lines, Layout::Line, Layout::Packed]);
        let lines = layout == Layout::Lines;
        let (count, trailing) = (self.dice.below(4), self.dice.one_in(2));
        let commas = open == '[' || !lines || self.dice.one_in(2);
        let sign = *self.dice.of(&[" = ", " : ", "="]);
        let inner = [9, depth, depth + 1][layout as usize];
        let mut text = format!("{open}{}", if lines { "\n" } else { "" });
        for n in 0..count {
            let key = if open == '{' { format!("{}{sign}", self.name()) } else { String::new() };
            let value = self.value(inner, false);
            let last = n + 1 == count;
            let comma = if last { trailing && commas } else { commas };
            let comma = if comma { "," } else { "" };
            let inline = if self.dice.one_in(12) { self.inline() } else { String::new() };
            if lines {
                let tail = if self.dice.one_in(4) { format!(" {}", self.comment()) } else { String::new() };
                text += &format!("{}{key}{value}{inline}{comma}{tail}\n", "  ".repeat(depth + 1));
            } else {
                let broken = layout == Layout::Packed && self.dice.one_in(3);
                let tail = if broken && self.dice.one_in(2) { format!(" {}", self.comment()) } else { String::new() };
                let space = if broken { format!("{tail}\n{}", "  ".repeat(depth + 1)) } else { " ".to_owned() };
                text += &format!("{key}{value}{inline}{comma}{}", if last { "" } else { &space });
            }
        }
        text + &if lines { format!("{}{close}", "  ".repeat(depth)) } else { close.to_string() }
    }

    fn inline(&mut self) -> String {
        self.comments += 1;
        format!(" /* c{}. */", self.comments)
    }
}

/// How the members of a list or object stand.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Line,
    Packed,
    Lines,
}

/// A value to write.
pub(super) fn wanted(dice: &mut Dice) -> Value {
    let deep = Map::from_iter([("k.x".to_owned(), json!([1, {"y": "%{z"}])), ("l".to_owned(), json!({}))]);
    dice.of(&[
        json!("x\ty${z}"),
        json!(-3),
        json!(1.5),
        json!(null),
        json!(true),
        json!(["p", "q"]),
        json!({"k": 1}),
        Value::Object(deep),
    ])
    .clone()
}
