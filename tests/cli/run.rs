//! Runs the binary: its own environment, its input, its answer, and an end in any case.

use serde_json::Value;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The longest that a command may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// The pause between two looks at something that takes its time.
const PAUSE: Duration = Duration::from_millis(20);

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Asks until there is an answer; what is waited for is named when none comes.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("waited in vain for {what}");
}

/// The binary with nothing of this process's settings.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERSIGN_")) {
        command.env_remove(name);
    }
    command.env("USER", "dana").env_remove("NO_COLOR");
    command
}

/// Runs the binary to its end.
pub(crate) fn countersign<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ran {
    let mut command = binary();
    command.args(arguments);
    finish(command, Vec::new())
}

/// Runs a command to its end with this on its standard input.
pub(crate) fn finish(mut command: Command, input: Vec<u8>) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    // Who does not read its input to the end may close it.
    std::thread::spawn(move || drop(stdin.write_all(&input)));
    let (out, err) = (collect(child.stdout.take().unwrap()), collect(child.stderr.take().unwrap()));
    let code = ended(&mut child);
    let ran = Ran { code, out: out.join().unwrap(), err: err.join().unwrap() };
    assert!(!ran.err.contains("panicked at"), "{command:?} panicked: {}", ran.err);
    ran
}

/// The exit code of a process that ends by itself; minus one for one that was killed.
pub(crate) fn ended(child: &mut Child) -> i32 {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        std::thread::sleep(PAUSE);
    }
    let _ = child.kill();
    panic!("the process did not end within {PATIENCE:?}");
}

/// Reads a stream to its end beside the process.
pub(crate) fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

impl Ran {
    /// Demands an exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// The answer in JSON; exactly one document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// Demands an error on standard error that names all of these.
    #[track_caller]
    pub(crate) fn fails_with(self, words: &[&str]) {
        let ran = self.code(1);
        assert!(ran.out.is_empty(), "an error belongs on standard error: {}", ran.out);
        assert!(ran.err.lines().any(|line| line.starts_with("error: ")), "{}", ran.err);
        for word in words {
            assert!(ran.err.contains(word), "`{word}` is not named: {}", ran.err);
        }
    }
}

/// Whether a program is there; says so in a line when it is not.
pub(crate) fn installed(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        !found.is_ok_and(|found| found.status.success())
    });
    if let Some(program) = missing {
        eprintln!("skipped: `{program}` is not installed");
    }
    missing.is_none()
}

/// The path as an argument.
pub(crate) fn text(path: impl AsRef<Path>) -> String {
    path.as_ref().display().to_string()
}
