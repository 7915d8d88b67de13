//! Standard error for the log, without secrets of a known shape.
//!
//! Must not lose a line.

use crate::domain::redact;
use std::io::{self, Write};

/// Standard error, cleaned line by line.
#[derive(Debug)]
pub(super) struct Clean<W>(W);

/// The log's writer.
pub(super) fn stderr() -> Clean<io::Stderr> {
    Clean(io::stderr())
}

impl<W: Write> Write for Clean<W> {
    /// The log writes one whole event at a time.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(redact::text(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tm100_a_line_of_the_log_holds_no_secret() {
        let secret = format!("glpat-{}", "a1B2".repeat(6));
        let mut written = Clean(Vec::new());
        let line = format!("WARN turn: git: https://bot:{secret}@git.example/x.git failed, Bearer {secret}\n");
        written.write_all(line.as_bytes()).unwrap();
        written.write_all(b"INFO plain\n").unwrap();
        let text = String::from_utf8(written.0).unwrap();
        assert!(!text.contains(&secret), "{text}");
        assert!(text.contains("git.example/x.git failed") && text.ends_with("INFO plain\n"), "{text}");
    }
}
