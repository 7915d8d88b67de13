//! The exact way back: for each file the bytes that stand there now and the bytes that stood there before.

use super::FileEdit;
use crate::domain::canon;
use crate::domain::ids::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The inverse of one change set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inverse {
    /// One entry for each file, sorted by path.
    pub files: Vec<FileInverse>,
}

/// The inverse of one file's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileInverse {
    /// The file.
    pub path: String,
    /// SHA-256 of the whole file after the change.
    pub context: Digest,
    /// The changed bytes as they are after the change, base64.
    pub after: String,
    /// The bytes that stood there before, base64.
    pub before: String,
    /// Where the span begins in the file after the change.
    pub offset: u64,
}

impl Inverse {
    /// The inverse of these edits.
    pub fn of(files: &[FileEdit]) -> Inverse {
        Inverse { files: files.iter().map(FileInverse::of).collect() }
    }

    /// The bytes that the attestation binds.
    pub fn bytes(&self) -> Vec<u8> {
        canon::canonical(self)
    }
}

impl FileInverse {
    fn of(edit: &FileEdit) -> FileInverse {
        let (before, after) = (&edit.before, &edit.after);
        let same = |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(a, b)| a == b).count();
        let head = same(&mut before.iter().zip(after));
        let tail = same(&mut before[head..].iter().rev().zip(after[head..].iter().rev()));
        FileInverse {
            path: edit.path.clone(),
            context: Digest::of(after),
            after: STANDARD.encode(&after[head..after.len() - tail]),
            before: STANDARD.encode(&before[head..before.len() - tail]),
            offset: head as u64,
        }
    }

    /// The file as it was, if it stands exactly as the change left it.
    pub fn restore(&self, now: &[u8]) -> Option<Vec<u8>> {
        if Digest::of(now) != self.context {
            return None;
        }
        let (after, before) = (STANDARD.decode(&self.after).ok()?, STANDARD.decode(&self.before).ok()?);
        let offset = usize::try_from(self.offset).ok()?;
        let rest = now.get(offset..)?.strip_prefix(after.as_slice())?;
        Some([now.get(..offset)?, &before, rest].concat())
    }
}
