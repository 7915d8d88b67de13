//! The literals of config map generators.
//!
//! Must not touch secret generators: `secrets` refuses those.

use crate::domain::change::{Behavior, Generator, Step};
use crate::domain::edit::engines::sheet::{Sheet, join, key};
use crate::domain::edit::{Code, Refusal};
use serde_json::{Value, json};

const LIST: &str = "configMapGenerator";

/// Sets and removes literals of a generator, which is made where the word says what it does with the base's.
pub(super) fn set(sheet: &mut Sheet, generator: &Generator) -> Result<(), Refusal> {
    let Some(element) = find(sheet, generator)? else { return create(sheet, generator) };
    let literals = join(&element, &[key("literals")]);
    for name in &generator.remove {
        let found = literal(sheet, &literals, name)?;
        let missing = || sheet.refuse(Code::NotFound, format!("the generator has no literal `{name}`")).at(LIST);
        let n = found.ok_or_else(missing)?;
        sheet.delete(&join(&literals, &[Step::Index(n)]))?;
    }
    for text in &generator.literals {
        match literal(sheet, &literals, split(sheet, text)?)? {
            Some(n) => sheet.put(&join(&literals, &[Step::Index(n)]), json!(text))?,
            None => sheet.append(&literals, json!(text))?,
        }
    }
    Ok(())
}

fn find(sheet: &Sheet, generator: &Generator) -> Result<Option<Vec<Step>>, Refusal> {
    let entries = sheet.list(&[key(LIST)])?;
    let fits = |entry: &Value| {
        entry["name"] == generator.name
            && generator.namespace.as_ref().is_none_or(|namespace| entry["namespace"] == *namespace)
    };
    let found: Vec<usize> = (0..entries.len()).filter(|n| fits(&entries[*n])).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(vec![key(LIST), Step::Index(*one)])),
        many => {
            let reason = format!("{} generators are called `{}`; say `namespace`", many.len(), generator.name);
            Err(sheet.refuse(Code::Ambiguous, reason).at(LIST))
        }
    }
}

fn create(sheet: &mut Sheet, generator: &Generator) -> Result<(), Refusal> {
    let name = &generator.name;
    let Some(behavior) = generator.behavior.filter(|_| generator.remove.is_empty()) else {
        let entries = sheet.list(&[key(LIST)])?;
        let names: Vec<&str> = entries.iter().filter_map(|entry| entry["name"].as_str()).collect();
        let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let reason = format!(
            "this overlay has no generator `{name}` (there: {there}); say `behavior: merge` to add to one of the base"
        );
        return Err(sheet.refuse(Code::NotFound, reason).at(LIST));
    };
    for text in &generator.literals {
        split(sheet, text)?;
    }
    let mut value = json!({ "name": name });
    if let Some(namespace) = &generator.namespace {
        value["namespace"] = json!(namespace);
    }
    if behavior != Behavior::Create {
        value["behavior"] = json!(behavior);
    }
    value["literals"] = json!(generator.literals);
    sheet.append(&[key(LIST)], value)
}

/// The key of a literal.
fn split<'t>(sheet: &Sheet, text: &'t str) -> Result<&'t str, Refusal> {
    let refuse = |reason: String| Err(sheet.refuse(Code::Parse, reason).at(LIST));
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return refuse(format!("the literal `{text}` is not of the form KEY=value"));
    };
    if value.starts_with(['"', '\'']) || value.ends_with(['"', '\'']) {
        return refuse(format!("Kustomize would take the quotes off the literal of `{name}`; leave them out"));
    }
    Ok(name)
}

/// The place of the literal of a key.
fn literal(sheet: &Sheet, literals: &[Step], name: &str) -> Result<Option<usize>, Refusal> {
    let items = sheet.list(literals)?;
    let is_of = |item: &Value| item.as_str().and_then(|text| text.split_once('=')).is_some_and(|(k, _)| k == name);
    let found: Vec<usize> = (0..items.len()).filter(|n| is_of(&items[*n])).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        many => {
            let reason = format!("the generator has {} literals for `{name}`", many.len());
            Err(sheet.refuse(Code::Ambiguous, reason).at(LIST))
        }
    }
}
