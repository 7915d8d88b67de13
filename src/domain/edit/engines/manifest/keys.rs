//! How the lists of the kinds we know are merged: by which fields their elements are told apart.
//!
//! Must not guess: a list of a kind that is not known here is replaced as a whole.

use serde_json::Value;

/// How a list is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The new list takes the place of the old one.
    Whole,
    /// Values that are not there yet are appended.
    Set,
    /// Elements are told apart by the first of these keys that the wanted element has.
    Keyed(&'static [Key]),
}

/// The fields that tell the elements of a list apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// The field that every element has.
    pub must: &'static str,
    /// Fields that count as well where they are given, and what stands for one that is not.
    pub also: &'static [(&'static str, Option<&'static str>)],
}

/// What kind of object a document describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// The API group, empty for the core group.
    pub group: String,
    /// The kind.
    pub name: String,
}

const fn by(must: &'static str) -> Key {
    Key { must, also: &[] }
}

const NAME: Rule = Rule::Keyed(&[by("name")]);
const IP: Rule = Rule::Keyed(&[by("ip")]);
const TYPE: Rule = Rule::Keyed(&[by("type")]);
const UID: Rule = Rule::Keyed(&[by("uid")]);
const STEP: Rule = Rule::Keyed(&[by("step")]);
const MOUNT_PATH: Rule = Rule::Keyed(&[by("mountPath")]);
const DEVICE_PATH: Rule = Rule::Keyed(&[by("devicePath")]);
const CONTAINER_PORT: Rule = Rule::Keyed(&[Key { must: "containerPort", also: &[("protocol", Some("TCP"))] }]);
const SERVICE_PORT: Rule = Rule::Keyed(&[Key { must: "port", also: &[("protocol", Some("TCP"))] }]);
const SPREAD: Rule = Rule::Keyed(&[Key { must: "topologyKey", also: &[("whenUnsatisfiable", None)] }]);
const REFERENCE: Rule = Rule::Keyed(&[Key { must: "name", also: &[("kind", None)] }]);
const DEPENDENCY: Rule = Rule::Keyed(&[Key { must: "name", also: &[("namespace", None)] }]);
const VALUES_FROM: Rule = Rule::Keyed(&[Key {
    must: "name",
    also: &[("kind", None), ("valuesKey", Some("values.yaml")), ("targetPath", Some(""))],
}]);
/// Sources of an Argo CD application have no name of their own unless they are given one.
const SOURCES: Rule = Rule::Keyed(&[by("name"), by("ref"), by("chart"), by("path"), by("repoURL")]);

/// Lists of a pod's spec and what stands in it, by the end of their path.
const POD: [(&[&str], Rule); 14] = [
    (&["containers"], NAME),
    (&["initContainers"], NAME),
    (&["ephemeralContainers"], NAME),
    (&["volumes"], NAME),
    (&["imagePullSecrets"], NAME),
    (&["hostAliases"], IP),
    (&["topologySpreadConstraints"], SPREAD),
    (&["schedulingGates"], NAME),
    (&["resourceClaims"], NAME),
    (&["*", "env"], NAME),
    (&["*", "ports"], CONTAINER_PORT),
    (&["*", "volumeMounts"], MOUNT_PATH),
    (&["*", "volumeDevices"], DEVICE_PATH),
    (&["*", "resources", "claims"], NAME),
];

const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Lists of a whole object: group, kind, path. `source` stands for every place of an Argo CD source.
const OBJECTS: [(&str, &str, &[&str], Rule); 24] = [
    ("", "Service", &["spec", "ports"], SERVICE_PORT),
    ("", "ServiceAccount", &["secrets"], NAME),
    ("admissionregistration.k8s.io", "*", &["webhooks"], NAME),
    ("admissionregistration.k8s.io", "*", &["webhooks", "matchConditions"], NAME),
    ("admissionregistration.k8s.io", "*", &["spec", "matchConditions"], NAME),
    ("admissionregistration.k8s.io", "*", &["spec", "variables"], NAME),
    ("argoproj.io", "*", &["sources"], SOURCES),
    ("argoproj.io", "*", &["source", "helm", "parameters"], NAME),
    ("argoproj.io", "*", &["source", "helm", "fileParameters"], NAME),
    ("argoproj.io", "*", &["source", "kustomize", "replicas"], NAME),
    ("argoproj.io", "*", &["source", "plugin", "env"], NAME),
    ("argoproj.io", "*", &["source", "plugin", "parameters"], NAME),
    ("argoproj.io", "*", &["info"], NAME),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", &["spec", "images"], NAME),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", &["spec", "dependsOn"], DEPENDENCY),
    ("kustomize.toolkit.fluxcd.io", "Kustomization", &["spec", "postBuild", "substituteFrom"], REFERENCE),
    ("helm.toolkit.fluxcd.io", "HelmRelease", &["spec", "valuesFrom"], VALUES_FROM),
    ("helm.toolkit.fluxcd.io", "HelmRelease", &["spec", "dependsOn"], DEPENDENCY),
    ("apiextensions.crossplane.io", "Composition", &["spec", "pipeline"], STEP),
    ("apiextensions.crossplane.io", "Composition", &["spec", "pipeline", "input", "resources"], NAME),
    ("apiextensions.crossplane.io", "Composition", &["spec", "pipeline", "input", "patchSets"], NAME),
    ("apiextensions.crossplane.io", "Composition", &["spec", "resources"], NAME),
    ("apiextensions.crossplane.io", "Composition", &["spec", "resources", "connectionDetails"], NAME),
    ("apiextensions.crossplane.io", "Composition", &["spec", "patchSets"], NAME),
];

impl Kind {
    /// Reads what a document says it is.
    pub(super) fn of(document: &Value) -> Kind {
        let text = |key: &str| document.get(key).and_then(Value::as_str).unwrap_or_default();
        let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
        Kind { group: group.to_owned(), name: text("kind").to_owned() }
    }

    /// Where a pod's spec stands in an object of this kind.
    pub(super) fn pod_spec(&self) -> Option<&'static [&'static str]> {
        const TEMPLATE: &[&str] = &["spec", "template", "spec"];
        match (self.group.as_str(), self.name.as_str()) {
            ("", "Pod") => Some(&["spec"]),
            ("", "PodTemplate") => Some(&["template", "spec"]),
            ("", "ReplicationController")
            | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job")
            | ("argoproj.io", "Rollout") => Some(TEMPLATE),
            ("batch", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
            _ => None,
        }
    }

    /// Where an Argo CD application's spec stands in an object of this kind.
    pub(super) fn application(&self) -> Option<&'static [&'static str]> {
        match (self.group.as_str(), self.name.as_str()) {
            ("argoproj.io", "Application") => Some(&["spec"]),
            ("argoproj.io", "ApplicationSet") => Some(&["spec", "template", "spec"]),
            _ => None,
        }
    }

    /// How the list at a path of keys is merged; elements on the way are left out of the path.
    pub(super) fn rule(&self, path: &[&str]) -> Rule {
        if let ["metadata", last] | [.., "template" | "jobTemplate", "metadata", last] = path {
            return match *last {
                "finalizers" => Rule::Set,
                "ownerReferences" => UID,
                _ => Rule::Whole,
            };
        }
        if path == ["status", "conditions"] {
            return TYPE;
        }
        if let Some(inner) = self.pod_spec().and_then(|spec| path.strip_prefix(spec)) {
            return in_pod(inner);
        }
        if let Some(inner) = self.application().and_then(|spec| path.strip_prefix(spec)) {
            return self.in_object(&as_source(inner));
        }
        self.in_object(path)
    }

    fn in_object(&self, path: &[&str]) -> Rule {
        let kind = |name: &str| name == "*" || name == self.name;
        let found = OBJECTS.iter().find(|(group, name, at, _)| *group == self.group && kind(name) && *at == path);
        found.map_or(Rule::Whole, |(_, _, _, rule)| *rule)
    }
}

fn in_pod(path: &[&str]) -> Rule {
    let fits = |at: &[&str]| match (at, path) {
        ([star, rest @ ..], [list, inner @ ..]) if *star == "*" => CONTAINERS.contains(list) && rest == inner,
        _ => at == path,
    };
    POD.iter().find(|(at, _)| fits(at)).map_or(Rule::Whole, |(_, rule)| *rule)
}

/// A source among `sources` is merged like the one `source`.
fn as_source<'p>(path: &[&'p str]) -> Vec<&'p str> {
    match path {
        ["sources", rest @ ..] if !rest.is_empty() => [&["source"], rest].concat(),
        _ => path.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_merged_as_their_kind_says() {
        let rule = |api: &str, kind: &str, path: &str| {
            let kind = Kind::of(&json!({"apiVersion": api, "kind": kind}));
            kind.rule(&path.split('.').collect::<Vec<_>>())
        };
        let pod = "spec.template.spec";
        for (api, kind, path, wanted) in [
            ("apps/v1", "Deployment", &*format!("{pod}.containers"), NAME),
            ("apps/v1", "Deployment", &format!("{pod}.initContainers.env"), NAME),
            ("apps/v1", "Deployment", &format!("{pod}.containers.ports"), CONTAINER_PORT),
            ("apps/v1", "Deployment", &format!("{pod}.containers.args"), Rule::Whole),
            ("apps/v1", "Deployment", &format!("{pod}.containers.envFrom"), Rule::Whole),
            ("apps/v1", "Deployment", &format!("{pod}.tolerations"), Rule::Whole),
            ("apps/v1", "Deployment", &format!("{pod}.imagePullSecrets"), NAME),
            ("apps/v1", "StatefulSet", "spec.volumeClaimTemplates", Rule::Whole),
            ("batch/v1", "CronJob", "spec.jobTemplate.spec.template.spec.containers", NAME),
            ("v1", "Pod", "spec.hostAliases", IP),
            ("v1", "Service", "spec.ports", SERVICE_PORT),
            ("v1", "ServiceAccount", "secrets", NAME),
            ("v1", "ServiceAccount", "imagePullSecrets", Rule::Whole),
            ("v1", "ConfigMap", "metadata.finalizers", Rule::Set),
            ("v1", "ConfigMap", "metadata.ownerReferences", UID),
            ("networking.k8s.io/v1", "NetworkPolicy", "spec.egress.ports", Rule::Whole),
            ("example.org/v1", "Deployment", &format!("{pod}.containers"), Rule::Whole),
            ("example.org/v1", "Anything", "status.conditions", TYPE),
            ("argoproj.io/v1alpha1", "Application", "spec.source.helm.parameters", NAME),
            ("argoproj.io/v1alpha1", "Application", "spec.sources.helm.parameters", NAME),
            ("argoproj.io/v1alpha1", "Application", "spec.sources", SOURCES),
            ("argoproj.io/v1alpha1", "ApplicationSet", "spec.template.spec.source.helm.parameters", NAME),
            ("argoproj.io/v1alpha1", "ApplicationSet", "spec.generators", Rule::Whole),
            ("argoproj.io/v1alpha1", "Rollout", &format!("{pod}.containers"), NAME),
            ("helm.toolkit.fluxcd.io/v2", "HelmRelease", "spec.values.env", Rule::Whole),
            ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "spec.images", NAME),
            ("apiextensions.crossplane.io/v1", "Composition", "spec.pipeline", STEP),
        ] {
            assert_eq!(rule(api, kind, path), wanted, "{api} {kind} {path}");
        }
    }
}
