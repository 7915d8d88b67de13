//! Reads the sources: imports point down, crates stay in their rooms, nothing panics, files stay small.

use std::path::{Path, PathBuf};

/// The rooms, and what each may import; `forge::hook` is the one room behind a door.
const ROOMS: [(&str, &[&str]); 12] = [
    ("cli", &["app", "web", "sink", "engine", "forge", "git", "store", "render", "config", "domain"]),
    ("app", &["web", "sink", "engine", "forge", "git", "store", "render", "config", "domain"]),
    ("web", &["store", "render", "config", "domain", "forge::hook"]),
    ("sink", &["store", "config", "domain", "forge::resolve", "forge::fetch"]),
    ("engine", &["forge", "git", "store", "render", "config", "domain"]),
    ("forge", &["git", "domain"]),
    ("git", &["domain"]),
    ("store", &["domain"]),
    ("render", &["domain"]),
    ("config", &["domain"]),
    ("domain", &[]),
    ("main", &["cli"]),
];

/// The modules of the domain, lowest first.
const DOMAIN: [&str; 13] = [
    "ids",
    "canon",
    "redact",
    "trust",
    "change",
    "edit",
    "proposal",
    "attest",
    "approval",
    "audit",
    "facts",
    "policy",
    "lifecycle",
];

/// Crates and the only places that may name them.
const CRATES: [(&str, &[&str]); 8] = [
    ("git2", &["git/"]),
    ("sqlx", &["store/"]),
    ("axum", &["web/", "app/serve"]),
    ("reqwest", &["forge/", "cli/", "sink/"]),
    ("octocrab", &["forge/github"]),
    ("gitlab", &["forge/gitlab"]),
    ("regorus", &["engine/rego"]),
    ("minijinja", &["render/", "web/"]),
];

/// The most lines of a file, and the files that may have more.
const MOST_LINES: usize = 400;
const LONG: [(&str, &str); 0] = [];

/// What is wrong with one file; `path` is relative to `src`.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let is_test = ["tests.rs", "random.rs"].iter().any(|end| path.ends_with(end))
        || path.contains("/tests/")
        || path.contains("/random/");
    if !is_test && !text.starts_with("//!") {
        found.push("has no `//!` header that says what it must not do".into());
    }
    let (lines, listed) = (text.lines().count(), LONG.iter().any(|(long, _)| *long == path));
    if lines > MOST_LINES && !listed {
        found.push(format!("has {lines} lines: split it, or list it with a reason"));
    } else if lines <= MOST_LINES && listed {
        found.push("is listed as long and is not".into());
    }
    if !is_test {
        let code = code(text);
        found.extend(imports(path, &code).into_iter().filter_map(|target| import_fault(&module(path), &target)));
        found.extend(crates(path, &code));
        found.extend(panics(&code));
        found.extend(tally(path, &code));
    }
    found.iter().map(|fault| format!("src/{path}: {fault}")).collect()
}

/// The text without comments and without modules that only tests have.
fn code(text: &str) -> String {
    let (mut out, mut lines) = (String::new(), text.lines());
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            let opens = lines.by_ref().find(|line| !line.starts_with("#["));
            if opens.is_some_and(|line| line.ends_with('{')) {
                lines.by_ref().find(|line| *line == "}");
            }
            continue;
        }
        let line = line.trim_start();
        if !line.starts_with("//") {
            out.push_str(line.split(" // ").next().unwrap_or_default());
            out.push('\n');
        }
    }
    out
}

/// The module of a file: `domain/edit/yaml/mod.rs` is `domain`, `edit`, `yaml`.
fn module(path: &str) -> Vec<String> {
    let plain = path.strip_suffix(".rs").unwrap_or(path);
    plain.strip_suffix("/mod").unwrap_or(plain).split('/').map(str::to_owned).collect()
}

/// Every path that begins with `crate::` or `super::`, as a module path.
fn imports(path: &str, code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '$')) {
                continue;
            }
            let mut rest = &code[at..];
            let mut prefix = module(path);
            if let Some(after) = rest.strip_prefix("crate::") {
                (prefix, rest) = (Vec::new(), after);
            }
            while let Some(after) = rest.strip_prefix("super::") {
                prefix.pop();
                rest = after;
            }
            expand(&prefix, rest, &mut found);
        }
    }
    found
}

/// Follows `a::{b, c::d}`; answers what stands behind the tree.
fn expand<'a>(prefix: &[String], text: &'a str, found: &mut Vec<Vec<String>>) -> &'a str {
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.is_empty() && !rest.starts_with('}') {
            rest =
                expand(prefix, rest.trim_start_matches([',', ' ', '\n']), found).trim_start_matches([',', ' ', '\n']);
        }
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let mut path = prefix.to_vec();
    path.push(name.to_owned());
    if let Some(after) = rest.strip_prefix("::") {
        return expand(&path, after, found);
    }
    found.push(path);
    let renamed =
        rest.strip_prefix(" as ").map(|after| after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'));
    let rest = renamed.unwrap_or(rest);
    // Whatever is no list ends here; one character is always taken.
    if rest.starts_with([',', '}']) { rest } else { rest.get(1..).unwrap_or_default() }
}

fn import_fault(from: &[String], to: &[String]) -> Option<String> {
    let room = |path: &[String]| path.first().cloned().unwrap_or_default();
    let (here, there) = (room(from), room(to));
    if !ROOMS.iter().any(|(name, _)| *name == there) || here == "lib" {
        return None;
    }
    if here == there {
        return if here == "domain" { domain_fault(from, to) } else { None };
    }
    let allowed = ROOMS.iter().find(|(name, _)| *name == here).map_or(&[][..], |(_, allowed)| allowed);
    let deep = to.join("::");
    let fits = |door: &&str| there == **door || deep == **door || deep.starts_with(&format!("{door}::"));
    (!allowed.iter().any(fits)).then(|| format!("`{here}` imports `{deep}`"))
}

fn domain_fault(from: &[String], to: &[String]) -> Option<String> {
    let place = |path: &[String]| DOMAIN.iter().position(|name| path.get(1).is_some_and(|own| own == name));
    match (place(from), place(to)) {
        (Some(here), Some(there)) if there > here => {
            Some(format!("`{}` imports `{}`, which comes after it", from.join("::"), to.join("::")))
        }
        _ => None,
    }
}

fn crates(path: &str, code: &str) -> Vec<String> {
    let names = |name: &str| {
        code.match_indices(&format!("{name}::")).any(|(at, _)| {
            !code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
        })
    };
    let strange = |places: &[&str]| !places.iter().any(|place| path.starts_with(place));
    CRATES
        .iter()
        .filter(|(name, places)| strange(places) && names(name))
        .map(|(name, places)| format!("names `{name}`, which belongs to {}", places.join(", ")))
        .collect()
}

fn panics(code: &str) -> Vec<String> {
    let bad = [".unwrap()", ".expect(\"", "panic!(", "todo!(", "unimplemented!("];
    bad.iter().filter(|bad| code.contains(**bad)).map(|bad| format!("has `{bad}` outside of tests")).collect()
}

/// A record of outcomes is written in one place, which only `commit` calls; lifting a demotion is a person's act.
fn tally(path: &str, code: &str) -> Vec<String> {
    let writes = ["INTO outcome", "UPDATE outcome", "DELETE FROM outcome", "INTO demotion"];
    let mut found = Vec::new();
    if path != "store/record.rs" && writes.iter().any(|sql| code.contains(sql)) {
        found.push("writes a tally outside of store/record.rs".into());
    }
    if path != "store/commit.rs" && path != "store/record.rs" && code.contains("tally(") {
        found.push("calls `tally`, which is `commit`'s".into());
    }
    found
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_sources_are_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 100, "{} files", files.len());
    let mut found = Vec::new();
    for file in files {
        let path = file.strip_prefix(&root).unwrap().display().to_string();
        found.extend(faults(&path, &std::fs::read_to_string(&file).unwrap()));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_test_file_is_not_longer_either() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", file.display());
    }
}

#[test]
fn the_checker_finds_what_is_untidy() {
    let found = |path: &str, body: &str| {
        let all = faults(path, &format!("//! A sample.\n{body}"));
        all.into_iter().map(|fault| fault.split_once(": ").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let one = |path: &str, body: &str| {
        let found = found(path, body);
        assert_eq!(found.len(), 1, "{path}: {body}: {found:?}");
    };
    one("store/a.rs", "use crate::web::Export;");
    one("store/a.rs", "use crate::{domain::ids::Time, engine::Worker};");
    one("store/a.rs", "use crate::{\n    domain::{ids::Time, canon},\n    git::Mirror,\n};");
    one("store/mod.rs", "use super::git::Mirror;");
    one("git/a.rs", "fn f() -> crate::store::Store {}");
    one("web/a.rs", "use crate::forge::local::Faults;");
    one("web/a.rs", "use crate::engine::Worker;");
    one("sink/a.rs", "use crate::engine::Worker;");
    one("store/a.rs", "use crate::sink::Sinks;");
    one("engine/a.rs", "use crate::app::Parts;");
    one("domain/trust.rs", "use super::policy::Judged;");
    one("domain/edit/yaml/mod.rs", "use crate::domain::facts::Pull;");
    one("domain/edit/yaml/mod.rs", "use super::super::facts::Pull;");
    one("domain/ids.rs", "use crate::git::Mirror;");
    one("web/a.rs", "use sqlx::Row;");
    one("domain/a.rs", "fn f() { git2::Repository::open(x); }");
    one("engine/a.rs", "use axum::Router;");
    one("store/a.rs", "fn f() { x.unwrap(); }");
    one("store/a.rs", "fn f() { x.expect(\"y\"); }");
    one("store/a.rs", "const SQL: &str = \"INSERT INTO outcome (tenant)\";");
    one("engine/a.rs", "fn f() { tally(x); }");
    one("store/a.rs", &"fn f() {}\n".repeat(400));
    assert_eq!(faults("store/a.rs", "use std::fs;\n").len(), 1, "no header");
    for (path, body) in [
        ("web/a.rs", "use crate::forge::hook::verify;"),
        ("web/a.rs", "use super::problem::Problem;"),
        ("forge/local/mod.rs", "use crate::git::Mirror;"),
        ("domain/policy/mod.rs", "use super::facts::{Facts, Plan as P};"),
        ("domain/edit/yaml/mod.rs", "use super::super::canon;"),
        ("store/a.rs", "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() { x.unwrap(); }\n}"),
        ("store/a.rs", "// x.unwrap() is not here\nfn f() { x.unwrap_or(1); }"),
        ("app/serve.rs", "use axum::serve;"),
    ] {
        assert_eq!(found(path, body), Vec::<String>::new(), "{path}: {body}");
    }
}
