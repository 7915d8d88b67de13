//! What GitHub demands of a branch: rulesets of all levels, and what may be seen of its own protection.
//!
//! Must not take rules that cannot be read for no rules.

use super::GithubForge;
use super::route::segment;
use crate::domain::facts::Protection;
use crate::forge::ForgeError;
use serde::Deserialize;

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameters {
    required_status_checks: Vec<RuledCheck>,
    strict_required_status_checks_policy: bool,
    required_approving_review_count: u32,
}

#[derive(Deserialize)]
struct RuledCheck {
    context: String,
    #[serde(default)]
    integration_id: Option<u64>,
}

#[derive(Deserialize)]
struct Branch {
    protected: bool,
    #[serde(default)]
    protection: Option<Classic>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Classic {
    required_status_checks: Option<ClassicChecks>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClassicChecks {
    contexts: Vec<String>,
    checks: Vec<ClassicCheck>,
}

#[derive(Deserialize)]
struct ClassicCheck {
    context: String,
    #[serde(default)]
    app_id: Option<i64>,
}

impl GithubForge {
    pub(super) async fn read_protection(&self, branch: &str) -> Result<Option<Protection>, ForgeError> {
        let what = format!("the rules of {branch}");
        let route = self.talk.at(&format!("/rules/branches/{}", segment(branch)));
        let Some(rules) = readable(self.talk.list(&what, &route, |page: Vec<Rule>| page).await)? else {
            return Ok(None);
        };
        let route = self.talk.at(&format!("/branches/{}", segment(branch)));
        let Some(own) = readable(self.talk.get::<Branch>(&what, &route).await)? else { return Ok(None) };
        Ok(Some(joined(rules, own)))
    }
}

/// Nothing, where we may not look.
fn readable<T>(read: Result<T, ForgeError>) -> Result<Option<T>, ForgeError> {
    match read {
        Err(ForgeError::Denied(_) | ForgeError::NotFound(_)) => Ok(None),
        other => other.map(Some),
    }
}

fn joined(rules: Vec<Rule>, own: Branch) -> Protection {
    let mut all = Protection::default();
    for rule in rules {
        let of = rule.parameters;
        all.queue |= rule.kind == "merge_queue";
        all.strict |= of.strict_required_status_checks_policy;
        all.approvals = all.approvals.max(of.required_approving_review_count);
        all.checks.extend(of.required_status_checks.into_iter().map(|check| (check.context, check.integration_id)));
    }
    let classic = own.protection.filter(|_| own.protected).and_then(|it| it.required_status_checks).unwrap_or_default();
    let named: Vec<String> = classic.checks.iter().map(|check| check.context.clone()).collect();
    // GitHub writes -1 or null for a check that any app may write.
    let app = |id: Option<i64>| id.and_then(|id| u64::try_from(id).ok());
    all.checks.extend(classic.checks.into_iter().map(|check| (check.context, app(check.app_id))));
    all.checks.extend(classic.contexts.into_iter().filter(|name| !named.contains(name)).map(|name| (name, None)));
    all.checks.sort();
    all.checks.dedup();
    all
}
