//! What is said of a merged change, by reporters and by the forge itself, and what comes of it.

use crate::documents::{config, image, overlay};
use crate::world::{HOUR, World};
use countersign::domain::facts::{Conclusion, HealthReport};
use countersign::domain::ids::{Oid, Time};
use countersign::domain::lifecycle::Stage;
use countersign::domain::trust::Judgement;
use countersign::forge::local::FaultKind;
use countersign::forge::{Forge, ForgeError, Report};
use std::sync::Arc;

const MERGED: &str = "received / pushed / opened / attested / waits: checks.missing / merged by a person";
const ARGO: u64 = 88;

/// A config whose outcomes are seen on the forge.
fn watching(sources: &str) -> String {
    config("propose", "", &format!("outcomes: {sources}\n"))
}

/// A change of a tag in staging that a person merged, and the commit it landed as.
async fn landed(w: &World) -> (String, Oid) {
    let id = w.propose(&image("web", "staging", "2.0")).await;
    w.merge(&id).await;
    let commit = w.record(&id).await.landed.expect("merged").commit;
    (id, commit)
}

async fn says(w: &World, id: &str, result: Judgement, revision: Option<Oid>, since: Option<Time>) {
    let note = "as it is seen".to_owned();
    let at = w.stage.clock.now();
    let report = HealthReport { reporter: "argocd".into(), result, revision, note, at, severe: false, since };
    w.stage.parts.store.report(w.stage.tenant(), id, &report).await.unwrap();
    w.settle().await;
}

async fn told(w: &World, id: &str) -> String {
    w.record(id).await.verdict.expect("a verdict").text()
}

async fn outcome(w: &World, id: &str) -> Option<Judgement> {
    w.record(id).await.outcome
}

fn forge(w: &World) -> Arc<dyn Forge> {
    let tenant = &w.stage.parts.settings.tenants[0];
    w.stage.parts.forges.get(&tenant.repositories[0].binding(&tenant.id)).unwrap().clone()
}

/// Argo CD writes a status on a commit.
async fn status(w: &World, commit: &Oid, conclusion: Conclusion) {
    w.stage.person("argo", ARGO).check_commit(commit, "argocd/web", conclusion, ARGO).await.unwrap();
}

#[tokio::test]
async fn a_later_commit_that_holds_the_change_shows_it() {
    let w = World::start().await;
    let (id, _) = landed(&w).await;
    let later = w.commits("README.md", Some("other words\n")).await;
    says(&w, &id, Judgement::Good, Some(later), None).await;
    assert!(told(&w, &id).await.contains("argocd says good of"), "{}", told(&w, &id).await);
    assert_eq!(w.record(&id).await.stage, Stage::Merged, "good only at the end of the soak");
    w.later(73 * HOUR).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Good));
    w.finish().await;
}

#[tokio::test]
async fn a_change_is_found_in_a_file_that_others_changed_too() {
    let w = World::start().await;
    let (id, _) = landed(&w).await;
    let path = overlay("web", "staging");
    let text = format!("{}# a remark\n", w.file(&path).await.expect("a file"));
    let later = w.commits(&path, Some(&text)).await;
    says(&w, &id, Judgement::Good, Some(later), None).await;
    w.later(73 * HOUR).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Good));
    w.finish().await;
}

#[tokio::test]
async fn a_commit_that_does_not_hold_the_change_shows_nothing() {
    let w = World::start().await;
    let before = w.commits("README.md", Some("from before\n")).await;
    let (id, landed) = landed(&w).await;
    let path = overlay("web", "staging");
    let text = w.file(&path).await.expect("a file").replace("2.0", "9.9");
    let changed = w.commits(&path, Some(&text)).await;
    let aside = w.dana().commit("aside", vec![("a.txt".into(), Some(b"a".to_vec()))], "aside").await;
    let unknown: Oid = "b".repeat(40).parse().unwrap();
    let artifact: Oid = "c".repeat(64).parse().unwrap();
    let blob: Oid = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391".parse().unwrap();
    let mut cases = vec![
        (before, "from before the change landed"),
        (changed, "does not hold the change any more"),
        (unknown, "no commit of this repository"),
        (artifact, "no commit of this repository"),
        (blob, "no commit of this repository"),
    ];
    cases.extend(aside.ok().map(|aside| (aside, "from another branch")));
    for (revision, why) in cases {
        for result in [Judgement::Bad, Judgement::Good] {
            says(&w, &id, result, Some(revision.clone()), None).await;
        }
        assert_eq!(w.record(&id).await.stage, Stage::Merged, "{why}");
        let told = told(&w, &id).await;
        assert!(told.contains(&revision.as_str()[..12]) && told.contains(why), "{why}: {told}");
    }
    w.later(73 * HOUR).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Neutral), "{landed} is not shown by any of them");
    w.finish().await;
}

#[tokio::test]
async fn a_bad_word_of_a_later_commit_counts_at_once() {
    let w = World::start().await;
    let (id, _) = landed(&w).await;
    let later = w.commits("README.md", Some("other words\n")).await;
    says(&w, &id, Judgement::Bad, Some(later), None).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Bad));
    w.expect(&id, &format!("{MERGED} / waits: soak / settled: bad / proposes a revert")).await;
    w.finish().await;
}

#[tokio::test]
async fn an_alert_counts_when_it_began_after_the_change_landed() {
    let w = World::start().await;
    let (id, _) = landed(&w).await;
    let at = w.record(&id).await.landed.expect("merged").at;
    for since in [at.plus_seconds(-60), at] {
        says(&w, &id, Judgement::Bad, None, Some(since)).await;
        assert_eq!(w.record(&id).await.stage, Stage::Merged);
    }
    assert!(told(&w, &id).await.contains("began before the change landed"));
    says(&w, &id, Judgement::Bad, None, Some(at.plus_seconds(1))).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Bad));
    w.finish().await;
}

#[tokio::test]
async fn a_report_that_comes_before_the_merge_is_noticed_counts_afterwards() {
    let w = World::start().await;
    let id = w.propose(&image("web", "staging", "2.0")).await;
    let number = w.number(&id).await;
    let method = countersign::domain::facts::MergeMethod::Squash;
    let merged = w.dana().merge(number, method).await.unwrap();
    let countersign::forge::Merge::Merged(commit) = merged else { panic!("{merged:?}") };
    assert_eq!(w.record(&id).await.stage, Stage::Open, "nobody looked yet");
    says(&w, &id, Judgement::Good, Some(commit), None).await;
    w.later(73 * HOUR).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Good));
    w.finish().await;
}

#[tokio::test]
async fn a_status_of_the_landed_commit_is_evidence_at_the_end_of_the_soak() {
    let w = World::start().await;
    w.rules(&watching("{statuses: [\"argocd/*\"]}")).await;
    let (id, commit) = landed(&w).await;
    status(&w, &commit, Conclusion::Pending).await;
    w.later(HOUR).await;
    assert!(told(&w, &id).await.contains("status argocd/web (does not count: it is not done yet)"));
    status(&w, &commit, Conclusion::Success).await;
    w.later(HOUR).await;
    assert!(told(&w, &id).await.contains("status argocd/web says good"), "{}", told(&w, &id).await);
    assert_eq!(w.record(&id).await.stage, Stage::Merged);
    w.later(73 * HOUR).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Good));
    let reason = w.record(&id).await.reason.expect("a reason");
    assert_eq!(reason.sentence, "status argocd/web reports: success on the landed commit");
    w.finish().await;
}

#[tokio::test]
async fn a_failure_on_the_landed_commit_is_bad_at_once() {
    let w = World::start().await;
    w.rules(&watching("{statuses: [\"argocd/*\"]}")).await;
    let (id, commit) = landed(&w).await;
    status(&w, &commit, Conclusion::Failure).await;
    w.later(HOUR).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Bad));
    w.finish().await;
}

#[tokio::test]
async fn what_we_wrote_ourselves_and_what_is_not_named_is_no_evidence() {
    let w = World::start().await;
    w.rules(&watching("{statuses: [\"argocd/*\", \"countersign/*\"], deployments: [\"*\"]}")).await;
    let (id, commit) = landed(&w).await;
    for name in ["argocd/web", "countersign/attestation"] {
        let conclusion = Conclusion::Success;
        let ours = Report { name: name.into(), conclusion, title: "fine".into(), summary: String::new() };
        forge(&w).report(&commit, &ours).await.unwrap();
    }
    w.ci().check_commit(&commit, "ci/build", Conclusion::Failure, 15_368).await.unwrap();
    w.later(73 * HOUR).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Neutral));
    w.finish().await;
}

#[tokio::test]
async fn the_forge_is_asked_once_in_a_sweep_and_only_where_the_config_says_so() {
    let w = World::start().await;
    let (silent, _) = landed(&w).await;
    w.later(HOUR).await;
    assert_eq!((w.asked("signals"), w.asked("deployments")), (0, 0), "no source is named");
    says(&w, &silent, Judgement::Bad, Some(w.record(&silent).await.landed.unwrap().commit), None).await;
    w.rules(&watching("{statuses: [\"argocd/*\"]}")).await;
    let id = w.propose(&image("basket", "staging", "2.0")).await;
    assert_eq!(w.asked("signals"), 0, "an open one is not asked about");
    w.merge(&id).await;
    let first = w.asked("signals");
    assert_eq!(first, 1);
    for _ in 0..5 {
        w.later(60).await;
    }
    assert_eq!(w.asked("signals"), first, "hints do not make it ask more often");
    w.later(600).await;
    assert_eq!((w.asked("signals"), w.asked("deployments")), (first + 1, 0));
    let commit = w.record(&id).await.landed.unwrap().commit;
    w.later(72 * HOUR - 960).await;
    status(&w, &commit, Conclusion::Failure).await;
    w.later(60).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Bad), "at the end of the soak it is asked afresh");
    w.finish().await;
}

#[tokio::test]
async fn what_may_not_be_read_says_nothing_and_is_shown() {
    let w = World::start().await;
    w.rules(&watching("{statuses: [\"argocd/*\"], deployments: [production]}")).await;
    w.fault("deployments", FaultKind::FailBefore(ForgeError::Denied("deployments: read is missing".into())));
    let (id, commit) = landed(&w).await;
    let told = told(&w, &id).await;
    assert!(told.contains("every deployment of the landed commit") && told.contains("deployments: read"), "{told}");
    status(&w, &commit, Conclusion::Success).await;
    w.later(73 * HOUR).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Good), "the other source speaks");
    w.finish().await;
}

/// The soak of the config is ten days; somebody breaks the config on the fourth, and mends it on the sixth.
#[tokio::test]
async fn a_config_that_cannot_be_read_ends_no_soak() {
    let w = World::start().await;
    let long = config("propose", "", "").replace("soak: 72h", "soak: 10d");
    assert!(long.contains("soak: 10d"));
    w.rules(&long).await;
    let (id, commit) = landed(&w).await;
    says(&w, &id, Judgement::Good, Some(commit), None).await;
    w.later(80 * HOUR).await;
    w.rules("version: 1\nsurprise: true\n").await;
    w.later(40 * HOUR).await;
    assert_eq!((w.record(&id).await.stage, outcome(&w, &id).await), (Stage::Merged, None), "{}", w.story(&id).await);
    let told = told(&w, &id).await;
    assert!(told.contains("how long it soaks is not known") && told.contains("surprise"), "{told}");
    w.rules(&long).await;
    w.later(100 * HOUR).await;
    assert_eq!(outcome(&w, &id).await, None, "ten days are not over");
    w.later(30 * HOUR).await;
    assert_eq!(outcome(&w, &id).await, Some(Judgement::Good));
    w.finish().await;
}
