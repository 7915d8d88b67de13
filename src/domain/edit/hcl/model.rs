//! A file as what it says: attributes, blocks and expressions made of tokens, layout and comments left out.
//!
//! Must not use the parser that finds places. Recursion is as deep as brackets nest, which the lexer bounds.

use super::tokens::{Kind, Token, unquote};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// The body of a file or block.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Body<'a> {
    pub(super) attributes: BTreeMap<String, Node<'a>>,
    pub(super) blocks: Vec<Block<'a>>,
}

/// A nested block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block<'a> {
    pub(super) kind: String,
    pub(super) labels: Vec<String>,
    pub(super) body: Body<'a>,
    pub(super) span: Range<usize>,
    pub(super) inner: Range<usize>,
}

/// An expression and the bytes it stands on, its key's included in `whole`.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) says: Says<'a>,
    pub(super) whole: Range<usize>,
    pub(super) span: Range<usize>,
}

/// What an expression says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Says<'a> {
    /// Tokens of an expression that is no literal object or list.
    Raw(Vec<&'a str>),
    List(Vec<Node<'a>>),
    Object(BTreeMap<Key, Node<'a>>),
    /// A value that is wanted, however it is spelled.
    Wanted(&'a Value),
}

/// The key of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Literal(String),
    Computed(String),
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.says, &other.says) {
            (Says::Wanted(value), says) | (says, Says::Wanted(value)) => says.is(value),
            (mine, theirs) => mine == theirs,
        }
    }
}

impl Says<'_> {
    /// Whether an expression says a JSON value.
    pub(super) fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Says::Raw(words), Value::Null) => words.as_slice() == ["null"],
            (Says::Raw(words), Value::Bool(flag)) => words.as_slice() == [if *flag { "true" } else { "false" }],
            (Says::Raw(words), Value::Number(number)) => says_number(words, number),
            (Says::Raw(words), Value::String(text)) => match words.as_slice() {
                [word] => unquote(word).as_ref() == Some(text),
                _ => false,
            },
            (Says::List(nodes), Value::Array(values)) => {
                nodes.len() == values.len() && nodes.iter().zip(values).all(|(node, value)| node.says.is(value))
            }
            (Says::Object(nodes), Value::Object(fields)) => {
                let has =
                    |(key, value)| nodes.get(&Key::Literal(String::clone(key))).is_some_and(|node| node.says.is(value));
                nodes.len() == fields.len() && fields.iter().all(has)
            }
            (Says::Wanted(wanted), value) => *wanted == value,
            _ => false,
        }
    }
}

fn says_number(words: &[&str], number: &serde_json::Number) -> bool {
    let spelled = words.concat();
    match (number.as_i64(), number.as_u64(), spelled.parse::<f64>()) {
        (Some(wanted), _, _) if spelled.parse() == Ok(wanted) => true,
        (_, Some(wanted), _) if spelled.parse() == Ok(wanted) => true,
        (None, None, Ok(said)) => Some(said) == number.as_f64(),
        (_, _, Ok(said)) => Some(said) == number.as_f64() && said.abs() < 9e15,
        _ => false,
    }
}

/// Reads a file's tokens; nothing if they make no body.
pub(super) fn body<'a>(text: &'a str, tokens: &[Token]) -> Option<Body<'a>> {
    let words: Vec<Token> = tokens.iter().copied().filter(|token| token.kind != Kind::Comment).collect();
    let mut reader = Reader { text, words: &words };
    let body = reader.body()?;
    reader.words.is_empty().then_some(body)
}

/// Reads the tokens of one expression.
pub(super) fn expression<'a>(text: &'a str, tokens: &[Token]) -> Option<Says<'a>> {
    let words: Vec<Token> = tokens.iter().copied().filter(|token| token.kind != Kind::Comment).collect();
    says(text, &words)
}

struct Reader<'a, 'w> {
    text: &'a str,
    words: &'w [Token],
}

impl<'a> Reader<'a, '_> {
    fn peek(&self) -> Option<Token> {
        self.words.first().copied()
    }

    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(*first)
    }

    fn body(&mut self) -> Option<Body<'a>> {
        let mut body = Body::default();
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Newline => {
                    self.next()?;
                }
                Kind::Word if self.words.get(1)?.kind == Kind::Assign => {
                    let name = token.of(self.text).to_owned();
                    let node = self.attribute(token.start)?;
                    if body.attributes.insert(name, node).is_some() {
                        return None;
                    }
                }
                Kind::Word => body.blocks.push(self.block()?),
                Kind::Close => break,
                _ => return None,
            }
        }
        Some(body)
    }

    fn attribute(&mut self, start: usize) -> Option<Node<'a>> {
        self.words = self.words.get(2..)?;
        let (value, rest) = self.words.split_at_checked(extent(self.words, |kind| kind == Kind::Newline))?;
        self.words = rest;
        node(self.text, start, value)
    }

    fn block(&mut self) -> Option<Block<'a>> {
        let kind = self.next()?;
        let mut labels = Vec::new();
        let open = loop {
            let token = self.next()?;
            match token.kind {
                Kind::Word => labels.push(token.of(self.text).to_owned()),
                Kind::Text => labels.push(unquote(token.of(self.text))?),
                Kind::Open => break token,
                _ => return None,
            }
        };
        let body = self.body()?;
        let close = self.next()?;
        let (span, inner) = (kind.start..close.end, open.end..close.start);
        Some(Block { kind: kind.of(self.text).to_owned(), labels, body, span, inner })
    }
}

/// How many words come before one that ends the part, outside of brackets.
fn extent(words: &[Token], ends: impl Fn(Kind) -> bool) -> usize {
    let mut depth = 0_usize;
    let end = words.iter().position(|word| match word.kind {
        kind if depth == 0 && (ends(kind) || kind == Kind::Close) => true,
        Kind::Open => {
            depth += 1;
            false
        }
        Kind::Close => {
            depth -= 1;
            false
        }
        _ => false,
    });
    end.unwrap_or(words.len())
}

fn node<'a>(text: &'a str, start: usize, words: &[Token]) -> Option<Node<'a>> {
    let words = trim(words);
    let span = words.first()?.start..words.last()?.end;
    Some(Node { says: says(text, words)?, whole: start.min(span.start)..span.end, span })
}

fn trim(words: &[Token]) -> &[Token] {
    let is_word = |word: &Token| word.kind != Kind::Newline;
    let first = words.iter().position(is_word).unwrap_or(words.len());
    let last = words.iter().rposition(is_word).map_or(first, |last| last + 1);
    words.get(first..last).unwrap_or(&[])
}

fn says<'a>(text: &'a str, words: &[Token]) -> Option<Says<'a>> {
    let words = trim(words);
    let raw = || Says::Raw(words.iter().filter(|word| word.kind != Kind::Newline).map(|word| word.of(text)).collect());
    let [open, inner @ .., close] = words else { return (!words.is_empty()).then(raw) };
    let closes = open.kind == Kind::Open && close.kind == Kind::Close && extent(inner, |_| false) == inner.len();
    let first = trim(inner).first().map(|word| word.of(text));
    match open.of(text) {
        "[" if closes && first != Some("for") => list(text, inner),
        "{" if closes && first != Some("for") => object(text, inner, raw),
        _ => Some(raw()),
    }
}

fn list<'a>(text: &'a str, mut words: &[Token]) -> Option<Says<'a>> {
    let mut nodes = Vec::new();
    while !trim(words).is_empty() {
        let (value, rest) = words.split_at_checked(extent(words, |kind| kind == Kind::Comma))?;
        nodes.push(node(text, usize::MAX, value)?);
        words = rest.get(1..).unwrap_or(&[]);
    }
    Some(Says::List(nodes))
}

/// The entries of an object; one that has a key twice is no literal.
fn object<'a>(text: &'a str, mut words: &[Token], raw: impl Fn() -> Says<'a>) -> Option<Says<'a>> {
    let mut nodes = BTreeMap::new();
    let mut twice = false;
    loop {
        let skip = words.iter().take_while(|word| matches!(word.kind, Kind::Newline | Kind::Comma)).count();
        words = words.get(skip..)?;
        let Some(first) = words.first() else { break };
        let (name, rest) = words.split_at_checked(extent(words, |kind| matches!(kind, Kind::Assign | Kind::Colon)))?;
        let rest = rest.get(1..)?;
        let (value, rest) = rest.split_at_checked(extent(rest, |kind| matches!(kind, Kind::Comma | Kind::Newline)))?;
        twice |= nodes.insert(key(text, name), node(text, first.start, value)?).is_some();
        words = rest;
    }
    Some(if twice { raw() } else { Says::Object(nodes) })
}

fn key(text: &str, words: &[Token]) -> Key {
    let computed = || Key::Computed(trim(words).iter().map(|word| word.of(text)).collect::<Vec<_>>().join(" "));
    match trim(words) {
        [word] if word.kind == Kind::Word => Key::Literal(word.of(text).to_owned()),
        [word] if word.kind == Kind::Text => unquote(word.of(text)).map_or_else(computed, Key::Literal),
        _ => computed(),
    }
}
