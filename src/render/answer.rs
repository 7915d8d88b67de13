//! The one comment that answers commands.
//!
//! Must not begin a line with anything that a forge or a bot takes for a command, nor mention anybody.

use super::neutral::{code, line};
use crate::domain::lifecycle::command::{Answer, Show};
use crate::domain::policy::verdict::{State, Verdict};
use std::fmt::Write as _;

/// The most characters of the part below the sentence.
const MOST: usize = 40_000;
/// The gates that are about the attestation.
const PROOF: [&str; 4] = ["ours", "head", "attestation", "replay"];

/// The answer as Markdown.
pub fn answer(answer: &Answer, verdict: &Verdict) -> String {
    let verb = if answer.verb.is_empty() { "the command" } else { answer.verb };
    let word = if answer.taken() { "Answer to" } else { "Not done:" };
    let mut out = format!(
        "{word} {} of {}: {}.\n",
        code(verb, 20),
        code(&answer.by.login, 60),
        line(answer.sentence.trim_end_matches('.'), 1_500)
    );
    let rows = match answer.show {
        Show::Nothing => Vec::new(),
        Show::Open => verdict.open(),
        Show::Tree => {
            let mut all = Vec::new();
            tree(verdict, 0, &mut all);
            return shown(out, &all);
        }
        Show::Proof => verdict.children.iter().filter(|gate| PROOF.contains(&gate.gate.as_str())).collect(),
    };
    let rows: Vec<(usize, &Verdict)> = rows.into_iter().map(|gate| (0, gate)).collect();
    if rows.is_empty() && answer.show != Show::Nothing {
        let _ = writeln!(out, "\n- {}", line(&verdict.sentence, 500));
    }
    shown(out, &rows)
}

fn tree<'a>(verdict: &'a Verdict, depth: usize, all: &mut Vec<(usize, &'a Verdict)>) {
    all.push((depth, verdict));
    verdict.children.iter().for_each(|child| tree(child, depth + 1, all));
}

fn shown(mut out: String, rows: &[(usize, &Verdict)]) -> String {
    if !rows.is_empty() {
        out.push('\n');
    }
    for (depth, gate) in rows {
        let mark = match gate.state {
            State::Pass => "passes",
            State::Wait => "waits",
            State::Refuse => "refuses",
        };
        let row = format!("{}- {} {mark}: {}\n", "  ".repeat(*depth), code(&gate.gate, 60), line(&gate.sentence, 500));
        if out.chars().count() + row.chars().count() > MOST {
            out.push_str("- and more\n");
            break;
        }
        out.push_str(&row);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::facts::User;
    use crate::domain::lifecycle::command::Effect;

    fn said(sentence: &str, show: Show) -> Answer {
        let by = User { id: 7, login: "@dana\n/merge".into() };
        Answer { comment: 1, by, verb: "status", code: "", sentence: sentence.into(), show, effect: Effect::Nothing }
    }

    #[test]
    fn tm80_nothing_in_an_answer_is_a_command_or_a_mention() {
        let sentence = "why\n/merge\n/approve\n@team \u{202e}[x](https://evil)";
        let gate = Verdict::refuse("x\n/lgtm", "c", "@all\n/close now\natlantis apply");
        let verdict = Verdict::all("merge", vec![gate]);
        for show in [Show::Nothing, Show::Open, Show::Tree, Show::Proof] {
            let text = answer(&said(sentence, show), &verdict);
            for row in text.lines() {
                assert!(!row.trim_start().starts_with(['/', '@', '>']), "{row}");
                assert!(!row.starts_with("atlantis"), "{row}");
            }
            assert!(!text.contains("](") && !text.contains('\u{202e}'), "{text}");
        }
    }

    #[test]
    fn gates_are_shown_as_they_stand() {
        let verdict = Verdict::all(
            "merge",
            vec![Verdict::pass("attestation", "signature holds"), Verdict::wait("quiet", "quiet_period", "until noon")],
        );
        let open = answer(&said("it is open", Show::Open), &verdict);
        assert!(open.contains("`quiet` waits: until noon") && !open.contains("attestation"), "{open}");
        let proof = answer(&said("it is open", Show::Proof), &verdict);
        assert!(proof.contains("`attestation` passes: signature holds") && !proof.contains("quiet"), "{proof}");
        let tree = answer(&said("it is open", Show::Tree), &verdict);
        assert!(tree.contains("- `merge` waits") && tree.contains("  - `attestation` passes"), "{tree}");
    }
}
