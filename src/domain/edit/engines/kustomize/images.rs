//! `images` and `replicas` of a kustomization.
//!
//! Must not look at the objects that they change.

use crate::domain::change::{Image, Replicas, Step};
use crate::domain::edit::Refusal;
use crate::domain::edit::engines::sheet::{Sheet, join, key};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

fn element(list: &str, name: &str) -> Vec<Step> {
    vec![key(list), Step::Match(BTreeMap::from([("name".to_owned(), json!(name))]))]
}

/// Sets an entry of `images`, or appends it.
pub(super) fn set(sheet: &mut Sheet, image: &Image) -> Result<(), Refusal> {
    let asked = [
        ("newName", &image.new_name),
        ("newTag", &image.new_tag),
        ("digest", &image.digest),
        ("tagSuffix", &image.tag_suffix),
    ];
    let fields: Vec<(&str, Value)> =
        asked.iter().filter_map(|(field, value)| Some((*field, json!(value.as_ref()?)))).collect();
    upsert(sheet, "images", &image.name, fields)?;
    // What would win over the wanted value goes, or the change would do nothing.
    let stale: &[&str] = match (&image.new_tag, &image.digest, &image.tag_suffix) {
        (Some(_), None, _) => &["digest"],
        (None, Some(_), _) => &["newTag"],
        (None, None, Some(_)) => &["newTag", "digest"],
        (Some(_), Some(_), _) | (None, None, None) => &[],
    };
    let element = element("images", &image.name);
    stale.iter().try_for_each(|field| sheet.delete_if_there(&join(&element, &[key(field)])))
}

/// Sets an entry of `replicas`, or appends it.
pub(super) fn scale(sheet: &mut Sheet, replicas: &Replicas) -> Result<(), Refusal> {
    upsert(sheet, "replicas", &replicas.name, vec![("count", json!(replicas.count))])
}

/// Sets fields of the element of this name, or appends the element.
fn upsert(sheet: &mut Sheet, list: &str, name: &str, fields: Vec<(&str, Value)>) -> Result<(), Refusal> {
    let element = element(list, name);
    if sheet.read(&element)?.is_some() {
        return fields.into_iter().try_for_each(|(field, value)| sheet.put(&join(&element, &[key(field)]), value));
    }
    let named = std::iter::once(("name", json!(name)));
    let value: Map<String, Value> = named.chain(fields).map(|(field, value)| (field.to_owned(), value)).collect();
    sheet.append(&[key(list)], Value::Object(value))
}
