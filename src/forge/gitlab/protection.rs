//! What the project demands before a merge, as the rules of a branch.
//!
//! Must not guess: a rule that cannot be read makes all of them unreadable.

use super::answers::{ApprovalRule, Project};
use super::checks::{CI, PIPELINE};
use super::{GitlabForge, built, wire};
use crate::domain::facts::Protection;
use crate::forge::ForgeError;
use gitlab::api::projects::approval_rules::ProjectApprovalRules;

/// The most rules of approvals of a project.
const RULES: usize = 200;

impl GitlabForge {
    /// The rules of a branch; none if the token may not read them.
    pub(super) async fn rules(&self, branch: &str) -> Result<Option<Protection>, ForgeError> {
        let project = self.project().await?;
        let Some(rules) = self.approval_rules().await? else { return Ok(None) };
        let protected = self.branch(branch).await?.is_some_and(|branch| branch.protected);
        Ok(demands(&project, &rules, branch, protected))
    }

    /// The rules of approvals. The free edition does not know the address: it has none.
    async fn approval_rules(&self) -> Result<Option<Vec<ApprovalRule>>, ForgeError> {
        let endpoint = built(ProjectApprovalRules::builder().project(self.project).build())?;
        match self.list(endpoint, RULES).await {
            Ok(rules) if rules.len() >= RULES => Ok(None),
            Ok(rules) => Ok(Some(rules)),
            Err(failure) => match wire::status(&failure) {
                Some((404, _)) => Ok(Some(Vec::new())),
                Some((401 | 403, _)) => Ok(None),
                _ => Err(failure.into()),
            },
        }
    }
}

/// What the settings come to for a branch; none where the token's role hides a setting that decides.
fn demands(project: &Project, rules: &[ApprovalRule], branch: &str, protected: bool) -> Option<Protection> {
    let pipeline = project.only_allow_merge_if_pipeline_succeeds?;
    let method = project.merge_method.as_deref()?;
    let applies = |rule: &&ApprovalRule| match rule.protected_branches.as_slice() {
        _ if rule.applies_to_all_protected_branches => protected,
        [] => true,
        named => named.iter().any(|named| matches(&named.name, branch)),
    };
    Some(Protection {
        checks: if pipeline { vec![(PIPELINE.to_owned(), Some(CI))] } else { Vec::new() },
        strict: matches!(method, "ff" | "rebase_merge"),
        queue: project.merge_trains_enabled == Some(true),
        approvals: rules.iter().filter(applies).map(|rule| rule.approvals_required).max().unwrap_or(0),
    })
}

/// Whether a name with `*` in it is that of a branch.
fn matches(pattern: &str, branch: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| branch.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(fields: &str) -> Project {
        serde_json::from_str(&format!(r#"{{"id":1,"path_with_namespace":"a/b"{fields}}}"#)).unwrap()
    }

    const READ: &str = r#","merge_method":"merge","only_allow_merge_if_pipeline_succeeds":false"#;

    #[test]
    fn f56_a_hidden_setting_makes_the_rules_unreadable() {
        assert_eq!(demands(&project(""), &[], "main", true), None);
        let only = r#","only_allow_merge_if_pipeline_succeeds":true"#;
        assert_eq!(demands(&project(only), &[], "main", true), None);
        assert_eq!(demands(&project(READ), &[], "main", true), Some(Protection::default()));
    }

    #[test]
    fn f73_a_merge_train_is_a_queue() {
        let train = project(&format!(r#"{READ},"merge_trains_enabled":true"#));
        assert!(demands(&train, &[], "main", true).unwrap().queue);
    }

    #[test]
    fn the_settings_of_a_project_are_its_branches_rules() {
        let strict = r#","merge_method":"ff","only_allow_merge_if_pipeline_succeeds":true"#;
        let read = demands(&project(strict), &[], "main", true).unwrap();
        assert!(read.strict && !read.queue);
        assert_eq!(read.checks, [("pipeline".to_owned(), Some(0))]);
    }

    #[test]
    fn the_largest_rule_that_applies_counts() {
        let rules: Vec<ApprovalRule> = serde_json::from_str(
            r#"[{"approvals_required":1},{"approvals_required":2,"protected_branches":[{"name":"main"}]},
                {"approvals_required":3,"applies_to_all_protected_branches":true,"protected_branches":[{"name":"x"}]},
                {"approvals_required":4,"protected_branches":[{"name":"release/*"}]}]"#,
        )
        .unwrap();
        let needed =
            |branch: &str, protected: bool| demands(&project(READ), &rules, branch, protected).unwrap().approvals;
        assert_eq!(needed("main", true), 3);
        assert_eq!(needed("main", false), 2);
        assert_eq!(needed("topic", false), 1);
        assert_eq!(needed("release/1", false), 4);
    }

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, is) in [
            ("main", "main", true),
            ("main", "maintain", false),
            ("*", "x", true),
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("*-stable", "1-stable", true),
            ("a*a", "a", false),
            ("r/*/x*", "r/1/x2", true),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
    }
}
