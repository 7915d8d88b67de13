//! Checks of a commit: check runs and commit statuses, and our own two check runs.
//!
//! Must not take a word it does not know for a success.

use super::GithubForge;
use super::route::segment;
use super::shape::{CheckRun, CheckRuns, Combined, Status};
use super::talk::Verb;
use crate::domain::facts::{Check, Conclusion};
use crate::domain::ids::Oid;
use crate::forge::{ForgeError, Report};
use serde_json::{Value, json};

/// GitHub takes 65,535 characters of summary.
const SUMMARY: usize = 65_000;

impl GithubForge {
    /// Everything that is said of a commit, whoever says it. The writer of a status has no number.
    pub(super) async fn checks(&self, head: &Oid) -> Result<Vec<Check>, ForgeError> {
        let runs = self.check_runs(head, "filter=latest").await?;
        let mut checks: Vec<Check> = runs.iter().filter(|run| run.head_sha == *head).map(check).collect();
        let what = format!("the statuses of {head}");
        let route = self.talk.at(&format!("/commits/{head}/status"));
        let statuses: Vec<Status> = self.talk.list(&what, &route, |page: Combined| page.statuses).await?;
        checks.extend(statuses.into_iter().map(|status| Check {
            name: status.context,
            app: 0,
            head: head.clone(),
            conclusion: match status.state.as_str() {
                "success" => Conclusion::Success,
                "pending" => Conclusion::Pending,
                _ => Conclusion::Failure,
            },
        }));
        Ok(checks)
    }

    async fn check_runs(&self, head: &Oid, query: &str) -> Result<Vec<CheckRun>, ForgeError> {
        let what = format!("the check runs of {head}");
        let route = self.talk.at(&format!("/commits/{head}/check-runs?{query}"));
        self.talk.list(&what, &route, |page: CheckRuns| page.check_runs).await
    }

    /// Makes our check run of a head, or rewrites it; one that says the same already is left alone.
    pub(super) async fn set_check_run(&self, head: &Oid, report: &Report) -> Result<(), ForgeError> {
        let app = self.talk.app.id;
        let query = format!("check_name={}&app_id={app}&filter=latest", segment(&report.name));
        let runs = self.check_runs(head, &query).await?;
        let ours = |run: &&CheckRun| run.name == report.name && run.app.as_ref().is_some_and(|by| by.id == app);
        let old = runs.iter().filter(ours).max_by_key(|run| run.id);
        if old.is_some_and(|old| says(old, report)) {
            return Ok(());
        }
        // A run that ended is not begun again: GitHub shows the newest of one name.
        let begun_again = |old: &CheckRun| report.conclusion == Conclusion::Pending && old.status == "completed";
        let (what, mut body) = (format!("the check run {}", report.name), words(report));
        let (verb, route) = match old.filter(|old| !begun_again(old)) {
            Some(old) => (Verb::Patch, self.talk.at(&format!("/check-runs/{}", old.id))),
            None => {
                body["head_sha"] = head.as_str().into();
                (Verb::Post, self.talk.at("/check-runs"))
            }
        };
        self.talk.write::<Value>(&what, verb, &route, &body).await.map(|_| ())
    }
}

fn check(run: &CheckRun) -> Check {
    let conclusion = match (run.status.as_str(), run.conclusion.as_deref()) {
        ("completed", Some("success")) => Conclusion::Success,
        ("completed", Some("neutral")) => Conclusion::Neutral,
        ("completed", Some("skipped")) => Conclusion::Skipped,
        ("completed", Some("cancelled" | "timed_out" | "stale")) => Conclusion::Cancelled,
        ("completed", Some("action_required")) => Conclusion::ActionRequired,
        ("completed", _) => Conclusion::Failure,
        _ => Conclusion::Pending,
    };
    Check {
        name: run.name.clone(),
        app: run.app.as_ref().map_or(0, |app| app.id),
        head: run.head_sha.clone(),
        conclusion,
    }
}

/// What a report is in GitHub's words; none while it is pending.
fn word(conclusion: Conclusion) -> Option<&'static str> {
    match conclusion {
        Conclusion::Pending => None,
        Conclusion::Success => Some("success"),
        Conclusion::Failure => Some("failure"),
        Conclusion::Neutral => Some("neutral"),
        Conclusion::Skipped => Some("skipped"),
        Conclusion::Cancelled => Some("cancelled"),
        Conclusion::ActionRequired => Some("action_required"),
    }
}

fn words(report: &Report) -> Value {
    let output = json!({"title": report.title, "summary": shortened(&report.summary)});
    match word(report.conclusion) {
        None => json!({"name": report.name, "status": "in_progress", "output": output}),
        Some(word) => json!({"name": report.name, "status": "completed", "conclusion": word, "output": output}),
    }
}

fn says(run: &CheckRun, report: &Report) -> bool {
    let ended = run.status == "completed";
    run.conclusion.as_deref().filter(|_| ended) == word(report.conclusion)
        && run.output.title.as_deref() == Some(&report.title)
        && run.output.summary.as_deref() == Some(shortened(&report.summary).as_str())
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= SUMMARY {
        return text.to_owned();
    }
    text.chars().take(SUMMARY).chain("\n...".chars()).collect()
}
