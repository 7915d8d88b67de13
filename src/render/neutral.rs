//! Makes text from outside harmless wherever it is shown.
//!
//! Must not rely on a fence alone: tokens that a forge acts on are broken as well.

use crate::domain::redact;

const BREAK: char = '\u{200b}';

/// Shows control, bidirectional, zero-width and tag characters as `\u{..}`, and no secret of a known shape; keeps line
/// ends and tabs.
pub fn visible(text: &str) -> String {
    let text = redact::text(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\n' | '\t') || !is_hidden(c) {
            out.push(c);
        } else if c != '\r' {
            out.extend(c.escape_unicode());
        }
    }
    out
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0xAD | 0x61C | 0x180E | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF)
}

/// Breaks what forges and bots act on: mentions, references, commands, comments, our own markers.
fn inert(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len());
    let mut line_start = true;
    for c in text.chars() {
        // A command is a `/` or a bot's name at the beginning of a line; the first line stands behind a fence or a tick.
        if line_start && (c == '/' || c.is_alphabetic() && !out.is_empty()) {
            out.push(BREAK);
        }
        out.push(c);
        if matches!(c, '@' | '＠' | '#' | '＃' | '!') {
            out.push(BREAK);
        }
        line_start = c == '\n' || line_start && c.is_whitespace();
    }
    for (token, broken) in
        [("GH-", "GH\u{200b}-"), ("gh-", "gh\u{200b}-"), ("<!--", "<\u{200b}!--"), ("-----", "--\u{200b}---")]
    {
        out = out.replace(token, broken);
    }
    out
}

/// An inline code span on one line, safe in a table, cut to `most` characters.
pub fn code(text: &str, most: usize) -> String {
    let one: String = inert(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = cut(&one, most);
    let fence = "`".repeat(longest_run(&cut) + 1);
    let pad = if cut.starts_with('`') || cut.ends_with('`') || cut.is_empty() { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", cut.replace('|', "\\|"))
}

/// A fenced block whose fence no text can close, cut to `most` characters.
pub fn fence(text: &str, most: usize) -> String {
    let text = cut(&inert(text), most);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    format!("{fence}text\n{}\n{fence}", text.trim_end())
}

/// One plain line for titles and messages: no Markdown meaning, cut to `most` characters.
pub fn line(text: &str, most: usize) -> String {
    let one = visible(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let plain: String = one
        .chars()
        .map(|c| match c {
            '@' | '＠' | '#' | '＃' | '<' | '>' | '`' => '·',
            '[' => '(',
            ']' => ')',
            other => other,
        })
        .collect();
    cut(&plain, most)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(2)).collect();
    format!("{kept} …")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    /// Every link, image and piece of HTML that a Markdown reader finds.
    fn active(markdown: &str) -> Vec<String> {
        Parser::new_ext(markdown, Options::all())
            .filter_map(|event| match event {
                Event::Html(html) | Event::InlineHtml(html) => Some(html.to_string()),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
                _ => None,
            })
            .collect()
    }

    const HOSTILE: [&str; 22] = [
        "@team please",
        "&#64;team",
        "&commat;team",
        "＠team",
        "/merge",
        "ok\n/approve\n",
        "\n  /lgtm",
        "@dependabot merge",
        "x\natlantis apply",
        "Fixes #1",
        "closes org/repo#5",
        "GH-12",
        "<img src=http://x.example/a.png>",
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[a]: http://x.example\n[a]",
        "```\nout\n````",
        "<!-- hidden -->",
        "-----BEGIN COUNTERSIGN ATTESTATION-----",
        "### countersign: attested remediation",
        "a\u{202e}b\u{200b}c\u{e0041}",
        "a | b \\| c `d` ``e``",
    ];

    #[test]
    fn tm79_mentions_do_not_survive() {
        for text in HOSTILE {
            for shown in [code(text, 500), fence(text, 500), line(text, 500)] {
                assert!(
                    !shown.contains("@team") && !shown.contains("@dependabot") && !shown.contains("＠team"),
                    "{shown:?}"
                );
                assert!(active(&shown).is_empty(), "{shown:?}: {:?}", active(&shown));
            }
        }
    }

    #[test]
    fn tm80_commands_do_not_stand_at_a_line_start() {
        for text in HOSTILE {
            for shown in [code(text, 500), fence(text, 500)] {
                for line in shown.lines() {
                    assert!(!line.trim_start().starts_with('/') && !line.starts_with("atlantis"), "{shown:?}");
                }
            }
        }
    }

    #[test]
    fn tm81_references_do_not_survive() {
        for text in HOSTILE {
            for shown in [code(text, 500), fence(text, 500), line(text, 500)] {
                assert!(
                    !shown.contains("#1") && !shown.contains("#5") && !shown.contains("GH-12") || shown == "GH-12",
                    "{shown:?}"
                );
            }
        }
    }

    #[test]
    fn tm82_html_and_links_are_shown_not_meant() {
        let text = HOSTILE.join("\n\n");
        assert!(active(&fence(&text, 5000)).is_empty());
        let table = format!("| a | b |\n|---|---|\n| {} | x |\n", code(&text, 5000));
        assert!(active(&table).is_empty(), "{:?}", active(&table));
    }

    #[test]
    fn tm83_no_fence_is_closed_and_no_marker_survives() {
        let text = "```\n````\n`````` \n-----BEGIN COUNTERSIGN ATTESTATION-----\n### countersign: attested remediation";
        let shown = fence(text, 500);
        let blocks = Parser::new(&shown).filter(|event| matches!(event, Event::Start(Tag::CodeBlock(_)))).count();
        assert_eq!(blocks, 1, "{shown}");
        assert!(!shown.contains(crate::domain::attest::BEGIN));
        assert!(shown.lines().all(|line| line != crate::domain::attest::FIRST_LINE));
    }

    #[test]
    fn tm84_hidden_characters_are_made_visible() {
        assert_eq!(visible("a\u{202e}b\u{200b}\u{e0041}\u{7}"), "a\\u{202e}b\\u{200b}\\u{e0041}\\u{7}");
    }

    #[test]
    fn tm86_a_line_is_one_line() {
        let shown = line("x\nCo-authored-by: y <z@w>\r\nSigned-off-by: q", 500);
        assert!(!shown.contains('\n') && !shown.contains('@'), "{shown}");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(line("abcdef", 4), "ab …");
        assert!(code(&"x".repeat(1000), 50).len() < 60);
    }
}
