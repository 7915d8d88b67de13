//! Which engines' changes a proposal of each kind may carry, so that no kind smuggles another's.
//!
//! Must not look at a file: what a change really touches is judged on its effect.

use super::super::{ActionKind, Proposal};
use super::demand;
use crate::domain::canon::Malformed;
use crate::domain::change::Change;

/// Judges every change against the kind.
pub(super) fn check(proposal: &Proposal) -> Result<(), Malformed> {
    let kind = proposal.action_kind;
    proposal.changes.iter().enumerate().try_for_each(|(n, change)| {
        let reason =
            format!("kind_engine: `{}` takes no `{}` change: name the kind that does", kind.name(), word(change));
        demand(takes(kind, change), &format!("changes[{n}]"), &reason)
    })
}

fn word(change: &Change) -> &'static str {
    match change {
        Change::Helm(_) => "helm",
        Change::Kustomize(_) => "kustomize",
        Change::Manifest(_) => "manifest",
        Change::Terraform(_) => "terraform",
        Change::Revert(_) => "revert",
    }
}

fn takes(kind: ActionKind, change: &Change) -> bool {
    let (helm, kustomize, manifest) = (
        matches!(change, Change::Helm(_)),
        matches!(change, Change::Kustomize(_)),
        matches!(change, Change::Manifest(_)),
    );
    let terraform = matches!(change, Change::Terraform(_));
    match kind {
        ActionKind::SetReplicas => helm || kustomize || manifest || terraform,
        ActionKind::SetImage
        | ActionKind::SetResources
        | ActionKind::SetEnv
        | ActionKind::SetProbe
        | ActionKind::RestartWorkload
        | ActionKind::SuspendReconciliation => helm || kustomize || manifest,
        ActionKind::SetHelmValue => helm || manifest || kustomize,
        ActionKind::PatchManifest => manifest || kustomize,
        ActionKind::PatchKustomization => kustomize || manifest,
        ActionKind::AddManifest | ActionKind::RemoveManifest => kustomize || manifest,
        ActionKind::SetTerraformVariable | ActionKind::PatchTerraform => terraform,
        ActionKind::Rollback => matches!(change, Change::Revert(_)),
        ActionKind::Runbook => helm || kustomize || manifest || terraform,
    }
}
