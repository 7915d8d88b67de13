//! Workloads that are deleted, and whatever deploys workloads.
//!
//! Must not tell a rename from a deletion: what went by the old name is deleted.

use super::scene::Scene;

const KINDS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "Job",
    "CronJob",
    "Rollout",
    "Application",
    "ApplicationSet",
    "HelmRelease",
    "NodePool",
    "MachineDeployment",
    "MachineSet",
    "MachinePool",
];

pub(super) fn find(scene: &Scene<'_>) -> Vec<String> {
    let gone = scene.gone();
    let deploys = gone.iter().filter(|object| {
        let (group, kind) = (object.id.group.as_str(), object.id.kind.as_str());
        KINDS.contains(&kind)
            || (kind == "Kustomization" && group.starts_with("kustomize.toolkit.fluxcd.io"))
            || (kind == "Service" && group == "serving.knative.dev")
    });
    deploys.map(|object| format!("{}: {}", object.file, object.id)).collect()
}
