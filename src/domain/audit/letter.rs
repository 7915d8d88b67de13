//! Proofs as text files that a stranger can keep: a C2SP `tlog-proof@v1` for one entry, and what C2SP witnesses take
//! (`add-checkpoint`) for two states of a log.
//!
//! Must not vouch for a time: a proof says that something stands in a log, not when it was written.

use super::proof::{is_beginning, is_included};
use super::{Broken, Checkpoint, Leaf, leaf_hash};
use crate::domain::canon;
use crate::domain::ids::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;

/// The first line of a proof that an entry stands in a log.
pub const INCLUSION: &str = "c2sp.org/tlog-proof@v1";
/// The most hashes of a proof.
const MOST_HASHES: usize = 128;

/// A proof as it is kept: nothing of it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// This entry stands in the log.
    Included {
        /// The leaf's bytes.
        leaf: Vec<u8>,
        /// Its index.
        index: u64,
        /// The path.
        path: Vec<Digest>,
        /// The signed checkpoint.
        note: String,
    },
    /// The log of this size is the beginning of the log of the checkpoint.
    Grown {
        /// The earlier size.
        old: u64,
        /// The path.
        path: Vec<Digest>,
        /// The signed checkpoint of the later size.
        note: String,
    },
}

impl std::fmt::Display for Letter {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, note) = match self {
            Letter::Included { leaf, index, path, note } => {
                writeln!(out, "{INCLUSION}\nextra {}\nindex {index}", STANDARD.encode(leaf))?;
                (path, note)
            }
            Letter::Grown { old, path, note } => {
                writeln!(out, "old {old}")?;
                (path, note)
            }
        };
        for hash in path {
            writeln!(out, "{}", STANDARD.encode(hash.0))?;
        }
        write!(out, "\n{note}")
    }
}

impl Letter {
    /// Reads a proof.
    pub fn read(text: &str) -> Result<Letter, Broken> {
        let fault = |reason: &str| Broken::whole(format!("not a proof: {reason}"));
        let (head, note) = text.split_once("\n\n").ok_or_else(|| fault("no empty line before a checkpoint"))?;
        let note = note.to_owned();
        let mut lines = head.split('\n');
        let first = lines.next().unwrap_or_default();
        let (entry, number) = if first == INCLUSION {
            let extra = lines.next().and_then(|line| line.strip_prefix("extra ")).and_then(decode);
            let leaf = extra.ok_or_else(|| fault("the line `extra` does not hold the leaf in base64"))?;
            (Some(leaf), lines.next().and_then(|line| line.strip_prefix("index ")))
        } else {
            (None, first.strip_prefix("old "))
        };
        let number = number.and_then(plain).ok_or_else(|| fault("no `index` or `old` with a plain number"))?;
        let path: Option<Vec<Digest>> =
            lines.map(|line| Some(Digest(decode(line)?.try_into().ok()?))).take(MOST_HASHES).collect();
        let path = path.ok_or_else(|| fault("a hash is not 32 bytes of base64"))?;
        Ok(match entry {
            Some(leaf) => Letter::Included { leaf, index: number, path, note },
            None => Letter::Grown { old: number, path, note },
        })
    }

    /// The checkpoint, whose signature was proven with the log's key as the verifier keeps it.
    pub fn checkpoint(&self, key: &VerifyingKey) -> Result<Checkpoint, Broken> {
        let (Letter::Included { note, .. } | Letter::Grown { note, .. }) = self;
        Checkpoint::open(note, key).map_err(Broken::whole)
    }

    /// Proves that the entry stands in the log of the checkpoint; the leaf.
    pub fn prove_entry(&self, checkpoint: &Checkpoint) -> Result<Leaf, Broken> {
        let Letter::Included { leaf: bytes, index, path, .. } = self else {
            return Err(Broken::whole("this proves how a log grew, not that an entry stands in it"));
        };
        let text = std::str::from_utf8(bytes).map_err(|_| Broken::at(*index, "the leaf is not UTF-8"))?;
        let leaf: Leaf = canon::parse_json(text)
            .and_then(canon::typed)
            .map_err(|error| Broken::at(*index, format!("not a leaf: {error}")))?;
        if canon::canonical(&leaf) != *bytes || leaf.seq != *index || leaf.origin != checkpoint.origin {
            return Err(Broken::at(*index, "the leaf is not in its one form, or of another place or log"));
        }
        match is_included(leaf_hash(bytes), *index, checkpoint.size, path, checkpoint.root) {
            true => Ok(leaf),
            false => Err(Broken::at(*index, "the hashes do not lead from this entry to the root of the checkpoint")),
        }
    }

    /// Proves that the kept checkpoint's log is the beginning of the log of the later one.
    pub fn prove_growth(&self, kept: &Checkpoint, later: &Checkpoint) -> Result<(), Broken> {
        let Letter::Grown { old, path, .. } = self else {
            return Err(Broken::whole("this proves that an entry stands in a log, not how the log grew"));
        };
        if kept.origin != later.origin {
            let reason =
                format!("the kept checkpoint is of the log `{}`, the proof of `{}`", kept.origin, later.origin);
            return Err(Broken::whole(reason));
        }
        if *old != kept.size {
            let reason = format!("the proof begins at {old} entries, the kept checkpoint has {}", kept.size);
            return Err(Broken::whole(reason));
        }
        match is_beginning((kept.size, kept.root), (later.size, later.root), path) {
            true => Ok(()),
            false => Err(Broken::whole(format!(
                "the log of {} entries is not the beginning of the log of {}: history was rewritten, or the proof was",
                kept.size, later.size
            ))),
        }
    }
}

/// Two signed states of one log that cannot both be true: the same size and two roots.
pub fn is_fork(one: &Checkpoint, other: &Checkpoint) -> bool {
    one.origin == other.origin && one.size == other.size && one.root != other.root
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|bytes| STANDARD.encode(bytes) == text)
}

fn plain(text: &str) -> Option<u64> {
    text.parse().ok().filter(|n: &u64| n.to_string() == text)
}
