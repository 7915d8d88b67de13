//! What each sort of remediation may touch, judged on its effect and not on its name: files, objects and values.
//!
//! Must not be widened by a repository's config. One kind, one file, one folder of fixtures, one heading in docs/kinds.md.

mod add_manifest;
mod patch_kustomization;
mod patch_manifest;
mod patch_terraform;
mod remove_manifest;
mod restart_workload;
mod rollback;
pub mod runbook;
mod set_env;
mod set_helm_value;
mod set_image;
mod set_probe;
mod set_replicas;
mod set_resources;
mod set_terraform_variable;
mod suspend_reconciliation;

use super::effect::Effect;
use super::leaves::Leaf;
use super::objects::TouchedObject;
use super::patched;
use super::place::is_match;
use super::rules::Rules;
use super::verdict::Verdict;
use crate::domain::proposal::{ActionKind, Proposal, Target};

/// What one kind may touch.
struct Kind {
    kind: ActionKind,
    /// Whether that is so narrow that its record says something of the next change.
    narrow: bool,
    /// Globs of the files.
    files: &'static [&'static str],
    /// Kinds of objects; any where none is listed.
    objects: &'static [&'static str],
    /// Whether it may touch a value.
    fits: fn(&Leaf) -> bool,
}

const YAML: &[&str] = &["**/*.yaml", "**/*.yml", "**/*.json", "**/Kustomization"];
const TERRAFORM: &[&str] = &["**/*.tf", "**/*.tfvars", "**/*.tf.json", "**/*.tfvars.json"];
const ANY: &[&str] = &["**"];
/// Blocks at the root of a Terraform file.
const BLOCKS: [&str; 8] = ["variable", "resource", "data", "module", "provider", "output", "locals", "terraform"];
/// Objects that run pods, or that install what does.
const PODS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
    "Pod",
    "Rollout",
    "Service",
    "Revision",
    "Kustomization",
    "Component",
    "HelmRelease",
    "HelmChart",
    "Application",
    "ApplicationSet",
];
/// The same, and what scales them.
const SCALED: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "ReplicaSet",
    "ReplicationController",
    "Rollout",
    "HorizontalPodAutoscaler",
    "ScaledObject",
    "Service",
    "Kustomization",
    "Component",
    "HelmRelease",
    "HelmChart",
    "Application",
    "ApplicationSet",
];
/// Objects that carry others: the target may be one that they install.
const CARRIERS: [&str; 6] = ["Kustomization", "Component", "HelmRelease", "HelmChart", "Application", "ApplicationSet"];

fn of(kind: ActionKind) -> &'static Kind {
    match kind {
        ActionKind::SetImage => &set_image::KIND,
        ActionKind::SetReplicas => &set_replicas::KIND,
        ActionKind::SetResources => &set_resources::KIND,
        ActionKind::SetEnv => &set_env::KIND,
        ActionKind::SetProbe => &set_probe::KIND,
        ActionKind::RestartWorkload => &restart_workload::KIND,
        ActionKind::SetHelmValue => &set_helm_value::KIND,
        ActionKind::PatchManifest => &patch_manifest::KIND,
        ActionKind::PatchKustomization => &patch_kustomization::KIND,
        ActionKind::SetTerraformVariable => &set_terraform_variable::KIND,
        ActionKind::PatchTerraform => &patch_terraform::KIND,
        ActionKind::SuspendReconciliation => &suspend_reconciliation::KIND,
        ActionKind::Rollback => &rollback::KIND,
        ActionKind::AddManifest => &add_manifest::KIND,
        ActionKind::RemoveManifest => &remove_manifest::KIND,
        ActionKind::Runbook => &runbook::KIND,
    }
}

fn every(_: &Leaf) -> bool {
    true
}

/// Whether what a kind may touch is so narrow that its record says something of the next change.
pub(super) fn is_narrow(kind: ActionKind) -> bool {
    of(kind).narrow
}

/// Whether every changed file, object and value is one that this kind may touch.
pub(super) fn judge(proposal: &Proposal, effect: &Effect, rules: &Rules) -> Verdict {
    let kind = of(proposal.action_kind);
    if kind.kind == ActionKind::Runbook {
        return runbook::judge(proposal, effect, rules);
    }
    let refuse = |code: &str, sentence: String| Verdict::refuse("action_kind", code, sentence);
    let name = kind.kind.name();
    if let Some(path) = effect.paths().find(|path| !matches(kind.files, path)) {
        return refuse("kind_path", format!("`{name}` does not touch files such as {path}; name the kind that does"));
    }
    if let Some(object) = effect.objects.iter().find(|object| !is_listed(kind, object)) {
        return refuse("kind_object", format!("`{name}` does not touch a {}; name the kind that does", object.shown()));
    }
    if let Some((file, leaf)) = effect.leaves.iter().find(|(_, leaf)| !fits(kind, leaf)) {
        let sentence = format!("`{name}` does not touch {file}: {}; name the kind that does", leaf.path);
        return refuse("kind_mismatch", sentence);
    }
    if let Some(object) = other(kind.kind, &proposal.target, effect) {
        let sentence = format!(
            "the target is {}, and the change touches {} too: send one proposal for each, or name the right target",
            proposal.target,
            object.shown()
        );
        return refuse("other_object", sentence);
    }
    Verdict::pass("action_kind", format!("`{name}` touches nothing else"))
}

fn matches(globs: &[&str], path: &str) -> bool {
    globs.iter().any(|glob| is_match(glob, path))
}

fn is_listed(kind: &Kind, object: &TouchedObject) -> bool {
    kind.objects.is_empty() || kind.objects.contains(&object.kind.as_str())
}

fn fits(kind: &Kind, leaf: &Leaf) -> bool {
    // A patch, a generator or a chart's source does more than its keys say: no narrow kind covers it.
    !(kind.narrow && patched::is_opaque(leaf)) && (kind.fits)(leaf)
}

/// An object that is changed and is not the target; what carries the target, or scales it, is no other object.
fn other<'a>(kind: ActionKind, target: &Target, effect: &'a Effect) -> Option<&'a TouchedObject> {
    // What is taken back, added or removed may be several objects that belong together.
    let several = [ActionKind::Rollback, ActionKind::AddManifest, ActionKind::RemoveManifest];
    if several.contains(&kind) {
        return None;
    }
    let same = |object: &TouchedObject| {
        let namespace = match (&target.namespace, &object.namespace) {
            (Some(wanted), Some(found)) => wanted == found,
            (Some(_), None) | (None, Some(_)) | (None, None) => true,
        };
        namespace && object.kind == target.kind && object.name == target.name
    };
    let scales = |object: &TouchedObject| object.scales.as_ref() == Some(&(target.kind.clone(), target.name.clone()));
    let carries = |object: &TouchedObject| CARRIERS.contains(&object.kind.as_str()) && target.kind != object.kind;
    effect.objects.iter().find(|object| !same(object) && !scales(object) && !carries(object))
}

#[cfg(test)]
pub(super) mod tests;
