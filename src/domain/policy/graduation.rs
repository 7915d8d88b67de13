//! The edit of a config by which one action kind of one environment goes up to `automate`, and nothing else changes.
//!
//! Must not weigh whether that is earned, nor change what any other kind or environment may do.

use super::consequences::{consequences, lines, rung};
use super::defaults::Defaults;
use super::may_automate;
use super::rules::{Loaded, Mode, Rules};
use crate::domain::change::{Edit, Op, Path, Step};
use crate::domain::edit::yaml;
use crate::domain::proposal::ActionKind;
use serde_json::{Value, json};

/// A config in which one kind of one environment stands higher.
#[derive(Clone, Debug, PartialEq)]
pub struct Graduation {
    /// The config's new bytes.
    pub bytes: Vec<u8>,
    /// What merging it would mean, a sentence each.
    pub meaning: Vec<String>,
}

/// Raises a kind of an environment to `automate` in the bytes of a config; the error says why a person has to do it.
///
/// Kinds that the environment's higher ceiling would raise as well are listed where they stand, and so are environments
/// that the listing of the kind would raise.
pub fn graduation(
    bytes: &[u8],
    defaults: Option<&Defaults>,
    environment: &str,
    kind: ActionKind,
) -> Result<Graduation, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let old = Rules::read(bytes).map_err(|error| words(&error))?;
    let place = old.environments.get(environment).ok_or_else(|| format!("there is no environment `{environment}`"))?;
    if !may_automate(kind) {
        return Err(format!("{} is never merged without a person", kind.name()));
    }
    if rung(&old, environment, kind) == Mode::Automate {
        return Err(format!("{} in {environment} may be merged already", kind.name()));
    }
    let mut edits = Vec::new();
    let mut new = old.clone();
    if place.mode != Mode::Automate {
        let at = ["environments", environment, "mode"];
        edits.push(put(&at, stands(bytes, &at)?, json!("automate")));
    }
    if !old.auto_merge.action_kinds.contains(&kind) {
        edits.extend(list(bytes, kind)?);
        new.auto_merge.action_kinds.push(kind);
    }
    if let Some(place) = new.environments.get_mut(environment) {
        place.mode = Mode::Automate;
    }
    for (environment, kind, rung) in raised(&old, &new, environment, kind) {
        let at = ["environments", environment.as_str(), "kinds", kind.name().as_str()].map(str::to_owned);
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        edits.push(put(&at, stands(bytes, &at)?, json!(rung)));
        if let Some(place) = new.environments.get_mut(&environment) {
            place.kinds.insert(kind, rung);
        }
    }
    let edited = yaml::edit(bytes, None, &edits).map_err(|refusal| words(&refusal))?.bytes;
    let read = Rules::read(&edited).map_err(|error| words(&error))?;
    if read != new || !only(&old, &read, environment, kind) {
        return Err("the edit would raise more than this kind".into());
    }
    let loaded = Loaded::read("", &edited, defaults).map_err(|error| words(&error))?;
    if rung(&loaded.rules, environment, kind) != Mode::Automate {
        return Err("the organisation's defaults do not let it go higher".into());
    }
    Ok(Graduation { bytes: edited, meaning: lines(&consequences(&old, &read)) })
}

/// The rungs to be written down, so that the wanted kind goes up and every other one stays where it is.
fn raised(old: &Rules, new: &Rules, environment: &str, kind: ActionKind) -> Vec<(String, ActionKind, Mode)> {
    let mut found = Vec::new();
    for name in new.environments.keys() {
        for other in ActionKind::ALL {
            let wanted = (name.as_str(), other) == (environment, kind);
            let (before, after) = (rung(old, name, other), rung(new, name, other));
            if wanted && after != Mode::Automate {
                found.push((name.clone(), other, Mode::Automate));
            } else if !wanted && after != before {
                found.push((name.clone(), other, before));
            }
        }
    }
    found
}

/// Whether the wanted rung went up to `automate` and every other one stands where it stood.
fn only(old: &Rules, new: &Rules, environment: &str, kind: ActionKind) -> bool {
    new.environments.keys().all(|name| {
        ActionKind::ALL.into_iter().all(|other| match (name.as_str(), other) == (environment, kind) {
            true => rung(new, name, other) == Mode::Automate,
            false => rung(new, name, other) == rung(old, name, other),
        })
    })
}

fn path(steps: &[&str]) -> Path {
    Path(steps.iter().map(|step| Step::Key((*step).to_owned())).collect())
}

fn stands(bytes: &[u8], steps: &[&str]) -> Result<bool, String> {
    yaml::lookup(bytes, None, &path(steps)).map(|found| found.is_some()).map_err(|refusal| refusal.to_string())
}

fn put(steps: &[&str], stands: bool, value: Value) -> Edit {
    let op = if stands { Op::Set } else { Op::Add };
    Edit { op, path: path(steps), value: Some(value), expr: None, form: None }
}

/// Lists the kind among those that may merge by themselves.
fn list(bytes: &[u8], kind: ActionKind) -> Result<Option<Edit>, String> {
    let at = ["autoMerge", "actionKinds"];
    Ok(Some(match stands(bytes, &at)? {
        true => Edit { op: Op::Append, path: path(&at), value: Some(json!(kind)), expr: None, form: None },
        false => put(&at, false, json!([kind])),
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn to(text: &str, environment: &str, kind: ActionKind) -> Result<String, String> {
        graduation(text.as_bytes(), None, environment, kind).map(|done| String::from_utf8(done.bytes).unwrap())
    }

    #[test]
    fn the_kind_is_listed_and_the_environment_let_up() {
        let text =
            "version: 1\n# ours\nenvironments:\n  staging:\n    paths: ['s/**']  # all of it\n    mode: propose\n";
        let wanted = "version: 1\n# ours\nenvironments:\n  staging:\n    paths: ['s/**']  # all of it\n    mode: automate\nautoMerge:\n  actionKinds:\n    - SetImage\n";
        assert_eq!(to(text, "staging", ActionKind::SetImage).unwrap(), wanted);
    }

    #[test]
    fn other_kinds_and_other_environments_stay_where_they_are() {
        let text = "version: 1\nenvironments:\n  dev: {paths: ['d/**'], mode: automate}\n  staging: {paths: ['s/**'], startIn: propose}\nautoMerge:\n  actionKinds: [SetEnv]\n";
        let after = to(text, "staging", ActionKind::SetImage).unwrap();
        assert!(
            after.contains("staging: {paths: ['s/**'], startIn: propose, mode: automate, kinds: {SetEnv: propose}}"),
            "{after}"
        );
        assert!(after.contains("dev: {paths: ['d/**'], mode: automate, kinds: {SetImage: propose}}"), "{after}");
        assert!(after.contains("actionKinds: [SetEnv, SetImage]"), "{after}");
    }

    #[test]
    fn a_kind_that_starts_in_observe_is_listed() {
        let text = "version: 1\nenvironments:\n  dev: {paths: ['d/**'], mode: automate, startIn: observe}\nautoMerge: {actionKinds: [SetImage]}\n";
        let after = to(text, "dev", ActionKind::SetImage).unwrap();
        assert!(after.contains("startIn: observe, kinds: {SetImage: automate}}"), "{after}");
    }

    #[test]
    fn every_rung_of_every_small_config_goes_up_alone() {
        let modes = ["observe", "propose", "automate"];
        let mut raised = 0;
        for (mode, other, start) in (0..27).map(|n| (modes[n % 3], modes[n / 3 % 3], modes[n / 9])) {
            for kinds in ["[]", "[SetEnv]", "[SetImage, SetEnv]"] {
                for pins in ["{}", "{SetImage: observe}", "{SetEnv: automate}"] {
                    let text = format!(
                        "version: 1\nenvironments:\n  a: {{paths: ['a/**'], mode: {mode}, startIn: {start}, kinds: {pins}}}\n  b: {{paths: ['b/**'], mode: {other}}}\nautoMerge:\n  actionKinds: {kinds}\n"
                    );
                    let old = Rules::read(text.as_bytes()).unwrap();
                    let Ok(after) = to(&text, "a", ActionKind::SetImage) else {
                        assert_eq!(rung(&old, "a", ActionKind::SetImage), Mode::Automate, "{text}");
                        continue;
                    };
                    raised += 1;
                    let new = Rules::read(after.as_bytes()).unwrap();
                    assert!(only(&old, &new, "a", ActionKind::SetImage), "{text}\n{after}");
                }
            }
        }
        assert!(raised > 150, "{raised}");
    }

    #[test]
    fn what_cannot_go_up_says_why() {
        let text =
            "version: 1\nenvironments:\n  a: {paths: ['a/**'], mode: automate}\nautoMerge: {actionKinds: [SetImage]}\n";
        assert!(to(text, "a", ActionKind::SetImage).unwrap_err().contains("already"));
        assert!(to(text, "b", ActionKind::SetImage).unwrap_err().contains("no environment `b`"));
        assert!(to(text, "a", ActionKind::PatchManifest).unwrap_err().contains("never merged without a person"));
        let defaults = Defaults::read(&json!({"mode": "propose"})).unwrap();
        let refused = graduation(text.as_bytes(), Some(&defaults), "a", ActionKind::SetEnv).unwrap_err();
        assert!(refused.contains("organisation's defaults"), "{refused}");
    }
}
