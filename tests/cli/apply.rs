//! `plan` and `apply`: exactly the bytes that were meant, or none at all.

use crate::folders::{put, snapshot};
use crate::run::{Ran, binary, countersign, finish, text};
use serde_json::{Value, json};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use tempfile::TempDir;

const DEPLOYMENT: &str =
    "# kept by hand\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  replicas: 2 # two\n";

/// A folder with a deployment, values and an overlay.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "apps/api/deployment.yaml", DEPLOYMENT);
    put(folder.path(), "charts/api/values.yaml", "image:\n  tag: \"1.0\"\nreplicaCount: 2\n");
    folder
}

/// One change of the deployment's replicas in this file.
fn replicas(file: &str, value: u64) -> Value {
    json!({"manifest": {"file": file, "select": {"kind": "Deployment", "name": "api"},
        "edits": [{"op": "set", "path": "spec.replicas", "value": value}]}})
}

fn helm(file: &str, tag: &str) -> Value {
    json!({"helm": {"values": file, "set": {"image.tag": tag}}})
}

/// Runs `apply` or `plan` with a list of changes that lies outside of the folder.
fn run(verb: &str, folder: &Path, changes: impl AsRef<[u8]>) -> Ran {
    let desk = tempfile::tempdir().unwrap();
    let file = text(put(desk.path(), "changes.json", changes));
    countersign([verb, "--output", "json", "--repository", &text(folder), "--changes", &file])
}

fn apply(folder: &Path, changes: &[Value]) -> Ran {
    run("apply", folder, json!(changes).to_string())
}

/// Demands a refusal with this code and not one byte changed.
#[track_caller]
fn refuses(folder: &Path, changes: &[Value], code: &str) -> Value {
    let before = snapshot(folder);
    let answer = apply(folder, changes).code(3).json();
    assert_eq!(answer["refusal"]["code"], code, "{answer}");
    assert!(answer["refusal"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{answer}");
    assert!(snapshot(folder) == before, "something was written: {answer}");
    answer["refusal"].clone()
}

#[test]
fn the_meant_bytes_are_written_and_counted() {
    let folder = folder();
    let answer =
        apply(folder.path(), &[replicas("apps/api/deployment.yaml", 3), helm("charts/api/values.yaml", "1.1")]);
    let files = json!({"files": [
        {"path": "apps/api/deployment.yaml", "added": 1, "removed": 1},
        {"path": "charts/api/values.yaml", "added": 1, "removed": 1},
    ]});
    assert_eq!(answer.code(0).json(), files);
    let after = std::fs::read_to_string(folder.path().join("apps/api/deployment.yaml")).unwrap();
    assert_eq!(after, DEPLOYMENT.replace("replicas: 2", "replicas: 3"));
    let again = apply(folder.path(), &[replicas("apps/api/deployment.yaml", 3)]).code(0).json();
    assert_eq!(again, json!({"files": []}), "done already");
}

#[test]
fn a_whole_proposal_may_be_given_on_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let shop = countersign::cli::demo::shop();
    let file = "apps/web/staging/kustomization.yaml";
    put(folder.path(), file, &shop[file]);
    let mut command = binary();
    command.args(["apply", "--repository", &text(folder.path()), "--proposal", "-"]);
    let document = crate::site::set_image("one", "web", "7.0").to_string();
    let ran = finish(command, document.into_bytes()).code(0);
    assert_eq!(ran.out, format!("{file}: 1 lines added, 1 removed\n"));
    assert!(std::fs::read_to_string(folder.path().join(file)).unwrap().contains("newTag: \"7.0\" # kept by hand"));
}

#[test]
fn a_plan_changes_nothing_and_shows_words_and_diff() {
    let folder = folder();
    let before = snapshot(folder.path());
    let desk = tempfile::tempdir().unwrap();
    let file = text(put(desk.path(), "c.json", json!([replicas("apps/api/deployment.yaml", 0)]).to_string()));
    let words = countersign(["plan", "--repository", &text(folder.path()), "--changes", &file]).code(0).out;
    assert!(words.contains("apps/api/deployment.yaml: ") && words.contains("spec.replicas 2 -> 0"), "{words}");
    assert!(words.contains("danger: "), "scaling to nothing is dangerous: {words}");
    assert!(words.contains("\n-  replicas: 2 # two\n+  replicas: 0 # two\n"), "{words}");
    let answer =
        run("plan", folder.path(), json!([replicas("apps/api/deployment.yaml", 3)]).to_string()).code(0).json();
    assert_eq!(answer["files"][0]["path"], "apps/api/deployment.yaml");
    assert_eq!(answer["hazards"], json!([]));
    assert_eq!(answer["words"], json!(["apps/api/deployment.yaml: spec.replicas 2 -> 3"]));
    assert_eq!(answer["edits"][0]["edits"][0]["op"], "set", "{answer}");
    assert_eq!(answer["inverse"]["sha256"].as_str().map(str::len), Some(64), "{answer}");
    assert!(!words.contains('\u{1b}'), "no colour where nobody looks: {words}");
    assert!(answer["diff"].as_str().unwrap().contains("+  replicas: 3 # two"), "{answer}");
    run("plan", folder.path(), json!([replicas("nothing.yaml", 3)]).to_string()).code(3);
    assert!(snapshot(folder.path()) == before);
}

#[test]
fn when_the_second_file_is_refused_the_first_is_not_written() {
    let folder = folder();
    let first = replicas("apps/api/deployment.yaml", 3);
    let refusal = refuses(folder.path(), &[first.clone(), helm("charts/none/values.yaml", "1.1")], "not_found");
    assert_eq!(refusal["file"], "charts/none/values.yaml");
    put(folder.path(), "charts/broken.yaml", "a: [1\nb: 2\n");
    refuses(folder.path(), &[first, helm("charts/broken.yaml", "1.1")], "parse");
}

#[test]
fn links_are_never_followed() {
    let (folder, outside) = (folder(), folder());
    symlink(outside.path().join("apps/api/deployment.yaml"), folder.path().join("linked.yaml")).unwrap();
    symlink(outside.path().join("apps"), folder.path().join("linked")).unwrap();
    symlink("apps/api/deployment.yaml", folder.path().join("inside.yaml")).unwrap();
    symlink("nowhere", folder.path().join("dangling.yaml")).unwrap();
    let before = snapshot(outside.path());
    for path in ["linked.yaml", "linked/api/deployment.yaml", "inside.yaml", "dangling.yaml"] {
        let refusal = refuses(folder.path(), &[replicas(path, 3)], "link");
        assert_eq!(refusal["file"], path);
    }
    assert!(snapshot(outside.path()) == before);
}

#[test]
fn a_repository_of_its_own_is_left_alone() {
    let folder = folder();
    put(folder.path(), ".git/HEAD", "ref: refs/heads/main\n");
    for (marker, place) in [("vendor/one/.git/HEAD", "vendor/one"), ("vendor/two/.git", "vendor/two")] {
        put(folder.path(), marker, "gitdir: ../../.git/modules/two\n");
        put(folder.path(), &format!("{place}/deep/deployment.yaml"), DEPLOYMENT);
        refuses(folder.path(), &[replicas(&format!("{place}/deep/deployment.yaml"), 3)], "link");
    }
    apply(folder.path(), &[replicas("apps/api/deployment.yaml", 3)]).code(0);
}

#[test]
fn mode_line_ends_and_the_missing_last_one_stay() {
    let folder = folder();
    let path = folder.path().join("apps/api/deployment.yaml");
    let dos = format!("\u{feff}{}", DEPLOYMENT.trim_end().replace('\n', "\r\n"));
    std::fs::write(&path, &dos).unwrap();
    for (mode, value) in [(0o755, 3), (0o640, 4), (0o444, 5)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        apply(folder.path(), &[replicas("apps/api/deployment.yaml", value)]).code(0);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        let after = std::fs::read_to_string(&path).unwrap();
        assert_eq!(after, dos.replace("replicas: 2", &format!("replicas: {value}")));
    }
}

#[test]
fn paths_that_are_never_written() {
    let folder = folder();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    put(folder.path(), "inside/.github/workflows/ci.yaml", DEPLOYMENT);
    put(folder.path(), "inside/.git/config.yaml", DEPLOYMENT);
    let absolute = text(folder.path().join("apps/api/deployment.yaml"));
    let before = snapshot(folder.path());
    let forbidden = [
        "../apps/api/deployment.yaml",
        "a/../../apps/api/deployment.yaml",
        absolute.as_str(),
        ".github/workflows/ci.yaml",
        ".GitHub/workflows/ci.yaml",
        ".git/config.yaml",
        ".GIT/config.yaml",
        ".countersign.yaml",
        "a\\b.yaml",
        "a//b.yaml",
        "./apps/x.yaml",
        "a\u{200b}.yaml",
        "",
    ];
    for path in forbidden {
        refuses(&inside, &[replicas(path, 3)], "path_forbidden");
    }
    assert!(snapshot(folder.path()) == before);
}

#[test]
fn files_that_are_no_documents() {
    let folder = folder();
    let files: [(&str, Vec<u8>, &str); 6] = [
        ("empty.yaml", Vec::new(), "not_found"),
        ("binary.yaml", vec![0xff, 0x00, 0xfe, 0x80], "not_utf8"),
        ("nul.yaml", b"a: \0\n".to_vec(), "parse"),
        ("broken.yaml", b"a: [1\n".to_vec(), "parse"),
        ("template.yaml", b"{{ if .Values.x }}\nkind: Deployment\n{{ end }}\n".to_vec(), "template"),
        ("huge.yaml", vec![b'#'; 9 << 20], "too_large"),
    ];
    for (name, bytes, code) in files {
        put(folder.path(), name, bytes);
        refuses(folder.path(), &[replicas(name, 3)], code);
    }
    refuses(folder.path(), &[replicas("apps", 3)], "not_found");
    refuses(folder.path(), &[replicas("apps/api/deployment.yaml/x", 3)], "not_found");
}

#[test]
fn requests_that_cannot_be_understood() {
    let folder = folder();
    let before = snapshot(folder.path());
    let good = json!([replicas("apps/api/deployment.yaml", 3)]).to_string();
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("truncated", good[..good.len() - 9].into(), ""),
        ("empty", Vec::new(), ""),
        ("binary", vec![0xff, 0xfe, 0x00], ""),
        ("unknown key", good.replace("\"edits\"", "\"edit\"").into(), "edit"),
        ("unknown engine", good.replace("\"manifest\"", "\"ansible\"").into(), "ansible"),
        ("not a list", b"{\"a\": 1}".to_vec(), ""),
        (
            "twice the same key",
            b"[{\"helm\": {\"values\": \"a.yaml\", \"values\": \"b.yaml\", \"set\": {}}}]".to_vec(),
            "values",
        ),
        ("too deep", [b"[".repeat(100_000), b"]".repeat(100_000)].concat(), ""),
    ];
    for (name, changes, word) in cases {
        let answer = run("apply", folder.path(), changes).code(3).json();
        assert_eq!(answer["refusal"]["code"], "parse", "{name}: {answer}");
        let said = answer.to_string();
        assert!(said.contains(word), "{name}: {said}");
    }
    assert!(snapshot(folder.path()) == before);
}

#[test]
fn a_request_of_100_mib_is_refused() {
    let folder = folder();
    let filler = "x".repeat(100 << 20);
    let changes = json!([helm("charts/api/values.yaml", &filler)]).to_string();
    let answer = run("apply", folder.path(), changes).code(3).json();
    assert_eq!(answer["refusal"]["code"], "too_large", "{answer}");
    let mut command = binary();
    command.args(["apply", "--output", "json", "--repository", &text(folder.path()), "--proposal", "-"]);
    let ran = finish(command, filler.into_bytes()).code(3);
    assert!(ran.out.len() < 4_096, "{} bytes", ran.out.len());
}

#[test]
fn folders_and_files_that_are_not_there_are_named() {
    let folder = folder();
    let missing = text(folder.path().join("nothing"));
    let file = text(put(folder.path(), "c.json", "[]"));
    countersign(["apply", "--repository", &missing, "--changes", &file])
        .fails_with(&[&missing, "cannot open the folder"]);
    countersign(["apply", "--repository", &file, "--changes", &file]).fails_with(&[&file, "is not a folder"]);
    let here = text(folder.path());
    countersign(["apply", "--repository", &here, "--changes", &missing]).fails_with(&[&missing, "cannot read"]);
    countersign(["apply", "--repository", &here, "--proposal", &file, "--changes", &file]).code(2);
}
