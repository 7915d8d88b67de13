//! Which environment a change belongs to, computed from the paths it touches.

use super::rules::{Environment, Mode, Rules};
use crate::domain::proposal::ActionKind;
use globset::GlobBuilder;
use std::collections::BTreeSet;

/// Where a change belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The environment; empty when no rule matches, names joined with `+` when several do.
    pub environment: String,
    /// The ceiling.
    pub mode: Mode,
    /// Whether any of it is production.
    pub production: bool,
    /// Who is asked to review.
    pub reviewers: Vec<String>,
    /// Exactly one environment matches every path.
    pub certain: bool,
}

/// Finds the environment of these paths: none matches = at most propose, several = the strictest and never automate.
pub fn place<'a>(rules: &Rules, kind: ActionKind, paths: impl IntoIterator<Item = &'a str>) -> Place {
    let mut names = BTreeSet::new();
    let mut unmatched = false;
    for path in paths {
        let here: Vec<&String> =
            rules.environments.iter().filter(|(_, e)| matches(&e.paths, path)).map(|(n, _)| n).collect();
        unmatched |= here.is_empty();
        names.extend(here);
    }
    let found: Vec<_> = names.iter().filter_map(|name| rules.environments.get_key_value(*name)).collect();
    let certain = found.len() == 1 && !unmatched;
    let ceiling = if certain { Mode::Automate } else { Mode::Propose };
    let mode = found.iter().map(|(_, e)| e.rung(kind)).min().unwrap_or(Mode::Propose).min(ceiling);
    Place {
        environment: names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join("+"),
        mode,
        production: found.iter().any(|(name, e)| e.is_production(name)),
        reviewers: found.iter().flat_map(|(_, e)| e.reviewers.clone()).collect(),
        certain,
    }
}

impl Environment {
    /// The rung of a kind here: one that starts in observe stays there until a person's edit lists it under `kinds`.
    pub fn rung(&self, kind: ActionKind) -> Mode {
        match (self.kinds.get(&kind), self.start_in) {
            (Some(listed), _) => self.mode.min(*listed),
            (None, Some(Mode::Observe)) => Mode::Observe,
            (None, Some(Mode::Propose | Mode::Automate) | None) => self.mode,
        }
    }
}

fn matches(globs: &[String], path: &str) -> bool {
    globs.iter().any(|glob| is_match(glob, path))
}

/// Whether a glob with `*` inside one folder and `**` over many fits.
pub fn is_match(glob: &str, text: &str) -> bool {
    let built = GlobBuilder::new(glob).literal_separator(true).build();
    built.is_ok_and(|glob| glob.compile_matcher().is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_one_and_several() {
        let rules = Rules::read(
            b"version: 1\nenvironments:\n  production: {paths: ['prod/**'], mode: propose}\n  staging: {paths: ['stage/**', 'both/*'], mode: automate}\n  dev: {paths: ['both/*'], mode: observe}\n",
        )
        .expect("rules");
        let at = |paths: &[&str]| place(&rules, ActionKind::SetImage, paths.iter().copied());
        assert_eq!((at(&["stage/a/b"]).mode, at(&["stage/a/b"]).certain), (Mode::Automate, true));
        assert!(at(&["prod/x"]).production);
        assert_eq!((at(&["x"]).environment.as_str(), at(&["x"]).mode), ("", Mode::Propose));
        assert_eq!(at(&["stage/a", "prod/b"]).environment, "production+staging");
        assert_eq!(at(&["stage/a", "x"]).mode, Mode::Propose);
        assert_eq!(at(&["both/x"]).mode, Mode::Observe);
        assert_eq!(at(&["both/x/y"]).environment, "");
    }

    #[test]
    fn a_kind_leaves_its_start_by_an_edit_only() {
        let text = "version: 1\nenvironments:\n  staging: {paths: ['s/**'], mode: automate, startIn: observe, kinds: {SetImage: automate, SetEnv: propose}}\n";
        let rules = Rules::read(text.as_bytes()).expect("rules");
        let mode = |kind| place(&rules, kind, ["s/a"]).mode;
        assert_eq!(mode(ActionKind::SetImage), Mode::Automate);
        assert_eq!(mode(ActionKind::SetEnv), Mode::Propose);
        assert_eq!(mode(ActionKind::SetReplicas), Mode::Observe);
        let capped = text.replace("mode: automate", "mode: propose");
        let rules = Rules::read(capped.as_bytes()).expect("rules");
        assert_eq!(place(&rules, ActionKind::SetImage, ["s/a"]).mode, Mode::Propose);
    }
}
