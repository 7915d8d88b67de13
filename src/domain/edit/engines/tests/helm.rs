use super::{Code, gives, refused, run};
use serde_json::{Value, json};

const FILE: &str = "c/values.yaml";
const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n  - name: redis\n    version: 19.0.0\n    repository: oci://registry-1.docker.io/bitnamicharts\n  - name: redis\n    alias: cache\n    version: 19.0.0\n    repository: oci://registry-1.docker.io/bitnamicharts\n  - name: postgresql\n    alias: db\n    version: ^15.0.0\n    repository: https://charts.bitnami.com/bitnami\n    condition: db.enabled\n";

fn change(words: Value) -> Value {
    let mut all = json!({ "values": FILE });
    all.as_object_mut().expect("map").extend(words.as_object().expect("words").clone());
    json!({ "helm": all })
}

#[test]
fn values() {
    let own = "image: {tag: a}\nhosts:\n  - a # one\nannotations:\n  x.y/z: q\n";
    let cases = [
        (json!({"set": {"image.tag": "1.10"}}), own.replace("tag: a", "tag: \"1.10\"")),
        (json!({"set": {"image.tag": "a"}}), own.to_owned()),
        (json!({"set": {r"annotations.x\.y/z": "r"}}), own.replace("z: q", "z: r")),
        (json!({"set": {"hosts[1]": "b"}}), own.replace("# one\n", "# one\n  - b\n")),
        (json!({"set": {"global.imageRegistry": "r"}}), format!("{own}global:\n  imageRegistry: r\n")),
        (json!({"set": {"x.a": 1, "x.b": 2}}), format!("{own}x:\n  a: 1\n  b: 2\n")),
        (json!({"remove": [r"annotations.x\.y/z"]}), own.replace("annotations:\n  x.y/z: q", "annotations: {}")),
    ];
    for (words, after) in cases {
        gives(FILE, own, &change(words), &after);
    }
    let template = [("c/templates/d.yaml", "a: 1\n"), ("c/Chart.yaml", CHART)];
    let words = json!({"helm": {"values": "c/templates/d.yaml", "set": {"a": 2}}});
    refused(&template, &words, Code::Template, "change the chart's values");
    refused(&[(FILE, "a: 1\n")], &change(json!({"set": {"hosts[3]": "b"}})), Code::NotFound, "hosts");
}

#[test]
fn values_of_subcharts() {
    let files = |values: &'static str| [(FILE, values), ("c/Chart.yaml", CHART)];
    let set = |name: &str| change(json!({"subchart": name, "set": {"auth.enabled": false}}));
    let after = |values: &'static str, name: &str| run(&files(values), &set(name)).expect(name)[FILE].clone();
    assert_eq!(after("db:\n  auth: {}\n", "postgresql"), "db:\n  auth:\n    enabled: false\n");
    assert_eq!(after("db:\n  auth: {}\n", "db"), "db:\n  auth:\n    enabled: false\n");
    assert_eq!(after("a: 1\n", "cache"), "a: 1\ncache:\n  auth:\n    enabled: false\n");
    refused(&files("a: 1\n"), &set("redis"), Code::Ambiguous, "redis or cache");
    refused(&files("a: 1\n"), &set("mysql"), Code::NotFound, "redis, cache, db");
    refused(&[(FILE, "a: 1\n")], &set("redis"), Code::NotFound, "no Chart.yaml");
    // Helm does not read the values of an aliased dependency under its name
    let typo = change(json!({"set": {"postgresql.auth.enabled": false}}));
    refused(&files("a: 1\n"), &typo, Code::NotFound, "under `db`");
    assert!(run(&files("postgresql: {own: key}\n"), &typo).is_ok());
}

#[test]
fn images() {
    let own = "web:\n  image:\n    registry: docker.io\n    repository: acme/web\n    tag: \"1.0\"\n    digest: sha256:aa\nold:\n  image: docker.io/acme/old:1.0 # pinned\nplain: {image: {repository: acme/p}}\n";
    let image = |words: Value| json!({ "images": [words] });
    let cases = [
        (
            image(json!({"path": "web.image", "tag": "2.0"})),
            own.replace("\"1.0\"", "\"2.0\"").replace("sha256:aa", "\"\""),
        ),
        (image(json!({"path": "web.image", "digest": "sha256:bb"})), own.replace("sha256:aa", "sha256:bb")),
        (
            image(json!({"path": "web.image", "registry": "ghcr.io"})),
            own.replace("registry: docker.io", "registry: ghcr.io"),
        ),
        (image(json!({"path": "old.image", "tag": "2.0"})), own.replace("old:1.0", "old:2.0")),
        (image(json!({"path": "plain.image", "tag": "2"})), own.replace("acme/p}", "acme/p, tag: \"2\"}")),
    ];
    for (words, after) in cases {
        gives(FILE, own, &change(words), &after);
    }
    let refusals = [
        (json!({"path": "web.image", "repository": "ghcr.io/acme/web"}), Code::Ambiguous, "as `registry`"),
        (json!({"path": "plain.image", "digest": "sha256:bb"}), Code::NotFound, "key `digest`"),
        (json!({"path": "old.image", "registry": "x.io"}), Code::Parse, "one text"),
        (json!({"path": "web", "tag": "2"}), Code::Parse, "known shape"),
        (json!({"path": "none.image", "tag": "2"}), Code::NotFound, "no image"),
    ];
    for (words, code, reason) in refusals {
        refused(&[(FILE, own)], &change(image(words)), code, reason);
    }
    let global = format!("global:\n  imageRegistry: r.io\n{own}");
    let words = change(image(json!({"path": "web.image", "registry": "ghcr.io"})));
    refused(&[(FILE, &global)], &words, Code::Ambiguous, "global.imageRegistry");
    // what the chart's own values say counts for the ones that override them
    let files = [
        ("c/values-prod.yaml", "image: {tag: a}\n"),
        (FILE, "image: {tag: '', digest: sha256:cc}\n"),
        ("c/Chart.yaml", CHART),
    ];
    let words = json!({"helm": {"values": "c/values-prod.yaml", "images": [{"path": "image", "tag": "b"}]}});
    assert_eq!(run(&files, &words).expect("overrides")["c/values-prod.yaml"], "image: {tag: b, digest: \"\"}\n");
}

#[test]
fn the_chart_itself() {
    let words = json!({"helm": {"chart": "c", "version": "1.1.0", "appVersion": "2.0"}});
    let after = CHART.replace("version: 1.0.0", "version: 1.1.0");
    let wanted = format!("{after}appVersion: \"2.0\"\n");
    assert_eq!(run(&[("c/Chart.yaml", CHART)], &words).expect("chart")["c/Chart.yaml"], wanted);
    refused(&[(FILE, "a: 1\n")], &words, Code::NotFound, "no such file");
}

#[test]
fn dependencies_without_a_lock() {
    let bump = |name: &str| json!({"helm": {"chart": "c", "dependencies": [{"name": name, "version": "20.1.0"}]}});
    let files = [("c/Chart.yaml", CHART)];
    let after = CHART.replace("cache\n    version: 19.0.0", "cache\n    version: 20.1.0");
    assert_eq!(run(&files, &bump("cache")).expect("alias")["c/Chart.yaml"], after);
    let after = CHART.replace("^15.0.0", "20.1.0");
    assert_eq!(run(&files, &bump("postgresql")).expect("name")["c/Chart.yaml"], after);
    refused(&files, &bump("redis"), Code::Ambiguous, "say redis or cache");
    refused(&files, &bump("mysql"), Code::NotFound, "no dependency `mysql`");
    let vendored = [("c/Chart.yaml", CHART), ("c/charts/postgresql/Chart.yaml", "name: postgresql\n")];
    refused(&vendored, &bump("db"), Code::NotUtf8, "would be stale");
    let old = "dependencies:\n- name: redis\n  version: 1.0.0\n  repository: \"\"\n";
    let found = run(&[("c/Chart.yaml", "name: x\n"), ("c/requirements.yaml", old)], &bump("redis")).expect("old");
    assert_eq!(found["c/requirements.yaml"], old.replace("1.0.0", "20.1.0"));
}

#[test]
fn the_lock_follows() {
    let chart = "apiVersion: v2\nname: x\nversion: 0.1.0\ndependencies:\n- name: kube-state-metrics\n  version: \"2.9.*\"\n  repository: https://kubernetes.github.io/kube-state-metrics\n  condition: kubeStateMetrics.enabled\n- name: prometheus-node-exporter\n  version: \"1.12.*\"\n  repository: https://prometheus-community.github.io/helm-charts\n  condition: nodeExporter.enabled\n- name: grafana\n  version: \"6.1.*\"\n  repository: https://grafana.github.io/helm-charts\n  condition: grafana.enabled\n";
    let lock = "dependencies:\n- name: kube-state-metrics\n  repository: https://kubernetes.github.io/kube-state-metrics\n  version: 2.9.7\n- name: prometheus-node-exporter\n  repository: https://prometheus-community.github.io/helm-charts\n  version: 1.12.0\n- name: grafana\n  repository: https://grafana.github.io/helm-charts\n  version: 6.1.17\ndigest: sha256:618d35aba8290330ef4c39438e6be271e17c68aed8806acd626ce8b844056415\ngenerated: \"2021-01-14T16:55:53.236240429+01:00\"\n";
    let bump = |version: &str, lock: &str| json!({"helm": {"chart": "c", "lock": lock, "dependencies": [{"name": "grafana", "version": version}]}});
    let files = [("c/Chart.yaml", chart), ("c/Chart.lock", lock)];
    let after = run(&files, &bump("6.2.0", "update")).expect("follows");
    assert_eq!(after["c/Chart.yaml"], chart.replace("6.1.*", "6.2.0"));
    // made by hashing both lists in Python, in the order of Helm's fields
    let digest = "1faf604be5746a1f374c913c61b159d90351c4503a75ae450b26827a0633d33b";
    let wanted = lock
        .replace("6.1.17", "6.2.0")
        .replace("618d35aba8290330ef4c39438e6be271e17c68aed8806acd626ce8b844056415", digest);
    assert_eq!(after["c/Chart.lock"], wanted);
    let kept = run(&files, &bump("^6.2.0", "keep")).expect("keeps");
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["c/Chart.yaml"]);
    refused(&files, &bump("^6.2.0", "update"), Code::Ambiguous, "exact one");
    let stale = lock.replace("2.9.7", "2.9.8");
    refused(
        &[("c/Chart.yaml", chart), ("c/Chart.lock", &stale)],
        &bump("6.2.0", "update"),
        Code::Ambiguous,
        "helm dependency",
    );
    let vendored = [("c/Chart.yaml", chart), ("c/Chart.lock", lock), ("c/charts/grafana-6.1.17.tgz", "\0")];
    refused(&vendored, &bump("6.2.0", "update"), Code::NotUtf8, "lock: keep");
}
