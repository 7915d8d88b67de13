//! Reads and writes the reference in a module's source.
//!
//! Must not fetch anything, nor know which versions there are.

use crate::domain::edit::{Code, Refusal};

/// Judges whether a module with this source takes a version at all.
pub(super) fn check_version(source: Option<&str>) -> Result<(), Refusal> {
    let other = |source: &str| {
        is_git(source) || source.starts_with(['.', '/']) || source.contains("::") || source.contains("://")
    };
    match source.filter(|source| other(source)) {
        Some(source) => {
            let hint = if is_git(source) { "set `ref` instead" } else { "only modules from a registry have one" };
            Err(Refusal::of(Code::Parse, format!("the source `{source}` takes no `version`: {hint}")).at("version"))
        }
        None => Ok(()),
    }
}

/// The source with another reference.
pub(super) fn with_reference(source: Option<&str>, reference: &str) -> Result<String, Refusal> {
    let fault = |code, reason: String| Err(Refusal::of(code, reason).at("source"));
    let Some(source) = source else {
        return fault(Code::NotFound, "the module has no source that is a plain string; set it as a whole".into());
    };
    if !is_git(source) {
        return fault(Code::Parse, format!("the source `{source}` is no git repository: only those have a `ref`"));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+');
    if reference.is_empty() || !reference.chars().all(fits) {
        return fault(Code::Parse, format!("`{reference}` is no git reference: use A-Z a-z 0-9 . _ - / +"));
    }
    let (base, query) = source.split_once('?').map_or((source, None), |(base, query)| (base, Some(query)));
    let wanted = format!("ref={reference}");
    let mut parts: Vec<&str> = query.into_iter().flat_map(|query| query.split('&')).collect();
    let places: Vec<usize> = (0..parts.len()).filter(|n| parts[*n].starts_with("ref=")).collect();
    match places.as_slice() {
        [] => parts.push(&wanted),
        [at] => parts[*at] = &wanted,
        _ => return fault(Code::Ambiguous, format!("the source `{source}` has more than one `ref`")),
    }
    Ok(format!("{base}?{}", parts.join("&")))
}

fn is_git(source: &str) -> bool {
    let base = source.split('?').next().unwrap_or(source);
    let begins = ["git::", "git@", "github.com/", "bitbucket.org/"].iter().any(|start| source.starts_with(start));
    begins || base.ends_with(".git") || base.contains(".git//")
}
