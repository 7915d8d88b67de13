//! Knows where things live in Kubernetes documents.
//!
//! Must not change bytes: it says which edits are meant.

mod find;
mod images;
mod keys;
mod merge;
mod patch;
mod text;

#[cfg(test)]
mod tests;

use super::{Made, Steps, Sugar, need, yaml_steps};
use crate::domain::change::{Manifest, Path};
use crate::domain::edit::{Code, Files, Refusal, yaml};
use keys::Kind;
use serde_json::Value;

/// The most edits that one word may come to.
const EDITS: usize = 1_000;

/// Says which edits a change means that has one word.
pub(super) fn expand(files: &dyn Files, manifest: &Manifest) -> Result<Vec<Made>, Refusal> {
    let file = match &manifest.file {
        Some(file) => file.clone(),
        None => find::file(files, manifest)?,
    };
    let select = manifest.select.as_ref();
    if let Some(change) = manifest.texts.first() {
        let made = text::made(&need(files, &file)?, &file, select, change);
        return made.map(|made| vec![made]).map_err(|refusal| refusal.in_file(&file));
    }
    let sugar = Sugar { set: &manifest.set, remove: &manifest.remove, edits: &manifest.edits };
    let mut steps = yaml_steps(files, &file, select, sugar)?;
    let edits = meant(&need(files, &file)?, manifest).map_err(|refusal| refusal.in_file(&file))?;
    steps.edits.extend(edits);
    if steps.edits.len() > EDITS {
        let reason = format!("the change comes to {} edits; at most {EDITS} are made at once", steps.edits.len());
        return Err(Refusal::of(Code::TooLarge, reason).in_file(&file));
    }
    Ok(vec![Made::from(steps)])
}

/// The edits of the words that look at the whole document.
fn meant(bytes: &[u8], manifest: &Manifest) -> Result<Vec<crate::domain::change::Edit>, Refusal> {
    if manifest.merge.is_none() && manifest.json_patch.is_empty() && manifest.images.is_empty() {
        return Ok(Vec::new());
    }
    let select = manifest.select.as_ref();
    let document = yaml::document_index(bytes, select)?;
    let live = yaml::lookup(bytes, select, &Path(Vec::new()))?.unwrap_or(Value::Null);
    let kind = Kind::of(&live);
    let edits = match (&manifest.merge, manifest.json_patch.as_slice()) {
        (Some(patch), _) => {
            let says = |path: &Path, value: &Value| yaml::says(bytes, select, path, value);
            merge::edits(&kind, &live, patch, &says)
        }
        (None, []) => images::edits(&kind, &live, &manifest.images),
        (None, patch) => patch::edits(live, patch),
    };
    edits.map_err(|refusal| refusal.in_document(document))
}

fn steps_of(
    file: &str,
    select: Option<&crate::domain::change::Select>,
    edits: Vec<crate::domain::change::Edit>,
) -> Steps {
    Steps { file: file.to_owned(), format: super::Format::Yaml, select: select.cloned(), edits }
}
