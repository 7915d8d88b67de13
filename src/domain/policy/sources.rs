//! Where the forge itself shows how a landed change does: statuses and deployments of the landed commit.
//!
//! Must not take silence for anything: what is not done yet, or neither good nor bad, says nothing.

use super::place::is_match;
use crate::domain::canon::Malformed;
use crate::domain::facts::{Check, Conclusion, HealthReport, Unfit};
use crate::domain::ids::Time;
use crate::domain::trust::Judgement;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most globs of one sort.
const MOST: usize = 32;

/// What of the forge says how a landed change does, beside registered reporters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Names or globs of commit statuses and checks on the landed commit.
    pub statuses: Vec<String>,
    /// Names or globs of environments that the landed commit is deployed to.
    pub deployments: Vec<String>,
}

/// What sort of word a forge has on a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A commit status or a check.
    Status,
    /// A deployment; its name is that of the environment.
    Deployment,
}

impl Sort {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Sort::Status => "status",
            Sort::Deployment => "deployment",
        }
    }
}

impl Sources {
    /// The globs of one sort.
    pub fn of(&self, sort: Sort) -> &[String] {
        match sort {
            Sort::Status => &self.statuses,
            Sort::Deployment => &self.deployments,
        }
    }

    /// What a word on the landed commit is: a report, something that does not count yet, or nothing that was asked for.
    pub fn weigh(&self, sort: Sort, check: &Check, now: Time) -> Option<Result<HealthReport, Unfit>> {
        if !self.of(sort).iter().any(|glob| is_match(glob, &check.name)) {
            return None;
        }
        let reporter = format!("{} {}", sort.word(), check.name);
        let report = |result, note: &str| HealthReport {
            reporter: reporter.clone(),
            result,
            revision: Some(check.head.clone()),
            note: note.to_owned(),
            at: now,
            severe: false,
            since: None,
        };
        let unfit = |why: &str| Unfit { said: reporter.clone(), why: why.to_owned() };
        Some(match check.conclusion {
            Conclusion::Success => Ok(report(Judgement::Good, "success on the landed commit")),
            Conclusion::Failure => Ok(report(Judgement::Bad, "failure on the landed commit")),
            Conclusion::Pending => Err(unfit("it is not done yet")),
            Conclusion::ActionRequired => Err(unfit("it waits for a person")),
            Conclusion::Neutral | Conclusion::Skipped | Conclusion::Cancelled => {
                Err(unfit("it ended without saying that it went well or badly"))
            }
        })
    }

    pub(super) fn check(&self) -> Result<(), Malformed> {
        for (key, globs) in [("statuses", &self.statuses), ("deployments", &self.deployments)] {
            if globs.len() > MOST {
                return Err(Malformed::at(format!("outcomes.{key}"), format!("at most {MOST}")));
            }
            for (n, glob) in globs.iter().enumerate() {
                let at = || format!("outcomes.{key}[{n}]");
                if glob.is_empty() {
                    return Err(Malformed::at(at(), "write a name or a glob"));
                }
                globset::Glob::new(glob).map_err(|error| Malformed::at(at(), error.to_string()))?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Sources {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.statuses.is_empty() && self.deployments.is_empty() {
            return out.write_str("registered reporters only");
        }
        let all = [("statuses", &self.statuses), ("deployments to", &self.deployments)];
        let said = all.iter().filter(|(_, globs)| !globs.is_empty());
        let said: Vec<String> = said.map(|(what, globs)| format!("{what} {}", globs.join(" "))).collect();
        write!(out, "{} of the landed commit", said.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::rules::{Loaded, Rules};

    fn sources() -> Sources {
        Sources { statuses: vec!["argocd/*".into()], deployments: vec!["production".into()] }
    }

    fn word(sort: Sort, name: &str, conclusion: Conclusion) -> Option<Result<Judgement, String>> {
        let head = "a".repeat(40).parse().unwrap();
        let check = Check { name: name.into(), app: 3, head, conclusion };
        let found = sources().weigh(sort, &check, Time(0))?;
        Some(found.map(|report| report.result).map_err(|unfit| unfit.why))
    }

    #[test]
    fn only_success_is_good_and_only_failure_is_bad() {
        let status = |conclusion| word(Sort::Status, "argocd/web", conclusion);
        assert_eq!(status(Conclusion::Success), Some(Ok(Judgement::Good)));
        assert_eq!(status(Conclusion::Failure), Some(Ok(Judgement::Bad)));
        let others = [
            (Conclusion::Pending, "not done"),
            (Conclusion::Neutral, "without saying"),
            (Conclusion::Skipped, "without saying"),
            (Conclusion::Cancelled, "without saying"),
            (Conclusion::ActionRequired, "a person"),
        ];
        for (conclusion, why) in others {
            assert!(matches!(status(conclusion), Some(Err(said)) if said.contains(why)), "{conclusion:?}");
        }
    }

    #[test]
    fn what_the_config_does_not_name_says_nothing() {
        assert_eq!(word(Sort::Status, "ci/build", Conclusion::Failure), None);
        assert_eq!(word(Sort::Status, "argocd/web/deep", Conclusion::Success), None, "a * stays within one folder");
        assert_eq!(word(Sort::Status, "production", Conclusion::Success), None, "a deployment is no status");
        assert_eq!(word(Sort::Deployment, "argocd/web", Conclusion::Success), None);
        assert_eq!(word(Sort::Deployment, "production", Conclusion::Success), Some(Ok(Judgement::Good)));
    }

    #[test]
    fn a_config_names_them_and_an_organisation_may() {
        let read = |text: &str| Rules::read(text.as_bytes());
        let rules = read("version: 1\noutcomes: {statuses: [\"argocd/*\"], deployments: [production]}\n").unwrap();
        assert_eq!(rules.outcomes, sources());
        assert_eq!(rules.outcomes.to_string(), "statuses argocd/* and deployments to production of the landed commit");
        for (text, place) in [
            ("version: 1\noutcomes: {statuses: [\"[\"]}\n", "outcomes.statuses[0]"),
            ("version: 1\noutcomes: {deployments: [\"\"]}\n", "outcomes.deployments[0]"),
            ("version: 1\noutcomes: {reports: []}\n", "reports"),
        ] {
            let fault = read(text).expect_err(place).to_string();
            assert!(fault.contains(place), "{fault}");
        }
        let said = serde_json::json!({"outcomes": {"statuses": ["flux/*"]}});
        let defaults = crate::domain::policy::defaults::Defaults::read(&said).unwrap();
        let file = b"version: 1\noutcomes: {statuses: [\"mine\"], deployments: [production]}\n";
        let loaded = Loaded::read("a", file, Some(&defaults)).unwrap();
        assert_eq!(loaded.rules.outcomes.statuses, ["flux/*"], "the organisation's where it names them");
        assert_eq!(loaded.rules.outcomes.deployments, ["production"]);
    }
}
