//! Alerts of Alertmanager's webhook that fire, as words about what a proposal was meant to mend.
//!
//! Must not take an alert that ended for health.

use super::{About, Said, document, malformed, needed, note};
use crate::domain::ids::Time;
use crate::domain::proposal::Target;
use crate::domain::proposal::adapt::Unfit;
use crate::domain::trust::Judgement;
use serde_json::Value;
use std::collections::BTreeMap;

/// The most alerts of one notification.
const MOST: usize = 100;
/// The most labels of an alert.
const LABELS: usize = 64;

/// An alert that fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Alertmanager's fingerprint of its labels.
    pub fingerprint: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it began.
    pub since: Time,
}

/// Every alert that fires is bad; one that ended says nothing.
pub fn alerts(bytes: &[u8]) -> Result<Vec<Said>, Unfit> {
    let document = document(bytes)?;
    if needed(&document, "version", "version", 8)? != "4" {
        return Err(malformed("version", "this is no Alertmanager notification of version 4"));
    }
    let alerts = document.get("alerts").and_then(Value::as_array);
    let alerts = alerts.ok_or_else(|| malformed("alerts", "a list is needed here"))?;
    if alerts.len() > MOST {
        return Err(malformed("alerts", &format!("at most {MOST}: set `max_alerts` in the receiver")));
    }
    let each = alerts.iter().enumerate().map(|(n, alert)| one(alert, &format!("alerts[{n}]")));
    Ok(each.collect::<Result<Vec<_>, Unfit>>()?.into_iter().flatten().collect())
}

fn one(alert: &Value, at: &str) -> Result<Option<Said>, Unfit> {
    let fingerprint = needed(alert, "fingerprint", &format!("{at}.fingerprint"), 128)?.to_owned();
    match needed(alert, "status", &format!("{at}.status"), 16)? {
        "firing" => {}
        "resolved" => return Ok(None),
        _ => return Err(malformed(&format!("{at}.status"), "this is neither firing nor resolved")),
    }
    let place = format!("{at}.startsAt");
    let since = needed(alert, "startsAt", &place, 64)?;
    let since: Time = since.parse().map_err(|_| malformed(&place, "this is no RFC 3339 time"))?;
    let labels = labels(alert, &format!("{at}.labels"))?;
    let name = labels.get("alertname").map_or("without a name", String::as_str);
    let note = note(&format!("the alert {name} fires since {since}"));
    Ok(Some(Said { result: Judgement::Bad, about: About::Alert(Alert { fingerprint, labels, since }), note }))
}

fn labels(alert: &Value, at: &str) -> Result<BTreeMap<String, String>, Unfit> {
    let Some(Value::Object(map)) = alert.get("labels") else { return Err(malformed(at, "an object is needed here")) };
    if map.len() > LABELS {
        return Err(malformed(at, &format!("at most {LABELS} labels")));
    }
    let text = |(key, value): (&String, &Value)| match value {
        Value::String(text) => Ok((key.clone(), text.clone())),
        _ => Err(malformed(&format!("{at}.{key}"), "a text is needed here")),
    };
    map.iter().map(text).collect()
}

impl Alert {
    /// Whether it is about what a proposal was meant to mend: the same fingerprint, or the same object.
    pub fn names(&self, target: &Target, fingerprint: Option<&str>) -> bool {
        let own = [Some(self.fingerprint.as_str()), self.label("fingerprint")];
        let same = fingerprint.is_some_and(|wanted| own.contains(&Some(wanted)));
        same || (self.in_namespace(target) && (self.is_object(target) || self.is_pod_of(target)))
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    fn in_namespace(&self, target: &Target) -> bool {
        self.label("namespace") == target.namespace.as_deref()
    }

    /// The object's own label: `deployment`, `statefulset`, `node`; a Job's is `job_name`.
    fn is_object(&self, target: &Target) -> bool {
        let kind = target.kind.to_ascii_lowercase();
        let label = if kind == "job" { "job_name" } else { kind.as_str() };
        self.label(label) == Some(target.name.as_str())
    }

    /// A pod whose name is made of the object's.
    fn is_pod_of(&self, target: &Target) -> bool {
        let parts = match target.kind.as_str() {
            "Deployment" => 2,
            "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => 1,
            "Pod" => 0,
            _ => return false,
        };
        let Some(mut name) = self.label("pod") else { return false };
        for _ in 0..parts {
            match name.rsplit_once('-') {
                Some((before, made)) if !made.is_empty() => name = before,
                Some(_) | None => return false,
            }
        }
        name == target.name
    }
}
