//! Finds the one file that holds an object.
//!
//! Must not pick one of several, and must not look at more than its limits.

use crate::domain::change::{Manifest, Select, SelectObject};
use crate::domain::edit::{Code, Files, Refusal, paths, yaml};

/// The most paths that are listed.
const PATHS: usize = 100_000;
/// The most files that are looked into.
const FILES: usize = 10_000;
/// The most bytes that are looked into.
const BYTES: usize = 64 << 20;
/// The most files that a reason names.
const NAMED: usize = 8;

/// What was seen of the files.
#[derive(Default)]
struct Seen {
    /// Files that hold the object.
    found: Vec<String>,
    /// Files that name it and could not be read, with the reason's code.
    skipped: Vec<String>,
    /// Files that hold it without the namespace that is asked for.
    elsewhere: Vec<String>,
}

/// The file that holds the selected object.
pub(super) fn file(files: &dyn Files, manifest: &Manifest) -> Result<String, Refusal> {
    let object = match &manifest.select {
        Some(Select::Object(object)) if object.kind.is_some() && object.name.is_some() => object,
        Some(_) | None => {
            let reason = "name the file, or select the object by `kind` and `name`";
            return Err(Refusal::of(Code::Parse, reason));
        }
    };
    let directory = manifest.directory.as_deref().unwrap_or_default().trim_matches('/');
    let directory = if directory == "." { "" } else { directory };
    if !directory.is_empty() {
        paths::check(directory)?;
    }
    let seen = look(files, directory, object)?;
    match seen.found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Refusal::of(Code::NotFound, nowhere(object, &seen)).in_file(directory)),
        many => {
            let reason = format!(
                "{} is in {} files: {}; name the file, or a `directory` that holds one of them",
                called(object),
                many.len(),
                named(many)
            );
            Err(Refusal::of(Code::Ambiguous, reason).in_file(directory))
        }
    }
}

fn look(files: &dyn Files, directory: &str, object: &SelectObject) -> Result<Seen, Refusal> {
    let is_yaml = |path: &&String| [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
    let listed = files.list(directory, PATHS)?;
    let (mut seen, mut bytes) = (Seen::default(), 0);
    for (n, path) in listed.iter().filter(is_yaml).filter(|path| paths::check(path).is_ok()).enumerate() {
        if n == FILES || bytes > BYTES {
            let reason = format!(
                "more than {FILES} files or {} MiB would have to be searched; name the file or a `directory`",
                BYTES >> 20
            );
            return Err(Refusal::of(Code::TooLarge, reason).in_file(directory));
        }
        match files.read(path) {
            Ok(Some(text)) => {
                bytes += text.len();
                judge(path, &text, object, &mut seen)?;
            }
            Ok(None) => {}
            Err(refusal) if matches!(refusal.code, Code::TooLarge | Code::Link) => {
                seen.skipped.push(format!("{path} ({})", refusal.code));
            }
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(seen)
}

/// Sorts a file into what was seen; one that does not even hold the name is not parsed.
fn judge(path: &str, text: &[u8], object: &SelectObject, seen: &mut Seen) -> Result<(), Refusal> {
    let holds = |word: &Option<String>| word.as_ref().is_none_or(|word| contains(text, word.as_bytes()));
    if !holds(&object.kind) || !holds(&object.name) {
        return Ok(());
    }
    let select = |object: &SelectObject| Some(Select::Object(object.clone()));
    match yaml::document_index(text, select(object).as_ref()) {
        Ok(_) => seen.found.push(path.to_owned()),
        Err(refusal) if refusal.code == Code::Ambiguous => return Err(refusal.in_file(path)),
        Err(refusal) if refusal.code == Code::NotFound => {
            let bare = SelectObject { namespace: None, ..object.clone() };
            let fits = object.namespace.is_some() && yaml::document_index(text, select(&bare).as_ref()).is_ok();
            seen.elsewhere.extend(fits.then(|| path.to_owned()));
        }
        Err(refusal) => seen.skipped.push(format!("{path} ({})", refusal.code)),
    }
    Ok(())
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return true };
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(word) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

fn called(object: &SelectObject) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match &object.namespace {
        Some(namespace) => format!("{} {namespace}/{}", text(&object.kind), text(&object.name)),
        None => format!("{} {}", text(&object.kind), text(&object.name)),
    }
}

fn nowhere(object: &SelectObject, seen: &Seen) -> String {
    let mut reason = format!("no file holds {}; name the file", called(object));
    if !seen.elsewhere.is_empty() {
        let places = named(&seen.elsewhere);
        reason
            .push_str(&format!(". Without that namespace it is in {places}: leave `namespace` out, or name the file"));
    }
    if !seen.skipped.is_empty() {
        reason.push_str(&format!(". Not looked into: {}", named(&seen.skipped)));
    }
    reason
}

fn named(paths: &[String]) -> String {
    let mut shown: Vec<&str> = paths.iter().take(NAMED).map(String::as_str).collect();
    let more = format!("{} more", paths.len().saturating_sub(NAMED));
    if paths.len() > NAMED {
        shown.push(&more);
    }
    shown.join(", ")
}
