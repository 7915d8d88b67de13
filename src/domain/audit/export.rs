//! An export verified as it is read, one entry at a time, in constant memory.
//!
//! Must not open a file: it is handed lines.

use super::pairs::{Pairing, Pairs};
use super::pruned::Pruned;
use super::quick::{self, Due, Room};
use super::{Checkpoint, Frontier, GENESIS, LEAF_VERSION, Leaf, commitment, leaf_hash};
use crate::domain::canon;
use crate::domain::ids::{Digest, TenantId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One line of an export.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The leaf's index.
    pub index: u64,
    /// The leaf's bytes, base64.
    pub leaf_b64: String,
    /// The leaf again, for people; not evidence.
    pub leaf: serde_json::Value,
    /// The payload's bytes, base64; none when redacted.
    pub payload_b64: Option<String>,
    /// The payload's nonce, hex; none when redacted.
    pub nonce: Option<String>,
    /// The entry that redacted it.
    pub redacted_by: Option<u64>,
}

/// What an export says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form's version.
    pub v: u32,
    /// The log.
    pub origin: String,
    /// The tenant.
    pub tenant: TenantId,
    /// How many entries.
    pub size: u64,
    /// Their root.
    pub root: Digest,
    /// The parts.
    pub parts: Vec<Part>,
    /// The types whose payloads were asked for; those of all others were left out of this copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// What is left of the entries that were pruned; the first line is the one behind them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<Pruned>,
}

/// One file of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The file's name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// How much was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Chain and tree agree with each other.
    Consistent,
    /// And with the export's own checkpoint, whose signature fits the verifier's key.
    Signed,
    /// And with a checkpoint that the verifier kept and whose signature fits the verifier's key.
    Checkpoint,
}

/// What the verifier asks for beside consistency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// A checkpoint whose signature was proven with the verifier's key.
    pub kept: Option<Checkpoint>,
    /// That checkpoint came with the export and was not kept from an earlier one.
    pub own: bool,
}

/// The result of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How much was proven.
    pub mode: Mode,
    /// The log.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// Their root.
    pub root: Digest,
    /// Entries that were pruned: those before this one.
    pub pruned: u64,
    /// Entries whose payload was redacted.
    pub redacted: u64,
    /// Entries whose payload was left out of this copy, as the manifest says.
    pub left_out: u64,
    /// Effects and what answers them.
    pub effects: Pairs,
}

/// Why an export does not verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The first bad entry, where it is one.
    pub index: Option<u64>,
    /// One sentence.
    pub reason: String,
}

impl Broken {
    /// A fault that is not in one entry.
    pub fn whole(reason: impl Into<String>) -> Broken {
        Broken { index: None, reason: reason.into() }
    }

    pub(super) fn at(index: u64, reason: impl Into<String>) -> Broken {
        Broken { index: Some(index), reason: reason.into() }
    }
}

impl std::fmt::Display for Broken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.index {
            Some(index) => write!(out, "entry {index}: {}", self.reason),
            None => out.write_str(&self.reason),
        }
    }
}

/// Walks an export's entries in order; may be written down on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verifier {
    manifest: Manifest,
    want: Want,
    frontier: Frontier,
    prev: Digest,
    time_us: i64,
    redacted: u64,
    left_out: u64,
    effects: Pairing,
    #[serde(skip)]
    room: Room,
    /// The log's name stands in a leaf as it is.
    plain: bool,
    /// The first line is not linked to one before it: that one was pruned.
    unlinked: bool,
    /// An entry says that those before the first were pruned, or none were.
    pruning_said: bool,
    /// Entries that must turn out to be redactions.
    redactors: BTreeSet<u64>,
    kept_seen: bool,
}

impl Verifier {
    /// Begins with the export's manifest.
    pub fn new(manifest: Manifest, want: Want) -> Result<Verifier, Broken> {
        if manifest.v != 1 {
            return Err(Broken::whole(format!("manifest version {} is not understood", manifest.v)));
        }
        if let Some(kept) = &want.kept
            && kept.origin != manifest.origin
        {
            return Err(Broken::whole(format!(
                "the kept checkpoint is of the log `{}`, this is `{}`",
                kept.origin, manifest.origin
            )));
        }
        let plain = quick::is_plain(&manifest.origin);
        let (start, effects) = match &manifest.pruned {
            None => (Frontier::default(), Pairing::default()),
            Some(pruned) => (begin(pruned, &manifest)?, Pairing::later()),
        };
        let (before, unlinked) = (start.size(), start.size() > 0);
        if let Some(kept) = want.kept.as_ref().filter(|kept| (1..before).contains(&kept.size)) {
            return Err(Broken::whole(format!(
                "the kept checkpoint has {} entries, and those before {before} were pruned: keep a newer one",
                kept.size
            )));
        }
        let kept_seen = want.kept.as_ref().is_some_and(|kept| kept.size == 0);
        let mut verifier = Verifier {
            manifest,
            want,
            frontier: start,
            prev: GENESIS,
            time_us: i64::MIN,
            redacted: 0,
            left_out: 0,
            effects,
            room: Room::default(),
            plain,
            unlinked,
            pruning_said: !unlinked,
            redactors: BTreeSet::new(),
            kept_seen,
        };
        verifier.compare_kept().map_err(Broken::whole).map(|()| verifier)
    }

    /// Takes the next line; the error names the index that is bad.
    pub fn line(&mut self, line: &str) -> Result<(), Broken> {
        self.take(line.as_bytes())
    }

    /// The same for a line that may be anything.
    pub fn take(&mut self, line: &[u8]) -> Result<(), Broken> {
        let index = self.frontier.size();
        let taken = match self.quickly(index, line) {
            true => self.compare_kept(),
            false => str::from_utf8(line).map_err(|_| "the line is not UTF-8".into()).and_then(|line| self.entry(line)),
        };
        taken.map_err(|reason| Broken::at(index, reason))
    }

    /// Takes a line that is exactly as we print it; what is not goes to the strict reader, which can say why.
    pub(super) fn quickly(&mut self, index: u64, line: &[u8]) -> bool {
        if !self.plain || self.unlinked || self.redactors.first() == Some(&index) {
            return false;
        }
        let (origin, tenant) = (self.manifest.origin.as_str(), self.manifest.tenant.as_str());
        let due = Due { seq: index, prev: &self.prev, after_us: self.time_us, origin, tenant };
        let Some(seen) = quick::read(line, due, &mut self.room) else { return false };
        self.effects.take(index, seen.kind, seen.proposal);
        (self.prev, self.time_us) = (seen.hash, seen.time_us);
        self.frontier.push(seen.hash);
        true
    }

    fn entry(&mut self, line: &str) -> Result<(), String> {
        let entry: Entry =
            canon::parse_json(line).and_then(canon::typed).map_err(|error| format!("not an entry: {error}"))?;
        let bytes = decode(&entry.leaf_b64).ok_or("the leaf is not base64")?;
        let leaf = self.leaf(&bytes)?;
        if entry.index != leaf.seq {
            return Err(format!("the line says index {}, the leaf {}", entry.index, leaf.seq));
        }
        if entry.leaf != serde_json::to_value(&leaf).unwrap_or_default() {
            return Err("the readable copy of the leaf is not the leaf".into());
        }
        if self.redactors.remove(&leaf.seq) && !leaf.kind.starts_with("redaction.") {
            return Err("an earlier entry says that this one redacted it, and it is no redaction".into());
        }
        self.payload(&entry, &leaf)?;
        self.unlinked = false;
        self.pruning_said |= self.manifest.pruned.as_ref().is_some_and(|pruned| pruned.is_said_by(&leaf));
        self.effects.take(leaf.seq, &leaf.kind, &leaf.proposal);
        self.prev = leaf_hash(&bytes);
        self.time_us = leaf.time_us;
        self.frontier.push(self.prev);
        self.compare_kept()
    }

    fn leaf(&self, bytes: &[u8]) -> Result<Leaf, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "the leaf is not UTF-8")?;
        let leaf: Leaf =
            canon::parse_json(text).and_then(canon::typed).map_err(|error| format!("not a leaf: {error}"))?;
        let demand = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
        demand(canon::canonical(&leaf) == bytes, "the leaf is not in its one form")?;
        demand(leaf.v == LEAF_VERSION, "the leaf's version is not understood")?;
        demand(leaf.seq == self.frontier.size(), &format!("the leaf has sequence {}", leaf.seq))?;
        demand(self.unlinked || leaf.prev == self.prev, "the leaf does not follow the one before it")?;
        demand(leaf.origin == self.manifest.origin, "the leaf belongs to another log")?;
        demand(leaf.tenant == self.manifest.tenant, "the leaf belongs to another tenant")?;
        demand(leaf.time_us > self.time_us, "the leaf is not later than the one before it")?;
        Ok(leaf)
    }

    fn payload(&mut self, entry: &Entry, leaf: &Leaf) -> Result<(), String> {
        match (&entry.payload_b64, &entry.nonce, entry.redacted_by) {
            (Some(payload), Some(nonce), None) => {
                let payload = decode(payload).ok_or("the payload is not base64")?;
                let nonce = hex::decode(nonce)
                    .ok()
                    .filter(|bytes| bytes.len() == 32 && hex::encode(bytes) == *nonce)
                    .ok_or("the nonce is not 32 bytes of lowercase hex")?;
                let fits =
                    payload.len() as u64 == leaf.payload_len && commitment(&nonce, &payload) == leaf.payload_commit;
                if fits { Ok(()) } else { Err("the payload is not the one the leaf commits to".into()) }
            }
            (None, None, Some(by)) if by > leaf.seq => {
                self.redacted += 1;
                self.redactors.insert(by);
                Ok(())
            }
            (None, None, None) if self.manifest.only.as_ref().is_some_and(|only| !only.contains(&leaf.kind)) => {
                self.left_out += 1;
                Ok(())
            }
            _ => Err("the payload is missing, and no entry says that it was redacted".into()),
        }
    }

    fn compare_kept(&mut self) -> Result<(), String> {
        let Some(kept) = &self.want.kept else { return Ok(()) };
        if kept.size != self.frontier.size() {
            return Ok(());
        }
        if kept.root != self.frontier.root() {
            return Err(format!("the first {} entries do not have the root of the kept checkpoint", kept.size));
        }
        self.kept_seen = true;
        Ok(())
    }

    /// How many entries were verified, those that were pruned among them, and how many there are.
    pub fn done(&self) -> u64 {
        self.frontier.size()
    }

    /// How many entries the manifest names.
    pub fn size(&self) -> u64 {
        self.manifest.size
    }

    /// Whether it was begun as this one was.
    pub fn continues(&self, fresh: &Verifier) -> bool {
        self.manifest == fresh.manifest && self.want == fresh.want
    }

    /// Sets the root that the entries must have, for a log whose end was not known at its beginning.
    pub fn expect(&mut self, root: Digest) {
        self.manifest.root = root;
    }

    /// Ends with the whole export read.
    pub fn finish(self) -> Result<Report, Broken> {
        let Verifier {
            manifest, want, frontier, redacted, left_out, effects, redactors, kept_seen, pruning_said, ..
        } = self;
        let pruned = manifest.pruned.as_ref().map_or(0, |pruned| pruned.before);
        let (size, root) = (frontier.size(), frontier.root());
        if size != manifest.size {
            let reason = format!("the export ends here, its manifest says {} entries", manifest.size);
            return Err(Broken::at(size, reason));
        }
        if !pruning_said {
            return Err(Broken::whole("the first entries are missing, and no entry says that they were pruned"));
        }
        if let Some(missing) = redactors.first() {
            return Err(Broken::at(*missing, "an entry names this one as its redaction, and it is not there"));
        }
        if root != manifest.root {
            return Err(Broken::whole(format!(
                "the entries have the root {root}, the manifest says {}",
                manifest.root
            )));
        }
        if let Some(kept) = want.kept.as_ref().filter(|_| !kept_seen) {
            let reason = format!("the export ends here, the kept checkpoint has {} entries", kept.size);
            return Err(Broken::at(size, reason));
        }
        let mode = match (kept_seen, want.own) {
            (false, _) => Mode::Consistent,
            (true, true) => Mode::Signed,
            (true, false) => Mode::Checkpoint,
        };
        Ok(Report { mode, origin: manifest.origin, size, root, pruned, redacted, left_out, effects: effects.finish() })
    }
}

/// The tree as it was before the first entry that is still there.
fn begin(pruned: &Pruned, manifest: &Manifest) -> Result<Frontier, Broken> {
    let fits = pruned.before > 0 && pruned.before < manifest.size;
    let frontier = pruned.frontier().filter(|_| fits);
    frontier.ok_or_else(|| Broken::whole("what the manifest says of pruned entries does not fit its size"))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|bytes| STANDARD.encode(bytes) == text)
}

impl Entry {
    /// The line for a leaf whose payload is kept.
    pub fn of(index: u64, appended: &super::Appended) -> Entry {
        Entry::stored(index, &appended.bytes, Some((&appended.payload, &appended.nonce)), None)
    }

    /// The line for a stored leaf, with its payload and nonce where they are kept.
    pub fn stored(index: u64, leaf: &[u8], payload: Option<(&[u8], &[u8])>, redacted_by: Option<u64>) -> Entry {
        Entry {
            index,
            leaf_b64: STANDARD.encode(leaf),
            leaf: serde_json::from_slice(leaf).unwrap_or_default(),
            payload_b64: payload.map(|(payload, _)| STANDARD.encode(payload)),
            nonce: payload.map(|(_, nonce)| hex::encode(nonce)),
            redacted_by,
        }
    }
}
