//! Which paths of a repository may be written at all; compiled in, and never reduced.

use super::{Code, Refusal};
use std::collections::BTreeMap;

/// The longest path, bytes.
const MAX_PATH: usize = 512;

/// Judges a path; the reason says which rule it breaks.
pub fn check(path: &str) -> Result<(), Refusal> {
    let refuse = |reason: String| Err(Refusal::of(Code::PathForbidden, reason).in_file(path));
    if path.is_empty() || path.len() > MAX_PATH {
        return refuse(format!("a path has 1 to {MAX_PATH} bytes"));
    }
    if let Some(bad) = path.chars().find(|c| c.is_control() || is_hidden(*c) || matches!(c, '\\' | ':')) {
        return refuse(format!("the path holds the character U+{:04X}", u32::from(bad)));
    }
    if path.starts_with('/') {
        return refuse("the path must be relative to the repository's root".into());
    }
    for part in path.split('/') {
        if let Some(reason) = bad_part(part) {
            return refuse(reason);
        }
    }
    match forbidden(&path.to_lowercase()) {
        Some(rule) => refuse(format!("`{rule}` is never written by countersign; change it by hand")),
        None => Ok(()),
    }
}

fn bad_part(part: &str) -> Option<String> {
    let lower = part.to_lowercase();
    match part {
        "" => return Some("the path has an empty part".into()),
        "." | ".." => return Some(format!("the path has the part `{part}`")),
        _ => {}
    }
    if part.ends_with([' ', '.']) || part.starts_with(' ') {
        return Some(format!("the part `{part}` begins or ends with a space or ends with a dot"));
    }
    // `git~1` is what some file systems call `.git`.
    let git = lower == ".git" || lower.starts_with("git~") && lower[4..].bytes().all(|b| b.is_ascii_digit());
    git.then(|| format!("the part `{part}` names git's own folder"))
}

/// Zero-width, bidirectional and ignorable characters, which file systems or people may not see.
fn is_hidden(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF)
}

/// The rule that forbids a lowercase path.
fn forbidden(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let folders = [
        (".github/", ".github/**"),
        (".gitlab/", ".gitlab/**"),
        (".circleci/", ".circleci/**"),
        (".countersign/", ".countersign*"),
    ];
    let names = [
        (".gitlab-ci.yml", ".gitlab-ci.yml"),
        ("codeowners", "**/CODEOWNERS"),
        (".sops.yaml", ".sops.yaml"),
        ("atlantis.yaml", "atlantis.yaml"),
        ("digger.yml", "digger.yml"),
        ("jenkinsfile", "Jenkinsfile"),
    ];
    let folder = folders.iter().find(|(prefix, _)| path.starts_with(prefix) || path.contains(&format!("/{prefix}")));
    let file = names.iter().find(|(wanted, _)| name == *wanted);
    let dotted =
        [(".countersign", ".countersign*"), (".git", ".git*")].into_iter().find(|(prefix, _)| name.starts_with(prefix));
    folder.or(file).map(|(_, rule)| *rule).or(dotted.map(|(_, rule)| rule))
}

/// Refuses two paths that a file system without case or with other Unicode forms would take for one.
pub(super) fn check_distinct<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for path in paths {
        let folded = fold(path);
        match seen.insert(folded, path) {
            Some(other) if other != path => {
                let reason = format!("`{other}` and `{path}` are one file where case or Unicode form does not count");
                return Err(Refusal::of(Code::PathForbidden, reason).in_file(path));
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// Lowercase with combining marks and their common composed forms brought together.
fn fold(path: &str) -> String {
    path.to_lowercase().chars().filter(|c| !matches!(u32::from(*c), 0x300..=0x36F)).map(base_letter).collect()
}

fn base_letter(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tm67_paths_that_lead_elsewhere_are_refused() {
        for path in [
            "../x",
            "a/../x",
            "/etc/x",
            "a//b",
            ".git/config",
            ".GIT/x",
            "git~1",
            "git~1/config",
            "a/.git/b",
            ".g\u{200c}it/x",
            "a ",
            "a./b",
            "b.",
            "C:x",
            "a\0b",
            "a\rb",
            "a\nb",
            "a\\b",
            "",
            ".",
            "a/./b",
            &"x".repeat(513),
            " a",
        ] {
            assert!(check(path).is_err(), "{path:?}");
        }
        for path in ["a", "apps/web/values.yaml", "a.b/c-d_e", "größe.yaml", "x/.hidden"] {
            assert!(check(path).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn the_floor_of_refused_paths() {
        for path in [
            ".github/workflows/ci.yml",
            ".GitHub/countersign.yaml",
            ".gitlab-ci.yml",
            ".gitlab/x",
            "a/CODEOWNERS",
            ".gitignore",
            "deploy/.gitattributes",
            ".countersign.yaml",
            ".countersign/policy.rego",
            "Jenkinsfile",
            "atlantis.yaml",
            "digger.yml",
            ".sops.yaml",
            ".circleci/config.yml",
            "sub/.github/workflows/x.yml",
        ] {
            assert!(check(path).is_err(), "{path}");
        }
    }

    #[test]
    fn tm70_paths_that_fold_together_are_refused() {
        assert!(check_distinct(["a/B.yaml", "a/b.yaml"]).is_err());
        assert!(check_distinct(["caf\u{e9}.yaml", "cafe\u{301}.yaml"]).is_err());
        assert!(check_distinct(["a", "a", "b"]).is_ok());
    }
}
