//! Quick actions, as GitLab finds them when a description or a note is saved: carriage returns are deleted, fenced code
//! is left alone, lines that begin with a known command are taken out and run, white space at the end goes.

/// The commands that GitLab runs on merge requests; others stay in the text.
const KNOWN: [&str; 24] = [
    "approve",
    "assign",
    "assign_reviewer",
    "award",
    "cc",
    "close",
    "copy_metadata",
    "done",
    "draft",
    "estimate",
    "label",
    "lock",
    "merge",
    "milestone",
    "ready",
    "reassign",
    "rebase",
    "relabel",
    "reopen",
    "request_changes",
    "target_branch",
    "title",
    "todo",
    "unlabel",
];

/// The text that is kept, and the commands that are run.
pub fn extract(text: &str) -> (String, Vec<String>) {
    let text = text.replace('\r', "");
    let (mut kept, mut commands) = (Vec::new(), Vec::new());
    let mut fence: Option<&str> = None;
    for line in text.split('\n') {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ => {}
        }
        let name: String = line.strip_prefix('/').unwrap_or("").chars().take_while(|c| !c.is_whitespace()).collect();
        if fence.is_none() && KNOWN.contains(&name.as_str()) {
            commands.push(line.to_owned());
        } else {
            kept.push(line);
        }
    }
    (kept.join("\n").trim_end().to_owned(), commands)
}

#[test]
fn commands_are_taken_out_and_fences_are_not_searched() {
    let (kept, commands) = extract("a\r\n/merge\r\n```\n/approve\n```\n /close\n/unknown x\n/label ~b  \n\n");
    assert_eq!(kept, "a\n```\n/approve\n```\n /close\n/unknown x");
    assert_eq!(commands, ["/merge", "/label ~b  "]);
}
