//! Reads an export's line without a JSON reader when it is exactly as we print it.
//!
//! Must not accept a line that the strict reader would refuse; what is unusual in any way is left to that one.

use super::tree;
use crate::domain::ids::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// Room that is used again for every line.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    leaf: Vec<u8>,
    payload: Vec<u8>,
}

/// What the chain needs to know of an entry that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen<'a> {
    pub(super) hash: Digest,
    pub(super) time_us: i64,
    pub(super) kind: &'a str,
    pub(super) proposal: &'a str,
}

/// What must stand in the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due<'a> {
    pub(super) seq: u64,
    pub(super) prev: &'a Digest,
    pub(super) after_us: i64,
    pub(super) origin: &'a str,
    pub(super) tenant: &'a str,
}

/// The text that is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn skip(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text.as_bytes())?;
        Some(())
    }

    /// Up to the next quote; only printable ASCII without an escape.
    fn text(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|b| !matches!(b, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'))?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b"\"")?;
        std::str::from_utf8(text).ok()
    }

    /// A number in its one spelling, below 10^15.
    fn number(&mut self) -> Option<u64> {
        let end = self.0.iter().position(|b| !b.is_ascii_digit())?;
        let (digits, rest) = self.0.split_at(end);
        if digits.is_empty() || digits.len() > 15 || digits.len() > 1 && digits.first() == Some(&b'0') {
            return None;
        }
        self.0 = rest;
        Some(digits.iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0')))
    }

    /// A moment of our days: 16 digits.
    fn moment(&mut self) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(16)?;
        let first = digits.first()?;
        if *first == b'0' || !digits.iter().all(u8::is_ascii_digit) || rest.first()?.is_ascii_digit() {
            return None;
        }
        self.0 = rest;
        // Sixteen digits may reach 2^53, which the strict reader refuses.
        let n = digits.iter().fold(0_i64, |n, digit| n * 10 + i64::from(digit - b'0'));
        (n < 1 << 53).then_some(n)
    }

    /// Up to the next quote, decoded; base64 in its one form.
    fn base64(&mut self, into: &mut Vec<u8>) -> Option<()> {
        let end = memchr(self.0)?;
        let (text, rest) = self.0.split_at(end);
        into.clear();
        STANDARD.decode_vec(text, into).ok()?;
        self.0 = rest.strip_prefix(b"\"")?;
        Some(())
    }
}

/// Where the next quote stands; eight bytes at a time.
fn memchr(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let (chunks, _) = text.as_chunks::<8>();
    for (n, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk) ^ (ONES * b'"' as u64);
        let found = word.wrapping_sub(ONES) & !word & (ONES << 7);
        if found != 0 {
            return Some(n * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let done = chunks.len() * 8;
    text.get(done..)?.iter().position(|b| *b == b'"').map(|n| done + n)
}

/// Reads a line whose payload is kept; none when anything is not exactly as we print it.
pub(super) fn read<'a>(line: &'a str, due: Due<'_>, room: &mut Room) -> Option<Seen<'a>> {
    let mut rest = Rest(line.as_bytes());
    rest.skip("{\"index\":")?;
    if rest.number()? != due.seq {
        return None;
    }
    rest.skip(",\"leaf_b64\":\"")?;
    rest.base64(&mut room.leaf)?;
    rest.skip(",\"leaf\":")?;
    // The copy for people is the leaf itself, byte for byte.
    let copy = rest.0.get(..room.leaf.len())?;
    if copy != room.leaf {
        return None;
    }
    rest.0 = rest.0.get(room.leaf.len()..)?;
    let leaf = leaf(copy, due)?;
    rest.skip(",\"payload_b64\":\"")?;
    rest.base64(&mut room.payload)?;
    rest.skip(",\"nonce\":\"")?;
    let mut nonce = [0; 32];
    hex::decode_to_slice(rest.0.get(..64)?, &mut nonce).ok()?;
    // Upper-case hex is not ours.
    if rest.0.get(..64)?.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    rest.0 = rest.0.get(64..)?;
    rest.skip("\",\"redacted_by\":null}")?;
    let fits = room.payload.len() as u64 == leaf.payload_len && commits(&nonce, &room.payload, leaf.commit);
    if !rest.0.is_empty() || !fits {
        return None;
    }
    let hash = tree::leaf_hash(copy);
    Some(Seen { hash, time_us: leaf.time_us, kind: leaf.kind, proposal: leaf.proposal })
}

struct Quick<'a> {
    commit: &'a [u8],
    payload_len: u64,
    proposal: &'a str,
    time_us: i64,
    kind: &'a str,
}

/// Reads a leaf in its one form: the members in their order, nothing between them.
fn leaf<'a>(bytes: &'a [u8], due: Due<'_>) -> Option<Quick<'a>> {
    let mut rest = Rest(bytes);
    rest.skip("{\"actor_ref\":\"")?;
    rest.text()?;
    rest.skip(",\"class\":\"")?;
    rest.text()?;
    rest.skip(",\"decision\":\"")?;
    if !matches!(rest.text()?, "allow" | "wait" | "refuse" | "note") {
        return None;
    }
    rest.skip(",\"origin\":\"")?;
    if rest.text()? != due.origin {
        return None;
    }
    rest.skip(",\"payload_commit\":\"")?;
    let commit = rest.text()?.as_bytes();
    rest.skip(",\"payload_len\":")?;
    let payload_len = rest.number()?;
    rest.skip(",\"pr\":")?;
    rest.number()?;
    rest.skip(",\"prev\":\"")?;
    if !is_hex_of(rest.text()?.as_bytes(), due.prev) {
        return None;
    }
    rest.skip(",\"proposal\":\"")?;
    let proposal = rest.text()?;
    rest.skip(",\"reason_code\":\"")?;
    rest.text()?;
    rest.skip(",\"seq\":")?;
    if rest.number()? != due.seq {
        return None;
    }
    rest.skip(",\"tenant\":\"")?;
    if rest.text()? != due.tenant {
        return None;
    }
    rest.skip(",\"time_us\":")?;
    let time_us = rest.moment().filter(|at| *at > due.after_us)?;
    rest.skip(",\"type\":\"")?;
    let kind = rest.text()?;
    rest.skip(",\"v\":1}")?;
    // Whoever was said to be a redaction is looked at by the strict reader.
    let plain = rest.0.is_empty() && !kind.starts_with("redaction.");
    plain.then_some(Quick { commit, payload_len, proposal, time_us, kind })
}

fn commits(nonce: &[u8; 32], payload: &[u8], commit: &[u8]) -> bool {
    let digest = Sha256::new().chain_update(b"payload-v1\0").chain_update(nonce).chain_update(payload).finalize();
    is_hex_of(commit, &Digest(digest.into()))
}

/// Whether this is the lowercase hex of a digest.
fn is_hex_of(text: &[u8], digest: &Digest) -> bool {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let (pairs, left) = text.as_chunks::<2>();
    let same =
        |(pair, byte): (&[u8; 2], &u8)| *pair == [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    pairs.len() == 32 && left.is_empty() && pairs.iter().zip(&digest.0).all(same)
}
