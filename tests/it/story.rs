//! The audit log of a proposal, told in words, and what every log must keep to.

use countersign::domain::audit::{Manifest, Verifier, Want};
use countersign::domain::ids::TenantId;
use countersign::domain::lifecycle::Record;
use countersign::store::{Happened, Store};
use countersign::web::Export;
use std::collections::BTreeMap;

/// Every event in its own words, announcements too.
pub fn every(events: &[Happened]) -> Vec<String> {
    events.iter().map(words).collect()
}

/// What happened, without the announcements that come before effects.
pub fn told(events: &[Happened]) -> String {
    let announces = |kind: &str| kind.ends_with(".intent") || kind == "merge.answered";
    events.iter().filter(|event| !announces(&event.kind)).map(words).collect::<Vec<_>>().join(" / ")
}

fn words(event: &Happened) -> String {
    let code = &event.reason_code;
    let said = |name: &str| event.payload.as_ref().and_then(|p| p.get(name)).cloned().unwrap_or_default();
    match event.kind.as_str() {
        "proposal.received" => "received".into(),
        "approval.redeemed" => format!("approved by {}", said("approver").as_str().unwrap_or_default()),
        "approval.rejected" => format!("rejected by {}", said("approver").as_str().unwrap_or_default()),
        "approval.refused" => format!("no approval: {code}"),
        "push.intent" => "means to push".into(),
        "push.result" => "pushed".into(),
        "push.lost" => "did not push".into(),
        "pr.opened" => "opened".into(),
        "attestation.intent" => "means to attest".into(),
        "attestation.issued" => "attested".into(),
        "attestation.refused" => format!("not attested: {code}"),
        "gate.reported" if code.is_empty() => "every gate passes".into(),
        "gate.reported" | "proposal.waits" => format!("waits: {code}"),
        "merge.intent" => "means to merge".into(),
        "merge.answered" => "the forge merged".into(),
        "merge.result" => "merged".into(),
        "merge.by_person" => "merged by a person".into(),
        "merge.mismatch" => format!("landed otherwise: {code}"),
        "merge.refused" => format!("not merged: {code}"),
        "pr.left_to_people" => format!("left to people: {code}"),
        "command.taken" => format!("asked: {code}"),
        "command.refused" => format!("asked in vain: {code}"),
        "graduation.intent" => "means to suggest automate".into(),
        "graduation.result" => "suggested automate".into(),
        "graduation.lost" => "did not suggest automate".into(),
        "proposal.dropped" => format!("dropped: {code}"),
        "outcome.recorded" => {
            let demoted = if said("demoted") == true { ", demoted" } else { "" };
            format!("settled: {}{demoted}", said("outcome").as_str().unwrap_or_default())
        }
        other => other.into(),
    }
}

/// The story, every event and the verdict tree, for a test that fails.
pub fn tale(record: &Record, events: &[Happened]) -> String {
    let verdict = record.verdict.as_ref().map(|verdict| verdict.text()).unwrap_or_default();
    let reason = record.reason.as_ref().map(|r| format!("{}: {}", r.code, r.sentence)).unwrap_or_default();
    format!(
        "proposal {} ({}), stage {}, pull {:?}, {reason}\nstory: {}\nevents: {}\n{verdict}",
        record.id,
        record.target,
        record.stage.name(),
        record.pull,
        told(events),
        every(events).join(" / ")
    )
}

/// The result of every announced effect stands exactly once; `repeated` allows an announcement to be made again.
pub fn paired(events: &[Happened], repeated: bool) -> Result<(), String> {
    let mut announced: BTreeMap<&str, bool> = BTreeMap::new();
    for event in events {
        let (subject, act) = event.kind.split_once('.').unwrap_or((&event.kind, ""));
        let is_effect = matches!(subject, "push" | "attestation" | "merge" | "graduation");
        match act {
            "intent" => {
                let pending = announced.insert(subject, true) == Some(true);
                (!pending || repeated)
                    .then_some(())
                    .ok_or(format!("{subject}.intent before {} is open", event.index))?;
            }
            "result" | "lost" | "issued" | "refused" if is_effect => {
                let pending = announced.insert(subject, false) == Some(true);
                pending.then_some(()).ok_or(format!("{} at {} was not announced", event.kind, event.index))?;
            }
            // A person may merge or close while a merge of ours is announced.
            "by_person" | "mismatch" | "dropped" => {
                announced.insert("merge", false);
            }
            _ => {}
        }
    }
    match announced.iter().find(|(_, open)| **open) {
        Some((subject, _)) => Err(format!("{subject}.intent has no result")),
        None => Ok(()),
    }
}

/// Exports the log and verifies every entry of it.
pub async fn verified(store: &Store, tenant: &TenantId) -> Result<Manifest, String> {
    let fault = |error: countersign::store::StoreError| error.to_string();
    let mut export = Export::begin(store, tenant).await.map_err(fault)?;
    let manifest = export.manifest();
    let mut verifier = Verifier::new(manifest.clone(), Want::default()).map_err(|broken| broken.to_string())?;
    while let Some(entries) = export.batch().await.map_err(fault)? {
        for entry in entries {
            let line = serde_json::to_string(&entry).map_err(|error| error.to_string())?;
            verifier.line(&line).map_err(|broken| broken.to_string())?;
        }
    }
    let report = verifier.finish().map_err(|broken| broken.to_string())?;
    match report.effects.unannounced.first() {
        Some(index) => Err(format!("entry {index} tells of an effect that no entry announced")),
        None => Ok(manifest),
    }
}
