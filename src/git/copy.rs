//! Copying objects from one repository into another.
//!
//! Must not leave an object whose children are missing: children are written first, so that what is there is whole.

use super::error::said;
use super::read::{find_commit, find_tree, too_deep};
use super::{DEPTH, GitError, Mirror, open_bare, ours, raw};
use crate::domain::ids::Oid;
use git2::OdbLookupFlags;
use std::path::Path;

impl Mirror {
    /// Copies a commit and everything it reaches into another bare repository; what is there already is not walked.
    pub fn copy_objects(&self, to: &Path, commit: &Oid) -> Result<(), GitError> {
        let place = to.display().to_string();
        let target = open_bare(to)?;
        let to = target.odb().map_err(|e| said(&place, &e))?;
        let first = raw(commit)?;
        self.with(|repo| {
            let from = repo.odb().map_err(|e| said(commit.as_str(), &e))?;
            Copy { repo, from: &from, to: &to, place: &place }.history(first)
        })
    }
}

struct Copy<'a> {
    repo: &'a git2::Repository,
    from: &'a git2::Odb<'a>,
    to: &'a git2::Odb<'a>,
    place: &'a str,
}

impl Copy<'_> {
    fn history(&self, first: git2::Oid) -> Result<(), GitError> {
        let mut waiting = vec![first];
        while let Some(&next) = waiting.last() {
            if self.there(next) {
                waiting.pop();
                continue;
            }
            let commit = find_commit(self.repo, &ours(next)?)?;
            let missing: Vec<git2::Oid> = commit.parent_ids().filter(|parent| !self.there(*parent)).collect();
            if missing.is_empty() {
                self.tree(commit.tree_id(), "", DEPTH)?;
                self.object(next)?;
            }
            waiting.extend(missing);
        }
        Ok(())
    }

    fn tree(&self, tree: git2::Oid, path: &str, depth: usize) -> Result<(), GitError> {
        if self.there(tree) {
            return Ok(());
        }
        if depth == 0 {
            return Err(too_deep(path));
        }
        for entry in &find_tree(self.repo, tree)? {
            match entry.filemode() {
                0o040_000 => {
                    let name = String::from_utf8_lossy(entry.name_bytes());
                    self.tree(entry.id(), &format!("{path}{name}/"), depth - 1)?;
                }
                0o160_000 => {}
                _ if self.there(entry.id()) => {}
                _ => self.object(entry.id())?,
            }
        }
        self.object(tree)
    }

    /// Whether the other side has it. Without a look for new packs: at worst an object is written twice.
    fn there(&self, id: git2::Oid) -> bool {
        self.to.exists_ext(id, OdbLookupFlags::NO_REFRESH)
    }

    fn object(&self, id: git2::Oid) -> Result<(), GitError> {
        let object = self.from.read(id).map_err(|e| said(&id.to_string(), &e))?;
        self.to.write(object.kind(), object.data()).map(|_| ()).map_err(|e| said(self.place, &e))
    }
}
