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
}

impl<R: Read> Lines<R> {
    pub(super) fn of(from: R) -> Lines<R> {
        Lines { from, hash: Sha256::new(), buffer: vec![0; READ], at: 0, end: 0 }
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
        self.buffer.copy_within(self.at..self.end, 0);
        (self.at, self.end) = (0, self.end - self.at);
        if self.end == self.buffer.len() {
            if self.end >= LINE {
                return Err(io::Error::other("a line is longer than any of ours"));
            }
            self.buffer.resize(self.end * 2, 0);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let length = loop {
            match self.from.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.hash.update(room.get(..length).unwrap_or_default());
        self.end += length;
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
