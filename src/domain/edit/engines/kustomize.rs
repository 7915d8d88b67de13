//! Knows where things live in a Kustomize overlay.
//!
//! Must not change bytes: it says which edits are meant.

use super::{Format, Steps, delete, need, put};
use crate::domain::change::{Edit, Image, Kustomize, Op, Path, Select, Step};
use crate::domain::edit::{Code, Files, Refusal, yaml};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) fn expand(files: &dyn Files, change: &Kustomize) -> Result<Vec<Steps>, Refusal> {
    let file = match (&change.file, &change.directory) {
        (Some(file), _) => file.clone(),
        (None, Some(directory)) => kustomization(files, directory)?,
        (None, None) => return Err(Refusal::of(Code::Parse, "the kustomize change names no directory")),
    };
    let bytes = need(files, &file)?;
    let place = |refusal: Refusal| refusal.in_file(&file);
    let select = change.select.as_ref();
    let mut edits = Vec::new();
    for image in &change.images {
        edits.extend(set_image(&bytes, select, image).map_err(place)?);
    }
    for replicas in &change.replicas {
        let element = element("replicas", &replicas.name);
        let fields = [("count", Some(json!(replicas.count)))];
        edits.extend(upsert(&bytes, select, "replicas", &element, &replicas.name, &fields).map_err(place)?);
    }
    edits.extend_from_slice(&change.edits);
    Ok(vec![Steps { file: file.clone(), format: Format::Yaml, select: select.cloned(), edits }])
}

/// Finds the one kustomization file of a directory.
fn kustomization(files: &dyn Files, directory: &str) -> Result<String, Refusal> {
    let prefix = match directory.trim_end_matches('/') {
        "" | "." => String::new(),
        directory => format!("{directory}/"),
    };
    let mut found = Vec::new();
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        let file = format!("{prefix}{name}");
        if files.read(&file)?.is_some() {
            found.push(file);
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Refusal::of(Code::NotFound, "no kustomization.yaml, kustomization.yml or Kustomization here")
            .in_file(directory)),
        _ => Err(Refusal::of(Code::Ambiguous, format!("more than one kustomization: {}", found.join(", ")))
            .in_file(directory)),
    }
}

fn element(list: &str, name: &str) -> Vec<Step> {
    vec![Step::Key(list.to_owned()), Step::Match(BTreeMap::from([("name".to_owned(), json!(name))]))]
}

fn set_image(bytes: &[u8], select: Option<&Select>, image: &Image) -> Result<Vec<Edit>, Refusal> {
    let element = element("images", &image.name);
    let text = |value: &Option<String>| value.as_ref().map(|value| json!(value));
    let fields =
        [("newName", text(&image.new_name)), ("newTag", text(&image.new_tag)), ("digest", text(&image.digest))];
    let mut edits = upsert(bytes, select, "images", &element, &image.name, &fields)?;
    // A digest wins over a tag: the one that is not asked for goes, or the change would do nothing.
    let stale = match (&image.new_tag, &image.digest) {
        (Some(_), None) => Some("digest"),
        (None, Some(_)) => Some("newTag"),
        (Some(_), Some(_)) | (None, None) => None,
    };
    if let Some(stale) = stale {
        let path = Path([element, vec![Step::Key(stale.to_owned())]].concat());
        if yaml::lookup(bytes, select, &path)?.is_some() {
            edits.push(delete(path));
        }
    }
    Ok(edits)
}

/// Sets fields of the element of this name, or appends the element.
fn upsert(
    bytes: &[u8],
    select: Option<&Select>,
    list: &str,
    element: &[Step],
    name: &str,
    fields: &[(&str, Option<Value>)],
) -> Result<Vec<Edit>, Refusal> {
    let wanted = fields.iter().filter_map(|(field, value)| value.clone().map(|value| (*field, value)));
    if yaml::lookup(bytes, select, &Path(element.to_vec()))?.is_some() {
        let put_field = |(field, value): (&str, Value)| {
            let path = Path([element, &[Step::Key(field.to_owned())]].concat());
            put(bytes, select, path, value).transpose()
        };
        return wanted.filter_map(put_field).collect();
    }
    let mut value = json!({ "name": name });
    wanted.for_each(|(field, wanted)| value[field] = wanted);
    let path = Path(vec![Step::Key(list.to_owned())]);
    Ok(vec![Edit { op: Op::Append, path, value: Some(value), expr: None, form: None }])
}
