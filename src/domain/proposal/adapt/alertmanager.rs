//! Alertmanager's webhook, each firing alert joined with a runbook for its labels.
//!
//! Must not propose anything for an alert that is resolved or that no runbook names.

use super::{Runbook, Tool, Unfit, cut, head, needed, put, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The most alerts of one notification.
const MOST: usize = 100;

/// What becomes of one alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alerted {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The proposal; none when the alert is resolved.
    pub proposal: Option<Result<Value, Unfit>>,
}

/// The proposals of a notification, alert by alert.
pub fn alertmanager(notification: &Value, runbooks: &[Runbook], proposer: &str) -> Result<Vec<Alerted>, Unfit> {
    if text(notification, "/version") != Some("4") {
        return Err(Unfit::new("adapter_malformed", "version", "this is no Alertmanager notification of version 4"));
    }
    let alerts = notification.get("alerts").and_then(Value::as_array);
    let alerts = alerts.ok_or_else(|| Unfit::new("adapter_malformed", "alerts", "a list is needed here"))?;
    if alerts.len() > MOST {
        return Err(Unfit::new(
            "adapter_malformed",
            "alerts",
            format!("at most {MOST}: set `max_alerts` in the receiver"),
        ));
    }
    let each = |(n, alert): (usize, &Value)| {
        let fingerprint = needed(alert, "/fingerprint").map_err(|unfit| at(n, unfit))?.to_owned();
        let proposal = match needed(alert, "/status").map_err(|unfit| at(n, unfit))? {
            "resolved" => None,
            _ => Some(proposal(alert, runbooks, proposer).map_err(|unfit| at(n, unfit))),
        };
        Ok(Alerted { fingerprint, proposal })
    };
    alerts.iter().enumerate().map(each).collect()
}

fn at(n: usize, unfit: Unfit) -> Unfit {
    Unfit { path: format!("alerts[{n}].{}", unfit.path), ..unfit }
}

/// One incident is one proposal: its name is made of the fingerprint and of when it began.
fn proposal(alert: &Value, runbooks: &[Runbook], proposer: &str) -> Result<Value, Unfit> {
    let labels = texts(alert, "labels");
    let runbook = Runbook::find(runbooks, Tool::Alertmanager, &labels).ok_or_else(|| {
        let alertname = labels.get("alertname").map_or("", String::as_str);
        let reason = format!("no [[tenant.runbook]] of alertmanager matches the labels of `{}`", cut(alertname, 80));
        Unfit::new("no_runbook", "labels", reason)
    })?;
    let (fingerprint, began) = (needed(alert, "/fingerprint")?, needed(alert, "/startsAt")?);
    let mut values = BTreeMap::from([("alert.fingerprint".to_owned(), fingerprint.to_owned())]);
    values.extend(labels.iter().map(|(key, value)| (format!("labels.{key}"), value.clone())));
    let annotations = texts(alert, "annotations");
    values.extend(annotations.iter().map(|(key, value)| (format!("annotations.{key}"), value.clone())));
    let moment: String = began.chars().filter(char::is_ascii_digit).take(14).collect();
    let mut proposal = head(&format!("alert-{fingerprint}-{moment}"), proposer, "Alertmanager");
    runbook.filled(&values)?.into_iter().for_each(|(key, value)| put(&mut proposal, &key, value));
    if proposal.get("reason").is_none() {
        let said = [annotations.get("summary"), annotations.get("description")];
        let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
        let said = if said.is_empty() { "an alert fires".to_owned() } else { said.join("\n\n") };
        put(&mut proposal, "reason", json!(cut(&said, 4_000)));
    }
    let title = labels.get("alertname").map_or("alert", String::as_str);
    let mut evidence = json!({"title": cut(title, 200)});
    if let Some(url) = text(alert, "/generatorURL").filter(|url| url.starts_with("https://") && url.len() <= 2_000) {
        put(&mut evidence, "url", json!(url));
    }
    put(&mut proposal, "evidence", json!([evidence]));
    put(&mut proposal, "fingerprint", json!(cut(fingerprint, 128)));
    Ok(proposal)
}

fn texts(alert: &Value, member: &str) -> BTreeMap<String, String> {
    let map = alert.get(member).and_then(Value::as_object);
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    map.into_iter().flatten().filter_map(text).collect()
}
