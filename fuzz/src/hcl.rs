//! HCL: read as the expressions of another crate's model, changed there, and compared.

use crate::domain::change::{Edit, Form, Op, Path, Step};
use crate::domain::edit::hcl;
use crate::{Dice, by_field, check_line_ends, differing, fresh, is_kept, settles, wanted};
use ::hcl::expr::{Object, ObjectKey};
use ::hcl::structure::Structure;
use ::hcl::{Expression, Identifier};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a body says: attributes by name, blocks in order.
#[derive(Clone, Debug, Default, PartialEq)]
struct Body {
    attributes: BTreeMap<String, Expression>,
    blocks: Vec<(String, Vec<String>, Body)>,
}

/// One input.
pub fn run(data: &[u8]) {
    let (mut dice, document) = Dice::split(data);
    let before = read(document).unwrap_or_default();
    let Some(edit) = draw(&mut dice, &before) else { return };
    let Ok(edited) = hcl::edit(document, None, std::slice::from_ref(&edit)) else { return };
    let told =
        || format!("{edit:?}\n{:?}\n{:?}", String::from_utf8_lossy(document), String::from_utf8_lossy(&edited.bytes));
    let mut model = before;
    in_body(&mut model, &edit.path.0, &edit).unwrap_or_else(|why| panic!("{why}, and yet it was edited: {}", told()));
    let after = read(&edited.bytes).unwrap_or_else(|| panic!("it cannot be read again: {}", told()));
    assert_eq!(after, model, "{}", told());
    let (old, new) = (std::str::from_utf8(document).unwrap(), std::str::from_utf8(&edited.bytes).unwrap());
    check_line_ends(old, new);
    check_bytes(&edit, edited.touched[0].before.as_deref(), old, new);
    if settles(&edit) {
        match hcl::edit(&edited.bytes, None, std::slice::from_ref(&edit)) {
            Ok(again) => assert_eq!(again.bytes, edited.bytes, "the second time differs: {}", told()),
            // An element that was found by a field may have another one now.
            Err(refusal) => assert!(by_field(&edit), "the second time is refused, {refusal}: {}", told()),
        }
    }
}

fn read(bytes: &[u8]) -> Option<Body> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The reader has no limits of its own; the editor refuses deeper files before it reads them so.
    if text.len() > 1 << 14 || text.matches(['{', '[', '(', '-', '!', '?']).count() > 400 {
        return None;
    }
    ::hcl::parse(text).ok().map(body)
}

fn body(read: ::hcl::Body) -> Body {
    let mut found = Body::default();
    for structure in read {
        match structure {
            Structure::Attribute(attribute) => {
                found.attributes.insert(attribute.key.to_string(), plain(attribute.expr));
            }
            Structure::Block(block) => {
                let labels = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
                found.blocks.push((block.identifier.to_string(), labels, body(block.body)));
            }
        }
    }
    found
}

/// Keys that say the same are the same, however they are written.
fn plain(expression: Expression) -> Expression {
    match expression {
        Expression::Array(list) => Expression::Array(list.into_iter().map(plain).collect()),
        Expression::Object(object) => {
            Expression::Object(object.into_iter().map(|(key, value)| (plain_key(key), plain(value))).collect())
        }
        other => other,
    }
}

fn plain_key(key: ObjectKey) -> ObjectKey {
    match key {
        ObjectKey::Expression(Expression::String(text)) => named(&text),
        ObjectKey::Expression(Expression::Variable(name)) => named(name.as_str()),
        other => other,
    }
}

fn named(name: &str) -> ObjectKey {
    Identifier::new(name)
        .map_or_else(|_| ObjectKey::Expression(Expression::String(name.to_owned())), ObjectKey::Identifier)
}

fn written(edit: &Edit) -> Result<Expression, &'static str> {
    match (&edit.value, &edit.expr) {
        (Some(value), None) => Ok(literal(value)),
        (None, Some(text)) => {
            let read = read(format!("x = {text}\n").as_bytes()).and_then(|body| body.attributes.get("x").cloned());
            read.ok_or("the expression cannot be read")
        }
        _ => Err("nothing to write"),
    }
}

fn literal(value: &Value) -> Expression {
    match value {
        Value::Null => Expression::Null,
        Value::Bool(is) => Expression::Bool(*is),
        Value::Number(number) => read(format!("x = {number}\n").as_bytes())
            .and_then(|mut body| body.attributes.remove("x"))
            .unwrap_or(Expression::Null),
        Value::String(text) => Expression::String(text.clone()),
        Value::Array(list) => Expression::Array(list.iter().map(literal).collect()),
        Value::Object(map) => {
            Expression::Object(map.iter().map(|(key, value)| (named(key), literal(value))).collect::<Object<_, _>>())
        }
    }
}

/// A place that is there, or below one that is.
fn draw(dice: &mut Dice<'_>, mut here: &Body) -> Option<Edit> {
    let (op, mut steps) = (dice.op(), Vec::new());
    while !here.blocks.is_empty() && dice.below(3) != 2 {
        let at = dice.below(here.blocks.len());
        let (kind, _, inner) = here.blocks.get(at)?;
        if here.attributes.contains_key(kind) {
            break;
        }
        let nth = here.blocks.iter().take(at).filter(|block| block.0 == *kind).count();
        steps.extend([Step::Key(kind.clone()), Step::Index(nth)]);
        here = inner;
    }
    if op == Op::Delete && !steps.is_empty() && dice.below(4) == 1 {
        return Some(Edit { op, path: Path(steps), value: None, expr: None, form: None });
    }
    let names: Vec<&String> = here.attributes.keys().collect();
    let mut value = None;
    if !names.is_empty() && dice.below(4) != 3 {
        let name = *dice.pick(&names);
        steps.push(Step::Key(name.clone()));
        value = here.attributes.get(name);
        while let Some((step, inner)) = value.and_then(|value| deeper(dice, value)) {
            steps.push(step);
            value = Some(inner);
        }
    }
    let list = matches!(value, Some(Expression::Array(_)));
    if value.is_none() || op == Op::Add || (op == Op::Append && !list) {
        steps.push(Step::Key(fresh(dice).to_owned()));
    }
    let (wanted, form) = (wanted(dice), dice.below(3) == 1 && op == Op::Add && value.is_none());
    let expr = [None, Some("var.a"), Some("merge(a, b)"), Some("[for x in y : x]"), Some("a ? b : \"c\"")];
    let expr = if form { None } else { *dice.pick(&expr) }.filter(|_| op != Op::Delete).map(str::to_owned);
    let value = (op != Op::Delete && expr.is_none()).then_some(wanted);
    Some(Edit { op, path: Path(steps), value, expr, form: form.then_some(Form::Block) })
}

fn deeper<'e>(dice: &mut Dice<'_>, value: &'e Expression) -> Option<(Step, &'e Expression)> {
    match value {
        _ if dice.below(4) == 3 => None,
        Expression::Array(list) if !list.is_empty() => {
            let at = dice.below(list.len());
            Some((Step::Index(at), &list[at]))
        }
        Expression::Object(object) if !object.is_empty() => {
            let (key, value) = object.iter().nth(dice.below(object.len()))?;
            Some((Step::Key(name(key)?), value))
        }
        _ => None,
    }
}

fn name(key: &ObjectKey) -> Option<String> {
    match key {
        ObjectKey::Identifier(name) => Some(name.to_string()),
        ObjectKey::Expression(Expression::String(text)) => Some(text.clone()),
        _ => None,
    }
}

fn in_body(here: &mut Body, steps: &[Step], edit: &Edit) -> Result<(), &'static str> {
    let Some((Step::Key(key), rest)) = steps.split_first() else { return Err("a name was expected") };
    if let Some(value) = here.attributes.get_mut(key) {
        if rest.is_empty() && edit.op == Op::Delete {
            here.attributes.remove(key);
            return Ok(());
        }
        return in_value(value, rest, edit);
    }
    match rest.split_first() {
        Some((Step::Index(nth), rest)) => {
            let mut hits = (0..here.blocks.len()).filter(|at| here.blocks[*at].0 == *key);
            let at = hits.nth(*nth).ok_or("no such block")?;
            if rest.is_empty() && edit.op == Op::Delete {
                here.blocks.remove(at);
                return Ok(());
            }
            in_body(&mut here.blocks[at].2, rest, edit)
        }
        None if edit.form == Some(Form::Block) => {
            let Some(Value::Object(fields)) = &edit.value else { return Err("a block is made of an object") };
            let attributes = fields.iter().map(|(key, value)| (key.clone(), literal(value))).collect();
            here.blocks.push((key.clone(), Vec::new(), Body { attributes, blocks: Vec::new() }));
            Ok(())
        }
        None => {
            let fresh = match edit.op {
                Op::Add => written(edit)?,
                Op::Append => Expression::Array(vec![written(edit)?]),
                Op::Set | Op::Delete => return Err("there is nothing"),
            };
            here.attributes.insert(key.clone(), fresh);
            Ok(())
        }
        Some(_) => Err("the path leads nowhere"),
    }
}

fn in_value(here: &mut Expression, steps: &[Step], edit: &Edit) -> Result<(), &'static str> {
    let gone = steps.len() == 1 && edit.op == Op::Delete;
    match (here, steps.split_first()) {
        (here, None) => match (edit.op, &mut *here) {
            (Op::Set, _) => *here = written(edit)?,
            (Op::Append, Expression::Array(list)) => list.push(written(edit)?),
            (Op::Append, Expression::Null) => *here = Expression::Array(vec![written(edit)?]),
            _ => return Err("there stands something"),
        },
        (Expression::Array(list), Some((Step::Index(at), _))) if gone && *at < list.len() => drop(list.remove(*at)),
        (Expression::Array(list), Some((Step::Index(at), rest))) => {
            return in_value(list.get_mut(*at).ok_or("no such element")?, rest, edit);
        }
        (Expression::Object(object), Some((Step::Key(key), rest))) => {
            let key = named(key);
            if gone {
                let kept = object.iter().filter(|(name, _)| **name != key);
                *object = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
                return Ok(());
            }
            match object.get_mut(&key) {
                Some(value) => return in_value(value, rest, edit),
                None if rest.is_empty() && edit.op == Op::Add => drop(object.insert(key, written(edit)?)),
                None if rest.is_empty() && edit.op == Op::Append => {
                    object.insert(key, Expression::Array(vec![written(edit)?]));
                }
                None => return Err("no such key"),
            }
        }
        _ => return Err("the path leads through something else"),
    }
    Ok(())
}

/// Whether what is gone was the edit's to take; white space may move, since neighbours are lined up.
fn check_bytes(edit: &Edit, target: Option<&str>, old: &str, new: &str) {
    let dense = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let (before, after) = (dense(old), dense(new));
    let (gone, come) = differing(&before, &after);
    let blank = |text: &str| text.chars().all(|c| "{}[],".contains(c));
    let fits = match edit.op {
        Op::Set => target.is_some_and(|target| dense(target).contains(gone)),
        // A comma and what it parts may stand on two sides of a comment.
        Op::Add | Op::Append => blank(&gone.replace("null", "")) || is_kept(&before, &after),
        Op::Delete => blank(come) || is_kept(&after, &before),
    };
    assert!(fits, "{edit:?} took {gone:?} and gave {come:?}, and {target:?} stood there: {old:?} to {new:?}");
}
