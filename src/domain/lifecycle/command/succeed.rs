//! Proposals that follow from a command, in the name of whoever wrote it.
//!
//! Must not lend the first proposal's name, confidence or approvals to another's change.

use super::super::{Case, Stage};
use super::values;
use crate::domain::canon::{self, Malformed};
use crate::domain::facts::Asked;
use crate::domain::proposal::Sealed;
use serde_json::{Value, json};

/// A proposal that follows another.
#[derive(Clone, Debug, PartialEq)]
pub struct Successor {
    /// It, sealed.
    pub sealed: Sealed,
    /// Who proposes it, `github:1234`.
    pub principal: String,
}

impl Successor {
    /// Its own name.
    pub fn name(&self) -> &str {
        self.sealed.proposal.id.as_deref().unwrap_or_default()
    }

    /// The same without a name of its own.
    pub fn unnamed(&self) -> Result<Successor, Malformed> {
        let mut document = canon::parse(&self.sealed.bytes)?;
        take(&mut document, "id");
        let sealed = Sealed::read(document.to_string().as_bytes())?;
        Ok(Successor { sealed, principal: self.principal.clone() })
    }
}

type Fault = (&'static str, String);

/// The same proposal with another value at a place that it names.
pub(super) fn set(case: &Case<'_>, asked: &Asked, path: &str, value: &str) -> Result<Successor, Fault> {
    let mut document = document(case, &end(asked, "set"), &principal(asked)?)?;
    let why = format!("{}\n\nChanged on the pull request: {path} = {value}", case.proposal.reason);
    let changes = document.get_mut("changes").ok_or_else(|| unreadable("it has no changes"))?;
    values::replace(changes, path, value).map_err(|why| ("no_such_value", why))?;
    if why.chars().count() <= 4_000 {
        put(&mut document, "reason", json!(why));
    }
    seal(document, principal(asked)?)
}

/// A proposal that takes a landed one back, in the name of whoever asks.
pub(super) fn revert(case: &Case<'_>, asked: &Asked) -> Result<Successor, Fault> {
    let record = case.record;
    match record.stage {
        Stage::Merged | Stage::Settled => {}
        other => {
            return Err(("not_merged", format!("the proposal is {}: there is nothing to take back", other.name())));
        }
    }
    let why = format!("Takes back {} as asked on its pull request", record.id);
    takes_back(case, &end(asked, "revert"), &principal(asked)?, &why)
}

/// The proposal that takes a landed one back, in this name; its own name ends like this.
pub(in crate::domain::lifecycle) fn takes_back(
    case: &Case<'_>,
    end: &str,
    principal: &str,
    why: &str,
) -> Result<Successor, Fault> {
    let record = case.record;
    let mut document = document(case, end, principal)?;
    put(&mut document, "actionKind", json!("Rollback"));
    // The commit that landed is known, whatever message whoever merged it wrote.
    let what = match &record.landed {
        Some(landed) => json!({"commit": landed.commit}),
        None => json!({"proposal": record.id}),
    };
    put(&mut document, "changes", json!([{"revert": what}]));
    put(&mut document, "reason", json!(why));
    put(&mut document, "rollback", json!({"description": "make the change again"}));
    for stale in ["plan", "fingerprint", "expiresAt"] {
        take(&mut document, stale);
    }
    seal(document, principal.to_owned())
}

fn end(asked: &Asked, verb: &str) -> String {
    format!("-{verb}-{}", asked.comment.id)
}

/// The proposal as it was sent, in another name.
fn document(case: &Case<'_>, end: &str, principal: &str) -> Result<Value, Fault> {
    let mut document = serde_json::to_value(case.proposal).map_err(|error| unreadable(&error.to_string()))?;
    let name = case.record.name.as_ref().unwrap_or(&case.record.id);
    let kept: String = name.chars().take(64_usize.saturating_sub(end.len())).collect();
    put(&mut document, "id", json!(format!("{kept}{end}")));
    put(&mut document, "proposer", json!({"id": principal}));
    for own in ["approvals", "confidence", "environment"] {
        take(&mut document, own);
    }
    Ok(document)
}

fn principal(asked: &Asked) -> Result<String, Fault> {
    asked.principals.first().cloned().ok_or_else(|| unreadable("the writer has no number"))
}

fn seal(document: Value, principal: String) -> Result<Successor, Fault> {
    let sealed = Sealed::read(document.to_string().as_bytes()).map_err(|error| unreadable(&error.to_string()))?;
    Ok(Successor { sealed, principal })
}

fn unreadable(why: &str) -> Fault {
    ("not_possible", format!("this version cannot make that proposal: {why}"))
}

fn put(document: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = document {
        map.insert(key.to_owned(), value);
    }
}

fn take(document: &mut Value, key: &str) {
    if let Value::Object(map) = document {
        map.shift_remove(key);
    }
}
