//! A verification that was broken off: how far it came, so that it goes on there.
//!
//! Must not go on in a file whose beginning is not what was verified: it is read and hashed again.

use super::lines::Lines;
use crate::domain::audit::{Manifest, Verifier, Want};
use crate::domain::ids::Digest;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// After how many entries it is written down.
const EVERY: u64 = 100_000;

/// How far a verification came.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    verifier: Verifier,
    /// Where the next line begins, how much was read, and the digest of that.
    at: u64,
    read: u64,
    sha256: Digest,
}

/// What is shown and kept of a verification while it goes on.
pub(in crate::cli) struct Journey {
    state: Option<PathBuf>,
    progress: bool,
    every: u64,
    shown: Option<u64>,
}

impl Journey {
    /// Keeps its state in this file, if there is one; says on standard error how far it is.
    pub(in crate::cli) fn new(state: Option<PathBuf>, progress: bool) -> Journey {
        Journey { state, progress, every: EVERY, shown: None }
    }

    /// Where to begin: at the first line, or behind the last one that was verified.
    pub(super) fn begin(&self, file: File, manifest: Manifest, want: Want) -> Result<(Verifier, Lines<File>), String> {
        let fresh = Verifier::new(manifest, want).map_err(|broken| broken.to_string())?;
        let Some(path) = self.state.as_deref().filter(|path| path.exists()) else {
            return Ok((fresh, Lines::of(file)));
        };
        let place = path.display();
        let bytes = std::fs::read(path).map_err(|error| format!("{place}: {error}"))?;
        let anew = "remove it to begin anew";
        let state: State = serde_json::from_slice(&bytes).map_err(|error| format!("{place}: {error}: {anew}"))?;
        if !state.verifier.continues(&fresh) {
            return Err(format!("{place} is of another export, key or checkpoint: {anew}"));
        }
        let lines = Lines::resume(file, state.at, state.read).map_err(|error| format!("{place}: {error}: {anew}"))?;
        if lines.digest() != state.sha256 {
            return Err(format!("{place}: the file is not the one whose beginning was verified: {anew}"));
        }
        Ok((state.verifier, lines))
    }

    /// After each line: writes down how far it is, now and then.
    pub(super) fn went(&mut self, verifier: &Verifier, lines: &Lines<File>) -> std::io::Result<()> {
        let (done, all) = (verifier.done(), verifier.size());
        if self.progress {
            let percent = done.saturating_mul(100).checked_div(all).unwrap_or(100);
            if self.shown != Some(percent) {
                self.shown = Some(percent);
                writeln!(std::io::stderr(), "{percent} % ({done} of {all} entries)")?;
            }
        }
        match &self.state {
            Some(path) if done.is_multiple_of(self.every) => self.keep(path, verifier, lines),
            Some(_) | None => Ok(()),
        }
    }

    fn keep(&self, path: &Path, verifier: &Verifier, lines: &Lines<File>) -> std::io::Result<()> {
        let (at, read) = lines.place();
        let state = State { verifier: verifier.clone(), at, read, sha256: lines.digest() };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".verify-").tempfile_in(folder)?;
        file.write_all(&serde_json::to_vec(&state)?)?;
        file.persist(path).map_err(|error| error.error).map(|_| ())
    }

    /// The end, whatever it is: nothing is left to go on with.
    pub(super) fn end(&self) {
        if let Some(path) = &self.state {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::{Entry, Event, GENESIS, Place, Report, append, root};
    use crate::domain::ids::Time;

    fn sample(count: u64) -> (Manifest, String) {
        let (origin, tenant) = ("bot.example/t/acme".to_owned(), "acme".parse().expect("a tenant"));
        let (mut prev, mut hashes, mut text) = (GENESIS, Vec::new(), String::new());
        for seq in 0..count {
            let at = Time(1_767_600_000_000_000 + i64::try_from(seq).expect("small"));
            let kind = ["push.intent", "push.result", "merge.intent"][usize::try_from(seq % 3).expect("small")];
            let event =
                Event { proposal: Some(format!("p-{}", seq / 5)), ..Event::note(kind, serde_json::json!({"n": seq})) };
            let place = Place { origin: origin.clone(), tenant: "acme".parse().expect("a tenant"), seq, prev, at };
            let made = append(&event, &place, b"key", [7; 32]);
            prev = made.hash;
            hashes.push(made.hash);
            text.push_str(&serde_json::to_string(&Entry::of(seq, &made)).expect("prints"));
            text.push('\n');
        }
        let manifest = Manifest {
            v: 1,
            origin,
            tenant,
            size: count,
            root: root(&hashes),
            parts: Vec::new(),
            only: None,
            pruned: None,
        };
        (manifest, text)
    }

    /// Verifies until `stop` lines were read by this run; the report, or none when it stopped before the end.
    fn run(folder: &Path, manifest: &Manifest, stop: usize) -> Result<(Option<Report>, usize), String> {
        let mut journey = Journey { every: 10, ..Journey::new(Some(folder.join("state")), false) };
        let file = File::open(folder.join("entries")).expect("there");
        let (mut verifier, mut lines) = journey.begin(file, manifest.clone(), Want::default())?;
        let mut read = 0;
        while let Some(line) = lines.next().expect("reads") {
            if read == stop {
                return Ok((None, read));
            }
            verifier.take(line).map_err(|broken| broken.to_string())?;
            journey.went(&verifier, &lines).expect("kept");
            read += 1;
        }
        let report = verifier.finish().map_err(|broken| broken.to_string())?;
        journey.end();
        Ok((Some(report), read))
    }

    #[test]
    fn l26_a_verification_that_was_broken_off_goes_on_and_comes_to_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let (manifest, text) = sample(997);
        std::fs::write(folder.path().join("entries"), &text).expect("written");
        let (whole, read) = run(folder.path(), &manifest, usize::MAX).expect("verifies");
        assert_eq!(read, 997);
        for stop in [3, 10, 11, 500, 996] {
            assert_eq!(run(folder.path(), &manifest, stop).expect("stops"), (None, stop));
            let (again, read) = run(folder.path(), &manifest, usize::MAX).expect("goes on");
            assert_eq!((again, read), (whole.clone(), 997 - stop / 10 * 10), "{stop}");
            assert!(!folder.path().join("state").exists(), "nothing is left");
        }
    }

    #[test]
    fn l26_a_file_that_was_changed_meanwhile_is_not_gone_on_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let (manifest, text) = sample(300);
        let entries = folder.path().join("entries");
        std::fs::write(&entries, &text).expect("written");
        run(folder.path(), &manifest, 200).expect("stops");
        std::fs::write(&entries, text.replacen("push", "pull", 1)).expect("written");
        let told = run(folder.path(), &manifest, usize::MAX).expect_err("changed");
        assert!(told.contains("not the one whose beginning was verified"), "{told}");
        std::fs::write(&entries, &text[..1_000]).expect("written");
        assert!(run(folder.path(), &manifest, usize::MAX).is_err(), "cut");
        std::fs::write(&entries, &text).expect("written");
        let other = Manifest { size: 299, ..manifest.clone() };
        let told = run(folder.path(), &other, usize::MAX).expect_err("another");
        assert!(told.contains("of another export"), "{told}");
        // What follows is verified as ever.
        let at = text.rfind("push").expect("one");
        std::fs::write(&entries, format!("{}pull{}", &text[..at], &text[at + 4..])).expect("written");
        assert!(run(folder.path(), &manifest, usize::MAX).expect_err("changed").contains("entry 29"));
    }
}
