//! What the other modules of this room promise, tried on real repositories.

mod copies;
mod diffs;
mod merges;
mod reads;
mod references;
mod tidiness;
mod traps;
mod writes;

use super::{GitError, Mirror, NewCommit, Node, repository};
use crate::domain::facts::User;
use crate::domain::ids::{Oid, Time};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

pub(super) struct Bench {
    pub(super) dir: tempfile::TempDir,
    pub(super) mirror: Mirror,
}

pub(super) fn bench() -> Bench {
    let dir = tempfile::tempdir().expect("a directory");
    let mirror = Mirror::open(&dir.path().join("mirror.git"), None).expect("opens");
    Bench { dir, mirror }
}

pub(super) fn files(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    pairs.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

pub(super) fn user() -> User {
    User { id: 7, login: "dana".to_owned() }
}

pub(super) fn change(path: &str, text: Option<&str>) -> (String, Option<Vec<u8>>) {
    (path.to_owned(), text.map(|text| text.as_bytes().to_vec()))
}

impl Bench {
    /// A tree with these entries, whatever their modes: blobs by text, trees and submodules by id.
    pub(super) fn odd_tree(&self, entries: &[(&str, i32, &str)]) -> Oid {
        let made = self.mirror.with(|repo| {
            let mut builder = repo.treebuilder(None).expect("a builder");
            for (name, mode, what) in entries {
                let id = match mode {
                    0o040_000 | 0o160_000 => git2::Oid::from_str(what).expect("an id"),
                    _ => repo.blob(what.as_bytes()).expect("a blob"),
                };
                builder.insert(name, id, *mode).expect("an entry");
            }
            super::ours(builder.write().expect("a tree"))
        });
        made.expect("a tree")
    }

    pub(super) fn commit(&self, tree: &Oid, parents: &[&Oid], second: i64) -> Oid {
        let new = NewCommit {
            tree: tree.clone(),
            parents: parents.iter().map(|oid| (*oid).clone()).collect(),
            author_name: "dana".to_owned(),
            author_email: "7+dana@users.local".to_owned(),
            at: Time::default().plus_seconds(1_700_000_000 + second),
            message: "a change\n".to_owned(),
        };
        self.mirror.make_commit(&new).expect("a commit")
    }

    pub(super) fn text(&self, tree: &Oid, path: &str) -> Option<(String, u32)> {
        match self.mirror.node(tree, path).expect("reads")? {
            Node::File { oid, mode, .. } => {
                let bytes = self.mirror.read(&oid, 1 << 20).expect("reads");
                Some((String::from_utf8(bytes).expect("text"), mode))
            }
            other => panic!("{path} is {other:?}"),
        }
    }
}

/// The output of the git program on a repository; none, with a line that says so, if there is no such program.
pub(super) fn git(repo: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new("git");
    command.arg("-C").arg(repo).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    match command.output() {
        Ok(done) => {
            assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
            Some(done.stdout)
        }
        Err(_) => {
            eprintln!("skipped: the git program is not installed");
            None
        }
    }
}
