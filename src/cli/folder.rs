//! The files of a folder on this machine, read and written without following a link out of it.

use crate::domain::edit::{Applied, Code, Files, Refusal};
use anyhow::Context as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const MAX_FILE: u64 = 8 * 1024 * 1024;

/// A folder.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Opens a folder.
    pub(super) fn open(path: &Path) -> anyhow::Result<Folder> {
        let meta = std::fs::metadata(path).with_context(|| format!("cannot open the folder {}", path.display()))?;
        anyhow::ensure!(meta.is_dir(), "{} is not a folder", path.display());
        Ok(Folder(path.to_owned()))
    }

    /// Writes all files or none: each is written beside its place first, then all are moved.
    pub(super) fn write(&self, applied: &Applied) -> anyhow::Result<()> {
        let mut staged = Vec::new();
        for file in &applied.files {
            let path = self.0.join(&file.path);
            staged.push((stage(&path, &file.after)?, path, file));
        }
        let mut done: Vec<(&Path, &[u8])> = Vec::new();
        for (temporary, path, file) in &mut staged {
            let moved = std::fs::rename(&*temporary, &*path);
            if let Err(error) = moved {
                done.iter()
                    .try_for_each(|(path, before)| std::fs::write(path, before))
                    .context("putting files back")?;
                return Err(error).with_context(|| format!("cannot replace {}; nothing was changed", path.display()));
            }
            done.push((path, &file.before));
        }
        Ok(())
    }
}

fn stage(path: &Path, bytes: &[u8]) -> anyhow::Result<tempfile::TempPath> {
    let folder = path.parent().context("a file without a folder")?;
    let fault = || format!("cannot write beside {}", path.display());
    let mut file = tempfile::Builder::new().prefix(".countersign-").tempfile_in(folder).with_context(fault)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).with_context(fault)?;
    let mode = std::fs::metadata(path).with_context(fault)?.permissions();
    file.as_file().set_permissions(mode).with_context(fault)?;
    Ok(file.into_temp_path())
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let refuse = |code, reason: String| Err(Refusal::of(code, reason).in_file(path));
        let mut place = self.0.clone();
        let parts: Vec<&str> = path.split('/').collect();
        for (n, part) in parts.iter().enumerate() {
            place.push(part);
            let meta = match std::fs::symlink_metadata(&place) {
                Ok(meta) => meta,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return refuse(Code::NotFound, error.to_string()),
            };
            let last = n + 1 == parts.len();
            if meta.file_type().is_symlink() {
                return refuse(Code::Link, format!("{} is a symbolic link", place.display()));
            }
            if place.join(".git").exists() && !last {
                return refuse(Code::Link, format!("{} is a repository of its own", place.display()));
            }
            match (meta.is_file(), last) {
                (true, true) if meta.len() > MAX_FILE => {
                    return refuse(Code::TooLarge, format!("{} bytes, at most {MAX_FILE}", meta.len()));
                }
                (true, true) | (false, false) => {}
                (true, false) => return Ok(None),
                (false, true) => return refuse(Code::NotFound, "this is not a regular file".into()),
            }
        }
        std::fs::read(&place).map(Some).or_else(|error| refuse(Code::NotFound, error.to_string()))
    }

    fn list(&self, directory: &str, limit: usize) -> Result<Vec<String>, Refusal> {
        let refuse = |code, reason: String| Refusal::of(code, reason).in_file(directory);
        let fault = |error: std::io::Error| refuse(Code::NotFound, error.to_string());
        let (mut found, mut open) = (Vec::new(), vec![directory.to_owned()]);
        while let Some(here) = open.pop() {
            for entry in std::fs::read_dir(self.0.join(&here)).map_err(fault)? {
                let entry = entry.map_err(fault)?;
                let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
                let path = if here.is_empty() { name.clone() } else { format!("{here}/{name}") };
                let kind = entry.file_type().map_err(fault)?;
                if kind.is_dir() && name != ".git" && !entry.path().join(".git").exists() {
                    open.push(path);
                } else if kind.is_file() {
                    found.push(path);
                }
                if found.len() + open.len() > limit {
                    return Err(refuse(Code::TooLarge, format!("more than {limit} files; name a directory")));
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }
}
