//! Images by name, wherever a kind keeps them: containers, Argo CD's and Flux' overrides.
//!
//! Must not change an image whose name is not exactly the one that is meant.

use super::keys::Kind;
use crate::domain::change::{Edit, Image, Op, Path, Step};
use crate::domain::edit::engines::delete;
use crate::domain::edit::engines::exact::edit;
use crate::domain::edit::{Code, Refusal};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The edits that give these images their new names, tags and digests.
pub(super) fn edits(kind: &Kind, live: &Value, images: &[Image]) -> Result<Vec<Edit>, Refusal> {
    let mut edits = Vec::new();
    for image in images {
        edits.extend(if let Some(spec) = kind.pod_spec() {
            in_pod(live, spec, image)?
        } else if let Some(spec) = kind.application() {
            in_application(live, spec, image)?
        } else if (kind.group.as_str(), kind.name.as_str()) == ("kustomize.toolkit.fluxcd.io", "Kustomization") {
            in_flux(live, image)?
        } else {
            let name = if kind.name.is_empty() { "a document without a kind" } else { &kind.name };
            let reason = format!("where `{name}` keeps its images is not known; use `set` or `merge`");
            return Err(Refusal::of(Code::Parse, reason));
        });
    }
    Ok(edits)
}

/// An image as it is written: `registry/name:tag@digest`.
#[derive(Debug, PartialEq, Eq)]
struct Written<'a> {
    name: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Written<'a> {
    fn read(text: &'a str) -> Written<'a> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon in front of the last slash is a registry's port.
        let tag = rest.rfind(':').filter(|colon| !rest[*colon..].contains('/'));
        let (name, tag) = tag.map_or((rest, None), |colon| (&rest[..colon], Some(&rest[colon + 1..])));
        Written { name, tag, digest }
    }

    /// With what is asked for; a new tag without a digest drops the old digest, which would win over it.
    fn with(&self, image: &Image) -> String {
        let (tag, digest) = match (&image.new_tag, &image.digest) {
            (None, None) => (self.tag, self.digest),
            (tag, digest) => (tag.as_deref(), digest.as_deref()),
        };
        let mut out = image.new_name.as_deref().unwrap_or(self.name).to_owned();
        if let Some(tag) = tag {
            out.push(':');
            out.push_str(tag);
        }
        if let Some(digest) = digest {
            out.push('@');
            out.push_str(digest);
        }
        out
    }
}

fn follow<'v>(live: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(live, |here, key| here.get(key))
}

fn keys(path: &[&str]) -> Vec<Step> {
    path.iter().map(|key| Step::Key((*key).to_owned())).collect()
}

fn in_pod(live: &Value, spec: &[&str], image: &Image) -> Result<Vec<Edit>, Refusal> {
    let (mut edits, mut found, mut others) = (Vec::new(), false, Vec::new());
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let path = [spec, &[list]].concat();
        let containers = follow(live, &path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (n, container) in containers.iter().enumerate() {
            let Some(text) = container.get("image").and_then(Value::as_str) else { continue };
            let written = Written::read(text);
            if written.name != image.name {
                others.push(written.name);
                continue;
            }
            found = true;
            let new = written.with(image);
            if new != text {
                let place = [keys(&path), vec![element(containers, n), Step::Key("image".into())]].concat();
                edits.push(edit(Op::Set, &place, &new.into()));
            }
        }
    }
    if found { Ok(edits) } else { Err(absent(image, &others, spec)) }
}

/// Names a list's element by its name where that is the only one.
fn element(list: &[Value], n: usize) -> Step {
    let name = list[n].get("name").filter(|name| name.is_string());
    match name {
        Some(name) if list.iter().filter(|other| other.get("name") == Some(name)).count() == 1 => {
            Step::Match(BTreeMap::from([("name".to_owned(), name.clone())]))
        }
        Some(_) | None => Step::Index(n),
    }
}

fn absent(image: &Image, others: &[&str], at: &[&str]) -> Refusal {
    let there = if others.is_empty() { "there is none".to_owned() } else { format!("there are {}", others.join(", ")) };
    Refusal::of(Code::NotFound, format!("no image has the name `{}`; {there}", image.name)).at(Path(keys(at)))
}

/// Argo CD keeps overrides as texts: `name=new:tag@digest`, or `name:tag` where the name stays.
fn in_application(live: &Value, spec: &[&str], image: &Image) -> Result<Vec<Edit>, Refusal> {
    let source = source(live, spec, image)?;
    let list = [source.as_slice(), &keys(&["kustomize", "images"])].concat();
    let there = at(live, &list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let hits: Vec<usize> = (0..there.len()).filter(|n| overrides(&there[*n]) == Some(&image.name)).collect();
    match hits.as_slice() {
        [] => {
            let bare = Written { name: &image.name, tag: None, digest: None };
            Ok(vec![edit(Op::Append, &list, &written_override(&image.name, &bare.with(image)).into())])
        }
        [n] => {
            let old = there[*n].as_str().unwrap_or_default();
            let target = old.split_once('=').map_or(old, |(_, target)| target);
            let new = written_override(&image.name, &Written::read(target).with(image));
            let place = [list.as_slice(), &[Step::Index(*n)]].concat();
            Ok(if new == old { Vec::new() } else { vec![edit(Op::Set, &place, &new.into())] })
        }
        many => {
            let reason = format!("{} overrides are for `{}`; remove all but one by hand", many.len(), image.name);
            Err(Refusal::of(Code::Ambiguous, reason).at(Path(list)))
        }
    }
}

/// The name that an override is for.
fn overrides(value: &Value) -> Option<&str> {
    let text = value.as_str()?;
    Some(text.split_once('=').map_or_else(|| Written::read(text).name, |(name, _)| name))
}

fn written_override(name: &str, target: &str) -> String {
    if Written::read(target).name == name { target.to_owned() } else { format!("{name}={target}") }
}

fn at<'v>(live: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(live, |here, step| match step {
        Step::Key(key) => here.get(key),
        Step::Index(n) => here.get(n),
        Step::Match(_) => None,
    })
}

/// The source whose overrides are meant: the only one, or the only one that overrides this image or any image.
fn source(live: &Value, spec: &[&str], image: &Image) -> Result<Vec<Step>, Refusal> {
    let sources = follow(live, &[spec, &["sources"]].concat()).and_then(Value::as_array);
    let Some(sources) = sources else { return Ok(keys(&[spec, &["source"]].concat())) };
    let images = |source: &Value| follow(source, &["kustomize", "images"]).and_then(Value::as_array).cloned();
    let has = |n: &usize| images(&sources[*n]).is_some_and(|l| l.iter().any(|i| overrides(i) == Some(&image.name)));
    let kustomizes = |n: &usize| sources[*n].get("kustomize").is_some();
    let pick = |test: &dyn Fn(&usize) -> bool| -> Vec<usize> { (0..sources.len()).filter(|n| test(n)).collect() };
    let list = [spec, &["sources"]].concat();
    for found in [pick(&has), pick(&kustomizes), pick(&|_| true)] {
        match found.as_slice() {
            [] => {}
            [n] => return Ok([keys(&list), vec![Step::Index(*n)]].concat()),
            many => {
                let places: Vec<String> = many.iter().map(|n| format!("[{n}]")).collect();
                let reason = format!("several sources may be meant: {}; use `set` with a path", places.join(", "));
                return Err(Refusal::of(Code::Ambiguous, reason).at(Path(keys(&list))));
            }
        }
    }
    Err(Refusal::of(Code::NotFound, "the application has no source").at(Path(keys(&list))))
}

/// Flux keeps overrides as objects, like a kustomization.
fn in_flux(live: &Value, image: &Image) -> Result<Vec<Edit>, Refusal> {
    let list = keys(&["spec", "images"]);
    let there = follow(live, &["spec", "images"]).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = |value: &&Value| value.get("name").and_then(Value::as_str) == Some(&image.name);
    let fields = [("newName", &image.new_name), ("newTag", &image.new_tag), ("digest", &image.digest)];
    let wanted = || fields.iter().filter_map(|(field, value)| value.as_ref().map(|value| (*field, value)));
    let hits: Vec<&Value> = there.iter().filter(named).collect();
    let old = match hits.as_slice() {
        [] => {
            let mut value = json!({ "name": image.name });
            wanted().for_each(|(field, wanted)| value[field] = json!(wanted));
            return Ok(vec![edit(Op::Append, &list, &value)]);
        }
        [old] => *old,
        many => {
            let reason = format!("{} overrides are for `{}`; remove all but one by hand", many.len(), image.name);
            return Err(Refusal::of(Code::Ambiguous, reason).at(Path(list)));
        }
    };
    let element = Step::Match(BTreeMap::from([("name".to_owned(), json!(image.name))]));
    let place = |field: &str| [list.as_slice(), &[element.clone(), Step::Key(field.to_owned())]].concat();
    let put = |(field, value): (&str, &String)| match old.get(field) {
        Some(old) if old.as_str() == Some(value) => None,
        Some(_) => Some(edit(Op::Set, &place(field), &json!(value))),
        None => Some(edit(Op::Add, &place(field), &json!(value))),
    };
    let mut edits: Vec<Edit> = wanted().filter_map(put).collect();
    // A digest wins over a tag: the one that is not asked for goes, or the change would do nothing.
    let stale = match (&image.new_tag, &image.digest) {
        (Some(_), None) => Some("digest"),
        (None, Some(_)) => Some("newTag"),
        (Some(_), Some(_)) | (None, None) => None,
    };
    edits.extend(stale.filter(|field| old.get(field).is_some()).map(|field| delete(Path(place(field)))));
    Ok(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_read_as_they_are_written() {
        for (text, name, tag, digest) in [
            ("nginx", "nginx", None, None),
            ("nginx:1.2", "nginx", Some("1.2"), None),
            ("localhost:5000/web", "localhost:5000/web", None, None),
            ("localhost:5000/web:1", "localhost:5000/web", Some("1"), None),
            ("a/b@sha256:ff", "a/b", None, Some("sha256:ff")),
            ("a/b:1@sha256:ff", "a/b", Some("1"), Some("sha256:ff")),
        ] {
            assert_eq!(Written::read(text), Written { name, tag, digest }, "{text}");
        }
    }
}
