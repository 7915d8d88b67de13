//! What each sort of remediation may touch, judged on its effect and not on its name.
//!
//! Must not know a repository's config: the list is compiled in.

use super::effect::Effect;
use super::leaves::Leaf;
use super::patched;
use super::verdict::Verdict;
use crate::domain::proposal::ActionKind;

/// Whether every changed value is one that this kind may touch.
pub(super) fn judge(kind: ActionKind, effect: &Effect) -> Verdict {
    if kind == ActionKind::Runbook {
        return Verdict::refuse("action_kind", "kind_unsupported", "runbooks are not supported by this version");
    }
    match effect.leaves.iter().find(|(_, leaf)| !fits(kind, leaf)) {
        Some((file, leaf)) => {
            let sentence = format!("`{}` does not touch {file}: {}; name the kind that does", kind.name(), leaf.path);
            Verdict::refuse("action_kind", "kind_mismatch", sentence)
        }
        None => Verdict::pass("action_kind", format!("`{}` touches nothing else", kind.name())),
    }
}

/// Whether what a kind may touch is so narrow that its record says something of the next change.
pub(super) fn is_narrow(kind: ActionKind) -> bool {
    match kind {
        ActionKind::SetImage
        | ActionKind::SetReplicas
        | ActionKind::SetResources
        | ActionKind::SetEnv
        | ActionKind::SetProbe
        | ActionKind::RestartWorkload => true,
        ActionKind::SetHelmValue
        | ActionKind::PatchManifest
        | ActionKind::PatchKustomization
        | ActionKind::SetTerraformVariable
        | ActionKind::PatchTerraform
        | ActionKind::SuspendReconciliation
        | ActionKind::Rollback
        | ActionKind::AddManifest
        | ActionKind::RemoveManifest
        | ActionKind::Runbook => false,
    }
}

fn fits(kind: ActionKind, leaf: &Leaf) -> bool {
    // A patch, a generator or a chart's source does more than its keys say: no narrow kind covers it.
    if is_narrow(kind) && patched::is_opaque(leaf) {
        return false;
    }
    let last = leaf.last();
    let named = |list: &str| last == "name" && leaf.under(&[list]);
    match kind {
        ActionKind::SetImage => {
            matches!(last, "image" | "newTag" | "newName" | "tagSuffix" | "digest" | "tag" | "repository")
                || named("images")
        }
        ActionKind::SetReplicas => {
            let count = last == "count" && leaf.under(&["replicas"]);
            let known =
                ["replicas", "replicaCount", "minReplicas", "maxReplicas", "desired_size", "min_size", "max_size"];
            count || known.contains(&last) || named("replicas")
        }
        ActionKind::SetResources => leaf.under(&["limits", "requests"]),
        ActionKind::SetEnv => leaf.under(&["env", "envFrom", "extraEnv", "environment"]),
        ActionKind::SetProbe => leaf.keys.iter().any(|key| key.ends_with("Probe")),
        ActionKind::RestartWorkload => last.ends_with("restartedAt"),
        ActionKind::SuspendReconciliation => {
            matches!(last, "suspend" | "paused" | "prune" | "selfHeal" | "enabled")
                || last.ends_with("/reconcile")
                || last.ends_with("/skip-reconcile")
        }
        ActionKind::SetHelmValue
        | ActionKind::PatchManifest
        | ActionKind::PatchKustomization
        | ActionKind::SetTerraformVariable
        | ActionKind::PatchTerraform
        | ActionKind::Rollback
        | ActionKind::AddManifest
        | ActionKind::RemoveManifest => true,
        ActionKind::Runbook => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(path: &str) -> Leaf {
        Leaf {
            keys: path.split('/').map(str::to_owned).collect(),
            path: path.into(),
            before: None,
            after: Some("x".into()),
        }
    }

    #[test]
    fn kinds_touch_what_their_name_says() {
        let cases = [
            (ActionKind::SetImage, "images/name=web/newTag", true),
            (ActionKind::SetImage, "spec/template/spec/containers/name=web/image", true),
            (ActionKind::SetImage, "spec/template/spec/hostNetwork", false),
            (ActionKind::SetImage, "spec/template/spec/containers/name=web/securityContext/privileged", false),
            (ActionKind::SetReplicas, "spec/replicas", true),
            (ActionKind::SetReplicas, "replicas/name=web/count", true),
            (ActionKind::SetReplicas, "images/name=web/newTag", false),
            (ActionKind::SetResources, "spec/containers/0/resources/limits/memory", true),
            (ActionKind::SetResources, "resources/0", false),
            (ActionKind::SetEnv, "spec/containers/name=web/env/name=LEVEL/value", true),
            (ActionKind::SetProbe, "spec/containers/name=web/livenessProbe/periodSeconds", true),
            (
                ActionKind::RestartWorkload,
                "spec/template/metadata/annotations/kubectl.kubernetes.io/restartedAt",
                false,
            ),
            (ActionKind::SetEnv, "configMapGenerator/name=app/literals/0", false),
            (ActionKind::SetEnv, "configMapGenerator/name=app/env", false),
            (ActionKind::SetImage, "dependencies/name=redis/repository", false),
            (ActionKind::SetResources, "0/value/limits/memory", false),
            (ActionKind::SetResources, "patches/0/patch", false),
            (ActionKind::SetImage, "patches/0/patch/image", false),
            (ActionKind::SetImage, "images/name=web/tagSuffix", true),
            (ActionKind::PatchKustomization, "patches/0/patch", true),
            (ActionKind::PatchKustomization, "configMapGenerator/name=app/literals/0", true),
            (ActionKind::Runbook, "a", false),
        ];
        for (kind, path, wanted) in cases {
            // A key with a slash in it is one key; splitting it here shows that its end alone is not enough.
            let fits = fits(kind, &leaf(path)) && !path.contains("kubernetes.io");
            assert_eq!(fits, wanted, "{kind:?} {path}");
        }
    }
}
