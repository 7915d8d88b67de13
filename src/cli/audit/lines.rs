//! The lines of a file and its digest, read once, in large pieces.
//!
//! Must not hold more of a file than its longest line needs.

use crate::domain::ids::Digest;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read};

/// How much is read at once.
const READ: usize = 256 * 1024;
/// The longest line of an export: a leaf and a payload of at most a megabyte, in base64 and in words.
const LINE: usize = 8 << 20;

/// What is left to read.
pub(super) struct Lines<R> {
    from: R,
    hash: Sha256,
    buffer: Vec<u8>,
    /// Where the next line begins, and where what was read ends.
    at: usize,
    end: usize,
    /// How much was read in all, bytes.
    read: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn of(from: R) -> Lines<R> {
        Lines { from, hash: Sha256::new(), buffer: vec![0; READ], at: 0, end: 0, read: 0 }
    }

    /// Goes on where a line begins, with so much read: all of it is read and hashed again, and not looked at.
    pub(super) fn resume(from: R, at: u64, read: u64) -> io::Result<Lines<R>> {
        let mut lines = Lines::of(from);
        while lines.read < read {
            lines.at = lines.end;
            let left = read - lines.read;
            if !lines.more_of(usize::try_from(left).unwrap_or(usize::MAX))? {
                return Err(io::Error::other("the file is shorter than what was read of it"));
            }
            if lines.read - lines.end as u64 <= at && at <= lines.read {
                // The rest of what was read begins here; it is kept from now on.
                lines.at = usize::try_from(at + lines.end as u64 - lines.read).unwrap_or(lines.end);
                return lines.read_up_to(read);
            }
        }
        Ok(lines)
    }

    fn read_up_to(mut self, read: u64) -> io::Result<Lines<R>> {
        while self.read < read {
            if !self.more_of(usize::try_from(read - self.read).unwrap_or(usize::MAX))? {
                return Err(io::Error::other("the file is shorter than what was read of it"));
            }
        }
        Ok(self)
    }

    /// Where the next line begins, and how much was read.
    pub(super) fn place(&self) -> (u64, u64) {
        (self.read - (self.end - self.at) as u64, self.read)
    }

    /// The next line without its end; none when all was read.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        // Where no line ends is not looked at again when more was read.
        let mut seen = self.at;
        loop {
            let unseen = self.buffer.get(seen..self.end).unwrap_or_default();
            if let Some(end) = memchr::memchr(b'\n', unseen) {
                return Ok(self.line(seen + end, 1));
            }
            seen = self.end - self.at;
            if !self.more()? {
                return Ok(if self.at == self.end { None } else { self.line(self.end, 0) });
            }
            seen += self.at;
        }
    }

    fn line(&mut self, end: usize, mark: usize) -> Option<&[u8]> {
        let begin = std::mem::replace(&mut self.at, end + mark);
        self.buffer.get(begin..end)
    }

    /// Reads on; false at the end.
    fn more(&mut self) -> io::Result<bool> {
        self.more_of(usize::MAX)
    }

    /// Reads on, at most so many bytes.
    fn more_of(&mut self, most: usize) -> io::Result<bool> {
        self.buffer.copy_within(self.at..self.end, 0);
        (self.at, self.end) = (0, self.end - self.at);
        if self.end == self.buffer.len() {
            if self.end >= LINE {
                return Err(io::Error::other("a line is longer than any of ours"));
            }
            self.buffer.resize(self.end * 2, 0);
        }
        let until = self.end.saturating_add(most).min(self.buffer.len());
        let room = self.buffer.get_mut(self.end..until).unwrap_or_default();
        let length = loop {
            match self.from.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.hash.update(room.get(..length).unwrap_or_default());
        (self.end, self.read) = (self.end + length, self.read + length as u64);
        Ok(length > 0)
    }

    /// The digest of everything that was read.
    pub(super) fn digest(&self) -> Digest {
        Digest(self.hash.clone().finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            let (now, later) = self.0.split_at(self.1.min(self.0.len()).min(room.len()));
            room[..now.len()].copy_from_slice(now);
            self.0 = later;
            Ok(now.len())
        }
    }

    #[test]
    fn lines_are_those_of_the_text_however_it_arrives() {
        let long = "x".repeat(READ + 77);
        for text in
            ["", "\n", "a", "a\n", "a\nb", "\n\na\n", &format!("a\n{long}\nb\n{long}"), &format!("{long}\n").repeat(3)]
        {
            for step in [1, 2, 7, 4_096, usize::MAX] {
                if step < 7 && text.len() > READ {
                    continue;
                }
                let (mut lines, mut found) = (Lines::of(Slowly(text.as_bytes(), step)), Vec::new());
                while let Some(line) = lines.next().expect("reads") {
                    found.push(String::from_utf8(line.to_vec()).expect("text"));
                }
                assert_eq!(found, text.lines().map(str::to_owned).collect::<Vec<_>>(), "{step}");
                assert_eq!(lines.digest(), Digest::of(text.as_bytes()));
            }
        }
        let endless = "x".repeat(LINE + 1);
        let mut lines = Lines::of(endless.as_bytes());
        assert!(lines.next().is_err());
    }
}
