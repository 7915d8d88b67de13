//! Signed checkpoints outside of the database: what shows that it was set back.
//!
//! Must not replace a checkpoint by one that it is not the beginning of.

use super::file::away;
use super::trouble::Trouble;
use crate::domain::attest::Signer;
use crate::domain::audit::{Checkpoint, is_fork};
use crate::domain::ids::TenantId;
use crate::store::{Store, StoreError};
use std::io::Write as _;
use std::path::Path;

/// What became of a checkpoint that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// This one is kept now.
    New(Checkpoint),
    /// The one that was kept is as new.
    Same(Checkpoint),
    /// What was kept before cannot be the beginning of the log as it is: why.
    Contradicted(String),
}

/// Compares the checkpoint kept before, where there is one, with the log's first `size` entries; the note to keep.
///
/// A checkpoint of more entries than `size` is kept on as long as the log has them and agrees.
pub async fn keep_checkpoint(
    store: &Store,
    signer: &Signer,
    tenant: &TenantId,
    size: Option<u64>,
    before: Option<&str>,
) -> Result<(Kept, String), StoreError> {
    let head = store.head(tenant).await?;
    store.lasts().await?;
    let size = size.unwrap_or(head.size);
    let said = |reason: String| Ok((Kept::Contradicted(reason), String::new()));
    if let Some(note) = before {
        let old = match Checkpoint::open(note, &signer.public()) {
            Ok(old) => old,
            Err(reason) => return said(format!("what is kept is not signed by this log's key: {reason}")),
        };
        if old.origin != head.origin {
            return said(format!("what is kept is of the log `{}`, this is `{}`", old.origin, head.origin));
        }
        if old.size > head.size {
            let (kept, now) = (old.size, head.size);
            return said(format!("what is kept has {kept} entries, the log {now}: the database was set back"));
        }
        let now = Checkpoint { root: store.root_at(tenant, old.size).await?, ..old.clone() };
        if is_fork(&old, &now) {
            return said(format!("the first {} entries are not what they were: the log was written anew", old.size));
        }
        if old.size >= size {
            return Ok((Kept::Same(old), note.to_owned()));
        }
    }
    let root = if size == head.size { head.root } else { store.root_at(tenant, size).await? };
    let new = Checkpoint { origin: head.origin, size, root };
    let note = new.sign(signer);
    Ok((Kept::New(new), note))
}

/// Keeps the checkpoint of what was delivered in a file; what contradicts the one before stops the sink.
pub(super) async fn keep(
    store: &Store,
    signer: &Signer,
    tenant: &TenantId,
    size: u64,
    path: &Path,
) -> Result<(), Trouble> {
    let fault = |error: std::io::Error| Trouble::Later(format!("{}: {error}", path.display()), 0);
    let before = read(path).map_err(fault)?;
    match keep_checkpoint(store, signer, tenant, Some(size), before.as_deref()).await? {
        (Kept::New(_), note) => {
            let path = path.to_owned();
            away(move || write(&path, &note)).await.map_err(fault)
        }
        (Kept::Same(_), _) => Ok(()),
        (Kept::Contradicted(reason), _) => {
            let next = "find out what happened before you move the file away";
            Err(Trouble::Later(format!("{}: {reason}: {next}", path.display()), 0))
        }
    }
}

/// The checkpoint that is kept in a file.
pub fn read(path: &Path) -> std::io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a file as a whole: whoever reads sees the old one or the new one.
pub fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".checkpoint-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}
