//! One open pull request for which every gate passes, with everything a decision looks at; a test spoils one thing of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod gates;
mod merging;
mod policy;
mod proofs;

use super::track::terms;
use super::*;
use crate::domain::approval::{Alg, Approver, Approvers};
use crate::domain::attest::{
    AuditRef, Issue, KeyId, KeyRef, KeySet, Signer, Statement, TrustRef, draft_digest, prove, render_block, seal,
};
use crate::domain::edit::{Files, Refusal, apply};
use crate::domain::facts::{
    Base, Check, Conclusion, Counts, Mergeable, Opinion, Plan, Protection, Pull, PullState, Repository, Review, Tip,
    User,
};
use crate::domain::ids::ForgeKind;
use crate::domain::policy::rules::Loaded;
use crate::domain::proposal::Sealed;
use crate::domain::trust::Track;
use serde_json::json;
use std::collections::BTreeMap;

const FILE: &str = "apps/web.yaml";
const BEFORE: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          image: web:1.0\n";
const RULES: &str = "version: 1\nenvironments: {staging: {paths: [\"apps/**\"], mode: automate}}\nautoMerge: {requiredChecks: [{name: \"ci/*\", app: 15368}], actionKinds: [SetImage], minimumConfidence: \"0.8\"}\n";
const TEXT: &str = "### countersign: attested remediation\n\nOne file, one line.\n\n<details>\n\n```\n";
const NOW: &str = "2026-01-05T08:00:00Z";
const CI: u64 = 15_368;
const BOT: u64 = 9;
const DAY: i64 = 86_400;

struct Tree;

impl Files for Tree {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        Ok((path == FILE).then(|| BEFORE.as_bytes().to_vec()))
    }
}

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

fn now() -> Time {
    NOW.parse().unwrap()
}

fn signer() -> Signer {
    Signer::from_seed(&[7; 32])
}

fn user(id: u64, login: &str) -> User {
    User { id, login: login.into() }
}

/// What a decision looks at, each part to be changed by a test.
#[derive(Clone)]
struct Scene {
    record: Record,
    proposal: Proposal,
    facts: Facts,
    rules: RulesState,
    judged: Option<Judged>,
}

fn sealed() -> Sealed {
    let document = json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "actionKind": "SetImage", "confidence": "0.9",
        "repository": {"forge": "local", "name": "acme/shop"},
        "target": {"kind": "Deployment", "namespace": "shop", "name": "web"},
        "changes": [{"manifest": {"file": FILE, "set": {"spec.template.spec.containers[name=app].image": "web:1.1"}}}],
        "reason": "it crashes", "rollback": {"description": "back to 1.0"}, "proposer": {"id": "agent:sample"},
    });
    Sealed::read(document.to_string().as_bytes()).unwrap()
}

fn loaded(yaml: &str) -> RulesState {
    RulesState::Loaded(Box::new(Loaded::read(".github/countersign.yaml", yaml.as_bytes(), None).unwrap()))
}

fn plan(proposal: &Proposal) -> Plan {
    let applied = apply(&Tree, &proposal.changes).unwrap();
    let changeset = Digest([5; 32]);
    Plan { tree: oid('c'), changeset, applied, inverse: b"the way back".to_vec(), around: BTreeMap::new() }
}

fn pull() -> Pull {
    Pull {
        number: 12,
        repository: 101,
        state: PullState::Open,
        draft: false,
        locked: false,
        title: "a change".into(),
        body: TEXT.into(),
        author: user(BOT, "bot"),
        base_ref: "main".into(),
        head_ref: "countersign/set-image/web-0123456789ab".into(),
        head_repository: 101,
        head: oid('b'),
        labels: Vec::new(),
        reviews: Vec::new(),
        checks: vec![check("ci/build", CI, Conclusion::Success)],
        touched_by_others: None,
        mergeable: Mergeable::Yes,
        merged: None,
        closed_by: None,
    }
}

fn check(name: &str, app: u64, conclusion: Conclusion) -> Check {
    Check { name: name.into(), app, head: oid('b'), conclusion }
}

fn review(by: u64, opinion: Opinion) -> Review {
    Review { by: user(by, "somebody"), can_write: true, opinion, head: oid('b'), at: now() }
}

fn approver(id: &str, n: u8) -> Approver {
    let key = Signer::from_seed(&[n; 32]).public();
    Approver {
        id: id.into(),
        issuer: "https://id.example".into(),
        person: id.into(),
        forge_user: None,
        principals: Vec::new(),
        alg: Alg::EdDSA,
        revoked: false,
        keys: vec![(KeyId::of(&key), key)],
        awaited: Vec::new(),
    }
}

fn facts(proposal: &Proposal) -> Facts {
    let plan = plan(proposal);
    Facts {
        now: now(),
        clock_regressed: false,
        instance: "bot.example".into(),
        repository: Repository {
            id: 101,
            name: "acme/shop".into(),
            default_branch: "main".into(),
            archived: false,
            bot: user(BOT, "bot"),
        },
        protection: Some(Protection::default()),
        base: Some(Base { name: "main".into(), tip: oid('a'), tree: oid('0') }),
        branch: Some(Tip { commit: oid('b'), parents: vec![oid('a')], tree: oid('c'), changeset: plan.changeset }),
        plan: Ok(plan),
        pull: Some(pull()),
        landing: None,
        left: None,
        keys: KeySet::single(signer().public()),
        approvers: Approvers::new(vec![approver("dana", 1), approver("kim", 2)]).unwrap(),
        track: Track::default(),
        counts: Counts::default(),
        quota: None,
        twins: Vec::new(),
        rivals: Vec::new(),
        predecessors: Vec::new(),
        earlier: None,
        reports: Vec::new(),
        unfit: Vec::new(),
        asked: None,
        parting: None,
        halted: None,
        rego: None,
        sweep: 60,
    }
}

/// Eighty good outcomes on as many days.
fn earned(epoch: &str) -> Vec<Outcome> {
    let one = |n: i64| Outcome {
        target: format!("file-{}", n % 12),
        at: now().plus_seconds((n - 81) * DAY),
        result: Judgement::Good,
        auto: false,
        merged: None,
        maker: "agent:sample".into(),
        epoch: epoch.into(),
        severe: false,
        evidence: "argocd".into(),
    };
    (0..80).map(one).collect()
}

impl Scene {
    /// Every gate passes.
    fn new() -> Scene {
        let sealed = sealed();
        let tenant = "acme".parse().unwrap();
        let binding =
            Binding { tenant, forge: ForgeKind::Local, host: "local".into(), id: 101, name: "acme/shop".into() };
        let mut record = Record::received("0190-a".into(), binding, &sealed, "agent:sample", now());
        (record.stage, record.head, record.base, record.pull) =
            (Stage::Open, Some(oid('b')), Some("main".into()), Some(12));
        let proposal = sealed.proposal;
        let facts = facts(&proposal);
        let mut scene = Scene { record, proposal, facts, rules: loaded(RULES), judged: None };
        scene.judge();
        let auto = &scene.rules.loaded().unwrap().rules.auto_merge;
        scene.facts.track.outcomes = earned(&terms(&scene.record.binding, auto).epoch);
        scene.attest();
        scene
    }

    /// Under other rules, attested under them.
    fn under(yaml: &str) -> Scene {
        let mut scene = Scene::new();
        scene.rules = loaded(yaml);
        scene.judge();
        scene.attest();
        scene
    }

    /// Another such scene, with one thing changed.
    fn with(spoil: impl FnOnce(&mut Scene)) -> Scene {
        let mut scene = Scene::new();
        spoil(&mut scene);
        scene
    }

    /// What the change comes to under the rules.
    fn judge(&mut self) {
        let rules = &self.rules.loaded().unwrap().rules;
        let plan = self.facts.plan.as_ref().unwrap();
        self.judged = Some(Judged::of(&self.proposal, &self.record.binding, plan, rules));
    }

    fn pull(&mut self) -> &mut Pull {
        self.facts.pull.as_mut().unwrap()
    }

    fn branch(&mut self) -> &mut Tip {
        self.facts.branch.as_mut().unwrap()
    }

    fn judged(&mut self) -> &mut Judged {
        self.judged.as_mut().unwrap()
    }

    fn protection(&mut self) -> &mut Protection {
        self.facts.protection.as_mut().unwrap()
    }

    /// Writes an attestation of what is the case now into the body, as the newest.
    fn attest(&mut self) {
        self.record.issued = Some(self.write("0123456789abcdef0123456789abcdef"));
    }

    /// Writes one into the body; what would be on record of it.
    fn write(&mut self, nonce: &str) -> Issued {
        let binding = live_binding(&self.case()).expect("every row").with_text(draft_digest(TEXT));
        let not_after = now().plus_seconds(3 * DAY);
        let issue = Issue {
            issued: now(),
            not_after,
            nonce: nonce.into(),
            trust: TrustRef::default(),
            key: KeyRef { kid: signer().id().to_string(), keyset_version: 1 },
            audit: AuditRef { origin: "bot.example/t/acme".into(), index: 41, leaf: Digest([9; 32]) },
        };
        let envelope = seal(&Statement::new(binding, issue), &signer());
        let body = format!("{TEXT}{}\n```\n\n</details>\n", render_block(&envelope));
        let proven = prove(&body, &self.facts.keys, now()).expect("it proves");
        self.pull().body = body;
        let nonce = nonce.to_owned();
        let (envelope, text) = (proven.envelope, draft_digest(TEXT));
        Issued { nonce, envelope, text, base: oid('a'), head: oid('b'), issued: now(), not_after }
    }

    fn case(&self) -> Case<'_> {
        let judged = self.judged.as_ref();
        Case { record: &self.record, proposal: &self.proposal, facts: &self.facts, rules: &self.rules, judged }
    }

    fn verdict(&self) -> Verdict {
        gates(&self.case(), self.facts.pull.as_ref().unwrap())
    }

    /// The code of the first gate of this name that does not pass; empty when each of them does.
    fn code(&self, gate: &str) -> String {
        let verdict = self.verdict();
        let named: Vec<&Verdict> = verdict.children.iter().filter(|child| child.gate == gate).collect();
        assert!(!named.is_empty(), "no gate `{gate}`: {}", verdict.text());
        let open = named.into_iter().find(|child| !child.passes());
        assert!(open.is_none() || !verdict.passes());
        open.map(|child| child.code.clone()).unwrap_or_default()
    }
}

/// Of one thing that is spoilt, the gate and its code.
#[track_caller]
fn spoilt(gate: &str, code: &str, spoil: impl FnOnce(&mut Scene)) {
    let scene = Scene::with(spoil);
    assert_eq!(scene.code(gate), code, "{}", scene.verdict().text());
}
