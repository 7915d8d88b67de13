//! What an organisation asks of all its repositories: defaults where a config says nothing, and floors where it does.
//!
//! Must not make anything looser than either side says.

use super::rules::{AutoMerge, Environment, Mode, Rules};
use crate::domain::canon::{self, Malformed};
use crate::domain::ids::Digest;
use serde_json::{Map, Value};

/// Keys that only a repository can say.
const OWN: [&str; 5] = ["version", "environments", "bases", "policy", "runbooks"];

/// Defaults of an organisation, from the service's settings; the keys are those of a repository's config.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    said: Map<String, Value>,
    /// The highest rung of any environment.
    mode: Option<Mode>,
    /// The highest rung of a production environment.
    production: Option<Mode>,
}

impl Defaults {
    /// Reads them strictly.
    pub fn read(said: &Value) -> Result<Defaults, Malformed> {
        let Value::Object(said) = said else { return Err(Malformed::at("", "write a table of keys")) };
        let mut said = said.clone();
        if let Some(own) = OWN.iter().find(|own| said.contains_key(**own)) {
            return Err(Malformed::at(*own, "only a repository's own config can say this"));
        }
        let mut rung = |key: &str| -> Result<Option<Mode>, Malformed> {
            let found = said.shift_remove(key).map(canon::typed).transpose();
            found.map_err(|fault| Malformed::at(key, fault.reason))
        };
        let (mode, production) = (rung("mode")?, rung("productionMode")?);
        let defaults = Defaults { said, mode, production };
        let mut document = defaults.said.clone();
        document.insert("version".into(), 1.into());
        Rules::typed(Value::Object(document))?;
        Ok(defaults)
    }

    /// The digest of what they say.
    pub fn digest(&self) -> Digest {
        let rung = |mode: Option<Mode>| mode.map_or(String::new(), |mode| mode.to_string());
        let (mode, production) = (rung(self.mode), rung(self.production));
        let said = canon::canonical(&Value::Object(self.said.clone()));
        Digest::of_fields("countersign/defaults/v1", &[&said, mode.as_bytes(), production.as_bytes()])
    }

    /// The rules in force for a repository's document, and a sentence for each value that its file does not get.
    pub(super) fn over(&self, document: Value) -> Result<(Rules, Vec<String>), Malformed> {
        let said = Value::Object(self.said.clone());
        // Where both sides speak the two differ; where only one does, both hold its word.
        let wished: Rules = canon::typed(merged(said.clone(), document.clone()))?;
        let asked: Rules = canon::typed(merged(document, said))?;
        let mut rules = tighter(&wished, asked);
        for (name, environment) in &mut rules.environments {
            self.cap(name, environment);
        }
        rules.check().map_err(|fault| {
            Malformed::at(fault.path, format!("{} (under the organisation's defaults)", fault.reason))
        })?;
        let (file, force) = (serde_json::to_value(&wished), serde_json::to_value(&rules));
        let mut sentences = Vec::new();
        if let (Ok(file), Ok(force)) = (file, force) {
            differences("", &file, &force, &mut sentences);
        }
        Ok((rules, sentences))
    }

    fn cap(&self, name: &str, environment: &mut Environment) {
        let production = self.production.filter(|_| environment.is_production(name));
        let Some(most) = self.mode.into_iter().chain(production).min() else { return };
        environment.mode = environment.mode.min(most);
        environment.start_in = environment.start_in.map(|rung| rung.min(most));
        environment.kinds.values_mut().for_each(|rung| *rung = (*rung).min(most));
    }
}

/// One document laid over another: what the upper one says stands, maps are joined key by key.
fn merged(under: Value, over: Value) -> Value {
    match (under, over) {
        (Value::Object(mut under), Value::Object(over)) => {
            for (key, value) in over {
                let below = under.shift_remove(&key);
                under.insert(key, below.map_or(value.clone(), |below| merged(below, value)));
            }
            Value::Object(under)
        }
        (_, over) => over,
    }
}

/// Field by field the tighter of what the repository wishes and what the organisation asks.
fn tighter(wished: &Rules, asked: Rules) -> Rules {
    let mut rules = asked;
    rules.auto_merge = tighter_merge(&wished.auto_merge, rules.auto_merge);
    let (mine, theirs) = (&wished.limits, &mut rules.limits);
    theirs.pull_requests_per_hour = theirs.pull_requests_per_hour.min(mine.pull_requests_per_hour);
    theirs.open_pull_requests = theirs.open_pull_requests.min(mine.open_pull_requests);
    theirs.files = theirs.files.min(mine.files);
    theirs.lines = theirs.lines.min(mine.lines);
    join(&mut rules.protected_namespaces, &wished.protected_namespaces);
    join(&mut rules.freeze, &wished.freeze);
    rules.hold_period = rules.hold_period.max(wished.hold_period);
    rules.approval_timeout = rules.approval_timeout.min(wished.approval_timeout);
    rules.approvals.tier1 = rules.approvals.tier1.max(wished.approvals.tier1);
    rules.approvals.tier2 = rules.approvals.tier2.max(wished.approvals.tier2);
    rules.approvals.minimum_confidence =
        surer(rules.approvals.minimum_confidence, &wished.approvals.minimum_confidence);
    rules.stop |= wished.stop;
    rules
}

/// The window and the method are the organisation's where it names them: neither of two is tighter.
fn tighter_merge(wished: &AutoMerge, asked: AutoMerge) -> AutoMerge {
    let mut auto = asked;
    auto.wilson_lower_bound = auto.wilson_lower_bound.max(wished.wilson_lower_bound);
    auto.spread.targets = auto.spread.targets.max(wished.spread.targets);
    auto.spread.days = auto.spread.days.max(wished.spread.days);
    auto.soak = auto.soak.max(wished.soak);
    auto.quiet_period = auto.quiet_period.max(wished.quiet_period);
    auto.minimum_confidence = surer(auto.minimum_confidence, &wished.minimum_confidence);
    if let (Some(all), Some(mine)) = (&mut auto.required_checks, &wished.required_checks) {
        join(all, mine);
    }
    auto.suggest &= wished.suggest;
    auto.action_kinds.retain(|kind| wished.action_kinds.contains(kind));
    auto
}

/// The larger of two shares; one that was asked for stays.
fn surer(asked: Option<String>, wished: &Option<String>) -> Option<String> {
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
    if number(wished) > number(&asked) { wished.clone() } else { asked }
}

fn join<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
    for one in more {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
}

/// A sentence for every value that is not what the file says.
fn differences(at: &str, file: &Value, force: &Value, found: &mut Vec<String>) {
    match (file, force) {
        (Value::Object(file), Value::Object(force)) => {
            for (key, value) in force {
                let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                differences(&place, file.get(key).unwrap_or(&Value::Null), value, found);
            }
        }
        (file, force) if file == force => {}
        (file, force) => found.push(format!("{at}: {force} and not {file}, by the organisation's defaults")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::rules::Loaded;
    use serde_json::json;

    fn under(defaults: Value, config: &str) -> Result<Loaded, Malformed> {
        Loaded::read("a", config.as_bytes(), Some(&Defaults::read(&defaults).expect("defaults")))
    }

    #[test]
    fn a_default_stands_where_the_file_says_nothing() {
        let said = json!({"limits": {"pullRequestsPerHour": 20}, "autoMerge": {"soak": "24h"}});
        let loaded = under(said, "version: 1\n").expect("rules");
        assert_eq!((loaded.rules.limits.pull_requests_per_hour, loaded.rules.limits.files), (20, 5));
        assert_eq!((loaded.rules.auto_merge.soak.0, loaded.tightened.len()), (86_400, 0));
    }

    #[test]
    fn a_file_can_only_tighten() {
        let said = json!({
            "mode": "automate", "productionMode": "propose", "approvals": {"tier1": 1, "minimumConfidence": "0.5"},
            "limits": {"files": 3, "lines": 500}, "protectedNamespaces": ["a"],
            "autoMerge": {"wilsonLowerBound": "0.95", "actionKinds": ["SetImage"],
                          "requiredChecks": [{"name": "ci"}], "minimumConfidence": "0.8"},
        });
        let config = "version: 1\nenvironments:\n  production: {paths: ['p/**'], mode: automate}\n  staging: {paths: ['s/**'], mode: automate}\nlimits: {files: 9, lines: 20}\nprotectedNamespaces: [b]\nautoMerge: {wilsonLowerBound: \"0.80\", actionKinds: [SetImage, SetEnv], requiredChecks: [], minimumConfidence: \"0.9\"}\napprovals: {tier1: 0, minimumConfidence: \"0.2\"}\n";
        let loaded = under(said, config).expect("rules");
        let rules = &loaded.rules;
        assert_eq!((rules.limits.files, rules.limits.lines), (3, 20));
        assert_eq!(rules.environments["production"].mode, Mode::Propose);
        assert_eq!(rules.environments["staging"].mode, Mode::Automate);
        assert_eq!(rules.protected_namespaces, ["a", "b"]);
        assert_eq!(rules.auto_merge.wilson_lower_bound.to_string(), "0.95");
        assert_eq!(rules.auto_merge.action_kinds.len(), 1);
        assert_eq!(rules.auto_merge.required_checks.as_ref().map(Vec::len), Some(1));
        assert_eq!(rules.auto_merge.minimum_confidence.as_deref(), Some("0.9"));
        assert_eq!((rules.approvals.tier1, rules.approvals.minimum_confidence.as_deref()), (1, Some("0.5")));
        let told = loaded.tightened.join("\n");
        for word in ["limits.files: 3 and not 9", "environments.production.mode", "wilsonLowerBound", "tier1"] {
            assert!(told.contains(word), "{word}: {told}");
        }
        assert!(!told.contains("lines") && !told.contains("staging"), "{told}");
    }

    #[test]
    fn the_digest_names_both_sides() {
        let plain = Loaded::read("a", b"version: 1\n", None).expect("rules").digest;
        let one = under(json!({"limits": {"files": 3}}), "version: 1\n").expect("rules").digest;
        let other = under(json!({"limits": {"files": 4}}), "version: 1\n").expect("rules").digest;
        assert_eq!(plain, Digest::of(b"version: 1\n"));
        assert!(plain != one && one != other);
    }

    #[test]
    fn what_only_a_repository_can_say_is_refused() {
        for (said, word) in [
            (json!({"environments": {}}), "environments"),
            (json!({"version": 1}), "version"),
            (json!({"limits": {"fils": 3}}), "fils"),
            (json!({"mode": "yes"}), "mode"),
            (json!([]), "table"),
        ] {
            let fault = Defaults::read(&said).expect_err(word);
            assert!(fault.to_string().contains(word), "{fault}");
        }
        let never = json!({"autoMerge": {"wilsonLowerBound": "0.99", "outcomes": {"last": 400}}});
        let short = "version: 1\nautoMerge: {outcomes: {last: 100}}\n";
        assert_eq!(under(never, short).expect("the organisation's window stands").rules.auto_merge.outcomes.last, 400);
    }
}
