//! Judges a proposal against the repository's rules, as a tree of gates a person can read.
//!
//! Must not gather anything: it is handed facts.

mod changed;
pub mod consequences;
pub mod defaults;
pub mod effect;
pub mod freeze;
pub mod graduation;
pub mod hazards;
pub mod kinds;
pub mod leaves;
mod loaded;
pub mod need;
pub mod objects;
mod patched;
pub mod place;
pub mod protected;
mod reach;
mod reading;
pub mod rego;
pub mod rules;
pub mod sources;
mod span;
mod texts;
pub mod verdict;

use super::facts::{Answer, Facts, Plan, Policy, Twin};
use super::ids::{Binding, Digest, Time};
use super::proposal::{ActionKind, Proposal};
use super::trust::{Class, Track};
use effect::Effect;
use place::Place;
use rules::{Loaded, Mode, Rules};
use verdict::Verdict;

/// Hold periods after which a person's no is forgotten.
const REMEMBERED_HOLDS: i64 = 24;

/// What a proposal comes to under the rules: computed, never claimed.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What it does.
    pub effect: Effect,
    /// Where it belongs.
    pub place: Place,
    /// How dangerous it is.
    pub tier: u8,
    /// The class it counts in.
    pub class: Class,
    /// How many approvals it needs.
    pub approvals: u32,
    /// What asks for them.
    pub why: Vec<String>,
}

impl Judged {
    /// Computes effect, place, tier and class.
    pub fn of(proposal: &Proposal, binding: &Binding, plan: &Plan, rules: &Rules) -> Judged {
        let effect = Effect::within(&plan.applied, &plan.around);
        let place = place::place(rules, proposal.action_kind, effect.paths());
        let tier = effect.tier(place.production);
        let class = Class {
            tenant: binding.tenant.clone(),
            repository: binding.key(),
            environment: place.environment.clone(),
            action_kind: proposal.action_kind.name(),
            tier,
        };
        let (approvals, why) = need::need(proposal, &effect, tier, &rules.approvals);
        Judged { effect, place, tier, class, approvals, why }
    }

    /// The same in a class that a severe failure froze: it only observes.
    #[must_use]
    pub fn under(mut self, track: &Track) -> Judged {
        if track.demotion.as_ref().is_some_and(|demotion| demotion.severe) {
            self.place.mode = Mode::Observe;
        }
        self
    }

    /// The same where policies ask for more approvals.
    #[must_use]
    pub fn asked(mut self, answer: Option<&Answer>) -> Judged {
        if let Some(answer) = answer {
            need::raise(&mut self.approvals, &mut self.why, answer);
        }
        self
    }

    /// The names of the dangers, for the attestation.
    pub fn hazards(&self) -> Vec<String> {
        self.effect.hazards.iter().map(|hazard| format!("{} {}", hazard.name, hazard.place)).collect()
    }
}

/// What would change, whoever asks: hash of repository, base and change set.
pub fn effect_key(binding: &Binding, base: &str, changeset: &Digest) -> Digest {
    Digest::of_fields("countersign/effect/v1", &[binding.key().as_bytes(), base.as_bytes(), &changeset.0])
}

/// The gates before anything leaves; judged again before a merge.
pub fn judge(proposal: &Proposal, judged: &Judged, loaded: &Loaded, facts: &Facts) -> Verdict {
    let rules = &loaded.rules;
    Verdict::all(
        "policy",
        vec![
            stop(rules, facts),
            base(proposal, rules, facts),
            environment(proposal, &judged.place),
            kinds::judge(proposal, &judged.effect, rules),
            namespaces(proposal, &judged.effect, rules),
            rego(loaded, facts),
            size(&judged.effect, rules),
        ],
    )
}

/// The gates that count what else is going on; asked once, before the first push.
pub fn admit(facts: &Facts, rules: &Rules) -> Verdict {
    let gates = vec![duplicate(&facts.twins, rules, facts.now), incident(facts, rules), budget(facts)];
    Verdict::all("admission", gates)
}

/// Seconds that a person's no is remembered under these rules, or where there are none.
pub fn remembered(rules: Option<&Rules>) -> i64 {
    rules.map_or(3_600, |rules| rules.hold_period.0).saturating_mul(REMEMBERED_HOLDS)
}

/// The policies in force must be the ones that were asked.
fn rego(loaded: &Loaded, facts: &Facts) -> Verdict {
    match (&facts.rego, loaded.policies.as_slice()) {
        (None, []) => Verdict::pass("rego", "neither the service nor the repository has a policy"),
        (Some(answer), policies) if answer.policies == Policy::bundle(policies) => rego::verdict(answer),
        (Some(_), _) => Verdict::wait("rego", "rego_swapped", "the policies are not the ones that were asked"),
        (None, _) => Verdict::wait("rego", "rego_unasked", "the policies were not asked yet"),
    }
}

fn stop(rules: &Rules, facts: &Facts) -> Verdict {
    if let Some(halt) = &facts.halted {
        let sentence =
            format!("{} stopped this repository at {}; an admin of it has to release it", halt.by.login, halt.at);
        return Verdict::wait("stop", "halted", sentence);
    }
    if rules.stop {
        return Verdict::wait(
            "stop",
            "stopped",
            "the repository's config says `stop: true`; a person has to take it back",
        );
    }
    Verdict::pass("stop", "the repository's config does not stop countersign")
}

fn base(proposal: &Proposal, rules: &Rules, facts: &Facts) -> Verdict {
    let asked = proposal.repository.base.as_deref().unwrap_or(&facts.repository.default_branch);
    if asked == facts.repository.default_branch || rules.bases.iter().any(|base| base == asked) {
        return Verdict::pass("base", format!("`{asked}` may be changed"));
    }
    Verdict::refuse(
        "base",
        "base_not_listed",
        format!("`{asked}` is neither the default branch nor listed under `bases` in the config"),
    )
}

fn environment(proposal: &Proposal, place: &Place) -> Verdict {
    let name = if place.environment.is_empty() { "no environment" } else { place.environment.as_str() };
    match &proposal.environment {
        Some(claim) if *claim != place.environment => Verdict::refuse(
            "environment",
            "environment_claim",
            format!("the proposal says `{claim}`, the changed paths belong to {name}"),
        ),
        Some(_) | None => Verdict::pass("environment", format!("{name}, mode {}", place.mode)),
    }
}

fn namespaces(proposal: &Proposal, effect: &Effect, rules: &Rules) -> Verdict {
    let extra = || rules.protected_namespaces.iter().map(String::as_str);
    let claimed = proposal.target.namespace.iter().map(String::as_str);
    let named = effect.namespaces.iter().map(String::as_str);
    for namespace in claimed.chain(named) {
        if let Some(floor) = protected::protects(namespace, extra()) {
            let sentence = format!(
                "the namespace `{namespace}` is protected as `{floor}`: nothing there is changed by countersign"
            );
            return Verdict::refuse("namespaces", "protected_namespace", sentence);
        }
    }
    if effect.namespace_unknown {
        return Verdict::pass("namespaces", "the files do not name a namespace: a person has to merge");
    }
    Verdict::pass("namespaces", "no protected namespace is touched")
}

fn size(effect: &Effect, rules: &Rules) -> Verdict {
    let (files, lines) = (effect.summary.len() as u64, effect.lines());
    let limits = &rules.limits;
    if files > limits.files || lines > limits.lines {
        let sentence = format!(
            "{files} files and {lines} changed lines, at most {} and {} are allowed: split the proposal or raise `limits`",
            limits.files, limits.lines
        );
        return Verdict::refuse("size", "too_large", sentence);
    }
    Verdict::pass("size", format!("{files} files, {lines} changed lines"))
}

fn duplicate(twins: &[Twin], rules: &Rules, now: Time) -> Verdict {
    if let Some(twin) = twins.iter().find(|twin| twin.active) {
        return Verdict::refuse("duplicate", "duplicate", format!("proposal {} already makes this change", twin.id));
    }
    let forgotten = |at: Time| at.plus_seconds(remembered(Some(rules))) <= now;
    if let Some(twin) = twins.iter().find(|twin| twin.rejected.is_some_and(|at| !forgotten(at))) {
        let why = twin.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let sentence = format!("a person closed the pull request of proposal {} that made this change{why}", twin.id);
        return Verdict::refuse("duplicate", "rejected", sentence);
    }
    Verdict::pass("duplicate", "nobody else makes this change")
}

/// One proposal for an incident within the hold period.
fn incident(facts: &Facts, rules: &Rules) -> Verdict {
    match &facts.earlier {
        None => Verdict::pass("incident", "no other proposal has this fingerprint"),
        Some(earlier) => {
            let until = earlier.received.plus_seconds(rules.hold_period.0);
            let sentence =
                format!("proposal {} is about the same incident; another is taken after {until}", earlier.id);
            Verdict::refuse("incident", "same_incident", sentence)
        }
    }
}

/// Room for one more pull request; asked once more when it is announced, where nobody else can announce one meanwhile.
fn budget(facts: &Facts) -> Verdict {
    let counts = &facts.counts;
    match facts.quota.and_then(|quota| quota.full(counts)) {
        Some((code, sentence)) => Verdict::wait("budget", code, sentence),
        None => Verdict::pass("budget", format!("{} open, {} in the last hour", counts.open, counts.last_hour)),
    }
}

/// Whether a kind touches so little that its record may let it merge by itself.
pub fn may_automate(kind: ActionKind) -> bool {
    kinds::is_narrow(kind)
}

/// Whether the place's mode lets anything merge without a person.
pub fn automates(place: &Place) -> bool {
    place.mode == Mode::Automate
}
