//! `Runbook`: several steps of other kinds in one pull request, as a runbook that the repository's config lists.
//!
//! Must not touch what the runbook does not list, nor merge without a person.

use super::Kind;
use crate::domain::canon::Malformed;
use crate::domain::policy::effect::Effect;
use crate::domain::policy::rules::Rules;
use crate::domain::policy::verdict::Verdict;
use crate::domain::proposal::{ActionKind, Proposal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const KIND: Kind =
    Kind { kind: ActionKind::Runbook, narrow: false, files: super::ANY, objects: &[], fits: super::every };

/// What a runbook of the repository may touch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunbookRules {
    /// Globs of the files.
    pub paths: Vec<String>,
    /// The kinds its steps are of; never `Runbook` or `Rollback`.
    pub kinds: Vec<ActionKind>,
}

impl RunbookRules {
    /// Judges what the types cannot.
    pub(in crate::domain::policy) fn check(&self, name: &str) -> Result<(), Malformed> {
        let at = |field: &str| format!("runbooks.{name}.{field}");
        if self.paths.is_empty() || self.kinds.is_empty() {
            return Err(Malformed::at(at("paths"), "give at least one glob and one kind"));
        }
        for glob in &self.paths {
            globset::Glob::new(glob).map_err(|error| Malformed::at(at("paths"), error.to_string()))?;
        }
        let wide = [ActionKind::Runbook, ActionKind::Rollback];
        match self.kinds.iter().find(|kind| wide.contains(kind)) {
            Some(kind) => Err(Malformed::at(at("kinds"), format!("`{}` is no step of a runbook", kind.name()))),
            None => Ok(()),
        }
    }
}

/// Every changed file and value must be one that the runbook named by the target lists.
pub(super) fn judge(proposal: &Proposal, effect: &Effect, rules: &Rules) -> Verdict {
    let refuse = |code: &str, sentence: String| Verdict::refuse("action_kind", code, sentence);
    let name = &proposal.target.name;
    let listed = rules.runbooks.get(name).filter(|_| proposal.target.kind == "Runbook");
    let Some(runbook) = listed else {
        let sentence = format!(
            "the config lists no runbook `{name}`: write `target: {{kind: Runbook, name: ...}}` and list it under `runbooks`"
        );
        return refuse("runbook_unknown", sentence);
    };
    let globs: Vec<&str> = runbook.paths.iter().map(String::as_str).collect();
    if let Some(path) = effect.paths().find(|path| !super::matches(&globs, path)) {
        return refuse("kind_path", format!("the runbook `{name}` does not touch {path}"));
    }
    let kinds: Vec<&Kind> = runbook.kinds.iter().map(|kind| super::of(*kind)).collect();
    let allowed =
        |path: &str, leaf: &_| kinds.iter().any(|kind| super::matches(kind.files, path) && super::fits(kind, leaf));
    if let Some((file, leaf)) = effect.leaves.iter().find(|(file, leaf)| !allowed(file, leaf)) {
        return refuse("kind_mismatch", format!("no kind of the runbook `{name}` touches {file}: {}", leaf.path));
    }
    if let Some(object) = effect.objects.iter().find(|object| !kinds.iter().any(|kind| super::is_listed(kind, object)))
    {
        return refuse("kind_object", format!("no kind of the runbook `{name}` touches a {}", object.shown()));
    }
    Verdict::pass("action_kind", format!("the runbook `{name}` lists everything it touches"))
}
