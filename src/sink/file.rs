//! A log as a file of lines, each as in an export: appended, synced, moved aside when it is large.
//!
//! Must not keep the file open: whoever moves it away, or empties it, is followed with the next batch.

use super::trouble::Trouble;
use super::{Sink, Sinks, form};
use crate::config;
use crate::domain::audit::Entry;
use crate::store::StoredLeaf;
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The largest file before it is moved aside, MiB.
const LARGEST: u64 = 100;
/// The longest line that is looked for at a file's end.
const LINE: u64 = 8 << 20;

/// How every line of ours begins.
const ENTRY: &[u8] = b"{\"index\":";

/// One file.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    largest: u64,
    /// The file as the last batch left it; whatever else is there is looked at first.
    left: Mutex<Option<Left>>,
}

/// Which file it was and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
    device: u64,
    inode: u64,
    length: u64,
}

impl Left {
    fn of(meta: &fs::Metadata) -> Left {
        Left { device: meta.dev(), inode: meta.ino(), length: meta.len() }
    }
}

impl File {
    pub(super) fn of(listed: &config::Sink) -> anyhow::Result<File> {
        let path = listed.path.clone().with_context(|| format!("sink `{}` has no path", listed.name))?;
        let largest = listed.rotate_mib.unwrap_or(LARGEST).saturating_mul(1 << 20);
        Ok(File { path, largest, left: Mutex::new(None) })
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Option<Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last whole line of a file that is not as it was left; what broke off in the middle of a line is cut.
    fn tail(&self) -> io::Result<Option<Vec<u8>>> {
        let mut file = match fs::OpenOptions::new().read(true).write(true).open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if *self.left() == Some(Left::of(&file.metadata()?)) {
            return Ok(None);
        }
        last_line(&mut file)
    }

    fn append(&self, lines: &str, first: u64) -> io::Result<()> {
        let long = fs::metadata(&self.path).map_or(0, |meta| meta.len());
        if long > 0 && long.saturating_add(lines.len() as u64) > self.largest {
            fs::rename(&self.path, aside(&self.path, first))?;
        }
        let mut file = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        let new = file.metadata()?.len() == 0;
        file.write_all(lines.as_bytes())?;
        file.sync_all()?;
        if new && let Some(folder) = self.path.parent() {
            fs::File::open(folder)?.sync_all()?;
        }
        *self.left() = Some(Left::of(&file.metadata()?));
        Ok(())
    }
}

/// Where a file goes that is large enough: its name, and the index before which its entries stand.
fn aside(path: &Path, first: u64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{first:012}"));
    name.into()
}

/// The last line that ends; a part of a line behind it is cut off.
fn last_line(file: &mut fs::File) -> io::Result<Option<Vec<u8>>> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LINE);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    io::Read::take(&mut *file, LINE).read_to_end(&mut bytes)?;
    let end = bytes.iter().rposition(|b| *b == b'\n');
    let rest = bytes.get(end.map_or(0, |end| end + 1)..).unwrap_or_default();
    // Only what we began to write is cut: a path may name somebody else's file.
    if !(rest.starts_with(ENTRY) || ENTRY.starts_with(rest)) {
        return Err(io::Error::other("its end is no entry of a log: name another file, or move it away"));
    }
    let Some(end) = end else {
        if from == 0 {
            file.set_len(0)?;
            return Ok(None);
        }
        return Err(io::Error::other("its last line is longer than any of ours"));
    };
    let keep = from + end as u64 + 1;
    if keep < length {
        file.set_len(keep)?;
        file.sync_all()?;
    }
    bytes.truncate(end);
    let begin = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    Ok(Some(bytes.split_off(begin)))
}

/// Does what waits for a disk on a thread of its own.
pub(super) async fn away<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl Sinks {
    /// Appends a batch, without what stands in the file already.
    pub(super) async fn write(&self, sink: &Sink, file: &Arc<File>, batch: &[StoredLeaf]) -> Result<(), Trouble> {
        let fault = |error: io::Error| {
            let reason = format!("{}: {error}: free space, or make it writable", file.path.display());
            Trouble::Later(reason, 0)
        };
        let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return Ok(()) };
        let looked = file.clone();
        let tail = away(move || looked.tail()).await.map_err(fault)?;
        let next = match tail {
            Some(line) => self.after(sink, file, &line, first.seq).await?,
            None => first.seq,
        };
        if next > last.seq {
            return Ok(());
        }
        let mut lines = String::new();
        for leaf in batch.iter().filter(|leaf| leaf.seq >= next) {
            lines.push_str(&form::line(leaf, sink.payloads).map_err(|reason| Trouble::Later(reason, 0))?);
        }
        let written = file.clone();
        away(move || written.append(&lines, next)).await.map_err(fault)
    }

    /// The index behind the last line of a file, which has to be an entry of this very log.
    async fn after(&self, sink: &Sink, file: &File, line: &[u8], first: u64) -> Result<u64, Trouble> {
        let place = file.path.display();
        let foreign = |what: String| Trouble::Later(format!("{place}: {what}"), 0);
        let entry: Entry = serde_json::from_slice(line)
            .map_err(|_| foreign("its last line is no entry of a log: name another file, or move it away".into()))?;
        if entry.index < first {
            return Ok(first);
        }
        let found = self.store.leaves(&sink.tenant, entry.index, 1).await?;
        let same = |leaf: &StoredLeaf| leaf.seq == entry.index && STANDARD.encode(&leaf.bytes) == entry.leaf_b64;
        match found.first() {
            Some(leaf) if same(leaf) => Ok(entry.index.saturating_add(1)),
            _ => Err(foreign(format!(
                "it holds entry {}, which is not the one in the database: the database was set back or the file is of \
                 another log; compare with a kept checkpoint, then move the file away",
                entry.index
            ))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_broke_off_is_cut_and_the_one_before_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let of = |text: &str| {
            fs::write(&path, text).unwrap();
            let mut file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
            let line = last_line(&mut file).unwrap().map(|line| String::from_utf8(line).unwrap());
            (line, fs::read_to_string(&path).unwrap())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of(""), (None, String::new()));
        assert_eq!(of("{\"ind"), (None, String::new()));
        assert_eq!(of("one\n"), (some("one"), "one\n".into()));
        assert_eq!(of("one\ntwo\n"), (some("two"), "one\ntwo\n".into()));
        assert_eq!(of("one\ntwo\n{\"index\":3,\"le"), (some("two"), "one\ntwo\n".into()));
    }

    #[test]
    fn what_is_not_ours_is_not_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("foreign");
        for text in ["no line of a log", "one\ntwo\nthree", "{\"index\" 3", " {\"index\":3"] {
            fs::write(&path, text).unwrap();
            let mut file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
            assert!(last_line(&mut file).is_err(), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
