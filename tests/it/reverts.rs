//! What follows a bad outcome: one pull request that takes the change back, for a person to merge.

use crate::between::{Fate, Moment};
use crate::commands::OPEN;
use crate::crash::live;
use crate::documents::{automate, config, image, overlay, replicas};
use crate::world::{CONFIG, HOUR, World};
use countersign::domain::facts::{Conclusion, PullState};
use countersign::domain::lifecycle::{Record, Stage};
use countersign::domain::trust::Judgement;
use serde_json::{Value, json};

pub const LANDED: &str = "received / pushed / opened / attested / merged by a person";

impl World {
    /// A change that a person merged; its file, and the file's text before it.
    pub async fn lands(&self, document: &Value, file: &str) -> (String, String) {
        let before = self.file(file).await.unwrap();
        let id = self.propose(document).await;
        self.merge(&id).await;
        (id, before)
    }

    /// The revert that followed a proposal.
    pub async fn revert(&self, id: &str) -> String {
        let next = self.record(id).await.relations.reverted_by.expect("a revert");
        self.takes_up(&next);
        next
    }

    /// A reporter finds it bad, and every turn that follows is taken; no time passes.
    pub async fn turns_bad(&self, id: &str) {
        self.reports(id, "bad").await;
        self.settle().await;
    }

    pub async fn outcome_of(&self, id: &str) -> (Option<Judgement>, String) {
        let Record { outcome, reason, .. } = self.record(id).await;
        (outcome, reason.map(|reason| reason.code).unwrap_or_default())
    }

    /// What our comment on the landed change says of a revert.
    async fn told_of_revert(&self, id: &str) -> String {
        let (_, comments) = self.dana().show(self.number(id).await).await.unwrap();
        comments.into_iter().filter(|said| said.key.as_deref() == Some("revert")).map(|said| said.text).collect()
    }
}

#[tokio::test]
async fn a_bad_report_opens_the_revert_at_once() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let (id, before) = w.lands(&image("web", "staging", "2.0"), &file).await;
    w.turns_bad(&id).await;
    w.acts(&id, &format!("{LANDED} / settled: bad / proposes a revert")).await;
    let next = w.revert(&id).await;
    w.acts(&next, OPEN).await;
    let (first, revert) = (w.record(&id).await, w.record(&next).await);
    assert_eq!(first.outcome, Some(Judgement::Bad));
    assert_eq!((revert.relations.reverts.as_deref(), revert.principal.as_str()), (Some(id.as_str()), "countersign"));
    // It lowers an image, which otherwise needs an approval before anything leaves.
    assert_eq!((revert.needed, revert.approvals.len()), (Some(0), 0));
    let pull = w.pull(&next).await;
    assert_eq!((pull.state, pull.labels.as_slice()), (PullState::Open, ["countersign".to_owned()].as_slice()));
    for said in [id.as_str(), "argocd reports: bad", first.landed.unwrap().commit.as_str()] {
        assert!(pull.body.contains(said), "{said}: {}", pull.body);
    }
    let told = w.told_of_revert(&id).await;
    assert!(told.contains(&next) && told.contains("argocd reports: bad"), "{told}");
    // Nothing but a person merges it.
    w.check(&next, "ci/build", Conclusion::Success).await;
    w.later(HOUR).await;
    assert_eq!(w.record(&next).await.stage, Stage::Open);
    w.merge(&next).await;
    assert_eq!(w.file(&file).await.unwrap(), before, "every byte is back");
    w.acts(&id, &format!("{LANDED} / settled: bad / proposes a revert / taken back")).await;
    w.finish().await;
}

#[tokio::test]
async fn an_unattended_merge_that_turns_bad_demotes_and_is_taken_back() {
    let w = World::seasoned().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.check_passes(&id).await;
    assert!(w.record(&id).await.auto && !w.demoted(&id).await);
    let pulls = w.pulls().await.len();
    w.reports(&id, "bad").await;
    w.reports(&id, "bad").await;
    w.stage.wake(&id).await.unwrap();
    // One turn: the outcome and the demotion; what takes it back is owed from there on.
    assert!(w.stage.worker().step().await.unwrap());
    assert!(w.demoted(&id).await && w.record(&id).await.owes_revert);
    assert!(w.story(&id).await.ends_with("settled: bad, demoted"));
    w.turns().await;
    assert!(w.story(&id).await.ends_with("settled: bad, demoted / proposes a revert"));
    let next = w.revert(&id).await;
    w.acts(&next, OPEN).await;
    assert_eq!(w.pulls().await.len(), pulls + 1);
    w.check_passes(&next).await;
    w.later(HOUR).await;
    assert!(w.open_gates(&next).await.contains(&"mode".to_owned()), "{:?}", w.open_gates(&next).await);
    w.reports(&id, "bad").await;
    w.settle().await;
    assert_eq!(w.pulls().await.len(), pulls + 1, "one for a landed commit");
    w.finish().await;
}

#[tokio::test]
async fn a_revert_that_turns_bad_is_not_taken_back_by_itself() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let (id, _) = w.lands(&replicas("web", "staging", 3), &file).await;
    w.turns_bad(&id).await;
    let next = w.revert(&id).await;
    w.merge(&next).await;
    w.turns_bad(&next).await;
    w.acts(&next, &format!("{LANDED} / settled: bad")).await;
    assert_eq!(w.pulls().await.len(), 2);
    w.finish().await;
}

#[tokio::test]
async fn a_bad_report_after_the_soak_opens_the_revert_too() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let (id, _) = w.lands(&replicas("web", "staging", 3), &file).await;
    w.reports(&id, "good").await;
    w.later(73 * HOUR).await;
    w.later(30 * 24 * HOUR).await;
    assert_eq!(w.outcome_of(&id).await, (Some(Judgement::Good), "verified".into()));
    let record = w.record(&id).await;
    let report = countersign::domain::facts::HealthReport {
        reporter: "argocd".into(),
        result: Judgement::Bad,
        revision: Some(record.landed.clone().unwrap().commit),
        note: "it leaks".into(),
        at: w.stage.clock.now(),
        severe: false,
        since: None,
    };
    let transition = countersign::domain::lifecycle::withdrawn(&record, &report, w.stage.clock.now()).unwrap();
    w.stage.parts.store.commit(&transition, w.stage.clock.now()).await.unwrap();
    w.turns().await;
    let next = w.revert(&id).await;
    w.acts(&next, OPEN).await;
    assert!(w.pull(&next).await.body.contains("it leaks"));
    w.finish().await;
}

#[tokio::test]
async fn limits_hold_a_revert_back_until_there_is_room() {
    let w = World::start().await;
    let limited = |open: u64| automate(&format!("limits: {{openPullRequests: {open}, pullRequestsPerHour: 10}}\n"));
    let (id, _) = w.lands(&replicas("web", "staging", 3), &overlay("web", "staging")).await;
    w.rules(&limited(1)).await;
    let other = w.propose(&image("search", "staging", "2.0")).await;
    w.turns_bad(&id).await;
    let next = w.revert(&id).await;
    w.waits_for(&next, &["open_pull_requests"]).await;
    w.dana().close(w.number(&other).await).await.unwrap();
    w.later(60).await;
    w.acts(&next, OPEN).await;
    w.finish().await;
}

#[tokio::test]
async fn a_stop_holds_a_revert_back_and_a_freeze_does_not() {
    let w = World::start().await;
    let (id, _) = w.lands(&replicas("web", "staging", 3), &overlay("web", "staging")).await;
    w.rules(&automate("stop: true\n")).await;
    w.turns_bad(&id).await;
    let next = w.revert(&id).await;
    assert!(w.open_gates(&next).await.contains(&"stopped".to_owned()));
    assert_eq!(w.pulls().await.len(), 1);
    w.rules(&automate("freeze: [{from: \"2026-01-01\", to: \"2026-03-01\"}]\n")).await;
    w.later(60).await;
    w.acts(&next, OPEN).await;
    w.finish().await;
}

#[tokio::test]
async fn where_nothing_is_pushed_no_revert_is() {
    let starts = |kinds: &str| {
        let rung = format!("automate, startIn: observe, kinds: {{{kinds}}}");
        Some(config(&rung, "", ""))
    };
    for (rules, story) in [
        (Some(config("observe", "", "")), "no revert: observed"),
        (starts("SetReplicas: automate"), "no revert: observed"),
        (starts("SetReplicas: automate, Rollback: propose"), "proposes a revert"),
        (Some(automate("revertOnFailure: false\n")), "no revert: revert_off"),
        (None, "no revert: not_enabled"),
    ] {
        let w = World::start().await;
        let (id, _) = w.lands(&replicas("web", "staging", 3), &overlay("web", "staging")).await;
        w.commits(CONFIG, rules.as_deref()).await;
        w.turns_bad(&id).await;
        w.acts(&id, &format!("{LANDED} / settled: bad / {story}")).await;
        assert_eq!(w.pulls().await.len(), 1 + usize::from(story == "proposes a revert"), "{story}");
        w.finish().await;
    }
}

#[tokio::test]
async fn what_was_changed_since_is_left_to_a_person_who_is_told() {
    let w = World::start().await;
    let file = overlay("web", "staging");
    let (id, before) = w.lands(&image("web", "staging", "2.0"), &file).await;
    w.commits(&file, Some(&before.replace("1.0", "2.1"))).await;
    w.settle().await;
    w.acts(&id, LANDED).await;
    w.turns_bad(&id).await;
    w.acts(&id, &format!("{LANDED} / settled: bad / no revert: revert_by_hand")).await;
    let told = w.told_of_revert(&id).await;
    assert!(told.contains("take back by hand") && told.contains(&file), "{told}");
    assert_eq!(w.pulls().await.len(), 1);
    w.finish().await;
}

#[tokio::test]
async fn the_settings_stop_keeps_a_revert_in_mind() {
    let mut w = World::start().await;
    let (id, _) = w.lands(&replicas("web", "staging", 3), &overlay("web", "staging")).await;
    w.reports(&id, "bad").await;
    let path = w.stage.home.join("settings.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("stop = true\n{text}")).unwrap();
    w = w.restart().await;
    w.settle().await;
    assert!(w.record(&id).await.owes_revert, "the outcome is counted, and nothing is written at the forge");
    std::fs::write(&path, text).unwrap();
    w = w.restart().await;
    w.later(600).await;
    let next = w.revert(&id).await;
    w.acts(&next, OPEN).await;
    w.finish_after_failures().await;
}

/// A landed change that a reporter found bad, and nobody looked since.
async fn found_bad() -> (World, String) {
    let w = World::start().await;
    let (id, _) = w.lands(&image("web", "staging", "2.0"), &overlay("web", "staging")).await;
    w.reports(&id, "bad").await;
    w.stage.wake(&id).await.unwrap();
    (w, id)
}

/// The outcome is counted and taken back once.
async fn taken_back_once(w: World, id: &str) {
    let next = w.revert(id).await;
    w.acts(id, &format!("{LANDED} / settled: bad / proposes a revert")).await;
    w.acts(&next, OPEN).await;
    assert_eq!(w.pulls().await.len(), 2);
    let class = w.record(id).await.class.unwrap().key();
    assert_eq!(w.stage.parts.store.outcomes(w.stage.tenant(), class).await.unwrap().len(), 1);
    w.finish_after_failures().await;
}

/// Takes a bad change back, and ends where fate wants it; answers how many effects that had.
async fn reverted(moment: Moment) -> u64 {
    let fate = Fate::new(moment);
    let (w, id) = found_bad().await;
    let w = live(w, &fate).await;
    w.later(60).await;
    assert_eq!(w.repeats, moment != Moment::Never, "{moment:?}: it died once");
    taken_back_once(w, &id).await;
    fate.effects()
}

#[tokio::test]
async fn tm102_a_revert_is_opened_once_wherever_it_ends() {
    let effects = reverted(Moment::Never).await;
    assert!((5..10).contains(&effects), "{effects} effects");
    for n in 1..=effects {
        reverted(Moment::Before(n)).await;
        reverted(Moment::After(n)).await;
    }
}

#[tokio::test]
async fn tm102_a_revert_is_opened_though_it_ends_after_every_turn() {
    let (mut w, id) = found_bad().await;
    loop {
        let now = w.stage.clock.now();
        let Some(claim) = w.stage.parts.store.claim(now, 120, "mortal").await.unwrap() else { break };
        w.stage.parts.engine().turn(&claim).await.unwrap();
        w = w.restart().await;
        w.advance(121);
        if w.pulls().await.len() == 2 {
            break;
        }
    }
    w.turns().await;
    taken_back_once(w, &id).await;
}

#[tokio::test]
async fn nobody_proposes_in_the_services_own_name() {
    let w = World::start().await;
    let parts = &w.stage.parts;
    let mut document = image("web", "staging", "2.0");
    document["proposer"] = json!({"id": "countersign"});
    let (tenant, now) = (w.stage.tenant(), w.stage.clock.now());
    let bytes = document.to_string();
    let intake = parts.intake();
    let sent = intake.receive(tenant, "countersign", bytes.as_bytes(), now);
    assert_eq!(sent.await.unwrap_err().code(), "proposer_reserved");
    w.finish().await;
}
