//! What was said of a merged change, as gates: each word with its source, and why it counts or does not.
//!
//! Must not choose anything: it only adds what was heard to a choice that was made.

use super::choice::Choice;
use crate::domain::facts::{Facts, HealthReport, Unfit};
use crate::domain::policy::verdict::Verdict;
use crate::domain::trust::Judgement;

/// The most words of one sort that are shown.
const SHOWN: usize = 20;

/// The same choice with what was said below it.
pub(super) fn told(facts: &Facts, choice: Choice) -> Choice {
    let Choice { action, verdict } = choice;
    if (facts.reports.is_empty() && facts.unfit.is_empty()) || !matches!(verdict.gate.as_str(), "soak" | "outcome") {
        return Choice { action, verdict };
    }
    let mut children = vec![verdict.clone()];
    children.extend(newest(facts.reports.iter().map(counted).collect(), "that count"));
    children.extend(newest(facts.unfit.iter().map(uncounted).collect(), "that do not count"));
    Choice { action, verdict: Verdict { children, ..verdict } }
}

fn newest(mut all: Vec<Verdict>, which: &str) -> Vec<Verdict> {
    let older = all.len().saturating_sub(SHOWN);
    if older > 0 {
        all.drain(..older);
        all.insert(0, Verdict::pass("report", format!("{older} older ones {which}")));
    }
    all
}

/// `argocd says good of a94a8fe5ccb1: web is healthy`.
pub fn sentence(report: &HealthReport) -> String {
    let word = match report.result {
        Judgement::Good => "good",
        Judgement::Bad => "bad",
        Judgement::Neutral => "neither good nor bad",
    };
    let about = report.revision.as_ref().map(|revision| format!(" of {}", &revision.as_str()[..12]));
    let note = Some(format!(": {}", report.note)).filter(|_| !report.note.is_empty());
    format!("{} says {word}{}{}", report.reporter, about.unwrap_or_default(), note.unwrap_or_default())
}

fn counted(report: &HealthReport) -> Verdict {
    let said = sentence(report);
    match report.result {
        Judgement::Good => Verdict::pass("report", format!("{said} (counts)")),
        Judgement::Bad => Verdict::refuse("report", "reported_bad", format!("{said} (counts)")),
        Judgement::Neutral => Verdict::pass("report", format!("{said} (counts as nothing)")),
    }
}

fn uncounted(unfit: &Unfit) -> Verdict {
    Verdict::pass("report", format!("{} (does not count: {})", unfit.said, unfit.why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_shown_newest_last_and_not_without_end() {
        let words = (0..25).map(|n| Verdict::pass("report", n.to_string())).collect();
        let shown = newest(words, "that count");
        assert_eq!(shown.len(), 21);
        assert_eq!(shown[0].sentence, "5 older ones that count");
        assert_eq!(shown[20].sentence, "24");
    }

    #[test]
    fn a_sentence_names_source_revision_and_note() {
        let report = HealthReport {
            reporter: "argocd".into(),
            result: Judgement::Bad,
            revision: Some("a".repeat(40).parse().unwrap()),
            note: "web is Degraded".into(),
            at: crate::domain::ids::Time(0),
            severe: false,
            since: None,
        };
        assert_eq!(sentence(&report), "argocd says bad of aaaaaaaaaaaa: web is Degraded");
        let alert = HealthReport { revision: None, note: String::new(), ..report };
        assert_eq!(sentence(&alert), "argocd says bad");
    }
}
