//! Colours, where a person looks at a terminal.

use crate::render::visible;
use std::io::IsTerminal as _;

/// Whether to colour: a terminal, and nobody said no.
pub(super) fn wanted() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
        || std::env::var_os("CLICOLOR_FORCE").is_some()
}

/// A colour by what it means.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ink {
    Good,
    Bad,
    Note,
    Strong,
    Faint,
}

/// The text in a colour, or as it is.
pub(super) fn paint(on: bool, ink: Ink, text: &str) -> String {
    let code = match ink {
        Ink::Good => "32",
        Ink::Bad => "31",
        Ink::Note => "33",
        Ink::Strong => "1",
        Ink::Faint => "2",
    };
    if on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A unified diff with its lines coloured; what a terminal would obey is spelled out.
pub(super) fn diff(on: bool, text: &str) -> String {
    let line = |line: &str| match line.as_bytes().first() {
        _ if line.starts_with("+++") || line.starts_with("---") => paint(on, Ink::Strong, line),
        Some(b'+') => paint(on, Ink::Good, line),
        Some(b'-') => paint(on, Ink::Bad, line),
        Some(b'@') => paint(on, Ink::Note, line),
        _ => line.to_owned(),
    };
    text.lines().map(|l| line(&visible(l)) + "\n").collect()
}
