//! YAML: read by libyaml, changed in its values, and compared.

use crate::domain::change::{Edit, Op, Path, Select, SelectIndex, Step};
use crate::domain::edit::yaml;
use crate::{Dice, by_field, check_line_ends, differing, fresh, is_kept, settles, wanted};
use serde::Deserialize as _;
use serde_yaml::{Mapping, Value};

/// One input.
pub fn run(data: &[u8]) {
    let (mut dice, document) = Dice::split(data);
    let Some(before) = read(document) else {
        // What this reader cannot read has no model; the editor is still asked, for panics.
        let edit = draw(&mut dice, None);
        let _ = yaml::edit(document, None, std::slice::from_ref(&edit));
        return;
    };
    let index = dice.below(before.len());
    let select = (before.len() > 1).then(|| Select::Index(SelectIndex { index }));
    let edit = draw(&mut dice, before.get(index));
    let done = yaml::edit(document, select.as_ref(), std::slice::from_ref(&edit));
    let by_entry = yaml::edit_from(document, select.as_ref(), std::slice::from_ref(&edit), (&[], 0));
    assert_eq!(by_entry, done, "the proof on one entry says otherwise: {edit:?} {:?}", String::from_utf8_lossy(document));
    let Ok(edited) = done else { return };
    let told =
        || format!("{edit:?}\n{:?}\n{:?}", String::from_utf8_lossy(document), String::from_utf8_lossy(&edited.bytes));
    let mut model = before;
    if model.is_empty() {
        model.push(Value::Null);
    }
    apply(&mut model[index], &edit.path.0, &edit)
        .unwrap_or_else(|why| panic!("{why}, and yet it was edited: {}", told()));
    let after = read(&edited.bytes).unwrap_or_else(|| panic!("it cannot be read again: {}", told()));
    assert_eq!(after, model, "{}", told());
    let (old, new) = (std::str::from_utf8(document).unwrap(), std::str::from_utf8(&edited.bytes).unwrap());
    check_line_ends(old, new);
    check_bytes(&edit, edited.touched[0].before.as_deref(), old, new);
    if settles(&edit) {
        match yaml::edit(&edited.bytes, select.as_ref(), std::slice::from_ref(&edit)) {
            Ok(again) => assert_eq!(again.bytes, edited.bytes, "the second time differs: {}", told()),
            // An element that was found by a field may have another one now.
            Err(refusal) => assert!(by_field(&edit), "the second time is refused, {refusal}: {}", told()),
        }
    }
}

/// What the documents say, `<<` merged.
fn read(bytes: &[u8]) -> Option<Vec<Value>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // A number of aliases may say more than memory holds; the editor refuses those files before it reads them so.
    if text.matches('*').count() > 64 || text.len() > 1 << 16 {
        return None;
    }
    let all = serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).ok());
    all.map(|document| merged(document?)).collect()
}

fn merged(value: Value) -> Option<Value> {
    Some(match value {
        Value::Sequence(list) => Value::Sequence(list.into_iter().map(merged).collect::<Option<_>>()?),
        Value::Tagged(mut tagged) => {
            tagged.value = merged(tagged.value)?;
            Value::Tagged(tagged)
        }
        Value::Mapping(map) => {
            let (mut own, mut inherited) = (Mapping::new(), Vec::new());
            for (key, value) in map {
                match (key.as_str(), merged(value)?) {
                    (Some("<<"), Value::Sequence(list)) => inherited.extend(list),
                    (Some("<<"), other) => inherited.push(other),
                    (_, value) => drop(own.insert(merged(key)?, value)),
                }
            }
            for source in inherited {
                let source = if let Value::Tagged(tagged) = source { tagged.value } else { source };
                for (key, value) in source.as_mapping()?.clone() {
                    own.entry(key).or_insert(value);
                }
            }
            Value::Mapping(own)
        }
        other => other,
    })
}

fn draw(dice: &mut Dice<'_>, root: Option<&Value>) -> Edit {
    let (mut steps, mut here, op) = (Vec::new(), root, dice.op());
    while dice.below(6) != 5 {
        match here {
            Some(Value::Mapping(map)) if !map.is_empty() => {
                let keys: Vec<&str> = map.keys().filter_map(Value::as_str).collect();
                if keys.is_empty() {
                    break;
                }
                let key = *dice.pick(&keys);
                steps.push(Step::Key(key.to_owned()));
                here = spelled(map, key).and_then(|own| map.get(&own));
            }
            Some(Value::Sequence(list)) if !list.is_empty() => {
                let at = dice.below(list.len());
                here = list.get(at);
                steps.push(step(dice, list, at));
            }
            _ => break,
        }
    }
    if steps.is_empty() || op == Op::Add || (op == Op::Append && !matches!(here, Some(Value::Sequence(_)))) {
        steps.push(Step::Key(fresh(dice).to_owned()));
        if dice.below(4) == 1 {
            steps.push(Step::Key(fresh(dice).to_owned()));
        }
    }
    let value = (op != Op::Delete).then(|| wanted(dice));
    Edit { op, path: Path(steps), value, expr: None, form: None }
}

/// An element by its number, or by a name that no other has.
fn step(dice: &mut Dice<'_>, list: &[Value], at: usize) -> Step {
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    match list.get(at).and_then(name) {
        Some(own)
            if dice.below(2) == 1 && list.iter().filter(|item| name(item).as_ref() == Some(&own)).count() == 1 =>
        {
            Step::Match([("name".to_owned(), own.into())].into())
        }
        _ => Step::Index(at),
    }
}

/// A map's own key of this text; it may carry a tag.
fn spelled(map: &Mapping, key: &str) -> Option<Value> {
    map.keys().find(|own| own.as_str() == Some(key)).cloned()
}

fn bare(value: &mut Value) -> &mut Value {
    match value {
        Value::Tagged(tagged) => &mut tagged.value,
        other => other,
    }
}

fn child<'v>(here: &'v mut Value, step: &Step) -> Option<&'v mut Value> {
    match (bare(here), step) {
        (Value::Mapping(map), Step::Key(key)) => {
            let own = spelled(map, key)?;
            map.get_mut(&own)
        }
        (Value::Sequence(list), Step::Index(at)) => list.get_mut(*at),
        (Value::Sequence(list), Step::Match(fields)) => {
            let name = fields.get("name")?.as_str()?;
            list.iter_mut().find(|item| item.get("name").and_then(Value::as_str) == Some(name))
        }
        _ => None,
    }
}

fn apply(root: &mut Value, steps: &[Step], edit: &Edit) -> Result<(), &'static str> {
    let (first, rest) = steps.split_first().ok_or("an empty path")?;
    let makes = matches!(edit.op, Op::Add | Op::Append);
    let here = bare(root);
    if makes && here.is_null() {
        *here = Value::Mapping(Mapping::new());
    }
    if let (true, Value::Mapping(map), Step::Key(key)) = (makes, &mut *here, first)
        && spelled(map, key).is_none()
    {
        map.insert(key.as_str().into(), made(rest, edit)?);
        return Ok(());
    }
    if let (Op::Delete, []) = (edit.op, rest) {
        return remove(here, first);
    }
    let next = child(here, first).ok_or("there is nothing")?;
    if !rest.is_empty() {
        return apply(next, rest, edit);
    }
    let value = serde_yaml::to_value(edit.value.as_ref()).map_err(|_| "no value")?;
    match (edit.op, bare(next)) {
        (Op::Set, _) => *next = value,
        (Op::Append, Value::Sequence(list)) => list.push(value),
        (Op::Append, slot @ Value::Null) => *slot = Value::Sequence(vec![value]),
        // A key without a value is one that has none yet.
        (Op::Add, _) => return Err("the key is there"),
        _ => return Err("there is no list"),
    }
    Ok(())
}

fn made(rest: &[Step], edit: &Edit) -> Result<Value, &'static str> {
    let value = || serde_yaml::to_value(edit.value.as_ref()).map_err(|_| "no value");
    match rest.split_first() {
        None if edit.op == Op::Append => Ok(Value::Sequence(vec![value()?])),
        None => value(),
        Some((Step::Key(key), rest)) => {
            Ok(Value::Mapping([(key.as_str().into(), made(rest, edit)?)].into_iter().collect()))
        }
        Some(_) => Err("only keys are made"),
    }
}

fn remove(here: &mut Value, step: &Step) -> Result<(), &'static str> {
    match (here, step) {
        (Value::Mapping(map), Step::Key(key)) => {
            let own = spelled(map, key).ok_or("no such key")?;
            map.shift_remove(&own).map(drop).ok_or("no such key")
        }
        (Value::Sequence(list), Step::Index(at)) if *at < list.len() => Ok(drop(list.remove(*at))),
        (Value::Sequence(list), Step::Match(fields)) => {
            let name = fields.get("name").and_then(|name| name.as_str());
            let at = list
                .iter()
                .position(|item| item.get("name").and_then(Value::as_str) == name)
                .ok_or("no such element")?;
            list.remove(at);
            Ok(())
        }
        _ => Err("nothing to delete"),
    }
}

/// Whether what is gone was the edit's to take: what stood at its place, or nothing that says anything.
fn check_bytes(edit: &Edit, target: Option<&str>, old: &str, new: &str) {
    let (gone, come) = differing(old, new);
    let blank = |text: &str| text.chars().all(|c| c.is_whitespace() || "{}[],~".contains(c));
    let fits = match edit.op {
        Op::Set => {
            // The comment of a line goes with a collection that stood on it, or comes to stand behind a header.
            let gone = without_comments(gone);
            let own = |target: &str| target.contains('\n') || without_comments(target).contains(&gone);
            gone.is_empty() || target.is_some_and(own)
        }
        // A comment may come to stand behind a new key on its line.
        Op::Add | Op::Append => blank(&gone.to_lowercase().replace("null", "")) || is_kept(old, new),
        // What held the last is written as empty in front of a comment that stays.
        Op::Delete => blank(come) || is_kept(new, old),
    };
    assert!(fits, "{edit:?} took {gone:?} and gave {come:?}, and {target:?} stood there: {old:?} to {new:?}");
}

/// What is left of each line up to a `#`.
fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split('#').next().unwrap_or(line).trim()).collect()
}
