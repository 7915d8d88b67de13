//! Proves what was played: every attestation, every change, the whole log.

use super::script::Play;
use super::stage::Stage;
use crate::cli::audit;
use crate::domain::attest::{Fault, prove};
use crate::domain::audit::{Report, Want};
use crate::domain::lifecycle::{Owner, Record};
use crate::domain::proposal::Sealed;
use crate::engine::apply_to;
use crate::git::Mirror;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::path::Path;

/// What the proofs came to.
#[derive(Debug)]
pub(super) struct Proofs {
    pub(super) verified: u64,
    pub(super) replayed: u64,
    pub(super) broken: Vec<(u64, Fault)>,
    pub(super) log: Report,
    pub(super) proposals: Vec<Value>,
    pub(super) merges: Vec<Value>,
    pub(super) left: Vec<(String, String)>,
}

/// Proves everything and writes bodies, proposals and the export below `home`.
pub(super) async fn prove_all(stage: &Stage, play: &Play, home: &Path) -> anyhow::Result<Proofs> {
    let (pulls, documents) = (home.join("pulls"), home.join("proposals"));
    std::fs::create_dir_all(&pulls)?;
    std::fs::create_dir_all(&documents)?;
    let (mut verified, mut replayed, mut broken, mut left) = (0, 0, Vec::new(), Vec::new());
    let (mut proposals, mut merges) = (Vec::new(), Vec::new());
    let scratch = tempfile::tempdir()?;
    let mirror = Mirror::open(scratch.path(), Some(&home.join("repos/shop.git")))?;
    for played in &play.played {
        let stored = stage.parts.store.record(stage.tenant(), &played.id).await?;
        let (record, bytes) = stored.with_context(|| format!("no proposal {}", played.id))?;
        proposals.push(proposal(&record, played.story));
        let name = record.name.as_ref().unwrap_or(&record.id);
        std::fs::write(documents.join(format!("{name}.json")), &bytes)?;
        let Some(number) = record.pull else { continue };
        let body = stage.pull(&played.id).await?.body;
        std::fs::write(pulls.join(format!("{number}.md")), &body)?;
        let at = record.issued.as_ref().map(|issued| issued.issued).unwrap_or_default();
        match prove(&body, &stage.parts.keys.set, at) {
            Ok(_) => verified += 1,
            Err(fault) => broken.push((number, fault)),
        }
        if let (Owner::Person, Some(reason)) = (record.owner, &record.reason) {
            left.push((record.name.clone().unwrap_or_default(), format!("{}: {}", reason.code, reason.sentence)));
        }
        if let Some(landed) = &record.landed {
            replay(&mirror, &bytes, &landed.commit).with_context(|| format!("pull request {number}"))?;
            replayed += 1;
            merges.push(json!({"proposal": record.name, "pull": number, "commit": landed.commit, "auto": record.auto, "by": landed.by.login}));
        }
    }
    let export = home.join("export");
    audit::export(&stage.parts.store, stage.tenant(), &stage.parts.keys.log, None, &export).await?;
    let log = audit::verify(&export, Want::default())
        .map_err(|broken| anyhow::anyhow!("the log does not verify: {broken}"))?;
    Ok(Proofs { verified, replayed, broken, log, proposals, merges, left })
}

fn proposal(record: &Record, story: &str) -> Value {
    json!({
        "id": record.id, "name": record.name, "digest": record.digest, "stage": record.stage, "owner": record.owner,
        "pull": record.pull, "auto": record.auto, "outcome": record.outcome, "reason": record.reason, "story": story,
        "attested": record.issued.as_ref().map(|issued| issued.issued.to_string()),
    })
}

/// The changes, applied to the landed commit's first parent, give the landed tree.
fn replay(mirror: &Mirror, bytes: &[u8], landed: &crate::domain::ids::Oid) -> anyhow::Result<()> {
    let sealed = Sealed::stored(bytes)?;
    let commit = mirror.commit(landed)?;
    let parent = commit.parents.first().context("the landed commit has no parent")?;
    let (tree, _) =
        apply_to(mirror, parent, &sealed.proposal.changes)?.map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
    anyhow::ensure!(tree == commit.tree, "the replayed tree {tree} is not the landed tree {}", commit.tree);
    Ok(())
}
