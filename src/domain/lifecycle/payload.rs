//! What is kept and written down of a push and of a merge.
//!
//! Must not decide anything.

use super::{Case, MergeIntent, PushIntent};
use crate::domain::policy::verdict::Verdict;
use serde_json::{Value, json};

/// The inverse and the diff of what was planned.
pub(super) fn plan_artifacts(case: &Case<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let Ok(plan) = &case.facts.plan else { return Vec::new() };
    vec![("inverse", plan.inverse.clone()), ("diff", plan.applied.unified_diff().into_bytes())]
}

/// What is announced of a push.
pub(super) fn push_payload(push: &PushIntent) -> Value {
    json!({"branch": push.branch, "old": push.old, "parent": push.parent, "tree": push.tree})
}

/// What is announced of a merge.
pub(super) fn merge_payload(merge: &MergeIntent, verdict: &Verdict) -> Value {
    json!({"head": merge.head, "base": merge.base, "tree": merge.tree, "verdict": verdict})
}
