//! Runs every check on a planned replacement and gives the file after, or says which check it does not pass.
//!
//! Must not plan: it takes a claim as it is.

use super::proof::{self, Claim};
use super::tree::Slot;
use super::{gate, guard, model};
use crate::domain::change::{Edit, Op, Step};
use crate::domain::edit::{Code, Refusal};
use serde_json::Value;

/// A replacement that passed.
pub(super) struct Proven {
    /// The text after.
    pub after: String,
    /// The place that was touched; an appended element by its number.
    pub path: String,
    /// What stands there now.
    pub now: Option<String>,
}

/// Makes the replacement, reads the result again and checks all there is to check.
pub(super) fn prove(claim: &Claim<'_>) -> Result<Proven, Refusal> {
    let after = claim.splice.apply(claim.before.text);
    let tree = gate::tree(&after).map_err(|refusal| {
        Refusal::of(Code::ProofFailed, format!("the result would not be read again: {}", refusal.reason))
    })?;
    proof::check(claim, &tree)?;
    guard::check(claim)?;
    let id = if claim.edit.op == Op::Delete { None } else { proof::target(claim, &tree) };
    let mut path = claim.edit.path.clone();
    if let (Op::Append, Some(Slot::Item(_, n, _))) = (claim.edit.op, id.map(|id| tree.slot(id))) {
        path.0.push(Step::Index(n));
    }
    let now = id.map(|id| tree.source(id).to_owned());
    drop(tree);
    Ok(Proven { after, path: path.to_string(), now })
}

/// What stands already is not proven by an edit: the value model has to say so as well.
pub(super) fn agree(mut model: Vec<serde_yaml::Value>, document: usize, edit: &Edit) -> Result<(), Refusal> {
    let said = model
        .get_mut(document)
        .and_then(|root| model::get(root, &edit.path.0))
        .map(|value| model::to_plain_json(value));
    let same =
        |said: &Value, wanted: &Value| said == wanted || said.as_f64().is_some() && said.as_f64() == wanted.as_f64();
    match (&said, &edit.value) {
        (Some(said), Some(wanted)) if !same(said, wanted) => {
            let reason = "readers of YAML do not agree on what stands here; write it in a plainer way first";
            Err(Refusal::of(Code::Parse, reason).at(&edit.path).in_document(document))
        }
        _ => Ok(()),
    }
}
