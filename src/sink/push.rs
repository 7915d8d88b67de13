//! Loki's push API and OpenTelemetry's logs over HTTP: one request for a batch, answered as a whole.
//!
//! Must not follow a redirect, wait for ever, or show the token it sends.

use super::form::Form;
use super::trouble::Trouble;
use crate::config;
use crate::domain::ids::TenantId;
use crate::domain::redact;
use crate::forge::fetch::cause;
use crate::forge::resolve::Guarded;
use crate::store::StoredLeaf;
use anyhow::Context as _;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, redirect};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::time::Duration;

/// The longest that one batch may take; shorter than a lease.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is read of an answer, bytes.
const MOST: usize = 64 * 1024;
/// What is shown of one, characters.
const SHOWN: usize = 200;
/// The longest that an answer may put us off, seconds.
const LONGEST: i64 = 3_600;

/// What is spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Loki,
    Otlp,
}

/// One address that takes entries.
#[derive(Debug)]
pub(super) struct Push {
    protocol: Protocol,
    listed: config::Sink,
    url: String,
    instance: String,
    tenant: TenantId,
    client: Client,
}

impl Push {
    pub(super) fn of(
        listed: &config::Sink,
        protocol: Protocol,
        instance: &str,
        tenant: &TenantId,
    ) -> anyhow::Result<Push> {
        let url = listed.url.clone().with_context(|| format!("sink `{}` has no url", listed.name))?;
        let client = Client::builder()
            .timeout(PATIENCE)
            .redirect(redirect::Policy::none())
            .dns_resolver(Guarded)
            .user_agent("countersign")
            .build()?;
        let (listed, instance, tenant) = (listed.clone(), instance.to_owned(), tenant.clone());
        Ok(Push { protocol, listed, url, instance, tenant, client })
    }

    /// Sends a batch; all of it was taken, or it has to be sent again.
    pub(super) async fn send(&self, batch: &[StoredLeaf], payloads: bool) -> Result<(), Trouble> {
        let later = |reason: String| Trouble::Later(reason, 0);
        let forms = batch.iter().map(|leaf| Form::of(leaf, payloads)).collect::<Result<Vec<_>, _>>().map_err(later)?;
        let body = match self.protocol {
            Protocol::Loki => self.loki(&forms),
            Protocol::Otlp => self.otlp(&forms),
        };
        let mut request = self.client.post(&self.url).json(&body);
        let token = self.listed.token().map_err(|error| later(format!("{error:#}")))?;
        request = match (&self.listed.user, &token) {
            (Some(user), token) => request.basic_auth(user, token.as_ref().map(|token| token.expose_secret())),
            (None, Some(token)) => request.bearer_auth(token.expose_secret()),
            (None, None) => request,
        };
        if let Some(org) = &self.listed.org {
            request = request.header("X-Scope-OrgID", org);
        }
        match request.send().await {
            Ok(response) => self.judge(response).await,
            Err(error) => Err(later(format!("no answer from {}: {}", self.host(), cause(&error)))),
        }
    }

    async fn judge(&self, mut response: Response) -> Result<(), Trouble> {
        let status = response.status();
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() <= MOST => bytes.extend_from_slice(&chunk),
                Ok(_) => break,
                // What a collector did not take stands at the end of its answer.
                Err(error) => {
                    return Err(Trouble::Later(format!("{}: the answer broke off: {}", self.host(), cause(&error)), 0));
                }
            }
        }
        let said = || format!("{} answers {status}: {}", self.host(), shown(&bytes));
        match status.as_u16() {
            200..=299 => match rejected(&bytes) {
                Some(count) if self.protocol == Protocol::Otlp => {
                    Err(Trouble::Refused(format!("{} rejected {count} entries: {}", self.host(), shown(&bytes))))
                }
                _ => Ok(()),
            },
            400 | 413 | 422 => Err(Trouble::Refused(said())),
            _ => Err(Trouble::Later(said(), wait.unwrap_or(0).clamp(0, LONGEST))),
        }
    }

    /// Scheme, host and port: a path or a query may hold a key.
    fn host(&self) -> String {
        url::Url::parse(&self.url).map_or_else(|_| self.listed.name.clone(), |url| url.origin().ascii_serialization())
    }

    /// One stream; Loki takes an entry twice with the same time and text for one.
    fn loki(&self, forms: &[Form]) -> Value {
        let value = |form: &Form| json!([nanoseconds(form), Value::Object(form.fields.clone()).to_string()]);
        let stream = json!({"service_name": "countersign", "instance": self.instance, "tenant": self.tenant});
        json!({"streams": [{"stream": stream, "values": forms.iter().map(value).collect::<Vec<_>>()}]})
    }

    fn otlp(&self, forms: &[Form]) -> Value {
        let resource = [("service.name", "countersign"), ("service.instance.id", self.instance.as_str())];
        let resource: Vec<Value> = resource.iter().map(|(key, value)| text(key, value)).collect();
        let records: Vec<Value> = forms.iter().map(record).collect();
        let scope = json!({"name": "countersign.audit", "version": "1"});
        json!({"resourceLogs": [{"resource": {"attributes": resource},
               "scopeLogs": [{"scope": scope, "logRecords": records}]}]})
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn record(form: &Form) -> Value {
    let mut attributes = Vec::new();
    for (name, value) in &form.fields {
        let key = format!("countersign.{name}");
        match value {
            Value::String(string) if string.is_empty() => {}
            Value::String(string) => attributes.push(text(&key, string)),
            // In OTLP's JSON a whole number is a text.
            Value::Number(number) => attributes.push(json!({"key": key, "value": {"intValue": number.to_string()}})),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {}
        }
    }
    let (severity, word) = if form.refuses { (13, "WARN") } else { (9, "INFO") };
    let at = nanoseconds(form);
    json!({
        "timeUnixNano": at, "observedTimeUnixNano": at, "severityNumber": severity, "severityText": word,
        "eventName": format!("countersign.{}", form.kind), "attributes": attributes,
        "body": {"stringValue": Value::Object(form.fields.clone()).to_string()},
    })
}

fn nanoseconds(form: &Form) -> String {
    format!("{}000", form.time_us.max(0))
}

/// How many entries a collector says it did not take.
fn rejected(bytes: &[u8]) -> Option<u64> {
    let answer: Value = serde_json::from_slice(bytes).ok()?;
    let count = answer.get("partialSuccess")?.get("rejectedLogRecords")?;
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    (count > 0).then_some(count)
}

/// What an answer says, fit for a line of a log.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    redact::text(plain.trim()).into_owned()
}
