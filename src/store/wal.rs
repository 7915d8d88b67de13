//! Group commit on SQLite: what several writers committed is made to last with one wait for the disk.
//!
//! Must not let a commit be answered, or a log be handed out, before the disk has it, nor answer well again once the disk
//! refused.

use super::error::{Result, StoreError};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Mutex;

/// The write-ahead log of one database file; SQLite writes to it in order and leaves the waiting to us.
#[derive(Clone, Debug)]
pub(super) struct Wal(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    path: PathBuf,
    /// How many commits were written.
    written: AtomicU64,
    disk: Mutex<Disk>,
}

#[derive(Debug, Default)]
struct Disk {
    /// How many of the commits are on the disk.
    lasting: u64,
    /// Which file the folder was made to remember.
    inode: u64,
    /// The disk refused once: what it holds is not known any more.
    broken: bool,
    /// How often the disk was waited for.
    waits: u64,
}

impl Wal {
    /// The log of a database file.
    pub(super) fn of(database: &str) -> Wal {
        let path = PathBuf::from(format!("{database}-wal"));
        Wal(Arc::new(Kept { path, written: AtomicU64::new(0), disk: Mutex::default() }))
    }

    /// Waits until what was committed before is on the disk; one wait serves everybody who committed before it began.
    pub(super) async fn last(&self) -> Result<()> {
        let mine = self.0.written.fetch_add(1, Ordering::SeqCst) + 1;
        let mut disk = self.0.disk.lock().await;
        if disk.broken {
            return Err(refused());
        }
        if disk.lasting >= mine {
            return Ok(());
        }
        let (written, path, known) = (self.0.written.load(Ordering::SeqCst), self.0.path.clone(), disk.inode);
        let synced = tokio::task::spawn_blocking(move || sync(&path, known)).await;
        disk.waits += 1;
        match synced.map_err(io::Error::other).and_then(|done| done) {
            Ok(inode) => {
                (disk.lasting, disk.inode) = (written, inode);
                Ok(())
            }
            Err(error) => {
                disk.broken = true;
                tracing::error!(%error, path = %self.0.path.display(), "the disk refused what was committed");
                Err(refused())
            }
        }
    }

    /// How often the disk was waited for.
    #[cfg(test)]
    pub(super) async fn waits(&self) -> u64 {
        self.0.disk.lock().await.waits
    }
}

fn refused() -> StoreError {
    let reason = "the disk refused what was committed, and what it holds is not known: look at it, then start again";
    StoreError::Unreachable(reason.into())
}

/// Makes the file last, and its name where it is a new one; the file's number.
fn sync(path: &Path, known: u64) -> io::Result<u64> {
    let file = match File::open(path) {
        Ok(file) => file,
        // The last connection that closed moved everything into the database, and waited for that.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    file.sync_data()?;
    let inode = file.metadata()?.ino();
    if inode != known {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(inode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Event;
    use crate::domain::ids::{TenantId, Time};
    use crate::store::Store;
    use crate::store::db::Db;

    #[tokio::test(flavor = "multi_thread")]
    async fn one_wait_serves_all_who_came_before_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("x.db").display().to_string();
        std::fs::write(format!("{database}-wal"), b"frames").expect("a file");
        let wal = Wal::of(&database);
        let held = wal.0.disk.lock().await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let wal = wal.clone();
            tasks.spawn(async move { wal.last().await });
        }
        while wal.0.written.load(Ordering::SeqCst) < 20 {
            tokio::task::yield_now().await;
        }
        drop(held);
        while let Some(done) = tasks.join_next().await {
            done.expect("a task").expect("it lasts");
        }
        assert_eq!(wal.waits().await, 1);
        wal.last().await.expect("it lasts");
        assert_eq!(wal.waits().await, 2, "what comes afterwards waits for itself");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_readers_see_already_is_waited_for_before_it_is_handed_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("x.db").display());
        let store = Store::open(&url, "bot.example").await.expect("opens");
        let acme: TenantId = "acme".parse().expect("a tenant");
        store.ensure_tenant(&acme, Time(1), [7; 32]).await.expect("a log");
        let Db::Sqlite { wal: Some(wal), .. } = &store.db else { panic!("a file") };
        let (wal, counted) = (wal.clone(), wal.0.written.load(Ordering::SeqCst));
        let until = async |count| {
            while wal.0.written.load(Ordering::SeqCst) < counted + count {
                tokio::task::yield_now().await;
            }
        };
        let held = wal.0.disk.lock().await;
        let (writes, reads) = (store.clone(), store.clone());
        let event = Event::note("push.intent", serde_json::json!({}));
        let writer =
            tokio::spawn(async move { writes.append(&"acme".parse().expect("a tenant"), &[event], Time(2)).await });
        until(1).await;
        assert_eq!(store.head(&acme).await.expect("reads").size, 2, "readers see it");
        let reader = tokio::spawn(async move { reads.lasts().await });
        until(2).await;
        assert!(!reader.is_finished() && !writer.is_finished(), "both wait for the disk");
        drop(held);
        reader.await.expect("a task").expect("it lasts");
        writer.await.expect("a task").expect("it lasts");
        store.close().await;
    }

    #[tokio::test]
    async fn a_disk_that_refused_once_is_never_believed_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("x.db").display().to_string();
        let wal = Wal::of(&database);
        wal.last().await.expect("no log: everything is in the database");
        // A name that leads in a circle cannot be opened.
        std::os::unix::fs::symlink(format!("{database}-wal"), format!("{database}-wal")).expect("a link");
        assert!(wal.last().await.is_err());
        std::fs::remove_file(format!("{database}-wal")).expect("gone");
        let refused = wal.last().await.expect_err("still refused").to_string();
        assert!(refused.contains("start again"), "{refused}");
    }
}
