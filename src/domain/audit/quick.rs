//! Reads an export's line without a JSON reader when it is exactly as we print it.
//!
//! Must not accept a line that the strict reader would refuse; what is unusual in any way is left to that one.

use crate::domain::ids::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Room that is used again for every line; in front of what is decoded stands what is hashed with it.
#[derive(Clone, Debug)]
pub(super) struct Room {
    leaf: Vec<u8>,
    payload: Vec<u8>,
}

/// What stands before a leaf that is hashed, and before the nonce and the payload.
const LEAF: &[u8] = &[0];
const PAYLOAD: &[u8] = b"payload-v1\0";
const NONCE: usize = 32;

impl Default for Room {
    fn default() -> Room {
        Room { leaf: LEAF.to_vec(), payload: [PAYLOAD, &[0; NONCE]].concat() }
    }
}

/// Whether a name stands in JSON as it is, so that its bytes may be looked for.
pub(super) fn is_plain(name: &str) -> bool {
    name.bytes().all(is_text)
}

/// Printable ASCII that ends no string and begins no escape.
fn is_text(byte: u8) -> bool {
    matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')
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

    /// Up to the next quote, and past it.
    fn text(&mut self) -> Option<&'a [u8]> {
        let (text, rest) = self.0.split_at(memchr::memchr(b'"', self.0)?);
        self.0 = rest.get(1..)?;
        Some(text)
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

    /// Up to the next quote, decoded behind what stands in front of the room; base64 in its one form. The end of it.
    fn base64(&mut self, room: &mut Vec<u8>, front: usize) -> Option<usize> {
        let text = self.text()?;
        let most = front + text.len() / 4 * 3 + 3;
        if room.len() < most {
            room.resize(most, 0);
        }
        let length = STANDARD.decode_slice(text, room.get_mut(front..)?).ok()?;
        Some(front + length)
    }

    /// 32 bytes in lowercase hex.
    fn hex(&mut self) -> Option<[u8; 32]> {
        let (text, rest) = self.0.split_at_checked(64)?;
        let (mut bytes, mut bad) = ([0; 32], 0);
        for (byte, [high, low]) in bytes.iter_mut().zip(text.as_chunks::<2>().0) {
            let (high, low) = (VALUES[usize::from(*high)], VALUES[usize::from(*low)]);
            bad |= high | low;
            *byte = high << 4 | low & 15;
        }
        self.0 = rest;
        (bad < 16).then_some(bytes)
    }
}

/// What a lowercase hex digit stands for; 255 for everything else.
const VALUES: [u8; 256] = {
    let (mut values, mut n) = ([255; 256], 0);
    while n < 16 {
        values[b"0123456789abcdef"[n] as usize] = n as u8;
        n += 1;
    }
    values
};

/// Reads a line whose payload is kept; none when anything is not exactly as we print it.
pub(super) fn read<'a>(line: &'a [u8], due: Due<'_>, room: &mut Room) -> Option<Seen<'a>> {
    let mut rest = Rest(line);
    rest.skip("{\"index\":")?;
    if rest.number()? != due.seq {
        return None;
    }
    rest.skip(",\"leaf_b64\":\"")?;
    let end = rest.base64(&mut room.leaf, LEAF.len())?;
    let hashed = room.leaf.get(..end)?;
    rest.skip(",\"leaf\":")?;
    // The copy for people is the leaf itself, byte for byte.
    let (copy, after) = rest.0.split_at_checked(end - LEAF.len())?;
    if copy != hashed.get(LEAF.len()..)? {
        return None;
    }
    rest.0 = after;
    let leaf = leaf(copy, due)?;
    rest.skip(",\"payload_b64\":\"")?;
    let front = PAYLOAD.len() + NONCE;
    let end = rest.base64(&mut room.payload, front)?;
    rest.skip(",\"nonce\":\"")?;
    room.payload.get_mut(PAYLOAD.len()..front)?.copy_from_slice(&rest.hex()?);
    rest.skip("\",\"redacted_by\":null}")?;
    let committed = room.payload.get(..end)?;
    let fits = (end - front) as u64 == leaf.payload_len && Digest::of(committed).0 == leaf.commit;
    if !rest.0.is_empty() || !fits {
        return None;
    }
    let hash = Digest::of(hashed);
    Some(Seen { hash, time_us: leaf.time_us, kind: leaf.kind, proposal: leaf.proposal })
}

struct Quick<'a> {
    commit: [u8; 32],
    payload_len: u64,
    proposal: &'a str,
    time_us: i64,
    kind: &'a str,
}

/// Reads a leaf in its one form: the members in their order, nothing between them.
fn leaf<'a>(bytes: &'a [u8], due: Due<'_>) -> Option<Quick<'a>> {
    // Quotes aside, whatever is in it stands for itself; looked at as a whole, many bytes at once.
    if !bytes.iter().fold(true, |plain, b| plain & (is_text(*b) | (*b == b'"'))) {
        return None;
    }
    let mut rest = Rest(bytes);
    rest.skip("{\"actor_ref\":\"")?;
    rest.text()?;
    rest.skip(",\"class\":\"")?;
    rest.text()?;
    rest.skip(",\"decision\":\"")?;
    if !matches!(rest.text()?, b"allow" | b"wait" | b"refuse" | b"note") {
        return None;
    }
    rest.skip(",\"origin\":\"")?;
    rest.skip(due.origin)?;
    rest.skip("\",\"payload_commit\":\"")?;
    let commit = rest.hex()?;
    rest.skip("\",\"payload_len\":")?;
    let payload_len = rest.number()?;
    rest.skip(",\"pr\":")?;
    rest.number()?;
    rest.skip(",\"prev\":\"")?;
    if rest.hex()? != due.prev.0 {
        return None;
    }
    rest.skip("\",\"proposal\":\"")?;
    let proposal = std::str::from_utf8(rest.text()?).ok()?;
    rest.skip(",\"reason_code\":\"")?;
    rest.text()?;
    rest.skip(",\"seq\":")?;
    if rest.number()? != due.seq {
        return None;
    }
    rest.skip(",\"tenant\":\"")?;
    rest.skip(due.tenant)?;
    rest.skip("\",\"time_us\":")?;
    let time_us = rest.moment().filter(|at| *at > due.after_us)?;
    rest.skip(",\"type\":\"")?;
    let kind = std::str::from_utf8(rest.text()?).ok()?;
    rest.skip(",\"v\":1}")?;
    // What says that something is gone is looked at by the strict reader.
    let plain = rest.0.is_empty() && !kind.starts_with("redaction.") && !kind.starts_with("log.");
    plain.then_some(Quick { commit, payload_len, proposal, time_us, kind })
}
