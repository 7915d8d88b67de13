//! Keeps the literals of secret generators out of pull requests.
//!
//! Must not look at values: the place alone decides.

use crate::domain::change::{Op, Step};
use crate::domain::edit::engines::Steps;
use crate::domain::edit::engines::order::KUSTOMIZATIONS as NAMES;
use crate::domain::edit::{Code, Refusal};

/// The fields of a secret generator that hold no secret.
const OPEN: [&str; 8] = ["name", "namespace", "behavior", "type", "files", "env", "envs", "options"];

/// Refuses edits of a kustomization that would put a secret's plain text into a diff.
pub(in crate::domain::edit::engines) fn refuse(steps: &Steps) -> Result<(), Refusal> {
    let name = steps.file.rsplit('/').next().unwrap_or(&steps.file);
    if !NAMES.contains(&name) {
        return Ok(());
    }
    for edit in &steps.edits {
        let mut path = edit.path.0.iter();
        if !matches!(path.next(), Some(Step::Key(key)) if key == "secretGenerator") {
            continue;
        }
        let field = path.find_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) | Step::Match(_) => None,
        });
        let fresh = field.is_none() && edit.op != Op::Delete;
        let bare = fresh && edit.value.as_ref().is_some_and(|value| !holds_literals(value));
        if !bare && !field.is_some_and(|field| OPEN.contains(&field)) {
            let reason = "a secret's literals stand in plain text, and a pull request would show them; keep the secret \
                          outside of git, or encrypted, and change it there";
            return Err(Refusal::of(Code::PathForbidden, reason).in_file(&steps.file).at(&edit.path));
        }
    }
    Ok(())
}

// Recursion is bounded: a value is no deeper than what the proposal's reader takes.
fn holds_literals(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(map) => map.iter().any(|(key, value)| key == "literals" || holds_literals(value)),
        serde_json::Value::Array(items) => items.iter().any(holds_literals),
        _ => false,
    }
}
