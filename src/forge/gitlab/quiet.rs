//! Keeps text from being obeyed: GitLab runs lines that begin with `/` as quick actions, with the rights of whoever
//! writes them, when a description or a note is saved, through the API as well.
//!
//! Must not change text that no quick action can be in: what is signed comes back as it was sent.

/// Stands before a `/` that would begin a line; shown as nothing.
const BREAK: char = '\u{200b}';

/// Text in which no line begins with `/`. Carriage returns go, as GitLab deletes them before it looks; NUL goes, as it
/// refuses it; lines inside fences are treated alike, because what is a fence can change around them.
pub(super) fn quiet(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars().filter(|c| !matches!(c, '\r' | '\0')) {
        if start && c == '/' {
            out.push(BREAK);
        }
        out.push(c);
        start = ends_line(c) || start && c.is_whitespace();
    }
    out
}

/// One line for titles, names and descriptions of statuses, cut to `most` bytes at a character.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = quiet(&words.join(" "));
    if line.len() <= most {
        return line;
    }
    let mut end = most.saturating_sub('…'.len_utf8());
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &line[..end])
}

/// Every character after which some reader begins a new line.
fn ends_line(c: char) -> bool {
    matches!(c, '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether GitLab would find a command: a `/` and a letter at the beginning of a line, once `\r` is gone.
    fn commands(text: &str) -> bool {
        text.replace('\r', "").lines().any(|line| line.trim_start().starts_with('/'))
    }

    #[test]
    fn f34_no_line_begins_with_a_command() {
        let all =
            ["/merge", "a\n/approve", "a\r/close\r\n/label ~x", "  /merge", "```\n/target_branch x\n```", "\u{2028}/x"];
        for text in all {
            assert!(!commands(&quiet(text)), "{text:?}: {:?}", quiet(text));
        }
        assert_eq!(quiet("\r/merge\r"), "\u{200b}/merge");
    }

    #[test]
    fn f34_text_without_commands_stays_as_it_is() {
        let body = "### countersign\n\n| a/b | `c/d` |\n\n```text\nsee /var/log\n```\n\n-----BEGIN-----\nabc_-\n";
        assert_eq!(quiet(body), body);
    }

    #[test]
    fn f33_nul_and_carriage_returns_go() {
        assert_eq!(quiet("a\0b\r\nc"), "ab\nc");
    }

    #[test]
    fn a_line_is_one_line_of_bounded_bytes() {
        assert_eq!(one_line("/a\n b\tc", 255), "\u{200b}/a b c");
        let cut = one_line(&"é".repeat(300), 255);
        assert!(cut.len() <= 255 && cut.ends_with('…'), "{}", cut.len());
        assert_eq!(one_line("short", 255), "short");
    }

    proptest! {
        #[test]
        fn f34_no_text_keeps_a_command(text in "[ \r\n\t/a-c`\u{2028}\u{85}]{0,60}") {
            let once = quiet(&text);
            prop_assert!(!commands(&once));
            prop_assert_eq!(quiet(&once), once);
        }
    }
}
