//! Keeps a mirror from becoming thousands of files: loose objects and small packs are written into one pack.
//!
//! Must not drop an object, reachable or not: what is removed stands in the new pack, and that was read again first.

use super::error::said;
use super::{GitError, Mirror, open_bare};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// More loose objects than these are packed.
const LOOSE: usize = 4_000;
/// More packs than these are joined.
const PACKS: usize = 40;
/// A larger pack is left as it is, bytes.
const LARGE: u64 = 256 << 20;

/// What was put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tidied {
    /// Loose objects that stood alone before.
    pub loose: usize,
    /// Packs that were joined with them.
    pub packs: usize,
}

impl Mirror {
    /// Packs loose objects when there are too many of them, and joins packs when there are too many of those; none if
    /// there was nothing to do. Nobody else may write to the mirror meanwhile.
    pub fn tidy(&self) -> Result<Option<Tidied>, GitError> {
        let objects = self.path().join("objects");
        // One folder of the 256 tells enough, as it does for git: names are digests.
        if held(&objects.join("17"))? * 256 <= LOOSE && held(&objects.join("pack"))? <= 2 * PACKS {
            return Ok(None);
        }
        self.tidy_over(LOOSE, PACKS)
    }

    pub(super) fn tidy_over(&self, most_loose: usize, most_packs: usize) -> Result<Option<Tidied>, GitError> {
        let objects = self.path().join("objects");
        let (loose, packs) = (loose(&objects)?, packs(&objects)?);
        let joined = if packs.len() > most_packs { packs } else { Vec::new() };
        if loose.len() <= most_loose && joined.is_empty() {
            return Ok(None);
        }
        let mut taken: BTreeSet<git2::Oid> = loose.iter().map(|(id, _)| *id).collect();
        for pack in &joined {
            taken.extend(listed(pack)?);
        }
        let new = self.pack(&objects, &taken)?;
        remove(loose.iter().map(|(_, file)| file.as_path()))?;
        for old in joined.iter().filter(|old| **old != new) {
            // Who finds an index expects its pack: the index goes first.
            remove([old.as_path(), &old.with_extension("pack"), &old.with_extension("rev")])?;
        }
        // Handles that were opened before know the old files.
        self.idle().clear();
        Ok(Some(Tidied { loose: loose.len(), packs: joined.len() }))
    }

    /// Writes one pack of these objects of the mirror's own, and reads its list again.
    fn pack(&self, objects: &Path, taken: &BTreeSet<git2::Oid>) -> Result<PathBuf, GitError> {
        let folder = objects.join("pack");
        let place = folder.display().to_string();
        let failed = |e: git2::Error| said(&place, &e);
        let repo = open_bare(self.path())?;
        let mut builder = repo.packbuilder().map_err(failed)?;
        builder.set_threads(1);
        for id in taken {
            builder.insert_object(*id, None).map_err(failed)?;
        }
        std::fs::create_dir_all(&folder).map_err(|e| lost(&folder, &e))?;
        builder.write(&folder, 0o444).map_err(failed)?;
        let name = builder.name().ok().flatten().map(str::to_owned);
        let name = name.ok_or_else(|| GitError::Other(format!("{place}: the new pack has no name")))?;
        let index = folder.join(format!("pack-{name}.idx"));
        let kept: BTreeSet<git2::Oid> = listed(&index)?.into_iter().collect();
        if taken.is_subset(&kept) {
            return Ok(index);
        }
        Err(GitError::Other(format!("{}: the new pack lacks objects that it was written of", index.display())))
    }
}

/// How many files a folder holds; none where there is no folder.
fn held(folder: &Path) -> Result<usize, GitError> {
    if folder.is_dir() { files(folder).map(|files| files.len()) } else { Ok(0) }
}

/// The objects that lie in files of their own.
fn loose(objects: &Path) -> Result<Vec<(git2::Oid, PathBuf)>, GitError> {
    let mut found = Vec::new();
    for folder in files(objects)?.into_iter().filter(|path| name(path).len() == 2) {
        for file in files(&folder)? {
            let id = format!("{}{}", name(&folder), name(&file));
            if let Some(id) = git2::Oid::from_str(&id).ok().filter(|_| id.len() == 40) {
                found.push((id, file));
            }
        }
    }
    Ok(found)
}

/// The indexes of packs that may be joined: not those that somebody keeps, nor large ones.
fn packs(objects: &Path) -> Result<Vec<PathBuf>, GitError> {
    let folder = objects.join("pack");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let small = |index: &PathBuf| {
        let size = std::fs::metadata(index.with_extension("pack")).map(|it| it.len());
        size.is_ok_and(|size| size <= LARGE) && !index.with_extension("keep").exists()
    };
    let mut found = files(&folder)?;
    found.retain(|path| path.extension().is_some_and(|end| end == "idx"));
    found.retain(small);
    Ok(found)
}

/// The ids in a pack's index of version 2: a header of 8 bytes, 256 counts of 4, and as many ids of 20 as the last says.
fn listed(index: &Path) -> Result<Vec<git2::Oid>, GitError> {
    let bytes = std::fs::read(index).map_err(|e| lost(index, &e))?;
    let odd = || GitError::Other(format!("{}: this is no index of version 2", index.display()));
    let head: &[u8; 8] = bytes.first_chunk().ok_or_else(odd)?;
    let last = bytes.get(8 + 255 * 4..8 + 256 * 4).and_then(|last| last.first_chunk::<4>()).ok_or_else(odd)?;
    let count = usize::try_from(u32::from_be_bytes(*last)).map_err(|_| odd())?;
    let ids = bytes.get(8 + 256 * 4..).and_then(|rest| rest.get(..count.checked_mul(20)?)).ok_or_else(odd)?;
    if *head != [0xff, b't', b'O', b'c', 0, 0, 0, 2] {
        return Err(odd());
    }
    ids.chunks_exact(20).map(|id| git2::Oid::from_bytes(id).map_err(|_| odd())).collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, GitError> {
    let entries = std::fs::read_dir(folder).map_err(|e| lost(folder, &e))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(|e| lost(folder, &e))).collect()
}

fn remove<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Result<(), GitError> {
    for path in paths {
        match std::fs::remove_file(path) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(lost(path, &e)),
        }
    }
    Ok(())
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn lost(path: &Path, error: &std::io::Error) -> GitError {
    GitError::Other(format!("{}: {error}", path.display()))
}
