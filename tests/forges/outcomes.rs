//! What the forge itself shows on a landed commit: statuses, checks, jobs and deployments, on each forge.

use crate::documents::config;
use crate::stand::{Kind, Stand, bump};
use countersign::domain::facts::Conclusion;
use countersign::domain::ids::Oid;
use countersign::domain::lifecycle::Stage;
use countersign::domain::trust::Judgement;
use countersign::forge::Report;

const HOUR: i64 = 3_600;
/// Whoever wrote it has no number on GitHub; on GitLab it is a job.
const UNNUMBERED: u64 = 0;
const DANA: u64 = 7;

on_each_forge!(
    f54_a_status_of_the_landed_commit_is_evidence,
    f54_a_failure_on_the_landed_commit_is_bad_at_once,
    f53_what_we_wrote_on_the_landed_commit_is_no_evidence,
);
on_served!(f54_a_deployment_of_the_landed_commit_is_evidence);
on_github!(f54_deployments_that_may_not_be_read_say_nothing);

/// A merged change under a config with these sources, and the commit it landed as.
async fn landed(kind: Kind, sources: &str) -> (Stand, String, Oid) {
    let stand = Stand::start(kind).await;
    stand.rules(&config("propose", "", &format!("outcomes: {sources}\n"))).await;
    let id = stand.propose(bump("web", "2.0")).await;
    stand.merges(&id).await;
    stand.settle().await;
    let commit = stand.record(&id).await.landed.expect("merged").commit;
    (stand, id, commit)
}

async fn writes(stand: &Stand, commit: &Oid, name: &str, conclusion: Conclusion, app: u64) {
    stand.dana().check_commit(commit, name, conclusion, app).await.unwrap();
}

async fn told(stand: &Stand, id: &str) -> String {
    stand.record(id).await.verdict.expect("a verdict").text()
}

async fn f54_a_status_of_the_landed_commit_is_evidence(kind: Kind) {
    for app in [UNNUMBERED, DANA] {
        let (stand, id, commit) = landed(kind, "{statuses: [\"argocd/*\"]}").await;
        writes(&stand, &commit, "argocd/web", Conclusion::Pending, app).await;
        writes(&stand, &commit, "ci/build", Conclusion::Failure, app).await;
        stand.later(HOUR).await;
        assert!(told(&stand, &id).await.contains("it is not done yet"), "{}", told(&stand, &id).await);
        writes(&stand, &commit, "argocd/web", Conclusion::Success, app).await;
        stand.later(HOUR).await;
        assert_eq!(stand.record(&id).await.stage, Stage::Merged);
        stand.later(73 * HOUR).await;
        assert_eq!(stand.record(&id).await.outcome, Some(Judgement::Good), "{}", told(&stand, &id).await);
        stand.finish().await;
    }
}

async fn f54_a_failure_on_the_landed_commit_is_bad_at_once(kind: Kind) {
    for app in [UNNUMBERED, DANA] {
        let (stand, id, commit) = landed(kind, "{statuses: [\"argocd/web\"]}").await;
        writes(&stand, &commit, "argocd/web", Conclusion::Failure, app).await;
        stand.later(HOUR).await;
        assert_eq!(stand.record(&id).await.outcome, Some(Judgement::Bad), "{}", told(&stand, &id).await);
        stand.finish().await;
    }
}

async fn f53_what_we_wrote_on_the_landed_commit_is_no_evidence(kind: Kind) {
    let (stand, id, commit) = landed(kind, "{statuses: [\"*\", \"*/*\"]}").await;
    let (conclusion, title) = (Conclusion::Success, "fine".to_owned());
    let ours = Report { name: "countersign/gate".into(), conclusion, title, summary: String::new() };
    stand.forge().report(&commit, &ours).await.unwrap();
    stand.later(73 * HOUR).await;
    assert_eq!(stand.record(&id).await.outcome, Some(Judgement::Neutral), "{}", told(&stand, &id).await);
    stand.finish().await;
}

/// Somebody deploys a commit to an environment, to this end.
fn deploys(stand: &Stand, commit: &Oid, environment: &str, good: bool) {
    match stand.kind {
        Kind::Github if good => stand.hub().deploys(commit, environment, &["in_progress", "success", "inactive"]),
        Kind::Github => stand.hub().deploys(commit, environment, &["in_progress", "failure"]),
        Kind::Gitlab => stand.lab().deploys(commit, environment, if good { "success" } else { "failed" }),
        Kind::Local => unreachable!("nothing is deployed from a folder"),
    }
}

async fn f54_a_deployment_of_the_landed_commit_is_evidence(kind: Kind) {
    for good in [true, false] {
        let (stand, id, commit) = landed(kind, "{deployments: [production]}").await;
        if kind == Kind::Github {
            stand.hub().grants_deployments();
        }
        let base = stand.bare().commit(&commit).unwrap().parents[0].clone();
        deploys(&stand, &base, "production", !good);
        deploys(&stand, &commit, "preview", !good);
        deploys(&stand, &commit, "production", !good);
        deploys(&stand, &commit, "production", good);
        stand.later(HOUR).await;
        let now = stand.record(&id).await;
        assert_eq!(now.stage == Stage::Merged, good, "{}", told(&stand, &id).await);
        stand.later(73 * HOUR).await;
        let wanted = if good { Judgement::Good } else { Judgement::Bad };
        assert_eq!(stand.record(&id).await.outcome, Some(wanted), "{}", told(&stand, &id).await);
        stand.finish().await;
    }
}

async fn f54_deployments_that_may_not_be_read_say_nothing(kind: Kind) {
    let (stand, id, commit) = landed(kind, "{deployments: [production]}").await;
    deploys(&stand, &commit, "production", true);
    stand.later(HOUR).await;
    let text = told(&stand, &id).await;
    assert!(text.contains("every deployment of the landed commit") && text.contains("cannot be read"), "{text}");
    stand.later(73 * HOUR).await;
    assert_eq!(stand.record(&id).await.outcome, Some(Judgement::Neutral));
    stand.finish().await;
}
