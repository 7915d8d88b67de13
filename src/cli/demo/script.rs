//! What the demo plays: a track record, then one of each kind of ending.

use super::stage::{PROPOSER, REPOSITORY, Stage};
use crate::domain::lifecycle::Stage as At;
use crate::domain::trust::Judgement;
use crate::forge::local::Edit;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::io::Write;

/// Clean outcomes that unlock a class at 0.95.
pub(super) const HISTORY: u64 = 73;
/// Days over which they are spread.
const DAYS: u64 = 60;
const HOUR: i64 = 3_600;
const APPS: [&str; 12] = [
    "basket",
    "billing",
    "catalog",
    "checkout",
    "email",
    "gateway",
    "inventory",
    "ledger",
    "reviews",
    "search",
    "shipping",
    "web",
];

/// A proposal and what is expected of it.
#[derive(Clone, Debug)]
pub(super) struct Played {
    pub(super) id: String,
    pub(super) story: &'static str,
}

/// A proposal that was refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) proposal: String,
    pub(super) code: String,
    pub(super) reason: String,
}

/// Everything that was played.
#[derive(Debug, Default)]
pub(super) struct Play {
    pub(super) played: Vec<Played>,
    pub(super) refusals: Vec<Refusal>,
}

/// A `SetImage` of one application in one environment.
fn set_image(name: &str, app: &str, environment: &str, tag: &str) -> Value {
    let namespace = if environment == "staging" { "shop-staging" } else { "shop" };
    json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "id": name, "actionKind": "SetImage",
        "repository": {"forge": "local", "name": REPOSITORY},
        "environment": environment,
        "target": {"kind": "Deployment", "namespace": namespace, "name": app},
        "changes": [{"kustomize": {
            "directory": format!("apps/{app}/{environment}"),
            "images": [{"name": format!("ghcr.io/acme/{app}"), "newTag": tag}]
        }}],
        "reason": format!("{app} restarts with an error that {tag} mends"),
        "evidence": [{"title": "error rate", "url": "https://grafana.example/d/errors"}],
        "confidence": "0.93",
        "blastRadius": {"environments": [environment], "objects": [{"kind": "Deployment", "namespace": namespace, "name": app}]},
        "rollback": {"description": "set the tag that stood there before"},
        "proposer": {"id": PROPOSER, "display": "Sample agent"}
    })
}

impl Play {
    async fn send(&mut self, stage: &Stage, document: &Value, story: &'static str) -> anyhow::Result<String> {
        let accepted = stage.propose(document.to_string().as_bytes()).await?;
        stage.settle().await?;
        self.played.push(Played { id: accepted.id.clone(), story });
        Ok(accepted.id)
    }

    /// One proposal that a person merges after CI passed and that a reporter finds good.
    async fn good_one(&mut self, stage: &Stage, n: u64) -> anyhow::Result<()> {
        let app = APPS[usize::try_from(n)? % APPS.len()];
        let document = set_image(&format!("history-{n:02}"), app, "staging", &format!("1.{}", n + 1));
        let id = self.send(stage, &document, "merged by a person, reported good").await?;
        stage.clock.advance(HOUR / 2);
        stage.check_passes(&id, "ci/build").await?;
        stage.settle().await?;
        stage.merge(&id).await?;
        stage.settle().await?;
        stage.clock.advance(HOUR / 2);
        stage.report(&id, Judgement::Good, "synced and healthy").await?;
        stage.settle().await?;
        Ok(())
    }

    /// The record: 73 outcomes over 12 targets and 60 days.
    pub(super) async fn history(&mut self, stage: &Stage, out: &mut dyn Write) -> anyhow::Result<()> {
        let start = stage.clock.now();
        for n in 0..HISTORY {
            let day = i64::try_from(n * (DAYS - 1) / (HISTORY - 1))?;
            let morning = start.plus_seconds(day * 24 * HOUR);
            if stage.clock.now() < morning {
                stage.clock.set(morning);
                stage.settle().await?;
            }
            self.good_one(stage, n).await?;
            if (n + 1) % 12 == 0 {
                write!(out, " {}", n + 1)?;
                out.flush()?;
            }
        }
        // The last changes soak for three days.
        stage.clock.advance(73 * HOUR);
        stage.settle().await?;
        Ok(())
    }

    /// One that merges by itself.
    pub(super) async fn automatic(&mut self, stage: &Stage) -> anyhow::Result<()> {
        let id = self.send(stage, &set_image("by-itself", "web", "staging", "2.0"), "merges by itself").await?;
        stage.clock.advance(HOUR / 2);
        stage.check_passes(&id, "ci/build").await?;
        stage.settle().await?;
        anyhow::ensure!(
            stage.record(&id).await?.stage == At::Merged,
            "the change that had earned it did not merge by itself"
        );
        stage.report(&id, Judgement::Good, "synced and healthy").await?;
        stage.clock.advance(73 * HOUR);
        stage.settle().await?;
        Ok(())
    }

    /// One in an environment where a person merges.
    pub(super) async fn waiting(&mut self, stage: &Stage) -> anyhow::Result<()> {
        let id =
            self.send(stage, &set_image("in-production", "web", "production", "2.0"), "waits for a person").await?;
        stage.check_passes(&id, "ci/build").await?;
        stage.settle().await?;
        Ok(())
    }

    /// One whose text somebody edits, and one whose branch somebody pushes to.
    pub(super) async fn tampered(&mut self, stage: &Stage) -> anyhow::Result<()> {
        let edited =
            self.send(stage, &set_image("body-edited", "search", "staging", "2.0"), "its body is edited").await?;
        let pull = stage.pull(&edited).await?;
        let body = pull.body.replace("that 2.0 mends", "that 2.0 surely mends");
        stage.person("mallory", 66).edit(pull.number, Edit { body: Some(body), ..Edit::default() }).await?;
        stage.wake(&edited).await?;
        let pushed = self
            .send(stage, &set_image("branch-pushed", "ledger", "staging", "2.0"), "its branch gains a commit")
            .await?;
        let number = stage.pull(&pushed).await?.number;
        let file = ("apps/ledger/base/deployment.yaml".to_owned(), Some(b"kind: Deployment\n".to_vec()));
        stage.person("mallory", 66).push(number, vec![file], "one more thing").await?;
        stage.wake(&pushed).await?;
        for id in [&edited, &pushed] {
            stage.settle().await?;
            stage.check_passes(id, "ci/build").await?;
        }
        stage.settle().await?;
        Ok(())
    }

    /// One that merges by itself and does badly: its class loses its autonomy, and the way back is opened.
    pub(super) async fn failing(&mut self, stage: &Stage) -> anyhow::Result<()> {
        let story = "merges by itself, is reported bad: its class needs people again";
        let id = self.send(stage, &set_image("turned-bad", "email", "staging", "2.0"), story).await?;
        stage.check_passes(&id, "ci/build").await?;
        stage.settle().await?;
        stage.report(&id, Judgement::Bad, "mails are sent twice").await?;
        stage.wake(&id).await?;
        stage.settle().await?;
        let record = stage.record(&id).await?;
        let class = record.class.as_ref().context("the change that did badly has no class")?.key();
        let demoted = stage.parts.store.demoted(stage.tenant(), class).await?;
        anyhow::ensure!(record.auto && demoted, "the class whose change did badly keeps its autonomy");
        let revert = record.relations.reverted_by.context("nothing takes back the change that did badly")?;
        anyhow::ensure!(stage.record(&revert).await?.stage == At::Open, "the revert was not opened");
        self.played.push(Played { id: revert, story: "takes it back: opened at once, waits for a person" });
        Ok(())
    }

    /// One refused at the door, and one refused when its effect was read.
    pub(super) async fn refused(&mut self, stage: &Stage) -> anyhow::Result<()> {
        let mut foreign = set_image("in-anothers-name", "web", "staging", "3.0");
        foreign["proposer"]["id"] = json!("person:dana");
        match stage.propose(foreign.to_string().as_bytes()).await {
            Ok(_) => anyhow::bail!("a proposal in another's name was taken in"),
            Err(refused) => self.refusals.push(Refusal {
                proposal: "in-anothers-name".into(),
                code: refused.code().into(),
                reason: refused.to_string(),
            }),
        }
        let mut protected = set_image("protected", "web", "staging", "3.0");
        protected["target"]["namespace"] = json!("kube-system");
        let id = self.send(stage, &protected, "touches a protected namespace").await?;
        let record = stage.record(&id).await?;
        let reason = record.verdict.as_ref().map(|verdict| verdict.sentence.clone()).unwrap_or_default();
        let code = record.verdict.as_ref().map(|verdict| verdict.code.clone()).unwrap_or_default();
        self.refusals.push(Refusal { proposal: "protected".into(), code, reason });
        Ok(())
    }
}
