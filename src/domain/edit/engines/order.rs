//! The usual order of the keys of files whose format has one.
//!
//! Must not move a key: only a new one is put where it belongs.

/// The names that a kustomization file may have.
pub(super) const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The order in which `kustomize edit` writes fields that are new.
const KUSTOMIZATION: [&str; 34] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "bases",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "crds",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "configMapGenerator",
    "secretGenerator",
    "helmCharts",
    "helmChartInflationGenerator",
    "helmGlobals",
    "generatorOptions",
    "vars",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "components",
    "openapi",
    "buildMetadata",
    "sortOptions",
];

/// The order in which Helm's documentation lists a chart's fields.
const CHART: [&str; 15] = [
    "apiVersion",
    "name",
    "version",
    "kubeVersion",
    "description",
    "type",
    "keywords",
    "home",
    "sources",
    "dependencies",
    "maintainers",
    "icon",
    "appVersion",
    "deprecated",
    "annotations",
];

/// The order of a file's root keys; empty where there is none.
pub(in crate::domain::edit) fn of(file: &str) -> &'static [&'static str] {
    match file.rsplit('/').next().unwrap_or(file) {
        name if KUSTOMIZATIONS.contains(&name) => &KUSTOMIZATION,
        "Chart.yaml" => &CHART,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_an_order_are_known_by_their_name() {
        for file in ["kustomization.yaml", "a/b/kustomization.yml", "a/Kustomization"] {
            assert_eq!(of(file).first(), Some(&"apiVersion"), "{file}");
            assert!(of(file).contains(&"replicas"), "{file}");
        }
        assert!(of("charts/web/Chart.yaml").contains(&"appVersion"));
        for file in ["values.yaml", "kustomization.yaml/x.yaml", "a/chart.yaml"] {
            assert!(of(file).is_empty(), "{file}");
        }
    }
}
