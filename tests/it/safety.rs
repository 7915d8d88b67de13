//! The table of safety layers names files and tests that are there.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, text: &mut String) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_layer_has_its_file_and_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    sources(&root.join("tests"), &mut code);
    let text = std::fs::read_to_string(root.join("docs/safety.md")).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert!(rows.len() >= 25, "{} layers", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let (files, tests) = (names(cells[1]), names(cells[2]));
        assert!(files.len() == 1 && !tests.is_empty(), "{row}");
        assert!(root.join(&files[0]).is_file(), "docs/safety.md: there is no {}", files[0]);
        for test in tests {
            assert!(code.contains(&format!("fn {test}()")), "docs/safety.md: there is no test {test}");
        }
    }
}
