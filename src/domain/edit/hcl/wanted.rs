//! Does a wanted change to the model of a file, following the path by itself.
//!
//! Must not use the parser that finds places, nor know how the text was changed.

use super::model::{self, Block, Body, Key, Node, Says};
use super::tokens::lex;
use crate::domain::change::{Edit, Form, Op, SelectBlock, Step};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// Where bytes may differ: inside the span; `open` also lets its own layout be written anew.
pub(super) struct Bounds {
    pub(super) span: Range<usize>,
    pub(super) open: bool,
}

/// What became of a look at the model, or why it is not what was asked for.
pub(super) type Outcome<T> = Result<T, &'static str>;

/// Does to the model what the edit asks for, and says where the text may differ then.
pub(super) fn apply<'a>(body: &mut Body<'a>, select: Option<&SelectBlock>, edit: &'a Edit) -> Outcome<Bounds> {
    let Some(select) = select else { return in_body(body, None, &edit.path.0, edit) };
    let mut hits = body.blocks.iter_mut().filter(|block| block.kind == select.block && block.labels == select.labels);
    match (hits.next(), hits.next()) {
        (Some(block), None) => in_body(&mut block.body, Some(block.inner.clone()), &edit.path.0, edit),
        _ => Err("not exactly one block is selected"),
    }
}

fn in_body<'a>(body: &mut Body<'a>, inner: Option<Range<usize>>, path: &'a [Step], edit: &'a Edit) -> Outcome<Bounds> {
    let Some((Step::Key(key), rest)) = path.split_first() else { return Err("a name was expected") };
    let last = rest.is_empty();
    if let Some(node) = body.attributes.get_mut(key) {
        return match (last, edit.op) {
            (true, Op::Delete) => {
                let span = node.whole.clone();
                body.attributes.remove(key);
                Ok(Bounds { span, open: false })
            }
            _ => in_node(node, rest, edit),
        };
    }
    let adds_block = last && edit.op == Op::Add && edit.form == Some(Form::Block);
    let hits: Vec<usize> =
        (0..body.blocks.len()).filter(|n| body.blocks.get(*n).is_some_and(|b| b.kind == *key)).collect();
    if hits.is_empty() || adds_block {
        let span = inner.unwrap_or(0..usize::MAX);
        insert(body, key, rest, edit)?;
        return Ok(Bounds { span, open: true });
    }
    let (at, rest) = choose(body, &hits, rest)?;
    let Some(block) = body.blocks.get_mut(at) else { return Err("no such block") };
    match (rest.is_empty(), edit.op) {
        (true, Op::Delete) => {
            let span = block.span.clone();
            body.blocks.remove(at);
            Ok(Bounds { span, open: false })
        }
        (true, _) => Err("a whole block cannot be written"),
        (false, _) => in_body(&mut block.body, Some(block.inner.clone()), rest, edit),
    }
}

fn choose<'p>(body: &Body<'_>, hits: &[usize], rest: &'p [Step]) -> Outcome<(usize, &'p [Step])> {
    let block = |at: &usize| body.blocks.get(*at);
    let led = |at: &usize| block(at).is_some_and(|block| leads(&block.labels, rest));
    let led: Vec<usize> = hits.iter().copied().filter(led).collect();
    let skip = led.first().and_then(block).map_or(0, |block| block.labels.len());
    let hits = if led.is_empty() { hits.to_vec() } else { led };
    let rest = rest.get(skip..).unwrap_or(&[]);
    let (chosen, rest) = match rest.split_first() {
        Some((Step::Index(n), rest)) => (hits.get(*n).copied().into_iter().collect(), rest),
        Some((Step::Match(fields), rest)) => {
            let fitting =
                |loose| hits.iter().copied().filter(move |at| block(at).is_some_and(|b| fits(b, fields, loose)));
            let strict: Vec<usize> = fitting(false).collect();
            (if strict.is_empty() { fitting(true).collect() } else { strict }, rest)
        }
        Some((Step::Key(_), _)) | None => (hits, rest),
    };
    match chosen.as_slice() {
        [one] => Ok((*one, rest)),
        _ => Err("not exactly one block fits"),
    }
}

/// Whether a path goes on with all the labels of a block that has some.
fn leads(labels: &[String], rest: &[Step]) -> bool {
    let mut steps = rest.iter();
    !labels.is_empty() && labels.iter().all(|label| matches!(steps.next(), Some(Step::Key(key)) if key == label))
}

fn fits(block: &Block<'_>, fields: &BTreeMap<String, Value>, loose: bool) -> bool {
    let named = |value: &Value| match value {
        Value::Array(labels) => labels.iter().map(Value::as_str).eq(block.labels.iter().map(|l| Some(l.as_str()))),
        Value::String(label) => block.labels.len() == 1 && block.labels.contains(label),
        _ => false,
    };
    let says =
        |key: &str, value: &Value| block.body.attributes.get(key).is_some_and(|node| is_like(node, value, loose));
    fields.iter().all(|(key, value)| {
        let by_label = key == "labels" && (value.is_array() || value.is_string() && !block.labels.is_empty());
        if by_label { named(value) } else { says(key, value) }
    })
}

/// Whether a node says a value; `loose` also takes a plain word such as `8080` for a text.
fn is_like(node: &Node<'_>, value: &Value, loose: bool) -> bool {
    let plain = |words: &[&str], text: &str| {
        words.concat() == text && (text == "true" || text == "false" || text.parse::<f64>().is_ok())
    };
    node.says.is(value)
        || loose && matches!((&node.says, value), (Says::Raw(words), Value::String(text)) if plain(words, text))
}

fn insert<'a>(body: &mut Body<'a>, key: &str, rest: &'a [Step], edit: &'a Edit) -> Outcome<()> {
    if edit.form != Some(Form::Block) {
        body.attributes.insert(key.to_owned(), fresh(rest, edit)?);
        return Ok(());
    }
    let mut inner = Body::default();
    match rest.split_first() {
        Some((Step::Key(next), rest)) => insert(&mut inner, next, rest, edit)?,
        Some(_) => return Err("only names can be made"),
        None => {
            let Some(Value::Object(fields)) = &edit.value else { return Err("a block is made of an object") };
            let node = |value| Node { says: Says::Wanted(value), whole: 0..0, span: 0..0 };
            inner.attributes = fields.iter().map(|(key, value)| (key.clone(), node(value))).collect();
        }
    }
    body.blocks.push(Block { kind: key.to_owned(), labels: Vec::new(), body: inner, span: 0..0, inner: 0..0 });
    Ok(())
}

/// What is to stand below a key that was missing.
fn fresh<'a>(rest: &'a [Step], edit: &'a Edit) -> Outcome<Node<'a>> {
    let says = match (rest.split_first(), edit.op) {
        (Some((Step::Key(key), rest)), _) => {
            Says::Object([(Key::Literal(key.clone()), fresh(rest, edit)?)].into_iter().collect())
        }
        (Some(_), _) => return Err("only keys can be made"),
        (None, Op::Append) => Says::List(vec![written(edit)?]),
        (None, Op::Add) => written(edit)?.says,
        (None, Op::Set | Op::Delete) => return Err("there is nothing"),
    };
    Ok(Node { says, whole: 0..0, span: 0..0 })
}

fn written(edit: &Edit) -> Outcome<Node<'_>> {
    let says = match (&edit.value, &edit.expr) {
        (Some(value), None) => Says::Wanted(value),
        (None, Some(text)) => {
            let tokens = lex(text).map_err(|_| "the expression cannot be read")?;
            model::expression(text, &tokens).ok_or("the expression cannot be read")?
        }
        _ => return Err("nothing, or two things, are wanted"),
    };
    Ok(Node { says, whole: 0..0, span: 0..0 })
}

fn in_node<'a>(node: &mut Node<'a>, path: &'a [Step], edit: &'a Edit) -> Outcome<Bounds> {
    let span = node.span.clone();
    let Some((step, rest)) = path.split_first() else { return at_node(node, edit) };
    let gone = rest.is_empty() && edit.op == Op::Delete;
    match (&mut node.says, step) {
        (Says::Object(nodes), Step::Key(name)) => {
            let key = Key::Literal(name.clone());
            match nodes.get_mut(&key) {
                Some(child) if gone => {
                    let span = child.whole.clone();
                    nodes.remove(&key);
                    Ok(Bounds { span, open: false })
                }
                Some(child) => in_node(child, rest, edit),
                None => {
                    nodes.insert(key, fresh(rest, edit)?);
                    Ok(Bounds { span, open: true })
                }
            }
        }
        (Says::List(nodes), Step::Index(_) | Step::Match(_)) => {
            let at = element(nodes, step)?;
            if gone {
                return Ok(Bounds { span: nodes.remove(at).span, open: false });
            }
            nodes.get_mut(at).map_or(Err("no such element"), |child| in_node(child, rest, edit))
        }
        _ => Err("the path leads through something else"),
    }
}

fn at_node<'a>(node: &mut Node<'a>, edit: &'a Edit) -> Outcome<Bounds> {
    let span = node.span.clone();
    let null = matches!(&node.says, Says::Raw(words) if words.as_slice() == ["null"]);
    match (&mut node.says, edit.op) {
        (_, Op::Set) => node.says = written(edit)?.says,
        (Says::List(nodes), Op::Append) => {
            nodes.push(written(edit)?);
            return Ok(Bounds { span, open: true });
        }
        (_, Op::Append) if null => node.says = Says::List(vec![written(edit)?]),
        _ => return Err("there stands something"),
    }
    Ok(Bounds { span, open: false })
}

fn element(nodes: &[Node<'_>], step: &Step) -> Outcome<usize> {
    let fits = |(at, node): &(usize, &Node<'_>), loose: bool| match (step, &node.says) {
        (Step::Index(wanted), _) => wanted == at,
        (Step::Match(fields), Says::Object(entries)) => fields.iter().all(|(key, value)| {
            entries.get(&Key::Literal(key.clone())).is_some_and(|node| is_like(node, value, loose))
        }),
        _ => false,
    };
    let hits = |loose| nodes.iter().enumerate().filter(|entry| fits(entry, loose)).map(|(at, _)| at).collect();
    let strict: Vec<usize> = hits(false);
    let hits = if strict.is_empty() { hits(true) } else { strict };
    match hits.as_slice() {
        [one] => Ok(*one),
        _ => Err("not exactly one element fits"),
    }
}
