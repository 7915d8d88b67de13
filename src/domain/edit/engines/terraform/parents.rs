//! Says how a missing parent is written: as a nested block or as an object.
//!
//! Must not guess: a provider's schema is not known here, and where it would decide the refusal says so.

use super::ground::Spot;
use crate::domain::change::{Edit, Form, Op, Path, Step};
use crate::domain::edit::{Code, Refusal};
use serde_json::{Value, json};

/// Nested blocks that the language itself has.
const BLOCKS: [(&str, &[&str]); 4] = [
    ("resource", &["lifecycle", "timeouts", "connection"]),
    ("data", &["lifecycle", "timeouts"]),
    ("ephemeral", &["lifecycle"]),
    ("terraform", &["required_providers"]),
];

/// Arguments that are maps wherever they are known.
const MAPS: [&str; 8] =
    ["tags", "tags_all", "labels", "annotations", "triggers", "triggers_replace", "keepers", "vars"];

/// The nested block to make for a path whose last keys are missing; none where a missing parent is an object.
pub(super) fn block(spot: &Spot<'_>, path: &Path, keys: &[String]) -> Result<Option<Path>, Refusal> {
    let Some(first) = keys.first() else { return Ok(None) };
    let depth = path.0.len() - keys.len();
    let top = spot.kind.is_none() && depth == 0;
    if top && spot.file.ends_with(".tf") {
        let reason = format!("there is no `{first}`; the top of a `.tf` file has blocks only: name one with `block`");
        return Err(Refusal::of(Code::NotFound, reason).at(path));
    }
    if keys.len() == 1 {
        return Ok(None);
    }
    if is_block(spot, depth, first) {
        return Ok(Some(Path(path.0.iter().take(depth + 1).cloned().collect())));
    }
    let around = path.0.iter().take(depth).find_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) | Step::Match(_) => None,
    });
    let object = match (spot.kind, around) {
        (None, None) | (Some("module" | "locals"), _) | (Some("terraform"), Some("required_providers")) => true,
        (Some("variable"), None) => first == "default",
        (Some("output"), None) => first == "value",
        _ => MAPS.contains(&first.as_str()),
    };
    if object {
        return Ok(None);
    }
    let reason = format!(
        "there is no `{first}`, and only its provider knows whether it is a block or an object: \
         use `edits` with `as: block`, or set `{first}` to an object"
    );
    Err(Refusal::of(Code::NotFound, reason).at(path))
}

/// The form of a whole value: an object at the place of one of the language's own blocks is a block.
pub(super) fn form(spot: &Spot<'_>, path: &Path, edit: &Edit) -> Option<Form> {
    let Some(Step::Key(last)) = path.0.last() else { return None };
    let block = is_block(spot, path.0.len() - 1, last) && matches!(edit.value, Some(Value::Object(_)));
    block.then_some(Form::Block)
}

fn is_block(spot: &Spot<'_>, depth: usize, name: &str) -> bool {
    let own = BLOCKS.iter().find(|(kind, _)| spot.kind == Some(*kind)).map_or(&[][..], |(_, names)| names);
    depth == 0 && own.contains(&name)
}

/// The edit that makes an empty block.
pub(super) fn empty(place: Path) -> Edit {
    Edit { op: Op::Add, path: place, value: Some(json!({})), expr: None, form: Some(Form::Block) }
}
